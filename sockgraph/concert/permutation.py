"""What chance alone would bring, and the three hypotheses that are compared."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    from collections.abc import Mapping


STEPS = 5  # proposals an event and deal
CELLS = 4_000_000  # of one array, at most


@dataclass(frozen=True)
class SlotFit:
    """How well each event fits each slot.

    Attributes
    ----------
    log_fit : ndarray of float, shape (n, n_kinds)
        Of each event, the log of how well it fits a slot of each kind, up to a constant.
    kind : ndarray of int, shape (n,)
        The kind of each slot.
    """

    log_fit: NDArray[np.float64]
    kind: Ints

    def gain(self, a: Ints, there: Ints, b: Ints, here: Ints) -> NDArray[np.float64]:
        """Return by how much the log fit grows if a goes there and b comes here."""
        to, back = self.kind[there], self.kind[here]
        fit = self.log_fit
        gain: NDArray[np.float64] = fit[a, to] + fit[b, back] - fit[a, back] - fit[b, to]
        return gain


def permute(
    stratum: Ints,
    *,
    samples: int,
    rng: np.random.Generator,
    fits: SlotFit | None = None,
) -> Ints:
    """Deal the events of each stratum anew among its slots.

    Event e stands at slot e as observed. A deal puts another event of the same stratum there: who
    came, how often, and which moments of a discussion drew people all stay as they are. Where
    `fits` are given, deals have probability proportional to their product, sampled by Metropolis
    swaps after Besag & Clifford (1989, Biometrika 76:633): one chain runs back from what
    was observed, and every sample forward again from where it ended, so that what was observed and
    the samples are exchangeable under the null, however slowly the chain mixes.

    Parameters
    ----------
    stratum : ndarray of int, shape (n,)
        Within which events may be exchanged.
    samples
        How many deals.
    rng
        Where chance comes from.
    fits
        How well events fit slots; None where all fit alike.

    Returns
    -------
    ndarray of int, shape (samples + 1, n)
        The slot of each event; row 0 is as observed.
    """
    n = len(stratum)
    observed = np.arange(n)
    movable = _movable(stratum)
    if not movable:
        return np.tile(observed, (samples + 1, 1))
    if fits is None:
        dealt = _shuffled(movable, n, samples, rng)
    else:
        start = _swapped(observed[None], movable, fits, rng)
        batch = max(1, CELLS // n)
        parts = [
            _swapped(np.repeat(start, min(batch, samples - at), axis=0), movable, fits, rng)
            for at in range(0, samples, batch)
        ]
        dealt = np.concatenate(parts)
    return np.concatenate([observed[None], _places(dealt)])


def _movable(stratum: Ints) -> list[Ints]:
    """Return the strata of two and more events, the largest first."""
    order = np.argsort(stratum, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(stratum[order])) + 1)
    return sorted((part for part in parts if len(part) > 1), key=len, reverse=True)


def _shuffled(strata: list[Ints], n: int, samples: int, rng: np.random.Generator) -> Ints:
    held = np.tile(np.arange(n), (samples, 1))
    for members in strata:
        held[:, members] = rng.permuted(held[:, members], axis=1)
    return held


def _swapped(held: Ints, strata: list[Ints], fits: SlotFit, rng: np.random.Generator) -> Ints:
    """Return chains after swaps proposed in every stratum, five for each of its events."""
    held = held.copy()
    sizes = np.array([len(members) for members in strata])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    members = np.concatenate(strata)
    rows = np.arange(len(held))[:, None]
    for step in range(STEPS * int(sizes[0])):
        active = int(np.searchsorted(-sizes, -(step // STEPS), side="left"))
        shape = (len(held), active)
        first = rng.integers(0, sizes[:active], shape)
        second = rng.integers(0, sizes[:active] - 1, shape)
        second += second >= first
        here, there = members[starts[:active] + first], members[starts[:active] + second]
        a, b = held[rows, here], held[rows, there]
        gain = fits.gain(a, there, b, here)
        swap = np.log(rng.random(shape)) < gain
        held[rows, here] = np.where(swap, b, a)
        held[rows, there] = np.where(swap, a, b)
    return held


def _places(held: Ints) -> Ints:
    """Return the slot of each event, from the event of each slot."""
    places = np.empty_like(held)
    np.put_along_axis(places, held, np.arange(held.shape[1])[None], axis=1)
    return places


HYPOTHESES = ("one operator", "concert of different people", "independent people")
LEVEL = 0.05
_SAID = {
    "one": "The edits support one operator. Timing in discussions fits that as well as concert.",
    "concert": "The traces support concert of different people.",
    "concert alibi": (
        "The two were at work on different pages at once: that speaks against one operator, and "
        "what they do together then for concert of different people."
    ),
    "either": (
        "The traces support acting in concert; the edits do not separate one operator from two "
        "people."
    ),
    "one alibi": (
        "The edits support one operator, work at the same time on different pages contradicts it: "
        "the two have to be weighed by people."
    ),
    "one alone": "The edits support one operator; the discussions show nothing beyond chance.",
    "none": "Nothing beyond what independent people show.",
    "insufficient": "Insufficient: too few shared discussions to tell concert from chance.",
    "one insufficient": (
        "The edits support one operator. Insufficient: too few shared discussions to tell concert "
        "from chance."
    ),
}


def max_log10_lr(p: float) -> float:
    """Return log10 of the greatest likelihood ratio that a p permits against independence.

    1 / (-e p ln p) for p < 1/e (Sellke, Bayarri & Berger 2001, The American Statistician 55:62),
    else 1. It is a bound, not an LR: what is really there may be worth much less.

    >>> round(max_log10_lr(0.05), 2), max_log10_lr(0.5)
    (0.39, 0.0)
    """
    return -math.log10(-math.e * p * math.log(p)) if 0 < p < 1 / math.e else 0.0


def compare_hypotheses(concert: pd.DataFrame, links: pd.DataFrame | None = None) -> pd.DataFrame:
    """Set the three hypotheses beside each other for every pair.

    Parameters
    ----------
    concert
        The table `concert`.
    links
        The table `links`, where the case was run.

    Returns
    -------
    DataFrame
        `user_a, user_b, log10_lr, log10_lr_low, log10_lr_high, band` (one operator against
        different people, by the edits; null where not known), `alibi`, `p_adjusted`,
        `concert_at_most` (log10 of the greatest LR for concert against independence that p permits;
        null where insufficient), `said` (which of the three the evidence supports, in words). An
        alibi never speaks for concert by itself: it moves what is shown together from one operator
        to two people.
    """
    key = ["user_a", "user_b"]
    numbers = ["log10_lr", "log10_lr_low", "log10_lr_high"]
    known = pd.DataFrame(columns=[*key, *numbers, "band", "alibi"])
    if links is not None:
        known = links[[*key, *numbers, "band", "alibi"]]
    table = concert[[*key, "p_adjusted", "status"]].merge(known, how="left", on=key)
    table["alibi"] = table["alibi"].astype("boolean").fillna(value=False).astype(bool)
    rows = table.to_dict("records")
    table["concert_at_most"] = [_bound(row["p_adjusted"]) for row in rows]
    table["said"] = [_SAID[_case(row)] for row in rows]
    table["band"] = table["band"].astype("str")
    columns = [*key, *numbers, "band", "alibi", "p_adjusted", "concert_at_most", "said"]
    return table[columns].astype(dict.fromkeys(numbers, "float64"))


def _bound(p: float) -> float:
    return math.nan if math.isnan(p) else max_log10_lr(p)


def _case(row: Mapping[Any, Any]) -> str:
    """Return which of the texts fits."""
    band = "" if pd.isna(row["band"]) else str(row["band"])
    one, apart = band.endswith(" for"), band.endswith(" against")
    if row["status"] != "ok":
        return "one insufficient" if one and not row["alibi"] else "insufficient"
    if row["p_adjusted"] > LEVEL:
        if one:
            return "one alibi" if row["alibi"] else "one alone"
        return "none"
    if row["alibi"]:
        return "concert alibi"
    if one:
        return "one"
    return "concert" if apart else "either"
