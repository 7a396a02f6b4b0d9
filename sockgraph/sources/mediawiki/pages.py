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

HASHES = 50_000  # edits: a thousand requests
HISTORY_ROWS = 2000  # of one page, newest first; what lies further back is told as not read


def with_sha1(asker: Asker, edits: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return `edits` with `sha1` where several of its accounts edited the page, and what lacks it.

    Contribution lists do not give it: it takes a request for every 50 such edits, for 50,000 at
    most, those on the pages that most accounts share first. Where the text is hidden the hash is
    too: it stays null, and `hidden` holds "text".
    """
    shared = _on_shared_pages(edits)
    asked = [str(rev_id) for rev_id in sorted(shared[:HASHES])]
    asker.ensure(REVISIONS, asked)
    found = {
        revision["revid"]: revision
        for page in asker.rows(REVISIONS, asked)
        for revision in page.get("revisions", [])
    }
    hashes = {rev_id: revision.get("sha1") for rev_id, revision in found.items()}
    counts = {
        "edits on shared pages": len(shared),
        "edits on shared pages, hash not asked for": len(shared) - len(asked),
        "edits on shared pages, hash hidden": sum(
            bool(r.get("sha1hidden")) for r in found.values()
        ),
        "edits on shared pages, gone since": len(asked) - len(found.keys() & set(map(int, asked))),
    }
    return edits.assign(sha1=edits["rev_id"].map(hashes).astype("string")), counts


def _on_shared_pages(edits: pd.DataFrame) -> list[int]:
    """Return the edits of pages that several accounts edited, the most shared page's first."""
    accounts = edits.groupby("page_id")["user"].transform("nunique")
    there = edits.assign(accounts=accounts)[accounts > 1]
    order = there.sort_values(["accounts", "page_id", "rev_id"], ascending=[False, True, True])
    return [int(rev_id) for rev_id in order["rev_id"]]


def shared_pages(edits: pd.DataFrame) -> list[int]:
    """Return the pages that several accounts edited: of most accounts, then of fewest edits."""
    known = edits.dropna(subset=["page_id"]).groupby("page_id")
    pages = known.agg(users=("user", "nunique"), edits=("rev_id", "size")).reset_index()
    shared = pages[pages["users"] > 1]
    order = shared.sort_values(["users", "edits", "page_id"], ascending=[False, True, True])
    return [int(page) for page in order["page_id"]]


def histories(asker: Asker, wiki: str, pages: Sequence[int]) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return every edit of these pages, whoever made it, newest 2,000 a page, and what is missing.

    Rows whose author is hidden or not registered are left out of the table and counted.
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
        "edits whose author is hidden": sum("user" not in r and not r.get("anon") for r in rows),
        "edits of unregistered editors": sum(bool(row.get("anon")) for row in rows),
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
