"""From edits and texts that a file holds to the discussions that a case lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockgraph.case import normal_name
from sockgraph.schema import TABLES, validate
from sockgraph.sources.base import Discussion

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


def pick_discussions(edits: pd.DataFrame, texts: pd.DataFrame, pages: Sequence[str]) -> Discussion:
    """Return the edits of these pages, each with its text; null where the file has none.

    Parameters
    ----------
    edits
        `edits` or `discussion_edits`.
    texts
        `texts`.
    pages
        Titles, underscores or spaces alike.
    """
    titles = edits["title"].map(normal_name, na_action="ignore")
    wanted = {page: normal_name(page) for page in pages}
    listed = edits[titles.isin(wanted.values())]
    columns = list(TABLES["discussion_edits"].columns)
    found = validate("discussion_edits", listed[[c for c in columns if c in listed]])
    whole = found[["wiki", "rev_id"]].merge(texts, how="left", on=["wiki", "rev_id"])
    told = {page: _counts(found, whole, title) for page, title in wanted.items()}
    missing = tuple(page for page, counts in told.items() if not counts["revisions"])
    return Discussion(found, validate("texts", whole), told, missing)


def _counts(edits: pd.DataFrame, texts: pd.DataFrame, title: str) -> dict[str, int]:
    here = edits["title"].map(normal_name) == title
    rows, read = edits[here], texts[here.to_numpy()]["text"].notna()
    unseen = rows["hidden"].map(lambda parts: "user" in parts).astype(bool)
    return {
        "revisions": len(rows),
        "texts": int(read.sum()),
        "hidden texts": int((~read).sum()),
        "hidden authors": int(unseen.sum()),
        "unregistered": int((rows["user"].isna() & ~unseen).sum()),
        "read in part": 0,
    }
