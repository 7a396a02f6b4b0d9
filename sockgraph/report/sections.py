"""Which links get a section, in which order, and what stands in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from markupsafe import Markup

from sockgraph.charts.activity import (
    card,
    hours_of,
    simultaneous,
    timeline_of,
    week_counts,
    weeks_of,
)
from sockgraph.charts.groups import WHOLE, falls, leave_one_out
from sockgraph.charts.waterfall import page_axis, waterfall, waterfall_steps
from sockgraph.names import clean
from sockgraph.report import pages
from sockgraph.report import wording as words
from sockgraph.report.data import FULL_LIMIT, nearest_miss, pair_tables
from sockgraph.report.facts import case_offset
from sockgraph.report.markup import anchor, diff_link, mark, name, pair_name
from sockgraph.report.wording import (
    FAMILIES,
    IMITATION,
    RIVALS,
    omitted_words,
    signal_about,
    support_words,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from sockgraph.charts import Chart
    from sockgraph.charts.activity import Weeks
    from sockgraph.charts.marks import Mark
    from sockgraph.charts.waterfall import Axis
    from sockgraph.report.data import Link, PairTables, ReportData, Signal
    from sockgraph.report.facts import Account
    from sockgraph.report.pages import Edit, Editing, SharedPage

Line = tuple[str, float, float | None, float | None]
"""What is left out, the number without it, its interval's ends."""
STATUS = {"insufficient": "insufficient", "not_available": "not available"}
MOST_SECTIONS = 100
MOST_AGAINST = 5
MOST_DIFFS = 8
MOST_STRETCHES = 60
_HEADING = {"asserted": "asserted elsewhere"}
NOTHING = Markup("&ndash;")


@dataclass(frozen=True)
class SignalLine:
    """One signal as the table under the waterfall shows it."""

    family: str
    label: str
    about: str
    alone: str
    adds: str
    found: str
    diffs: Markup


@dataclass(frozen=True)
class Section:
    """Everything one link's section shows."""

    anchor: str
    link: Link
    title: Markup
    chips: tuple[tuple[str, str], ...]
    state: str
    headline: str
    asserted: Markup
    explained: str
    counts: str
    missed: str
    next_step: str
    open_details: bool
    waterfall: Chart | None
    naive: str
    signals: tuple[SignalLine, ...]
    cards: Chart
    line: Chart | None
    bins: tuple[tuple[str, int, int], ...]
    per: str
    stretches: str
    stretch_rows: tuple[tuple[str, str, int, str], ...]
    alibi: Chart | None
    pages: tuple[SharedPage, ...]
    n_pages: int
    changes: Chart | None
    changed: str
    changed_rows: tuple[Line, ...]


@dataclass(frozen=True)
class Desk:
    """What every section of one page needs."""

    data: ReportData
    accounts: Mapping[str, Account]
    editing: Editing
    axis: Axis
    tables: Mapping[tuple[str, str], PairTables]
    cards: Mapping[str, tuple[Mark, ...]]


def chosen(links: Sequence[Link], n_accounts: int) -> list[Link]:
    """Return the links that get a section, in reading order."""
    ordered = sorted(links, key=_order)
    if n_accounts <= FULL_LIMIT:
        return ordered
    held = [link for link in ordered if link.flagged or link.state != "none"]
    kept = {link.pair for link in held}
    against = [k for k in ordered if k.direction == "against" and k.pair not in kept]
    nearest = nearest_miss(links)
    missed = nearest is not None and nearest.pair not in kept
    extra = [nearest] if nearest and missed and not any(k.flagged for k in held) else []
    return [*held[:MOST_SECTIONS], *extra, *against[:MOST_AGAINST]]


def _order(link: Link) -> tuple[int, float, float, tuple[str, str]]:
    """Sort flagged and stated links first, then for, against, undecided, too few edits."""
    rank = {"for": 2, "against": 3, "neither": 4}[link.direction]
    if link.flagged or link.state != "none":
        rank = 0 if link.flagged else 1
    elif link.insufficient:
        rank = 6
    value = link.log10_lr if link.log10_lr is not None else link.score or 0.0
    score, sign = link.score or 0.0, 1 if rank in {1, 3} else -1
    return rank, sign * value, sign * score, link.pair


def desk(data: ReportData, links: Sequence[Link], accounts: Mapping[str, Account]) -> Desk:
    """Prepare what the sections share: edits by page, one axis, each account's week."""
    tables = pair_tables(data, [link.pair for link in links])
    steps = [
        (known.link, waterfall_steps(known.link, known.evidence))
        for known in tables.values()
        if pd.notna(known.link["log10_lr"])
    ]
    editing = pages.read_editing(data.edits, links)
    offset = case_offset(data.case)
    cards = {
        user: card(account.label, week_counts(account.life.times, offset), turned=True)
        for user, account in accounts.items()
    }
    return Desk(data, accounts, editing, page_axis(steps), tables, cards)


