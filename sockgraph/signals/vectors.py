"""Bags of terms: the one engine under every trace that says *which things* an account does.

Pages, words, character runs, hours of the day and habits of saving are all terms that a save holds.
Histories are compared by the cosine of their weighted bags, under one of three weightings:

- `rare`: (1 + ln tf) · ln((N + 1) / (df + ½)), the tf-idf of Salton & Buckley (1988), df counted
  over every account that the source gave, so that a term is as rare as it is in the whole
  community;
- `contrast`: ln((r + λ) / (c + λ)), r the account's rate of the term a save (shrunk by `shrink`
  saves of the community's), c the community's rate. It is negative for what everyone does and the
  account does not, so that two accounts can agree in what they avoid, and disagree.
- `delta`: (r − c) / σ, r the account's rate of the term a character, shrunk likewise, c and σ mean
  and standard deviation of the community's accounts.

Long histories are cut into stretches of equal length first: the cosine of two bags grows with their
sizes, and one account does several things in its life. A pair's similarity is the mean of its
best two stretches and of every stretch's best match.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sockgraph.signals.corpus import Corpus, Histories

RELIABLE = 10.0
"""Saves after which an account counts half in the community's rates."""
CELLS = 1 << 23
"""Stretches by stretches compared at a time: 32 MiB, and about as much again for the product."""
BLOCK = 256
"""Rows whose lengths are taken at a time."""
FULL = 0.25
"""The share of a side that terms in use are found in, from which it is held as an array."""

BESIDE = "item", "spread", "rate", "size", "deviation", "marked"
"""A bag's arrays, beside its rows."""


@dataclass(frozen=True)
class Weighting:
    """How a bag's terms are weighed.

    Attributes
    ----------
    kind
        `rare` or `contrast`; see the module.
    segment
        Saves a stretch; None: whole histories.
    floor, shrink
        λ of `contrast`, and the shrinkage of `contrast` (saves) and `delta` (characters).
    limit
        At most so many terms, the ones that most accounts use (`contrast` holds every one of them
        for every stretch).
    """

    kind: Literal["rare", "contrast", "delta"]
    segment: int | None = None
    floor: float = 0.01
    shrink: float = 15.0
    limit: int = 12_000


