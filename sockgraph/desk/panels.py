"""The explorer's panels as inert HTML: names and summaries escaped, hidden characters visible."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from markupsafe import Markup

from sockgraph.charts.activity import hours_beside, hours_card, timeline_of, week_counts
from sockgraph.charts.waterfall import waterfall, waterfall_steps
from sockgraph.desk import each, hours_in_common
from sockgraph.desk import timeline as timeline_rows
from sockgraph.desk.tables import pattern_of, shared_phrases
from sockgraph.names import clean, name_notes
from sockgraph.report.groups import asked, held_by, weakest, who_else, worst_omission
from sockgraph.report.markup import mark, name
from sockgraph.report.sections import STATUS, among_reference
from sockgraph.report.summary import innocent_cases
from sockgraph.report.wording import (
    DASH,
    FAMILIES,
    chips,
    counted,
    counts,
    day,
    duration,
    explained,
    family_label,
    headline,
    interval_of,
    listed,
    number,
    omitted_words,
    plain,
    signal_about,
    signed,
    state_words,
    support_words,
    thousands,
)
from sockgraph.schema import subject_of
from sockgraph.strings import say, tell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sockgraph.desk.state import Desk, WhatIfResult
    from sockgraph.report.data import Link, SignalRow
    from sockgraph.report.groups import Group
    from sockgraph.reviews.states import Pair

HYPOTHESES = (
    "H1: one operator. H2: different people of the same community (same pages, language and"
    " active hours). Public edits cannot exclude friends, colleagues or shared scripts."
)
STRIP = 300.0
PARTS = {
    "against": "Against one operator",
    "absence": "Absence: looked for, and not seen. Neither for nor against",
    "for": "For one operator",
    "silent": "Could not speak",
    "correction": "Corrections, no evidence of their own",
}
"""The parts of the table of signals, in their order."""


def head(desk: Desk, link: Link) -> Markup:
    """Return who is compared, the headline, and how pairs of different people score."""
    notes = Markup("").join(_paragraph(note, "note") for note in name_notes(link.pair))
    frames = Markup("").join(
        Markup('<span class="state {}">{}</span>').format(cls, say(words))
        for cls, words in chips(link)
    )
    said = Markup('<p class="headline">{}{}<small class="mut">{}</small></p>').format(
        headline(link, desk.data.calibration.get("reason")), frames, say(state_words(link))
    )
    return Markup('<div class="who">{}{}{}{}</div>{}').format(
        notes, _roster(desk, link), _which_case(desk, link), said, _standing(desk, link)
    )


def _which_case(desk: Desk, link: Link) -> Markup:
    """Return, of either account that is no known operator's, which operator it is given to."""
    row = Markup('<p class="note"><b>{}</b> {}: <b>{}</b> ({})</p>')
    return Markup("").join(
        row.format(say("Which case?"), name(one.user), one.answer, one.ranked)
        for one in asked(desk.result.case, desk.tables["links"], desk.data.calibration)
        if one.user in link.pair
    )


def _roster(desk: Desk, link: Link) -> Markup:
    """Return both accounts: registered, first and last edit, edits read, blocks."""
    rows = []
    for i, user in enumerate(link.pair):
        known = desk.accounts[user]
        told = Markup("<b>{} {}</b>").format(mark(second=bool(i)), name(user))
        if user == desk.oldest:
            told += Markup(" <span class='mut'>{}</span>").format(say("oldest"))
        for other in desk.elsewhere.get(user, ()):
            also = say("also in case {case}, {day}", case=other.slug, day=other.run_on)
            told += Markup("<br><span class='mut'>{}</span>").format(also)
        rows.append(
            (
                told,
                *(day(at) for at in (known.registered, known.first)),
                f"{day(known.last)} {say('stale')}" if known.stale else day(known.last),
                thousands(known.n_edits),
                "; ".join(words for words, _ in known.restraints) or say("no"),
            )
        )
    heads = ("Account", "registered", "first edit", "last edit", "edits", "blocked")
    return _table(tuple(map(say, heads)), rows)


def _standing(desk: Desk, link: Link) -> Markup:
    """Draw how different people score, and say how many of them reach this number."""
    strip, said = among_reference(link, desk.data, desk.row(link.pair), STRIP)
    if strip is None:
        return Markup("")
    parts = Markup("<h4>{}</h4>{}").format(say("How far do colleagues stand out?"), strip)
    words = Markup(" ").join([said, *innocent_cases(desk.data)])
    return Markup('<div class="colleagues">{}<p class="note">{}</p></div>').format(parts, words)


