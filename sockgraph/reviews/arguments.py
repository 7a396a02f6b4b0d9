"""What a filing argues: a claim in words for a signal, with A's edit beside B's.

Nothing is weighed here. A signal's direction and weight were decided by the evidence stage; which
of its edits are shown, and which page or wording they share, is read off the edits themselves.
"""

from __future__ import annotations

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
from sockgraph.signals import SIGNALS
from sockgraph.signals.corpus import revision_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sockgraph.reviews.dossier import Dossier
    from sockgraph.reviews.states import Pair

MOST = 6
"""Arguments in a filing: what a clerk reads to the end."""
ROWS = 2
_PAGES = frozenset(signal.name for signal in SIGNALS if signal.family == "pages")
_WORDS = frozenset(signal.name for signal in SIGNALS if signal.family == "text")
_SECTION = re.compile(r"/\*.*?\*/")
_LEAST = 4  # letters that a shared wording has, at least; two of a script without spaces


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
        Its key in the table of words: `page`, `wording`, or a signal's name.
    what
        The page or the wording that it is about; empty where it is about neither.
    rows
        A's edit beside B's, and the days between them.
    common
        Of the accounts read, how many show the same; None where that was not counted.
    """

    pair: Pair
    signal: str
    log10_lr: float
    claim: str
    what: str = ""
    rows: tuple[tuple[ShownEdit | None, ShownEdit | None, int | None], ...] = ()
    common: tuple[int, int] | None = None


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
        rows = [row for row in dossier.signals(pair) if direction(row) == way]
        rows.sort(key=lambda row: (-abs(row["log10_lr"]), row["signal"]))
        found.append(_once(facts.argument(row) for row in rows))
    ranked = [(rank, one) for of_pair in found for rank, one in enumerate(of_pair)]
    ranked.sort(key=lambda r: (r[0], -abs(r[1].log10_lr)))
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
        self.edits = dossier.tables["edits"]
        mine = self.edits[self.edits["user"].isin(pair)]
        mine = mine.assign(key=revision_keys(mine), page=page_keys(mine))
        self.mine = mine.sort_values(["timestamp", "rev_id"], kind="stable")

    def argument(self, row: dict[str, Any]) -> Argument:
        """Return a signal as an argument."""
        signal, weight = str(row["signal"]), float(row["log10_lr"])
        cited = self.mine[self.mine["key"].isin(set(row["rev_ids"]))]
        if signal in _PAGES:
            return self._page(signal, weight, cited)
        if signal in _WORDS:
            return self._wording(signal, weight, cited)
        return Argument(self.pair, signal, weight, signal, rows=self._beside(cited))

    def _page(self, signal: str, weight: float, cited: pd.DataFrame) -> Argument:
        """Argue by the page of both that fewest accounts edited."""
        both = cited.groupby("page")["user"].nunique()
        pages = list(both.index[both == len(self.pair)])
        if not pages:
            return Argument(self.pair, signal, weight, signal, rows=self._beside(cited))
        there = self.edits.assign(page=page_keys(self.edits))
        editors = there[there["page"].isin(pages)].groupby("page")["user"].nunique()
        page = min(pages, key=lambda p: (editors[p], p))
        mine = self.mine[self.mine["page"] == page]
        title = str(mine["title"].dropna().iloc[0]) if mine["title"].notna().any() else str(page)
        common = (int(editors[page]), int(self.edits["user"].nunique()))
        return Argument(self.pair, signal, weight, "page", title, self._beside(mine), common)

    def _wording(self, signal: str, weight: float, cited: pd.DataFrame) -> Argument:
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
        )
        if not shared:
            return Argument(self.pair, signal, weight, signal, rows=self._beside(cited))
        users = {wording: self._users(wording) for wording in shared}
        wording = min(shared, key=lambda w: (users[w], -len(w), w))
        has = said["comment"].str.contains(wording, case=False, regex=False)
        common = (users[wording], int(self.edits["user"].nunique()))
        claim = "opening" if signal == "openings" else "wording"
        rows = self._beside(said[has])
        return Argument(self.pair, signal, weight, claim, wording, rows, common)

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
            days = int(apart[i, j] // 86_400)
            rows.append((as_edit(_row(a, int(i))), as_edit(_row(b, int(j))), days))
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
