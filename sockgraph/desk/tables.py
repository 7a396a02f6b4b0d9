"""A case's tables, in which the rows of a pair and the edits of an account are found at once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sockgraph.signals.corpus import page_titles

if TYPE_CHECKING:
    from collections.abc import Mapping

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
