"""How far one set of pairs comes apart, and whether its LRs mean what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sockgraph.evaluate.calibration import calibrated_loss, cllr, cllr_min
from sockgraph.evaluate.ranking import average_precision, recall_at_fpr, roc_auc
from sockgraph.evaluate.tally import tally

if TYPE_CHECKING:
    from sockgraph.evaluate.tally import Tally

RUNS = 40
STEPS = 240


@dataclass(frozen=True)
class Separation:
    """Pairs of one operator against pairs of different ones.

    Attributes
    ----------
    name
        Which pairs of one operator.
    n_same, n_different
        Pairs of each kind.
    auc, average_precision, recall_at_fpr_1e3
        Of the ranking by `score`; the recall lets `allowed` different pairs through.
    cllr, cllr_min
        Of `log10_lr`, in bits; null where nothing is calibrated.
    calibrated_loss
        The calibration loss that perfectly calibrated LRs of this separation and size show.
    """

    name: str
    n_same: int
    n_different: int
    auc: float
    average_precision: float
    recall_at_fpr_1e3: float
    cllr: float | None
    cllr_min: float | None
    calibrated_loss: float | None

    @property
    def allowed(self) -> int:
        """How many different pairs a false-link rate of one in 1,000 lets through."""
        return self.n_different // 1000

    @property
    def loss(self) -> float | None:
        """Calibration loss, Cllr − Cllr_min."""
        return None if self.cllr is None or self.cllr_min is None else self.cllr - self.cllr_min


def separation(name: str, pairs: pd.DataFrame, *, calibrated: bool = True) -> Separation:
    """Measure one set of pairs.

    Parameters
    ----------
    name
        What the pairs of one operator are called.
    pairs
        `same` (bool), `score`, `log10_lr`; a null score ranks last, a null LR counts as 1.
    calibrated
        Whether there are LRs at all.
    """
    ranking = tally(pairs["score"], pairs["same"])
    ratios = ratios_of(pairs)
    return Separation(
        name=name,
        n_same=ranking.n_same,
        n_different=ranking.n_different,
        auc=roc_auc(ranking),
        average_precision=average_precision(ranking),
        recall_at_fpr_1e3=recall_at_fpr(ranking),
        cllr=cllr(ratios) if calibrated else None,
        cllr_min=cllr_min(ratios) if calibrated else None,
        calibrated_loss=calibrated_loss(ratios, runs=RUNS) if calibrated else None,
    )


def ratios_of(pairs: pd.DataFrame) -> Tally:
    """Count pairs by `log10_lr`, a null as 0."""
    return tally(pairs["log10_lr"], pairs["same"], null=0.0)


def tippett_grid(counts: Tally, steps: int = STEPS) -> pd.DataFrame:
    """Return the Tippett curves at evenly spaced log10 LRs, for drawing.

    Returns
    -------
    DataFrame
        `log10_lr` rising from the least to the greatest that occurs, and the shares `same` and
        `different` at or above it.
    """
    at = np.linspace(counts.levels[-1], counts.levels[0], steps + 1)
    reached = np.searchsorted(-counts.levels, -at + 1e-9, side="right")
    shares = {
        name: np.concatenate([[0.0], np.cumsum(found) / found.sum()])[reached]
        for name, found in (("same", counts.same), ("different", counts.different))
    }
    return pd.DataFrame({"log10_lr": at, **shares})
