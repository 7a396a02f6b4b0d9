"""The evidence stage's tables, laid out by their contracts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.evidence import flagging
from sockgraph.evidence.model import FAMILIES
from sockgraph.evidence.reliability import false_links, reaching
from sockgraph.evidence.scoring import at_pairs
from sockgraph.evidence.settings import Comparison, EvidenceSettings
from sockgraph.evidence.similarity import contributing_edits
from sockgraph.evidence.training import EXTREME, KINDS, LABELLED
from sockgraph.schema import empty, validate
from sockgraph.signals.simultaneous import stretches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from sockgraph.evidence.scoring import AccountIndex, NullTest, PairScores
    from sockgraph.evidence.similarity import Similarity
    from sockgraph.signals.corpus import Histories
    from sockgraph.signals.imitation import Imitation
    from sockgraph.signals.simultaneous import Alibi

RIVALS, COMMUNITY = "rivals", "community"
ALIBI_SHOWN = 0.3
"""log10 LR against, from which on the stretches behind it are listed."""
QUANTILES = (0.001, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99, 0.999)
AT_ONCE = 1 << 15
"""Pairs whose rows are laid out together: those of half a million pairs take gigabytes."""
SHOWN = 200
"""Pairs at either end of the scores whose edits and omissions are worked out in a large case.

What speaks most for and most against; a pair whose alibi is looked at is always among them."""


@dataclass(frozen=True)
class ComparedCase:
    """What of the case the tables need.

    Attributes
    ----------
    nominated
        Every nominated account, those with too few edits included, in alphabetical order.
    accepted
        Pairs whose alibi a reviewer accepted.
    cast
        Those with enough edits, in the order of the verdict's arrays.
    """

    nominated: tuple[str, ...]
    accepted: Sequence[tuple[str, str]]
    settings: EvidenceSettings
    cast: AccountIndex


@dataclass(frozen=True)
class PairMeasurements:
    """What was found on every pair of the cast.

    Attributes
    ----------
    measured
        The calibrated signals.
    extras
        Those with a null of their own.
    alibi
        Simultaneous work.
    imitation
        Who may be copying whom; None where the source has no summaries.
    """

    measured: list[Similarity]
    extras: list[NullTest]
    alibi: Alibi
    imitation: Imitation | None = None


@dataclass(frozen=True)
class NominatedPairs:
    """Every pair of nominated accounts.

    Attributes
    ----------
    a, b
        (pairs,) index into `Case.nominated`.
    row, column
        (pairs,) index into `Case.cast.users`; −1 where an account has too few edits.
    """

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether both accounts have enough edits."""
        return (self.row >= 0) & (self.column >= 0)

    def parts(self) -> Iterator[tuple[int, NominatedPairs]]:
        """Yield some pairs at a time, in their order, and how many came before; at least once."""
        for low in range(0, max(len(self.a), 1), AT_ONCE):
            part = slice(low, low + AT_ONCE)
            yield low, NominatedPairs(self.a[part], self.b[part], self.row[part], self.column[part])


def build_tables(
    case: ComparedCase, histories: Histories, found: PairMeasurements, verdict: PairScores
) -> Comparison:
    """Lay out every table."""
    pairs = nominated_pairs(case)
    measured = found.measured
    links = _links(case, pairs, found, verdict)
    shown = shown_pairs(links)
    rev_ids = contributing_edits(
        histories, (measured, found.extras), pairs.row[shown], pairs.column[shown]
    )
    told = dict(zip(shown, rev_ids, strict=True))
    copied = empty("evidence")
    if found.imitation is not None:
        copied = found.imitation.rows(histories, case.cast.users, case.cast.nominated)
    parts = [
        _evidence(case, part, found, verdict, {i - low: ids for i, ids in told.items()}, copied)
        for low, part in pairs.parts()
    ]
    return Comparison(
        evidence=pd.concat(parts, ignore_index=True),
        links=links,
        alibis=_alibis(case, pairs, histories, found.alibi),
        reference=_reference(measured, verdict),
        omissions=empty("omissions"),
        calibration=_calibration(case, measured, verdict, histories),
        declared=tuple(map(tuple, case.cast.declared)),
    )


