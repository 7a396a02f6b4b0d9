"""Who is who: earlier names of accounts, and accounts that several wikis share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sockgraph.sources.mediawiki import tables
from sockgraph.sources.mediawiki.queries import GLOBAL, LOGS, REDIRECTS, RENAMES, SITE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sockgraph.sources.mediawiki.cache import Asker
    from sockgraph.store.raw_answers import Chain


RENAME_ANSWERS = 4  # answers of 500 renames; a longer log is not read to its end
RENAMES_FOLLOWED = 5


def enough(chain: Chain) -> bool:
    """Tell whether the rename log is read far enough."""
    return chain.complete or len(chain.entries) >= RENAME_ANSWERS


def log_is_whole(asker: Asker) -> bool:
    """Tell whether the stored rename log goes back to its beginning."""
    chains = asker.raw.chains(RENAMES.identity)
    return bool(chains) and chains[0].complete


def ask_renames(asker: Asker, users: Sequence[str]) -> None:
    """See to it that what tells of renames is stored.

    The log can be asked by the old name only. Where it is too long to be read whole, the redirects
    that a rename leaves behind suggest old names; the log of each says whether it was one.
    """
    asker.ensure(RENAMES, enough=enough)
    if not log_is_whole(asker):
        titles = [f"User:{user}" for user in users]
        asker.ensure(REDIRECTS, titles)
        asker.ensure(LOGS, _suggested(asker, titles))


def renamings(asker: Asker, users: Sequence[str]) -> list[tuple[str, str]]:
    """Return (old name, new name) of each known rename, oldest first, each once."""
    rows = list(asker.rows(RENAMES, enough=enough))
    if not log_is_whole(asker):
        old = _suggested(asker, [f"User:{user}" for user in users])
        rows += list(asker.rows(LOGS, old))
    by_id = {row["logid"]: row for row in rows}
    return tables.renamings(by_id.values())


def today(asker: Asker, name: str) -> str | None:
    """Return the name that a given-up one leads to by one rename; null if by none."""
    title = f"User:{name}"
    asker.ensure(LOGS, [title])
    return dict(tables.renamings(asker.rows(LOGS, [title]))).get(name)


def rename_rows(asker: Asker, users: Sequence[str], earlier: set[str]) -> list[dict[str, object]]:
    """Return the log's rows about the renames of these earlier names."""
    rows = list(asker.rows(RENAMES, enough=enough))
    if not log_is_whole(asker):
        rows += list(asker.rows(LOGS, _suggested(asker, [f"User:{user}" for user in users])))
    return [row for row in rows if earlier & {old for old, _ in tables.renamings([row])}]


def _suggested(asker: Asker, titles: Sequence[str]) -> list[str]:
    """Return the user pages, not their subpages, that redirect to these."""
    wanted = set(titles)
    found = {
        "User:" + redirect["title"].split(":", 1)[1]
        for page in asker.rows(REDIRECTS, titles)
        if "User:" + page["title"].split(":", 1)[1] in wanted
        for redirect in page.get("redirects", [])
        if "/" not in redirect["title"]
    }
    return sorted(found)


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
