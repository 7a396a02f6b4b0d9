"""What the evidence stage takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sockgraph.schema import empty

if TYPE_CHECKING:
    import pandas as pd

MIN_REFERENCE = 30
"""Reference accounts with enough edits below which nothing is calibrated."""
MIN_SPLITS = 20
"""Reference accounts that can be cut in two below which nothing is calibrated."""


@dataclass(frozen=True)
class EvidenceSettings:
    """How evidence is weighed.

    Attributes
    ----------
    flag_log10_lr
        What the interval's low end must reach before a link may be flagged.
    family_log10_lr
        What a family must add to the score to count as one of the two that a flag asks for.
    min_edits
        Distinct edit times that an account needs; with fewer, its pairs are `insufficient`.
    seed
        Decides cuts, folds and resamples.
    resamples
        Bootstrap resamples of the reference accounts behind each interval.
    """

    flag_log10_lr: float = 1.5
    family_log10_lr: float = 0.0
    min_edits: int = 10
    seed: int = 20210913
    resamples: int = 60


@dataclass(frozen=True)
class Comparison:
    """The evidence on every pair of nominated accounts.

    Attributes
    ----------
    evidence, links, alibis, reference, omissions
        Contract tables (`sockgraph.schema`). In `links` nothing is flagged yet: `eligible` and
        `reasons` say what a flag asks of a link by itself; `flag` adds what groups say.
    calibration
        What the numbers rest on: reference, splits, bounds, weights, baseline, false-link rates; or
        why nothing could be calibrated.
    declared
        Groups of accounts that are declared to be one operator's.
    held_out
        The reference as models judge it that did not see it; see `sockgraph.evidence.holdout`.
    """

    evidence: pd.DataFrame
    links: pd.DataFrame
    alibis: pd.DataFrame
    reference: pd.DataFrame
    omissions: pd.DataFrame
    calibration: dict[str, Any]
    declared: tuple[tuple[str, ...], ...] = ()
    held_out: pd.DataFrame = field(default_factory=lambda: empty("held_out"))
