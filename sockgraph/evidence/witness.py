"""The very edits behind a number: which of them moved a signal most, for one pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sockgraph.signals import profile, whole_vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.evidence.measure import Measured
    from sockgraph.signals import Bag, Histories

TERMS = 6
"""Terms that a signal shows for a pair,"""
EACH = 4
"""and edits of each account."""


def witnesses(
    histories: Histories,
    measured: list[Measured],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
) -> list[list[list[str]]]:
    """Return, for each pair and signal, the "wiki:rev_id" of the edits that moved it most.

    The terms whose product of weights is largest (either way) are found, and the first edits of
    either account that hold them.

    Parameters
    ----------
    rows, columns
        (pairs,) units of `histories`; -1: an account with too few edits, which has none.
    """
    found: list[list[list[str]]] = [[[] for _ in measured] for _ in rows]
    known = (rows >= 0) & (columns >= 0)
    units = np.unique(np.concatenate([rows[known], columns[known]]))
    if not len(units):
        return found
    seen = histories.take(units)
    for j, one in enumerate(measured):
        if one.bag is None:
            continue
        bag = one.bag
        if one.signal.weighting.kind == "contrast":
            bag = bag.narrowed(one.signal.weighting.limit)
        vectors = whole_vectors(profile(bag, seen, one.signal.weighting))
        saves = [seen.saves[seen.unit == u] for u in range(seen.n_units)]
        for i in np.flatnonzero(known):
            a, b = np.searchsorted(units, [rows[i], columns[i]])
            if not np.isnan(one.pairs[rows[i], columns[i]]):
                terms = _terms(vectors[a] * vectors[b])
                edits = np.concatenate([_edits(histories, bag, saves[u], terms) for u in (a, b)])
                found[i][j] = histories.corpus.rev_ids(edits)
    return found


def _terms(product: NDArray[np.float64]) -> NDArray[np.int64]:
    order = np.argsort(-np.abs(product), kind="stable")[:TERMS]
    return np.asarray(order[product[order] != 0])


def _edits(
    histories: Histories, bag: Bag, saves: NDArray[np.int64], terms: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the first edits of the saves that hold most of these terms."""
    held = np.asarray(bag.rows[saves][:, terms].sum(axis=1)).ravel()
    order = np.argsort(-held, kind="stable")[:EACH]
    chosen = np.sort(saves[order[held[order] > 0]])
    return np.asarray(np.searchsorted(histories.corpus.save, chosen))
