"""Similarity relative to each account's own community: how far out of its crowd it lies.

Some accounts are like everybody, some like nobody; a raw cosine of 0.3 is common for the one and
unheard of for the other. Each account's similarities to its cohort (every other compared account,
nominated or reference) therefore say what a similarity to *it* is worth, as adaptive score
normalisation does in speaker recognition (Matějka et al. 2017, Interspeech) and CSLS in translation
(Conneau et al. 2018, ICLR):

    surprise(s) = −ln of the share of the cohort at least as similar as s;
    within the `TOP` nearest: ln(K/TOP) + (s − q)/β, an exponential tail of mean excess β over the
    TOP-th nearest q; and beyond what a cohort of K could show at all, ln K, only `BEYOND` of the
    excess.

The pair itself is left out of the cohort it is held against. A pair's surprise is the mean of both
sides'. Raw likeness depends on the histories alone, so it is measured once (`measure`) and judged
among any choice of accounts (`Likeness.among`, `normalize`).

Which edits moved a signal most, for one pair, is told by `contributing_edits`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from sockgraph.evidence.settings import BEYOND, TAIL
from sockgraph.signals.corpus import hash_arrays
from sockgraph.signals.vectors import similarity, term_vectors, whole_vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from sockgraph.evidence.scoring import NullTest
    from sockgraph.evidence.training import PseudoPairs
    from sockgraph.signals import Signal
    from sockgraph.signals.corpus import Histories
    from sockgraph.signals.vectors import TermMatrix, TermVectors

FAR = 10.0
"""Excess beyond ln K that is not followed further."""
LEAST = 10
"""A smaller cohort says nothing of what is usual."""
TERMS = 6
"""Terms that a signal shows for a pair,"""
EACH = 4
"""and edits of each account."""
NONE = np.zeros(0, dtype=np.int64)


def surprise(
    values: NDArray[np.float64], cohort: NDArray[np.float64], own: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return how far out of each unit's cohort its similarities lie.

    Parameters
    ----------
    values
        (units, others) similarities; NaN where silent.
    cohort
        (units, members) similarities to the community; NaN for members that do not count.
    own
        (units, others) whether a value is itself one of the unit's cohort: then it is held
        against the others of the cohort alone.

    Returns
    -------
    numpy.ndarray
        (units, others); NaN where silent or where the cohort is no larger than `LEAST`.
    """
    known = np.where(np.isnan(cohort), -np.inf, cohort)
    size = np.isfinite(known).sum(axis=1)
    top = np.maximum(np.minimum(TAIL, (size - 1) // 3), 1)
    kept = min(TAIL + 1, known.shape[1])
    nearest = np.full((len(known), TAIL + 1), -np.inf)
    nearest[:, :kept] = -np.sort(-np.partition(known, -kept, axis=1)[:, -kept:], axis=1)
    at_least = _at_least(values, known)
    others = size[:, None] - own
    inside = own & (at_least <= top[:, None])  # one of the tail: the next nearest takes its place
    with np.errstate(invalid="ignore"):
        sums = np.cumsum(nearest, axis=1)
        at, before = (top - less for less in (0, 1))
        rows = np.arange(len(known))
        cut = np.where(inside, nearest[rows, at][:, None], nearest[rows, before][:, None])
        total = np.where(inside, sums[rows, at][:, None] - values, sums[rows, before][:, None])
        excess = (total - top[:, None] * cut) / top[:, None]
        excess = np.maximum(excess, 1e-6 * np.maximum(np.abs(nearest[:, :1]), 1e-6))
        tail = np.log((others + 1) / (top[:, None] + 1)) + (values - cut) / excess
        body = -np.log((at_least - own + 1) / (others + 1))
        found = np.where(values > cut, tail, body)
        most = np.log(others + 1)
        found = np.where(found > most, most + BEYOND * np.minimum(found - most, FAR), found)
    return np.where(np.isnan(values) | (size <= LEAST)[:, None], np.nan, found)


def _at_least(values: NDArray[np.float64], known: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return (units, others) how many of each unit's cohort are at least as similar."""
    if values.shape[1] == 1:
        return np.asarray((known >= values).sum(axis=1, keepdims=True))
    ranked = np.sort(known, axis=1)
    places = [np.searchsorted(r, v, side="left") for r, v in zip(ranked, values, strict=True)]
    return np.asarray(known.shape[1] - np.array(places))


@dataclass(frozen=True)
class Likeness:
    """One signal, raw, on every pair: what the histories alone say; NaN where it cannot speak.

    Attributes
    ----------
    signal, bag
        Which, and what it was measured on; None where the source does not offer what it needs.
    pairs
        (accounts, accounts) similarity; NaN of an account with itself.
    support
        (accounts, accounts) saves that it rests on: the smaller side's.
    siblings
        (splits,) similarity between the halves of one account.
    halves
        (2, splits, accounts) between each half and every account; NaN at its own.
    """

    signal: Signal
    bag: TermMatrix | None
    pairs: NDArray[np.float64]
    support: NDArray[np.int64]
    siblings: NDArray[np.float64]
    halves: NDArray[np.float64]

    def among(self, accounts: NDArray[np.int64], splits: NDArray[np.int64]) -> Likeness:
        """Return the likeness of these accounts and splits alone, in this order."""
        cells = np.ix_(accounts, accounts)
        return Likeness(
            self.signal,
            self.bag,
            self.pairs[cells],
            self.support[cells],
            self.siblings[splits],
            self.halves[np.ix_(np.arange(2), splits, accounts)],
        )


PARTS = ("pairs", "support", "siblings", "halves")


def measured_on(accounts: Histories, splits: PseudoPairs) -> str:
    """Return a hash of all that likeness is measured on: compiled edits, histories, and cuts."""
    sides = (accounts, splits.first, splits.second)
    parts = [part for side in sides for part in (side.saves, side.unit, side.owner)]
    return hash_arrays(accounts.corpus.digest, [*parts, splits.stratum])


@dataclass(frozen=True)
class Similarity:
    """One signal on every pair, as surprise within the community; NaN where it cannot speak.

    Attributes
    ----------
    signal, bag, support
        As of `Likeness`.
    pairs
        (accounts, accounts).
    splits
        (splits,) between the halves of one account.
    """

    signal: Signal
    bag: TermMatrix | None
    pairs: NDArray[np.float64]
    support: NDArray[np.int64]
    splits: NDArray[np.float64]

    @property
    def available(self) -> bool:
        """Whether the source offers what the signal needs."""
        return bool(self.support.any())


def normalize(raw: Likeness) -> Similarity:
    """Hold every similarity against the community of those who are compared."""
    seen = surprise(raw.pairs, raw.pairs, ~np.isnan(raw.pairs))
    alone = np.zeros((len(raw.siblings), 1), dtype=bool)
    sides = [surprise(raw.siblings[:, None], cells, alone)[:, 0] for cells in raw.halves]
    return Similarity(
        raw.signal, raw.bag, (seen + seen.T) / 2, raw.support, (sides[0] + sides[1]) / 2
    )


def measure(
    signal: Signal, bag: TermMatrix | None, accounts: Histories, splits: PseudoPairs
) -> Likeness:
    """Measure one signal on every pair of accounts and on every account cut in two."""
    n, m = accounts.n_units, len(splits.stratum)
    if bag is None:
        return Likeness(
            signal,
            None,
            np.full((n, n), np.nan),
            np.zeros((n, n), dtype=np.int64),
            np.full(m, np.nan),
            np.full((2, m, n), np.nan),
        )
    whole = term_vectors(bag, accounts, signal.weighting)
    pairs = _heard(similarity(whole, whole), whole, whole, signal)
    np.fill_diagonal(pairs, np.nan)
    support = np.minimum(whole.amount[:, None], whole.amount[None, :])
    first, second = (term_vectors(bag, h, signal.weighting) for h in (splits.first, splits.second))
    halves = np.full((2, m, n), np.nan)
    siblings = np.full(m, np.nan)
    if m:
        siblings = np.diag(_heard(similarity(first, second), first, second, signal)).copy()
        for side, half in enumerate((first, second)):
            halves[side] = _heard(similarity(half, whole), half, whole, signal)
        halves[:, np.arange(m), splits.owner] = np.nan
    return Likeness(signal, bag, pairs, support, siblings, halves)


def _heard(
    cells: NDArray[np.float64], a: TermVectors, b: TermVectors, signal: Signal
) -> NDArray[np.float64]:
    """Silence pairs in which a side holds too little to speak."""
    cells[a.amount < signal.needed] = np.nan
    cells[:, b.amount < signal.needed] = np.nan
    return cells


def contributing_edits(
    histories: Histories,
    signals: tuple[list[Similarity], list[NullTest]],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
) -> list[list[list[str]]]:
    """Return, for each pair and signal, the "wiki:rev_id" of the edits that moved it most.

    Of a calibrated signal the terms whose product of weights is largest (either way) are found, and
    the first edits of either account that hold them. A trace with a null of its own says which.

    Parameters
    ----------
    signals
        Calibrated ones, then those with a null of their own; the order of each pair's lists.
    rows, columns
        (pairs,) units of `histories`; -1: an account with too few edits, which has none.
    """
    measured, extras = signals
    n = len(measured) + len(extras)
    found: list[list[NDArray[np.int64]]] = [[NONE for _ in range(n)] for _ in rows]
    known = (rows >= 0) & (columns >= 0)
    units = np.unique(np.concatenate([rows[known], columns[known]]))
    seen = histories.take(units)
    for j, one in enumerate(measured):
        if one.bag is None:
            continue
        bag = one.bag
        if one.signal.weighting.kind == "contrast":
            bag = bag.narrowed(one.signal.weighting.limit)
        vectors = whole_vectors(term_vectors(bag, seen, one.signal.weighting))
        saves = [seen.saves[seen.unit == u] for u in range(seen.n_units)]
        items = [np.unique(bag.item[of_unit], return_inverse=True) for of_unit in saves]
        holding = [(bag.rows[distinct], place) for distinct, place in items]
        for i in np.flatnonzero(known):
            a, b = np.searchsorted(units, [rows[i], columns[i]])
            if not np.isnan(one.pairs[rows[i], columns[i]]):
                terms = _terms(vectors[a] * vectors[b])
                sides = [_saves(saves[u], holding[u], terms) for u in (a, b)]
                found[i][j] = _first(histories, np.concatenate(sides))
    for j, extra in enumerate(extras, start=len(measured)):
        for i in np.flatnonzero(known):
            if np.nan_to_num(extra.log10_lr[rows[i], columns[i]]) != 0:
                told = extra.telling(int(rows[i]), int(columns[i]))
                found[i][j] = _first(histories, told)
    return _named(histories, found)


def _named(histories: Histories, found: list[list[NDArray[np.int64]]]) -> list[list[list[str]]]:
    """Name all edits at once: a table is slow to ask one by one."""
    flat = [edits for of_pair in found for edits in of_pair]
    names = iter(histories.corpus.rev_ids(np.concatenate([NONE, *flat])))
    return [[list(islice(names, len(edits))) for edits in of_pair] for of_pair in found]


def _first(histories: Histories, saves: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first edit of each save."""
    return np.asarray(np.searchsorted(histories.corpus.save, saves))


def _terms(product: NDArray[np.float64]) -> NDArray[np.int64]:
    order = np.argsort(-np.abs(product), kind="stable")[:TERMS]
    return np.asarray(order[product[order] != 0])


def _saves(
    saves: NDArray[np.int64],
    holding: tuple[sparse.csr_matrix, NDArray[np.int64]],
    terms: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the first saves that hold most of these terms."""
    rows, place = holding
    asked = np.zeros(rows.shape[1], dtype=np.float32)
    asked[terms] = 1
    held = (rows @ asked)[place]
    order = np.argsort(-held, kind="stable")[:EACH]
    return np.sort(saves[order[held[order] > 0]])
