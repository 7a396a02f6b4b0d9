"""Pages: which pages two accounts edit, the rare ones weighing most; and what pages are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from sockgraph.signals.vectors import TermMatrix, make_bag

if TYPE_CHECKING:
    import pandas as pd

    from sockgraph.signals.corpus import Corpus


def of_wikis(names: pd.Series, wikis: pd.Series) -> pd.Series:
    """Return names of pages, of several wikis each with its wiki: one title on two is two pages.

    >>> import pandas as pd
    >>> list(of_wikis(pd.Series(["Mill", "Mill"]), pd.Series(["a.example", "b.example"])))
    ['Mill (a.example)', 'Mill (b.example)']
    """
    named = names.astype("string")
    return named if wikis.nunique() < 2 else named + " (" + wikis.astype("string") + ")"


def page_titles(edits: pd.DataFrame) -> pd.Series:
    """Return what the page of each edit is called, by its number where it has no title.

    A table that has its `page` already keeps it: a desk asks often.
    """
    if "page" in edits:
        return edits["page"]
    titles = edits["title"].astype("string")
    if "page_id" in edits:
        titles = titles.fillna("page " + edits["page_id"].astype("string"))
    titles = titles.fillna("page without a title")
    return of_wikis(titles, edits["wiki"]) if "wiki" in edits else titles


def revision_keys(edits: pd.DataFrame) -> pd.Series:
    """Return each revision as `wiki:rev_id`: two wikis number theirs alike."""
    return edits["wiki"].astype("string") + ":" + edits["rev_id"].astype("string")


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
