"""What groups lean on: each account, signal, family and week left out in turn."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sockgraph.schema import subject_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from sockgraph.clustering.linkage import PairEvidence

KINDS = ("account", "signal", "family", "week")


@dataclass(frozen=True)
class LeaveOneOut:
    """The groups with one thing left out.

    Attributes
    ----------
    omitted
        `account:NAME`, `signal:NAME`, `family:NAME`, `week:2024-W05`, or another such label.
    group : ndarray of int, shape (n,)
        Each account's group; -1 for the account left out.
    touched : ndarray of bool, shape (n,)
        Accounts whose evidence was weighed again, or whose group lost the account left out.
    """

    omitted: str
    group: NDArray[np.int64]
    touched: NDArray[np.bool_]


def leave_one_out(
    known: PairEvidence,
    omissions: pd.DataFrame,
    regroup: Callable[[PairEvidence], NDArray[np.int64]],
    parts: Sequence[NDArray[np.int64]],
) -> Iterator[LeaveOneOut]:
    """Yield the groups again with each thing left out.

    Accounts that no group holds are not left out: nothing leans on them. A signal, family or week
    is left out of every pair at once, by the log10 LRs that the evidence gives without it; a pair
    that it says nothing of keeps its own.

    Parameters
    ----------
    known
        What the groups were made from.
    omissions
        The `omissions` table of the evidence: pairs, and their log10 LR without something.
    regroup
        How the groups are made: from evidence to each account's group.
    parts
        Accounts, by their places, that no evidence on others could move.
    """
    group = regroup(known)
    again = _weighed_again(known, omissions)
    for omitted, rows in again.groupby("omitted"):
        a, b = rows["a"].to_numpy(), rows["b"].to_numpy()
        without = known.with_pairs(a, b, rows["log10_lr"].to_numpy(np.float64, na_value=np.nan))
        touched = np.isin(np.arange(len(group)), [a, b])
        yield LeaveOneOut(str(omitted), regroup(without), touched)
    size = np.bincount(group, minlength=len(group))
    for part in parts:
        here = known.of(part)
        for at in np.flatnonzero(size[group[part]] > 1).tolist():
            whole = group.copy()
            whole[part] = part[regroup(here.without(at))]
            whole[part[at]] = -1
            yield LeaveOneOut(f"account:{here.users[at]}", whole, group == group[part[at]])


def _weighed_again(known: PairEvidence, omissions: pd.DataFrame) -> pd.DataFrame:
    """Return `omitted, a, b, log10_lr` for the pairs among these accounts."""
    subjects = [json.loads(subject) for subject in omissions["subject"]]
    pairs = np.array([len(users) == 2 for users in subjects], dtype=bool)
    named = [user for users in subjects if len(users) == 2 for user in users]
    at = known.users.get_indexer(pd.Index(named)).reshape(-1, 2)
    table = omissions.loc[pairs, ["omitted", "log10_lr"]].assign(a=at[:, 0], b=at[:, 1])
    ours = table["omitted"].str.startswith("account:").to_numpy(bool)
    return table[(at >= 0).all(axis=1) & ~ours]


@dataclass(frozen=True)
class Stability:
    """How the groups fare over all runs.

    Attributes
    ----------
    omissions
        `subject, omitted, co_membership`: for each group the share of its pairs that stay together;
        where it is below 1, for each pair also whether it does (1 or 0).
    membership : ndarray of float, shape (n,)
        Mean share of an account's group that it stays with, each kind of omission weighing the
        same, since a hundred weeks must not outvote the one signal that a group leans on; for an
        account alone, how often it stays so. NaN where nothing could be left out.
    """

    omissions: pd.DataFrame
    membership: NDArray[np.float64]


def stability(
    known: PairEvidence, group: NDArray[np.int64], repeated: Iterator[LeaveOneOut]
) -> Stability:
    """Compare every run with the groups."""
    rows: list[tuple[str, str, float]] = []
    shares = [pd.DataFrame({"account": [], "kind": [], "share": []})]
    for run in repeated:
        fate = _fate(group, run)
        kind = run.omitted.partition(":")[0]
        if kind in KINDS:
            shares.append(fate[["account", "share"]].assign(kind=kind))
        for _, members in fate[fate["whole"] > 1].groupby("group"):
            rows += _rows(known, run, members)
    table = pd.DataFrame(rows, columns=["subject", "omitted", "co_membership"])
    by_kind = pd.concat(shares).groupby(["account", "kind"])["share"].mean()
    membership = by_kind.groupby("account").mean().reindex(range(len(group)))
    return Stability(table, membership.to_numpy(np.float64))


def _fate(group: NDArray[np.int64], run: LeaveOneOut) -> pd.DataFrame:
    """Return what became of each account in a run that concerns its group.

    Returns
    -------
    DataFrame
        `account, group, now` (its group in the run), `whole` (accounts of its group with nothing
        left out), `share` (of the others of its group, those it is with; for an account alone, 1
        if it still is). Accounts with nobody left to be with are not in it.
    """
    n = len(group)
    whole = np.bincount(group, minlength=n)[group]
    concerned = np.bincount(group, run.touched, minlength=n)[group] > 0
    here = np.flatnonzero(concerned & (run.group >= 0))
    mine, now = group[here], run.group[here]
    size = np.bincount(mine, minlength=n)[mine]
    cell, counts = np.unique(mine * n + now, return_inverse=True, return_counts=True)[1:]
    joined = np.bincount(run.group[run.group >= 0], minlength=n)[now]
    with_them = (counts[cell] - 1) / np.maximum(size - 1, 1)
    share = np.where(whole[here] == 1, joined == 1, with_them)
    fate = {"account": here, "group": mine, "now": now, "whole": whole[here], "share": share}
    kept = np.flatnonzero((size > 1) | (whole[here] == 1))
    return pd.DataFrame(fate).take(kept)


def _rows(
    known: PairEvidence, run: LeaveOneOut, members: pd.DataFrame
) -> list[tuple[str, str, float]]:
    """Return the group's share of pairs that stay together, and each pair's fate if not all do."""
    users = known.users[members["account"]].tolist()
    share = float(members["share"].mean())
    rows = [(subject_of(*users), run.omitted, share)]
    if share < 1 and len(users) > 2:
        pairs = combinations(zip(users, members["now"].tolist(), strict=True), 2)
        rows += [(subject_of(a, b), run.omitted, float(x == y)) for (a, x), (b, y) in pairs]
    return rows
