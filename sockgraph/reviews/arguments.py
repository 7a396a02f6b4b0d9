"""What a filing argues: a claim in words for a signal, with A's edit beside B's.

Every claim is in `CLAIMS`, in English, and its Chinese in `strings.tsv`.

Nothing is weighed here. A signal's direction and weight were decided by the evidence stage; which
of its edits are shown, and which page or wording they share, is read off the edits themselves.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.reviews.dossier import direction
from sockgraph.reviews.sheet import page_keys
from sockgraph.reviews.words import signal_about
from sockgraph.signals import SIGNALS
from sockgraph.signals.corpus import revision_keys
from sockgraph.strings import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sockgraph.reviews.dossier import Dossier
    from sockgraph.reviews.states import Pair

MOST = 6
"""Arguments in a filing: what a clerk reads to the end."""
ROWS = 2
_PAGES = frozenset(signal.name for signal in SIGNALS if signal.family == "pages")
_WORDS = frozenset(signal.name for signal in SIGNALS if signal.family == "text")
_WHOLE = frozenset({"hours", "saving habits", "habits", "added text"})
"""Signals of many edits together: no edit shows them by itself, so one row is an example."""
_SECTION = re.compile(r"/\*.*?\*/")
_LEAST = 4  # letters that a shared wording has, at least; two of a script without spaces
CLAIMS = {
    "for": {
        "page": "Both edit {what}.",
        "wording": "Both write “{what}” in their summaries.",
        "opening": "Both begin summaries with “{what}”.",
        "shared pages": "Both edit pages that few others edit.",
        "phrases": "Both use wordings in summaries that few others use.",
        "habits": "Both use common phrases as often as each other, unlike others here.",
        "openings": "Both begin their summaries alike.",
        "added text": "Both write alike in what their edits added: letters, signs, endings.",
        "posts": "Both write alike in their posts on talk pages: letters, signs, endings.",
        "saving habits": "Both save alike: minor flag, size and kind of edits.",
        "hours": "Both are at work in the same hours of the week, more than others here.",
        "coupled absence": "Both are at work, and away, in the same weeks.",
        "sessions": "Both are at work in the same half hours, more often than by chance.",
        "hand-over": "One stops when the other starts.",
        "other": "Both are alike in: {signal}.",
    },
    "against": {
        "page": "Both edit {what}, and yet work on it in different ways.",
        "wording": "Both write “{what}”, but their wording differs as a whole.",
        "opening": "Both have begun a summary with “{what}”, but seldom do.",
        "shared pages": "They share fewer pages than colleagues here do.",
        "phrases": "They use different wordings in summaries.",
        "habits": "They use common phrases differently.",
        "openings": "They begin their summaries differently.",
        "added text": "They write otherwise in what their edits added: letters, signs, endings.",
        "posts": "They write otherwise in their posts on talk pages: letters, signs, endings.",
        "saving habits": "They save differently: minor flag, size and kind of edits.",
        "hours": "They are at work in different hours of the week.",
        "coupled absence": "They are at work in different weeks.",
        "sessions": "They are at work in different half hours.",
        "hand-over": "Neither stops when the other starts.",
        "undoing": "They undo each other.",
        "alibi": "They work at the same time on different pages, again and again.",
        "imitation": (
            "One takes over the other's summaries word for word: one may be imitating the other."
        ),
        "other": "They differ in: {signal}.",
    },
}
COMMON = {  # whether it is about a page, and whether any other account does so
    (True, False): " None of the {of} other accounts read here edited it.",
    (True, True): " {n} of the {of} other accounts read here edited it, too.",
    (False, False): " None of the {of} other accounts read here does so.",
    (False, True): " {n} of the {of} other accounts read here do so, too.",
}


@dataclass(frozen=True)
class ShownEdit:
    """One edit, as it is shown."""

    user: str
    wiki: str
    rev_id: int
    day: str
    title: str
    comment: str


@dataclass(frozen=True)
class Argument:
    """One argument.

    Attributes
    ----------
    claim
        Its key in `CLAIMS`: `page`, `wording`, `opening`, `posts`, or a signal's name.
    what
        The page or the wording that it is about; empty where it is about neither.
    rows
        A's edit beside B's, and the days between them.
    common
        How many of how many other accounts read show the same; None where that was not counted.
    """

    pair: Pair
    signal: str
    log10_lr: float | None
    claim: str
    what: str = ""
    rows: tuple[tuple[ShownEdit | None, ShownEdit | None, int | None], ...] = ()
    common: tuple[int, int] | None = None

    def said(self, way: str, what: str) -> str:
        """Return the claim as a sentence, in the language that is spoken, and how common it is.

        Parameters
        ----------
        what
            `what`, as the page that shows it writes it.
        """
        claims = CLAIMS[way]
        signal = signal_about(self.signal) or self.signal
        told = say(claims.get(self.claim, claims["other"]), what=what, signal=signal)
        if not self.common or way != "for":
            return told
        n, of = self.common
        return told + say(COMMON[self.claim == "page", n > 0], n=n, of=of)


def arguments(dossier: Dossier, pairs: Sequence[Pair], way: str) -> list[Argument]:
    """Return what speaks for, or against, some links: the strongest of each first, no repeats.

    Parameters
    ----------
    way
        `for` or `against`.

    Returns
    -------
    list of Argument
        At most `MOST` of all links together; every link that has one comes before any has two.
    """
    found: list[list[Argument]] = []
    for pair in pairs:
        facts = _Facts(dossier, pair)
        ways = {"against": ("may be copied", "against")}.get(way, (way,))
        rows = [row for row in dossier.signals(pair) if direction(row) in ways]
        rows.sort(key=lambda r: (ways.index(direction(r)), -abs(r["log10_lr"] or 0), r["signal"]))
        found.append(_once(facts.argument(row) for row in rows))
    ranked = [(rank, one) for of_pair in found for rank, one in enumerate(of_pair)]
    ranked.sort(key=lambda r: (r[0], -abs(r[1].log10_lr or 0)))
    return _once(one for _, one in ranked)[:MOST]


def _once(given: Iterable[Argument]) -> list[Argument]:
    """Leave out what says the same of the same two, or shows no edit that was not shown."""
    kept: list[Argument] = []
    said: set[tuple[Any, ...]] = set()
    shown: set[int] = set()
    for one in given:
        key = (one.pair, one.claim, one.what.casefold())
        revs = {e.rev_id for a, b, _ in one.rows for e in (a, b) if e}
        if key in said or (revs and revs <= shown):
            continue
        said.add(key)
        shown |= revs
        kept.append(one)
    return kept


class _Facts:
    """The edits of one link, and how common things are among all accounts read."""

    def __init__(self, dossier: Dossier, pair: Pair) -> None:
        self.pair = pair
        self.told: list[str] = []  # wordings argued by
        self.posts = dossier.case.source.reads == "posts"
        self.edits = dossier.tables["edits"]
        mine = self.edits[self.edits["user"].isin(pair)]
        mine = mine.assign(key=revision_keys(mine), page=page_keys(mine))
        self.mine = mine.sort_values(["timestamp", "rev_id"], kind="stable")

    def argument(self, row: dict[str, Any]) -> Argument:
        """Return a signal as an argument."""
        signal, weight = str(row["signal"]), row["log10_lr"]
        cited = self.mine[self.mine["key"].isin(set(row["rev_ids"]))]
        if signal in _PAGES:
            return self._page(signal, weight, cited)
        if signal in _WORDS:
            return self._wording(signal, weight, cited)
        return self._whole(signal, weight, cited)

    def _whole(self, signal: str, weight: float | None, cited: pd.DataFrame) -> Argument:
        """Argue by the signal itself."""
        claim = "posts" if signal == "added text" and self.posts else signal
        rows = self._beside(cited)[: 1 if signal in _WHOLE else ROWS]
        return Argument(self.pair, signal, weight, claim, rows=rows)

    def _page(self, signal: str, weight: float | None, cited: pd.DataFrame) -> Argument:
        """Argue by the page of both that fewest accounts edited."""
        both = cited.groupby("page")["user"].nunique()
        pages = list(both.index[both == len(self.pair)])
        if not pages:
            return self._whole(signal, weight, cited)
        there = self.edits.assign(page=page_keys(self.edits))
        editors = there[there["page"].isin(pages)].groupby("page")["user"].nunique()
        page = min(pages, key=lambda p: (editors[p], p))
        mine = self.mine[self.mine["page"] == page]
        title = str(mine["title"].dropna().iloc[0]) if mine["title"].notna().any() else str(page)
        common = self._others(int(editors[page]))
        return Argument(self.pair, signal, weight, "page", title, self._beside(mine), common)

    def _wording(self, signal: str, weight: float | None, cited: pd.DataFrame) -> Argument:
        """Argue by the wording of both that fewest accounts use."""
        said = cited[cited["comment"].notna()]
        texts = {
            user: [
                " ".join(_SECTION.sub("", c).split()) for c in said["comment"][said["user"] == user]
            ]
            for user in self.pair
        }
        shared = Counter(
            wording
            for a, b in product(*(dict.fromkeys(texts[user]) for user in self.pair))
            if (wording := _shared(a, b))
            and not any(wording in one or one in wording for one in self.told)
        )
        if not shared:
            return self._whole(signal, weight, cited)
        users = {wording: self._users(wording) for wording in shared}
        wording = min(shared, key=lambda w: (users[w], -len(w), w))
        has = said["comment"].str.contains(wording, case=False, regex=False)
        self.told.append(wording)
        common = self._others(users[wording])
        claim = "opening" if signal == "openings" else "wording"
        rows = self._beside(said[has])
        return Argument(self.pair, signal, weight, claim, wording, rows, common)

    def _others(self, n: int) -> tuple[int, int]:
        """Leave the pair itself out of accounts that were counted, and of all."""
        return n - len(self.pair), int(self.edits["user"].nunique()) - len(self.pair)

    def _users(self, wording: str) -> int:
        comments = self.edits["comment"].astype("string").fillna("")
        has = comments.str.contains(wording, case=False, regex=False)
        return int(self.edits.loc[has.to_numpy(bool), "user"].nunique())

    def _beside(
        self, edits: pd.DataFrame
    ) -> tuple[tuple[ShownEdit | None, ShownEdit | None, int | None], ...]:
        """Put A's edits beside B's, those nearest in time together; what stands alone alone."""
        a, b = (edits[edits["user"] == user] for user in self.pair)
        if a.empty or b.empty:
            alone = [as_edit(row) for row in edits.head(ROWS).itertuples()]
            return tuple(
                (e, None, None) if e.user == self.pair[0] else (None, e, None) for e in alone
            )
        times = a["timestamp"].to_numpy()[:, None] - b["timestamp"].to_numpy()[None, :]
        apart = np.abs(times.astype("timedelta64[s]").astype(float))
        rows = []
        for _ in range(min(ROWS, *apart.shape)):
            i, j = np.unravel_index(np.argmin(apart), apart.shape)
            one, other = as_edit(_row(a, int(i))), as_edit(_row(b, int(j)))
            days = abs(dt.date.fromisoformat(one.day) - dt.date.fromisoformat(other.day)).days
            rows.append((one, other, days))  # days as they are shown: no hour is told
            apart[i, :] = apart[:, j] = np.inf
        return tuple(rows)


def _row(frame: pd.DataFrame, at: int) -> Any:
    return next(frame.iloc[[at]].itertuples())


def as_edit(row: Any) -> ShownEdit:
    """Return a row of the contract table `edits` as an edit."""
    return ShownEdit(
        row.user,
        row.wiki,
        int(row.rev_id),
        f"{row.timestamp:%Y-%m-%d}",
        "" if pd.isna(row.title) else str(row.title),
        "" if pd.isna(row.comment) else str(row.comment),
    )


def _shared(a: str, b: str) -> str:
    """Return the longest run of characters that two summaries share; empty if it is short.

    >>> _shared("rv: per the toll survey", "tidied per the toll survey")
    'per the toll survey'
    """
    match = SequenceMatcher(None, a, b, autojunk=False).find_longest_match()
    found = a[match.a : match.a + match.size].strip(" ,.;:，。；：")
    return found if len(found) >= (_LEAST if found.isascii() else 2) else ""
