"""The reference of a whole wiki: accounts that say what different people there look like.

It is drawn once for all accounts that may be asked about, not matched to some of them, and holds
communities: accounts drawn by lot, each with others of the same pages. A twentieth of its pairs
share a community, so that pairs of candidates, who share pages, have their like in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sockgraph.screening.screen import WikiSource

COMMUNITY = 15
"""Accounts drawn together."""
RULE = (
    f"drawn by seed from the whole wiki: accounts by lot, each with {COMMUNITY - 1} others who "
    "edited its pages, weight = pages shared; no bots, none blocked as a sock"
)


def draw_reference(source: WikiSource, wanted: int, seed: int) -> list[str]:
    """Return so many accounts with enough edits, or all there are; in alphabetical order."""
    rng = np.random.default_rng([seed, wanted])
    everyone = source.everyone()
    eligible = set(everyone) - source.blocked_as_sock(everyone)
    chosen: list[str] = []
    for place in rng.permutation(len(everyone)):
        if len(chosen) >= wanted:
            break
        centre = everyone[place]
        if centre in eligible:
            others = _others(source, centre, eligible - {centre}, rng)
            chosen += [centre, *others]
            eligible -= {centre, *others}
    return sorted(chosen[:wanted])


def _others(
    source: WikiSource, centre: str, eligible: set[str], rng: np.random.Generator
) -> list[str]:
    """Draw from those who edited the same pages, by exponential keys, as in `population`."""
    pool = source.neighbours(source.newest([centre]))
    pool = pool[pool["user"].isin(eligible)]
    keys = rng.exponential(size=len(pool)) / pool["shared_pages"].to_numpy(float)
    return [str(name) for name in pool["user"].iloc[np.argsort(keys)[: COMMUNITY - 1]]]
