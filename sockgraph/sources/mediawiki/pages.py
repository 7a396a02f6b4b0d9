"""Pages: their texts and hashes, histories of chosen ones, other editors, and discussions.

What edits added is read fifty revisions a request. Every account, nominated or reference, is read
alike: the same number of its newest edits, posts on talk pages first. Answers are kept as they
came, so a run goes on where it was; at most `REQUESTS` are made for a case.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.errors import FetchError
from sockgraph.names import PLACEHOLDER, TEMPORARY, kind_of
from sockgraph.runtime import notice
from sockgraph.schema import UNDOING
from sockgraph.sources.added_text import LARGEST, added
from sockgraph.sources.base import Discussion
from sockgraph.sources.mediawiki.queries import (
    DISCUSSIONS,
    EDITORS,
    HISTORY,
    NAMES_PER_REQUEST,
    REVISIONS,
    TEXTS,
    TEXTS_BEFORE_SLOTS,
    USERS,
)
from sockgraph.sources.mediawiki.tables import blocked_for_good, edits_table, hidden_parts, table_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sockgraph.sources.mediawiki.cache import CachedClient
    from sockgraph.sources.mediawiki.queries import Query
    from sockgraph.store.raw_answers import AnswerChain

REQUESTS = 300
"""Requests for texts that a case may take, all its wikis together."""
EACH = 100
"""Edits of one account that are read, at most."""
LEAST = 40
"""Bytes that an edit must have added to be read."""
UNDONE = UNDOING | {"mw-reverted"}
"""Tags of edits that bring back what others wrote, or did not last."""
HASHES = 50_000  # edits: a thousand requests
PAGE_ROWS = 2000  # of one page, newest first; what lies further back is told as not read


def with_texts(
    asker: CachedClient, edits: pd.DataFrame, sizes: Mapping[int, int], mode: str, *, wikis: int = 1
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return `edits` with `text`, what they added, and how much was not read and why.

    Parameters
    ----------
    asker
        The wiki and the case's answers.
    edits
        Of every account that is compared, in one call.
    sizes
        Bytes of the page after an edit, as far as known: larger ones than `LARGEST` are not read.
    mode
        "posts": talk pages alone; "all": articles too.
    wikis
        How many wikis share the requests.

    Raises
    ------
    FetchError
        If the wiki does not answer; what was answered until then is kept.
    """
    chosen, counts = _chosen(edits, sizes, mode, REQUESTS * NAMES_PER_REQUEST // wikis)
    number = chosen["rev_id"].astype("int64")
    parents = chosen["parent_id"].fillna(0).astype("int64")
    asked = [str(n) for n in sorted({*number, *parents} - {0})]
    _tell(asker, TEXTS, asked)
    shown = _shown(asker, asked)
    pairs = zip(number, parents, strict=True)
    texts = {rev: _added(rev, parent, shown, counts) for rev, parent in pairs}
    read = edits["rev_id"].astype("int64").map(texts).astype("string")
    return edits.assign(text=read.array), dict(counts)


def _chosen(
    edits: pd.DataFrame, sizes: Mapping[int, int], mode: str, revisions: int
) -> tuple[pd.DataFrame, Counter[str]]:
    """Choose what is read: of every account equally many, posts first and of them the newest."""
    space = edits["ns"].fillna(-1).astype("int64").to_numpy()
    post = (space > 0) & (space % 2 == 1)
    wanted = post | (space == 0) if mode == "all" else post
    brief = (edits["size_diff"].fillna(LEAST) < LEAST).to_numpy(dtype=bool)
    hidden = np.array(["text" in h or "suppressed" in h for h in edits["hidden"]], dtype=bool)
    undone = np.array([bool(UNDONE & set(tags or ())) for tags in edits["tags"]], dtype=bool)
    size = edits["rev_id"].map(dict(sizes)).fillna(0).to_numpy(dtype=float)
    first = (edits["parent_id"].fillna(-1) < 0).to_numpy(dtype=bool)  # no word of what was before
    told = Counter(
        {
            "texts: edits of the kind asked for": int(wanted.sum()),
            "texts: hidden": int((wanted & hidden).sum()),
            "texts: on pages too large to read": int((wanted & (size > LARGEST)).sum()),
        }
    )
    fit = wanted & ~brief & ~hidden & ~undone & ~first & (size <= LARGEST)
    here = edits.assign(post=post)[fit]
    each = min(EACH, revisions // (2 * max(here["user"].nunique(), 1)))
    order = here.sort_values(["post", "timestamp", "rev_id"], ascending=False, kind="stable")
    chosen = order.groupby("user", sort=False).head(each)
    told["texts: edits left unread, the account has enough"] = len(here) - len(chosen)
    return chosen, told


def _tell(asker: CachedClient, question: Query, asked: list[str]) -> None:
    """Say before how many requests there will be."""
    had = {s for chain in asker.raw.chains(question.identity) for s in chain.subjects}
    new = len(set(asked) - had)
    if new and not asker.offline:
        n = -(-new // NAMES_PER_REQUEST)
        notice(f"{asker.connection.host}: {n:,} requests for what {new:,} revisions say.")


def _shown(asker: CachedClient, asked: list[str]) -> dict[int, str | None]:
    """Return the texts by revision; null where hidden, absent where deleted."""
    question = TEXTS
    try:
        asker.ensure(question, asked)
    except FetchError as error:
        if "rvslots" not in str(error):
            raise
        question = TEXTS_BEFORE_SLOTS  # as before MediaWiki 1.32
        asker.ensure(question, asked)
    return {
        row["revid"]: _content(row)
        for page in asker.rows(question, asked)
        for row in page.get("revisions", [])
    }


def _content(row: Mapping[str, Any]) -> str | None:
    """Return a revision's wikitext, in the form with slots or the one before there were any."""
    slot = row.get("slots", {}).get("main", row)
    model = slot.get("contentmodel", "wikitext")
    text = slot.get("content") if model == "wikitext" else None
    return text if isinstance(text, str) else None


def _added(
    rev: int, parent: int, shown: Mapping[int, str | None], counts: Counter[str]
) -> str | None:
    after, before = shown.get(rev), shown.get(parent) if parent else ""
    if after is None or before is None:
        counts["texts: hidden or deleted since, or the one before is"] += 1
        return None
    counts["texts: read"] += 1
    return added(before, after)


def with_sha1(asker: CachedClient, edits: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
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


def histories(
    asker: CachedClient, wiki: str, pages: Sequence[int]
) -> tuple[pd.DataFrame, dict[str, int]]:
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
        "edits whose author is hidden": sum(
            "user" not in r and not r.get("anon") and not r.get("temp") for r in rows
        ),
        "edits of unregistered editors": sum(bool(row.get("anon")) for row in rows),
        "edits of temporary accounts": sum(bool(row.get("temp")) for row in rows),
        "pages read in part": sum(not told[page] for page in asked),
    }
    return edits_table(wiki, (row for row in rows if "user" in row)), counts


def _read_enough(chain: AnswerChain) -> bool:
    return chain.complete or chain.rows >= PAGE_ROWS


def _sized(revisions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add to each revision by how much it changed the size, where its parent is at hand."""
    sizes = {r["revid"]: r["size"] for r in revisions if "size" in r} | {0: 0}
    return [
        {**r, "sizediff": r["size"] - sizes[r["parentid"]]}
        if "size" in r and r.get("parentid") in sizes
        else dict(r)
        for r in revisions
    ]


PAGES = 1000  # the pages that are asked about: 20 first requests
EDITORS_A_BATCH = 2000  # of 50 pages: what has more is a busy page, and says little
CANDIDATES_PER_REFERENCE = 4
FEWEST_CANDIDATES = 200


@dataclass(frozen=True)
class Neighbourhood:
    """Candidates for the reference, and what was left out of them."""

    table: pd.DataFrame
    counts: dict[str, int] = field(default_factory=dict)


def find_neighbours(
    asker: CachedClient, edits: pd.DataFrame, *, wanted: int, min_edits: int
) -> Neighbourhood:
    """Return the accounts that edited the pages of `edits`, those with most such pages first.

    Pages that several of the accounts edited come first, then those with fewest edits.

    Parameters
    ----------
    wanted
        Size of the reference; four times as many candidates are looked at.
    min_edits
        Accounts whose edit count is lower are left out.
    """
    pages = _rarest_first(edits)
    asked = [str(page) for page in pages[:PAGES]]
    asker.ensure(EDITORS, asked, enough=_told_enough)
    shared = _shared(asker, asked) - Counter(dict.fromkeys(edits["user"], len(pages) + 1))
    ranked = sorted(shared, key=lambda name: (-shared[name], name))
    looked_at = ranked[: max(FEWEST_CANDIDATES, CANDIDATES_PER_REFERENCE * wanted)]
    reasons = _left_out(asker, looked_at, min_edits)
    kept = [name for name in looked_at if name not in reasons]
    counts = {
        "unregistered editors of these pages, left out": _unregistered(asker, asked),
        "pages asked about": len(asked),
        "pages not asked about": len(pages) - len(asked),
        "editors found": len(ranked),
        "editors not looked at": len(ranked) - len(looked_at),
        **{f"left out: {why}": n for why, n in sorted(Counter(reasons.values()).items())},
    }
    return Neighbourhood(_ranking(kept, shared), counts)


def _told_enough(chain: AnswerChain) -> bool:
    return chain.complete or chain.rows >= EDITORS_A_BATCH


def _rarest_first(edits: pd.DataFrame) -> list[int]:
    known = edits.dropna(subset=["page_id"])
    pages = known.groupby("page_id").agg(users=("user", "nunique"), edits=("rev_id", "size"))
    ordered = pages.reset_index().sort_values(
        ["users", "edits", "page_id"], ascending=[False, True, True]
    )
    return [int(page) for page in ordered["page_id"]]


def _shared(asker: CachedClient, asked: list[str]) -> Counter[str]:
    wanted, editors = {int(page) for page in asked}, set()
    for row in asker.rows(EDITORS, asked, enough=_told_enough):
        if row.get("pageid") in wanted:
            editors |= {(row["pageid"], who["name"]) for who in row.get("contributors", [])}
    return Counter(name for _, name in editors)


def _unregistered(asker: CachedClient, asked: list[str]) -> int:
    """Add up, page by page, the unregistered editors that the wiki counts."""
    pages = {
        row["pageid"]: row.get("anoncontributors", 0)
        for row in asker.rows(EDITORS, asked, enough=_told_enough)
        if "anoncontributors" in row
    }
    return sum(pages.values())


def _left_out(asker: CachedClient, names: list[str], min_edits: int) -> dict[str, str]:
    """Say of each candidate that cannot serve why not."""
    asker.ensure(USERS, names)
    told = asker.temporary_names
    facts = {row["name"]: row for row in asker.rows(USERS, names)}
    reasons = {n: _why_not(facts.get(n, {"missing": True}), min_edits) for n in names}
    reasons |= {n: "temporary" for n in names if kind_of(n, told) == TEMPORARY}
    return {name: why for name, why in reasons.items() if why}


def _why_not(row: Mapping[str, Any], min_edits: int) -> str:
    if row.get("missing") or row.get("invalid") or kind_of(row.get("name", "")) == PLACEHOLDER:
        return "not registered"
    groups = set(row.get("groups", []))
    if "bot" in groups:
        return "bot"
    if "temp" in groups:
        return "temporary"
    if blocked_for_good(row):
        return "blocked without end or as a sock"
    return "too few edits" if row.get("editcount", min_edits) < min_edits else ""


def _ranking(names: list[str], shared: Mapping[str, int]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "user": pd.Series(names, dtype="string"),
            "shared_pages": pd.Series([shared[n] for n in names], dtype="int64"),
        }
    )


def read_discussions(asker: CachedClient, wiki: str, pages: Sequence[str]) -> Discussion:
    """Return every revision of these pages, newest 2,000 a page; a redirect leads to its target.

    It takes a request for every 50 revisions of a page: wikis give no more where texts are asked.
    """
    asker.ensure(DISCUSSIONS, pages, enough=_read_enough)
    edits: dict[int, dict[str, Any]] = {}
    texts: dict[int, dict[str, Any]] = {}
    told, missing = {}, []
    for asked in pages:
        rows = {row["revid"]: row for row in _revisions(asker, asked)}
        edits |= {rev: _edit(wiki, row) for rev, row in rows.items()}
        read = {n: {"wiki": wiki, "rev_id": n, "text": _text(row)} for n, row in rows.items()}
        texts |= read
        told[asked] = _counts(list(rows.values()), _whole(asker, asked))
        if not rows:
            missing.append(asked)
    return Discussion(
        table_of("discussion_edits", list(edits.values())),
        table_of("texts", list(texts.values())),
        told,
        tuple(missing),
    )


def _revisions(asker: CachedClient, asked: str) -> Iterator[dict[str, Any]]:
    for page in asker.rows(DISCUSSIONS, [asked], enough=_read_enough):
        about = {"title": page["title"], "pageid": page.get("pageid"), "ns": page.get("ns")}
        for revision in page.get("revisions", []):
            yield {**revision, **about}


def _edit(wiki: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "wiki": wiki,
        "rev_id": row["revid"],
        "title": row["title"],
        "page_id": row["pageid"],
        "ns": row["ns"],
        "user": row.get("user"),
        "timestamp": row["timestamp"],
        "comment": row.get("comment"),
        "minor": row.get("minor"),
        "parent_id": row.get("parentid"),
        "sha1": row.get("sha1"),
        "hidden": hidden_parts(row),
    }


def _text(row: Mapping[str, Any]) -> str | None:
    """Return the wikitext; null where it is hidden."""
    text: str | None = row.get("slots", {}).get("main", {}).get("content")
    return text


def _counts(rows: Sequence[Mapping[str, Any]], whole: bool) -> dict[str, int]:  # noqa: FBT001 - told in the manifest as it is
    return {
        "revisions": len(rows),
        "texts": sum(_text(row) is not None for row in rows),
        "hidden texts": sum(_text(row) is None for row in rows),
        "hidden authors": sum(bool(row.get("userhidden")) for row in rows),
        "unregistered": sum(bool(row.get("anon") or row.get("temp")) for row in rows),
        "read in part": int(not whole),
    }


def _whole(asker: CachedClient, asked: str) -> bool:
    chains = asker.raw.chains(DISCUSSIONS.identity)
    first = next(c for c in chains if asked in c.subjects)  # later ones read what is new since
    return first.complete
