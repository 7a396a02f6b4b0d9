"""Labels, links and groups as tables, and the labelled pairs: which are known, and which are hard.

Tables come from memory, Parquet or CSV, each fault told at once. Hard pairs are alike in pages,
hours or tools, or new together.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import sparse

from sockgraph.errors import EvaluationError
from sockgraph.evaluation.metrics import ScoreCounts, count_by_score
from sockgraph.evidence.reliability import ALIKE, COLUMNS, EVENT_DAYS, STRATA
from sockgraph.names import from_cell

if TYPE_CHECKING:
    from numpy.typing import NDArray

TableLike: TypeAlias = pd.DataFrame | Path | str
LINK_COLUMNS = ("user_a", "user_b", "score", "log10_lr", "flagged")
LABEL_COLUMNS = ("user", "person")
CLUSTER_COLUMNS = ("user", "cluster_id")
TRUTH = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False, "": False}
PAIR = ["user_a", "user_b"]


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
    _refuse_columns(links, LINK_COLUMNS, name)
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
    _refuse_columns(labels, LABEL_COLUMNS, name)
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
    _refuse_columns(clusters, CLUSTER_COLUMNS, name)
    users = _once(_names(clusters["user"], name), name)
    group = clusters["cluster_id"].astype("string")
    told = pd.DataFrame({"user": users, "cluster_id": group.mask(group == "")})
    return told.assign(status=clusters["status"]) if "status" in clusters else told


def _refuse_columns(frame: pd.DataFrame, needed: tuple[str, ...], name: str) -> None:
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


def labelled_pairs(
    judged: LabelledPairs, evidence: pd.DataFrame, edits: pd.DataFrame
) -> pd.DataFrame:
    """Lay out the pairs of labelled accounts as the reference's held-out pairs are.

    Parameters
    ----------
    judged
        Links beside labels.
    evidence, edits
        The case's tables.

    Returns
    -------
    DataFrame
        The links' columns, `same`, `shared_pages`, and a boolean column a stratum.
    """
    pairs = judged.links.reset_index(drop=True).assign(same=judged.same)
    users = pd.Index(judged.users)
    own = edits[edits["user"].isin(users)]
    a, b = users.get_indexer(pairs["user_a"]), users.get_indexer(pairs["user_b"])
    shared = _shared(own, users)[a, b]
    first = own.groupby("user")["timestamp"].min().reindex(users)
    begun = first.to_numpy("datetime64[us]")
    days = np.abs(begun[a] - begun[b]) / np.timedelta64(1, "D")
    alike = {
        COLUMNS[stratum]: _alike(pairs, evidence[evidence["signal"] == signal])
        for stratum, signal in STRATA.items()
    }
    together = (days <= EVENT_DAYS) & (shared > 0)
    return pairs.assign(shared_pages=shared, newcomers=together, **alike)


def _shared(edits: pd.DataFrame, users: pd.Index) -> NDArray[np.int64]:
    """Return (users, users): pages that both edited."""
    page = edits["title"].fillna(edits["page_id"].astype("string"))
    codes, pages = pd.factorize(page)
    who = users.get_indexer(pd.Index(edits["user"]))
    known = (codes >= 0) & (who >= 0)
    ones = np.ones(int(known.sum()), dtype=np.int64)
    shape = (len(users), max(len(pages), 1))
    edited = sparse.csr_matrix((ones, (who[known], codes[known])), shape=shape)
    edited.data[:] = 1
    return np.asarray((edited @ edited.T).toarray())


def _alike(pairs: pd.DataFrame, said: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which different pairs are among the most alike, as among reference pairs."""
    keys = pd.MultiIndex.from_frame(pairs[PAIR].astype(str))
    given = said.assign(**{k: said[k].astype(str) for k in PAIR}).set_index(PAIR)["score"]
    value = given.reindex(keys).fillna(-np.inf).to_numpy(float)
    different = value[~pairs["same"].to_numpy(bool)]
    if not len(different):
        return np.zeros(len(pairs), dtype=bool)
    return np.asarray(value > np.quantile(different, 1 - ALIKE))