def section(link: Link, number: int, shared: Desk) -> Section:
    """Lay out one link."""
    data, pair = shared.data, (shared.accounts[link.a], shared.accounts[link.b])
    found, n_pages = pages.shared_pages(link, shared.editing)
    lives = [account.life for account in pair]
    weeks = weeks_of(lives)
    counts = [weeks.counts(life.times) for life in lives] if weeks else []
    tables = shared.tables[link.pair]
    threshold = data.case.evidence.flag_log10_lr if link.direction == "for" else None
    lines = omission_lines(link, [sentence(omitted_words(o.omitted)) for o in link.omissions])
    tested = link.log10_lr is not None and len(lines) > 1
    return Section(
        anchor=f"link-{number}",
        link=link,
        title=pair_name(link.a, link.b),
        chips=tuple((kind, _HEADING.get(word, word)) for kind, word in words.chips(link)),
        state=_state(link),
        headline=words.headline(link, data.calibration.get("reason")),
        asserted=asserted(link),
        explained=words.explained(link),
        counts=words.counts(link),
        missed="; ".join(link.reasons),
        next_step=words.next_step(link),
        open_details=link.flagged or link.state != "none",
        waterfall=None
        if link.log10_lr is None
        else waterfall(tables.link, tables.evidence, tables.omissions, axis=shared.axis),
        naive=naive(link),
        signals=signal_lines(link, shared),
        cards=_hours(pair, shared),
        line=timeline_of(lives, [s.start for s in link.stretches if s.excluded is None]),
        bins=_bins(weeks, counts) if weeks else (),
        per=weeks.unit if weeks else "",
        stretches=stretches(link),
        stretch_rows=stretch_rows(link),
        alibi=simultaneous(lives, tables.alibis),
        pages=tuple(found),
        n_pages=n_pages,
        changes=leave_one_out(merged(lines), threshold) if tested else None,
        changed=changed(link, lines, threshold) if tested else "",
        changed_rows=tuple(lines) if tested else (),
    )


def _state(link: Link) -> str:
    if link.state == "none":
        return "not flagged, not asserted"
    return "asserted elsewhere, not yet reviewed here" if link.state == "asserted" else link.state


def sentence(text: str) -> str:
    """Return a text with a capital first letter, the rest as it is."""
    return text[:1].upper() + text[1:]


def asserted(link: Link) -> Markup:
    """Say who linked the two elsewhere, and what was done on it."""
    earlier = link.earlier
    if earlier is None:
        return Markup("")
    who = anchor(earlier.url, Markup("{}, {}").format(name(earlier.by), words.day(earlier.date)))
    done = f"; the action taken on it: {earlier.action}" if earlier.action else ""
    return Markup("A finding made outside this toolkit links these two ({}){}. ").format(who, done)


def naive(link: Link) -> str:
    """Say what adding the signals up would have claimed."""
    n = sum(signal.log10_lr is not None for signal in link.signals)
    if link.naive is None or n < 2:
        return ""
    said = (
        f"Adding the {words.spelled(n)} signals up as if they were independent would have claimed"
    )
    return f"{said} {words.plain(link.naive)}."


def stretches(link: Link) -> str:
    """Say how many simultaneous stretches were seen, and how many chance would give."""
    kept = [s for s in link.stretches if s.excluded is None]
    dropped = len(link.stretches) - len(kept)
    if not link.stretches:
        return "No simultaneous stretch was seen."
    said = words.counted(len(kept), "simultaneous stretch", "simultaneous stretches")
    said += "." if link.alibi else ": no alibi."
    more = words.counted(dropped, "more was", "more were")
    return f"{said} {more} automated and left out." if dropped else said


def stretch_rows(link: Link) -> tuple[tuple[str, str, int, str], ...]:
    """Return the day, length and edits of each stretch, the longest first."""
    ordered = sorted(link.stretches, key=lambda s: (s.start - s.end, s.start))
    return tuple(
        (
            words.day(s.start),
            words.duration((s.end - s.start).total_seconds()),
            s.n_edits,
            clean(s.excluded or ""),
        )
        for s in ordered[:MOST_STRETCHES]
    )


def changed(link: Link, lines: Sequence[Line], threshold: float | None) -> str:
    """Say in a sentence what the plot of omissions shows."""
    tests = lines[1:]
    if link.flagged or (link.direction == "for" and threshold is not None):
        return _flag_changed(tests, threshold, flagged=link.flagged)
    if link.direction == "against":
        return _against_changed(tests)
    moved = max(tests, key=lambda item: abs(item[1] - lines[0][1]))
    return f"{moved[0]} changes it most, to {words.plain(moved[1])}."


def _flag_changed(tests: Sequence[Line], threshold: float | None, *, flagged: bool) -> str:
    fallen = sum(falls(item[2], threshold) for item in tests)
    if not flagged and fallen == len(tests):
        return f"Hollow: the low end is under the flag{words.APOS}s threshold, in every test."
    if not flagged:
        lifted = f"{len(tests) - fallen} of {len(tests)} omissions"
        return f"{lifted} lift the low end to the flag{words.APOS}s threshold."
    if not fallen:
        return f"The flag stands in all {len(tests)} tests."
    return f"Hollow: no longer flagged. This link loses its flag in {fallen} of {len(tests)} tests."


