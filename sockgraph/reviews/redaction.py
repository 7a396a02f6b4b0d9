"""A ledger without names: what was found, when and in which order, but of nobody in particular.

Every text that is not one of the tool's own words becomes a keyed hash, and the key is thrown away:
who was who is lost for good, that two lines speak of one account is not. See docs/adr/0030.
"""

from __future__ import annotations

import datetime as dt
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sockgraph.reviews.ledger import NAMES_REMOVED, NONE, Draft, before_removal, chained, head_of
from sockgraph.reviews.rules import DECIDED, OPEN_STATES
from sockgraph.reviews.states import FINDINGS, REVERSAL_FINDINGS, STEPS
from sockgraph.schema import BANDS, STATES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sockgraph.reviews.ledger import Entry, Ledger, LedgerHead

OWN_WORDS = frozenset((*BANDS, *STATES, *FINDINGS, *REVERSAL_FINDINGS, *DECIDED, *OPEN_STATES))
SEAL = "evidence"  # a hash over whole tables, which are gone: nobody can be guessed from it
_KEY = re.compile(r"[a-z][a-z0-9_]{0,40}")


def forget_names(ledger: Ledger) -> LedgerHead:
    """Put a ledger without names in the place of one with names, and return the head it had.

    The new chain begins with an entry that says so and gives the old head. A ledger that holds no
    names any more, or no entries, is left as it is.

    Raises
    ------
    ReviewError
        If the ledger is broken or cannot be written; it is then as it was.
    """
    entries = ledger.entries()
    before = before_removal(entries)
    if before or not entries:
        return before or head_of(entries)
    ledger.replace(lambda held: unnamed(held, secrets.token_bytes(32)))
    return head_of(entries)


def unnamed(entries: Sequence[Entry], key: bytes) -> tuple[Entry, ...]:
    """Return the chain of the same events without names, under a key that nobody keeps."""
    head = head_of(entries)
    notice = Draft(
        NAMES_REMOVED,
        "sockgraph",
        {"head": str(head), "why": "the case's data were removed, and the names with them"},
    )
    hide = _Hide(key, frozenset(text for e in entries for text in _texts([e.author, e.body])))
    drafts = [
        Draft(
            entry.kind,
            hide.text(entry.author),
            hide.value(entry.body),
            entry.manifest,
            dt.datetime.fromisoformat(entry.time),
        )
        for entry in entries
    ]
    return chained([notice, *drafts], NONE)


@dataclass(frozen=True)
class _Hide:
    """Hashes every text that could be a name, or hold one."""

    key: bytes
    texts: frozenset[str]

    def value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._place(k): self._at(k, v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.value(one) for one in value]
        if isinstance(value, str) and value not in OWN_WORDS:
            return self.text(value)
        return value

    def text(self, text: str) -> str:
        return "#" + hmac.new(self.key, text.encode(), "sha256").hexdigest()[:16]

    def _place(self, name: str) -> str:
        own = name in STEPS or (_KEY.fullmatch(name) and name not in self.texts)
        return name if own else self.text(name)

    def _at(self, place: str, value: Any) -> Any:
        return value if place == SEAL and isinstance(value, str) else self.value(value)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for one in value.values() for text in _texts(one))
    elif isinstance(value, list):
        yield from (text for one in value for text in _texts(one))
