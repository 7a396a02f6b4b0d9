"""What the pages say of edits: hashes of their text, and whole histories of chosen pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sockgraph.sources.mediawiki.questions import HISTORY, REVISIONS
from sockgraph.sources.mediawiki.tables import edits_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from sockgraph.sources.mediawiki.asker import Asker
    from sockgraph.store.raw import Chain

HISTORY_ROWS = 2000  # of one page, newest first; what lies further back is told as not read


def with_sha1(asker: Asker, edits: pd.DataFrame) -> pd.DataFrame:
    """Return `edits` with `sha1` where several of its accounts edited the page.

    Contribution lists do not give it: it takes a request for every 50 such edits. Where the text is
    hidden the hash is too: it stays null, and `hidden` holds "text".
    """
    accounts = edits.groupby("page_id")["user"].transform("nunique")
    shared = [str(rev_id) for rev_id in edits["rev_id"][accounts > 1]]
    asker.ensure(REVISIONS, shared)
    found = {
        revision["revid"]: revision.get("sha1")
        for page in asker.rows(REVISIONS, shared)
        for revision in page.get("revisions", [])
    }
    return edits.assign(sha1=edits["rev_id"].map(found).astype("string"))


def histories(asker: Asker, wiki: str, pages: Sequence[int]) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return every edit of these pages, whoever made it, newest 2,000 a page, and what is missing.

    Rows whose author is hidden are left out of the table and counted.
    """
    asked = [str(page) for page in pages]
    asker.ensure(HISTORY, asked, enough=_read_enough)
    rows = [
        {**revision, "title": page["title"], "pageid": page["pageid"], "ns": page["ns"]}
        for page in asker.rows(HISTORY, asked, enough=_read_enough)
        for revision in _sized(page.get("revisions", []))
    ]
    told = {c.subjects[0]: c.complete for c in asker.raw.chains(HISTORY.identity)}
    counts = {
        "edits whose author is hidden": sum("user" not in row for row in rows),
        "pages read in part": sum(not told[page] for page in asked),
    }
    return edits_table(wiki, (row for row in rows if "user" in row)), counts


def _read_enough(chain: Chain) -> bool:
    return chain.complete or chain.rows >= HISTORY_ROWS


def _sized(revisions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add to each revision by how much it changed the size, where its parent is at hand."""
    sizes = {r["revid"]: r["size"] for r in revisions if "size" in r} | {0: 0}
    return [
        {**r, "sizediff": r["size"] - sizes[r["parentid"]]}
        if "size" in r and r.get("parentid") in sizes
        else dict(r)
        for r in revisions
    ]