def card(desk: Desk, link: Link) -> Markup:
    """Return a link in a few lines, for whoever points at it."""
    a, b = link.pair
    shared, closest = desk.meeting(a, b)
    met = counted(shared, "shared page")
    if closest is not None:
        met += say("; closest edits {gap} apart", gap=duration(closest))
    families = _families(desk, link)
    against = sum(_part(signal) == "against" for signal in link.signals)
    said = {
        "For": families["for"],
        "Against": [*families["against"], say("{n} of {all} signals", n=against, all=_heard(link))],
    }
    lines = [
        Markup("<b>{} × {}</b> <b class='{}'>{}</b> {}").format(
            name(a), name(b), link.direction, number(link), interval_of(link)
        ),
        *(
            Markup("<b>{}</b> {}").format(say(way), say(", ").join(words) or say("no family"))
            for way, words in said.items()
        ),
        Markup("{}").format(met),
    ]
    return Markup("<br>").join(lines)


def _families(desk: Desk, link: Link) -> dict[str, list[str]]:
    """Return the families that speak each way, with what each adds, the strongest first."""
    if link.log10_lr is None:
        return {"for": [], "against": []}
    tables = desk.tables_of(link.pair)
    steps = waterfall_steps(tables.link, tables.evidence)
    steps = steps.assign(size=(steps["end"] - steps["start"]).abs()).sort_values("size")[::-1]
    return {
        way: [
            f"{row.title} {signed(row.end - row.start)}"
            for row in each(steps[steps["kind"] == way])
        ]
        for way in ("for", "against")
    }


def _heard(link: Link) -> int:
    return sum(_part(signal) in {"against", "absence", "for"} for signal in link.signals)


def evidence(desk: Desk, link: Link) -> Markup:
    """Return the waterfall, every signal, and what would change the number."""
    if link.log10_lr is None:
        return _no_number(desk, link)
    tables = desk.tables_of(link.pair)
    drawn = waterfall(tables.link, tables.evidence, tables.omissions)
    parts = [
        Markup('<div class="waterfall">{}</div>').format(drawn),
        _paragraph(say(HYPOTHESES), "note"),
        *(_paragraph(line, "note") for line in who_else(desk.data.calibration)),
        _paragraph(explained(link)),
        _paragraph(counts(link)),
        _signals(link),
        Markup("<h4>{}</h4>{}").format(say("What would change it"), _paragraph(_omissions(link))),
        _what_if(desk, link),
    ]
    return Markup("").join(parts)


def _no_number(desk: Desk, link: Link) -> Markup:
    """Say why a pair has no number, and what each signal had to go on."""
    heads = ("Family", "Signal", "rests on", "its edits")
    keep = (0, 1, 4, 5)  # what no number stands in
    rows = (
        tuple(_signal_row(signal)[i] for i in keep)
        for signal in sorted(link.signals, key=lambda s: (s.family, s.name))
        if signal.family in FAMILIES
    )
    said = "There is no number. Edits, hours, timeline and summaries are shown all the same."
    parts = [
        _paragraph(headline(link, desk.data.calibration.get("reason"))),
        _paragraph(say(said), "note"),
        _table(tuple(map(say, heads)), rows),
    ]
    return Markup("").join(parts)


def timecards(desk: Desk, link: Link) -> Markup:
    """Return both accounts' hours of the week, UTC, and how much of them is the same."""
    pair = [desk.accounts[user] for user in link.pair]
    weeks = [week_counts(account.life.times) for account in pair]
    labels = [account.label for account in pair]
    cards = [
        (hours_card(label, week, turned=False, hollow=hollow), "")
        for label, week, hollow in zip(labels, weeks, (False, True), strict=True)
    ]
    known = hours_in_common(desk.tables, *link.pair)
    said = say(
        "In common {overlap}; {expected} is what either has in common with the other {n} accounts"
        " of the case (median).",
        overlap=f"{known['overlap']:.2f}",
        expected=f"{known['expected']:.2f}",
        n=thousands(int(known["n_others"])),
    )
    note = say("UTC here only; shared pages turn the hours. They are compared, never placed.")
    drawn = Markup('<div class="wide">{}</div>').format(hours_beside(labels, weeks, cards))
    return drawn + _paragraph(said) + _paragraph(note, "note")


