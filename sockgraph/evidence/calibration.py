"""What a reference teaches: fitted numbers, by which any pair can be judged.

Models are fitted on accounts of the reference and cross-fitted by account: for every two folds one
that saw neither. The rest (one line, the correction for near pairs, the bounds) has seen all of
them; so have the resamples behind the intervals.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sockgraph.evidence.adjustment import (
    Closeness,
    CommunityAdjustment,
    closeness,
    rivalry,
    rivalry_of_halves,
    tilt,
)
from sockgraph.evidence.model import TRUST, Bounds, Model, Sample, elub, fit, line
from sockgraph.evidence.pseudo_pairs import LABELLED
from sockgraph.evidence.settings import MIN_REFERENCE, MIN_SPLITS, EvidenceSettings
from sockgraph.evidence.training import EXTREME, TrainingPairs, choose_pairs, cross_fit, folds_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from sockgraph.evidence.pseudo_pairs import PseudoPairs
    from sockgraph.evidence.scoring import AccountIndex
    from sockgraph.evidence.similarity import Similarity
    from sockgraph.runtime import Progress

NOBODY = -1
"""The fold of an account that no model saw."""


@dataclass(frozen=True)
class Line:
    """From a fused sum, rivals deducted, to log10 LR: a line, and what nearness adds to it."""

    lift: float
    scale: float
    tilt: CommunityAdjustment

    def plain(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return log10 LRs against the whole reference."""
        return self.lift + self.scale * raw

    def apply(self, raw: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return log10 LRs, near pairs weighed within their community."""
        return self.tilt.apply(self.plain(raw), weight)


@dataclass(frozen=True)
class Resample:
    """What one bootstrap resample of the reference's accounts teaches."""

    model: Model
    line: Line


@dataclass(frozen=True)
class CalibratedModel:
    """What a reference teaches.

    Attributes
    ----------
    users
        The accounts that `fold` and the community's indices point into.
    fold
        (users,) whose models saw an account; `NOBODY`: none did.
    models
        By two folds, fitted on accounts of neither.
    whole
        Fitted on all of them: for pairs that it did not see.
    line
        From score to log10 LR.
    usual
        The median rivalry of different reference pairs.
    resampled
        Behind the intervals.
    bounds, sample
        What log10 LR the reference supports, and its own pairs' and splits' log10 LRs.
    community
        The reference's pairs and splits.
    """

    users: tuple[str, ...]
    fold: NDArray[np.int64]
    models: dict[tuple[int, int], Model]
    whole: Model
    line: Line
    usual: float
    resampled: tuple[Resample, ...]
    bounds: Bounds
    sample: Sample
    community: TrainingPairs

    def on(self, cast: AccountIndex) -> CalibratedModel:
        """Return the same, pointing into another cast that holds every account of these.

        Raises
        ------
        KeyError
            If it does not hold them.
        """
        if self.users == cast.users:
            return self
        place = {user: i for i, user in enumerate(cast.users)}
        at = np.array([place[user] for user in self.users], dtype=np.int64)
        fold = np.full(len(cast.users), NOBODY)
        fold[at] = self.fold
        known = self.community
        moved = replace(
            known,
            a=at[known.a],
            b=at[known.b],
            owner=at[known.owner],
            partner=at[known.partner],
            n_accounts=len(cast.users),
        )
        return replace(self, users=cast.users, fold=fold, community=moved)


@dataclass(frozen=True)
class FirstStage:
    """Signals fused, before rivals are looked at: (users, users), and signals where several."""

    alone: NDArray[np.float64]
    contributions: NDArray[np.float64]
    baseline: NDArray[np.float64]

    @property
    def score(self) -> NDArray[np.float64]:
        """The fused sum."""
        return np.asarray(self.baseline + self.contributions.sum(axis=-1))


def calibrate(  # noqa: PLR0917 - arrays of one stage, each named at the call
    cast: AccountIndex,
    measured: list[Similarity],
    splits: PseudoPairs,
    settings: EvidenceSettings,
    progress: Progress,
) -> CalibratedModel | str:
    """Fit all that the cast's reference teaches; where it cannot be fitted, say why."""
    reason = _why_not(cast, splits)
    if reason:
        return reason
    community = community_of(cast, measured, splits)
    fold = np.where(cast.reference, folds_of(cast.person, settings.seed), NOBODY)
    chosen, weight = choose_pairs(community.different, settings.seed)
    part = community.some(chosen, weight)
    models, whole = cross_fit(part, fold), fit(part.training())
    surprise = np.stack([m.pairs for m in measured], axis=-1)
    first = first_stage(models, whole, fold, cast, surprise)
    rivals = rivalry(first.score, cast.reference)
    near = rivals[community.a, community.b]
    halves, split_rivals = _halves(models, fold, cast, measured, community)
    one = (community.owner[len(halves) :], community.partner[len(halves) :])  # labelled pairs
    same_rivals = np.concatenate([split_rivals, rivals[one]])
    raw = Sample(
        np.concatenate([halves, first.score[one]]) - same_rivals,
        community.weights()[0],
        first.score[community.a, community.b] - near,
        community.weights()[1],
    )
    close = closeness(surprise, community)
    extreme = raw.different > np.quantile(raw.different, 1 - EXTREME)
    fitted = _fit_line(raw, close, extreme)
    held = fitted.tilt.on(_plain(fitted, raw), close)
    learning = _Learning(
        part,
        replace(close, different=close.different[chosen]),
        extreme[chosen],
        (same_rivals, near[chosen]),
    )
    n_different = len(np.unique(np.concatenate([community.a, community.b])))
    return CalibratedModel(
        users=cast.users,
        fold=fold,
        models=models,
        whole=whole,
        line=fitted,
        usual=float(np.median(near)),
        resampled=tuple(_resampled(learning, settings, progress)),
        bounds=elub(held, len(np.unique(community.owner)), n_different),
        sample=held,
        community=community,
    )


def community_of(
    cast: AccountIndex, measured: list[Similarity], splits: PseudoPairs
) -> TrainingPairs:
    """Return the reference accounts' pairs and splits; labelled pairs of one person at the end."""
    rows, columns = np.triu_indices(len(cast.users), 1)
    both = cast.reference[rows] & cast.reference[columns]
    one = both & (cast.person[rows] == cast.person[columns])
    a, b = rows[both & ~one], columns[both & ~one]
    first, second = rows[one], columns[one]
    halves = np.column_stack([m.splits for m in measured])
    labelled = np.column_stack([m.pairs[first, second] for m in measured])
    return TrainingPairs(
        different=np.column_stack([m.pairs[a, b] for m in measured]),
        a=a,
        b=b,
        weight=np.ones(len(a)),
        same=np.vstack([halves, labelled]),
        owner=np.concatenate([splits.owner, first]),
        partner=np.concatenate([splits.owner, second]),
        stratum=np.concatenate([splits.stratum, np.full(len(first), LABELLED)]),
        n_accounts=len(cast.users),
        trust=np.array([TRUST.get(m.signal.family, 1.0) for m in measured]),
    )


def _why_not(cast: AccountIndex, splits: PseudoPairs) -> str | None:
    n_reference = int(cast.reference.sum())
    if n_reference < MIN_REFERENCE:
        return (
            f"{n_reference} reference accounts have enough edits; at least {MIN_REFERENCE} are"
            " needed to say how alike different people are"
        )
    owners = len(np.unique(splits.owner))
    if owners < MIN_SPLITS:
        return (
            f"{owners} reference accounts have enough edits to be cut in two; at least"
            f" {MIN_SPLITS} are needed to say how alike one operator's accounts are"
        )
    return None


def first_stage(  # noqa: PLR0917 - arrays of one stage, each named at the call
    models: dict[tuple[int, int], Model],
    whole: Model,
    fold: NDArray[np.int64],
    cast: AccountIndex,
    surprise: NDArray[np.float64],
) -> FirstStage:
    """Judge every pair by the model that saw neither of its accounts.

    A nominated account of the reference keeps its fold beside accounts that no model saw. Other
    pairs of a reference account with one of these go by the whole model: they say how well somebody
    else explains an account, and are told to nobody.
    """
    alone, contributions = whole.alone(surprise), whole.contributions(surprise)
    baseline = np.full(surprise.shape[:2], whole.baseline)
    low, high = np.minimum.outer(fold, fold), np.maximum.outer(fold, fold)
    both = cast.nominated & cast.reference
    low = np.where((low == NOBODY) & (both[:, None] | both[None, :]), high, low)
    for (p, q), model in models.items():
        here = (low == p) & (high == q)
        alone[here] = model.alone(surprise[here])
        contributions[here] = model.contributions(surprise[here])
        baseline[here] = model.baseline
    return FirstStage(alone, contributions, baseline)


def _halves(  # noqa: PLR0917 - arrays of one stage, each named at the call
    models: dict[tuple[int, int], Model],
    fold: NDArray[np.int64],
    cast: AccountIndex,
    measured: list[Similarity],
    community: TrainingPairs,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (splits,) the score between two halves, and how well others explain them."""
    cut = community.stratum != LABELLED
    owner, same = community.owner[cut], community.same[cut]
    scores = np.full(len(owner), np.nan)
    others = np.full((2, len(owner), len(cast.users)), np.nan)
    against = np.stack([m.against for m in measured], axis=-1)
    for p in np.unique(fold[owner]):
        here = fold[owner] == p
        scores[here] = models[p, p].score(same[here])
        others[:, here] = models[p, p].score(against[:, here])
    others[np.isnan(against).all(axis=-1)] = np.nan
    return scores, rivalry_of_halves(others, cast.reference)


def _fit_line(raw: Sample, close: Closeness, extreme: NDArray[np.bool_]) -> Line:
    straight = Line(*line(raw), CommunityAdjustment())
    return replace(straight, tilt=tilt(_plain(straight, raw), close, extreme))


def _plain(fitted: Line, raw: Sample) -> Sample:
    return replace(raw, same=fitted.plain(raw.same), different=fitted.plain(raw.different))


@dataclass(frozen=True)
class _Learning:
    """What resamples are drawn from.

    Attributes
    ----------
    part
        The pairs and splits that models learn from.
    close, extreme
        How near they are; (pairs,) which may be undetected socks.
    rivals
        (splits,) and (pairs,): what is deducted from their scores.
    """

    part: TrainingPairs
    close: Closeness
    extreme: NDArray[np.bool_]
    rivals: tuple[NDArray[np.float64], NDArray[np.float64]]


def _resampled(
    learning: _Learning, settings: EvidenceSettings, progress: Progress
) -> Iterator[Resample]:
    """Fit on resamples of accounts.

    A resample draws accounts with replacement, with all their pairs and splits; it mixes the
    strata of splits in a random share, since nobody knows which of them an operator's accounts
    resemble; and every other one leaves out the most extreme different pairs, which may be
    undetected socks.
    """
    part, n = learning.part, learning.part.n_accounts
    for turn in range(settings.resamples):
        rng = np.random.default_rng([settings.seed, 11, turn])
        times = np.bincount(rng.integers(0, n, n), minlength=n).astype(float)
        share = rng.uniform(0.25, 0.75)
        drop = learning.extreme if turn % 2 else None
        same, different = part.weights(times, mix=(share, 1 - share), drop=drop)
        model = fit(part.weighed(same, different))
        drawn = Sample(
            model.score(part.same) - learning.rivals[0],
            same,
            model.score(part.different) - learning.rivals[1],
            different,
        )
        yield Resample(model, _fit_line(drawn, learning.close, learning.extreme))
        progress("interval", turn + 1, settings.resamples)
