"""A case's tables, indexed: the rows of a pair, edits of an account, phrases that two share."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sockgraph.signals.bags import OPENING
from sockgraph.signals.corpus import page_titles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    Rows = NDArray[np.intp]


class CaseTables(dict[str, pd.DataFrame]):
    """The contract tables of a case by name, counted through once and not for every question.

    Of 80,000 edits, a question about two accounts reads their few hundred.

    Examples
    --------
    >>> links = pd.DataFrame({"user_a": ["Ada", "Ada"], "user_b": ["Bo", "Cy"], "flagged": [0, 1]})
    >>> CaseTables({"links": links}).of_pair("links", "Cy", "Ada")["flagged"].tolist()
    [1]
    """

    @classmethod
    def of(cls, tables: Mapping[str, pd.DataFrame]) -> CaseTables:
        """Return tables as this kind of them; those that are of it already as they are."""
        return tables if isinstance(tables, cls) else cls(tables)

    def of_pair(self, table: str, a: str, b: str) -> pd.DataFrame:
        """Return the rows of a table about two accounts, whichever way round they are named."""
        if table not in self._pairs:
            self._pairs[table] = _PairRows(self[table])
        first, second = sorted((a, b))
        return self[table].iloc[self._pairs[table].find(first, second)].reset_index(drop=True)

    @cached_property
    def _pairs(self) -> dict[str, _PairRows]:
        return {}

    @cached_property
    def titles(self) -> pd.Series:
        """What the page of each edit is called."""
        return page_titles(self["edits"])

    @cached_property
    def pages(self) -> Rows:
        """The number of each edit's page."""
        return np.asarray(pd.factorize(self.titles)[0])

    @cached_property
    def users(self) -> Rows:
        """The number of each edit's account."""
        return np.asarray(pd.factorize(self["edits"]["user"])[0])

    @cached_property
    def times(self) -> NDArray[np.int64]:
        """The time of each edit, in microseconds since 1970."""
        stamps = self["edits"]["timestamp"].dt.tz_convert(None)
        return np.asarray(stamps.to_numpy("datetime64[us]").astype(np.int64))

    @cached_property
    def editors(self) -> Rows:
        """How many accounts edited each page, by its number."""
        return np.asarray(pd.Series(self.users).groupby(self.pages).nunique())

    @cached_property
    def _in_time(self) -> tuple[Rows, dict[str, Rows]]:
        """The edits from oldest to newest, and where in this order those of each account stand."""
        order = np.lexsort((self["edits"]["rev_id"].to_numpy(np.int64), self.times))
        users = self["edits"]["user"].iloc[order]
        by_user = users.groupby(users, observed=True).indices
        return order, {str(user): np.asarray(rows) for user, rows in by_user.items()}

    def edits_of(self, *users: str, most: int | None = None) -> Rows:
        """Return where the edits of some accounts stand, oldest first; `most` of each at most."""
        order, by_user = self._in_time
        theirs = [by_user.get(user, np.array([], np.intp)) for user in users]
        kept = theirs if most is None else [one[-most:] for one in theirs]
        return order[np.sort(np.concatenate(kept))]

    def shared(self, a: str, b: str) -> tuple[Rows, NDArray[np.float64]]:
        """Return where two accounts' edits of pages of both stand, and the gap before each.

        Returns
        -------
        tuple of ndarray
            Rows of the table of edits, oldest first; seconds since the other's edit of that page,
            null where the account's own edit came between, or none was before.
        """
        mine, theirs = self.pages[self.edits_of(a)], self.pages[self.edits_of(b)]
        both = np.intersect1d(mine, theirs)
        rows = self.edits_of(a, b)
        rows = rows[np.isin(self.pages[rows], both)]
        by_page = np.argsort(self.pages[rows], kind="stable")
        turn = rows[by_page]
        turned = (np.diff(self.pages[turn]) == 0) & (np.diff(self.users[turn]) != 0)
        gaps = np.full(len(rows), np.nan)
        gaps[by_page[1:][turned]] = np.diff(self.times[turn])[turned] / 1e6
        return rows, gaps

    def meetings(self, users: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return how many pages every two accounts share, and how close their edits came.

        Returns
        -------
        tuple of ndarray
            Pages, and seconds (null where none is shared), either of a row and a column an account.

        Examples
        --------
        >>> start = pd.Timestamp("2024-01-01T00:00:00Z")
        >>> edits = pd.DataFrame({"user": ["Ada", "Bo", "Ada"], "rev_id": [1, 2, 3]})
        >>> edits["timestamp"] = [start + pd.Timedelta(hours=h) for h in (0, 3, 4)]
        >>> edits["title"] = "Weir"
        >>> pages, seconds = CaseTables({"edits": edits}).meetings(["Ada", "Bo"])
        >>> int(pages[0, 1]), float(seconds[0, 1])
        (1, 3600.0)
        """
        shared = np.zeros((len(users), len(users)), np.int64)
        closest = np.full((len(users), len(users)), np.inf)
        who = pd.Index(users).get_indexer(pd.Index(self["edits"]["user"]))
        rows = self._in_time[0]
        rows = rows[who[rows] >= 0]
        rows = rows[np.argsort(self.pages[rows], kind="stable")]
        for page in np.split(rows, np.flatnonzero(np.diff(self.pages[rows])) + 1):
            here, at = np.unique(who[page], return_inverse=True)
            both = np.ix_(here, here)
            shared[both] += 1
            closest[both] = np.minimum(closest[both], _closest(at, self.times[page] / 1e6))
        return shared, np.where(np.isinf(closest), np.nan, closest)


def _closest(at: Rows, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the least time between edits of every two accounts on one page, oldest edit first."""
    n = int(at.max(initial=-1)) + 1
    last, least = np.full(n, -np.inf), np.full((n, n), np.inf)
    for i, now in zip(at.tolist(), times.tolist(), strict=True):
        np.minimum(least[i], now - last, out=least[i])
        last[i] = now
    both_ways: NDArray[np.float64] = np.minimum(least, least.T)
    return both_ways


class _PairRows:
    """Where the rows of each pair stand in one table."""

    def __init__(self, table: pd.DataFrame) -> None:
        first, names = pd.factorize(table["user_a"])
        self._firsts = {name: i for i, name in enumerate(names)}
        second, names = pd.factorize(table["user_b"])
        self._seconds = {name: i for i, name in enumerate(names)}
        keys = first.astype(np.int64) * len(names) + second
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]

    def find(self, a: str, b: str) -> Rows:
        if a not in self._firsts or b not in self._seconds:
            return self._order[:0]
        key = self._firsts[a] * len(self._seconds) + self._seconds[b]
        return self._order[np.searchsorted(self._keys, key) : np.searchsorted(self._keys, key + 1)]


