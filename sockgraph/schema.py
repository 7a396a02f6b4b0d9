"""The tables' contracts. Every table that crosses a module goes through `validate`.

A table's columns are declared once, in `TABLES`; the pandera schema that checks it and the Arrow
schema that it is written with both follow from there. Missing is never zero: a column marked
nullable keeps null apart from 0, False and "".
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

    import pandera.pandas as pa_pd
    from pandera.errors import SchemaErrors

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
DIRECTIONS = ("for", "against", "neither")
TRUTHS = ("different", "successive", "parallel", "labelled")
HIDDEN = ("comment", "text", "user", "suppressed")
UNDOING = frozenset({"mw-undo", "mw-rollback", "mw-manual-revert"})
"""Tags that MediaWiki (1.36 and later) gives by itself to what brings back an earlier version."""
BANDS = (
    "strongly for",
    "moderately strongly for",
    "moderately for",
    "weakly for",
    "does not separate",
    "weakly against",
    "moderately against",
    "moderately strongly against",
    "strongly against",
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

    def check(self) -> pa_pd.Column:
        """Return the pandera column that enforces this one."""
        import pandera.pandas as pa_pd  # and with it pyspark, where installed

        checks = [pa_pd.Check.isin(self.among)] if self.among and self.kind != "list" else []
        if self.kind == "list":
            checks = [pa_pd.Check(self._are_lists, error="a list of strings")]
        dtype: Any = object if self.kind == "list" else self.kind
        return pa_pd.Column(
            dtype, checks=checks, nullable=self.nullable, coerce=self.kind != "list"
        )

    def keeps(self, values: pd.Series) -> bool:
        """Say whether values of this type are allowed ones."""
        if self.kind == "list":
            return bool((self._are_lists(values) | (values.isna() & self.nullable)).all())
        null = values.isna()
        if null.any() and not self.nullable:
            return False
        return not self.among or bool((values.isin(self.among) | null).all())

    def _are_lists(self, values: pd.Series) -> pd.Series:
        """Say which values are lists of strings; most are empty, and are not looked into."""
        right = (isinstance(v, list) and (not v or self._holds(v)) for v in values)
        return pd.Series(np.fromiter(right, bool, len(values)), index=values.index)

    def _holds(self, items: list[object]) -> bool:
        return all(isinstance(i, str) and (not self.among or i in self.among) for i in items)


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


_PAIR = {"user_a": _text(), "user_b": _text()}
_NULL_FLOAT = Column("float64", nullable=True)
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
            "wiki": _text(),
            "user": _text(),
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
            "type": _text(),
            "action": _text(),
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
            "wiki": _text(),
            "rev_id": Column("Int64"),
            "text": Column("string", nullable=True),
        },
    ),
    "discussion_edits": Table(
        ("wiki", "rev_id"),
        {
            "wiki": _text(),
            "rev_id": Column("Int64"),
            "title": _text(),
            "page_id": Column("Int64", nullable=True),
            "ns": Column("Int16", nullable=True),
            "user": Column("string", nullable=True),
            "timestamp": Column(_TIME),
            "comment": Column("string", nullable=True),
            "minor": Column("boolean", nullable=True),
            "parent_id": Column("Int64", nullable=True),
            "sha1": Column("string", nullable=True),
            "hidden": Column("list", among=HIDDEN),
        },
    ),
    "evidence": Table(
        ("user_a", "user_b", "signal"),
        {
            **_PAIR,
            "signal": _text(),
            "family": _text(),
            "score": _NULL_FLOAT,
            "log10_lr": _NULL_FLOAT,
            "contribution": _NULL_FLOAT,
            "support": _COUNT,
            "status": _text(*STATUSES),
            "rev_ids": Column("list"),
        },
    ),
    "links": Table(
        ("user_a", "user_b"),
        {
            **_PAIR,
            "score": _NULL_FLOAT,
            "standing": _NULL_FLOAT,
            "log10_lr": _NULL_FLOAT,
            "log10_lr_low": _NULL_FLOAT,
            "log10_lr_high": _NULL_FLOAT,
            "log10_lr_naive": _NULL_FLOAT,
            "bound_low": _NULL_FLOAT,
            "bound_high": _NULL_FLOAT,
            "direction": _text(*DIRECTIONS),
            "n_for": _COUNT,
            "n_against": _COUNT,
            "n_insufficient": _COUNT,
            "families_for": Column("list"),
            "alibi": Column("boolean"),
            "imitation": Column("boolean"),
            "outside": _NULL_FLOAT,
            "band": _text(*BANDS),
            "eligible": Column("boolean"),
            "flagged": Column("boolean"),
            "reasons": Column("list"),
            "state": _text(*STATES),
        },
    ),
    "clusters": Table(
        ("user",),
        {
            "user": _text(),
            "cluster_id": Column("Int32", nullable=True),
            "membership": _NULL_FLOAT,
            "weakest_link": _NULL_FLOAT,
            "status": _text("stable", "unresolved"),
        },
    ),
    "omissions": Table(
        ("subject", "omitted"),
        {
            "subject": _text(),
            "omitted": _text(),
            "log10_lr": _NULL_FLOAT,
            "log10_lr_low": _NULL_FLOAT,
            "eligible": Column("boolean", nullable=True),
            "co_membership": _NULL_FLOAT,
        },
    ),
    "alibis": Table(
        ("user_a", "user_b", "start"),
        {
            **_PAIR,
            "start": Column(_TIME),
            "end": Column(_TIME),
            "n_edits": _COUNT,
            "expected": _NULL_FLOAT,
            "excluded": Column("string", nullable=True),
        },
    ),
    "votes": Table(
        ("wiki", "page", "user", "rev_id"),
        {
            "wiki": _text(),
            "page": _text(),
            "user": _text(),
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
            "score": _NULL_FLOAT,
            "log10_lr": _NULL_FLOAT,
            "log10_lr_low": _NULL_FLOAT,
            "log10_lr_high": _NULL_FLOAT,
            "bound_low": _NULL_FLOAT,
            "bound_high": _NULL_FLOAT,
            "n_for": _COUNT,
            "n_against": _COUNT,
            "n_insufficient": _COUNT,
            "band": _text(*BANDS),
        },
    ),
    "held_out": Table(
        ("truth", "a", "b", "cut"),
        {
            "truth": _text(*TRUTHS),
            "a": _COUNT,
            "b": _COUNT,
            "cut": _COUNT,
            "score": _NULL_FLOAT,
            "standing": _NULL_FLOAT,
            "log10_lr": _NULL_FLOAT,
            "shared_pages": Column("Int32", nullable=True),
            "same_pages": Column("boolean", nullable=True),
            "same_hours": Column("boolean", nullable=True),
            "same_tools": Column("boolean", nullable=True),
            "newcomers": Column("boolean", nullable=True),
            "worthy": Column("boolean", nullable=True),
            "flagged": Column("boolean", nullable=True),
        },
    ),
    "reference": Table(
        ("signal", "stratum", "quantile"),
        {
            "signal": _text(),
            "stratum": _text(),
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


@cache
def _pandera(name: str) -> pa_pd.DataFrameSchema:
    import pandera.pandas as pa_pd  # takes a second; see `_kept`

    table = TABLES[name]
    return pa_pd.DataFrameSchema(
        {column: spec.check() for column, spec in table.columns.items()},
        strict=True,
        ordered=True,
        name=name,
    )


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
    table, given = TABLES[name], _columns(name, frame)
    whole = _kept(table, given)
    if whole is None:
        whole = _corrected(name, given)
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
    try:
        return _typed(TABLES[name], _columns(name, frame))
    except (TypeError, ValueError) as error:
        raise SchemaError(f"table {name}", f"{error}.", "Run the case again.") from error


def _typed(table: Table, whole: pd.DataFrame) -> pd.DataFrame:
    text = pd.StringDtype(na_value=np.nan)  # as pandera has it
    columns = table.columns.items()
    kinds = {c: text if s.kind == "string" else s.kind for c, s in columns if s.kind != "list"}
    return whole.astype(kinds)


def _kept(table: Table, given: pd.DataFrame) -> pd.DataFrame | None:
    """Return the columns in their types; None if pandas alone cannot, or a value is not allowed.

    What keeps its contract, as nearly every table does, needs none of pandera: its import and its
    checks were a tenth of a run.
    """
    times = (given[name] for name, column in table.columns.items() if column.kind == _TIME)
    if not all(isinstance(t.dtype, pd.DatetimeTZDtype) or t.isna().all() for t in times):
        return None  # numbers would be taken for times
    try:
        whole = _typed(table, given)
    except (TypeError, ValueError, OverflowError):
        return None
    kept = all(column.keeps(whole[name]) for name, column in table.columns.items())
    return whole if kept else None


def _corrected(name: str, given: pd.DataFrame) -> pd.DataFrame:
    """Let pandera bring the columns to their types, or list every fault."""
    from pandera.errors import SchemaErrors  # takes a second; see `_kept`

    try:
        return _pandera(name).validate(given, lazy=True, inplace=True)
    except SchemaErrors as error:
        raise SchemaError(f"table {name}", _faults(error), "Correct the rows named.") from error


def _columns(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the contract's columns in their order, lists as lists."""
    columns = TABLES[name].columns
    _refuse_columns(name, TABLES[name], list(frame.columns))
    whole = frame.reindex(columns=list(columns))
    lists = {c: s for c, s in columns.items() if s.kind == "list"}
    return whole.assign(**{c: _lists(whole[c], s) for c, s in lists.items()})


