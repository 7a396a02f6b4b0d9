"""The logs that bear on accounts: what was done to them, and what they did themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sockgraph.sources.mediawiki import renames, tables
from sockgraph.sources.mediawiki.questions import CREATIONS, LOGS, MOVES, SITE, THANKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sockgraph.sources.mediawiki.asker import Asker
    from sockgraph.store.raw import Chain

LOG_ROWS = 2000  # of one account and kind, newest first: some have moved pages by the thousand


def read_logs(asker: Asker, users: Sequence[str], named: Sequence[str]) -> list[dict[str, Any]]:
    """Return blocks, rights, renames, creation, moves and thanks about and by these accounts.

    Each is a request of its own for each account, since the log takes one name: what was done to
    the account is one, its moves, the accounts it created and its thanks are one each; thanks are
    asked for only where the wiki has them.

    Parameters
    ----------
    users
        Whom the logs are about.
    named
        Those of them whose earlier names may be looked up.
    """
    titles = [f"User:{user}" for user in users]
    asker.ensure(LOGS, titles, enough=_read_enough)
    rows = list(asker.rows(LOGS, titles, enough=_read_enough))
    for question in (MOVES, CREATIONS, *([THANKS] if _has_thanks(asker) else [])):
        asker.ensure(question, users, enough=_read_enough)
        rows += asker.rows(question, users, enough=_read_enough)
    return rows + _renames_to(asker, named)


def _renames_to(asker: Asker, named: Sequence[str]) -> list[dict[str, Any]]:
    renames.ask_renames(asker, named)
    known = renames.renamings(asker, named)
    earlier = {name for user in named for name in tables.earlier_names(user, known)}
    return renames.rename_rows(asker, named, earlier)


def _has_thanks(asker: Asker) -> bool:
    extensions = asker.whole(SITE).get("extensions", [])
    return any(extension.get("name") == "Thanks" for extension in extensions)


def _read_enough(chain: Chain) -> bool:
    return chain.complete or chain.rows >= LOG_ROWS