def timeline(desk: Desk, link: Link) -> Markup:
    """Return both accounts over time, and every event in words."""
    lives = [desk.accounts[user].life for user in link.pair]
    drawn = timeline_of(lives, [s.start for s in link.stretches if s.excluded is None])
    if drawn is None:
        return _paragraph(say("Neither account has an edit that was read."))
    rows = timeline_rows(desk.tables, *link.pair)
    table = _table(
        tuple(map(say, ("When", "Account", "What"))),
        (
            (
                Markup('<span class="nb">{}{}</span>').format(
                    f"{row.start:%Y-%m-%d %H:%M}",
                    "" if pd.isna(row.end) else f" – {row.end:%Y-%m-%d %H:%M}",
                ),
                say("both") if row.user is None or pd.isna(row.user) else name(str(row.user)),
                _event(row.kind, row.words),
            )
            for row in each(rows)
        ),
    )
    return Markup('<div class="wide">{}</div>{}').format(drawn, table)


def summaries(desk: Desk, link: Link) -> Markup:
    """Return phrases that both wrote and few others did, each with a summary of either."""
    found = shared_phrases(desk.tables, *link.pair, voices=desk.voices)
    if found.empty:
        return _paragraph(
            say("No phrase of two words or more stands in summaries of both accounts.")
        )
    said = desk.tables["edits"].dropna(subset=["comment"])
    lines = {user: said.loc[said["user"] == user, "comment"].tolist() for user in link.pair}
    rows = (
        (
            Markup("<mark>{}</mark>").format(clean(row.phrase)),
            f"{row.n_a:,}",
            f"{row.n_b:,}",
            say("{n} of {all}", n=thousands(row.others), all=thousands(row.of_others)),
            *(_example(lines[user], str(row.phrase)) for user in link.pair),
        )
        for row in each(found)
    )
    example = say("for example")
    first, second = (mark(second=bool(i), of=user) for i, user in enumerate(link.pair))
    heads = (say("Phrase of both"), first, second, say("Others who wrote it"))
    note = "Those that fewest others wrote come first. Common phrases of a community tell nothing."
    examples = (Markup("{} {}").format(one, example) for one in (first, second))
    table = _table((*heads, *examples), rows)
    return table + _paragraph(say(note), "note")


def group(desk: Desk, found: Group) -> Markup:
    """Return what a group rests on."""
    inside = [
        desk.link(*link.pair) for link in desk.links.values() if set(link.pair) <= set(found.users)
    ]
    worst = weakest(found, inside)
    lost = desk.omitted.get(subject_of(*found.users), ())
    status = "stable" if found.stable else "unresolved: under 90 % of what was left out keeps it"
    lines = [
        Markup("<b>{}</b> <span class='mut'>{}</span>").format(
            say("Group {n}", n=found.number), say(status)
        ),
        Markup(", ").join(name(user) for user in found.users),
    ]
    if worst is not None:
        lines.append(
            tell(
                "Weakest link: {a} – {b}, {number}",
                a=name(worst.a),
                b=name(worst.b),
                number=number(worst),
            )
        )
    lines.append(tell("Held together by {families}.", families=held_by(found, inside)))
    lines.append(
        tell(
            "What it would lose without one account, signal or week: {what}",
            what=worst_omission(lost),
        )
    )
    return Markup("<br>").join(lines)


def _signals(link: Link) -> Markup:
    """Return every signal, part by part, what speaks against first."""
    by_part: dict[str, list[SignalRow]] = {part: [] for part in PARTS}
    for signal in sorted(link.signals, key=lambda s: (s.contribution or 0.0, s.name)):
        by_part[_part(signal)].append(signal)
    by_part["for"].reverse()  # the strongest of a part first
    heads = ("Family", "Signal", "log10 LR alone", "adds", "rests on", "its edits")
    tables = [
        Markup("<h4>{}</h4>{}").format(
            say(words),
            _table(tuple(map(say, heads)), map(_signal_row, by_part[part]))
            if by_part[part]
            else _paragraph(say("none found"), "note"),
        )
        for part, words in PARTS.items()
    ]
    return Markup("").join(tables)


def _part(signal: SignalRow) -> str:
    if signal.family not in FAMILIES:
        return "correction"
    if signal.status != "ok" or signal.contribution is None:
        return "silent"
    if signal.support == 0:
        return "absence"
    return "against" if signal.contribution < 0 else "for"


def _signal_row(signal: SignalRow) -> tuple[Markup | str, ...]:
    ok = signal.status == "ok"
    return (
        family_label(signal.family),
        Markup("{}<br><small class='mut'>{}</small>").format(
            say(clean(signal.name)), signal_about(signal.name)
        ),
        signed(signal.log10_lr) if ok else say(STATUS[signal.status]),
        signed(signal.contribution) if ok else DASH,
        support_words(signal.name, signal.support, enough=ok),
        _opens_edits(signal),
    )


def _opens_edits(signal: SignalRow) -> Markup:
    """Return a button that opens a signal's own edits; the page listens for `data-signal`."""
    if not signal.rev_ids:
        return Markup("&ndash;")
    return Markup('<button class="small" data-signal="{}">{}</button>').format(
        signal.name, counted(len(signal.rev_ids), "edit")
    )


