"""Interaction: the same side in the same dispute, and restoring each other's versions.

*Same side*: both undo the same third party on one page. k such cases are set against e, which
follows from how many of a page's undone people each undoes: Σ over pages k_a · k_b / V (the mean of
the hypergeometric distribution), V the people undone there.

*Restoring*: one brings back a text (the same sha1) that the other had saved and that somebody else
changed; e follows from whose versions there are on the page to bring back.

    LR = times^k · exp((1 − times) · e),  times = `OFTENER`.

Opponents and friends do both, and no source at hand has known operators in disputes: held at log10
LR `trace.UNPROVEN`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from sockgraph.signals.nulls import UNPROVEN, Trace, first_of, held, poisson_lr
from sockgraph.signals.reverts import turnover

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.signals.corpus import Histories

OFTENER = 2.0
LEAST = 0.5
"""Cases expected from which on something is said; never chosen by what was seen."""
TOLD = 4


def find_same_side(histories: Histories) -> Trace | None:
    """Count third parties whom both undo on one page; None where undoing cannot be told."""
    found = turnover(histories)
    if found is None:
        return None
    n, undone = histories.n_units, found.undoings & (found.unit >= 0)
    cases = np.column_stack([found.page[undone], found.before[undone]])
    distinct, case = np.unique(cases, axis=0, return_inverse=True)
    case = case.ravel()
    does = _presence(found.unit[undone], case, (n, len(distinct)))
    pages, page = np.unique(distinct[:, 0], return_inverse=True)
    on_page = _presence(np.arange(len(distinct)), page.ravel(), (len(distinct), len(pages)))
    many = np.asarray(on_page.sum(axis=0)).ravel()
    by_page = does @ on_page
    seen = (does @ does.T).toarray()
    expected = (by_page @ sparse.diags(1 / np.maximum(many, 1)) @ by_page.T).toarray()
    save = found.save[undone]

    def telling(a: int, b: int) -> NDArray[np.int64]:
        shared = np.intersect1d(does[a].indices, does[b].indices)[:TOLD]
        mine = np.isin(case, shared) & np.isin(found.unit[undone], [a, b])
        return np.unique(save[mine][: 2 * TOLD])

    return Trace(_weighed(seen, expected), seen.astype(np.int64), telling)


def find_restored(histories: Histories) -> Trace | None:
    """Count restorings of each other's versions; None where the source has no hashes."""
    found = turnover(histories)
    if found is None or not histories.corpus.offers("sha1"):
        return None
    n, brought = histories.n_units, (found.author >= 0) & (found.unit >= 0)
    theirs = brought & (found.author != found.unit)
    seen = np.zeros((n, n))
    np.add.at(seen, (found.unit[theirs], found.author[theirs]), 1)
    here = found.unit >= 0
    shape = (n, int(found.page.max(initial=0)) + 1)
    versions = _counts(found.unit[here], found.page[here], shape)
    restores = _counts(found.unit[brought], found.page[brought], shape)
    every = np.bincount(found.page, minlength=shape[1]).astype(float)
    expected = (restores @ sparse.diags(1 / np.maximum(every, 1)) @ versions.T).toarray()
    low, high = np.sort(np.column_stack([found.unit[theirs], found.author[theirs]]), axis=1).T
    told = first_of(low * n + high, found.save[theirs], n, TOLD)
    seen, expected = seen + seen.T, expected + expected.T
    return Trace(_weighed(seen, expected), seen.astype(np.int64), told)


def _weighed(seen: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    lr = poisson_lr(seen, expected, OFTENER) / np.log(10)
    return held(lr, expected >= LEAST, UNPROVEN)


def _counts(
    rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, int]
) -> sparse.csr_matrix:
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)


def _presence(
    rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, int]
) -> sparse.csr_matrix:
    found = _counts(rows, columns, shape)
    found.data[:] = 1
    return found
