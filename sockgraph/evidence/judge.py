"""The models: from every signal on every pair to one score, its interval and its bounds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sockgraph.evidence.calibrate import Bounds, Sample, elub, line
from sockgraph.evidence.closeness import SIGNAL, Closeness, closeness, tilt
from sockgraph.evidence.community import EXTREME, Community, choose_pairs, cross_fit, folds_of
from sockgraph.evidence.fusion import TRUST, Model, fit
from sockgraph.evidence.rivals import rivalry, rivalry_of_halves
from sockgraph.evidence.settings import MIN_REFERENCE, MIN_SPLITS, EvidenceSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from sockgraph.evidence.measure import Measured
    from sockgraph.evidence.splits import Splits
    from sockgraph.progress import Progress

LEVEL = 0.95


@dataclass(frozen=True)
class Cast:
    """Who is compared, in the order of every array of this stage.

    Attributes
    ----------
    users
        Nominated and reference accounts with enough edits, in alphabetical order.
    nominated, reference
        (users,) roles; in an open case everyone has both.
    """

    users: tuple[str, ...]
    nominated: NDArray[np.bool_]
    reference: NDArray[np.bool_]


@dataclass(frozen=True)
class Extra:
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
class Verdict:
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
    community: Community
    facts: dict[str, Any]

    def with_extras(self, extras: Sequence[Extra]) -> Verdict:
        """Return the verdict with the traces that have a null of their own added to the score."""
        if self.bounds is None:
            return self
        added = sum(
            (np.nan_to_num(e.log10_lr, nan=0.0) for e in extras), np.zeros(self.score.shape)
        )
        return replace(self, score=self.score + added)


@dataclass(frozen=True)
class _First:
    """The first stage: signals fused, before rivals are looked at.

    Attributes
    ----------
    alone, contributions, score, baseline
        Over every pair of the cast.
    splits, split_rivalry
        (splits,) the score between two halves, and how well others explain them.
    """

    alone: NDArray[np.float64]
    contributions: NDArray[np.float64]
    score: NDArray[np.float64]
    baseline: NDArray[np.float64]
    splits: NDArray[np.float64]
    split_rivalry: NDArray[np.float64]


def judge(  # noqa: PLR0917 - arrays of one stage, each named at the call
    cast: Cast,
    measured: list[Measured],
    splits: Splits,
    settings: EvidenceSettings,
    progress: Progress,
) -> Verdict:
    """Fit the models and judge every pair; where they cannot be fitted, score only and say why."""
    surprise = np.stack([m.pairs for m in measured], axis=-1)
    community = _community(cast, measured, splits)
    reason = _why_not(cast, splits)
    if reason:
        return _uncalibrated(surprise, community, reason)
    chosen, weight = choose_pairs(community.different, settings.seed)
    part = replace(
        community,
        different=community.different[chosen],
        a=community.a[chosen],
        b=community.b[chosen],
        weight=weight,
    )
    fold = folds_of(len(cast.users), settings.seed)
    models = cross_fit(part, fold)
    whole = fit(part.training())
    first = _first(cast, measured, surprise, (models, whole, fold), community)
    names = [m.signal.name for m in measured]
    close = closeness(surprise, community, names.index(SIGNAL))
    near = replace(close, different=close.different[chosen])
    fixed = (surprise, settings, progress)
    return _second(cast, (community, part), first, whole, (close, near), fixed)


def _community(cast: Cast, measured: list[Measured], splits: Splits) -> Community:
    rows, columns = np.triu_indices(len(cast.users), 1)
    both = cast.reference[rows] & cast.reference[columns]
    a, b = rows[both], columns[both]
    return Community(
        different=np.column_stack([m.pairs[a, b] for m in measured]),
        a=a,
        b=b,
        weight=np.ones(len(a)),
        same=np.column_stack([m.splits for m in measured]),
        owner=splits.owner,
        stratum=splits.stratum,
        n_accounts=len(cast.users),
        trust=np.array([TRUST.get(m.signal.family, 1.0) for m in measured]),
    )


def _why_not(cast: Cast, splits: Splits) -> str | None:
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


def _uncalibrated(surprise: NDArray[np.float64], community: Community, reason: str) -> Verdict:
    """Score by the plain mean of the signals' surprise above its usual 1: no LR."""
    n = surprise.shape[-1]
    model = Model(np.full(n, -1.0), np.ones(n), np.full(n, 1 / n), 0.0)
    contributions = model.contributions(surprise)
    score = np.where(np.isnan(surprise).all(axis=-1), np.nan, contributions.sum(axis=-1))
    nothing = np.full(score.shape, np.nan)
    return Verdict(
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


def _first(  # noqa: PLR0917 - arrays of one stage, each named at the call
    cast: Cast,
    measured: list[Measured],
    surprise: NDArray[np.float64],
    fitted: tuple[dict[tuple[int, int], Model], Model, NDArray[np.int64]],
    community: Community,
) -> _First:
    models, whole, fold = fitted
    alone, contributions, baseline = _by_fold(surprise, fold, models)
    outside = ~(cast.reference[:, None] & cast.reference[None, :])  # seen by no model
    alone[outside] = whole.alone(surprise[outside])
    contributions[outside] = whole.contributions(surprise[outside])
    baseline[outside] = whole.baseline
    halves = np.full(len(community.owner), np.nan)
    others = np.full((2, len(community.owner), len(cast.users)), np.nan)
    against = np.stack([m.against for m in measured], axis=-1)
    for p in np.unique(fold[community.owner]):
        here = fold[community.owner] == p
        halves[here] = models[p, p].score(community.same[here])
        others[:, here] = models[p, p].score(against[:, here])
    others[np.isnan(against).all(axis=-1)] = np.nan
    return _First(
        alone,
        contributions,
        baseline + contributions.sum(axis=-1),
        baseline,
        halves,
        rivalry_of_halves(others, cast.reference),
    )


def _by_fold(
    surprise: NDArray[np.float64],
    fold: NDArray[np.int64],
    models: dict[tuple[int, int], Model],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Judge every pair by the model that saw neither of its accounts."""
    alone, contributions = np.empty_like(surprise), np.empty_like(surprise)
    baseline = np.empty(surprise.shape[:2])
    low, high = np.minimum.outer(fold, fold), np.maximum.outer(fold, fold)
    for (p, q), model in models.items():
        here = (low == p) & (high == q)
        alone[here] = model.alone(surprise[here])
        contributions[here] = model.contributions(surprise[here])
        baseline[here] = model.baseline
    return alone, contributions, baseline


def _second(  # noqa: PLR0917 - arrays of one stage, each named at the call
    cast: Cast,
    reference: tuple[Community, Community],
    first: _First,
    whole: Model,
    closeness_of: tuple[Closeness, Closeness],
    rest: tuple[NDArray[np.float64], EvidenceSettings, Progress],
) -> Verdict:
    """Hold scores against rivals and the community; find log10 LR, bounds and intervals."""
    community, part = reference
    close, near_part = closeness_of
    near = rivalry(first.score, cast.reference)
    raw = first.score - near
    same_weight, different_weight = community.weights()
    sample = Sample(
        first.splits - first.split_rivalry,
        same_weight,
        raw[community.a, community.b],
        different_weight,
    )
    lift, scale = line(sample)
    plain = _moved(sample, lift, scale)
    highest = np.quantile(sample.different, 1 - EXTREME)
    tilted = tilt(plain, close, sample.different > highest)
    held = tilted.on(plain, close)
    usual = float(np.median(near[community.a, community.b]))
    slopes = scale * tilted.slopes(close.pairs)
    extreme = raw[part.a, part.b] > highest
    fixed = (first.split_rivalry, near, extreme, near_part)
    below, above = _spread(part, fixed, *rest)
    n_different = len(np.unique(np.concatenate([community.a, community.b])))
    baseline = lift + scale * (first.baseline - usual)
    return Verdict(
        alone=first.alone,
        contributions=slopes[..., None] * first.contributions,
        rivalry=near,
        rivals=-slopes * (near - usual),
        place=close.place,
        community_part=tilted.apply(baseline, close.pairs) - baseline,
        score=tilted.apply(lift + scale * raw, close.pairs),
        below=below,
        above=above,
        bounds=elub(held, len(np.unique(community.owner)), n_different),
        sample=held,
        community=community,
        facts={
            "model": whole,
            "reason": None,
            "baseline": lift + scale * (whole.baseline - usual),
            "near": {"shift": tilted.shift, "slope": tilted.slope},
        },
    )


def _moved(sample: Sample, lift: float, scale: float) -> Sample:
    return replace(
        sample, same=lift + scale * sample.same, different=lift + scale * sample.different
    )


def _spread(  # noqa: PLR0917 - arrays of one stage, each named at the call
    part: Community,
    fixed: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_], Closeness],
    surprise: NDArray[np.float64],
    settings: EvidenceSettings,
    progress: Progress,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far below and above its median each pair's score lies in 95 % of resamples.

    A resample draws accounts with replacement, with all their pairs and splits; it mixes the
    strata of splits in a random share, since nobody knows which of them an operator's accounts
    resemble; and every other one leaves out the most extreme different pairs, which may be
    undetected socks.
    """
    split_rivalry, near, extreme, close = fixed
    n = part.n_accounts
    scores = []
    for turn in range(settings.resamples):
        rng = np.random.default_rng([settings.seed, 11, turn])
        times = np.bincount(rng.integers(0, n, n), minlength=n).astype(float)
        share = rng.uniform(0.25, 0.75)
        weights = part.weights(times, mix=(share, 1 - share), drop=extreme if turn % 2 else None)
        model = fit(part.weighed(*weights))
        drawn = Sample(
            model.score(part.same) - split_rivalry,
            weights[0],
            model.score(part.different) - near[part.a, part.b],
            weights[1],
        )
        lift, scale = line(drawn)
        tilted = tilt(_moved(drawn, lift, scale), close, extreme)
        plain = lift + scale * (model.score(surprise) - near)
        scores.append(tilted.apply(plain, close.pairs))
        progress("interval", turn + 1, settings.resamples)
    return _around(scores, near.shape)


def _around(
    scores: Sequence[NDArray[np.float64]], shape: tuple[int, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not scores:
        return np.zeros(shape), np.zeros(shape)
    tail = (1 - LEVEL) / 2
    low, middle, high = np.quantile(np.stack(scores), [tail, 0.5, 1 - tail], axis=0)
    return middle - low, high - middle
