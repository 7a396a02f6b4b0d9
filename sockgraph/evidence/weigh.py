"""The one public function of the evidence stage: from edits to evidence on every pair."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.evidence import tables
from sockgraph.evidence.bootstrap import resampled_models, spread
from sockgraph.evidence.calibrate import Bounds, Sample, elub
from sockgraph.evidence.community import (
    EXTREME,
    Community,
    choose_pairs,
    cross_fit,
    folds_of,
)
from sockgraph.evidence.fusion import Model, fit
from sockgraph.evidence.measure import Measured, Scene, measure
from sockgraph.evidence.settings import MIN_REFERENCE, MIN_SPLITS, EvidenceSettings, Weighed
from sockgraph.evidence.splits import Splits, cut_histories
from sockgraph.progress import Progress, silent
from sockgraph.signals import SIGNALS, Histories, compile_edits, of_accounts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sockgraph.signals import Bag

_DEFAULT = EvidenceSettings()


@dataclass(frozen=True)
class Cast:
    """Who is compared, in the order of every array here.

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


def weigh_evidence(
    edits: pd.DataFrame,
    accounts: pd.DataFrame,
    *,
    declared: Sequence[Sequence[str]] = (),
    settings: EvidenceSettings = _DEFAULT,
    background: pd.DataFrame | None = None,
    open_case: bool | None = None,
    incomplete: Sequence[str] = (),
    accepted_alibis: Sequence[tuple[str, str]] = (),
    progress: Progress = silent,
) -> Weighed:
    """Weigh the evidence for and against one operator behind every pair of nominated accounts.

    H1: one operator. H2: two people of the same community, as the reference accounts are.

    Parameters
    ----------
    edits, accounts
        Contract tables. Accounts with role `nominated` are compared with each other; those with role
        `reference` say what different people look like.
    declared
        Groups of accounts that say themselves that they are one operator's: never flagged.
    settings
        How evidence is weighed.
    background
        Edits of other accounts of the source, if at hand: they tell how common a word or a page is,
        and nothing else.
    open_case
        Whether the nominated accounts are their own reference, cross-fitted by account. Default: where
        no account has the role `reference`.
    incomplete
        Accounts whose histories are not whole (capped, partly hidden): no alibi is read from them.
    accepted_alibis
        Pairs whose alibi a reviewer accepted: never flagged.
    progress
        Told of every step.

    Returns
    -------
    Weighed
        Scores only, with the reason, where the reference cannot calibrate.
    """
    everything = edits if background is None else pd.concat([edits, background])
    corpus = compile_edits(everything)
    cast, nominated = _cast(corpus, accounts, settings, open_case)
    histories = of_accounts(corpus, cast.users)
    which = np.flatnonzero(cast.reference)
    splits = cut_histories(histories, which, least=settings.min_edits, seed=settings.seed)
    scene = Scene(histories, cast.reference, splits)
    measured = _measure_all(scene, progress)
    verdict = _judge(cast, measured, splits, settings, progress)
    return tables.assemble(
        tables.Case(nominated, declared, settings, cast.users, cast.nominated, cast.reference),
        histories,
        measured,
        verdict,
    )


def _cast(
    corpus: Any, accounts: pd.DataFrame, settings: EvidenceSettings, open_case: bool | None
) -> tuple[Cast, tuple[str, ...]]:
    """Return who is compared, and every nominated account, those with too few edits included."""
    role = accounts.drop_duplicates("user").set_index("user")["role"].astype(str).to_dict()
    saves = np.bincount(corpus.account, minlength=len(corpus.users))
    enough = {u for u, n in zip(corpus.users, saves, strict=True) if n >= settings.min_edits}
    nominated = tuple(sorted(u for u, r in role.items() if r == "nominated"))
    itself = "reference" not in role.values() if open_case is None else open_case
    users = tuple(
        sorted(u for u, r in role.items() if r in ("nominated", "reference") and u in enough)
    )
    named = np.array([role[u] == "nominated" for u in users], dtype=bool)
    return Cast(users, named, np.ones_like(named) if itself else ~named), nominated


def _measure_all(scene: Scene, progress: Progress) -> list[Measured]:
    found = []
    bags: dict[Any, Bag | None] = {}
    for step, signal in enumerate(SIGNALS):
        progress("signals", step, len(SIGNALS))
        if signal.bag not in bags:
            bags[signal.bag] = signal.bag(scene.accounts.corpus)
        found.append(measure(signal, bags[signal.bag], scene))
    progress("signals", len(SIGNALS), len(SIGNALS))
    return found


@dataclass(frozen=True)
class Verdict:
    """What the models say of every pair of the cast, (users, users) arrays.

    Attributes
    ----------
    surprise
        (users, users, signals).
    alone, contributions
        (users, users, signals) each signal's own log10 LR (NaN: silent, or not calibrated), and what
        it adds to the score.
    score, below, above
        (users, users) the score, and how far its interval reaches to both sides.
    baseline
        (users, users) the models' intercepts.
    bounds
        None where nothing is calibrated.
    sample
        Cross-fitted scores of the reference.
    facts
        For the manifest and the report.
    """

    surprise: NDArray[np.float64]
    alone: NDArray[np.float64]
    contributions: NDArray[np.float64]
    score: NDArray[np.float64]
    below: NDArray[np.float64]
    above: NDArray[np.float64]
    baseline: NDArray[np.float64]
    bounds: Bounds | None
    sample: Sample | None
    community: Community
    facts: dict[str, Any]


