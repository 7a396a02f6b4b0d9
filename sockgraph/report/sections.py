"""Which links get a section, in which order, and what stands in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from sockgraph.charts.activity import (
    hours_beside,
    hours_card,
    simultaneous,
    timeline_of,
    week_bins,
    week_counts,
)
from sockgraph.charts.curves import reference_strip
from sockgraph.charts.groups import leave_one_out
from sockgraph.charts.marks import each
from sockgraph.charts.waterfall import NARROW, page_axis, waterfall, waterfall_steps
from sockgraph.names import clean
from sockgraph.report import facts
from sockgraph.report import wording as words
from sockgraph.report.data import FULL_LIMIT, nearest_miss, pair_tables
from sockgraph.report.facts import case_offset
from sockgraph.report.markup import anchor, diff_link, joined, mark, name
from sockgraph.report.summary import flag_standing, reference_pairs
from sockgraph.report.wording import (
    FAMILIES,
    IMITATION,
    RIVALS,
    listed,
    omitted_words,
    signal_about,
    support_words,
)
from sockgraph.strings import say, tell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from sockgraph.charts import Chart
    from sockgraph.charts.activity import WeekBins
    from sockgraph.charts.marks import Mark
    from sockgraph.charts.waterfall import Axis
    from sockgraph.report.data import Link, PairTables, ReportData, SignalRow
    from sockgraph.report.facts import Account, EditIndex, QuotedEdit, SharedPage

STATUS = {"insufficient": "insufficient", "not_available": "not available"}
MOST_SECTIONS = 100
MOST_AGAINST = 5
MOST_DIFFS = 6
MOST_STRETCHES = 60
MEETINGS = 4
"""Pages that show an edit of either account side by side."""
SMALLEST = 0.05  # what a family must add to be named among what speaks: less is written as 0.0
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
class SharedPageLine:
    """A page that both accounts edited: an edit of each, and the time between them."""

    page: SharedPage
    a: QuotedEdit
    b: QuotedEdit


@dataclass(frozen=True)
class LinkLine:
    """A link in one line, and what it opens to."""

    anchor: str
    link: Link
    title: Markup
    chips: tuple[tuple[str, str], ...]
    tone: str
    number: str
    interval: str
    words: str
    n_pages: int
    needed: Markup
    overlap: str
    created_after: str
    trail: tuple[str, ...]
    waterfall: Chart | None
    meetings: tuple[SharedPageLine, ...]


@dataclass(frozen=True)
class LinkSection:
    """Everything one link's section shows."""

    line: LinkLine
    state: str
    headline: str
    asserted: Markup
    explained: str
    counts: str
    missed: tuple[str, ...]
    next_step: str
    narrow: Chart | None
    against: tuple[Markup, ...]
    for_: tuple[Markup, ...]
    colleagues: Chart | None
    colleague_words: Markup
    naive: str
    signals: tuple[SignalLine, ...]
    cards: Chart
    timeline: Chart | None
    bins: tuple[tuple[str, int, int], ...]
    stretches: str
    stretch_rows: tuple[tuple[str, str, int, str], ...]
    alibi: Chart | None
    pages: tuple[SharedPage, ...]
    changes: Chart | None
    changed: str
    changed_rows: tuple[words.Omitted, ...]


@dataclass(frozen=True)
class SectionContext:
    """What every section of one page needs."""

    data: ReportData
    accounts: Mapping[str, Account]
    editing: EditIndex
    axis: Axis
    tables: Mapping[tuple[str, str], PairTables]
    steps: Mapping[tuple[str, str], pd.DataFrame]
    cards: Mapping[str, tuple[Mark, ...]]


def choose_links(links: Sequence[Link], n_accounts: int) -> tuple[list[Link], list[Link]]:
    """Return the links told in full, and those told in a line; many accounts' are not all told.

    In full are links that were asserted, the case's own question first, flagged or reviewed.
    """
    ordered = sorted(links, key=_order)
    held = [link for link in ordered if link.flagged or link.state != "none"]
    rest = [link for link in ordered if not link.flagged and link.state == "none"]
    if n_accounts <= FULL_LIMIT:
        return held[:MOST_SECTIONS], [*held[MOST_SECTIONS:], *rest]
    against = [link for link in rest if link.direction == "against"]
    nearest = nearest_miss(links)
    extra = [nearest] if nearest in rest and not any(k.flagged for k in held) and nearest else []
    against = [link for link in against if link not in extra]
    return held[:MOST_SECTIONS], [*extra, *against[-MOST_AGAINST:]]


