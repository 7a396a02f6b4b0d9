"""Which links get a section, in which order, and what stands in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from markupsafe import Markup

from sockgraph.names import clean
from sockgraph.report import alibi, changes, pages, timecards, timeline
from sockgraph.report import wording as words
from sockgraph.report.data import FULL_LIMIT, nearest_miss
from sockgraph.report.markup import anchor, diff_link, name, pair_name
from sockgraph.report.small import mark
from sockgraph.report.waterfall import STATUS, family_rows, page_scale, waterfall
from sockgraph.report.wording import (
    FAMILIES,
    HOURS_SIGNAL,
    RIVALS,
    omitted_words,
    signal_about,
    support_words,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from sockgraph.report.changes import Line
    from sockgraph.report.data import Link, ReportData, Signal
    from sockgraph.report.facts import Account
    from sockgraph.report.pages import Edit, Editing, SharedPage
    from sockgraph.report.waterfall import Row, Scale

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
    waterfall: Markup | None
    has_open: bool
    naive: str
    signals: tuple[SignalLine, ...]
    cards: Markup
    has_strip: bool
    line: Markup | None
    bins: tuple[tuple[str, int, int], ...]
    per: str
    stretches: str
    stretch_rows: tuple[tuple[str, str, int, str], ...]
    alibi: Markup | None
    pages: tuple[SharedPage, ...]
    n_pages: int
    changes: Markup | None
    changed: str
    changed_rows: tuple[Line, ...]


@dataclass(frozen=True)
class Desk:
    """What every section of one page needs."""

    data: ReportData
    accounts: Mapping[str, Account]
    editing: Editing
    scale: Scale
    rows: Mapping[tuple[str, str], tuple[Row, ...]]
    hours: tuple[tuple[float, float], ...]


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
    """Prepare what the sections share: edits by page, one scale, the hours' distribution."""
    rows = {k.pair: family_rows(k) for k in links if k.log10_lr is not None}
    scale = page_scale([(k, rows[k.pair]) for k in links if k.pair in rows])
    editing = pages.read_editing(data.edits, links)
    return Desk(data, accounts, editing, scale, rows, _hours(data))


def _hours(data: ReportData) -> tuple[tuple[float, float], ...]:
    """Return the distribution of the hours' signal over pairs of different reference accounts."""
    table = data.reference.dropna(subset=["value"])
    kept = table[(table["signal"] == HOURS_SIGNAL) & (table["stratum"] == "different")]
    rows = kept.sort_values("quantile", kind="stable")
    return tuple(zip(rows["quantile"].astype(float), rows["value"].astype(float), strict=True))


def section(link: Link, number: int, shared: Desk) -> Section:
    """Lay out one link."""
    data, pair = shared.data, (shared.accounts[link.a], shared.accounts[link.b])
    found, n_pages = pages.shared_pages(link, shared.editing)
    axis = timeline.axis_of(pair)
    counts = [axis.counts(account) for account in pair] if axis else []
    strip = _strip(link, shared)
    threshold = data.case.evidence.flag_log10_lr if link.direction == "for" else None
    lines = changes.lines_of(link, [sentence(omitted_words(o.omitted)) for o in link.omissions])
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
        waterfall=waterfall(link, shared.rows[link.pair], shared.scale)
        if link.pair in shared.rows
        else None,
        has_open=any(row.kind == "open" for row in shared.rows.get(link.pair, ())),
        naive=naive(link),
        signals=signal_lines(link, shared),
        cards=timecards.timecards(pair, [a.number for a in pair], strip),
        has_strip=bool(strip),
        line=timeline.timeline(pair, link.stretches, axis) if axis else None,
        bins=_bins(axis, counts) if axis else (),
        per=timeline.unit(axis) if axis else "",
        stretches=stretches(link),
        stretch_rows=stretch_rows(link),
        alibi=alibi.alibi(pair, link.stretches) if link.stretches else None,
        pages=tuple(found),
        n_pages=n_pages,
        changes=changes.changes(changes.merged(lines), threshold) if tested else None,
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
    falls = sum(changes.falls(item, threshold) for item in tests)
    if not flagged and falls == len(tests):
        return f"Hollow: the low end is under the flag{words.APOS}s threshold, in every test."
    if not flagged:
        lifted = f"{len(tests) - falls} of {len(tests)} omissions"
        return f"{lifted} lift the low end to the flag{words.APOS}s threshold."
    if not falls:
        return f"The flag stands in all {len(tests)} tests."
    return f"Hollow: no longer flagged. This link loses its flag in {falls} of {len(tests)} tests."


def _against_changed(tests: Sequence[Line]) -> str:
    highest = max(tests, key=lambda item: item[1])
    if highest[1] >= 0:
        return f"{highest[0]}, it no longer speaks against: {words.plain(highest[1])}."
    most = f"the highest of {len(tests)} tests is {words.plain(highest[1])}"
    return f"No single omission makes it speak for one operator: {most}."


def _strip(link: Link, shared: Desk) -> list[Markup]:
    signal = next((s for s in link.signals if s.name == HOURS_SIGNAL and s.score is not None), None)
    if signal is None or signal.score is None or len(shared.hours) < 5:
        return []
    return timecards.strip("Likeness of hours", shared.hours, signal.score)


def _bins(axis: timeline.Axis, counts: Sequence[np.ndarray]) -> tuple[tuple[str, int, int], ...]:
    starts = [axis.start + pd.Timedelta(weeks=axis.weeks * i) for i in range(axis.n_bins)]
    rows = zip(starts, counts[0], counts[1], strict=True)
    return tuple((words.day(start), int(a), int(b)) for start, a, b in rows if a or b)


def signal_lines(link: Link, shared: Desk) -> tuple[SignalLine, ...]:
    """Return the signals by family, in each the one that adds most first."""
    order = {family: i for i, family in enumerate(FAMILIES)}
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
