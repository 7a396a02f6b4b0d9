"""The page: every section put in its place, and rendered to one self-contained file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sockgraph.charts import Chart, graph, matrix, memberships
from sockgraph.charts.activity import week_counts
from sockgraph.charts.groups import MOST
from sockgraph.charts.network import drawn_links, gap, gap_scale
from sockgraph.charts.svg import HATCHING, TOKENS, shared, styles
from sockgraph.names import clean
from sockgraph.report import coverage, facts, groups, sections, summary
from sockgraph.report import wording as words
from sockgraph.report.data import FULL_LIMIT, nearest_miss, read_links, with_evidence
from sockgraph.report.markup import anchor, dated, diff_link, mark, name, pair_name, quote
from sockgraph.schema import DIRECTIONS
from sockgraph.strings import language_of, say, speaking, spoken, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from sockgraph.report.data import Link, ReportData
    from sockgraph.report.facts import Account
    from sockgraph.report.groups import Group
    from sockgraph.report.sections import SectionContext
    from sockgraph.strings import Language

MOST_NODES = 36
"""Accounts that a graph can name without one name covering another."""
FOLDED = 50
"""Accounts from which on the tables of accounts are folded."""
PICTURE = 900.0
"""The graph's width, in pixels."""


def case_report(data: ReportData, lang: Language | None = None) -> str:
    """Return a case's report as one HTML file: no script, no network, the same bytes every time.

    Parameters
    ----------
    data
        The stages' tables. Nothing is estimated here; counts by hour and week are for drawing.
    lang
        The page's language; the wiki's, if it is not given.

    Returns
    -------
    str
        The file's text.
    """
    with speaking(lang or language_of(data.case.wiki)):
        return environment().get_template("report.html.j2").render(_context(data))


def _context(data: ReportData) -> dict[str, Any]:
    """Return what the template lays out."""
    links = read_links(data)
    accounts = facts.read_accounts(data)
    found = groups.read_groups(data.clusters)
    (full, rest), inside = _evident(data, links, found)
    desk = sections.section_context(data, [*full, *rest], accounts)
    calibrated = any(link.log10_lr is not None for link in links)
    anchors = {link.pair: f"link-{i}" for i, link in enumerate(full, 1)}
    oldest = summary.oldest_first(accounts)
    return {
        "data": data,
        "case": data.case,
        "language": spoken(),
        "accounts": oldest,
        "oldest": summary.oldest(accounts),
        "hours_anchor": Markup('<a href="#hours">{}</a>').format(say("the numbers")),
        "links": links,
        "left_out": len(links) - len(full) - len(rest),
        "question": summary.question(data, links),
        "answer": summary.answer(links, len(accounts)),
        "matters": summary.key_links(anchors, full, desk),
        "false_flags": summary.false_flags(data, links, desk) if calibrated else None,
        "next_steps": summary.next_steps(data, full, accounts),
        "asked": groups.asked(data.case, data.links, data.calibration),
        "would_be_given": groups.would_be_given(data.calibration),
        "nearest": nearest_miss_line(links),
        "legend": legend(links),
        "tally": pair_counts(links),
        "picture": graph_figure(data, accounts) if calibrated else None,
        "stairs": matrix_figure(data, oldest) if calibrated else None,
        "calibrated": calibrated,
        "cards": hours_cards(desk, {user for link in full for user in link.pair}),
        "many": len(accounts) > FOLDED,
        "sections": [sections.link_section(link, anchors[link.pair], desk) for link in full],
        "rest": [sections.link_line(link, f"pair-{i}", desk) for i, link in enumerate(rest, 1)],
        "coverage": coverage.coverage_table(data),
        "rest_on": coverage.rest_on(data, links),
        "false_links": coverage.false_links(data),
        "not_seen": coverage.not_seen(data, [*full, *rest]),
        "cannot_show": coverage.cannot_show(data, links),
        "groups": groups.group_lines(data, inside, found),
        "ungrouped": ungrouped(accounts, found),
        "memberships": membership(data, accounts, found),
    }