def nominated_pairs(case: ComparedCase) -> NominatedPairs:
    """Return every pair of nominated accounts, in the tables' order."""
    place = {user: i for i, user in enumerate(case.cast.users)}
    index = np.array([place.get(user, -1) for user in case.nominated], dtype=np.int64)
    a, b = np.triu_indices(len(case.nominated), 1)
    return NominatedPairs(a, b, index[a], index[b])


def _at(values: NDArray[Any], pairs: NominatedPairs) -> NDArray[np.float64]:
    """Return the pairs' values, NaN where an account has too few edits."""
    return at_pairs(values, pairs.row, pairs.column)


def _links(
    case: ComparedCase, pairs: NominatedPairs, found: PairMeasurements, verdict: PairScores
) -> pd.DataFrame:
    measured = found.measured
    names = np.asarray(case.nominated, dtype=object)
    score = _at(verdict.score, pairs)
    spread = (_at(part, pairs) for part in (verdict.log10_lr, verdict.below, verdict.above))
    low, middle, high = verdict.interval(*spread)
    status = _status(pairs, measured)
    told = [_at(e.log10_lr, pairs) for e in found.extras]  # none where a question leaves them out
    own = np.reshape(told, (len(told), len(pairs.a))).T
    if verdict.bounds is None:
        own = np.full_like(own, np.nan)
    alone = np.concatenate([_at(verdict.alone, pairs), own], axis=1)
    bounds = verdict.bounds
    bands = flagging.bands(pairs.known, low, high, calibrated=bounds is not None)
    frame = pd.DataFrame(
        {
            "user_a": names[pairs.a],
            "user_b": names[pairs.b],
            "score": score,
            "standing": _at(verdict.standing, pairs),
            "log10_lr": middle,
            "log10_lr_low": low,
            "log10_lr_high": high,
            "log10_lr_naive": _naive(alone, verdict, score),
            "bound_low": np.nan if bounds is None else bounds.low,
            "bound_high": np.nan if bounds is None else bounds.high,
            "direction": list(map(flagging.direction, bands)),
            "n_for": (alone > 0).sum(axis=1).astype("int32"),
            "n_against": (alone < 0).sum(axis=1).astype("int32"),
            "n_insufficient": (status == "insufficient").sum(axis=1).astype("int32"),
            "families_for": _families_for(case, pairs, measured, verdict),
            "alibi": _at(found.alibi.significant.astype(float), pairs) == 1,
            "imitation": _imitated(pairs, found.imitation),
            "outside": outside(case, pairs, verdict.carrying),
            "band": bands,
            "flagged": False,
            "state": "none",
        }
    )
    return validate("links", _eligible(case, frame, verdict))


def _imitated(pairs: NominatedPairs, imitation: Imitation | None) -> NDArray[np.bool_]:
    """Return which pairs may be imitation, either way."""
    if imitation is None:
        return np.zeros(len(pairs.a), dtype=bool)
    return np.asarray(_at((imitation.found | imitation.found.T).astype(float), pairs) == 1)


def _families_for(
    case: ComparedCase, pairs: NominatedPairs, measured: list[Similarity], verdict: PairScores
) -> list[list[str]]:
    """Return each pair's families that speak for one operator; without calibration, none."""
    if verdict.bounds is None:
        return [[] for _ in pairs.a]
    said = flagging.families_for(
        np.nan_to_num(_at(verdict.contributions, pairs)),
        [m.signal.family for m in measured],
        case.settings.family_log10_lr,
    )
    marks = zip(*said.values(), strict=True)
    return [[name for name, holds in zip(said, row, strict=True) if holds] for row in marks]


