"""The very edits behind a number: which of them moved a signal most, for one pair."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from sockgraph.signals import term_vectors, whole_vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from sockgraph.evidence.scoring import NullTest
    from sockgraph.evidence.similarity import Similarity
    from sockgraph.signals import Histories

TERMS = 6
"""Terms that a signal shows for a pair,"""
EACH = 4
"""and edits of each account."""
NONE = np.zeros(0, dtype=np.int64)


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