@dataclass(frozen=True)
class TermMatrix:
    """Which terms every save of a corpus holds.

    Attributes
    ----------
    rows
        (items, terms): how much of a term an item holds (a distinct summary, say).
    item
        (saves,) the item of every save: two million saves may hold some thousands.
    spread
        Accounts that use each term.
    rate
        The community's rate of each term a save, accounts weighted by their reliability.
    n_accounts
        Accounts that `spread` is out of.
    size
        (items,) characters that each holds, where amounts are counted so; else saves are counted.
    deviation
        Of `delta`: how much the accounts' rates differ.
    marked
        (saves,) what may be a program's: two histories that both hold some are not compared.
    """

    rows: sparse.csr_matrix
    item: NDArray[np.int64]
    spread: NDArray[np.float64]
    rate: NDArray[np.float64]
    n_accounts: int
    size: NDArray[np.float64] | None = None
    deviation: NDArray[np.float64] | None = None
    marked: NDArray[np.bool_] | None = None

    def narrowed(self, limit: int) -> TermMatrix:
        """Return the bag of the `limit` terms that most accounts use, in the order they had."""
        if len(self.spread) <= limit:
            return self
        order = np.lexsort((np.arange(len(self.spread)), -self.spread))
        keep = np.sort(order[:limit])
        rows, rate = self.rows[:, keep], self.rate[keep]
        return TermMatrix(rows, self.item, self.spread[keep], rate, self.n_accounts)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all of it as arrays; see `of_arrays`."""
        shape = np.array([*self.rows.shape, self.n_accounts])
        rows = {name: getattr(self.rows, name) for name in ("data", "indices", "indptr")}
        rest = {name: getattr(self, name) for name in BESIDE if getattr(self, name) is not None}
        return rows | rest | {"shape": shape}

    @classmethod
    def of_arrays(cls, parts: Mapping[str, NDArray[Any]]) -> TermMatrix:
        """Return the same bag from its arrays."""
        n_rows, n_terms, n_accounts = parts["shape"].tolist()
        held = (parts["data"], parts["indices"], parts["indptr"])
        rows = sparse.csr_matrix(held, shape=(n_rows, n_terms))
        return cls(
            rows,
            parts["item"],
            parts["spread"],
            parts["rate"],
            n_accounts,
            *map(parts.get, ("size", "deviation", "marked")),
        )

    def count(self, gather: sparse.csr_matrix) -> sparse.csr_matrix:
        """Return the (groups, terms) sums over the saves of each row of `gather`."""
        return sum_rows(gather, self.rows, self.item)


@dataclass(frozen=True)
class TermVectors:
    """Weighted, normalised bags of some histories.

    Attributes
    ----------
    vectors
        (segments, terms), rows of length one, or zero where a stretch holds no term.
    unit
        The unit of each segment, in order.
    n_units
        How many units there are.
    amount
        Saves of each unit that hold a term; characters, where the bag counts these.
    marked
        (units,) whether a unit holds what may be a program's.
    """

    vectors: Any
    unit: NDArray[np.int64]
    n_units: int
    amount: NDArray[np.int64]
    marked: NDArray[np.bool_]

    def take(self, units: NDArray[np.int64]) -> TermVectors:
        """Return the bags of these units alone, in this order."""
        first, end = (np.searchsorted(self.unit, units + more) for more in (0, 1))
        rows = np.concatenate([np.arange(*span) for span in zip(first, end, strict=True)])
        unit = np.repeat(np.arange(len(units)), end - first)
        return TermVectors(
            self.vectors[rows], unit, len(units), self.amount[units], self.marked[units]
        )


def make_bag(
    corpus: Corpus,
    rows: sparse.csr_matrix,
    item: NDArray[np.int64] | None = None,
    *,
    limit: int = 40_000,
) -> TermMatrix:
    """Count terms over the community, and drop those that one account alone uses.

    Parameters
    ----------
    rows, item
        As a bag has them; without `item`, a row is a save's.
    limit
        At most so many terms, the ones that most accounts use.
    """
    n_users = len(corpus.users)
    item = np.arange(corpus.n_saves) if item is None else item
    counts = sum_by_account(corpus, rows, item)
    spread = np.bincount(counts.indices, minlength=rows.shape[1]).astype(float)
    order = np.lexsort((np.arange(len(spread)), -spread))[:limit]
    keep = np.sort(order[spread[order] >= 2])
    saves = np.bincount(corpus.account, minlength=n_users).astype(float)
    trust = saves / (saves + RELIABLE)
    scaled = sparse.diags(trust / np.maximum(saves, 1)) @ counts[:, keep]
    rate = np.asarray(scaled.sum(axis=0)).ravel() / max(trust.sum(), 1e-12)
    return TermMatrix(rows[:, keep].tocsr(), item, spread[keep], rate, n_users)


def sum_by_account(
    corpus: Corpus, rows: sparse.csr_matrix, item: NDArray[np.int64]
) -> sparse.csr_matrix:
    """Return the (accounts, terms) sums of a bag's rows."""
    shape = (len(corpus.users), corpus.n_saves)
    ones = np.ones(corpus.n_saves, dtype=np.float32)
    belongs = sparse.csr_matrix((ones, (corpus.account, np.arange(corpus.n_saves))), shape=shape)
    return sum_rows(belongs, rows, item)


def sum_rows(
    gather: sparse.csr_matrix, rows: sparse.csr_matrix, item: NDArray[np.int64]
) -> sparse.csr_matrix:
    """Return `gather @ rows[item]`, sums in the same order, without the row of every save."""
    shape = (gather.shape[0], rows.shape[0])
    parts = (gather.data, item[gather.indices], gather.indptr)  # an item as often as it is saved
    return (sparse.csr_matrix(parts, shape=shape) @ rows).tocsr()


def presence(item: NDArray[np.int64], term: NDArray[np.int64], n_items: int) -> sparse.csr_matrix:
    """Return the (items, terms) matrix of which item holds which term.

    Terms come in the order of the first item that holds them, and then of their own number.

    Parameters
    ----------
    item, term
        One entry for each time that an item holds a term; terms by any numbers.
    """
    code, number = pd.factorize(term)
    first = np.full(len(number), n_items)
    np.minimum.at(first, code, item)
    place = np.empty(len(number), dtype=np.int64)
    place[np.lexsort((number, first))] = np.arange(len(number))
    ones = np.ones(len(item), dtype=np.float32)
    rows = sparse.csr_matrix((ones, (item, place[code])), shape=(n_items, len(number)))
    rows.data[:] = 1  # a term that an item holds twice was added up
    return rows