def _omissions(link: Link) -> str:
    """Say what the number would fall to at most, and what would take the flag."""
    told = [o for o in link.omissions if o.log10_lr is not None]
    if not told:
        return ""
    low = min(told, key=lambda o: o.log10_lr or 0)
    said = say(
        "Lowest {omitted}: log10 LR {number}.",
        omitted=omitted_words(low.omitted),
        number=plain(low.log10_lr or 0),
    )
    if link.flagged:
        falls = [omitted_words(o.omitted) for o in told if o.eligible is False]
        said += " " + (
            say("It has not what a flag asks {omitted}.", omitted=listed(falls))
            if falls
            else say("It has what a flag asks without any of them.")
        )
    return said


def _what_if(desk: Desk, link: Link) -> Markup:
    """Return what may be left out, to ask what the number would be; the page adds the asking."""
    heard = [s for s in link.signals if s.status == "ok" and s.family in FAMILIES]
    families = [family for family in FAMILIES if any(s.family == family for s in heard)]
    weeks = [o.omitted for o in link.omissions if o.omitted.startswith("week:")]
    others = [user for user in desk.accounts if user not in link.pair]
    parts = [
        _boxes(say("Family"), [(f"family:{f}", family_label(f)) for f in families]),
        _boxes(say("Signal"), [(f"signal:{s.name}", say(clean(s.name))) for s in heard]),
        Markup('<div class="tools">{}{}{}{}</div>').format(
            _choice(say("Week"), [(week, week.partition(":")[2]) for week in weeks]),
            _choice(say("Account"), [(f"account:{user}", clean(user)) for user in others]),
            *(
                Markup('<label>{} <input type="date" data-{}></label>').format(say(words), end)
                for words, end in (("Only edits from", "first"), ("until", "last"))
            ),
        ),
    ]
    asked = say("What if some of it is left out?")
    return Markup('<div class="what-if"><h4>{}</h4>{}</div>').format(asked, Markup("").join(parts))


def _boxes(label: str, named: Sequence[tuple[str, str]]) -> Markup:
    boxes = Markup("").join(
        Markup('<label><input type="checkbox" data-without value="{}"> {}</label>').format(*one)
        for one in named
    )
    return Markup('<div class="tools" role="group" aria-label="{0}"><b>{0}</b>{1}</div>').format(
        label, boxes
    )


def _choice(label: str, named: Sequence[tuple[str, str]]) -> Markup:
    options = Markup("").join(
        Markup('<option value="{}">{}</option>').format(*one) for one in (("", DASH), *named)
    )
    return Markup("<label>{} <select data-without>{}</select></label>").format(label, options)


def what_if_panel(desk: Desk, pair: Pair, found: WhatIfResult) -> Markup:
    """Return a pair as an exploration has it, beside how the case has it."""
    known = [(desk.link(*pair), desk.groups), (desk.link_in(found, pair), found.groups)]
    rows: dict[str, list[Markup] | list[str]] = {
        "Score": [DASH if k is None or k.score is None else plain(k.score) for k, _ in known],
        "log10 LR": [DASH if k is None else _number(k) for k, _ in known],
        "Band": [DASH if k is None else say(k.band) for k, _ in known],
        "Group": [_group_of(pair, groups) for _, groups in known],
    }
    without = Markup("; ").join([_left_out(one) for one in found.without])
    heads = ("", say("Today"), without)
    table = _table(heads, [(say(words), *cells) for words, cells in rows.items()])
    said = say("An exploration: no finding can cite it.")
    return Markup('<p><b class="state d">{}</b></p>{}').format(said, table)


def _number(link: Link) -> str:
    return DASH if link.log10_lr is None else f"{number(link)} {interval_of(link)}"


def _group_of(pair: Pair, groups: Sequence[Group]) -> Markup:
    """Name the group that holds both accounts."""
    mine = next((g for g in groups if set(pair) <= set(g.users)), None)
    if mine is None:
        return tell("not together in a group")
    members = Markup(", ").join(map(name, mine.users))
    return Markup("{}: {}").format(say("Group {n}", n=mine.number), members)


def _left_out(asked: str) -> str:
    kind, _, what = asked.partition(":")
    if kind != "window":
        return omitted_words(asked)
    first, last = (clean(end[:10]) or "…" for end in what.split("/"))
    return say("only edits of {first} to {last}", first=first, last=last)


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
    told = clean(words)
    return told if told.startswith((kind, say(kind))) else f"{say(kind)}: {told}"