SHORTEST, LONGEST = 2, 6
"""Tokens of a phrase; of one script character each where words are not set apart by spaces."""
MOST = 40
CANDIDATES = 400
_SECTION = re.compile(r"/\*.*?\*/")
_CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+|[^\w\s]")
_LETTER = re.compile(r"\w")


@dataclass(frozen=True)
class Phrase:
    """A run of tokens that both accounts wrote.

    Attributes
    ----------
    n_a, n_b
        Summaries of either account that hold it.
    others
        Other accounts of the case, the reference included, that wrote it.
    """

    tokens: tuple[str, ...]
    n_a: int
    n_b: int
    others: int


def tokens_of(summary: str) -> list[str]:
    """Split a summary into words, single characters of unsegmented scripts, and marks.

    Section markers are left out: they are the page's words, not the writer's.

    >>> tokens_of("/* Fares */ rv, see 渡口")
    ['rv', ',', 'see', '渡', '口']
    """
    return _TOKEN.findall(_SECTION.sub(" ", summary).lower())


def pattern_of(phrase: str) -> re.Pattern[str]:
    """Return what finds a phrase in a summary, however the summary sets its tokens apart.

    >>> bool(pattern_of("see 渡口").search("rv,  See渡 口"))
    True
    """
    return re.compile(r"\s*".join(map(re.escape, tokens_of(phrase))), re.IGNORECASE)


@dataclass(frozen=True)
class PhraseIndex:
    """What every account wrote in summaries, and who wrote which two tokens one after the other.

    Attributes
    ----------
    texts
        By account: its summaries a line each, tokens set apart by spaces.
    writers
        By two neighbouring tokens, the accounts that wrote them.
    """

    texts: Mapping[str, str]
    writers: Mapping[tuple[str, str], set[str]]

    def of(self, tokens: Sequence[str]) -> set[str]:
        """Return the accounts that wrote a phrase of two tokens or more."""
        found = set.intersection(*(self.writers.get(two, set()) for two in pairwise(tokens)))
        if len(tokens) == SHORTEST:
            return found
        needle = f" {' '.join(tokens)} "
        return {user for user in found if needle in self.texts[user]}

    def n_others(self, a: str, b: str) -> int:
        """Return how many accounts with summaries there are beside these two."""
        return len(self.texts.keys() - {a, b})

    def opening_of_both(self, summary: str, a: str, b: str) -> tuple[str, int] | None:
        """Return the longest opening of a summary that two accounts use, and how many others do.

        Openings have two to `OPENING` tokens.

        >>> told = pd.DataFrame({"user": list("abc"), "comment": ["換圖，修正", "換圖", "換圖"]})
        >>> index_phrases({"edits": told}).opening_of_both("/* 渡口 */ 換圖，修正", "a", "b")
        ('換圖', 1)
        """
        tokens = tokens_of(summary)[:OPENING]
        for n in range(len(tokens), SHORTEST - 1, -1):
            begins = f" {' '.join(tokens[:n])} "
            who = {user for user in self.of(tokens[:n]) if f"\n{begins}" in f"\n{self.texts[user]}"}
            if {a, b} <= who:
                return _joined(tokens[:n]), len(who) - 2
        return None