def term_vectors(bag: TermMatrix, histories: Histories, weighting: Weighting) -> TermVectors:
    """Weigh the bags of these histories."""
    if weighting.kind == "contrast":
        bag = bag.narrowed(weighting.limit)
    group, unit = histories.segments(weighting.segment)
    gather = histories.gather(group, len(unit))
    counts = bag.count(gather)
    item = bag.item[histories.saves]
    if weighting.kind == "rare":
        counts.sort_indices()  # rows are added up in the order of terms
        vectors = _rare(counts, bag)
    elif weighting.kind == "contrast":
        sizes = np.bincount(group, minlength=len(unit)).astype(np.float32)
        vectors = _contrast(counts, sizes, bag, weighting)
    else:
        held = np.zeros(len(bag.rows.indptr) - 1) if bag.size is None else bag.size
        sizes = np.bincount(group, weights=held[item], minlength=len(unit)).astype(np.float32)
        vectors = _delta(counts, sizes, bag, weighting)
    each = np.diff(bag.rows.indptr) > 0 if bag.size is None else bag.size
    amount = np.bincount(histories.unit, weights=each[item], minlength=histories.n_units)
    marked = np.zeros(histories.n_units, dtype=bool)
    if bag.marked is not None:
        marked[histories.unit[bag.marked[histories.saves]]] = True
    return TermVectors(vectors, unit, histories.n_units, amount.astype(np.int64), marked)


def _rare(counts: sparse.csr_matrix, bag: TermMatrix) -> sparse.csr_matrix:
    rarity = np.log((bag.n_accounts + 1) / (bag.spread + 0.5)).astype(np.float32)
    data = np.where(counts.data >= 1, 1 + np.log(np.maximum(counts.data, 1)), counts.data)
    data *= rarity[counts.indices]
    squares = sparse.csr_matrix((data * data, counts.indices, counts.indptr), shape=counts.shape)
    length = np.sqrt(np.asarray(squares.sum(axis=1)).ravel())
    scale = np.divide(1, length, out=np.zeros_like(length), where=length > 0)
    data *= np.repeat(scale, np.diff(counts.indptr))
    return sparse.csr_matrix((data, counts.indices, counts.indptr), shape=counts.shape)


def _contrast(
    counts: sparse.csr_matrix, sizes: NDArray[np.float32], bag: TermMatrix, weighting: Weighting
) -> NDArray[np.float32]:
    common = bag.rate.astype(np.float32)[None, :]
    own: NDArray[np.float32] = counts.toarray().astype(np.float32, copy=False)
    own += np.float32(weighting.shrink) * common
    own /= sizes[:, None] + np.float32(weighting.shrink)
    own += np.float32(weighting.floor)
    own /= common + np.float32(weighting.floor)
    np.log(own, out=own)
    blocks = range(0, len(own), BLOCK)  # the squares of some rows at a time, not of all
    lengths = [np.linalg.norm(own[low : low + BLOCK], axis=1, keepdims=True) for low in blocks]
    length = np.concatenate([own[:0, :1], *lengths])
    silent = np.asarray(counts.sum(axis=1)).ravel() == 0
    own[silent] = 0
    np.divide(own, length, out=own, where=length > 0)
    return own


def _delta(
    counts: sparse.csr_matrix, sizes: NDArray[np.float32], bag: TermMatrix, weighting: Weighting
) -> NDArray[np.float32]:
    common = bag.rate.astype(np.float32)[None, :]
    spread = np.ones(len(bag.rate)) if bag.deviation is None else bag.deviation
    own: NDArray[np.float32] = counts.toarray().astype(np.float32, copy=False)
    own -= sizes[:, None] * common  # shrunk rates less the common one, over one denominator
    own /= (sizes[:, None] + np.float32(weighting.shrink)) * spread.astype(np.float32)
    length = np.linalg.norm(own, axis=1, keepdims=True)
    np.divide(own, length, out=own, where=length > 0)
    return own


def similarity(a: TermVectors, b: TermVectors) -> NDArray[np.float64]:
    """Return the (a's units, b's units) similarities; NaN where a side holds no term.

    NaN too where both hold what may be a program's: two who use it are alike by it.
    """
    if len(a.unit) * len(b.unit) <= CELLS:
        best = _compared(a.vectors, b.vectors.T, a.unit, b.unit)
    else:
        best = _in_blocks(a, b)
    best[a.amount == 0] = np.nan
    best[:, b.amount == 0] = np.nan
    best[np.ix_(a.marked, b.marked)] = np.nan
    return best


def _in_blocks(a: TermVectors, b: TermVectors) -> NDArray[np.float64]:
    """Compare some of a's units at a time: segments by segments, long histories need gigabytes."""
    right = b.vectors.T
    right = right.tocsr() if sparse.issparse(right) else right
    found = []
    for low, high in itertools.pairwise(_cuts(a.unit, len(b.unit))):
        if a is b and (high - low) ** 2 > CELLS:
            found.append(_beside_itself(a, right, slice(low, high)))
        else:
            rows = a.unit[low:high] - a.unit[low]
            found.append(_compared(a.vectors[low:high], right, rows, b.unit))
    return np.concatenate(found)


