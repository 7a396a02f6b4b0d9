"""Signals: one trace each of who may be behind an account, each able to speak for and against.

A signal turns histories into similarities. What a similarity is worth as evidence is decided in
`sockgraph.evidence`, on a reference; here nothing is called likely.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sockgraph.signals import bags
from sockgraph.signals.vectors import TermMatrix, Weighting

if TYPE_CHECKING:
    from collections.abc import Callable

    from sockgraph.signals.corpus import Corpus

FAMILIES = ("pages", "time", "text", "writing", "mechanics", "interaction")


@dataclass(frozen=True)
class Signal:
    """One trace.

    Attributes
    ----------
    name, family
        What the tables call it.
    bag
        Makes the bag of a corpus; None where the source does not offer what it needs.
    weighting
        How the bag is weighed.
    needed
        Saves that must hold a term, or characters where the bag counts these, in each of two
        histories, before it speaks.
    """

    name: str
    family: str
    bag: Callable[[Corpus], TermMatrix | None]
    weighting: Weighting
    needed: int = 5


SIGNALS: tuple[Signal, ...] = (
    Signal("shared pages", "pages", bags.page_bag, Weighting("rare", segment=200)),
    Signal("hours", "time", bags.hour_bag, Weighting("contrast", floor=1e-6, shrink=10), 10),
    Signal("phrases", "text", bags.phrase_bag, Weighting("rare", segment=80)),
    Signal("habits", "text", bags.phrase_bag, Weighting("contrast", segment=150)),
    Signal("openings", "text", bags.opening_bag, Weighting("rare")),
    Signal(
        "added text",
        "writing",
        bags.writing_bag,
        Weighting("delta", shrink=bags.SHRINK),
        bags.NEEDED,
    ),
    Signal("saving habits", "mechanics", bags.habit_bag, Weighting("contrast", floor=0.03)),
)
"""What earned its place on labelled communities (docs/mathematics.md says what was left out)."""
