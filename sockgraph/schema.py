"""The tables' contracts. Every table that crosses a module goes through `validate`.

A table's columns are declared once, in `TABLES`; what checks it and the Arrow schema that it is
written with both follow from there. Missing is never zero: a column marked nullable keeps null
apart from 0, False and "".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from sockgraph.errors import SchemaError, SockgraphError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


ROLES = ("nominated", "reference", "declared")
STATUSES = ("ok", "insufficient", "not_available")
STATES = (
    "none",
    "asserted",
    "flagged",
    "in review",
    "upheld",
    "not upheld",
    "inconclusive",
    "reversal in review",
    "reversed",
    "stands",
    "reopened",
)
SIDES = ("support", "oppose", "neutral")
IN_CONCERT = 0.05  # `concert.p_adjusted` up to which a pair acts in concert
DIRECTIONS = ("for", "against", "neither")
TRUTHS = ("different", "successive", "parallel", "labelled")
HIDDEN = ("comment", "text", "user", "suppressed")
UNDOING = frozenset({"mw-undo", "mw-rollback", "mw-manual-revert"})
"""Tags that MediaWiki (1.36 and later) gives by itself to what brings back an earlier version."""
WORDS = ("weakly", "moderately", "moderately strongly", "strongly")
"""ENFSI's scale (2015 guideline): from 2 to 10, to 100, to 1,000 times, and above."""
BANDS = (
    *(f"{word} for" for word in reversed(WORDS)),
    "does not separate",
    *(f"{word} against" for word in WORDS),
    "insufficient",
    "not calibrated",
)

_TIME = "datetime64[us, UTC]"
_ARROW = {
    "string": pa.string(),
    "Int64": pa.int64(),
    "Int32": pa.int32(),
    "Int16": pa.int16(),
    "float64": pa.float64(),
    "boolean": pa.bool_(),
    _TIME: pa.timestamp("us", tz="UTC"),
    "list": pa.list_(pa.string()),
}


@dataclass(frozen=True)
class Column:
    """One column: its type, whether it may be null, and the only values it may take."""

    kind: str
    nullable: bool = False
    among: tuple[str, ...] = ()

    def typed(self, values: pd.Series) -> pd.Series:
        """Return the values in the column's type; TypeError, ValueError, OverflowError of none."""
        if self.kind == "list":
            return self._lists(values)
        if self.kind == _TIME and not isinstance(values.dtype, pd.DatetimeTZDtype):
            held = values.dropna()
            if pd.api.types.is_numeric_dtype(held.infer_objects()) and len(held):
                raise TypeError("numbers are no times")
            values = pd.to_datetime(values, utc=True)
        kind: Any = pd.StringDtype(na_value=np.nan) if self.kind == "string" else self.kind
        typed = values.astype(kind)
        if self.kind in {"Int16", "Int32"} and (typed != values.astype("Int64")).any():
            raise OverflowError("too large a number")  # of which pandas makes another
        return typed

    def refused(self, values: pd.Series) -> pd.Series:
        """Return which values of this type are not allowed."""
        null = values.isna()
        if self.kind == "list":
            return ~self._are_lists(values) & ~(null & self.nullable)
        wrong = null & (not self.nullable)
        return wrong | ~(values.isin(self.among) | null) if self.among else wrong

    def _are_lists(self, values: pd.Series) -> pd.Series:
        """Say which values are lists of strings; most are empty, and are not looked into."""
        among = set(self.among)
        right = (
            isinstance(v, list)
            and (not v or all(isinstance(i, str) and (not among or i in among) for i in v))
            for v in values
        )
        return pd.Series(np.fromiter(right, bool, len(values)), index=values.index)

    def _lists(self, values: pd.Series) -> pd.Series:
        """Turn arrays, as Parquet gives them, into lists; null stays null if allowed, else []."""
        if values.dtype == object and all(isinstance(v, list) for v in values):
            return values
        null = values.isna().to_numpy(dtype=bool)
        cells = values.to_numpy(dtype=object)
        lists = np.full(len(values), None, dtype=object)  # of most pairs of a large case: they stay
        lists[~null] = np.fromiter(map(_as_list, cells[~null]), object)
        for i in () if self.nullable else np.flatnonzero(null):
            lists[i] = []
        return pd.Series(lists, index=values.index, dtype=object)


