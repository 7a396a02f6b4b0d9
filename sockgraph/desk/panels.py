"""The explorer's panels as inert HTML: names and summaries escaped, hidden characters visible."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from markupsafe import Markup

from sockgraph.charts.activity import card, hours_of, timeline_of, week_counts
from sockgraph.charts.waterfall import waterfall
from sockgraph.desk import facts
from sockgraph.desk.phrases import pattern_of, shared_phrases
from sockgraph.names import clean, name_notes
from sockgraph.report.groups import held_by, loses, weakest
from sockgraph.report.markup import name
from sockgraph.report.wording import (
    DASH,
    NBSP,
    chips,
    counts,
    explained,
    family_label,
    headline,
    interval,
    listed,
    omitted_words,
    plain,
    signal_about,
    signed,
    state_words,
    support_words,
)
from sockgraph.schema import subject_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sockgraph.desk.state import Desk
    from sockgraph.report.data import Link, Signal
    from sockgraph.report.groups import Group

HYPOTHESES = (
    "H1: one operator. H2: different people of the same community (same pages, language and "
    "active hours). Public edits cannot exclude friends, colleagues or shared scripts."
)
STATUS = {"insufficient": "insufficient", "not_available": "not available"}


def head(desk: Desk, link: Link) -> Markup:
    """Return who is compared, in which state, and the headline."""
    a, b = (desk.accounts[user] for user in link.pair)
    frames = Markup("").join(
        Markup('<span class="state {}">{}</span>').format(*c) for c in chips(link)
    )
    state = state_words(link)
    notes = Markup("").join(_paragraph(note, "note") for note in name_notes(link.pair))
    return notes + Markup(
        '<div class="who"><b>{} {}</b> {:,} edits &nbsp;–&nbsp; <b>{} {}</b> {:,} edits{} {}</div>'
        '<p class="headline">{}</p>'
    ).format(
        _mark(), name(link.a), a.n_edits, _mark(second=True), name(link.b), b.n_edits,
        frames, state, headline(link, desk.data.calibration.get("reason")),
    )  # fmt: skip


def evidence(desk: Desk, link: Link) -> Markup:
    """Return the waterfall, every signal, and what would change the number."""
    drawn = None
    if link.log10_lr is not None:
        row = facts.pair_rows(desk.tables, "links", *link.pair).iloc[0]
        left_out = desk.tables["omissions"]
        ours = left_out[left_out["subject"] == subject_of(*link.pair)]
        drawn = waterfall(row, desk.tables["evidence"], ours)
    parts = [
        Markup('<div class="waterfall">{}</div>').format(drawn)
        if drawn is not None
        else Markup(""),
        _paragraph(HYPOTHESES, "note"),
        _paragraph(explained(link)),
        _paragraph(counts(link)),
        _signals(link),
        _omissions(link),
    ]
    return Markup("").join(parts)


def timecards(desk: Desk, link: Link) -> Markup:
    """Return both accounts' hours of the week, UTC, and how much of them is the same."""
    pair = [desk.accounts[user] for user in link.pair]
    weeks = [week_counts(account.life.times) for account in pair]
    labels = [account.label for account in pair]
    cards = [
        (card(label, week, turned=False, hollow=hollow), "")
        for label, week, hollow in zip(labels, weeks, (False, True), strict=True)
    ]
    known = facts.hours_in_common(desk.tables, *link.pair)
    said = (
        f"In common {known['overlap']:.2f}; {known['expected']:.2f} is what either has in common "
        f"with the other {known['n_others']:,} accounts of the case (median)."
    )
    note = "UTC here only; shared pages turn the hours. They are compared, never placed."
    drawn = Markup('<div class="wide">{}</div>').format(hours_of(labels, weeks, cards))
    return drawn + _paragraph(said) + _paragraph(note, "note")


def timeline(desk: Desk, link: Link) -> Markup:
    """Return both accounts over time, and every event in words."""
    lives = [desk.accounts[user].life for user in link.pair]
    drawn = timeline_of(lives, [s.start for s in link.stretches if s.excluded is None])
    if drawn is None:
        return _paragraph("Neither account has an edit that was read.")
    rows = facts.timeline(desk.tables, *link.pair)
    table = _table(
        ("When", "Account", "What"),
        (
            (
                Markup('<span class="nb">{}{}</span>').format(
                    f"{row.start:%Y-%m-%d %H:%M}",
                    "" if pd.isna(row.end) else f" to {row.end:%Y-%m-%d %H:%M}",
                ),
                "both" if row.user is None or pd.isna(row.user) else name(str(row.user)),
                _event(row.kind, row.words),
            )
            for row in facts.each(rows)
        ),
    )
    return Markup('<div class="wide">{}</div>{}').format(drawn, table)


