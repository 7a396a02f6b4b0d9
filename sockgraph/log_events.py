"""What rows of the table `log_events` say of an account: whom they are about, and what is in force.

Every room that reads blocks, locks and renames reads them here: reports, filings, sources and the
evidence call the same events the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

BLOCKING = frozenset({"block", "reblock"})
"""Actions of the block log after which an account is blocked."""


def params_of(text: object) -> dict[str, Any]:
    """Return an event's parameters; of a list, as old logs of locks have it, what was added.

    >>> params_of('{"sitewide": false}'), params_of('["locked"]'), params_of("not JSON")
    ({'sitewide': False}, {'added': ['locked']}, {})
    """
    try:
        params = json.loads(text) if isinstance(text, str) else {}
    except ValueError:
        return {}
    return params if isinstance(params, dict) else {"added": params}


def is_sitewide(params: Mapping[str, Any]) -> bool:
    """Tell whether a block is from the whole wiki: MediaWiki before 1.33 knew no other."""
    return params.get("sitewide", True) is not False


def is_lock(params: Mapping[str, Any]) -> bool:
    """Tell whether a change of an account's global status locked it, rather than unlocked it."""
    return "locked" in json.dumps(params.get("added", params))


def account_of(target: object, users: Collection[str]) -> str | None:
    """Return which of some accounts an event's target is.

    Titles carry the wiki's own word for `User:`, and global logs `@global` or a wiki behind the
    name. An account that is itself called `Name@wiki`, as one that is not attached is in a case of
    several wikis, is that account and not `Name`.

    Examples
    --------
    >>> account_of("User:Quillmoss@global", ["Quillmoss"])
    'Quillmoss'
    >>> account_of("用户:Ann@b.example", ["Ann", "Ann@b.example"])
    'Ann@b.example'
    """
    if not isinstance(target, str):
        return None
    title = target.replace("_", " ")
    named = title.split(":", 1)[-1]
    spellings = (target, title, named, named.rsplit("@", 1)[0])
    return next((name for name in spellings if name in users), None)


@dataclass(frozen=True)
class Restraint:
    """A block or a global lock that is in force, as far as the logs that were read say."""

    user: str
    lock: bool
    wiki: str
    day: str
    by: str


def restraints(
    log_events: pd.DataFrame, accounts: pd.DataFrame, users: Iterable[str], read_on: str
) -> list[Restraint]:
    """Return the blocks and locks of some accounts that nothing in the logs has ended.

    Parameters
    ----------
    log_events, accounts
        Contract tables.
    read_on
        The day on which they were read, ISO: a block whose time is over by then is none.
    """
    named = dict.fromkeys(users)
    held: dict[tuple[str, bool, str], Restraint] = {}
    logged = log_events[log_events["type"].isin(["block", "globalauth"])]
    events: Iterable[Any] = logged.sort_values("timestamp", kind="stable").itertuples()
    for row in events:
        user = account_of(row.target, named)
        if user is None:
            continue
        lock = row.type == "globalauth"
        key = (user, lock, "" if lock else row.wiki)
        if _restrains(row, read_on):
            by = "" if pd.isna(row.actor) else str(row.actor)
            held[key] = Restraint(user, lock, row.wiki, f"{row.timestamp:%Y-%m-%d}", by)
        else:
            held.pop(key, None)
    known: Iterable[Any] = accounts[accounts["user"].isin(list(named))].itertuples()
    for row in known:
        key = (row.user, False, row.wiki)
        if not pd.isna(row.blocked_at) and key not in held:
            held[key] = Restraint(*key, f"{row.blocked_at:%Y-%m-%d}", "")
    return list(held.values())


def _restrains(row: Any, read_on: str) -> bool:
    """Tell whether an event restrains from the whole wiki, on the day that it was read.

    A block whose time is over by then ends what stood before it, as an unblock does; so does one
    that was narrowed to parts of the wiki.
    """
    given = params_of(row.params)
    if row.type != "block":
        return is_lock(given)
    expiry = str(given.get("expiry") or "")
    over = expiry[:1].isdigit() and expiry[:10] < read_on[:10]
    return row.action in BLOCKING and is_sitewide(given) and not over