def _as_list(cell: Any) -> Any:
    """Return an array, as Parquet gives it, as a list; likewise any other cell that is like one."""
    if isinstance(cell, np.ndarray):  # nearly every one
        return cell.tolist()
    return list(cell) if pd.api.types.is_list_like(cell) else cell


@dataclass(frozen=True)
class Table:
    """A contract: the key, unique and in this order sorted by, and the columns in their order."""

    key: tuple[str, ...]
    columns: Mapping[str, Column]

    def arrow(self) -> pa.Schema:
        """Return the Arrow schema that the table is written with."""
        return pa.schema([(name, _ARROW[column.kind]) for name, column in self.columns.items()])


def _text(*among: str) -> Column:
    return Column("string", among=among)


def _each(column: Column, *names: str) -> dict[str, Column]:
    return dict.fromkeys(names, column)


_PAIR = _each(_text(), "user_a", "user_b")
_NULL_FLOAT = Column("float64", nullable=True)
_NULL_FLAG = Column("boolean", nullable=True)
_COUNT = Column("Int32")
_CANDIDATE = {
    "user_a": _text(),
    "rank": _COUNT,
    "user_b": _text(),
    "shared_pages": _COUNT,
    "weighted_overlap": Column("float64"),
}

DIRECTED = ("candidates", "candidate_links")
"""Tables in which an account comes first because it was asked about."""
_EDITS = {
    "wiki": _text(),
    "rev_id": Column("Int64"),
    "user": _text(),
    "user_id": Column("Int64", nullable=True),
    "title": Column("string", nullable=True),
    "page_id": Column("Int64", nullable=True),
    "ns": Column("Int16", nullable=True),
    "timestamp": Column(_TIME),
    "comment": Column("string", nullable=True),
    "minor": Column("boolean", nullable=True),
    "size_diff": Column("Int32", nullable=True),
    "parent_id": Column("Int64", nullable=True),
    "tags": Column("list", nullable=True),
    "sha1": Column("string", nullable=True),
    "hidden": Column("list", among=HIDDEN),
}

