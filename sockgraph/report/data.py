"""What a report is made from, and the same facts in the shape that the page asks for them.

Nothing is estimated here: rows of the stages' tables become small typed records, with null as None.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from sys import intern
from typing import TYPE_CHECKING, Any

import pandas as pd

from sockgraph.names import normal_name
from sockgraph.schema import subject_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

    import networkx as nx

    from sockgraph.case import Case, Earlier
    from sockgraph.reviews.states import Pair

FULL_LIMIT = 15
"""Up to this many nominated accounts, every pair has its section."""


@dataclass(frozen=True)
class ReportData:
    """Everything that `case_report` lays out.

    Attributes
    ----------
    accounts, edits, log_events, evidence, links, clusters, omissions, alibis, reference
        Tables that keep the contracts of `sockgraph.schema`.
    graph
        Accounts as nodes with `x` and `y` in [0, 1]: the layout that the page draws.
    coverage
        `Coverage.as_dict()` of every account that was read by name.
    calibration
        What the evidence stage says of itself: `calibrated`, `reason`, `baseline`, `n_reference`,
        `bounds` and so on; see `sockgraph.evidence`.
    read_on
        The day of the newest answer, or of the newest edit where the source has no clock. Days
        since an account's last edit are counted from it, so that the page depends on no clock.
    ledger_head
        Hash and length of the case's ledger; None where there is none yet.
    clusters_if_alibi
        The groups if every open alibi were accepted; None where none is open.
    cannot_links
        Pairs that the ledger keeps apart: reversed links, accepted alibis.
    trails
        How each link came to its review state, a sentence a step.
    moved
        Pairs whose finding rests on evidence that has changed since.
    screened
        How many pairs a screening left uncompared, in words; empty where there was none.
    held_out
        The table of pairs known to be different people, and their numbers; None where none is kept.
    """

    case: Case
    accounts: pd.DataFrame
    edits: pd.DataFrame
    log_events: pd.DataFrame
    evidence: pd.DataFrame
    links: pd.DataFrame
    clusters: pd.DataFrame
    omissions: pd.DataFrame
    alibis: pd.DataFrame
    reference: pd.DataFrame
    graph: nx.Graph
    coverage: Sequence[Mapping[str, Any]]
    calibration: Mapping[str, Any]
    read_on: dt.date
    version: str
    ledger_head: tuple[str, int] | None = None
    clusters_if_alibi: pd.DataFrame | None = None
    cannot_links: frozenset[Pair] = frozenset()
    trails: Mapping[Pair, Sequence[str]] = field(default_factory=dict)
    moved: frozenset[Pair] = frozenset()
    screened: str = ""
    held_out: pd.DataFrame | None = None

    @property
    def nominated(self) -> tuple[str, ...]:
        """The accounts that are compared, in the case file's order."""
        listed = set(self.accounts.loc[self.accounts["role"] == "nominated", "user"])
        first = [user for user in self.case.accounts.nominated if user in listed]
        return (*first, *sorted(listed - set(first)))


@dataclass(frozen=True)
class SignalRow:
    """One row of `evidence`."""

    name: str
    family: str
    score: float | None
    log10_lr: float | None
    contribution: float | None
    support: int
    status: str
    rev_ids: tuple[str, ...]


@dataclass(frozen=True)
class Omission:
    """One row of `omissions`: what the number would be without `omitted`."""

    omitted: str
    log10_lr: float | None
    low: float | None
    eligible: bool | None
    co_membership: float | None


@dataclass(frozen=True)
class SimultaneousStretch:
    """One row of `alibis`: a stretch in which both accounts work on different pages by turns."""

    start: pd.Timestamp
    end: pd.Timestamp
    n_edits: int
    expected: float | None
    excluded: str | None


@dataclass(frozen=True, slots=True)
class Link:
    """One row of `links` with everything that hangs on it."""

    a: str
    b: str
    score: float | None
    standing: float | None
    log10_lr: float | None
    low: float | None
    high: float | None
    naive: float | None
    bound_low: float | None
    bound_high: float | None
    n_for: int
    n_against: int
    n_insufficient: int
    direction: str
    families_for: tuple[str, ...]
    alibi: bool
    imitation: bool
    band: str
    flagged: bool
    reasons: tuple[str, ...]
    state: str
    signals: tuple[SignalRow, ...] = ()
    omissions: tuple[Omission, ...] = ()
    stretches: tuple[SimultaneousStretch, ...] = ()
    earlier: Earlier | None = None
    declared: str | None = None
    apart: bool = False
    trail: tuple[str, ...] = ()
    moved: bool = False

    @property
    def pair(self) -> Pair:
        """The two accounts."""
        return self.a, self.b

    @property
    def insufficient(self) -> bool:
        """Whether there are too few edits to say anything."""
        return self.band == "insufficient"


def optional(value: Any) -> float | None:
    """Return a cell as a float, null as None."""
    return None if value is None or pd.isna(value) else float(value)


def read_links(data: ReportData) -> tuple[Link, ...]:
    """Return every link, without its evidence: `with_evidence` adds that where it is shown."""
    earlier = {frozenset(map(normal_name, (e.a, e.b))): e for e in data.case.earlier}
    declared = _declared(data.case)
    return tuple(
        _link(
            row,
            earlier=earlier.get(frozenset(pair)),
            declared=declared.get(frozenset(pair)),
            apart=pair in data.cannot_links,
            trail=tuple(data.trails.get(pair, ())),
            moved=pair in data.moved,
        )
        for row in data.links.itertuples()
        for pair in [(str(row.user_a), str(row.user_b))]
    )


