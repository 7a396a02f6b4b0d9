"""What the evidence stage takes and gives, and every tuned number in it.

Numbers that labels chose were chosen by leaving one labelled community out of nineteen at a time
(`benchmarks/communities.py`, docs/validation.md); the others say where they come from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from sockgraph.schema import empty
from sockgraph.signals.corpus import hash_arrays, hash_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

TAIL = 10
"""Nearest others whose likeness makes an account's tail (5, 10, 20 and 40 tried)."""
BEYOND = 0.25
"""What counts of a surprise beyond what the cohort's size can show (0.1, 0.25, 0.5, 1 tried)."""
WEIGHTS = {"pages": 0.55, "time": 0.50, "text": 1.03, "writing": 0.4, "mechanics": 0.19}
"""Natural log odds a unit of a family's mean surprise, as labels of 19 communities want it.

Of writing, as those six want it that have texts (0.2 to 0.8 tried)."""
PULL = 0.1
"""How strongly a case's weights are drawn to a multiple of `WEIGHTS` (0.03, 0.1, 0.3 tried)."""
RIDGE = 1e-3
"""Keeps weights finite where a small reference is told apart perfectly."""
CROWD, CROWD_SHARE = 10, 0.5
"""Of how many best others, and by how much of it, an account's level is taken off its scores."""
STRANGERS = 0.25
"""The share of an operator's further accounts that look like strangers (0 to 0.4 tried)."""
LEAD = 3.0
"""What a lead over either account's next best counts beside the score (0 to 4 tried, ADR 100)."""
STANDING = 5.5
"""What at most 2 of 100 innocent cases of labelled communities reach (1 to 3 of 100 tried)."""
CROWDED = 0.1
"""Pairs with all that a flag asks of their numbers, a reference account, above which the threshold
rises: in the references of labelled cases, where many people have several accounts, there are
hardly ever so many (ADR 100)."""
WIDER = 0.3
"""How much farther, in log10 LR, an interval reaches where accounts are unlike any community's: of
nineteen communities, one's log10 LRs were best served by −0.30, others by as much as +0.18."""
EXPECTED_FALSE = 0.5
"""False flags expected in an open case (0.3 to 10 tried; at 1, 4 of 53 flags were false)."""
FEWEST_CASES = 50
"""Innocent cases below which no promise can be kept, and nothing is flagged."""
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
        What the log10 LR must reach before a link may be flagged.
    family_log10_lr
        What a family must add to the score to count as one of the two that a flag asks for.
    min_edits
        Distinct edit times that an account needs; with fewer, its pairs are `insufficient`.
    resamples
        Bootstrap resamples of the reference accounts behind each interval.
    """

    flag_log10_lr: float = 0.3
    family_log10_lr: float = 0.3
    min_edits: int = 10
    resamples: int = 60


@dataclass(frozen=True)
class ComparisonInput:
    """What `compare` and `what_if` judge a case by.

    Attributes
    ----------
    edits, accounts
        Contract tables. Accounts with role `nominated` are compared with each other; those with
        role `reference` say what different people look like.
    settings
        How evidence is weighed.
    declared
        Groups of accounts that say themselves that they are one operator's: never flagged.
    background
        Edits of other accounts of the source, if at hand: they tell how common a word or a page is,
        and nothing else.
    open_case
        Whether the nominated accounts are their own reference. Default: where no account has the
        role `reference`.
    incomplete
        Accounts whose histories are not whole (capped, partly hidden): no alibi is read from them.
    accepted_alibis
        Pairs whose alibi a reviewer accepted: never flagged.
    log_events
        Contract table: blocks and thanks, if the source has them.
    known
        `user, person`: operators of reference accounts that are known, if any; a null person is a
        person of their own. Their pairs are learnt from beside cut histories.
    operators
        Nominated accounts of operators known from earlier cases: `calibration.as_near` says how
        many reference accounts stand as near to one of them as a flag asks.
    """

    edits: pd.DataFrame
    accounts: pd.DataFrame
    settings: EvidenceSettings = field(default_factory=EvidenceSettings)
    declared: Sequence[Sequence[str]] = ()
    background: pd.DataFrame | None = None
    open_case: bool | None = None
    incomplete: Sequence[str] = ()
    accepted_alibis: Sequence[tuple[str, str]] = ()
    log_events: pd.DataFrame | None = None
    known: pd.DataFrame | None = None
    operators: Sequence[Sequence[str]] = ()

    def digest(self) -> str:
        """Return one hash of everything: of the tables their content, in their order of rows."""
        rest = dict(vars(self))
        tables = {n: rest.pop(n) for n in list(rest) if isinstance(rest[n], pd.DataFrame)}
        told = repr((rest, [(name, list(table)) for name, table in tables.items()]))
        return hash_arrays(told, (hash_values(t[name]) for t in tables.values() for name in t))


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
        The reference as it is judged itself; see `sockgraph.evidence.reliability`.
    exploration
        What was left out to see what happens; `links.attrs` says it too. No file is written of such
        a comparison, so no finding and no filing can rest on it.
    """

    evidence: pd.DataFrame
    links: pd.DataFrame
    alibis: pd.DataFrame
    reference: pd.DataFrame
    omissions: pd.DataFrame
    calibration: dict[str, Any]
    declared: tuple[tuple[str, ...], ...] = ()
    held_out: pd.DataFrame = field(default_factory=lambda: empty("held_out"))
    exploration: tuple[str, ...] = ()


class KeptStore(Protocol):
    """Where what was made of a case waits for the next time, by kind and by a hash of its makings.

    Nothing that is read is other than what was written.
    """

    def read(self, kind: str, key: str) -> Mapping[str, NDArray[Any]] | None:
        """Return what is kept under this; None where nothing is that can be trusted."""

    def room(self, kind: str, n_bytes: int) -> bool:
        """Return whether so much would be kept; where not, nothing is any more."""

    def write(self, kind: str, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep these."""

    def read_tables(self, kind: str, key: str) -> tuple[dict[str, pd.DataFrame], Any] | None:
        """Return contract tables, and the facts beside them."""

    def write_tables(
        self, kind: str, key: str, tables: Mapping[str, pd.DataFrame], facts: Any
    ) -> None:
        """Keep these."""