def summaries(desk: Desk, link: Link) -> Markup:
    """Return phrases that both wrote and few others did, each with a summary of either."""
    found = shared_phrases(desk.tables, *link.pair, voices=desk.voices)
    if found.empty:
        return _paragraph("No phrase of two words or more stands in summaries of both accounts.")
    said = desk.tables["edits"].dropna(subset=["comment"])
    lines = {user: said.loc[said["user"] == user, "comment"].tolist() for user in link.pair}
    rows = (
        (
            Markup("<mark>{}</mark>").format(clean(row.phrase)),
            f"{row.n_a:,}",
            f"{row.n_b:,}",
            f"{row.others:,} of {row.of_others:,}",
            *(_example(lines[user], str(row.phrase)) for user in link.pair),
        )
        for row in facts.each(found)
    )
    heads = ("Phrase of both", "●", "○", "Others who wrote it", "● for example", "○ for example")
    note = "Those that fewest others wrote come first. Common phrases of a community tell nothing."
    return _table(heads, rows) + _paragraph(note, "note")


def group(desk: Desk, found: Group) -> Markup:
    """Return what a group rests on."""
    inside = [
        desk.link(*link.pair) for link in desk.links.values() if set(link.pair) <= set(found.users)
    ]
    worst = weakest(found, inside)
    lost = desk.omitted.get(subject_of(*found.users), ())
    status = "stable" if found.stable else "unresolved: under 90 % of what was left out keeps it"
    lines = [
        Markup("<b>Group {}</b> <span class='mut'>{}</span>").format(found.number, status),
        Markup(", ").join(name(user) for user in found.users),
    ]
    if worst is not None:
        lines.append(
            Markup("Weakest link: {} – {}, {} {}").format(
                name(worst.a),
                name(worst.b),
                signed(worst.log10_lr),
                interval(worst.low, worst.high),
            )
        )
    lines.append(Markup("Held together by {}.").format(held_by(found, inside)))
    lines.append(
        Markup("What it would lose without one account, signal or week: {}").format(loses(lost))
    )
    return Markup("<br>").join(lines)


def _signals(link: Link) -> Markup:
    rows = (
        (
            family_label(signal.family),
            Markup("{}<br><small class='mut'>{}</small>").format(
                clean(signal.name), signal_about(signal.name)
            ),
            signed(signal.log10_lr) if signal.status == "ok" else STATUS[signal.status],
            signed(signal.contribution) if signal.status == "ok" else DASH,
            support_words(signal.name, signal.support, enough=signal.status == "ok"),
            _opens_edits(signal),
        )
        for signal in sorted(
            link.signals, key=lambda s: (s.contribution is None, s.contribution or 0)
        )
    )
    heads = ("Family", "Signal", "log10 LR alone", "adds", "rests on", "its edits")
    return Markup("<h4>Every signal, against first</h4>{}").format(_table(heads, rows))


def _opens_edits(signal: Signal) -> Markup:
    """Return a button that opens a signal's own edits; the page listens for `data-signal`."""
    if not signal.rev_ids:
        return Markup("&ndash;")
    said = f"{len(signal.rev_ids)} edit" + ("s" if len(signal.rev_ids) > 1 else "")
    return Markup('<button class="small" data-signal="{}">{}</button>').format(
        clean(signal.name), said
    )


def _omissions(link: Link) -> Markup:
    falls = [omitted_words(o.omitted) for o in link.omissions if o.eligible is False]
    if not link.omissions:
        return Markup("")
    low = min((o for o in link.omissions if o.log10_lr is not None), key=lambda o: o.log10_lr or 0)
    said = f"Lowest {omitted_words(low.omitted)}: log10{NBSP}LR {plain(low.log10_lr or 0)}."
    if link.flagged:
        said += (
            f" It has not what a flag asks {listed(falls)}."
            if falls
            else " It has what a flag asks without any of them."
        )
    return Markup("<h4>What would change it</h4>{}").format(_paragraph(said))


def _example(lines: Sequence[str], phrase: str) -> Markup:
    """Return the first summary that holds a phrase, however it sets its tokens apart."""
    found = next(filter(None, map(pattern_of(phrase).search, lines)), None)
    if found is None:
        return Markup("&ndash;")
    before, after = found.string[: found.start()], found.string[found.end() :]
    quoted = Markup("<bdi>{}<mark>{}</mark>{}</bdi>")
    return quoted.format(clean(before[-60:]), clean(found.group()), clean(after[:60]))


def _table(heads: Sequence[str], rows: Iterable[Sequence[Markup | str]]) -> Markup:
    cells = Markup("").join(Markup("<th>{}</th>").format(h) for h in heads)
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(Markup("").join(Markup("<td>{}</td>").format(c) for c in row))
        for row in rows
    )
    return Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(cells, body)


def _paragraph(text: str, cls: str = "") -> Markup:
    return Markup('<p class="{}">{}</p>').format(cls, text) if text else Markup("")


def _event(kind: str, words: str) -> str:
    return clean(words) if words.startswith(kind) else f"{kind}: {clean(words)}"


def _mark(*, second: bool = False) -> str:
    return "○" if second else "●"