def _order(link: Link) -> tuple[int, float, float, tuple[str, str]]:
    """Sort the case's own question first, then flagged and stated links, the others by strength."""
    value = link.log10_lr if link.log10_lr is not None else link.score or 0.0
    rank = 4 if link.insufficient else 3
    if link.earlier is not None:
        rank = 0
    elif link.flagged or link.state != "none":
        rank = 1 if link.flagged else 2
    return rank, -value, -(link.score or 0.0), link.pair


def section_context(
    data: ReportData, links: Sequence[Link], accounts: Mapping[str, Account]
) -> SectionContext:
    """Prepare what the sections share: edits by page, one axis, each account's week."""
    tables = pair_tables(data, [link.pair for link in links])
    steps = {
        pair: waterfall_steps(known.link, known.evidence, known.omissions)
        for pair, known in tables.items()
        if pd.notna(known.link["log10_lr"])
    }
    axis = page_axis((tables[pair].link, rows) for pair, rows in steps.items())
    editing = facts.index_edits(data.edits, links)
    offset = case_offset(data.case)
    cards = {
        user: hours_card(account.label, week_counts(account.life.times, offset), turned=True)
        for user, account in accounts.items()
    }
    return SectionContext(data, accounts, editing, axis, tables, steps, cards)


def link_line(link: Link, anchor: str, shared: SectionContext, *, full: bool = False) -> LinkLine:
    """Lay out one link in a line; of one not told in full, with what the line opens to."""
    tables, (a, b) = shared.tables[link.pair], (shared.accounts[user] for user in link.pair)
    found, n_pages = facts.shared_pages(link, shared.editing)
    days = facts.overlap_days(a, b)
    told = link.log10_lr is not None
    steps = shared.steps[link.pair] if told else None
    drawn = waterfall(tables.link, tables.evidence, axis=shared.axis, steps=steps) if told else None
    shown = sorted(found, key=lambda page: page.seconds)[: MEETINGS if full else 2]
    return LinkLine(
        anchor=anchor,
        link=link,
        title=tell("{a} and {b}", a=name(link.a), b=name(link.b)),
        chips=tuple(words.chips(link)),
        tone={"for": "cf", "against": "ca"}.get(link.direction, ""),
        number=words.number(link) if told else words.DASH,
        interval=words.interval_of(link) if told else "",
        words=say(link.band)
        if told
        else say("too few edits" if link.insufficient else "no number"),
        n_pages=n_pages,
        needed=_needed(link, shared) if link.insufficient else Markup(""),
        overlap=words.DASH if days is None else words.counted(days, "day"),
        created_after=facts.created_after(a, b),
        trail=link.trail,
        waterfall=drawn,
        meetings=tuple(_meeting(page, link) for page in shown),
    )


def _meeting(page: SharedPage, link: Link) -> SharedPageLine:
    a, b = (page.first, page.then) if page.first.user == link.a else (page.then, page.first)
    return SharedPageLine(page, a, b)


def _needed(link: Link, shared: SectionContext) -> Markup:
    """Say what was found of a pair with too few edits, and what would have been needed."""
    asked = shared.data.case.accounts.min_edits
    short = [shared.accounts[user] for user in link.pair if shared.accounts[user].n_times < asked]
    said = [
        tell(
            "{who} has {edits} at {times}",
            who=name(a.user),
            edits=words.counted(a.n_edits, "edit"),
            times=words.counted(a.n_times, "distinct time"),
        )
        for a in short
    ]
    if not said:
        return tell("No signal found enough in both accounts.")
    return tell("{found}; {asked} are needed.", found=joined(said), asked=asked)