def outside(
    case: ComparedCase, pairs: NominatedPairs, score: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the highest score that either account has with one outside the nominated, or NaN."""
    others = ~case.cast.nominated
    among = np.where(others, np.nan_to_num(score, nan=-np.inf), -np.inf)
    best = among.max(axis=1, initial=-np.inf)
    found = np.full(len(pairs.a), np.nan)
    known = pairs.known
    found[known] = np.maximum(best[pairs.row[known]], best[pairs.column[known]])
    return np.where(np.isfinite(found), found, np.nan)


def flag_inputs(case: ComparedCase, links: pd.DataFrame, verdict: PairScores) -> pd.DataFrame:
    """Return what `flagging.unmet` reads of these links; rows as they are in `links`."""
    sides = pd.Index(links["user_a"]), pd.Index(links["user_b"])
    a, b = (pd.Index(case.nominated).get_indexer(side) for side in sides)
    return verdict.flag_inputs(
        *(pd.Index(case.cast.users).get_indexer(side) for side in sides)
    ).assign(
        declared=flagging.declared_pairs(case.nominated, case.cast.declared)[a, b],
        accepted=flagging.declared_pairs(case.nominated, case.accepted)[a, b],
        imitation=links["imitation"].to_numpy(bool),
        outside=links["outside"].to_numpy(float),
    )


def _eligible(case: ComparedCase, links: pd.DataFrame, verdict: PairScores) -> pd.DataFrame:
    """Add what a flag asks of every link by itself: `eligible`, and in words what it misses."""
    rule, asked = verdict.rule, flag_inputs(case, links, verdict)
    missed = flagging.unmet(asked, rule)
    said = flagging.reasons(asked, missed, rule)
    return links.assign(
        eligible=~missed.any(axis=1), reasons=pd.Series(said, index=links.index, dtype=object)
    )


def _naive(
    alone: NDArray[np.float64], verdict: PairScores, score: NDArray[np.float64]
) -> NDArray[np.float64]:
    if verdict.bounds is None:
        return np.full(len(score), np.nan)
    summed = np.nan_to_num(verdict.bounds.clip(alone), nan=0.0).sum(axis=1)
    return np.where(np.isnan(score), np.nan, summed)


def _status(pairs: NominatedPairs, measured: list[Similarity]) -> NDArray[np.object_]:
    """Return (pairs, signals) statuses."""
    status = np.full((len(pairs.a), len(measured)), "insufficient", dtype=object)
    for j, one in enumerate(measured):
        if not one.available:
            status[:, j] = "not_available"
        else:
            status[~np.isnan(_at(one.pairs, pairs)), j] = "ok"
    return status


def shown_pairs(links: pd.DataFrame) -> NDArray[np.int64]:
    """Return which pairs' edits and omissions are worked out; see `SHOWN`."""
    score = links["score"].to_numpy(dtype=float)
    order = np.argsort(score, kind="stable")
    told = order[: int(np.isfinite(score).sum())]  # NaN comes last
    alibis = np.flatnonzero(links["alibi"].fillna(value=False).to_numpy(dtype=bool))
    return np.unique(np.concatenate([told[:SHOWN], told[-SHOWN:], alibis]))


def _evidence(  # noqa: PLR0917 - arrays of one stage
    case: ComparedCase,
    pairs: NominatedPairs,
    found: PairMeasurements,
    verdict: PairScores,
    rev_ids: dict[int, list[list[str]]],
    copied: pd.DataFrame,
) -> pd.DataFrame:
    """Return these pairs' rows, those of `copied` that are theirs among them."""
    every = np.asarray(case.nominated, dtype=object)
    names, measured = (every[pairs.a], every[pairs.b]), found.measured
    status = _status(pairs, measured)
    alone, contributions = _at(verdict.alone, pairs), _at(verdict.contributions, pairs)
    held = alone if verdict.bounds is None else verdict.bounds.clip(alone)
    told = [
        [rev_ids[i][j] if i in rev_ids else None for i in range(len(names[0]))]
        for j in range(len(measured) + len(found.extras))
    ]
    frames = []
    for j, one in enumerate(measured):
        ok = status[:, j] == "ok"
        frames.append(
            _rows(
                names,
                (one.signal.name, one.signal.family),
                score=_at(one.pairs, pairs),
                log10_lr=held[:, j],
                contribution=np.where(ok, contributions[:, j], np.nan),
                support=_at(one.support, pairs) if one.available else np.nan,
                status=status[:, j],
                rev_ids=told[j],
            )
        )
    for extra, edits in zip(found.extras, told[len(measured) :], strict=True):
        lr, offered = _at(extra.log10_lr, pairs), _at(extra.available.astype(float), pairs) != 0
        ok = ~np.isnan(lr) & offered
        said = np.where(ok & (verdict.bounds is not None), lr, np.nan)
        frames.append(
            _rows(
                names,
                (extra.name, extra.family),
                score=lr,
                log10_lr=said,
                contribution=said,
                support=_at(extra.support, pairs),
                status=np.where(ok, "ok", np.where(offered, "insufficient", "not_available")),
                rev_ids=edits,
            )
        )
    ends = [(names[0][at], names[1][at]) for at in (0, -1) if len(names[0])]
    keys = zip(copied["user_a"], copied["user_b"], strict=True)
    ours = [bool(ends) and ends[0] <= key <= ends[1] for key in keys]  # pairs are in their order
    frames += [*_beside(case, names, pairs, verdict), copied[ours]]
    return validate("evidence", pd.concat(frames, ignore_index=True))


def _rows(
    names: tuple[NDArray[np.object_], NDArray[np.object_]],
    signal: tuple[str, str],
    *,
    support: NDArray[np.float64] | float,
    **columns: Any,
) -> pd.DataFrame:
    """Lay out one signal, by its name and family, on every pair."""
    counted = np.broadcast_to(np.nan_to_num(support, nan=0.0), len(names[0])).astype("int32")
    first = {"user_a": names[0], "user_b": names[1], "signal": signal[0], "family": signal[1]}
    return pd.DataFrame({**first, **columns, "support": counted})


def _beside(
    case: ComparedCase,
    names: tuple[NDArray[np.object_], NDArray[np.object_]],
    pairs: NominatedPairs,
    verdict: PairScores,
) -> list[pd.DataFrame]:
    """Lay out what a pair is held against, which is no evidence of its own.

    `rivals` is part of the score. `community` is by how much the log10 LR differs from the score,
    before any bound: people whose pages are as near reach high scores too, and some operators'
    accounts look like strangers.
    """
    nothing = [None] * len(names[0])
    crowd, rivals = _at(verdict.crowd, pairs), _at(verdict.rivals, pairs)
    near, off = _at(verdict.near, pairs), _at(verdict.log10_lr - verdict.score, pairs)
    return [
        _rows(
            names,
            (signal, RIVALS),
            score=seen,
            log10_lr=np.where(ok, off, np.nan) if signal == COMMUNITY else np.nan,
            contribution=np.where(ok, rivals, np.nan) if signal == RIVALS else np.nan,
            support=np.where(ok, int(case.cast.reference.sum()) * (signal == RIVALS), 0),
            status=np.where(ok, "ok", "insufficient"),
            rev_ids=nothing,
        )
        for signal, seen, ok in (
            (RIVALS, crowd, ~np.isnan(crowd)),
            (COMMUNITY, near, ~np.isnan(near)),
        )
    ]


def _alibis(
    case: ComparedCase, pairs: NominatedPairs, histories: Histories, alibi: Alibi
) -> pd.DataFrame:
    """List the stretches in which pairs with evidence of simultaneous work worked by turns."""
    names = np.asarray(case.nominated, dtype=object)
    lr = np.nan_to_num(_at(alibi.log10_lr, pairs))
    rows: list[dict[str, Any]] = []
    for i in np.flatnonzero(lr < -ALIBI_SHOWN):
        a, b = pairs.row[i], pairs.column[i]
        share = alibi.expected[a, b] / max(alibi.changes[a, b], 1)
        for start, end, edits, turns in stretches(histories, a, b):
            rows.append(
                {
                    "user_a": names[pairs.a[i]],
                    "user_b": names[pairs.b[i]],
                    "start": pd.Timestamp(start, unit="s", tz="UTC"),
                    "end": pd.Timestamp(end, unit="s", tz="UTC"),
                    "n_edits": edits,
                    "expected": share * turns,
                    "excluded": None,
                }
            )
    return validate("alibis", pd.DataFrame(rows)) if rows else empty("alibis")


def _reference(measured: list[Similarity], verdict: PairScores) -> pd.DataFrame:
    """Describe what the pairs are drawn against, by signal and stratum."""
    community = verdict.community
    columns = {m.signal.name: j for j, m in enumerate(measured)}
    rows: list[dict[str, Any]] = []
    for name, j in columns.items():
        rows += _quantiles(name, "different", community.different[:, j])
        for number, stratum in enumerate(KINDS):
            rows += _quantiles(name, stratum, community.same[community.stratum == number, j])
    if verdict.scores is not None:
        different = verdict.scores.different
        rows += _quantiles("score", "different", different)
        inner = different[different <= np.quantile(different, 1 - EXTREME)]
        rows += _quantiles("score", "different, without the most extreme", inner)
        for number, stratum in enumerate(KINDS):
            rows += _quantiles("score", stratum, verdict.scores.same[community.stratum == number])
    return validate("reference", pd.DataFrame(rows)) if rows else empty("reference")


def _quantiles(signal: str, stratum: str, values: NDArray[np.float64]) -> list[dict[str, Any]]:
    heard = values[~np.isnan(values)]
    if not len(heard):
        return []
    found = np.quantile(heard, QUANTILES)
    return [
        {"signal": signal, "stratum": stratum, "quantile": q, "value": float(v)}
        for q, v in zip(QUANTILES, found, strict=True)
    ]


def _calibration(
    case: ComparedCase, measured: list[Similarity], verdict: PairScores, histories: Histories
) -> dict[str, Any]:
    """State what the numbers rest on."""
    community = verdict.community
    model = verdict.facts["model"]
    facts: dict[str, Any] = {
        "calibrated": verdict.bounds is not None,
        "reason": verdict.facts["reason"],
        "h1": "one operator",
        "h2": "two people of the same community: same pages, language and active hours",
        "n_reference": int(case.cast.reference.sum()),
        "n_different_pairs": len(community.a),
        "splits": {
            stratum: {
                "cuts": int((community.stratum == number).sum()),
                "accounts": len(np.unique(community.owner[community.stratum == number])),
            }
            for number, stratum in enumerate(KINDS)
            if number != LABELLED or (community.stratum == LABELLED).any()
        },
        "bounds": None,
        "baseline": None,
        "weights": {},
        "false_links": {},
        "strata": {},
    }
    promise, narrow, wide = verdict.promise, verdict.narrow, verdict.wide
    if verdict.bounds is None or model is None or not promise or not narrow or not wide:
        return facts
    return (
        facts
        | {
            "bounds": [verdict.bounds.low, verdict.bounds.high],
            "baseline": verdict.facts["baseline"],
            "weights": {f: float(w) for f, w in zip(FAMILIES, model.weights, strict=True)},
            "flag_standing": promise.threshold,
            "promise": asdict(promise),
            "transfer": verdict.facts["transfer"],
            "wider": verdict.facts["wider"],
            "bounds_interval": [
                [wide.low, narrow.low],
                [narrow.high, wide.high],
            ],
            "threshold": reaching(verdict, measured, case.settings.flag_log10_lr),
        }
        | false_links(verdict, measured, histories)
    )
