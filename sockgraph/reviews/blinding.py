"""Blinding: account names replaced wherever they occur, so that edits are judged and not persons.

Text becomes *parts*: strings, and `{"who": "A"}` in place of a name (`A`, `B` or `other`). Whoever
shows them decides how; nothing of the name is left to be shown.

`remove_names` does it to a ledger, for good: every text that is not one of the tool's own words
becomes a keyed hash, and the key is thrown away. Who was who is lost, that two lines speak of one
account is not. See docs/adr/0030.
"""

from __future__ import annotations

import datetime as dt
import hmac
import re
import secrets
import unicodedata
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from sockgraph.names import HIDDEN, hidden_pseudonym, normal_name
from sockgraph.reviews.ledger import (
    NAMES_REMOVED,
    NONE,
    Draft,
    chain_entries,
    head_before_removal,
    head_of,
)
from sockgraph.reviews.states import DECIDED, FINDINGS, OPEN_STATES, REVERSAL_FINDINGS, STEPS
from sockgraph.schema import BANDS, STATES
from sockgraph.strings import say

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    import pandas as pd

    from sockgraph.reviews.ledger import Entry, Ledger, LedgerHead


Part = str | dict[str, str]
WITHHELD = " (text withheld: it spells an account's name)"
LABELS = {"A": "Account A", "B": "Account B", "other": "another account"}
USER_SPACES = (2, 3)  # MediaWiki's namespaces "User" and "User talk"

# "User" and "User talk" where no title of the case shows the wiki's own word
_PREFIXES = (
    *("user", "user talk", "u", "ut", "用户", "用戶", "使用者", "用户讨论", "用戶討論"),
    *("使用者討論", "用户对话", "用戶對話", "使用者對話"),
)
_SPECIAL = r"(?:special|特殊|特別)"
_SPACE = r"(?:[ _+]|%20)+"
_HIDDEN = f"{HIDDEN}*"
# letters of scripts that put spaces between words
_SPACED = (
    r"[A-Za-z0-9\u00c0-\u024f\u0370-\u052f\u0531-\u058f\u05d0-\u05ea\u0620-\u064a\u1e00-\u1fff]"
)
_BETWEEN = re.compile(rf"[\s_+\-]|{HIDDEN}")
_SHORT = 6  # a shorter name is replaced as a word of its own only: "Bo" is not in "Bowl"


@dataclass(frozen=True)
class Blinder:
    """Replaces names; made by `blinder`.

    Attributes
    ----------
    pattern
        Finds names, and links to user pages with whatever they show.
    named
        Finds names alone.
    labels
        From each name's group in either pattern to `A`, `B` or `other`.
    squashed
        From each long name, squashed, to the same.
    """

    pattern: re.Pattern[str]
    named: re.Pattern[str]
    labels: Mapping[str, str]
    squashed: Mapping[str, str]

    def parts(self, text: str) -> list[Part]:
        """Return a text with every name replaced; the whole text where a name stays in pieces."""
        text = unicodedata.normalize("NFC", text)
        found = self._replaced(text)
        left = squash("".join(part if isinstance(part, str) else " | " for part in found))
        still = [label for name, label in self.squashed.items() if name in left]
        return [{"who": min(still)}, WITHHELD] if still else found

    def _replaced(self, text: str) -> list[Part]:
        found: list[Part] = []
        end = 0
        for match in self.pattern.finditer(text):
            found += [text[end : match.start()], {"who": self._who(match)}]
            end = match.end()
        return [part for part in (*found, text[end:]) if part]

    def plain(self, text: str) -> str:
        """Return a text with every name replaced by `Account A`, `Account B`, `another account`."""
        return "".join(words(self.parts(text)))

    def _who(self, match: re.Match[str]) -> str:
        named = next((g for g, found in match.groupdict().items() if found and g[0] == "n"), None)
        if named:
            return self.labels[named]
        inside = self.named.search(match["user"] or match["title"] or match["address"] or "")
        return self.labels[inside.lastgroup or ""] if inside else "other"


def words(parts: Iterable[Part]) -> list[str]:
    """Return parts as strings, with a label for each name."""
    return [part if isinstance(part, str) else say(LABELS[part["who"]]) for part in parts]


