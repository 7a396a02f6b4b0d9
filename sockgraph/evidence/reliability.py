"""How far the numbers carry: how often they are wrong on different people, and on whom.

What was measured on accounts of twenty communities says little of accounts that none of these has:
bots' lengths, hardly any summaries, one evening. So the nominated accounts' median is laid beside
what 98 of 100 labelled accounts show (those of ten edit times; each community counts once). Where
it lies outside, every interval is wider by the most that one community's log10 LRs were off
(`settings.WIDER`), so the words for it are weaker.

Who else? Accounts of the same pages are laid beside the nominated by the flag's own conditions.
They are counted; nobody is named who was not nominated. The same count says how often an account of
the same pages, known to be nobody's, would be given to a known operator (`flagging.which_case`).

The table `held_out` is the reference as it is judged by what was learnt from it: what validation
counts. A row is a pair of different reference accounts, one account's history cut in two, or a pair
that labels give to one person. Its accounts are among those that the model was fitted on: a handful
of numbers (a weight a family, a line, the correction of near pairs, the bounds), none of which a
pair moves noticeably. The traces that have a null of their own are left out, since a cut fixes
their value. Accounts are numbers here, never names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from sockgraph.clustering.linkage import THRESHOLD, PairEvidence, partition
from sockgraph.evidence import flagging
from sockgraph.evidence.settings import LEAD
from sockgraph.evidence.training import EXTREME, KINDS
from sockgraph.schema import empty, validate
from sockgraph.signals.corpus import DAY, NO_COMMENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from sockgraph.evidence.model import Bounds
    from sockgraph.evidence.scoring import AccountIndex, PairScores
    from sockgraph.evidence.similarity import Similarity
    from sockgraph.evidence.tables import ComparedCase, PairMeasurements
    from sockgraph.signals.corpus import Histories

ALIKE = 0.05
"""The share of pairs, the most alike in one respect, that makes a stratum."""
EVENT_DAYS = 7
STRATA = {
    "same pages": "shared pages",
    "same hours": "hours",
    "same tools": "saving habits",
}
COLUMNS = {"same pages": "same_pages", "same hours": "same_hours", "same tools": "same_tools"}
"""Strata as columns of `held_out`."""
RATIOS = (10, 100, 1000)
"""Likelihood ratios above which pairs of different people are counted,"""
ENOUGH = 3
"""and pairs for each 1/x: with fewer than 3x, no pair above x says little (the rule of three)."""
SEEN = {
    "edit times": (10.0, 1628.0),
    "pages": (1.0, 919.0),
    "days from first to last edit": (0.7, 5112.0),
    "share of empty summaries": (0.0, 0.696),
    "share of summaries that more than a tenth of accounts use": (0.0, 0.833),
}
"""Between which 98 of 100 labelled accounts lie."""
COMMON = 0.1
"""A summary is a tool's, or the community's, where so many of the accounts compared use it."""


def false_links(
    verdict: PairScores, measured: list[Similarity], histories: Histories
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return how many different reference pairs reach LR 10, 100, 1,000, stratum by stratum.

    Returns
    -------
    dict
        `false_links`: by stratum, "10", "100" and "1000", each the share of pairs with a higher LR;
        left out where not testable (fewer than 3x pairs, or a bound below x). `strata`: by stratum,
        `pairs` and `against`, the share with log10 LR below -1. Strata: different (all of them);
        without the most extreme; those most alike in pages, hours and tools; newcomers of one week.
    """
    if verdict.bounds is None or verdict.sample is None:
        return {"false_links": {}, "strata": {}}
    held = verdict.bounds.clip(verdict.sample.different)
    inner = verdict.sample.different <= np.quantile(verdict.sample.different, 1 - EXTREME)
    strata = {"different": np.ones(len(held), dtype=bool), "without the most extreme": inner}
    names = [m.signal.name for m in measured]
    for stratum, signal in STRATA.items():
        if signal in names:
            strata[stratum] = most_alike(verdict.community.different[:, names.index(signal)])
    strata["newcomers of one week"] = newcomers(verdict, histories)
    return {
        "false_links": {n: _rates(held[at], verdict.bounds.high) for n, at in strata.items()},
        "strata": {n: _sizes(held[at]) for n, at in strata.items()},
    }


def reaching(verdict: PairScores, measured: list[Similarity], level: float) -> dict[str, Any]:
    """Return how many different reference pairs reach a log10 LR, and of those of the same pages.

    Returns
    -------
    dict
        `log10_lr` (the level), `pairs`, `share`, and `share_same_pages` (None where not measured).
    """
    if verdict.bounds is None or verdict.sample is None:
        return {}
    reached = verdict.bounds.clip(verdict.sample.different) >= level
    names, pages = [m.signal.name for m in measured], STRATA["same pages"]
    alike = None
    if pages in names:
        near = most_alike(verdict.community.different[:, names.index(pages)])
        alike = float(reached[near].mean()) if near.any() else None
    return {
        "log10_lr": level,
        "pairs": len(reached),
        "share": float(reached.mean()) if len(reached) else 0.0,
        "share_same_pages": alike,
    }


