"""Accounts across wikis, where the wiki has CentralAuth; asked of the case's wiki alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sockgraph.sources.mediawiki.questions import GLOBAL, SITE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sockgraph.sources.mediawiki.asker import Asker


def ask_global(asker: Asker, users: Sequence[str]) -> None:
    """See to it that the global accounts are stored, a request each, where there are such."""
    if _has_central_auth(asker):
        asker.ensure(GLOBAL, users)


def global_accounts(asker: Asker, users: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Return the answer about each name that is a global account; nothing without CentralAuth."""
    ask_global(asker, users)
    if not _has_central_auth(asker):
        return {}
    rows = [row for row in asker.rows(GLOBAL, users) if row.get("name") in set(users)]
    return {row["name"]: row for row in rows if not row.get("missing")}


def global_notes(asker: Asker, users: Sequence[str]) -> dict[str, str]:
    """Return a sentence on each account that has something to be said of it."""
    if not _has_central_auth(asker):
        return {}
    told = {row["name"]: row for row in asker.rows(GLOBAL, users) if row.get("name")}
    return {user: said for user, row in told.items() if (said := _said(row))}


def _has_central_auth(asker: Asker) -> bool:
    extensions = asker.whole(SITE).get("extensions", [])
    return any(extension.get("name") == "CentralAuth" for extension in extensions)


def _said(row: Mapping[str, Any]) -> str:
    merged = row.get("merged", [])
    others = [wiki for wiki in merged if wiki.get("editcount", 0)]
    said = ["The account is locked on all wikis."] if row.get("locked") else []
    if len(others) > 1:
        edits = sum(wiki["editcount"] for wiki in others)
        said.append(f"It has {edits:,} edits on {len(others)} wikis together.")
    blocked = sum("blocked" in wiki for wiki in merged)
    if blocked:
        said.append(f"It is blocked on {blocked} of them.")
    return " ".join(said)