def blinder(names: Mapping[str, str], titles: Iterable[str] = ()) -> Blinder:
    """Return what replaces these names.

    Parameters
    ----------
    names
        From a name, former names among them, to `A`, `B` or `other`.
    titles
        Titles of user pages: they show the wiki's own words for "User" and "User talk".
    """
    names = {**_without_wiki(names), **names}
    ranked = sorted((n for n in names if n.strip()), key=len, reverse=True)
    groups = {f"n{i}": name for i, name in enumerate(ranked)}
    prefixes = {*_PREFIXES, *(t.partition(":")[0].strip().lower() for t in titles if ":" in t)}
    spaces = "|".join(sorted(map(_loose, prefixes), key=len, reverse=True))
    user = rf"(?:(?:{spaces})\s*:|{_SPECIAL}\s*:[^/\]|\n]+/)"
    named = [rf"(?P<{group}>{_name(name)})" for group, name in groups.items()]
    rules = [
        # a link to a user's page, whatever it shows: signatures write names in pieces
        rf"\[\[[\s:]*(?:[a-z-]{{1,12}}\s*:\s*)*{user}(?P<user>[^\]|\n]+)(?:\|[^\]\n]*)?\]\]",
        rf"^(?P<title>(?<![^\n]){user}[^/\]|\n]+)(?=/|$)",
        *named,
        rf"(?P<address>{user}[^\s\]|/{{}}<>\"']+)",
    ]
    labels = {group: names[name] for group, name in groups.items()}
    whole, alone = (re.compile("|".join(r), re.IGNORECASE) for r in (rules, named or ["(?!)"]))
    squashed = {squash(name): label for name, label in names.items()}
    return Blinder(whole, alone, labels, {n: v for n, v in squashed.items() if long_enough(n)})


def squash(text: str) -> str:
    """Return what is left of a text without case, spaces, hidden characters and percent-encoding.

    >>> squash("Weir%20Lan\u200btern_II") == squash("weir-lantern ii")
    True
    """
    plain = unicodedata.normalize("NFKC", unquote(text)).casefold()
    return _BETWEEN.sub("", plain)


def long_enough(squashed: str) -> bool:
    """Tell whether a squashed name is long enough to be looked for inside words."""
    return len(squashed) >= (_SHORT if squashed.isascii() else 3)


def _without_wiki(names: Mapping[str, str]) -> dict[str, str]:
    """Return what accounts of several wikis, `Name@wiki`, are called there: texts say `Name`."""
    bare: dict[str, set[str]] = {}
    for name, label in names.items():
        if "@" in name.strip("@"):
            bare.setdefault(name.rpartition("@")[0], set()).add(label)
    return {name: min(labels) if len(labels) == 1 else "other" for name, labels in bare.items()}


def own_names(edits: pd.DataFrame) -> list[str]:
    """Guess under which name an account of the reference edits: whose user pages it edits most.

    The tables hold reference accounts under cover names, but their titles and summaries may not.
    """
    titles = edits.loc[edits["ns"].isin(USER_SPACES), "title"].dropna()
    roots = Counter(normal_name(t.partition(":")[2].partition("/")[0]) for t in titles)
    return [name for name, _ in sorted(roots.items(), key=lambda r: (-r[1], r[0]))[:1] if name]


def _name(name: str) -> str:
    spelled = rf"{_loose(name)}|{_loose(quote(name))}|{_loose(quote(name.replace(' ', '_')))}"
    if len(name) >= _SHORT:
        return spelled
    before = rf"(?<!{_SPACED})" if re.match(_SPACED, name[0]) else ""
    after = rf"(?!{_SPACED})" if re.match(_SPACED, name[-1]) else ""
    return rf"{before}(?:{spelled}){after}"


def _loose(text: str) -> str:
    """Return a pattern that finds a text through hidden characters and other spaces."""
    text = unicodedata.normalize("NFC", text)
    return _HIDDEN.join(_SPACE if char in " _" else re.escape(char) for char in text)