TABLES: dict[str, Table] = {
    "accounts": Table(
        ("wiki", "user"),
        {
            **_each(_text(), "wiki", "user"),
            "user_id": Column("Int64", nullable=True),
            "registered": Column(_TIME, nullable=True),
            "edit_count": Column("Int64", nullable=True),
            "groups": Column("list"),
            "blocked_at": Column(_TIME, nullable=True),
            "role": _text(*ROLES),
        },
    ),
    "edits": Table(("wiki", "rev_id"), {**_EDITS, "text": Column("string", nullable=True)}),
    "histories": Table(("wiki", "rev_id"), _EDITS),
    "log_events": Table(
        ("wiki", "log_id"),
        {
            "wiki": _text(),
            "log_id": Column("Int64"),
            **_each(_text(), "type", "action"),
            "timestamp": Column(_TIME),
            "actor": Column("string", nullable=True),
            "target": Column("string", nullable=True),
            "params": _text(),
            "comment": Column("string", nullable=True),
        },
    ),
    "texts": Table(
        ("wiki", "rev_id"),
        {
            **{c: _EDITS[c] for c in ("wiki", "rev_id")},
            "text": Column("string", nullable=True),
        },
    ),
    "discussion_edits": Table(
        ("wiki", "rev_id"),
        {
            **{c: _EDITS[c] for c in ("wiki", "rev_id")},
            "title": _text(),
            "page_id": Column("Int64", nullable=True),
            "ns": Column("Int16", nullable=True),
            "user": Column("string", nullable=True),
            **{
                c: _EDITS[c]
                for c in ("timestamp", "comment", "minor", "parent_id", "sha1", "hidden")
            },
        },
    ),
    "evidence": Table(
        ("user_a", "user_b", "signal"),
        {
            **_PAIR,
            **_each(_text(), "signal", "family"),
            **_each(_NULL_FLOAT, "score", "log10_lr", "contribution"),
            "support": _COUNT,
            "status": _text(*STATUSES),
            "rev_ids": Column("list"),
        },
    ),
    "links": Table(
        ("user_a", "user_b"),
        {
            **_PAIR,
            **_each(_NULL_FLOAT, "score", "standing", "log10_lr", "log10_lr_low", "log10_lr_high"),
            **_each(_NULL_FLOAT, "log10_lr_naive", "bound_low", "bound_high"),
            "direction": _text(*DIRECTIONS),
            **_each(_COUNT, "n_for", "n_against", "n_insufficient"),
            "families_for": Column("list"),
            **_each(Column("boolean"), "alibi", "imitation"),
            "outside": _NULL_FLOAT,
            "band": _text(*BANDS),
            **_each(Column("boolean"), "eligible", "flagged"),
            "reasons": Column("list"),
            "state": _text(*STATES),
        },
    ),
    "clusters": Table(
        ("user",),
        {
            "user": _text(),
            "cluster_id": Column("Int32", nullable=True),
            **_each(_NULL_FLOAT, "membership", "weakest_link"),
            "status": _text("stable", "unresolved"),
        },
    ),
    "omissions": Table(
        ("subject", "omitted"),
        {
            **_each(_text(), "subject", "omitted"),
            **_each(_NULL_FLOAT, "log10_lr", "log10_lr_low"),
            "eligible": Column("boolean", nullable=True),
            "co_membership": _NULL_FLOAT,
        },
    ),
    "alibis": Table(
        ("user_a", "user_b", "start"),
        {
            **_PAIR,
            **_each(Column(_TIME), "start", "end"),
            "n_edits": _COUNT,
            "expected": _NULL_FLOAT,
            "excluded": Column("string", nullable=True),
        },
    ),
    "votes": Table(
        ("wiki", "page", "user", "rev_id"),
        {
            **_each(_text(), "wiki", "page", "user"),
            "rev_id": Column("Int64"),
            "side": Column("string", nullable=True, among=SIDES),
            "timestamp": Column(_TIME),
            "parse": _text("ok", "malformed"),
        },
    ),
    "concert": Table(
        ("user_a", "user_b"),
        {
            **_PAIR,
            "support": _COUNT,
            "statistic": Column("float64"),
            "p_adjusted": _NULL_FLOAT,
            "status": _text(*STATUSES),
            "rev_ids": Column("list"),
        },
    ),
    "candidates": Table(
        ("user_a", "rank"),
        {
            **_CANDIDATE,
            "coedits_1h": Column("Int64"),
            "hours_cosine": Column("float64"),
        },
    ),
    "candidate_links": Table(
        ("user_a", "rank"),
        {
            **_CANDIDATE,
            **_each(_NULL_FLOAT, "score", "log10_lr", "log10_lr_low", "log10_lr_high", "bound_low"),
            **_each(_NULL_FLOAT, "bound_high"),
            **_each(_COUNT, "n_for", "n_against", "n_insufficient"),
            "band": _text(*BANDS),
        },
    ),
    "held_out": Table(
        ("truth", "a", "b", "cut"),
        {
            "truth": _text(*TRUTHS),
            **_each(_COUNT, "a", "b", "cut"),
            **_each(_NULL_FLOAT, "score", "standing", "log10_lr"),
            "shared_pages": Column("Int32", nullable=True),
            **_each(_NULL_FLAG, "same_pages", "same_hours", "same_tools", "newcomers", "worthy"),
            **_each(_NULL_FLAG, "flagged"),
        },
    ),
    "reference": Table(
        ("signal", "stratum", "quantile"),
        {
            **_each(_text(), "signal", "stratum"),
            "quantile": Column("float64"),
            "value": _NULL_FLOAT,
        },
    ),
}


def subject_of(*users: str) -> str:
    """Return how `omissions.subject` names a pair or a group: its accounts, sorted, as JSON.

    >>> subject_of("B", "A")
    '["A", "B"]'
    """
    return json.dumps(sorted(users), ensure_ascii=False)


class Scores(Protocol):
    """What `compare` returns, as far as graphs and flags read it."""

    @property
    def links(self) -> pd.DataFrame:
        """Every pair of nominated accounts."""


def links_of(scores: Scores | pd.DataFrame, needed: Sequence[str]) -> pd.DataFrame:
    """Return the links of what `compare` returned, or the links themselves.

    Raises
    ------
    SockgraphError
        If it is neither, or a needed column is missing.
    """
    links = scores if isinstance(scores, pd.DataFrame) else getattr(scores, "links", None)
    given = set(links) if isinstance(links, pd.DataFrame) else set()
    missing = [column for column in needed if column not in given]
    if missing or not isinstance(links, pd.DataFrame):
        raise SockgraphError(
            f"scores ({type(scores).__name__})",
            f"links are needed; columns missing: {', '.join(missing)}.",
            "Give what sg.compare(data) returned, or a table with these columns.",
        )
    return links


