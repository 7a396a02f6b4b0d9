"""What chance alone would bring: who comes when, dealt anew within narrow bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

STEPS = 5  # proposals an event and deal
CELLS = 4_000_000  # of one array, at most


@dataclass(frozen=True)
class Fits:
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


def deal(
    stratum: Ints,
    *,
    samples: int,
    rng: np.random.Generator,
    fits: Fits | None = None,
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


def _swapped(held: Ints, strata: list[Ints], fits: Fits, rng: np.random.Generator) -> Ints:
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
