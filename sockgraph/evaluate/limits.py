"""False links, stratum by stratum: how often different people get a misleading LR."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

RATIOS = (10, 100, 1000)
EXTREME = 0.001
"""The share of different pairs that may be one operator's, undetected: given with and without."""
ENOUGH = 3
"""Pairs for each 1/x: with fewer than 3x, no pair above x says little (the rule of three)."""
SHARED = 5
"""Pages in common from which on exculpation is asked for."""
STRATA = {
    "same_pages": "colleagues on the same pages",
    "same_hours": "same hours of the week",
    "same_tools": "same tools",
    "newcomers": "newcomers of one week on one page",
}


@dataclass(frozen=True)
class Limit:
    """How many pairs of different people have an LR above `ratio`.

    Attributes
    ----------
    ratio
        x; LRs that mean what they say exceed it in at most 1/x of the pairs.
    above, share
        Pairs above it, and what share they are; null where there is no pair.
    untested
        Why nothing can be said; null where it can.
    """

    ratio: int
    above: int
    share: float | None
    untested: str | None

    @property
    def kept(self) -> bool | None:
        """Whether the share is at most 1/x; None where that cannot be told."""
        return None if self.untested or self.share is None else self.share <= 1 / self.ratio


@dataclass(frozen=True)
class Stratum:
    """Different pairs of one kind, with and without the most extreme ones.

    Attributes
    ----------
    name
        Which kind.
    pairs, limits
        All of them.
    pairs_without, limits_without
        Less those beyond the most extreme of *all* different pairs.
    against
        Share with log10 LR below -1; null where there is no pair.
    """

    name: str
    pairs: int
    limits: tuple[Limit, ...]
    pairs_without: int
    limits_without: tuple[Limit, ...]
    against: float | None


@dataclass(frozen=True)
class Exculpation:
    """How often different people who share pages are told apart.

    Attributes
    ----------
    pairs
        Different pairs with at least `SHARED` pages in common and enough edits.
    cleared
        Share with log10 LR below -1; null where there is no pair.
    towards
        Share with log10 LR above 1: misled instead.
    """

    pairs: int
    cleared: float | None
    towards: float | None


def limits(log10_lr: NDArray[np.float64], highest: float) -> tuple[Limit, ...]:
    """Return how many pairs of different people exceed each of `RATIOS`.

    Parameters
    ----------
    log10_lr
        (pairs,) of different people.
    highest
        The bound on log10 LR: nothing beyond it can be tested.
    """
    n = len(log10_lr)
    return tuple(
        Limit(x, above, above / n if n else None, _untested(n, x, highest))
        for x in RATIOS
        for above in [int((log10_lr > np.log10(x)).sum())]
    )


def _untested(n: int, ratio: int, highest: float) -> str | None:
    if n < ENOUGH * ratio:
        return f"{n:,} of {ENOUGH * ratio:,} pairs needed"
    if highest <= np.log10(ratio):
        return "beyond the bound"
    return None


def false_link_strata(
    different: pd.DataFrame, highest: float, names: Mapping[str, str] = STRATA
) -> tuple[Stratum, ...]:
    """Return the false-link rates of all different pairs and of the hard ones.

    Parameters
    ----------
    different
        Pairs of different people: `score`, `log10_lr` (null: 0) and a boolean column a stratum.
    highest
        The bound on log10 LR.
    names
        From a stratum's column to what it is called.
    """
    lr = different["log10_lr"].fillna(0.0).to_numpy(float)
    score = different["score"].fillna(-np.inf).to_numpy(float)
    inner = score <= np.quantile(score, 1 - EXTREME) if len(score) else np.zeros(0, dtype=bool)
    masks = {"all different pairs": np.ones(len(lr), dtype=bool)}
    for column, name in names.items():
        if column in different and different[column].notna().any():
            masks[name] = different[column].fillna(value=False).to_numpy(bool)
    return tuple(_stratum(n, lr[m], lr[m & inner], highest) for n, m in masks.items())


def _stratum(
    name: str, lr: NDArray[np.float64], without: NDArray[np.float64], highest: float
) -> Stratum:
    against = float((lr < -1).mean()) if len(lr) else None
    return Stratum(
        name, len(lr), limits(lr, highest), len(without), limits(without, highest), against
    )


def exculpation(different: pd.DataFrame) -> Exculpation | None:
    """Return how often different people with pages in common are told apart.

    Parameters
    ----------
    different
        `log10_lr`, `score`, `shared_pages`; pairs without a score had too few edits.

    Returns
    -------
    Exculpation or None
        None where shared pages are not known.
    """
    if "shared_pages" not in different or different["shared_pages"].isna().all():
        return None
    shared = different["shared_pages"].fillna(0).to_numpy(float) >= SHARED
    lr = different["log10_lr"][shared & different["score"].notna().to_numpy()].to_numpy(float)
    if not len(lr):
        return Exculpation(0, None, None)
    return Exculpation(len(lr), float((lr < -1).mean()), float((lr > 1).mean()))
