"""Pages: which pages two accounts edit, the rare ones weighing most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from sockgraph.signals.vectors import TermMatrix, make_bag

if TYPE_CHECKING:
    from sockgraph.signals.corpus import Corpus


def page_bag(corpus: Corpus) -> TermMatrix | None:
    """Make the bag of pages: a save of k pages at once gives each 1/√k.

    A page that one account alone edited cannot be shared, and is left out.
    """
    known = corpus.page >= 0
    if not known.any():
        return None
    weight = 1 / np.sqrt(np.maximum(corpus.n_pages, 1))
    shape = (corpus.n_saves, len(corpus.pages))
    pairs = np.unique(np.column_stack([corpus.save[known], corpus.page[known]]), axis=0)
    values = weight[pairs[:, 0]].astype(np.float32)
    rows = sparse.csr_matrix((values, (pairs[:, 0], pairs[:, 1])), shape=shape)
    return make_bag(corpus, rows, limit=400_000)