def _refuse_columns(name: str, table: Table, given: Sequence[str]) -> None:
    needed = {c for c, s in table.columns.items() if not s.nullable and s.kind != "list"}
    missing = sorted(needed - set(given))
    unknown = sorted(set(given) - set(table.columns))
    if missing or unknown:
        said = [f"columns missing: {', '.join(missing)}."] if missing else []
        said += [f"columns unknown: {', '.join(unknown)}."] if unknown else []
        raise SchemaError(f"table {name}", " ".join(said), "Give exactly the contract's columns.")


def _lists(values: pd.Series, column: Column) -> pd.Series:
    """Turn arrays, as Parquet gives them, into lists; null stays null where allowed, else []."""
    if values.dtype == object and all(isinstance(v, list) for v in values):
        return values
    null = values.isna().to_numpy(dtype=bool)
    cells = values.to_numpy(dtype=object)
    lists = np.full(len(values), None, dtype=object)  # of most pairs of a large case: they stay so
    lists[~null] = np.fromiter(map(_as_list, cells[~null]), object)
    for i in () if column.nullable else np.flatnonzero(null):
        lists[i] = []
    return pd.Series(lists, index=values.index, dtype=object)


def _as_list(cell: Any) -> list[Any]:
    return cell.tolist() if isinstance(cell, np.ndarray) else list(cell)


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


def _faults(error: SchemaErrors) -> str:
    cases = error.failure_cases.drop_duplicates(["column", "check"]).head(10)
    said = [
        f"{row.column if isinstance(row.column, str) else 'key'}: {row.check} fails"
        f" (first: {row.failure_case!r})."
        for row in cases.itertuples()
    ]
    return " ".join(said)