def link_section(link: Link, anchor: str, shared: SectionContext) -> LinkSection:
    """Lay out one link in full."""
    data, pair = shared.data, (shared.accounts[link.a], shared.accounts[link.b])
    found, _ = facts.shared_pages(link, shared.editing)
    lives = [account.life for account in pair]
    weeks = week_bins(lives)
    counts = [weeks.counts(life.times) for life in lives] if weeks else []
    tables = shared.tables[link.pair]
    names = [sentence(omitted_words(o.omitted)) for o in link.omissions]
    left_out = words.omission_lines(link, names)
    tested = link.log10_lr is not None and len(left_out) > 1
    against, for_ = arguments(link, tables)
    strip, said = among_reference(link, data, tables.link)
    narrow = (
        None
        if link.log10_lr is None
        else waterfall(tables.link, tables.evidence, axis=shared.axis, width=NARROW)
    )
    return LinkSection(
        line=link_line(link, anchor, shared, full=True),
        state=words.state_label(link.state),
        headline=words.headline(link, data.calibration.get("reason")),
        asserted=asserted(link),
        explained=words.explained(link),
        counts=words.counts(link),
        missed=tuple(words.reason(r) for r in link.reasons),
        next_step=sentence(words.next_step(link)),
        narrow=narrow,
        against=against,
        for_=for_,
        colleagues=strip,
        colleague_words=said,
        naive=naive_sum(link),
        signals=signal_lines(link, shared),
        cards=_hours(pair, shared),
        timeline=timeline_of(lives, [s.start for s in link.stretches if s.excluded is None]),
        bins=_bins(weeks, counts) if weeks else (),
        stretches=stretches(link),
        stretch_rows=stretch_rows(link),
        alibi=simultaneous(lives, tables.alibis),
        pages=tuple(found),
        changes=leave_one_out(words.merge_omissions(left_out)) if tested else None,
        changed=words.omissions_sentence(link, left_out) if tested else "",
        changed_rows=tuple(left_out) if tested else (),
    )


def arguments(link: Link, tables: PairTables) -> tuple[tuple[Markup, ...], tuple[Markup, ...]]:
    """Return what speaks against and for one operator, a sentence a family, the strongest first."""
    if link.log10_lr is None:
        return (), ()
    steps = waterfall_steps(tables.link, tables.evidence)
    said: dict[str, list[Markup]] = {"against": [], "for": []}
    for step in each(steps[steps["kind"].isin(list(said))]):
        if abs(step.end - step.start) < SMALLEST:
            continue
        ours = [s for s in link.signals if s.family == step.family and s.contribution is not None]
        most = sorted(ours, key=lambda s: -abs(s.contribution or 0.0))[:2]
        what = listed([say(signal_about(s.name) or s.name) for s in most])
        add = words.signed(step.end - step.start)
        line = tell("<b>{family} {add}</b>: {what}.", family=say(step.title), add=add, what=what)
        said[step.kind].append(line)
    return tuple(said["against"]), tuple(said["for"][::-1])


def among_reference(
    link: Link, data: ReportData, known: Mapping[str, Any] | pd.Series, width: float = 300.0
) -> tuple[Chart | None, Markup]:
    """Draw how a link stands among pairs of different people, and say how many reach it.

    Parameters
    ----------
    known
        The link's row of `links`.
    width
        In pixels.
    """
    different = reference_pairs(data)
    if different is None or link.log10_lr is None:
        return None, Markup("")
    strip = reference_strip(different, threshold=flag_standing(data), link=known, width=width)
    n = int((different["standing"] >= (link.standing or 0.0)).sum())
    return strip, tell(
        "{n} of {all} known to be different people on the same pages stand out as much or more.",
        n=words.thousands(n),
        all=words.counted(len(different), "pair"),
    )


def sentence(text: str) -> str:
    """Return a text with a capital first letter, the rest as it is."""
    return text[:1].upper() + text[1:]


def asserted(link: Link) -> Markup:
    """Say who linked the two elsewhere, and what was done on it."""
    earlier = link.earlier
    if earlier is None:
        return Markup("")
    who = anchor(earlier.url, Markup("{}, {}").format(name(earlier.by), words.day(earlier.date)))
    if earlier.action:
        return tell(
            "A finding made outside this toolkit links these two ({who}); the action taken on it:"
            " {action}. ",
            who=who,
            action=say(earlier.action),
        )
    return tell("A finding made outside this toolkit links these two ({who}). ", who=who)


def naive_sum(link: Link) -> str:
    """Say what adding the signals up would have claimed."""
    n = sum(s.log10_lr is not None and s.family != words.RIVALS for s in link.signals)
    if link.naive is None or n < 2:
        return ""
    return say(
        "Adding the {n} signals up as if they were independent would have claimed {claimed}.",
        n=words.spelled(n),
        claimed=words.plain(link.naive),
    )


