"""Groups against labels: whom they hold together, and whom they absorb."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class GroupMetrics:
    """How groups agree with labels; null where there is nothing to divide by.

    Attributes
    ----------
    pair_precision
        Of the pairs that share a group, the share that has one operator.
    pair_recall
        Of the pairs that have one operator, the share that shares a group.
    b3_precision, b3_recall
        Mean over the accounts of persons with several accounts of the share of the account's group
        that is its person's, and of its person's accounts that are in its group; the account itself
        counts on both sides (Bagga & Baldwin 1998, LREC workshop).
    innocents_absorbed
        Of the persons with one account, the share whose account is in a group with an account of
        somebody else.
    """

    pair_precision: float | None
    pair_recall: float | None
    b3_precision: float | None
    b3_recall: float | None
    innocents_absorbed: float | None


def group_metrics(person: np.ndarray, group: np.ndarray) -> GroupMetrics:
    """Judge groups of accounts.

    Parameters
    ----------
    person, group : ndarray of int, shape (n,)
        Each account's person and group; an account that no group holds is a group of its own.
    """
    accounts = pd.DataFrame({"person": person, "group": group})
    size = accounts.groupby("group")["person"].transform("size").to_numpy()
    owned = accounts.groupby("person")["group"].transform("size").to_numpy()
    shared = accounts.groupby(["person", "group"])["group"].transform("size").to_numpy()
    several, alone = owned > 1, owned == 1
    together = (shared - 1).sum()
    return GroupMetrics(
        pair_precision=ratio(together, (size - 1).sum()),
        pair_recall=ratio(together, (owned - 1).sum()),
        b3_precision=ratio((shared / size)[several].sum(), int(several.sum())),
        b3_recall=ratio((shared / owned)[several].sum(), int(several.sum())),
        innocents_absorbed=ratio((alone & (size > 1)).sum(), alone.sum()),
    )


def ratio(part: float, whole: float) -> float | None:
    """Return part / whole, or null where there is no whole."""
    return float(part / whole) if whole else None
