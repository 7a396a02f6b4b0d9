"""The verdict: from every signal on every pair to one score, its interval and its bounds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.evidence.calibration import CalibratedModel, calibrate, reference_pairs
from sockgraph.evidence.flagging import (
    FAMILIES,
    FlagRule,
    FlagThreshold,
    declared_pairs,
    families_for,
    flag_threshold,
)
from sockgraph.evidence.model import as_strangers, crowd, family_means, nearness, standing
from sockgraph.evidence.settings import WIDER
from sockgraph.signals import SIGNALS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from sockgraph.evidence.model import Bounds, NearPairs, Sample
    from sockgraph.evidence.settings import EvidenceSettings
    from sockgraph.evidence.similarity import Similarity
    from sockgraph.evidence.training import PseudoPairs, TrainingPairs
    from sockgraph.runtime import Progress

LEVEL = 0.95
AT_ONCE = 1 << 16


@dataclass(frozen=True)
class AccountIndex:
    """Who is compared, in the order of every array of this stage.

    Attributes
    ----------
    users
        Nominated and reference accounts with enough edits, in an order that only their own edit
        times decide.
    nominated, reference
        (users,) roles; in an open case everyone has both.
    person
        (users,) a number below the number of users; those whom labels give to one person share it.
    declared
        Groups of accounts that are declared to be one operator's.
    """

    users: tuple[str, ...]
    nominated: NDArray[np.bool_]
    reference: NDArray[np.bool_]
    person: NDArray[np.int64]
    declared: Sequence[Sequence[str]] = ()

    @property
    def one(self) -> NDArray[np.bool_]:
        """Return, (users, users), which pairs are known to be one operator's."""
        same = self.person[:, None] == self.person[None, :]
        return np.asarray(same | declared_pairs(self.users, self.declared))


@dataclass(frozen=True)
class NullTest:
    """A trace with a null of its own, never calibrated on cut histories; held at log10 LR one.

    Attributes
    ----------
    name, family
        What the tables call it.
    log10_lr
        (users, users), NaN where it cannot speak; added to the score as it is.
    support
        (users, users) what it rests on.
    available
        (users, users) whether the source offers what it needs.
    telling
        Returns the corpus's saves that moved it most for two users.
    """

    name: str
    family: str
    log10_lr: NDArray[np.float64]
    support: NDArray[np.int64]
    available: NDArray[np.bool_]
    telling: Callable[[int, int], NDArray[np.int64]] = field(repr=False)