OWN_WORDS = frozenset((*BANDS, *STATES, *FINDINGS, *REVERSAL_FINDINGS, *DECIDED, *OPEN_STATES))
SEAL = "evidence"  # a hash over whole tables, which are gone: nobody can be guessed from it
_LONGEST_NAME = 255  # bytes of UTF-8, as MediaWiki has it
_AT_WIKI = re.compile(r"@[^\s,@]+$")  # Name@wiki.host, in a case of several wikis
_KEY = re.compile(r"[a-z][a-z0-9_]{0,40}")


def remove_names(ledger: Ledger) -> LedgerHead:
    """Put a ledger without names in the place of one with names, and return the head it had.

    The new chain begins with an entry that says so and gives the old head. A ledger that holds no
    names any more, or no entries, is left as it is.

    Raises
    ------
    ReviewError
        If the ledger is broken or cannot be written; it is then as it was.
    """
    entries = ledger.entries()
    if entries and head_before_removal(entries) is None:
        ledger.replace(lambda held: anonymized(held, secrets.token_bytes(32)))
    return head_before_removal(ledger.entries()) or ledger.head()  # with what came meanwhile


def anonymized(entries: Sequence[Entry], key: bytes) -> tuple[Entry, ...]:
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
    return chain_entries([notice, *drafts], NONE)


def without_hidden_names(
    entries: Sequence[Entry], key: str, hidden: Collection[str]
) -> tuple[Entry, ...]:
    """Return the entries as they may be shown: without the names that a wiki hides by now.

    Who wrote an entry is covered too, and names are found in running text as `blinder` finds them.

    The ledger itself stays as it is, or its chain would break.

    Parameters
    ----------
    key
        The case's id, or its file's stem, see `sockgraph.names.hidden_pseudonym`.
    hidden
        What stands for the hidden accounts, of the manifest's `source.hidden`.
    """
    texts = {text for e in entries for text in (e.author, *_texts(e.body))} if hidden else set()
    accounts = frozenset(hidden)
    covers = {n: cover for text in texts for n, cover in _covers(text, key, accounts).items()}
    if not covers:
        return tuple(entries)
    groups = {f"n{i}": name for i, name in enumerate(sorted(covers, key=len, reverse=True))}
    spelled = "|".join(rf"(?P<{group}>{_name(name)})" for group, name in groups.items())
    names = re.compile(spelled, re.IGNORECASE)

    def shown(value: Any) -> Any:
        if isinstance(value, dict):
            return {shown(k): shown(v) for k, v in value.items()}
        if isinstance(value, list):
            return [shown(one) for one in value]
        if isinstance(value, str):
            text = unicodedata.normalize("NFC", value)
            return names.sub(lambda m: covers[groups[m.lastgroup or ""]], text)
        return value

    return tuple(replace(e, author=shown(e.author), body=shown(e.body)) for e in entries)


@lru_cache(1 << 14)  # a desk asks at every question, and a text's names are a thousand hashes
def _covers(text: str, key: str, hidden: frozenset[str]) -> Mapping[str, str]:
    """Return what stands for each hidden account that a text names, by the name as it is there."""
    spelled = {unicodedata.normalize("NFC", text), unicodedata.normalize("NFC", unquote(text))}
    known = {name for one in spelled for name in _possible_names(one)}
    return {name: cover for name in known if (cover := hidden_pseudonym(key, name)) in hidden}


def _possible_names(text: str) -> Iterator[str]:
    """Return the text, and whatever in it is as short as a name and begins and ends at a word.

    Of a hidden account only a hash is kept: a name that stands in a sentence alone is found by
    hashing what may be one. In a script without spaces between words, or with endings joined to
    them, every letter may begin or end one: Chinese, kana, Thai, Hangul.
    """
    yield from (text, _AT_WIKI.sub("", text))
    size = [0, *accumulate(len(char.encode()) for char in text)]
    cuts = [
        i
        for i in range(len(text) + 1)
        if not all(re.match(_SPACED, char) for char in (text[i - 1 : i], text[i : i + 1]))
    ]
    for at, start in enumerate(cuts):
        for end in cuts[at + 1 :]:
            if size[end] - size[start] > _LONGEST_NAME:
                break
            yield text[start:end].strip(" _")


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
