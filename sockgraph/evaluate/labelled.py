"""Labelled pairs with what tells the hard ones: alike in pages, hours or tools, or new together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from sockgraph.evidence.falselinks import ALIKE, EVENT_DAYS, STRATA
from sockgraph.evidence.heldout import COLUMNS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.evaluate.judged import Judged

PAIR = ["user_a", "user_b"]


def labelled_pairs(judged: Judged, evidence: pd.DataFrame, edits: pd.DataFrame) -> pd.DataFrame:
    """Lay out the pairs of labelled accounts as the reference's held-out pairs are.

    Parameters
    ----------
    judged
        Links beside labels.
    evidence, edits
        The case's tables.

    Returns
    -------
    DataFrame
        The links' columns, `same`, `shared_pages`, and a boolean column a stratum.
    """
    pairs = judged.links.reset_index(drop=True).assign(same=judged.same)
    users = pd.Index(judged.users)
    own = edits[edits["user"].isin(users)]
    a, b = users.get_indexer(pairs["user_a"]), users.get_indexer(pairs["user_b"])
    shared = _shared(own, users)[a, b]
    first = own.groupby("user")["timestamp"].min().reindex(users)
    begun = first.to_numpy("datetime64[us]")
    days = np.abs(begun[a] - begun[b]) / np.timedelta64(1, "D")
    alike = {
        COLUMNS[stratum]: _alike(pairs, evidence[evidence["signal"] == signal])
        for stratum, signal in STRATA.items()
    }
    together = (days <= EVENT_DAYS) & (shared > 0)
    return pairs.assign(shared_pages=shared, newcomers=together, **alike)


def _shared(edits: pd.DataFrame, users: pd.Index) -> NDArray[np.int64]:
    """Return (users, users): pages that both edited."""
    page = edits["title"].fillna(edits["page_id"].astype("string"))
    codes, pages = pd.factorize(page)
    who = users.get_indexer(pd.Index(edits["user"]))
    known = (codes >= 0) & (who >= 0)
    ones = np.ones(int(known.sum()), dtype=np.int64)
    shape = (len(users), max(len(pages), 1))
    edited = sparse.csr_matrix((ones, (who[known], codes[known])), shape=shape)
    edited.data[:] = 1
    return np.asarray((edited @ edited.T).toarray())


def _alike(pairs: pd.DataFrame, said: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which different pairs are among the most alike, as among reference pairs."""
    keys = pd.MultiIndex.from_frame(pairs[PAIR].astype(str))
    given = said.assign(**{k: said[k].astype(str) for k in PAIR}).set_index(PAIR)["score"]
    value = given.reindex(keys).fillna(-np.inf).to_numpy(float)
    different = value[~pairs["same"].to_numpy(bool)]
    if not len(different):
        return np.zeros(len(pairs), dtype=bool)
    return np.asarray(value > np.quantile(different, 1 - ALIKE))
