"""The verdict: from every signal on every pair to one score, its interval and its bounds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sockgraph.evidence.adjustment import closeness, rivalry
from sockgraph.evidence.calibration import CalibratedModel, calibrate, community_of, first_stage
from sockgraph.evidence.model import Model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from sockgraph.evidence.model import Bounds, Sample
    from sockgraph.evidence.pseudo_pairs import PseudoPairs
    from sockgraph.evidence.settings import EvidenceSettings
    from sockgraph.evidence.similarity import Similarity
    from sockgraph.evidence.training import TrainingPairs
    from sockgraph.runtime import Progress

LEVEL = 0.95
AT_ONCE = 1 << 16


@dataclass(frozen=True)
class AccountIndex:
    """Who is compared, in the order of every array of this stage.

    Attributes
    ----------
    users
        Nominated and reference accounts with enough edits, in alphabetical order.
    nominated, reference
        (users,) roles; in an open case everyone has both.
    person
        (users,) a number below the number of users; those whom labels give to one person share it.
    """

    users: tuple[str, ...]
    nominated: NDArray[np.bool_]
    reference: NDArray[np.bool_]
    person: NDArray[np.int64]


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
    alone, contributions
        (users, users, signals) each signal's own log10 LR (NaN: silent, or not calibrated), and
        what it adds to the score.
    rivalry, rivals
        (users, users) how well others explain either side, and what that adds to the score.
    place, community_part
        (users, users) the pair's place among different reference pairs by how alike their pages
        are, and what weighing it within its community adds to the score.
    score, below, above
        (users, users) the score, and how far its interval reaches to both sides.
    bounds
        None where nothing is calibrated.
    sample
        Scores of the reference by models that did not see it; None likewise.
    community
        The whole reference.
    facts
        For the manifest and the report.
    """

    alone: NDArray[np.float64]
    contributions: NDArray[np.float64]
    rivalry: NDArray[np.float64]
    rivals: NDArray[np.float64]
    place: NDArray[np.float64]
    community_part: NDArray[np.float64]
    score: NDArray[np.float64]
    below: NDArray[np.float64]
    above: NDArray[np.float64]
    bounds: Bounds | None
    sample: Sample | None
    community: TrainingPairs
    facts: dict[str, Any]

    def with_extras(self, extras: Sequence[NullTest]) -> PairScores:
        """Return the verdict with the traces that have a null of their own added to the score."""
        if self.bounds is None:
            return self
        added = sum(
            (np.nan_to_num(e.log10_lr, nan=0.0) for e in extras), np.zeros(self.score.shape)
        )
        return replace(self, score=self.score + added)


def judge(  # noqa: PLR0917 - arrays of one stage, each named at the call
    cast: AccountIndex,
    measured: list[Similarity],
    splits: PseudoPairs,
    settings: EvidenceSettings,
    progress: Progress,
) -> PairScores:
    """Fit the models and judge every pair; where they cannot be fitted, score only and say why."""
    learnt = calibrate(cast, measured, splits, settings, progress)
    if isinstance(learnt, str):
        return _uncalibrated(_surprise(measured), community_of(cast, measured, splits), learnt)
    return judge_by(learnt, cast, measured)


def judge_by(learnt: CalibratedModel, cast: AccountIndex, measured: list[Similarity]) -> PairScores:
    """Judge every pair of the cast by what a reference taught, none by a model that saw it.

    Parameters
    ----------
    learnt
        From this cast, or from some of it: every account of its reference is in the cast.
    """
    learnt = learnt.on(cast)
    surprise = _surprise(measured)
    first = first_stage(learnt.models, learnt.whole, learnt.fold, cast, surprise)
    near = rivalry(first.score, cast.reference)
    close = closeness(surprise, learnt.community)
    line = learnt.line
    slopes = line.scale * line.tilt.slopes(close.pairs)
    baseline = line.plain(first.baseline - learnt.usual)
    below, above = _spread(learnt, cast, surprise, near, close.pairs)
    return PairScores(
        alone=first.alone,
        contributions=slopes[..., None] * first.contributions,
        rivalry=near,
        rivals=-slopes * (near - learnt.usual),
        place=close.place,
        community_part=line.tilt.apply(baseline, close.pairs) - baseline,
        score=line.apply(first.score - near, close.pairs),
        below=below,
        above=above,
        bounds=learnt.bounds,
        sample=learnt.sample,
        community=learnt.community,
        facts={
            "model": learnt.whole,
            "reason": None,
            "baseline": line.lift + line.scale * (learnt.whole.baseline - learnt.usual),
            "near": {"shift": line.tilt.shift, "slope": line.tilt.slope},
        },
    )


def _surprise(measured: list[Similarity]) -> NDArray[np.float64]:
    return np.stack([m.pairs for m in measured], axis=-1)


def _uncalibrated(
    surprise: NDArray[np.float64], community: TrainingPairs, reason: str
) -> PairScores:
    """Score by the plain mean of the signals' surprise above its usual 1: no LR."""
    n = surprise.shape[-1]
    model = Model(np.full(n, -1.0), np.ones(n), np.full(n, 1 / n), 0.0)
    contributions = model.contributions(surprise)
    score = np.where(np.isnan(surprise).all(axis=-1), np.nan, contributions.sum(axis=-1))
    nothing = np.full(score.shape, np.nan)
    return PairScores(
        alone=np.full(surprise.shape, np.nan),
        contributions=contributions,
        rivalry=nothing,
        rivals=np.zeros(score.shape),
        place=nothing,
        community_part=np.zeros(score.shape),
        score=score,
        below=nothing,
        above=nothing,
        bounds=None,
        sample=None,
        community=community,
        facts={"model": None, "reason": reason, "baseline": 0.0, "flag_score": None},
    )


def _spread(  # noqa: PLR0917 - arrays of one stage, each named at the call
    learnt: CalibratedModel,
    cast: AccountIndex,
    surprise: NDArray[np.float64],
    near: NDArray[np.float64],
    weight: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far below and above its median each pair's score lies in 95 % of resamples.

    Looked at are pairs of nominated and pairs of reference accounts; of others nothing is told.
    """
    below, above = np.full(near.shape, np.nan), np.full(near.shape, np.nan)
    alike = np.logical_or(
        np.logical_and.outer(cast.nominated, cast.nominated),
        np.logical_and.outer(cast.reference, cast.reference),
    )
    rows, columns = np.nonzero(np.triu(alike))
    seen, rivals, nearness = (values[rows, columns] for values in (surprise, near, weight))
    scores = [one.line.apply(one.model.score(seen) - rivals, nearness) for one in learnt.resampled]
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
