"""What a filing argues: a claim in words for a signal, with A's edit beside B's.

Every claim is in `CLAIMS`, in English, and its Chinese in `strings.tsv`.

Nothing is weighed here. A signal's direction and weight were decided by the evidence stage; which
of its edits are shown, and which page or wording they share, is read off the edits themselves.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import product, takewhile
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
WHOLE = frozenset(
    {"hours", "coupled absence", "sessions", "saving habits", "habits", "added text", "posts"}
)
"""Claims of many edits together: no edit shows them by itself, so one row is an example."""
_WORD = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+|\W")
"""A word, or a letter of a script without spaces between words."""
_SECTION = re.compile(r"/\*.*?\*/")
_STOPS = " ,.;:，。；："
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
_EDITED = " {n} of the {of} other accounts read here edited it, too."
COMMON = {  # whether it is about a page, and how many other accounts do so, of many two
    (True, 0): " None of the {of} other accounts read here edited it.",
    (True, 1): _EDITED,
    (True, 2): _EDITED,
    (False, 0): " None of the {of} other accounts read here does so.",
    (False, 1): " {n} of the {of} other accounts read here does so, too.",
    (False, 2): " {n} of the {of} other accounts read here do so, too.",
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
        return told + say(COMMON[self.claim == "page", min(n, 2)], n=n, of=of)


def arguments(dossier: Dossier, pairs: Sequence[Pair], way: str) -> tuple[list[Argument], int]:
    """Return what speaks for, or against, some links: the strongest of each first, no repeats.

    Parameters
    ----------
    way
        `for` or `against`.

    Returns
    -------
    list of Argument
        At most `MOST` of all links together; every link that has one comes before any has two.
        What names a page or a wording, which anybody can check, comes before habits.
    int
        How many are left out: beyond `MOST`, or for one operator without an edit to look at.
    """
    found: list[list[Argument]] = []
    left = 0
    edits = dossier.tables["edits"]
    edits = edits.assign(page=page_keys(edits), said=_normalized(edits["comment"]))
    for pair in pairs:
        facts = _Facts(pair, edits, posts=dossier.case.source.reads == "posts")
        ways = {"against": ("may be copied", "against")}.get(way, (way,))
        rows = [row for row in dossier.signals(pair) if direction(row) in ways]
        rows.sort(key=lambda r: (ways.index(direction(r)), -abs(r["log10_lr"] or 0), r["signal"]))
        told = [one for row in rows if (one := facts.argument(row))]
        made = [one for one in told if one.rows or way == "against"]  # for: with edits to look at
        left += len(told) - len(made)
        found.append(sorted(_once(made), key=lambda one: not one.what))  # what anybody can check
    ranked = [(rank, one) for of_pair in found for rank, one in enumerate(of_pair)]
    ranked.sort(key=lambda r: (r[0], not r[1].what, -abs(r[1].log10_lr or 0)))
    kept = _once(one for _, one in ranked)
    return kept[:MOST], left + len(kept[MOST:])


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

    def __init__(self, pair: Pair, edits: pd.DataFrame, *, posts: bool) -> None:
        self.pair = pair
        self.edits = edits
        self.posts = posts
        self.told: dict[str, list[str]] = {"wording": [], "opening": []}  # those argued by
        mine = edits[edits["user"].isin(pair)]
        mine = mine.assign(key=revision_keys(mine))
        self.mine = mine.sort_values(["timestamp", "rev_id"], kind="stable")

    def argument(self, row: dict[str, Any]) -> Argument | None:
        """Return a signal as an argument; None where all that it would show is told already."""
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
        rows = self._beside(cited)[: 1 if claim in WHOLE else ROWS]
        return Argument(self.pair, signal, weight, claim, rows=rows)

    def _page(self, signal: str, weight: float | None, cited: pd.DataFrame) -> Argument:
        """Argue by the page of both that fewest accounts edited."""
        pages = _of_both(cited) or _of_both(self.mine)
        if not pages:
            return self._whole(signal, weight, cited)
        there = self.edits[self.edits["page"].isin(pages)]
        editors = there.groupby("page")["user"].nunique()
        page = min(pages, key=lambda p: (editors[p], p))
        mine = self.mine[self.mine["page"] == page]
        title = str(mine["title"].dropna().iloc[0]) if mine["title"].notna().any() else str(page)
        common = self._others(int(editors[page]))
        return Argument(self.pair, signal, weight, "page", title, self._beside(mine), common)

    def _wording(self, signal: str, weight: float | None, cited: pd.DataFrame) -> Argument | None:
        """Argue by the wording, or opening, of both that fewest accounts use."""
        claim = "opening" if signal == "openings" else "wording"
        said = cited[cited["comment"].notna()]
        texts = (
            dict.fromkeys(map(_bare, mine))
            for mine in (said["comment"][said["user"] == user] for user in self.pair)
        )
        shared = {_shared(a, b, opening=claim == "opening") for a, b in product(*texts)} - {""}
        told = self.told[claim]
        new = [w for w in shared if not any(w in one or one in w for one in told)]
        if not new:
            return None if told else self._whole(signal, weight, cited)
        has = {wording: self._has(claim, wording) for wording in new}
        users = {w: int(self.edits.loc[here, "user"].nunique()) for w, here in has.items()}
        wording = min(new, key=lambda w: (users[w], -len(w), w))
        told.append(wording)
        rows = self._beside(said[has[wording].reindex(said.index)])
        return Argument(
            self.pair, signal, weight, claim, wording, rows, self._others(users[wording])
        )

    def _has(self, claim: str, wording: str) -> pd.Series:
        """Tell of every edit whether its summary has a wording, or begins with it."""
        low = wording.casefold()
        if claim == "opening":
            return self.edits["said"].str.startswith(low)
        return self.edits["said"].str.contains(low, regex=False)

    def _others(self, n: int) -> tuple[int, int] | None:
        """Leave the pair itself out of accounts that were counted, and of all; None if all."""
        others = int(self.edits["user"].nunique()) - len(self.pair)
        return (n - len(self.pair), others) if others else None

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


def _of_both(edits: pd.DataFrame) -> list[str]:
    """Return the pages that both accounts edited."""
    both = edits.groupby("page")["user"].nunique()
    return list(both.index[both == 2])


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


def _normalized(comments: pd.Series) -> pd.Series:
    """Return summaries as they are compared: bare, and without case."""
    bare = {text: _bare(text).casefold() for text in comments.dropna().unique()}
    found: pd.Series = comments.astype(object).map(bare).fillna("")
    return found


def _bare(text: str) -> str:
    """Return a summary without its section and without more than one space."""
    return " ".join(_SECTION.sub("", text).split())


def _shared(a: str, b: str, *, opening: bool = False) -> str:
    """Return the longest run of words that two summaries share, or begin with; empty if short.

    >>> _shared("rv: per the toll survey", "tidied per the toll surveys")
    'per the toll'
    >>> _shared("…换图，笔误", "…换图。", opening=True), _shared("a fix", "my fix", opening=True)
    ('…换图', '')
    """
    one, other = _WORD.findall(a), _WORD.findall(b)
    if opening:
        both = zip(one, other, strict=False)
        run = [word for word, _ in takewhile(lambda two: two[0] == two[1], both)]
    else:
        match = SequenceMatcher(None, one, other, autojunk=False).find_longest_match()
        run = one[match.a : match.a + match.size]
    found = "".join(run).rstrip(_STOPS)
    found = found if opening else found.lstrip(_STOPS)  # an opening begins as they do
    return found if len(found) >= (_LEAST if found.isascii() else 2) else ""