def empty(name: str) -> pd.DataFrame:
    """Return the named table without rows."""
    return _empty(name).copy()


@cache
def _empty(name: str) -> pd.DataFrame:
    return validate(name, pd.DataFrame({column: [] for column in TABLES[name].columns}))


def validate(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return `frame` with the contract's types and column order, sorted by its key.

    Nullable columns that are absent are added as null; anything else amiss is an error.

    Parameters
    ----------
    name
        A key of `TABLES`.
    frame
        Rows for that table, in any order.

    Raises
    ------
    SchemaError
        If columns are missing or unknown, a type cannot be had, a value is not allowed, a key is
        null or stands twice. Every fault is listed.
    """
    table, whole = TABLES[name], _checked(name, _columns(name, frame))
    _refuse_pairs(name, whole)
    if _ascends(whole, table.key):
        return whole.reset_index(drop=True)
    _refuse_twice(name, table, whole)
    return whole.sort_values(list(table.key), kind="stable", ignore_index=True)


def read_back(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table that kept its contract when it was written, as its file's hash proves.

    A desk opens three times as fast as by looking at every value anew.

    Raises
    ------
    SchemaError
        If its columns are not those of the contract, as in a file of an earlier version.
    """
    return _checked(name, _columns(name, frame), proven=True)


def _checked(name: str, given: pd.DataFrame, *, proven: bool = False) -> pd.DataFrame:
    """Return the columns in their types, or refuse all that is wrong with them at once."""
    whole, faults = {}, []
    for title, column in TABLES[name].columns.items():
        try:
            values = whole[title] = column.typed(given[title])
        except (TypeError, ValueError, OverflowError) as error:
            faults.append(f"{title}: no {column.kind} ({error}).")
            continue
        if not proven and len(wrong := values[column.refused(values).to_numpy(bool)]):
            among = f" of {', '.join(column.among)}" if column.among else ""
            faults.append(f"{title}: no {column.kind}{among} (first: {wrong.iloc[0]!r}).")
    if faults:
        remedy = "Run the case again." if proven else "Correct the rows named."
        raise SchemaError(f"table {name}", " ".join(faults), remedy)
    return given.assign(**whole)  # which keeps attrs: what an exploration left out


def _columns(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the contract's columns in their order, or refuse what is missing or unknown."""
    columns = TABLES[name].columns
    needed = {c for c, s in columns.items() if not s.nullable and s.kind != "list"}
    missing = sorted(needed - set(frame.columns))
    unknown = sorted(set(frame.columns) - set(columns))
    if missing or unknown:
        said = [f"columns missing: {', '.join(missing)}."] if missing else []
        said += [f"columns unknown: {', '.join(unknown)}."] if unknown else []
        raise SchemaError(f"table {name}", " ".join(said), "Give exactly the contract's columns.")
    return frame.reindex(columns=list(columns))


def _ascends(frame: pd.DataFrame, key: Sequence[str]) -> bool:
    """Whether rows are in order already and no key stands twice: a large table is not copied."""
    if frame[list(key)].isna().any(axis=None):
        return False
    tied = np.ones(max(len(frame) - 1, 0), dtype=bool)  # with the row before, as far as looked at
    for name in key:
        values = frame[name].array
        if (tied & np.asarray(values[1:] < values[:-1], dtype=bool)).any():
            return False
        tied &= np.asarray(values[1:] == values[:-1], dtype=bool)
    return not tied.any()


def _refuse_twice(name: str, table: Table, frame: pd.DataFrame) -> None:
    twice = frame.duplicated(list(table.key))
    if twice.any():
        keys = frame.loc[twice, list(table.key)].drop_duplicates()
        first = ", ".join(map(str, keys.iloc[0]))
        raise SchemaError(
            f"table {name}",
            f"{len(keys)} keys ({', '.join(table.key)}) stand twice (first: {first}).",
            "Keep one row of each.",
        )


def _refuse_pairs(name: str, frame: pd.DataFrame) -> None:
    if "user_a" not in frame or name in DIRECTED:
        return
    wrong = frame[frame["user_a"] >= frame["user_b"]]
    if len(wrong):
        pair = wrong[["user_a", "user_b"]].iloc[0].tolist()
        raise SchemaError(
            f"table {name}", f"user_a must sort before user_b: {pair}.", "Order each pair once."
        )