def stretches(link: Link) -> str:
    """Say how many simultaneous stretches were seen, and how many chance would give."""
    kept = [s for s in link.stretches if s.excluded is None]
    dropped = len(link.stretches) - len(kept)
    if not link.stretches:
        return say("No simultaneous stretch was seen.")
    said = words.counted(len(kept), "simultaneous stretch", "simultaneous stretches")
    said += say(".") if link.alibi else say(": no alibi.")
    if not dropped:
        return said
    more = words.counted(dropped, "more was", "more were")
    return said + say(" {more} automated and left out.", more=more)


def stretch_rows(link: Link) -> tuple[tuple[str, str, int, str], ...]:
    """Return the day, length and edits of each stretch, the longest first."""
    ordered = sorted(link.stretches, key=lambda s: (s.start - s.end, s.start))
    return tuple(
        (
            words.day(s.start),
            words.duration((s.end - s.start).total_seconds()),
            s.n_edits,
            clean(say(s.excluded) if s.excluded else ""),
        )
        for s in ordered[:MOST_STRETCHES]
    )


def _hours(pair: Sequence[Account], shared: SectionContext) -> Chart:
    offset = case_offset(shared.data.case)
    weeks = [week_counts(account.life.times, offset) for account in pair]
    cards = [(shared.cards[a.user], f"card-{a.number}") for a in pair]
    return hours_beside([account.label for account in pair], weeks, cards)


def _bins(axis: WeekBins, counts: Sequence[np.ndarray]) -> tuple[tuple[str, int, int], ...]:
    starts = [
        pd.Timestamp(axis.start) + pd.Timedelta(weeks=axis.weeks * i) for i in range(axis.n_bins)
    ]
    rows = zip(starts, counts[0], counts[1], strict=True)
    return tuple((words.day(start), int(a), int(b)) for start, a, b in rows if a or b)


def signal_lines(link: Link, shared: SectionContext) -> tuple[SignalLine, ...]:
    """Return the signals by family, in each the one that adds most first."""
    order = {family: i for i, family in enumerate((IMITATION, *FAMILIES))}
    ordered = sorted(
        link.signals,
        key=lambda s: (order.get(s.family, 9), s.family, -abs(s.contribution or 0), s.name),
    )
    return tuple(_signal_line(signal, link, shared) for signal in ordered)


def _signal_line(signal: SignalRow, link: Link, shared: SectionContext) -> SignalLine:
    open_ = signal.status != "ok"
    return SignalLine(
        signal.family,
        clean(signal.name),
        signal_about(signal.name),
        say(STATUS.get(signal.status, signal.status)) if open_ else _alone(signal, link),
        words.DASH if open_ else words.signed(signal.contribution),
        _found(signal),
        _diffs(signal, link, shared),
    )


def _alone(signal: SignalRow, link: Link) -> str:
    """Return the signal's own number; its bare score where nothing is calibrated."""
    if link.log10_lr is None and signal.score is not None:
        return words.plain(signal.score)
    return words.signed(signal.log10_lr)


def _found(signal: SignalRow) -> str:
    if signal.status == "not_available" or signal.family == RIVALS:
        return words.DASH
    return support_words(signal.name, signal.support, enough=signal.status == "ok")


def _diffs(signal: SignalRow, link: Link, shared: SectionContext) -> Markup:
    """Return links to the edits that moved a signal most, each with its account's mark."""
    known = [shared.editing.revisions.get(text) for text in signal.rev_ids]
    edits = sorted((k for k in known[:MOST_DIFFS] if k), key=lambda k: (k[1].at, k[1].rev_id))
    said = [_diff(page, edit, (link, shared)) for page, edit in edits]
    more = len(signal.rev_ids) - len(edits)
    if more:
        said.append(tell('<span class="mut nb">{n} more in evidence.parquet</span>', n=more))
    return Markup(" ").join(said) if said else NOTHING


def _diff(page: str, edit: QuotedEdit, place: tuple[Link, SectionContext]) -> Markup:
    link, shared = place
    at = diff_link(shared.data.case, edit.rev, words.day(edit.at))
    shown = Markup('<span class="nb" title="{}">{} {}</span>')
    return shown.format(clean(page), mark(second=edit.user == link.b), at)
