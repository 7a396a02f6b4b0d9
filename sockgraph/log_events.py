"""What rows of the table `log_events` say of an account: whom they are about, and what is in force.

Every room that reads blocks, locks and renames reads them here: reports, filings, sources and the
evidence call the same events the same.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

SOCK_BLOCK = re.compile(
    r"sock|puppet|multiple accounts|傀儡|分身|多重帳號|多重账号|多账号", re.IGNORECASE
)
"""Words of block summaries; such an account cannot stand for "different people"."""
RESTRAINING = frozenset({"block", "gblblock", "globalauth"})
"""The logs of blocks here, of blocks on all wikis (GlobalBlocking), of locks (CentralAuth)."""
_EFFECTS = {
    "block": {"block": True, "reblock": True, "unblock": False},
    "gblblock": {"gblock": True, "gblock2": True, "modify": True, "gunblock": False},
}  # a wiki's own exception from a block on all wikis is neither


_PHP = re.compile(
    r'(?:s:\d+:"(?:\d+::)?(\w+)"|i:(\d+));'  # its name or place
    r'(?:s:\d+:"(.*?)";|b:([01]);|i:(-?\d+);|a:\d+:\{(.*?)\})',
    re.DOTALL,
)
_SPAN = re.compile(r"(\d+) ?(second|minute|hour|day|week|month|year)s?")


def params_of(text: object) -> dict[str, Any]:
    r"""Return an event's parameters; of a list, as old logs have it, by their place.

    MediaWiki's own table keeps them as PHP writes arrays, of old in lines; the API gives JSON.

    >>> params_of('a:2:{s:11:"5::duration";s:6:"3 days";s:8:"sitewide";b:0;}')
    {'duration': '3 days', 'sitewide': False}
    >>> params_of('{"sitewide": false}'), params_of('["locked", "(none)"]'), params_of("{not JSON")
    ({'sitewide': False}, {'0': 'locked', '1': '(none)'}, {})
    >>> params_of("{'sitewide': False}")
    {'sitewide': False}
    >>> params_of('a:1:{i:0;s:6:"locked";}'), params_of("locked\n(none)")
    ({'0': 'locked'}, {'0': 'locked', '1': '(none)'})
    """
    if not isinstance(text, str):
        return {}
    if text.startswith("a:"):
        found = _PHP.findall(text)
        return {k or i: f == "1" if f else said or n or more for k, i, said, f, n, more in found}
    try:
        params = json.loads(text) if text.startswith(("{", "[")) else text.splitlines()
    except (ValueError, RecursionError):  # nested too deep
        params = _written_by_python(text)
    if isinstance(params, list):
        return {str(place): given for place, given in enumerate(params)}
    return params if isinstance(params, dict) else {}


def _written_by_python(text: str) -> object:
    """Return what a table's cell holds where pandas wrote a dict into it; else nothing."""
    try:
        return ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return {}


def is_sitewide(params: Mapping[str, Any]) -> bool:
    """Tell whether a block is from the whole wiki: MediaWiki before 1.33 knew no other."""
    return params.get("sitewide", True) is not False


def locks(params: Mapping[str, Any]) -> bool | None:
    """Tell whether a change of an account's global status locked or unlocked it; null for neither.

    CentralAuth gives what was added and what was removed: by name, and in old logs by place, as
    words with commas between them. To hide an account neither locks nor unlocks it.

    >>> locks({"added": ["hidden"], "removed": []}), locks({"0": "(none)", "1": "hidden, locked"})
    (None, False)
    """
    added = _locked(params, "added", "0")
    removed = _locked(params, "removed", "1")
    return added if added or removed else None


def effect(event: Any) -> bool | None:
    """Tell whether a log's row blocked or locked its account, or ended that; null for neither.

    Parameters
    ----------
    event
        A row of `log_events`: `type`, `action`, `params`.
    """
    if event.type == "globalauth":
        return locks(params_of(event.params))
    return _EFFECTS.get(event.type, {}).get(event.action)