def most_alike(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which values are among the highest `ALIKE`; a silent pair is not."""
    heard = np.nan_to_num(values, nan=-np.inf)
    speaks = np.isfinite(heard).any()
    return np.asarray(heard > np.quantile(heard, 1 - ALIKE)) if speaks else heard > 0


def newcomers(verdict: PairScores, histories: Histories) -> NDArray[np.bool_]:
    """Return which different pairs made their first edits within `EVENT_DAYS` of each other."""
    first = np.full(histories.n_units, np.inf)
    np.minimum.at(first, histories.unit, histories.corpus.seconds[histories.saves])
    apart = np.abs(first[verdict.community.a] - first[verdict.community.b])
    return np.asarray(apart <= EVENT_DAYS * DAY)


def _rates(held: NDArray[np.float64], highest: float) -> dict[str, Any]:
    testable = [x for x in RATIOS if len(held) >= ENOUGH * x and highest > np.log10(x)]
    return {str(x): float((held > np.log10(x)).mean()) for x in testable}


def _sizes(held: NDArray[np.float64]) -> dict[str, Any]:
    return {"pairs": len(held), "against": float((held < -1).mean()) if len(held) else None}


def transfer(cast: AccountIndex, histories: Histories) -> list[dict[str, Any]]:
    """Lay the nominated accounts beside the communities.

    Returns
    -------
    list
        Of each measure `what`, `here` (the nominated accounts' median), `low`, `high` (see `SEEN`)
        and `inside`; none where no account has enough edits.
    """
    named = np.flatnonzero(cast.nominated)
    if not len(named):
        return []
    here = _measures(histories)
    told = []
    for what, (low, high) in SEEN.items():
        value = float(np.median(here[what][named]))
        told.append(
            {"what": what, "here": value, "low": low, "high": high, "inside": low <= value <= high}
        )
    return told


def _measures(histories: Histories) -> dict[str, NDArray[np.float64]]:
    """Return each measure of every account, (accounts,)."""
    corpus, unit, saves = histories.corpus, histories.unit, histories.saves
    n = histories.n_units
    times = np.bincount(unit, minlength=n).astype(float)
    seconds = corpus.seconds[saves]
    first, last = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(first, unit, seconds)
    np.maximum.at(last, unit, seconds)
    of_save = np.full(corpus.n_saves, -1)
    of_save[saves] = unit
    who, page = of_save[corpus.save], corpus.page
    known = (who >= 0) & (page >= 0)
    n_pages = len(corpus.pages)
    pages = np.unique(who[known] * n_pages + page[known]) // max(n_pages, 1)
    said = corpus.comment[saves]
    empty = said == NO_COMMENT
    users = np.bincount(np.unique(said[~empty] * n + unit[~empty]) // n)
    wide = np.append(users > COMMON * n, [False])
    return {
        "edit times": times,
        "pages": np.bincount(pages, minlength=n).astype(float),
        "days from first to last edit": (last - first) / DAY,
        "share of empty summaries": np.bincount(unit, empty, minlength=n) / times,
        "share of summaries that more than a tenth of accounts use": np.bincount(
            unit, wide[np.where(empty, -1, said)], minlength=n
        )
        / times,
    }


def counted(
    case: ComparedCase,
    found: PairMeasurements,
    verdict: PairScores,
    operators: Iterable[Sequence[str]] = (),
) -> dict[str, int] | None:
    """Count the reference accounts that stand as near to one of the nominated as a flag asks.

    By all that a flag asks of a link by itself, but for what groups say.

    Returns
    -------
    dict or None
        `reference` (accounts), `nominated` (those of them as near to any nominated account),
        `operators` (to any account of these). None in an open case, or where nothing is promised
        of a flag.
    """
    rows = np.flatnonzero(case.cast.nominated)
    columns = np.flatnonzero(case.cast.reference & ~case.cast.nominated)
    rule = verdict.rule
    if rule is None or not rule.promised or not len(rows) or not len(columns):
        return None
    near = _near(found, verdict, np.ix_(rows, columns))
    known = {user for users in operators for user in users}
    theirs = np.array([case.cast.users[row] in known for row in rows], dtype=bool)
    return {
        "reference": len(columns),
        "nominated": int(near.any(axis=0).sum()),
        "operators": int(near[theirs].any(axis=0).sum()),
    }


def _near(
    found: PairMeasurements,
    verdict: PairScores,
    cells: tuple[NDArray[np.int64], ...],
) -> NDArray[np.bool_]:
    """Return which of these pairs meet the conditions of a flag, groups apart."""
    rows, columns = np.broadcast_arrays(*cells)
    asked = verdict.flag_inputs(rows.ravel(), columns.ravel())
    if found.imitation is not None:
        copied = found.imitation.found | found.imitation.found.T
        asked["imitation"] = copied[rows, columns].ravel()
    missed = flagging.unmet(asked, verdict.rule).to_numpy(dtype=bool)
    return np.asarray(~missed.any(axis=1).reshape(rows.shape))


def held_out(
    case: ComparedCase, histories: Histories, found: PairMeasurements, verdict: PairScores
) -> pd.DataFrame:
    """Lay out the reference's pairs and cuts; no row where nothing is calibrated.

    Parameters
    ----------
    case
        Who is compared, and what a flag needs.
    histories, found
        Of the cast.
    verdict
        What the models say.

    Returns
    -------
    DataFrame
        The contract table `held_out`.
    """
    if verdict.bounds is None or verdict.sample is None or verdict.scores is None:
        return empty("held_out")
    worthy = _worthy(case, verdict)
    a, b = verdict.community.a, verdict.community.b
    shared = shared_pages(histories)[a, b]
    different = {
        "truth": "different",
        "a": a,
        "b": b,
        "cut": 0,
        "score": verdict.scores.different,
        "standing": verdict.standing[a, b],
        "shared_pages": shared,
        "newcomers": newcomers(verdict, histories) & (shared > 0),
        "worthy": worthy,
        "flagged": _flagged(case.cast, verdict, verdict.bounds, worthy),
        **_alike(verdict, found.measured),
    }
    owner = verdict.community.owner
    same = {
        "truth": np.asarray(KINDS, dtype=object)[verdict.community.stratum],
        "a": owner,
        "b": verdict.community.partner,
        "cut": np.arange(len(owner)),
        "score": verdict.scores.same,
        "standing": _standing_of_cuts(verdict, verdict.scores.same),
    }
    whole = pd.concat([pd.DataFrame(different), pd.DataFrame(same)], ignore_index=True)
    said = np.concatenate([verdict.sample.different, verdict.sample.same])
    whole["log10_lr"] = verdict.bounds.clip(said)
    return validate("held_out", whole)


def _standing_of_cuts(verdict: PairScores, score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (cuts,) how far halves stand out of all others that their account is compared with."""
    known = verdict.community
    off = verdict.taken_off(known.same)
    apart = np.where(verdict.cast.one, -np.inf, np.nan_to_num(verdict.carrying, nan=-np.inf))
    best = apart.max(axis=1)
    rival = np.maximum(best[known.owner], best[known.partner])
    return np.asarray(score - off + LEAD * np.where(np.isfinite(rival), score - rival, 0.0))


def _alike(verdict: PairScores, measured: list[Similarity]) -> dict[str, NDArray[np.bool_]]:
    """Return which different pairs are among the most alike in each respect."""
    names = [m.signal.name for m in measured]
    values = verdict.community.different
    return {
        COLUMNS[stratum]: most_alike(values[:, names.index(signal)])
        for stratum, signal in STRATA.items()
        if signal in names
    }


def shared_pages(histories: Histories) -> NDArray[np.int64]:
    """Return the (accounts, accounts) number of pages that both edited."""
    corpus = histories.corpus
    place = np.full(len(corpus.users), -1)
    place[corpus.account[histories.saves]] = histories.unit
    who, page = place[corpus.account[corpus.save]], corpus.page
    known = (who >= 0) & (page >= 0)
    shape = (histories.n_units, len(corpus.pages))
    ones = np.ones(int(known.sum()), dtype=np.int64)
    edited = sparse.csr_matrix((ones, (who[known], page[known])), shape=shape)
    edited.data[:] = 1
    return np.asarray((edited @ edited.T).toarray())


def _worthy(case: ComparedCase, verdict: PairScores) -> NDArray[np.bool_]:
    """Return (pairs,): whether a pair has all that a flag asks of it by itself."""
    a, b = verdict.community.a, verdict.community.b
    pairs = verdict.flag_inputs(a, b).assign(
        declared=flagging.declared_pairs(case.cast.users, case.cast.declared)[a, b],
        accepted=flagging.declared_pairs(case.cast.users, case.accepted)[a, b],
    )
    return np.asarray(~flagging.unmet(pairs, verdict.rule).to_numpy().any(axis=1))


def _flagged(
    cast: AccountIndex, verdict: PairScores, bounds: Bounds, worthy: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return (pairs,): which reference pairs would be flagged, were they nominated."""
    a, b = verdict.community.a, verdict.community.b
    bears = np.zeros(verdict.score.shape, dtype=bool)
    bears[a, b] = bears[b, a] = worthy
    both = cast.reference[:, None] & cast.reference[None, :]
    among = np.where(both, verdict.log10_lr, np.nan)
    ranked = np.where(both, verdict.score, np.nan)
    known = PairEvidence(
        pd.Index(cast.users),
        bounds.clip(among),
        np.nan_to_num(ranked),
        np.zeros_like(bears),
        bears,
    )
    group = partition(known, threshold=THRESHOLD, linkage="average")
    return np.asarray(worthy & (group[a] == group[b]))