def with_evidence(data: ReportData, links: Iterable[Link]) -> tuple[Link, ...]:
    """Return some links with their evidence, omissions and simultaneous stretches."""
    kept = tuple(links)
    pairs = {link.pair for link in kept}
    signals = _by_pair(_of(data.evidence, pairs), _signal)
    stretches = _by_pair(_of(data.alibis, pairs), _stretch)
    omissions = by_subject(data.omissions)
    return tuple(
        replace(
            link,
            signals=tuple(signals.get(link.pair, ())),
            stretches=tuple(stretches.get(link.pair, ())),
            omissions=omissions.get(subject_of(*link.pair), ()),
        )
        for link in kept
    )


@dataclass(frozen=True)
class PairTables:
    """The rows of a case's tables about one pair."""

    link: Mapping[str, Any]
    evidence: pd.DataFrame
    omissions: pd.DataFrame
    alibis: pd.DataFrame


def pair_tables(data: ReportData, pairs: Iterable[Pair]) -> dict[Pair, PairTables]:
    """Return what the tables hold of some pairs."""
    wanted = set(pairs)
    key = ["user_a", "user_b"]
    evidence = dict(iter(_of(data.evidence, wanted).groupby(key)))
    alibis = dict(iter(_of(data.alibis, wanted).groupby(key)))
    omissions = dict(iter(data.omissions.groupby("subject")))
    return {
        (row["user_a"], row["user_b"]): PairTables(
            {str(name): value for name, value in row.items()},
            evidence.get((row["user_a"], row["user_b"]), data.evidence.iloc[:0]),
            omissions.get(subject_of(row["user_a"], row["user_b"]), data.omissions.iloc[:0]),
            alibis.get((row["user_a"], row["user_b"]), data.alibis.iloc[:0]),
        )
        for row in _of(data.links, wanted).to_dict("records")
    }


def _of(frame: pd.DataFrame, pairs: set[Pair]) -> pd.DataFrame:
    near = frame[frame["user_a"].isin([a for a, _ in pairs])]
    keys = zip(near["user_a"], near["user_b"], strict=True)
    return near.loc[[key in pairs for key in keys]]


def by_subject(omissions: pd.DataFrame) -> dict[str, tuple[Omission, ...]]:
    """Return the omissions of each pair and group."""
    grouped: dict[str, list[Omission]] = {}
    for row in omissions.itertuples():
        found = Omission(
            str(row.omitted),
            optional(row.log10_lr),
            optional(row.log10_lr_low),
            None if row.eligible is pd.NA else bool(row.eligible),
            optional(row.co_membership),
        )
        grouped.setdefault(str(row.subject), []).append(found)
    return {subject: tuple(rows) for subject, rows in grouped.items()}


def _link(row: Any, **joined: Any) -> Link:
    return Link(
        a=intern(row.user_a),  # of half a million links: each name, band and state is held once
        b=intern(row.user_b),
        score=optional(row.score),
        standing=optional(row.standing),
        log10_lr=optional(row.log10_lr),
        low=optional(row.log10_lr_low),
        high=optional(row.log10_lr_high),
        naive=optional(row.log10_lr_naive),
        bound_low=optional(row.bound_low),
        bound_high=optional(row.bound_high),
        n_for=int(row.n_for),
        n_against=int(row.n_against),
        n_insufficient=int(row.n_insufficient),
        direction=intern(row.direction),
        families_for=tuple(row.families_for),
        alibi=bool(row.alibi),
        imitation=bool(row.imitation),
        band=intern(row.band),
        flagged=bool(row.flagged),
        reasons=tuple(row.reasons),
        state=intern(row.state),
        **joined,
    )


def _signal(row: Any) -> SignalRow:
    return SignalRow(
        row.signal,
        row.family,
        optional(row.score),
        optional(row.log10_lr),
        optional(row.contribution),
        int(row.support),
        row.status,
        tuple(row.rev_ids),
    )


def _stretch(row: Any) -> SimultaneousStretch:
    excluded = None if pd.isna(row.excluded) else str(row.excluded)
    return SimultaneousStretch(
        row.start, row.end, int(row.n_edits), optional(row.expected), excluded
    )


def _by_pair(frame: pd.DataFrame, record: Any) -> dict[Pair, list[Any]]:
    grouped: dict[Pair, list[Any]] = {}
    for row in frame.itertuples():
        grouped.setdefault((str(row.user_a), str(row.user_b)), []).append(record(row))
    return grouped


def _declared(case: Case) -> dict[frozenset[str], str]:
    """Return the pairs that say themselves that they are one operator's, and where they say it."""
    pairs: dict[frozenset[str], str] = {}
    for entry in case.declared:
        names = [normal_name(name) for name in entry.accounts]
        for first in names:
            pairs |= {frozenset((first, other)): entry.url or "" for other in names}
    return pairs


def nearest_miss(links: Sequence[Link]) -> Link | None:
    """Return the unflagged link that stands out most."""
    told = [link for link in links if link.standing is not None and not link.flagged]
    return max(told, key=lambda link: (link.standing or 0.0, link.score or 0.0), default=None)


def pairs_of(users: Iterable[str]) -> int:
    """Return how many pairs some accounts make."""
    n = len(set(users))
    return n * (n - 1) // 2