def kept_out(log_events: pd.DataFrame, users: Iterable[str]) -> set[str]:
    """Return whom of some accounts a log keeps from standing for "different people".

    A lock and a block on all wikis do, and a block from this whole wiki that speaks of socks, also
    when they ended.
    """
    named = frozenset(users)
    events: Iterable[Any] = log_events[log_events["type"].isin(RESTRAINING)].itertuples()
    found = (account_of(event.target, named) for event in events if _keeps_out(event))
    return {user for user in found if user is not None}


def _keeps_out(event: Any) -> bool:
    if not effect(event):
        return False
    said = "" if pd.isna(event.comment) else str(event.comment)
    whole = is_sitewide(params_of(event.params))
    return event.type != "block" or (whole and SOCK_BLOCK.search(said) is not None)


def _locked(params: Mapping[str, Any], name: str, place: str) -> bool:
    return "locked" in re.findall(r"\w+", json.dumps(params.get(name, params.get(place))))


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
    """A block or a global lock that is in force, as far as was read.

    Attributes
    ----------
    wiki
        Where it is; empty for all wikis.
    day, by
        Since when, ISO, and by whom; empty where that is not known.
    logged
        Whether a log that was read tells of it.
    """

    user: str
    lock: bool
    wiki: str
    day: str
    by: str
    logged: bool = False


def restraints(
    log_events: pd.DataFrame,
    accounts: pd.DataFrame,
    users: Iterable[str],
    *,
    read_on: str,
    coverage: Iterable[Mapping[str, Any]],
) -> list[Restraint]:
    """Return the blocks and locks of some accounts that are in force.

    Those that nothing in the logs has ended, and those that the wiki itself says are in force,
    here or on all wikis, though no log that was read tells of them.

    Parameters
    ----------
    log_events, accounts
        Contract tables.
    read_on
        The day on which they were read, ISO: a block whose time is over by then is none.
    coverage
        The manifest's, see `sockgraph.sources.base.Coverage`.
    """
    named = dict.fromkeys(users)
    held: dict[tuple[str, bool, str], Restraint] = {}
    logged = log_events[log_events["type"].isin(RESTRAINING)]
    events: Iterable[Any] = logged.sort_values("timestamp", kind="stable").itertuples()
    for row in events:
        user = account_of(row.target, named)
        if user is None:
            continue
        key = (user, row.type == "globalauth", row.wiki if row.type == "block" else "")
        restrains = _restrains(row, read_on)
        if restrains:
            by = "" if pd.isna(row.actor) else str(row.actor)
            held[key] = Restraint(*key, f"{row.timestamp:%Y-%m-%d}", by, logged=True)
        elif restrains is not None:
            held.pop(key, None)
    known: Iterable[Any] = accounts[accounts["user"].isin(list(named))].itertuples()
    for row in known:
        key = (row.user, False, row.wiki)
        if not pd.isna(row.blocked_at) and key not in held:
            held[key] = Restraint(*key, f"{row.blocked_at:%Y-%m-%d}", "")
    for told in coverage:
        for one in told.get("everywhere", ()) if told["user"] in named else ():
            key = (told["user"], one["what"] == "lock", "")
            held.setdefault(key, Restraint(*key, one.get("since") or "", one.get("by") or ""))
    return list(held.values())


def _restrains(row: Any, read_on: str) -> bool | None:
    """Tell whether an event restrains on the day that it was read; null where it changes nothing.

    A block whose time is over by then ends what stood before it, as an unblock does; so does one
    that was narrowed to parts of the wiki.
    """
    restrained = effect(row)
    if not restrained or row.type == "globalauth":
        return restrained
    given = params_of(row.params)
    until = _until(row, given)
    return is_sitewide(given) and not (until[:1].isdigit() and until < read_on[:10])


def _until(row: Any, given: Mapping[str, Any]) -> str:
    """Return the day on which a block ends, ISO, or in words; MediaWiki's table has its length."""
    if given.get("expiry"):
        return str(given["expiry"])[:10]
    length = str(given.get("duration") or given.get("0") or "")
    try:
        spans: dict[str, Any] = {f"{unit}s": int(n) for n, unit in _SPAN.findall(length)}
        return f"{row.timestamp + pd.DateOffset(**spans):%Y-%m-%d}" if spans else length[:10]
    except (OverflowError, ValueError):  # after the year 9999
        return ""