def _cuts(unit: NDArray[np.int64], n_columns: int) -> list[int]:
    """Return where blocks of whole units begin, and the end; a very long unit is a block."""
    starts = np.flatnonzero(np.diff(unit, prepend=-1))
    long = np.diff(starts, append=len(unit)) ** 2 > CELLS
    new = np.diff(starts * n_columns // CELLS, prepend=-1) != 0
    new |= long | np.concatenate([[False], long[:-1]])
    return [*starts[new].tolist(), len(unit)]


def _beside_itself(
    a: TermVectors,
    right: Any,
    part: slice,
) -> NDArray[np.float64]:
    """Compare a very long history with the others; its likeness to itself is one."""
    own = a.unit[part.start]
    others = a.unit != own
    units = a.unit[others]
    columns = units - (units > own)
    rows = np.zeros(part.stop - part.start, dtype=np.int64)
    found = _compared(a.vectors[part], right[:, others], rows, columns)
    return np.insert(found, own, 1.0, axis=1)


def _compared(
    left: Any,
    right: Any,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
) -> NDArray[np.float64]:
    if not len(rows) or not len(columns):
        return np.zeros((len(np.unique(rows)), len(np.unique(columns))))
    if len(rows) == rows[-1] + 1 and len(columns) == columns[-1] + 1:
        return np.asarray(_product(left, right), dtype=np.float64)
    return _pool(*_best(left, right, rows, columns), rows, columns)


def _best(
    left: Any,
    right: Any,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return every segment's best match in each unit of the other side.

    Returns
    -------
    by_left, by_right
        (left's segments, right's units) and (left's units, right's segments). A unit of very many
        segments is multiplied some at a time.
    """
    starts = np.unique(columns, return_index=True)[1]
    by_left = np.empty((len(rows), len(starts)), dtype=np.float32)
    by_right = np.full((rows[-1] + 1, len(columns)), -np.inf, dtype=np.float32)
    few = len(rows) * len(columns) <= 2 * CELLS
    step = len(rows) if few else max(1, CELLS // len(columns))
    for low in range(0, len(rows), step):
        part = slice(low, low + step)
        cells = _product(left[part], right)
        np.maximum.reduceat(cells, starts, axis=1, out=by_left[part])
        units, first = np.unique(rows[part], return_index=True)
        by_right[units] = np.maximum(by_right[units], np.maximum.reduceat(cells, first, axis=0))
    return by_left.astype(np.float64), by_right.astype(np.float64)


def _product(left: Any, right: Any) -> NDArray[np.float32]:
    """Multiply; where much of the right is in use it is held as an array, for the same sums."""
    if not sparse.issparse(left):
        return np.asarray(left @ right)
    right = right.tocsr()
    uses, held = np.bincount(left.indices, minlength=left.shape[1]), np.diff(right.indptr)
    if uses @ held <= FULL * left.nnz * right.shape[1]:
        return np.asarray((left @ right).toarray())
    both = np.flatnonzero((uses > 0) & (held > 0))
    left, right = left[:, both], right[both]
    width = max(1, CELLS // len(both))
    parts = [
        left @ right[:, low : low + width].toarray() for low in range(0, right.shape[1], width)
    ]
    return np.concatenate(parts, axis=1)


def _pool(
    by_left: NDArray[np.float64],
    by_right: NDArray[np.float64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Bring segments together to units: half the best pair's, half the mean of each one's best."""
    columns, n_columns = np.unique(right, return_index=True)[1], np.bincount(right)
    rows, n_rows = np.unique(left, return_index=True)[1], np.bincount(left)
    top = np.maximum.reduceat(by_left, rows, axis=0)
    mean_left = np.add.reduceat(by_left, rows, axis=0) / n_rows[:, None]
    mean_right = np.add.reduceat(by_right, columns, axis=1) / n_columns[None, :]
    return np.asarray(top / 2 + (mean_left + mean_right) / 4)


def whole_vectors(pair: TermVectors) -> NDArray[np.float64]:
    """Return the (units, terms) mean of each unit's stretches."""
    shape = (pair.n_units, len(pair.unit))
    share = 1 / np.maximum(np.bincount(pair.unit, minlength=pair.n_units), 1)
    mean = sparse.csr_matrix(
        (share[pair.unit], (pair.unit, np.arange(len(pair.unit)))), shape=shape
    )
    if sparse.issparse(pair.vectors):
        return np.asarray((mean @ pair.vectors).toarray(), dtype=np.float64)
    step = max(1, CELLS // max(1, len(pair.unit)))  # terms at a time: each is a copy in float64
    starts = range(0, max(1, pair.vectors.shape[1]), step)
    return np.concatenate([mean @ pair.vectors[:, low : low + step] for low in starts], axis=1)
