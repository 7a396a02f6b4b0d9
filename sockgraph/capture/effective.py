"""Effective numbers: how many equal hands would be as concentrated as these are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import gammaln
from scipy.stats import t

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

LEVEL = 0.95


@dataclass(frozen=True)
class Effective:
    """How many hands share the events of a period.

    Attributes
    ----------
    events, hands, days
        Events, those who made them, and days on which there were any.
    effective
        Hill number of order 2, 1 / sum p^2, estimated without the bias of few events; null where no
        hand made two events.
    low, high
        Its 95 % interval.
    expected
        Hands to expect among `draw` events drawn at random; null where there are fewer.
    coverage
        Share of all events to come that the hands seen here would make (Good and Turing).
    largest
        Share of the busiest hand.
    """

    events: int
    hands: int
    days: int
    effective: float
    low: float
    high: float
    expected: float
    coverage: float
    largest: float


def effective_number(hand: Ints, day: Ints, *, draw: int = 100) -> Effective:
    """Measure how concentrated events are.

    The effective number is N (N - 1) / sum n (n - 1), the inverse of the unbiased estimate of
    Simpson's concentration (Simpson 1949, Nature 163:688; Hill 1973, Ecology 54:427): the inverse
    probability that two events are by one hand. It does not grow with the number of events, so that
    quiet and busy periods compare. Its interval is a jackknife over days on the log scale, with
    Student's t: what one hand does on a day hangs together. `expected` is rarefaction (Hurlbert
    1971, Ecology 52:577), `coverage` after Chao & Jost (2012, Ecology 93:2533).

    Parameters
    ----------
    hand, day : ndarray of int, shape (n,)
        Who made each event, and on which day.
    draw
        Events that hands are expected among.

    Raises
    ------
    ValueError
        If there is no event.
    """
    if not len(hand):
        msg = "no events"
        raise ValueError(msg)
    table = pd.crosstab(hand, day).to_numpy(np.int64)
    counts = table.sum(axis=1)
    low, high = _interval(table)
    n = int(counts.sum())
    return Effective(
        events=n,
        hands=len(counts),
        days=table.shape[1],
        effective=float(_inverse(counts[:, None])[0]),
        low=low,
        high=high,
        expected=_rarefied(counts, draw),
        coverage=_coverage(counts),
        largest=float(counts.max() / n),
    )


def _inverse(counts: Ints) -> NDArray[np.float64]:
    """Return the effective number of each column of counts; NaN where no hand made two."""
    n = counts.sum(axis=0).astype(np.float64)
    alike = (counts * (counts - 1.0)).sum(axis=0)
    inverse: NDArray[np.float64] = np.full(len(n), np.nan)
    np.divide(n * (n - 1), alike, out=inverse, where=alike > 0)
    return inverse


def _interval(table: Ints) -> tuple[float, float]:
    """Return the jackknife interval over the days of a table, hands by days."""
    days = table.shape[1]
    counts = table.sum(axis=1)
    without = np.log(_inverse(counts[:, None] - table))
    whole = np.log(_inverse(counts[:, None]))[0]
    if days < 2 or not np.isfinite(without).all() or not math.isfinite(whole):
        return math.nan, math.nan
    spread = math.sqrt((days - 1) / days * float(((without - without.mean()) ** 2).sum()))
    reach = float(t.ppf((1 + LEVEL) / 2, days - 1)) * spread
    return max(1.0, math.exp(whole - reach)), math.exp(whole + reach)


def _rarefied(counts: Ints, draw: int) -> float:
    """Return the hands to expect among `draw` of the events, drawn without replacement."""
    n = int(counts.sum())
    if n < draw:
        return math.nan
    rest = n - counts
    possible = rest >= draw
    log_none = (
        gammaln(rest[possible] + 1)
        - gammaln(rest[possible] - draw + 1)
        - gammaln(n + 1)
        + gammaln(n - draw + 1)
    )
    return float(len(counts) - np.exp(log_none).sum())


def _coverage(counts: Ints) -> float:
    n, once, twice = int(counts.sum()), int((counts == 1).sum()), int((counts == 2).sum())
    if once == 0:
        return 1.0
    if n == once:
        return 0.0
    factor = (n - 1) * once / ((n - 1) * once + 2 * twice) if twice else (n - 1) / n
    return 1 - once / n * factor
