"""The pages that a case lists under [discussions]: every revision of them, with its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sockgraph.sources.base import Discussion
from sockgraph.sources.mediawiki.queries import DISCUSSIONS
from sockgraph.sources.mediawiki.tables import hidden_parts, table_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sockgraph.sources.mediawiki.cache import Asker
    from sockgraph.store.raw_answers import Chain

DISCUSSION_ROWS = 2000  # of one page, newest first; a text may be as long as a book


def read_discussions(asker: Asker, wiki: str, pages: Sequence[str]) -> Discussion:
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


def _revisions(asker: Asker, asked: str) -> Iterator[dict[str, Any]]:
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


def _whole(asker: Asker, asked: str) -> bool:
    chains = asker.raw.chains(DISCUSSIONS.identity)
    first = next(c for c in chains if asked in c.subjects)  # later ones read what is new since
    return first.complete


def _read_enough(chain: Chain) -> bool:
    return chain.complete or chain.rows >= DISCUSSION_ROWS
