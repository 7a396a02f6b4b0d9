"""Blocks, locks and renames, read from the log events of an account."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from sockgraph.report.wording import day
from sockgraph.strings import say

if TYPE_CHECKING:
    from collections.abc import Sequence

_BLOCKING = {"block", "reblock"}


@dataclass(frozen=True)
class Event:
    """A block, lock or rename.

    Attributes
    ----------
    kind
        `block`, `lock`, `end` (an unblock or unlock) or `rename`.
    words
        What happened, with its date, as the table shows it.
    """

    kind: str
    at: pd.Timestamp
    words: str
    old_name: str | None = None

    @property
    def restrains(self) -> bool:
        """Whether the account could not edit from then on, for a while at least."""
        return self.kind in {"block", "lock"}


def events_of(users: Sequence[str], log_events: pd.DataFrame) -> dict[str, tuple[Event, ...]]:
    """Return each account's events, oldest first."""
    found: dict[str, list[Event]] = {user: [] for user in users}
    for row in log_events.sort_values("timestamp", kind="stable").itertuples():
        event = _event(row)
        target = _target(row, event, found)
        if event is not None and target is not None:
            found[target].append(event)
    return {user: tuple(events) for user, events in found.items()}


def _target(row: Any, event: Event | None, users: dict[str, list[Event]]) -> str | None:
    """Return whom an event is about; titles carry the wiki's own word for `User:`."""
    if event is None or pd.isna(row.target):
        return None
    new = _params(row.params).get("newuser") if event.kind == "rename" else None
    plain = str(row.target).split(":", 1)[-1].split("@", 1)[0]
    return next((u for u in (new, row.target, plain) if isinstance(u, str) and u in users), None)


def _event(row: Any) -> Event | None:
    params = _params(row.params)
    if row.type == "block":
        return _block(row, params)
    if row.type == "globalauth":
        locked = "locked" in json.dumps(params.get("added", params))
        words = say("locked {day}" if locked else "unlocked {day}", day=day(row.timestamp))
        return Event("lock" if locked else "end", row.timestamp, words)
    if row.type == "renameuser":
        old = params.get("olduser")
        shown = str(old) if old else str(row.target).split(":", 1)[-1]
        return Event("rename", row.timestamp, day(row.timestamp), old_name=shown)
    return None


def _block(row: Any, params: dict[str, Any]) -> Event:
    if row.action not in _BLOCKING:
        return Event("end", row.timestamp, say("unblocked {day}", day=day(row.timestamp)))
    expiry = str(params.get("expiry") or "")
    until = say("until {day}", day=expiry[:10]) if expiry[:1].isdigit() else expiry
    length = params.get("duration") or until or say("length not stated")
    if str(length) in {"infinite", "infinity", "indefinite", "never"}:
        length = say("indefinitely")
    text = "changed to {length}, {day}" if row.action == "reblock" else "{length}, {day}"
    if params.get("sitewide") is False:
        length = say("parts of the wiki, {length}", length=length)
    return Event("block", row.timestamp, say(text, length=length, day=day(row.timestamp)))


def _params(text: str) -> dict[str, Any]:
    try:
        params = json.loads(text)
    except ValueError:
        return {}
    return params if isinstance(params, dict) else {"added": params}
