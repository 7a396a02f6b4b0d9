"""Groups as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray


def ranked(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return groups numbered from 1, the largest first, then by first account; 0 for the alone."""
    size = np.bincount(group, minlength=len(group))
    names = np.flatnonzero(size > 1)
    order = names[np.lexsort((names, -size[names]))]
    number = np.zeros(len(group), np.int64)
    number[order] = np.arange(1, len(order) + 1)
    return number[group]


def cluster_frame(users: pd.Index, group: NDArray[np.int64]) -> pd.DataFrame:
    """Return `user, cluster_id`, null where an account is alone."""
    number = pd.Series(ranked(group), dtype="Int32")
    return pd.DataFrame({"user": users, "cluster_id": number.mask(number == 0)})
