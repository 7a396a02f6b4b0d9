"""The page: every section put in its place, and rendered to one self-contained file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sockgraph.charts import Chart, graph, matrix, memberships
from sockgraph.charts.activity import week_counts
from sockgraph.charts.matrix import MOST
from sockgraph.charts.network import drawn_links
from sockgraph.charts.pages import gap, gap_scale
from sockgraph.charts.svg import HATCHING, TOKENS, shared, styles
from sockgraph.names import clean
from sockgraph.report import (
    coverage,
    facts,
    groups,
    sections,
)
from sockgraph.report import wording as words
from sockgraph.report.data import FULL_LIMIT, nearest_miss, read_links, with_evidence
from sockgraph.report.markup import anchor, dated, diff_link, joined, mark, name, pair_name, quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from sockgraph.report.data import Link, ReportData
    from sockgraph.report.facts import Account
    from sockgraph.report.groups import Group
    from sockgraph.report.sections import Desk

MOST_NODES = 36
"""Accounts that a graph can name without one name covering another."""
MANY = 50
PICTURE = 900.0
"""The graph's width, in pixels."""
"""Accounts from which on the tables of accounts are folded."""
SIDES = ("for", "against", "neither")
_SPEAKS = {
    "against": Markup("speaks <b>against</b>"),
    "for": Markup("speaks <b>for</b>"),
    "neither": Markup("does not decide"),
}
NO_NUMBER = Markup("Nothing could be calibrated, so no link has a number.")


def case_report(data: ReportData) -> str:
    """Return a case's report as one HTML file: no script, no network, the same bytes every time.

    Parameters
    ----------
    data
        The stages' tables. Nothing is estimated here; counts by hour and week are for drawing.

    Returns
    -------
    str
        The file's text.
    """
    links = read_links(data)
    accounts = facts.read_accounts(data)
    found = groups.read_groups(data.clusters)
    shown, inside = _evident(data, links, found)
    desk = sections.desk(data, shown, accounts)
    calibrated = any(link.log10_lr is not None for link in links)
    sufficient = [link for link in shown if not link.insufficient]
    context = {
        "data": data,
        "case": data.case,
        "accounts": accounts,
        "links": links,
        "left_out": len(links) - len(shown),
        "lede": lede(links, len(accounts)),
        "nearest": nearest(links),
        "tally": tally(links),
        "picture": picture(data, accounts) if calibrated else None,
        "stairs": stairs(data, accounts) if calibrated else None,
        "calibrated": calibrated,
        "cards": cards(desk),
        "many": len(accounts) > MANY,
        "pair_rows": [pair_row(k, accounts) for k in shown],
        "capped_pairs": held_back(links),
        "coverage": coverage.coverage_table(data),
        "rest_on": coverage.rest_on(data, links),
        "false_links": coverage.false_links(data),
        "not_seen": coverage.not_seen(data, shown),
        "cannot_show": coverage.cannot_show(data, links),
        "sections": [sections.section(link, i, desk) for i, link in enumerate(sufficient, 1)],
        "too_few": [too_few(link, accounts, data) for link in shown if link.insufficient],
        "groups": groups.group_lines(data, inside, found),
        "ungrouped": ungrouped(accounts, found),
        "memberships": membership(data, accounts, found),
    }
    return environment().get_template("report.html.j2").render(context)


def _evident(
    data: ReportData, links: Sequence[Link], found: Sequence[Group]
) -> tuple[list[Link], list[Link]]:
    """Return the links that get a section, and those inside groups, with their evidence."""
    shown = sections.chosen(links, len(data.nominated))
    inside = [k for k in links if any({k.a, k.b} <= set(g.users) for g in found)]
    told = {k.pair: k for k in with_evidence(data, {k.pair: k for k in [*shown, *inside]}.values())}
    return [told[k.pair] for k in shown], [told[k.pair] for k in inside]


