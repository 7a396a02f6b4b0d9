"""Who is who: earlier names, accounts that several wikis share, and how much of each was read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sockgraph.names import has_vanished, normal_name
from sockgraph.sources.base import Coverage
from sockgraph.sources.mediawiki import tables
from sockgraph.sources.mediawiki.queries import (
    GLOBAL,
    GLOBAL_BLOCKS,
    LOCKED,
    LOGS,
    REDIRECTS,
    RENAMES,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from sockgraph.sources.mediawiki.cache import CachedClient
    from sockgraph.store.raw_answers import AnswerChain

_FEWER = "The wiki counts {n} edits fewer than it lists (moves, imports)."
PART_OF_RENAMES = "Earlier names are known as far as redirects and the latest renames tell."
RENAME_ANSWERS = 4  # answers of 500 renames; a longer log is not read to its end
RENAMES_FOLLOWED = 5
ACCOUNTS_BLOCKED = (1, 43)
"""Since this MediaWiki accounts are blocked on all wikis; before, the list is one of addresses."""


def covered(
    fact: Mapping[str, Any],
    whole: pd.DataFrame,
    kept: pd.DataFrame,
    *,
    capped: bool,
    windowed: bool,
) -> Coverage:
    """Return how much of an account was read.

    Parameters
    ----------
    fact
        The wiki's word on the account: `name`, `editcount`.
    whole, kept
        `edits` that the wiki gave, and those that the case keeps of them.
    capped
        Older edits were left unread.
    windowed
        Edits outside a window were not asked for.
    """
    user, count = fact["name"], fact.get("editcount")
    seen = int((whole["user"] == user).sum())
    hidden = kept["hidden"][kept["user"] == user]
    known = not windowed or (count is not None and seen >= count)
    fewer = max(0, seen - count) if count is not None else 0
    return Coverage(
        user=user,
        edits_read=len(hidden),
        edit_count=count,
        outside_window=0 if known else None,
        hidden_comments=sum("comment" in h for h in hidden),
        hidden_texts=sum("text" in h for h in hidden),
        capped=capped,
        not_listed=None if capped or count is None or windowed else max(0, count - seen),
        note=_FEWER.format(n=fewer) if fewer else "",
    )


def owned(
    rows: Sequence[Mapping[str, Any]], facts: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Keep the rows that are these accounts', by their id: a name passes from one to another."""
    names = {fact["userid"]: user for user, fact in facts.items() if fact.get("userid")}
    owned = []
    for row in rows:
        number = row.get("userid")
        user = names.get(number) if number and names else row.get("user")
        if user in facts:
            owned.append({**row, "user": user})
    return owned


def has_more(whole: pd.DataFrame, kept: pd.DataFrame) -> set[str]:
    """Return who has more edits in the first than in the second."""
    had, has = whole["user"].value_counts(), kept["user"].value_counts()
    return {str(user) for user, n in had.items() if n > has.get(user, 0)}


def enough(chain: AnswerChain) -> bool:
    """Tell whether the rename log is read far enough."""
    return chain.complete or len(chain.entries) >= RENAME_ANSWERS


def log_is_whole(asker: CachedClient) -> bool:
    """Tell whether the stored rename log goes back to its beginning."""
    chains = asker.raw.chains(RENAMES.identity)
    return bool(chains) and chains[0].complete


def ask_renames(asker: CachedClient, users: Sequence[str]) -> None:
    """See to it that what tells of renames is stored.

    The log can be asked by the old name only. Where it is too long to be read whole, the redirects
    that a rename leaves behind suggest old names; the log of each says whether it was one.
    """
    asker.ensure(RENAMES, enough=enough)
    if not log_is_whole(asker):
        titles = [f"User:{user}" for user in users]
        asker.ensure(REDIRECTS, titles)
        asker.ensure(LOGS, _suggested(asker, titles))


def renamings(asker: CachedClient, users: Sequence[str]) -> list[tuple[str, str]]:
    """Return (old name, new name) of each known rename, oldest first, each once."""
    rows = list(asker.rows(RENAMES, enough=enough))
    if not log_is_whole(asker):
        old = _suggested(asker, [f"User:{user}" for user in users])
        rows += list(asker.rows(LOGS, old))
    by_id = {row["logid"]: row for row in rows}
    return tables.renamings(by_id.values())


def today(asker: CachedClient, name: str) -> str | None:
    """Return the name that a given-up one leads to by one rename; null if by none, or vanished."""
    title = f"User:{name}"
    asker.ensure(LOGS, [title])
    found = dict(tables.renamings(asker.rows(LOGS, [title]))).get(name)
    return None if found and has_vanished(found) else found