def index_phrases(tables: Mapping[str, pd.DataFrame]) -> PhraseIndex:
    """Return everything that each account wrote in summaries."""
    said = tables["edits"][["user", "comment"]].dropna()
    lines: dict[str, list[str]] = {}
    writers: dict[tuple[str, str], set[str]] = {}
    cut = {text: tokens_of(text) for text in said["comment"].unique().tolist()}
    by_user: dict[str, dict[str, None]] = {}
    for user, text in zip(said["user"].tolist(), said["comment"].tolist(), strict=True):
        lines.setdefault(user, []).append(f" {' '.join(cut[text])} ")
        by_user.setdefault(user, {})[text] = None
    for user, texts in by_user.items():
        for two in {two for text in texts for two in pairwise(cut[text])}:
            writers.setdefault(two, set()).add(user)
    return PhraseIndex({user: "\n".join(lines[user]) for user in sorted(lines)}, writers)


def shared_phrases(
    tables: Mapping[str, pd.DataFrame], a: str, b: str, *, voices: PhraseIndex | None = None
) -> pd.DataFrame:
    """Return phrases of summaries that both accounts wrote, those that fewest others wrote first.

    Parameters
    ----------
    voices
        From `index_phrases`, where phrases of many pairs are asked for.

    Returns
    -------
    DataFrame
        `phrase`, `n_a`, `n_b` (summaries that hold it), `others` (other accounts that wrote it,
        of `of_others`), at most 40 rows. A phrase inside a longer one of the same counts is left
        out.
    """
    voices = index_phrases(tables) if voices is None else voices
    shared = _common(*(_counts(voices, user, other) for user, other in ((a, b), (b, a))))
    found = [Phrase(t, x, y, len(voices.of(t) - {a, b})) for t, x, y in shared]
    kept = _maximal(found)
    kept.sort(key=lambda p: (p.others, -len(p.tokens), -min(p.n_a, p.n_b), p.tokens))
    n_others = voices.n_others(a, b)
    rows = [(_joined(p.tokens), p.n_a, p.n_b, p.others, n_others) for p in kept[:MOST]]
    return pd.DataFrame(rows, columns=["phrase", "n_a", "n_b", "others", "of_others"])


def _counts(voices: PhraseIndex, user: str, other: str) -> Counter[tuple[str, ...]]:
    """Count in how many summaries each phrase stands; one must begin and end with a word.

    Runs of tokens that the other account never set side by side are no phrase of both.
    """
    counts: Counter[tuple[str, ...]] = Counter()
    for text, times in Counter(voices.texts.get(user, "").split("\n")).items():
        line = text.split()
        spans = {
            span
            for run in _runs(line, lambda two: other in voices.writers.get(two, ()))
            for n in range(SHORTEST, LONGEST + 1)
            for i in range(len(run) - n + 1)
            if _LETTER.match((span := tuple(run[i : i + n]))[0]) and _LETTER.match(span[-1])
        }
        counts.update(dict.fromkeys(spans, times))
    return counts


def _runs(line: Sequence[str], known: Callable[[tuple[str, str]], bool]) -> Iterator[Sequence[str]]:
    """Cut a line where two neighbouring tokens are not known."""
    start = 0
    for i, two in enumerate(pairwise(line), 1):
        if not known(two):
            yield line[start:i]
            start = i
    yield line[start:]


def _common(
    one: Counter[tuple[str, ...]], other: Counter[tuple[str, ...]]
) -> list[tuple[tuple[str, ...], int, int]]:
    """Return the phrases of both, longest and most used first, as many as are worth counting."""
    both = [(tokens, one[tokens], other[tokens]) for tokens in one.keys() & other.keys()]
    both.sort(key=lambda p: (-len(p[0]) * min(p[1], p[2]), p[0]))
    return both[:CANDIDATES]


def _maximal(phrases: Sequence[Phrase]) -> list[Phrase]:
    """Leave out phrases that stand inside a longer one which says as much."""
    longest = sorted(phrases, key=lambda p: -len(p.tokens))
    kept: list[Phrase] = []
    for phrase in longest:
        counts, text = (phrase.n_a, phrase.n_b, phrase.others), f" {' '.join(phrase.tokens)} "
        same = (k for k in kept if (k.n_a, k.n_b, k.others) == counts)
        if not any(text in f" {' '.join(k.tokens)} " for k in same):
            kept.append(phrase)
    return kept


def _joined(tokens: Sequence[str]) -> str:
    """Write tokens as text again, marks beside the words they follow.

    >>> _joined(["see", "渡", "口", ",", "too"])
    'see 渡口, too'
    """
    text = re.sub(r" (?=[.,;:!?)，。；：！？）])", "", " ".join(tokens))
    return re.sub(rf"(?<=[{_CJK}]) (?=[{_CJK}])", "", text)