@cache
def environment() -> Environment:
    """Return the templates, everything escaped, with the filters that every page uses."""
    made = Environment(
        loader=PackageLoader("sockgraph.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "name": name,
        "clean": clean,
        "day": words.day,
        "thousands": words.thousands,
        "signed": words.signed,
        "spelled": words.spelled,
        "duration": words.duration,
        "hex": hexes,
        "dated": dated,
    }
    made.globals |= {
        "interval": words.interval,
        "counted": words.counted,
        "anchor": anchor,
        "pair_name": pair_name,
        "quote": quote,
        "diff_link": diff_link,
        "mark": mark,
        "gap": gap,
        "gap_scale": gap_scale(),
        "hatching": HATCHING,
        "chart_styles": Markup(styles()),  # noqa: S704 - our own rules
        "tokens": Markup(TOKENS.read_text(encoding="utf-8")),  # noqa: S704 - our own file
        "dash": words.DASH,
        "full_limit": FULL_LIMIT,
    }
    return made


def hexes(digest: str, n: int = 16) -> str:
    """Write the head of a hash in fours, as people compare them."""
    head = digest[:n]
    return " ".join(head[i : i + 4] for i in range(0, len(head), 4)) if len(digest) > n else digest


def lede(links: Sequence[Link], n_accounts: int) -> Markup:
    """Say in a sentence what the page found."""
    who = (
        words.spelled(n_accounts).capitalize() if n_accounts <= 12 else words.thousands(n_accounts)
    )
    head = f"{who} account{'s' if n_accounts != 1 else ''}, {words.counted(len(links), 'pair')}."
    if not links:
        return Markup("{} There is nothing to compare with one account.").format(head)
    parts = [_flags(links), *(_asserted(links, side) for side in _SPEAKS), _insufficient(links)]
    parts = [part for part in parts if part]
    said = Markup("{}.").format(_sentence(parts)) if parts else Markup("")
    if all(link.log10_lr is None for link in links):
        said = Markup("{} Evidence {}.").format(NO_NUMBER, parts[0]) if parts else NO_NUMBER
    return Markup("{} {} Nothing on this page is a finding.").format(head, said)


def _sentence(parts: Sequence[Markup]) -> Markup:
    """Join clauses, with a comma before the last of three."""
    if len(parts) < 3:
        return joined(parts)
    return Markup("{}, and {}").format(Markup(", ").join(parts[:-1]), parts[-1])


def _flags(links: Sequence[Link]) -> Markup:
    if not any(k.log10_lr is not None for k in links):
        return Markup("")
    n = sum(link.flagged for link in links)
    if not n:
        return Markup("No link met the conditions for review")
    return Markup("Evidence flags <b>{}</b> link{} for review by people").format(
        words.spelled(n), "s" if n > 1 else ""
    )


def _asserted(links: Sequence[Link], direction: str) -> Markup:
    told = [link for link in links if link.earlier and link.direction == direction]
    if not told:
        return Markup("")
    acted = any(link.earlier and link.earlier.action for link in told)
    each = "link that was asserted" if len(told) == 1 else "links that were asserted"
    elsewhere = " and acted on elsewhere" if acted else " elsewhere"
    number = words.spelled(len(told))
    return Markup("{} {} {}{}").format(_SPEAKS[direction], number, each, elsewhere)


def _insufficient(links: Sequence[Link]) -> Markup:
    n = sum(link.insufficient for link in links)
    return (
        Markup("is <b>insufficient</b> for {}").format(words.counted(n, "pair"))
        if n
        else Markup("")
    )


@dataclass(frozen=True)
class Miss:
    """The link that came nearest to the conditions for review, and what it missed."""

    title: Markup
    condition: str
    low: str


def nearest(links: Sequence[Link]) -> Miss | None:
    """Return the nearest miss where nothing is flagged."""
    link = nearest_miss(links)
    if link is None or any(k.flagged for k in links):
        return None
    return Miss(pair_name(link.a, link.b), "; ".join(link.reasons), words.plain(link.low or 0.0))


def tally(links: Sequence[Link]) -> str:
    """Say how many pairs stand on each side."""
    told = [link for link in links if not link.insufficient]
    n = {side: sum(link.direction == side for link in told) for side in SIDES}
    n_open = len(links) - len(told)
    too_few = f"{words.thousands(n_open)} {'has' if n_open == 1 else 'have'} too few edits"
    if all(link.log10_lr is None for link in told):
        return f"{words.counted(len(told), 'pair')} could not be calibrated, {too_few}."
    speak = "speaks" if n["for"] == 1 else "speak"
    neither = f"{words.thousands(n['neither'])} do{'es' if n['neither'] == 1 else ''} not separate"
    for_ = f"{words.counted(n['for'], 'pair')} {speak} for one operator"
    return f"{for_}, {words.thousands(n['against'])} against, {neither}, {too_few}."


@dataclass(frozen=True)
class Card:
    """An account's hours of the week: drawn once, and in numbers."""

    account: Account
    drawing: Markup
    week: np.ndarray


def cards(desk: Desk) -> list[Card]:
    """Return every compared account's week, turned by the case's offset."""
    offset = facts.case_offset(desk.data.case)
    return [
        Card(
            account,
            shared(f"card-{account.number}", desk.cards[user]),
            week_counts(account.life.times, offset),
        )
        for user, account in desk.accounts.items()
        if user in desk.editing.by_user
    ]


def picture(data: ReportData, accounts: dict[str, Account]) -> Chart | None:
    """Draw the graph: all accounts of a small case, those with a link to show of a large one."""
    users = set(accounts)
    if len(users) > MOST_NODES:
        users = _nameable(drawn_links(data.graph))
    shown = data.graph.subgraph([user for user in data.graph if user in users])
    if drawn_links(shown).empty:
        return None
    return graph(shown, labels={user: accounts[user].label for user in shown}, width=PICTURE)


def _nameable(links: pd.DataFrame) -> set[str]:
    """Return the accounts of as many links, the first ones first, as can be named on one graph."""
    users: set[str] = set()
    for a, b in zip(links["user_a"], links["user_b"], strict=True):
        if len(users | {a, b}) <= MOST_NODES:
            users |= {a, b}
    return users


def stairs(data: ReportData, accounts: dict[str, Account]) -> Chart | None:
    """Draw every pair's number where they can be read in one staircase."""
    if not 2 <= len(accounts) <= MOST:
        return None
    labels = {user: account.label for user, account in accounts.items()}
    return matrix(labels, data.links, data.cannot_links)


def pair_row(link: Link, accounts: dict[str, Account]) -> dict[str, Any]:
    """Return one line of the table of pairs."""
    facts_ = facts.pair_facts(link, accounts)
    return {
        "link": link,
        "tone": {"for": "cf", "against": "ca"}.get(link.direction, ""),
        "overlap": words.DASH
        if facts_.overlap_days is None
        else words.counted(facts_.overlap_days, "day"),
        "created_after": facts_.created_after,
        "chips": words.chips(link),
        "state": words.state_words(link),
    }


def held_back(links: Sequence[Link]) -> Link | None:
    """Return the link whose score passes its bound by most, for the note under the table."""
    over = [
        k
        for k in links
        if k.score is not None and k.log10_lr is not None and abs(k.score - k.log10_lr) >= 0.05
    ]
    return max(over, key=lambda k: abs((k.score or 0) - (k.log10_lr or 0)), default=None)


@dataclass(frozen=True)
class TooFew:
    """A pair about which nothing can be said, and what would have been needed."""

    title: Markup
    facts: Markup
    state: list[tuple[str, str]]
    trail: tuple[str, ...]


def too_few(link: Link, accounts: dict[str, Account], data: ReportData) -> TooFew:
    """Say what was found of a pair and what was needed."""
    needed = data.case.accounts.min_edits
    short = [accounts[user] for user in link.pair if accounts[user].n_times < needed]
    said = [
        Markup("{} has {} at {}").format(
            name(a.user),
            words.counted(a.n_edits, "edit"),
            words.counted(a.n_times, "distinct time"),
        )
        for a in short
    ]
    if not said:
        return TooFew(
            pair_name(*link.pair),
            Markup("no signal found enough in both accounts"),
            words.chips(link),
            link.trail,
        )
    return TooFew(
        pair_name(*link.pair),
        Markup("{}; {} are needed").format(joined(said), needed),
        words.chips(link),
        link.trail,
    )


def ungrouped(accounts: dict[str, Account], found: Sequence[Group]) -> list[str]:
    """Return the compared accounts that are in no group."""
    grouped = {user for group in found for user in group.users}
    return [user for user in accounts if user not in grouped]


def membership(
    data: ReportData, accounts: dict[str, Account], found: Sequence[Group]
) -> Chart | None:
    """Draw how often each grouped account stays with its group."""
    users = [user for group in found for user in group.users]
    held = data.clusters[data.clusters["user"].isin(users)]
    if held["membership"].isna().all():
        return None
    labels = {user: accounts[user].label for user in users}
    return memberships(held.head(MOST), labels)
