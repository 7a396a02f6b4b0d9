"""What was read, what was not, what the numbers rest on, and what they cannot show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from sockgraph.case import MANY
from sockgraph.evidence.reliability import RATIOS
from sockgraph.report.data import pairs_of
from sockgraph.report.markup import joined, name
from sockgraph.report.wording import DASH, NBSP, counted, listed, plain, prior_note, thousands
from sockgraph.strings import say, tell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sockgraph.report.data import Link, ReportData


@dataclass(frozen=True)
class CoverageTable:
    """Rows of `Coverage.as_dict()` and their totals; None stays unknown."""

    rows: Sequence[dict[str, Any]]
    edits: int
    hidden: int
    unlisted: int | None
    outside: int | None


def coverage_table(data: ReportData) -> CoverageTable:
    """Return the coverage of every account read by name, nominated ones first."""
    roles = dict(zip(data.accounts["user"], data.accounts["role"], strict=False))
    named = {user: i for i, user in enumerate(data.nominated)}
    rows = [
        {**row, "declared": roles.get(row["user"]) == "declared", "history": _history(row)}
        for row in data.coverage
        if roles.get(row["user"]) != "reference"
    ]
    rows.sort(key=lambda row: (named.get(row["user"], len(named)), row["user"]))
    return CoverageTable(
        rows,
        sum(row["edits_read"] for row in rows),
        sum(row.get("hidden_comments", 0) for row in rows),
        _total(rows, "not_listed"),
        _total(rows, "outside_window"),
    )


def _total(rows: Sequence[dict[str, Any]], column: str) -> int | None:
    """Add up what is known; None where nothing is."""
    known = [row[column] for row in rows if row.get(column) is not None]
    return sum(known) if known else None


def _history(row: Any) -> str:
    if row.get("capped"):
        return "newest only"
    if not row.get("source_whole", True):
        return "the file is not whole"
    return "full" if row.get("full", True) else "within the window"


def rest_on(data: ReportData, links: Sequence[Link]) -> Markup:
    """Say which reference the numbers rest on, and how far they can reach because of it."""
    made = data.calibration
    reference = data.edits["user"].isin(_reference(data))
    n_edits = int(reference.sum())
    n = int(made.get("n_reference") or len(_reference(data)))
    accounts = counted(n, "reference account")
    if made.get("reason"):
        return tell(
            "{accounts}, {edits}. <b>Not calibrated:</b> {reason}",
            accounts=accounts,
            edits=counted(n_edits, "edit"),
            reason=made["reason"],
        )
    low, high = bounds(links)
    if low is None or high is None:
        return tell("{accounts}, {pairs}.", accounts=accounts, pairs=counted(n_edits, "edit"))
    said = say(
        "{accounts} of the same pages, {edits}.",
        accounts=accounts,
        edits=counted(n_edits, "edit"),
    )
    if data.case.everyone and not _reference(data):
        said = say(
            "The {accounts} are the accounts themselves.",
            accounts=accounts,
        )
    return tell(
        "{said} Their {pairs} pairs are about {n} observations, so no link can be put above"
        " <b>{high}</b> or below <b>{low}</b>.",
        said=said,
        pairs=thousands(n * (n - 1) // 2),
        n=thousands(n),
        high="+" + plain(high),
        low=plain(low),
    )


@dataclass(frozen=True)
class FalseLinks:
    """How often pairs of different reference accounts pass an LR, by kind of pair.

    Attributes
    ----------
    levels
        The LRs, such as `10`.
    rows
        Kind of pair, number of pairs, and for each level the share in words; the last column is
        the share with log10 LR below -1.
    note
        What could not be tested, and how many of the case's own pairs would have an LR over 100
        were all accounts different people, where a case compares so many that it matters.
    """

    levels: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[str, ...]], ...]
    note: str


def false_links(data: ReportData) -> FalseLinks | None:
    """Lay out the false-link rates that the evidence stage measured; None where it gave none."""
    measured = data.calibration.get("false_links") or {}
    sizes = data.calibration.get("strata") or {}
    given = {k for rates in measured.values() for k, share in rates.items() if share is not None}
    levels = [lr for lr in RATIOS if str(lr) in given]
    if not levels:
        return None
    rows = [
        (
            say(_STRATA.get(stratum, stratum)),
            DASH if facts.get("pairs") is None else thousands(int(facts["pairs"])),
            (*(_percent(rates.get(str(lr))) for lr in levels), _percent(facts.get("against"))),
        )
        for stratum, rates in measured.items()
        for facts in [sizes.get(stratum, {})]
    ]
    silent = [thousands(lr) for lr in RATIOS if lr not in levels]
    untested = (
        say("An LR over {n} is beyond what this reference can test.", n=listed(silent))
        if silent
        else ""
    )
    expected = _expected(data, measured)
    note = f"{untested} {expected}".strip()
    return FalseLinks(tuple(thousands(lr) for lr in levels), tuple(rows), note)


_STRATA = {"different": "all different pairs", "without the most extreme": "less the top 0.1 %"}


def _expected(data: ReportData, measured: Mapping[str, Mapping[str, Any]]) -> str:
    share = measured.get("different", {}).get("100")
    if share is None or len(data.nominated) <= MANY:
        return ""
    n = pairs_of(data.nominated)
    return say(
        "Were all accounts different people, about {n} of these {pairs} pairs would have an LR"
        " over 100.",
        n=f"{share * n:,.0f}",
        pairs=thousands(n),
    )


def _percent(share: float | None) -> str:
    if share is None:
        return say("not testable")
    return say("none") if share == 0 else f"{100 * share:.2g}{NBSP}%"


def bounds(links: Sequence[Link]) -> tuple[float | None, float | None]:
    """Return the widest bounds of any link."""
    lows = [link.bound_low for link in links if link.bound_low is not None]
    highs = [link.bound_high for link in links if link.bound_high is not None]
    return min(lows, default=None), max(highs, default=None)


def _reference(data: ReportData) -> set[str]:
    return set(data.accounts.loc[data.accounts["role"] == "reference", "user"])


def not_seen(data: ReportData, links: Sequence[Link]) -> list[Markup]:
    """Say what was hidden, deleted, capped, left out, or not offered by the source."""
    table = coverage_table(data)
    said = [
        Markup("{}").format(data.screened),
        _unlisted(table),
        _texts(table),
        _machine(data),
        _capped(table, data),
        _outside(table),
    ]
    said += [
        Markup("{}: {}").format(name(row["user"]), row["note"])
        for row in table.rows
        if row.get("note")
    ]
    said.append(_not_available(links))
    return [sentence for sentence in said if sentence]


def _unlisted(table: CoverageTable) -> Markup:
    if table.unlisted is None:
        return tell("How many edits were deleted or hidden is not known: the source does not tell.")
    if not table.unlisted:
        return tell("No edit of these accounts is known to be deleted or hidden.")
    most = max((r for r in table.rows if r.get("not_listed")), key=lambda r: r["not_listed"])
    share = most["not_listed"] / max(most.get("edit_count") or most["edits_read"], 1)
    return tell(
        "The wiki counts edits that it does not list: on pages deleted since, by an author hidden"
        " since, or imported. They can be counted, never read. {who} has {n} of them, {share} of"
        " its edits.",
        who=name(most["user"]),
        n=thousands(most["not_listed"]),
        share=f"{share:.0%}".replace("%", " %"),
    )


def _machine(data: ReportData) -> Markup:
    """Say whose texts bear marks of machine writing."""
    bearing = data.calibration.get("machine_writing") or {}
    if not bearing:
        return Markup("")
    said = (
        "Text with marks of machine writing: {who}. These texts are left out, and between two"
        " accounts that have some, writing is not compared. Most machine text bears no mark."
    )
    who = [Markup("{} ({})").format(name(user), thousands(n)) for user, n in bearing.items()]
    return tell(said, who=joined(who))


def _capped(table: CoverageTable, data: ReportData) -> Markup:
    users = [name(row["user"]) for row in table.rows if row.get("capped")]
    if not users:
        return Markup("")
    most = thousands(data.case.accounts.max_edits)
    return tell("Only the newest {n} edits were read of {who}.", n=most, who=joined(users))


def _texts(table: CoverageTable) -> Markup:
    rows = [row for row in table.rows if row.get("hidden_texts")]
    if not rows:
        return Markup("")
    each = [Markup("{} ({})").format(name(r["user"]), thousands(r["hidden_texts"])) for r in rows]
    return tell("The text of edits is hidden on the wiki: {who}.", who=joined(each))


def _outside(table: CoverageTable) -> Markup:
    if any(row.get("outside_window", 0) is None for row in table.rows):
        return tell("Edits outside the window of this case were not asked for.")
    if not table.outside:
        return Markup("")
    return tell(
        "{edits} outside the window of this case were left out.",
        edits=counted(table.outside, "edit"),
    )


def _not_available(links: Sequence[Link]) -> Markup:
    missing = {s.name for link in links for s in link.signals if s.status == "not_available"}
    given = {s.name for link in links for s in link.signals if s.status != "not_available"}
    silent = sorted(missing - given)
    if not silent:
        return Markup("")
    return tell(
        "This source does not tell of {what}: <i>not available</i>.",
        what=listed([say(name_) for name_ in silent]),
    )


def cannot_show(data: ReportData, links: Sequence[Link]) -> Markup:
    """Say what no number on the page can exclude, and what the case's prior makes of the bound."""
    prior = None if data.case.prior is None else data.case.prior.per_pair
    said, emphasised = prior_note(prior, bounds(links)[1])
    return tell(
        "They cannot exclude friends, colleagues or shared scripts. {said} <b>{emphasised}</b>",
        said=said,
        emphasised=emphasised,
    )