def _judge(
    cast: Cast,
    measured: list[Measured],
    splits: Splits,
    settings: EvidenceSettings,
    progress: Progress,
) -> Verdict:
    surprise = np.stack([m.pairs for m in measured], axis=-1)
    community, everyone = _community(cast, measured, splits, settings)
    reason = _why_not(cast, splits)
    if reason:
        return _uncalibrated(surprise, community, reason)
    fold = folds_of(len(cast.users), settings.seed)
    models = cross_fit(community, fold)
    whole = fit(community.training())
    sample = _held_out(everyone, models, fold)
    bounds = _bounds(everyone, sample)
    cut = np.quantile(sample.different, 1 - EXTREME)
    extreme = _scores(community.different, community.a, community.b, models, fold) > cut
    resampled = resampled_models(
        community, extreme, resamples=settings.resamples, seed=settings.seed, progress=progress
    )
    flat = surprise.reshape(-1, surprise.shape[-1])
    below, above = (x.reshape(surprise.shape[:2]) for x in spread(resampled, flat))
    a, b = np.indices(surprise.shape[:2])
    both = cast.reference[:, None] & cast.reference[None, :]
    chosen = _by_fold(surprise, a, b, models, fold) if both.all() else _by_one(surprise, whole)
    return Verdict(
        surprise,
        *chosen[:3],
        below,
        above,
        chosen[3],
        bounds,
        sample,
        everyone,
        {"model": whole, "reason": None, "splits": splits.stratum},
    )


def _community(
    cast: Cast, measured: list[Measured], splits: Splits, settings: EvidenceSettings
) -> tuple[Community, Community]:
    """Return the reference as it is learnt from, and whole."""
    rows, columns = np.triu_indices(len(cast.users), 1)
    both = cast.reference[rows] & cast.reference[columns]
    a, b = rows[both], columns[both]
    different = np.column_stack([m.pairs[a, b] for m in measured])
    same = np.column_stack([m.splits for m in measured])
    n = len(cast.users)
    whole = Community(different, a, b, np.ones(len(a)), same, splits.owner, splits.stratum, n)
    chosen, weight = choose_pairs(different, settings.seed)
    part = replace(whole, different=different[chosen], a=a[chosen], b=b[chosen], weight=weight)
    return part, whole


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
    """Score by the plain mean of the signals' surprise: ranks, and is no LR."""
    n = surprise.shape[-1]
    model = Model(np.full(n, -1.0), np.ones(n), np.full(n, 1 / n), 0.0)
    contributions = model.contributions(surprise)
    score = contributions.sum(axis=-1)
    nothing = np.full(score.shape, np.nan)
    return Verdict(
        surprise,
        np.full(surprise.shape, np.nan),
        contributions,
        score,
        nothing,
        nothing,
        np.zeros(score.shape),
        None,
        None,
        community,
        {"model": None, "reason": reason},
    )


def _by_one(surprise: NDArray[np.float64], model: Model) -> tuple[Any, ...]:
    baseline = np.full(surprise.shape[:2], model.baseline)
    contributions = model.contributions(surprise)
    return model.alone(surprise), contributions, baseline + contributions.sum(axis=-1), baseline


def _by_fold(
    surprise: NDArray[np.float64],
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    models: dict[tuple[int, int], Model],
    fold: NDArray[np.int64],
) -> tuple[Any, ...]:
    """Judge every pair by the model that saw neither of its accounts."""
    alone, contributions = np.empty_like(surprise), np.empty_like(surprise)
    score, baseline = np.empty(a.shape), np.empty(a.shape)
    low, high = np.minimum(fold[a], fold[b]), np.maximum(fold[a], fold[b])
    for (p, q), model in models.items():
        here = (low == p) & (high == q)
        alone[here] = model.alone(surprise[here])
        contributions[here] = model.contributions(surprise[here])
        baseline[here] = model.baseline
        score[here] = model.baseline + contributions[here].sum(axis=-1)
    return alone, contributions, score, baseline


def _scores(
    surprise: NDArray[np.float64],
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    models: dict[tuple[int, int], Model],
    fold: NDArray[np.int64],
) -> NDArray[np.float64]:
    return np.asarray(_by_fold(surprise, a, b, models, fold)[2])


def _held_out(
    community: Community, models: dict[tuple[int, int], Model], fold: NDArray[np.int64]
) -> Sample:
    """Score the reference by models that did not see it."""
    training = community.training()
    different = _scores(community.different, community.a, community.b, models, fold)
    same = _scores(community.same, community.owner, community.owner, models, fold)
    return Sample(same, training.same_weight, different, training.different_weight)


def _bounds(community: Community, sample: Sample) -> Bounds:
    """Return the bounds that the reference supports, counting accounts and not pairs."""
    n_same = len(np.unique(community.owner))
    n_different = len(np.unique(np.concatenate([community.a, community.b])))
    return elub(sample, n_same, n_different)
