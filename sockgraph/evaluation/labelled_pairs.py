"""Labelled pairs, and which are hard: alike in pages, hours or tools, or new together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from sockgraph.errors import EvaluationError
from sockgraph.evaluation.metrics import ScoreCounts, count_by_score
from sockgraph.evaluation.reading import read_labels, read_links
from sockgraph.evidence.false_links import ALIKE, EVENT_DAYS, STRATA
from sockgraph.evidence.holdout import COLUMNS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.evaluation.reading import TableLike


PAIR = ["user_a", "user_b"]


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
    """Lay links beside labels.

    Parameters
    ----------
    links
        At least `user_a, user_b, score, log10_lr, flagged`, one row a pair, in any order.
    labels
        `user, person`; a null person is a person of their own.
    allow_missing
        Let pairs of labelled accounts be missing: they rank last, with a log10 LR of 0.
    compared_only
        Leave out, and count, labelled accounts that no link names.

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
