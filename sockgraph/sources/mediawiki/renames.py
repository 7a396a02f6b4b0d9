"""Earlier names of accounts: from the wiki's rename log, and from redirects of user pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockgraph.sources.mediawiki import tables
from sockgraph.sources.mediawiki.questions import LOGS, REDIRECTS, RENAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sockgraph.sources.mediawiki.asker import Asker
    from sockgraph.store.raw import Chain

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
