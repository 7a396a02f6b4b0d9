"""What a reference teaches: fitted numbers, by which any pair can be judged.

A handful of numbers is fitted: one weight a family, drawn to those that labels of other communities
chose; a line; the correction of near pairs; the bounds. No pair moves any of them noticeably, so a
pair is worth the same as nominated and as reference. The resamples behind the intervals draw
accounts, and deals of their cuts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sockgraph.evidence.model import (
    Bounds,
    Model,
    NearPairs,
    Sample,
    as_strangers,
    crowd,
    elub,
    family_means,
    fit,
    fit_line,
    fit_near_pairs,
    nearness,
    own_crowd,
)
from sockgraph.evidence.settings import MIN_REFERENCE, MIN_SPLITS, EvidenceSettings
from sockgraph.evidence.training import EXTREME, LABELLED, TrainingPairs, choose_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from sockgraph.evidence.scoring import AccountIndex
    from sockgraph.evidence.similarity import Similarity
    from sockgraph.evidence.training import PseudoPairs
    from sockgraph.runtime import Progress

TAIL = 0.025
"""The share of resamples beyond either end of an interval."""


@dataclass(frozen=True)
class LogisticCalibration:
    """From a fused sum, the crowd's part taken off, to log10 LR."""

    lift: float
    scale: float
    near: NearPairs

    def plain(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the score: log10 LR against the whole reference; it ranks."""
        return self.lift + self.scale * raw

    def apply(self, raw: NDArray[np.float64], near: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return log10 LRs against different people as near."""
        return as_strangers(self.plain(raw) - self.near.correction(near))


@dataclass(frozen=True)
class Resample:
    """What one bootstrap resample of the reference's accounts teaches."""

    model: Model
    line: LogisticCalibration
    bounds: Bounds


@dataclass(frozen=True)
class CalibratedModel:
    """What a reference teaches.

    Attributes
    ----------
    users
        The accounts that the community's indices point into.
    model
        The fusion.
    line
        From score to log10 LR.
    usual
        The median of what the crowd takes off different reference pairs.
    resampled
        Behind the intervals.
    bounds
        What log10 LR the reference supports.
    narrow, wide
        The bounds' own interval: the nearer ends, and the farther.
    sample
        The reference's own pairs' and splits' log10 LRs.
    scores
        The same, as scores: before the correction of near pairs.
    community
        The reference's pairs and splits.
    """

    users: tuple[str, ...]
    model: Model
    line: LogisticCalibration
    usual: float
    resampled: tuple[Resample, ...]
    bounds: Bounds
    narrow: Bounds
    wide: Bounds
    sample: Sample
    scores: Sample
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
        known = self.community
        moved = replace(
            known,
            a=at[known.a],
            b=at[known.b],
            owner=at[known.owner],
            partner=at[known.partner],
            n_accounts=len(cast.users),
        )
        return replace(self, users=cast.users, community=moved)


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
    community = reference_pairs(cast, measured, splits)
    chosen, weight = choose_pairs(community.different)
    part = community.some(chosen, weight)
    model = fit(part.training())
    fused = model.score(np.stack([m.pairs for m in measured], axis=-1))
    raw, taken = _raw(model, fused, community)
    near = _Near(
        nearness(community.same, community.different),
        nearness(community.different, community.different),
    )
    fitted = _fit_line(raw, near)
    n_same = len(np.unique(community.owner))
    n_different = len(np.unique(np.concatenate([community.a, community.b])))
    held = _said(fitted, raw, near)
    known = _Known(
        part,
        _Near(near.same, near.different[chosen]),
        (raw.different > np.quantile(raw.different, 1 - EXTREME))[chosen],
        (taken.same, taken.different[chosen]),
        (n_same, n_different),
        fitted.near,
        (fitted.lift, fitted.scale),
    )
    resampled = tuple(_resampled(known, settings, progress))
    bounds = elub(held, n_same, n_different)
    narrow, wide = _ends([bounds, *(one.bounds for one in resampled)])
    return CalibratedModel(
        users=cast.users,
        model=model,
        line=fitted,
        usual=float(np.median(taken.different)),
        resampled=resampled,
        bounds=bounds,
        narrow=narrow,
        wide=wide,
        sample=held,
        scores=_plain(fitted, raw),
        community=community,
    )


def reference_pairs(
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


def _raw(
    model: Model, fused: NDArray[np.float64], community: TrainingPairs
) -> tuple[Sample, Sample]:
    """Return the reference's fused sums less what the crowd takes off, and what it takes off."""
    level = own_crowd(fused)
    same = (level[community.owner] + level[community.partner]) / 2
    different = crowd(fused)[community.a, community.b]
    weights = community.weights()
    taken = Sample(same, weights[0], different, weights[1])
    raw = replace(
        taken,
        same=model.score(community.same) - same,
        different=model.score(community.different) - different,
    )
    return raw, taken


@dataclass(frozen=True)
class _Near:
    """How near the reference's splits and pairs are; see `model.nearness`."""

    same: NDArray[np.float64]
    different: NDArray[np.float64]


def _fit_line(raw: Sample, near: _Near) -> LogisticCalibration:
    lift, scale = fit_line(raw)
    heard = raw.different_weight > 0
    return LogisticCalibration(
        lift,
        scale,
        fit_near_pairs(lift + scale * raw.different[heard], near.different[heard]),
    )


def _plain(fitted: LogisticCalibration, raw: Sample) -> Sample:
    return replace(raw, same=fitted.plain(raw.same), different=fitted.plain(raw.different))


def _said(fitted: LogisticCalibration, raw: Sample, near: _Near) -> Sample:
    """Return the reference's log10 LRs."""
    return replace(
        raw,
        same=fitted.apply(raw.same, near.same),
        different=fitted.apply(raw.different, near.different),
    )


def _ends(bounds: list[Bounds]) -> tuple[Bounds, Bounds]:
    """Return the bounds' own interval: the ends nearer zero, and the farther ones."""
    lows, highs = np.array([b.low for b in bounds]), np.array([b.high for b in bounds])
    (low_far, low_near), (high_near, high_far) = (
        np.quantile(ends, [TAIL, 1 - TAIL]) for ends in (lows, highs)
    )
    first = bounds[0]
    narrow = Bounds(max(float(low_near), first.low), min(float(high_near), first.high))
    return narrow, Bounds(min(float(low_far), first.low), max(float(high_far), first.high))


@dataclass(frozen=True)
class _Known:
    """What resamples are drawn from.

    Attributes
    ----------
    part
        The pairs and splits that models learn from.
    near, extreme
        How near they are; (pairs,) which may be undetected socks.
    taken
        (splits,) and (pairs,): what the crowd takes off their scores.
    n
        Accounts behind the splits and behind the pairs.
    correction
        Of near pairs: the same in every resample, a caution and no estimate.
    line
        Lift and scale fitted on all of them.
    """

    part: TrainingPairs
    near: _Near
    extreme: NDArray[np.bool_]
    taken: tuple[NDArray[np.float64], NDArray[np.float64]]
    n: tuple[int, int]
    correction: NearPairs
    line: tuple[float, float]


def _resampled(known: _Known, settings: EvidenceSettings, progress: Progress) -> Iterator[Resample]:
    """Fit on resamples of accounts.

    A resample draws accounts with replacement, with all their pairs and splits, and of each
    account's cuts some; it mixes the strata of splits in a random share, since nobody knows which
    of them an operator's accounts resemble; and every other one leaves out the most extreme
    different pairs, which may be undetected socks.
    """
    part, n = known.part, known.part.n_accounts
    same_means, different_means = family_means(part.same), family_means(part.different)
    for turn in range(settings.resamples):
        rng = np.random.default_rng([11, turn])
        times = np.bincount(rng.integers(0, n, n), minlength=n).astype(float)
        share = rng.uniform(0.25, 0.75)
        drop = known.extreme if turn % 2 else None
        same, different = part.weights(times, mix=(share, 1 - share), drop=drop)
        same = same * (rng.poisson(1.0, len(same)) + 1e-9)
        same /= max(same.sum(), 1e-300)
        model = fit(part.weighed(same, different), alone=False)
        used = different > 0  # most pairs have an account that was not drawn
        drawn = Sample(
            model.fused(same_means) - known.taken[0],
            same,
            model.fused(different_means[used]) - known.taken[1][used],
            different[used],
        )
        near = _Near(known.near.same, known.near.different[used])
        fitted = LogisticCalibration(*fit_line(drawn, known.line), known.correction)
        yield Resample(model, fitted, elub(_said(fitted, drawn, near), *known.n))
        progress("interval", turn + 1, settings.resamples)