def _against_changed(tests: Sequence[Line]) -> str:
    highest = max(tests, key=lambda item: item[1])
    if highest[1] >= 0:
        return f"{highest[0]}, it no longer speaks against: {words.plain(highest[1])}."
    most = f"the highest of {len(tests)} tests is {words.plain(highest[1])}"
    return f"No single omission makes it speak for one operator: {most}."


def _hours(pair: Sequence[Account], shared: Desk) -> Chart:
    offset = case_offset(shared.data.case)
    weeks = [week_counts(account.life.times, offset) for account in pair]
    cards = [(shared.cards[a.user], f"card-{a.number}") for a in pair]
    return hours_of([account.label for account in pair], weeks, cards)


def _bins(axis: Weeks, counts: Sequence[np.ndarray]) -> tuple[tuple[str, int, int], ...]:
    starts = [
        pd.Timestamp(axis.start) + pd.Timedelta(weeks=axis.weeks * i) for i in range(axis.n_bins)
    ]
    rows = zip(starts, counts[0], counts[1], strict=True)
    return tuple((words.day(start), int(a), int(b)) for start, a, b in rows if a or b)


def signal_lines(link: Link, shared: Desk) -> tuple[SignalLine, ...]:
    """Return the signals by family, in each the one that adds most first."""
    order = {family: i for i, family in enumerate((IMITATION, *FAMILIES))}
    ordered = sorted(
        link.signals,
        key=lambda s: (order.get(s.family, 9), s.family, -abs(s.contribution or 0), s.name),
    )
    return tuple(_signal_line(signal, link, shared) for signal in ordered)


def _signal_line(signal: Signal, link: Link, shared: Desk) -> SignalLine:
    open_ = signal.status != "ok"
    return SignalLine(
        signal.family,
        clean(signal.name),
        signal_about(signal.name),
        STATUS.get(signal.status, signal.status) if open_ else _alone(signal, link),
        words.DASH if open_ else words.signed(signal.contribution),
        _found(signal),
        _diffs(signal, link, shared),
    )


def _alone(signal: Signal, link: Link) -> str:
    """Return the signal's own number; its bare score where nothing is calibrated."""
    if link.log10_lr is None and signal.score is not None:
        return words.plain(signal.score)
    return words.signed(signal.log10_lr)


def _found(signal: Signal) -> str:
    if signal.status == "not_available" or signal.family == RIVALS:
        return words.DASH
    return support_words(signal.name, signal.support, enough=signal.status == "ok")


def _diffs(signal: Signal, link: Link, shared: Desk) -> Markup:
    """Return links to the edits that moved a signal most, each with its account's mark."""
    known = [shared.editing.revisions.get(text) for text in signal.rev_ids]
    edits = sorted((k for k in known[:MOST_DIFFS] if k), key=lambda k: (k[1].at, k[1].rev_id))
    said = [_diff(page, edit, (link, shared)) for page, edit in edits]
    more = len(signal.rev_ids) - len(edits)
    if more:
        said.append(Markup('<span class="mut nb">{} more in evidence.parquet</span>').format(more))
    return Markup(" ").join(said) if said else NOTHING


def _diff(page: str, edit: Edit, place: tuple[Link, Desk]) -> Markup:
    link, shared = place
    at = diff_link(shared.data.case, edit.rev, words.day(edit.at))
    shown = Markup('<span class="nb" title="{}">{} {}</span>')
    return shown.format(clean(page), mark(second=edit.user == link.b), at)


MOST = 10
"""Omissions that are drawn: those that change most. The table beside has all."""


def omission_lines(link: Link, names: Sequence[str]) -> list[Line]:
    """Return the link itself, then each omission, from the one that changes least."""
    whole = (WHOLE, link.log10_lr or 0.0, link.low, link.high)
    alone = _of_one_signal(link)
    given = [
        (name, o.log10_lr, o.low, None)
        for name, o in zip(names, link.omissions, strict=True)
        if o.log10_lr is not None and o.omitted not in alone
    ]
    return [whole, *sorted(given, key=lambda line: (abs(line[1] - whole[1]), line[0]))]


def _of_one_signal(link: Link) -> set[str]:
    """Return the omissions of signals that are all of their family: the family's says it."""
    families: dict[str, list[str]] = {}
    for signal in link.signals:
        families.setdefault(signal.family, []).append(signal.name)
    tested = {o.omitted for o in link.omissions}
    return {
        f"signal:{names[0]}"
        for family, names in families.items()
        if len(names) == 1 and f"family:{family}" in tested
    }


def merged(lines: Sequence[Line]) -> list[Line]:
    """Draw omissions that leave both numbers as they are, to one decimal, as one."""
    whole, tests = lines[0], lines[1:]
    same = [t for t in tests if _rounded(t) == _rounded(whole)]
    if len(same) < 3:
        return [whole, *tests[-MOST:]]
    others = [t for t in tests if t not in same][-MOST + 1 :]
    said = f"Without any one of {len(same)} more" if others else f"Without any one of {len(same)}"
    return [whole, (said, *same[0][1:]), *others]


def _rounded(line: Line) -> tuple[str, str]:
    return words.plain(line[1]), "" if line[2] is None else words.plain(line[2])