@dataclass(frozen=True)
class PairScores:
    """What the models say of every pair of the cast.

    Attributes
    ----------
    cast
        Who is compared.
    alone, contributions
        (users, users, signals) each signal's own log10 LR (NaN: silent, or not calibrated), and
        what it adds to the score.
    crowd, rivals
        (users, users) how like either side is to its best others, and what that adds to the score.
    near, off
        (users, users) how near the pair's pages are among different reference pairs (−log10 of the
        share that is nearer), and what is taken off the log10 LR for it, not off the score.
    plain, score
        (users, users) without and with the traces that have a null of their own: ranks; never
        called an LR.
    carrying
        (users, users) what of the score may carry a flag: nothing that a trace with a null of its
        own says for one operator.
    log10_lr, below, above
        (users, users) the log10 LR, unbounded, and how far its interval reaches to both sides.
    bounds, narrow, wide
        What the reference supports, and the bounds' own interval; None where nothing is calibrated.
    sample, scores
        log10 LRs and scores of the reference; None likewise.
    community
        The whole reference.
    settings
        How evidence is weighed.
    facts
        For the manifest and the report.
    """

    cast: AccountIndex
    alone: NDArray[np.float64]
    contributions: NDArray[np.float64]
    crowd: NDArray[np.float64]
    rivals: NDArray[np.float64]
    near: NDArray[np.float64]
    off: NDArray[np.float64]
    plain: NDArray[np.float64]
    score: NDArray[np.float64]
    carrying: NDArray[np.float64]
    log10_lr: NDArray[np.float64]
    below: NDArray[np.float64]
    above: NDArray[np.float64]
    bounds: Bounds | None
    narrow: Bounds | None
    wide: Bounds | None
    sample: Sample | None
    scores: Sample | None
    community: TrainingPairs
    settings: EvidenceSettings
    facts: dict[str, Any]

    @property
    def carrying_lr(self) -> NDArray[np.float64]:
        """Return, (users, users), what of the log10 LR may carry a flag; unbounded."""
        return self.log10_lr - (self.score - self.carrying)

    @cached_property
    def standing(self) -> NDArray[np.float64]:
        """Return, (users, users), how far each pair stands out; NaN where nothing is calibrated."""
        roles = self.cast.nominated, self.cast.reference
        return standing(self.carrying, self.off, self.cast.one, roles)

    def stand_out(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far each nominated pair would stand out, had all these scores.

        (users, users); of other pairs it is not to be read, their groups are not looked for.
        """
        return standing(scores, self.off, self.cast.one, (self.cast.nominated,))

    @cached_property
    def promise(self) -> FlagThreshold | None:
        """Return what a flag rests on; None where nothing is calibrated."""
        if self.scores is None or self.bounds is None:
            return None
        others = np.flatnonzero(self.cast.reference & ~self.cast.nominated)
        a, b = (cells.ravel() for cells in np.meshgrid(others, others))
        asked = self.flag_inputs(a, b)
        met = (asked["n_families"] >= FAMILIES) & (asked["log10_lr"] >= self.settings.flag_log10_lr)
        standing = np.full(self.score.shape, -np.inf)
        standing[a, b] = np.where(met, asked["standing"], -np.inf)
        return flag_threshold(standing, self.near, self.cast, self.scores.different)

    @cached_property
    def rule(self) -> FlagRule | None:
        """Return the numbers that a flag asks of a link; None where nothing is calibrated."""
        promise = self.promise
        if promise is None:
            return None
        return FlagRule(
            float("inf") if promise.threshold is None else promise.threshold,
            self.settings.flag_log10_lr,
            float("-inf") if promise.score is None else promise.score,
            promise.threshold is not None,
        )

    def flag_inputs(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> pd.DataFrame:
        """Return what `flagging.unmet` reads of these pairs of the cast, by their numbers alone.

        Nothing is declared, accepted, imitated or outside until somebody assigns it. −1 is an
        account with too few edits.
        """
        speaking = families_for(
            np.nan_to_num(at_pairs(self.contributions, a, b)),
            [signal.family for signal in SIGNALS],
            self.settings.family_log10_lr,
        )
        said = at_pairs(self.carrying_lr, a, b)
        return pd.DataFrame(
            {
                "score": at_pairs(self.carrying, a, b),
                "standing": at_pairs(self.standing, a, b),
                "log10_lr": np.nan if self.bounds is None else self.bounds.clip(said),
                "n_families": np.sum(list(speaking.values()), axis=0),
                "declared": False,
                "accepted": False,
                "imitation": False,
                "outside": np.nan,
            }
        )

    def interval(
        self,
        log10_lr: NDArray[np.float64],
        below: NDArray[np.float64],
        above: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the low ends, the numbers and the high ends that are told of these log10 LRs.

        Held at the bounds, whose own interval is in the ends'; NaN where nothing is calibrated.
        """
        if self.bounds is None:
            nothing = np.full(log10_lr.shape, np.nan)
            return nothing, nothing, nothing
        narrow, wide = self.narrow or self.bounds, self.wide or self.bounds
        low, high = log10_lr - below, log10_lr + above
        return (
            np.where(low > 0, narrow.clip(low), wide.clip(low)),
            self.bounds.clip(log10_lr),
            np.where(high > 0, wide.clip(high), narrow.clip(high)),
        )

    def log10_lr_at(
        self, plain: NDArray[np.float64], rows: NDArray[np.int64], columns: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return what the log10 LR of these pairs would be, had they these scores by themselves."""
        beside = self.score[rows, columns] - self.plain[rows, columns]
        return as_strangers(plain - self.off[rows, columns]) + beside

    def taken_off(self, surprise: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what is taken off the log10 LR of pairs with these surprises, (…, signals)."""
        near: NearPairs = self.facts["near"]
        return near.correction(nearness(surprise, self.community.different))

    def with_extras(self, extras: Sequence[NullTest]) -> PairScores:
        """Return the same with the traces that have a null of their own added.

        They move the score and the LR; what they say for one operator never carries a flag.
        """
        if self.bounds is None:
            return self
        told = [np.nan_to_num(e.log10_lr, nan=0.0) for e in extras]
        added = sum(told, np.zeros(self.score.shape))
        against = sum((np.minimum(t, 0.0) for t in told), np.zeros(self.score.shape))
        return replace(
            self,
            score=self.score + added,
            carrying=self.carrying + against,
            log10_lr=self.log10_lr + added,
        )

    def with_transfer(self, told: list[dict[str, Any]]) -> PairScores:
        """Return the same with wider intervals where the accounts are unlike any community's.

        Parameters
        ----------
        told
            What `transfer` says of the nominated accounts; kept among the facts.
        """
        wider = WIDER * any(not one["inside"] for one in told)
        facts = self.facts | {"transfer": told, "wider": wider}
        return replace(self, below=self.below + wider, above=self.above + wider, facts=facts)


def at_pairs(
    values: NDArray[Any], a: NDArray[np.int64], b: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return (users, users, …) values of these pairs; NaN where either is −1."""
    found = np.full((len(a), *values.shape[2:]), np.nan)
    known = (a >= 0) & (b >= 0)
    found[known] = values[a[known], b[known]]
    return found


def score_pairs(  # noqa: PLR0917 - arrays of one stage, each named at the call
    cast: AccountIndex,
    measured: list[Similarity],
    splits: PseudoPairs,
    settings: EvidenceSettings,
    progress: Progress,
) -> PairScores:
    """Fit the models and judge every pair; where they cannot be fitted, score only and say why."""
    learnt = calibrate(cast, measured, splits, settings, progress)
    if isinstance(learnt, str):
        community = reference_pairs(cast, measured, splits)
        return _uncalibrated(cast, _surprise(measured), community, settings=settings, reason=learnt)
    return score_pairs_with(learnt, cast, measured, settings)


def score_pairs_with(
    learnt: CalibratedModel,
    cast: AccountIndex,
    measured: list[Similarity],
    settings: EvidenceSettings,
) -> PairScores:
    """Judge every pair of the cast by what a reference taught.

    Parameters
    ----------
    learnt
        From this cast, or from some of it: every account of its reference is in the cast.
    """
    learnt = learnt.on(cast)
    surprise, line, model = _surprise(measured), learnt.line, learnt.model
    fused = model.score(surprise)
    taken = crowd(fused)
    near = nearness(surprise, learnt.community.different)
    score = line.plain(fused - taken)
    log10_lr = line.apply(fused - taken, near)
    below, above = _spread(learnt, cast, (surprise, taken, near))
    return PairScores(
        cast=cast,
        alone=model.alone(surprise),
        contributions=line.scale * model.contributions(surprise),
        crowd=taken,
        rivals=-line.scale * (taken - learnt.usual),
        near=near,
        off=line.near.correction(near),
        plain=score,
        score=score,
        carrying=score,
        log10_lr=log10_lr,
        below=below,
        above=above,
        bounds=learnt.bounds,
        narrow=learnt.narrow,
        wide=learnt.wide,
        sample=learnt.sample,
        scores=learnt.scores,
        community=learnt.community,
        settings=settings,
        facts={
            "model": model,
            "near": line.near,
            "reason": None,
            "baseline": line.lift + line.scale * (model.baseline - learnt.usual),
        },
    )


def _surprise(measured: list[Similarity]) -> NDArray[np.float64]:
    return np.stack([m.pairs for m in measured], axis=-1)


def _uncalibrated(
    cast: AccountIndex,
    surprise: NDArray[np.float64],
    community: TrainingPairs,
    *,
    settings: EvidenceSettings,
    reason: str,
) -> PairScores:
    """Score by the plain mean of the signals' surprise above its usual 1: no LR."""
    n = surprise.shape[-1]
    heard = ~np.isnan(surprise)
    contributions = np.where(heard, surprise - 1, 0.0) / n
    score = contributions.sum(axis=-1)
    nothing = np.full(score.shape, np.nan)
    return PairScores(
        cast=cast,
        alone=np.full(surprise.shape, np.nan),
        contributions=contributions,
        crowd=nothing,
        rivals=np.zeros(score.shape),
        near=nothing,
        off=nothing,
        plain=score,
        score=score,
        carrying=score,
        log10_lr=nothing,
        below=nothing,
        above=nothing,
        bounds=None,
        narrow=None,
        wide=None,
        sample=None,
        scores=None,
        community=community,
        settings=settings,
        facts={"model": None, "reason": reason, "baseline": 0.0},
    )


def _spread(
    learnt: CalibratedModel,
    cast: AccountIndex,
    parts: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far below and above its median each pair's log10 LR lies in 95 % of resamples.

    Looked at are pairs of nominated accounts; of others no interval is told.
    """
    shape = parts[1].shape
    below, above = np.full(shape, np.nan), np.full(shape, np.nan)
    rows, columns = np.nonzero(np.triu(np.logical_and.outer(cast.nominated, cast.nominated)))
    seen, taken, near = (values[rows, columns] for values in parts)
    means = family_means(seen)
    scores = [one.line.apply(one.model.fused(means) - taken, near) for one in learnt.resampled]
    for side, values in zip((below, above), _around(scores, rows.shape), strict=True):
        side[rows, columns] = side[columns, rows] = values
    return below, above


def _around(
    scores: Sequence[NDArray[np.float64]], shape: tuple[int, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not scores:
        return np.zeros(shape), np.zeros(shape)
    tail = (1 - LEVEL) / 2
    low, middle, high = np.empty((3, *shape))
    for start in range(0, len(middle), AT_ONCE):  # beside all of them, sorting holds two copies
        part = slice(start, start + AT_ONCE)
        some = np.stack([values[part] for values in scores])
        low[part], middle[part], high[part] = np.quantile(some, [tail, 0.5, 1 - tail], axis=0)
    return middle - low, high - middle