def _evident(
    data: ReportData, links: Sequence[Link], found: Sequence[Group]
) -> tuple[tuple[list[Link], list[Link]], list[Link]]:
    """Return the links told in full and in a line, and those inside groups, with their evidence."""
    chosen = sections.choose_links(links, len(data.nominated))
    group = {user: n for n, one in enumerate(found) for user in one.users}
    inside = [k for k in links if k.a in group and group[k.a] == group.get(k.b)]
    shown = [*chosen[0], *chosen[1], *inside]
    told = {k.pair: k for k in with_evidence(data, {k.pair: k for k in shown}.values())}
    full, rest = ([told[k.pair] for k in part] for part in chosen)
    return (full, rest), [told[k.pair] for k in inside]


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
        "reason": words.reason,
    }
    made.globals |= {
        "interval": words.interval,
        "counted": words.counted,
        "anchor": anchor,
        "pair_name": pair_name,
        "quote": quote,
        "links_file": Markup('<a href="links.parquet">links.parquet</a>'),
        "diff_link": diff_link,
        "mark": mark,
        "gap": gap,
        "gap_scale": gap_scale,  # drawn anew: its words are of the page's language
        "hatching": HATCHING,
        "_": tell,
        "say": say,
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


@dataclass(frozen=True)
class NearestMiss:
    """The link that came nearest to the conditions for review, and what it missed."""

    title: Markup
    condition: str


def nearest_miss_line(links: Sequence[Link]) -> NearestMiss | None:
    """Return the nearest miss where nothing is flagged."""
    link = nearest_miss(links)
    if link is None or any(k.flagged for k in links):
        return None
    return NearestMiss(pair_name(link.a, link.b), "; ".join(map(words.reason, link.reasons)))


def pair_counts(links: Sequence[Link]) -> str:
    """Say how many pairs stand on each side."""
    told = [link for link in links if not link.insufficient]
    n = {side: sum(link.direction == side for link in told) for side in DIRECTIONS}
    few = len(links) - len(told)
    if told and all(link.log10_lr is None for link in told):
        uncalibrated = words.counted(len(told), "pair")
        return say(
            "{pairs} could not be calibrated, {few} with too few edits.",
            pairs=uncalibrated,
            few=words.thousands(few),
        )
    said = (
        "{pairs} speak for one operator, {against} against, {neither} do not separate,"
        " {few} with too few edits."
    )
    if n["for"] == 1:
        said = said.replace(" speak ", " speaks ")
    return say(
        said,
        pairs=words.counted(n["for"], "pair"),
        against=words.thousands(n["against"]),
        neither=words.thousands(n["neither"]),
        few=words.thousands(few),
    )


def legend(links: Sequence[Link]) -> list[tuple[str, str, int]]:
    """Return what the matrix shows: how it looks, what that means, and how many pairs it is."""
    told = [link for link in links if not link.insufficient]
    side = {s: sum(link.direction == s for link in told) for s in ("for", "against", "neither")}
    rows = (
        ("Solid frame", "flagged", sum(link.flagged for link in links)),
        ("Dashed frame", "asserted", sum(link.state not in {"none", "flagged"} for link in links)),
        ("Blue", "the edits speak for one operator", side["for"]),
        ("Orange", "they speak against", side["against"]),
        ("White", "they do not separate, or have no number", side["neither"]),
        ("Hatched", "too few edits", len(links) - len(told)),
        ("Cross", "kept apart by the ledger", sum(link.apart for link in links)),
    )
    return [(say(look), say(meaning), n) for look, meaning, n in rows if n]


@dataclass(frozen=True)
class HoursCard:
    """An account's hours of the week: drawn once, and in numbers."""

    account: Account
    drawing: Markup
    week: np.ndarray


def hours_cards(desk: SectionContext, users: set[str]) -> list[HoursCard]:
    """Return some accounts' weeks, turned by the case's offset."""
    offset = facts.case_offset(desk.data.case)
    return [
        HoursCard(
            account,
            shared(f"card-{account.number}", desk.cards[user]),
            week_counts(account.life.times, offset),
        )
        for user, account in desk.accounts.items()
        if user in users
    ]


def graph_figure(data: ReportData, accounts: dict[str, Account]) -> Chart | None:
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


def matrix_figure(data: ReportData, accounts: Sequence[Account]) -> Chart | None:
    """Draw every pair's number where they can be read in one staircase."""
    if not 2 <= len(accounts) <= MOST:
        return None
    labels = {account.user: account.label for account in accounts}
    return matrix(labels, data.links, data.cannot_links)


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
