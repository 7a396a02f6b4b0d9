"""The tables that an evaluation takes, from Parquet or CSV, each fault told at once."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

from sockgraph.errors import EvaluationError
from sockgraph.names import from_cell

TableLike: TypeAlias = pd.DataFrame | Path | str
LINK_COLUMNS = ("user_a", "user_b", "score", "log10_lr", "flagged")
LABEL_COLUMNS = ("user", "person")
CLUSTER_COLUMNS = ("user", "cluster_id")
TRUTH = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False, "": False}


def _read(table: TableLike, name: str) -> tuple[pd.DataFrame, str]:
    """Return the table and its name in errors; a file's is its path."""
    if isinstance(table, pd.DataFrame):
        return table, name
    return _read_file(table), str(table)


def _read_file(path: str | Path) -> pd.DataFrame:
    try:
        if Path(path).suffix.lower() == ".csv":
            return _read_csv(path)
        return pd.read_parquet(path)
    except FileNotFoundError as error:
        raise EvaluationError(path, "there is no such file.", "Check the path.") from error
    except (pa.ArrowException, OSError, ValueError, csv.Error) as error:
        raise EvaluationError(
            path, f"it cannot be read ({error}).", "Give a whole Parquet file, or a .csv in UTF-8."
        ) from error


def _read_csv(path: str | Path) -> pd.DataFrame:
    """Read every field as text: an account may be called `null` or `007`."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    return table.map(from_cell)


def read_links(table: TableLike) -> pd.DataFrame:
    """Return links with typed columns, `user_a` before `user_b`.

    Parameters
    ----------
    table
        `user_a, user_b, score, log10_lr, flagged`, and what else it holds; or its path: Parquet, or
        CSV with a header line (by its ending, `.csv`), in which an empty field is null.

    Raises
    ------
    EvaluationError
        If the file cannot be read, a column is missing, a value is not a number, a pair is of one
        account or stands twice (in either order).
    """
    links, name = _read(table, "LINKS")
    _refuse_missing(links, LINK_COLUMNS, name)
    first, second = _names(links["user_a"], name), _names(links["user_b"], name)
    swap = first > second
    typed = links.assign(
        user_a=first.where(~swap, second),
        user_b=second.where(~swap, first),
        score=_numbers(links["score"], name),
        log10_lr=_numbers(links["log10_lr"], name),
        flagged=_truths(links["flagged"], name),
    )
    _refuse_pairs(typed, name)
    return typed


def _refuse_pairs(links: pd.DataFrame, name: str) -> None:
    own = links["user_a"] == links["user_b"]
    if own.any():
        user = links["user_a"][own].iloc[0]
        raise EvaluationError(name, f"{user!r} is paired with itself.", "Remove that row.")
    twice = links.duplicated(["user_a", "user_b"])
    if twice.any():
        a, b = links[["user_a", "user_b"]][twice].iloc[0]
        raise EvaluationError(
            name, f"{twice.sum()} pairs stand twice, {a!r} and {b!r} first.", "Give each pair once."
        )


def read_labels(table: TableLike) -> pd.DataFrame:
    """Return labels, `user, person`, as text; a null person is a person of their own.

    Raises
    ------
    EvaluationError
        If the file cannot be read, a column is missing, there is no row, a name is null or twice.
    """
    labels, name = _read(table, "LABELS")
    _refuse_missing(labels, LABEL_COLUMNS, name)
    if labels.empty:
        raise EvaluationError(name, "it names no account.", "Give one row an account.")
    users = _once(_names(labels["user"], name), name)
    person = labels["person"].astype("string")
    return pd.DataFrame({"user": users, "person": person.mask(person == "")})


def read_clusters(table: TableLike) -> pd.DataFrame:
    """Return `user, cluster_id` as text, null where no group holds the account; `status` if there.

    Raises
    ------
    EvaluationError
        If the file cannot be read, a column is missing, a name is null or stands twice.
    """
    clusters, name = _read(table, "CLUSTERS")
    _refuse_missing(clusters, CLUSTER_COLUMNS, name)
    users = _once(_names(clusters["user"], name), name)
    group = clusters["cluster_id"].astype("string")
    told = pd.DataFrame({"user": users, "cluster_id": group.mask(group == "")})
    return told.assign(status=clusters["status"]) if "status" in clusters else told


def _refuse_missing(frame: pd.DataFrame, needed: tuple[str, ...], name: str) -> None:
    missing = [column for column in needed if column not in frame]
    if missing:
        there = ", ".join(map(str, frame.columns)) or "none"
        raise EvaluationError(
            name,
            f"columns missing: {', '.join(missing)} (there are: {there}).",
            f"It needs {', '.join(needed)}; a column of nulls says that nothing is known.",
        )


def _names(column: pd.Series, name: str) -> pd.Series:
    names = column.astype("string")
    if names.isna().any() or (names == "").any():
        row = int(np.flatnonzero(names.isna() | (names == ""))[0])
        raise EvaluationError(
            name, f"{column.name} is empty in row {row}.", "Give every row its account names."
        )
    return names


def _once(users: pd.Series, name: str) -> pd.Series:
    twice = users[users.duplicated()]
    if len(twice):
        raise EvaluationError(
            name, f"accounts stand twice: {', '.join(twice.head(5))}.", "Give each account once."
        )
    return users


def _numbers(column: pd.Series, name: str) -> pd.Series:
    """Return floats, NaN where null; text that is no number and infinity are refused."""
    null = column.isna()
    if not pd.api.types.is_numeric_dtype(column):
        text = column.astype("string").str.strip().str.lower()
        null |= text.isin(["", "nan"]).to_numpy()
    numbers = pd.to_numeric(column.mask(null), errors="coerce").astype("float64")
    wrong = (numbers.isna() & ~null) | np.isinf(numbers)
    if wrong.any():
        raise EvaluationError(
            name,
            f"{column.name} is '{column[wrong].iloc[0]}' in row {int(np.flatnonzero(wrong)[0])}.",
            "Give a finite number, or null where there is none.",
        )
    return numbers


def _truths(column: pd.Series, name: str) -> pd.Series:
    """Return booleans; null counts as not flagged."""
    if pd.api.types.is_bool_dtype(column):
        return column.fillna(value=False).astype(bool)
    text = column.astype("string").fillna("").str.strip().str.lower()
    wrong = ~text.isin(list(TRUTH))
    if wrong.any():
        raise EvaluationError(
            name, f"{column.name} is {column[wrong].iloc[0]!r}.", "Give true, false or nothing."
        )
    return text.map(TRUTH).astype(bool)
