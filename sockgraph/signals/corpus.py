"""Edits compiled once, and histories as views on them: of accounts, or of halves of accounts.

A *save* is one account's distinct edit time: what was saved at once counts once, however many pages
it touched. A *unit* is anything whose history is compared: an account, or half of one.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

SECTION = re.compile(r"/\*.*?\*/|→[\u200e\u200f]?[^:]*:?|^→.*$")
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
TOKEN = re.compile(rf"[{UNSPACED}]|[^\W\d_{UNSPACED}]+|\d+|[^\w\s]|_")
"""One unspaced character, a word, a number, or a mark."""
MARK = "§"


@dataclass(frozen=True)
class Tokens:
    """The tokens of some summaries, one after the other.

    Attributes
    ----------
    vocabulary
        The distinct tokens, sorted.
    code, item
        One entry a token: its place in `vocabulary`, and its summary.
    n_items
        How many summaries there are.
    """

    vocabulary: NDArray[np.object_]
    code: NDArray[np.int64]
    item: NDArray[np.int64]
    n_items: int

    @property
    def place(self) -> NDArray[np.int64]:
        """Of every token how many of its summary come before it."""
        counts = np.bincount(self.item, minlength=self.n_items)
        return np.arange(len(self.item)) - np.repeat(np.cumsum(counts) - counts, counts)


def has_section(summary: str) -> bool:
    """Tell whether a summary holds a section's name, as MediaWiki writes it there."""
    return _may_have(summary) and SECTION.search(summary) is not None


def without_section(summary: str, instead: str) -> str:
    """Return a summary with something else in the place of a section's name.

    >>> without_section("/* History */ typo", "§")
    '§ typo'
    """
    return SECTION.sub(instead, summary) if _may_have(summary) else summary


def _may_have(summary: str) -> bool:
    return "/*" in summary or "→" in summary  # the pattern alone takes much longer


def tokens(summary: str) -> list[str]:
    """Cut a summary into words, numbers, marks and unspaced characters.

    >>> tokens("rv: see WP:RS, 2nd time")
    ['rv', ':', 'see', 'WP', ':', 'RS', ',', '2', 'nd', 'time']
    >>> tokens("修正错字")
    ['修', '正', '错', '字']
    """
    return TOKEN.findall(without_section(summary, f" {MARK} "))


class _Numbers(dict[str, int]):
    """Numbers of tokens, in the order of their first use."""

    def __missing__(self, token: str) -> int:
        return self.setdefault(token, len(self))


def tokenize_all(summaries: Sequence[str]) -> Tokens:
    """Cut summaries into tokens, each token as a number."""
    index = _Numbers()
    codes, lengths = array("i"), array("i")
    for summary in summaries:  # a token that was seen before is not held again
        found = tokens(summary)
        codes.extend(map(index.__getitem__, found))
        lengths.append(len(found))
    vocabulary = np.array(sorted(index), dtype=object)
    place = np.empty(len(index), dtype=np.int64)
    place[[index[token] for token in vocabulary]] = np.arange(len(index))
    item = np.repeat(np.arange(len(lengths)), np.asarray(lengths))
    return Tokens(vocabulary, place[np.asarray(codes)], item, len(lengths))


DAY = 86_400.0
NO_COMMENT = -1


@dataclass(frozen=True)
class Corpus:
    """Every edit, compiled to integer codes; saves in the order of account, then time.

    Attributes
    ----------
    users
        Every account with an edit, compared or not, in the order of first edits, so that no name
        moves a number; an account's code is its place here.
    account, seconds, comment, n_pages
        One entry a save: account code; seconds since 1970; place in `comments`, or `NO_COMMENT`
        where there was none or it is hidden; distinct pages that it touched.
    comments
        The distinct edit summaries.
    save, page, namespace
        One entry an edit: its save, its page's code (-1: unknown), its namespace (-1: unknown).
    pages
        The pages' titles, or their ids as text.
    frame
        The edits as they were given, in the order of the entries an edit has.
    """

    users: tuple[str, ...]
    account: NDArray[np.int64]
    seconds: NDArray[np.float64]
    comment: NDArray[np.int64]
    n_pages: NDArray[np.int64]
    comments: tuple[str, ...]
    save: NDArray[np.int64]
    page: NDArray[np.int64]
    namespace: NDArray[np.int64]
    pages: tuple[str, ...]
    frame: pd.DataFrame

    @property
    def n_saves(self) -> int:
        """How many saves there are."""
        return len(self.account)

    @property
    def timed(self) -> bool:
        """Whether saves have a time of the day: not every one is of midnight."""
        return bool((self.seconds % 86_400 != 0).any())

    @cached_property
    def digest(self) -> str:
        """Return a hash of all that terms are made of: edits, and whose they are, without names."""
        edits = self.frame.drop(columns=["user", "user_id"], errors="ignore")
        arrays = [self.account, self.seconds, self.save, self.page]
        return hash_arrays(str(list(edits)), [*arrays, *(hash_values(edits[c]) for c in edits)])

    @cached_property
    def words(self) -> Tokens:
        """The tokens of `comments`."""
        return tokenize_all(self.comments)

    def offers(self, column: str) -> bool:
        """Whether the source says anything at all in this column."""
        return column in self.frame and bool(self.frame[column].notna().any())

    def rev_ids(self, edits: NDArray[np.int64]) -> list[str]:
        """Name edits as "wiki:rev_id"."""
        return revision_keys(self.frame.iloc[edits]).tolist()