def former_holders(asker: CachedClient, users: Sequence[str]) -> dict[str, str]:
    """Return, of each name that another account had before, the day when that one gave it up."""
    rows = list(asker.rows(RENAMES, enough=enough))
    if not log_is_whole(asker):
        titles = [f"User:{user}" for user in users]
        asker.ensure(LOGS, titles, enough=tables.log_read)
        rows += asker.rows(LOGS, titles, enough=tables.log_read)
    by_id = {row["logid"]: row for row in rows if row["type"] == "renameuser"}
    pairs = tables.renamings(by_id.values())
    days: dict[str, str] = {}
    for row in by_id.values():
        for old, _ in tables.renamings([row]):
            if old in set(users) and old not in tables.earlier_names(old, pairs):
                days[old] = max(days.get(old, ""), row["timestamp"][:10])
    return days


def locked_or_blocked(asker: CachedClient, users: Sequence[str]) -> set[str]:
    """Return who of these is locked or blocked on all wikis, where the wiki can tell."""
    found = set()
    if tables.has(asker, "CentralAuth"):
        asker.ensure(LOCKED, users)
        found |= {str(row["name"]) for row in asker.rows(LOCKED, users) if row.get("locked")}
    return (found | set(global_blocks(asker, users))) & set(users)


def global_blocks(asker: CachedClient, users: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Return the newest block on all wikis of each of these, where the wiki can tell.

    It is not asked about whom CentralAuth does not show: one such name, and it answers nothing.
    """
    if not tables.has(asker, "GlobalBlocking") or (tables.version(asker) or ()) < ACCOUNTS_BLOCKED:
        return {}
    if tables.has(asker, "CentralAuth"):
        told = [*asker.rows(LOCKED, users), *asker.rows(GLOBAL, users)]
        shown = {row.get("name") for row in told}
        users = [user for user in users if user in shown]
    asker.ensure(GLOBAL_BLOCKS, users)
    return {
        normal_name(str(row["target"])): row
        for row in asker.rows(GLOBAL_BLOCKS, users)
        if row.get("target")
    }


def rename_rows(
    asker: CachedClient, users: Sequence[str], earlier: set[str]
) -> list[dict[str, object]]:
    """Return the log's rows about the renames of these earlier names."""
    rows = list(asker.rows(RENAMES, enough=enough))
    if not log_is_whole(asker):
        rows += list(asker.rows(LOGS, _suggested(asker, [f"User:{user}" for user in users])))
    return [row for row in rows if earlier & {old for old, _ in tables.renamings([row])}]


def _suggested(asker: CachedClient, titles: Sequence[str]) -> list[str]:
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


def ask_global(asker: CachedClient, users: Sequence[str]) -> None:
    """See to it that the global accounts are stored, a request each, where there are such."""
    if tables.has(asker, "CentralAuth"):
        asker.ensure(GLOBAL, users)


def global_accounts(asker: CachedClient, users: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Return the answer about each name that is a global account; nothing without CentralAuth."""
    ask_global(asker, users)
    if not tables.has(asker, "CentralAuth"):
        return {}
    rows = [row for row in asker.rows(GLOBAL, users) if row.get("name") in set(users)]
    return {row["name"]: row for row in rows if not row.get("missing")}


def global_notes(asker: CachedClient, users: Sequence[str]) -> dict[str, str]:
    """Return a sentence on each account that has something to be said of it."""
    if not tables.has(asker, "CentralAuth"):
        return {}
    told = {row["name"]: row for row in asker.rows(GLOBAL, users) if row.get("name")}
    return {user: said for user, row in told.items() if (said := _said(row))}


def everywhere(
    asker: CachedClient, users: Sequence[str]
) -> dict[str, tuple[dict[str, str | None], ...]]:
    """Return the lock and the block on all wikis of each account that has one."""
    found: dict[str, tuple[dict[str, str | None], ...]] = {}
    if tables.has(asker, "CentralAuth"):
        locked = (row["name"] for row in asker.rows(GLOBAL, users) if row.get("locked"))
        found |= {user: ({"what": "lock", "since": None, "by": None},) for user in locked}
    for user, row in global_blocks(asker, users).items():
        block = {"what": "block", "since": row["timestamp"][:10], "by": row.get("by")}
        found[user] = (*found.get(user, ()), block)
    return found


def block_notes(asker: CachedClient, users: Sequence[str]) -> dict[str, str]:
    """Return a sentence on each account that is blocked on all wikis: when, by whom and why."""
    return {
        user: f"It is blocked on all wikis since {row['timestamp'][:10]}, by {row.get('by')}"
        f" ({row.get('reason') or 'no reason given'})."
        for user, row in global_blocks(asker, users).items()
        if user in set(users)
    }


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


def joined_notes(*notes: Mapping[str, str]) -> dict[str, str]:
    """Put together what there is to be said of each account."""
    users = {user for part in notes for user in part}
    return {user: " ".join(filter(None, (part.get(user) for part in notes))) for user in users}