@dataclass(frozen=True)
class LabelledPairs:
    """The pairs of labelled accounts, and the truth about them.

    Attributes
    ----------
    table, links
        Every link given, and those whose accounts are both labelled.
    same : ndarray of bool, shape (len(links),)
        Whether the pair has one operator.
    users
        The labelled accounts.
    person : ndarray of int, shape (len(users),)
        Their persons, numbered.
    missing_same, missing_different
        Pairs of labelled accounts that have no row.
    n_unlabelled
        Accounts in the links that no label names; their pairs are left out.
    n_uncompared
        Labelled accounts left out because no link names them (`compared_only`).
    """

    table: pd.DataFrame
    links: pd.DataFrame
    same: NDArray[np.bool_]
    users: pd.Index
    person: NDArray[np.int64]
    missing_same: int
    missing_different: int
    n_unlabelled: int
    n_uncompared: int

    @property
    def ranking(self) -> ScoreCounts:
        """Pairs by `score`: a null ranks below every number, a missing pair below a null."""
        counts = count_by_score(self.links["score"], self.same)
        return counts.followed_by(self.missing_same, self.missing_different)

    @property
    def ratios(self) -> ScoreCounts:
        """Pairs by `log10_lr`, 0 where it is null or the pair is missing."""
        counts = count_by_score(self.links["log10_lr"], self.same, null=0.0)
        return counts.with_more(0.0, self.missing_same, self.missing_different)


def match_labels(
    links: TableLike,
    labels: TableLike,
    *,
    allow_missing: bool = False,
    compared_only: bool = False,
) -> LabelledPairs:
    """Lay links beside labels, as `sockgraph.evaluate` says it.

    Raises
    ------
    EvaluationError
        If a table is not as it should be; if pairs are missing and must not be; if no pair is of
        one operator, or none of two.
    """
    table, known = read_links(links), read_labels(labels)
    named = _accounts(table)
    judged = known[known["user"].isin(named)] if compared_only else known
    users, person = pd.Index(judged["user"]), _persons(judged["person"])
    a, b = users.get_indexer(table["user_a"]), users.get_indexer(table["user_b"])
    kept = (a >= 0) & (b >= 0)
    same = person[a[kept]] == person[b[kept]]
    n_same, n_different = _pairs(person)
    _refuse_one_sided(n_same, n_different)
    laid = LabelledPairs(
        table=table,
        links=table[kept],
        same=same,
        users=users,
        person=person,
        missing_same=n_same - int(same.sum()),
        missing_different=n_different - int((~same).sum()),
        n_unlabelled=int((~named.isin(users)).sum()),
        n_uncompared=len(known) - len(judged),
    )
    if not allow_missing:
        _refuse_missing(laid)
    return laid


def _accounts(links: pd.DataFrame) -> pd.Index:
    named: pd.Index = pd.Index(links["user_a"]).append(pd.Index(links["user_b"])).unique()
    return named


def _persons(person: pd.Series) -> NDArray[np.int64]:
    """Return each account's person as a number; each null is a person of their own."""
    codes, known = pd.factorize(person)
    unknown = codes < 0
    return np.where(unknown, len(known) + np.cumsum(unknown), codes).astype(np.int64)


def _pairs(person: NDArray[np.int64]) -> tuple[int, int]:
    owned = np.unique(person, return_counts=True)[1]
    n_same = int((owned * (owned - 1) // 2).sum())
    return n_same, len(person) * (len(person) - 1) // 2 - n_same


def _refuse_one_sided(n_same: int, n_different: int) -> None:
    if n_same and n_different:
        return
    kind = "one operator" if n_different or not n_same else "different operators"
    raise EvaluationError(
        f"{n_same} pairs of one operator and {n_different} of different operators",
        f"no pair of labelled accounts has {kind}, so nothing can be told apart.",
        "Label accounts of both kinds, spelt as in the links.",
    )


def _refuse_missing(laid: LabelledPairs) -> None:
    n_missing = laid.missing_same + laid.missing_different
    if not n_missing:
        return
    absent = laid.users[~laid.users.isin(_accounts(laid.links))]
    said = (
        f" {len(absent)} labelled accounts are in no pair, {absent[0]!r} first."
        if len(absent)
        else ""
    )
    raise EvaluationError(
        f"{n_missing} pairs of labelled accounts",
        f"they are missing from the links ({laid.missing_same} of one operator).{said}",
        "Leave labelled accounts out that were not compared (--compared-only), or rank missing"
        " pairs last (--allow-missing).",
    )