@dataclass(frozen=True)
class Histories:
    """The histories of some units, as rows of a corpus's saves, by unit and then by time.

    Attributes
    ----------
    corpus
        What the rows point into.
    saves, unit
        One entry for each save of each unit.
    owner
        One entry a unit: the account that it is, or is a part of, by its place among those that
        were asked for; no place in `corpus.users`.
    """

    corpus: Corpus
    saves: NDArray[np.int64]
    unit: NDArray[np.int64]
    owner: NDArray[np.int64]

    @property
    def n_units(self) -> int:
        """How many histories there are."""
        return len(self.owner)

    @property
    def n_saves(self) -> NDArray[np.int64]:
        """How many saves each unit has."""
        return np.bincount(self.unit, minlength=self.n_units)

    def gather(self, groups: NDArray[np.int64], n_groups: int) -> sparse.csr_matrix:
        """Return the (n_groups, corpus saves) matrix that adds up saves by group."""
        ones = np.ones(len(self.saves), dtype=np.float32)
        shape = (n_groups, self.corpus.n_saves)
        return sparse.csr_matrix((ones, (groups, self.saves)), shape=shape)

    def segments(self, size: int | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Cut every history into equal stretches of about `size` saves.

        Returns
        -------
        group, owner
            For every row of `saves` the segment, for every segment the unit.
        """
        counts = self.n_saves
        if size is None:
            return self.unit, np.arange(self.n_units)
        pieces = np.maximum(1, np.rint(counts / size)).astype(np.int64)
        first = np.cumsum(counts) - counts
        place = np.arange(len(self.unit)) - first[self.unit]
        within = place * pieces[self.unit] // np.maximum(counts[self.unit], 1)
        offset = np.cumsum(pieces) - pieces
        return offset[self.unit] + within, np.repeat(np.arange(self.n_units), pieces)

    def only(self, kept: NDArray[np.bool_]) -> Histories:
        """Return as many histories, those of other units than the kept ones empty."""
        rows = kept[self.unit]
        return Histories(self.corpus, self.saves[rows], self.unit[rows], self.owner)

    def take(self, units: NDArray[np.int64]) -> Histories:
        """Return the histories of these units alone, in this order."""
        place = np.full(self.n_units, -1)
        place[units] = np.arange(len(units))
        keep = place[self.unit] >= 0
        unit = place[self.unit[keep]]
        order = np.argsort(unit, kind="stable")
        return Histories(self.corpus, self.saves[keep][order], unit[order], self.owner[units])


def hash_values(column: pd.Series) -> NDArray[Any]:
    """Return a hash of each value of a column, lists by what they hold."""
    plain = column.map(repr) if column.dtype == object else column
    return pd.util.hash_pandas_object(plain, index=False).to_numpy()


def hash_arrays(told: str, arrays: Iterable[NDArray[Any]]) -> str:
    """Return one hash of a text and of arrays, to the last bit."""
    found = hashlib.sha256(told.encode())
    for values in arrays:
        found.update(f"{values.dtype}{values.shape}".encode())
        found.update(np.ascontiguousarray(values).tobytes())
    return found.hexdigest()


def active_days(key: NDArray[np.int64], seconds: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Return (n,) on how many days each key has an entry: the fewer of days cut at 0 or at 12 h.

    What goes on over midnight is one evening.

    >>> active_days(np.array([0, 0, 0]), np.array([86_300.0, 86_500.0, 90_000.0]), 1)
    array([1])
    """
    cut = []
    for turn in (0.0, DAY / 2):
        day = np.floor((seconds + turn) / DAY).astype(np.int64)
        first, last = day.min(initial=0), day.max(initial=0)
        each = np.unique(key * (last - first + 1) + day - first)
        cut.append(np.bincount(each // (last - first + 1), minlength=n))
    return np.minimum(*cut)


def compile_edits(edits: pd.DataFrame) -> Corpus:
    """Compile a contract table of edits.

    Parameters
    ----------
    edits
        Keeps the contract of `edits`; in any order of rows.
    """
    moment = ["timestamp", "wiki", "rev_id"]
    in_time = edits[moment].reset_index(drop=True).sort_values(moment, kind="stable").index
    account, users = pd.factorize(edits["user"].iloc[in_time])  # in the order of first edits
    order = np.argsort(account, kind="stable")
    frame, account = _with_pages(edits.iloc[in_time[order]].reset_index(drop=True)), account[order]
    seconds = frame["timestamp"].astype("datetime64[us, UTC]").astype("int64").to_numpy() / 1e6
    new = np.r_[True, (np.diff(account) != 0) | (np.diff(seconds) != 0)] if len(frame) else []
    save = np.cumsum(np.asarray(new, dtype=np.int64)) - 1
    first = np.flatnonzero(new)
    comment, comments = _comments(frame, save, len(first))
    page, pages = pd.factorize(frame["page"], sort=True)
    return Corpus(
        users=tuple(map(str, users)),
        account=account[first].astype(np.int64),
        seconds=np.asarray(seconds, dtype=np.float64)[first],
        comment=comment,
        n_pages=_distinct_pages(save, page.astype(np.int64), len(first)),
        comments=comments,
        save=save,
        page=page.astype(np.int64),
        namespace=frame["ns"].fillna(-1).to_numpy(dtype=np.int64),
        pages=tuple(map(str, pages)),
        frame=frame,
    )


def of_accounts(corpus: Corpus, users: Sequence[str]) -> Histories:
    """Return the whole histories of these accounts; one without edits has an empty one."""
    codes = {user: code for code, user in enumerate(corpus.users)}
    wanted = np.array([codes.get(user, -1) for user in users], dtype=np.int64)
    place = np.full(len(corpus.users) + 1, -1)
    place[wanted] = np.arange(len(wanted))
    place[-1] = -1
    unit = place[corpus.account]
    rows = np.flatnonzero(unit >= 0)
    rows = rows[np.argsort(unit[rows], kind="stable")]
    return Histories(corpus, rows, unit[rows], np.arange(len(users)))


def _with_pages(edits: pd.DataFrame) -> pd.DataFrame:
    """Name every page by its namespace and title, and by its id where it has no title."""
    by_id = edits["page_id"].astype("Int64").astype("string")
    namespace = edits["ns"].astype("Int16").astype("string").fillna("")
    page = (namespace + ":" + edits["title"].astype("string")).fillna("#" + by_id)
    return edits.assign(page=edits["wiki"].astype("string") + ":" + page)


def _comments(
    frame: pd.DataFrame, save: NDArray[np.int64], n: int
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Give each save its first summary that is there, is not hidden and is not blank."""
    said = frame["comment"].astype("string")
    hidden = np.array(["comment" in marks or "suppressed" in marks for marks in frame["hidden"]])
    usable = (said.notna() & (said.str.strip() != "")).to_numpy(dtype=bool) & ~hidden.astype(bool)
    rows = np.flatnonzero(usable)
    code, distinct = pd.factorize(said.iloc[rows].astype(object), sort=True)
    comment = np.full(n, NO_COMMENT, dtype=np.int64)
    comment[save[rows][::-1]] = code[::-1]  # the first of a save is written last, and stays
    return comment, tuple(map(str, distinct))


def _distinct_pages(save: NDArray[np.int64], page: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    pairs = pd.DataFrame({"save": save, "page": page}).drop_duplicates()
    return np.bincount(pairs["save"].to_numpy(dtype=np.int64), minlength=n)


def of_wikis(names: pd.Series, wikis: pd.Series) -> pd.Series:
    """Return names of pages, of several wikis each with its wiki: one title on two is two pages.

    >>> import pandas as pd
    >>> list(of_wikis(pd.Series(["Mill", "Mill"]), pd.Series(["a.example", "b.example"])))
    ['Mill (a.example)', 'Mill (b.example)']
    """
    named = names.astype("string")
    return named if wikis.nunique() < 2 else named + " (" + wikis.astype("string") + ")"


def page_titles(edits: pd.DataFrame) -> pd.Series:
    """Return what the page of each edit is called, by its number where it has no title.

    A table that has its `page` already keeps it: a desk asks often.
    """
    if "page" in edits:
        return edits["page"]
    titles = edits["title"].astype("string")
    if "page_id" in edits:
        titles = titles.fillna("page " + edits["page_id"].astype("string"))
    titles = titles.fillna("page without a title")
    return of_wikis(titles, edits["wiki"]) if "wiki" in edits else titles


def revision_keys(edits: pd.DataFrame) -> pd.Series:
    """Return each revision as `wiki:rev_id`: two wikis number theirs alike."""
    return edits["wiki"].astype("string") + ":" + edits["rev_id"].astype("string")
