"""The groups: who is in them, their weakest link, what holds them and what they would lose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from sockgraph.report.data import Omission, by_subject
from sockgraph.report.markup import name
from sockgraph.report.wording import FAMILIES, listed, omitted_words
from sockgraph.schema import subject_of
from sockgraph.strings import say, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from sockgraph.report.data import Link, ReportData

HOLDS = 0.1


@dataclass(frozen=True)
class Group:
    """Accounts that hold together, and whether they do so when something is left out."""

    number: int
    users: tuple[str, ...]
    stable: bool


@dataclass(frozen=True)
class GroupLine:
    """One group as its table shows it."""

    group: Group
    users: Markup
    weakest: Link | None
    held_by: str
    loses: Markup
    if_alibi: Markup


def read_groups(clusters: pd.DataFrame) -> list[Group]:
    """Return the groups of two or more accounts, in their own order."""
    kept = clusters.dropna(subset=["cluster_id"])
    groups = []
    for number, rows in kept.groupby("cluster_id", sort=True):
        if len(rows) > 1:
            stable = bool((rows["status"] == "stable").all())
            groups.append(Group(int(str(number)), tuple(sorted(rows["user"])), stable))
    return [Group(i, g.users, g.stable) for i, g in enumerate(groups, 1)]


def group_lines(
    data: ReportData, links: Sequence[Link], groups: Sequence[Group]
) -> list[GroupLine]:
    """Return a line for every group."""
    omissions = by_subject(data.omissions)
    other = None if data.clusters_if_alibi is None else read_groups(data.clusters_if_alibi)
    return [
        GroupLine(
            group,
            account_list(group.users),
            weakest(group, links),
            held_by(group, links),
            worst_omission(omissions.get(subject_of(*group.users), ())),
            if_alibi(group, other),
        )
        for group in groups
    ]


def account_list(users: Sequence[str]) -> Markup:
    """Return accounts as a list."""
    return Markup(", ").join(name(user) for user in users)


def weakest(group: Group, links: Sequence[Link]) -> Link | None:
    """Return the group's link with the lowest log10 LR."""
    inside = [k for k in links if {k.a, k.b} <= set(group.users) and k.log10_lr is not None]
    return min(inside, key=lambda k: (k.log10_lr or 0.0, k.pair), default=None)


def held_by(group: Group, links: Sequence[Link]) -> str:
    """Name the families that add most to the group's links, over all of them."""
    sums: dict[str, float] = {}
    for link in links:
        if {link.a, link.b} <= set(group.users):
            for signal in (s for s in link.signals if s.family in FAMILIES):
                sums[signal.family] = sums.get(signal.family, 0.0) + (signal.contribution or 0.0)
    speaking = sorted((k for k, v in sums.items() if v > HOLDS), key=lambda k: -sums[k])
    if not speaking:
        return say("no family by itself")
    named = [say(family) for family in speaking]
    return say("{what} alone", what=named[0]) if len(named) == 1 else listed(named[:3])


def worst_omission(omissions: Sequence[Omission]) -> Markup:
    """Say which omission separates the group most."""
    told = [o for o in omissions if o.co_membership is not None]
    if not told:
        return tell("not tested")
    worst = min(told, key=lambda o: (o.co_membership or 0.0, o.omitted))
    kept = worst.co_membership or 0.0
    if kept >= 0.999:
        return tell("nobody, in {n} tests", n=len(told))
    share = f"{1 - kept:.0%}".replace("%", " %")
    whole = say("the whole group") if kept < 0.001 else say("{n} of its pairs", n=share)
    return Markup("{}: {}").format(omitted_words(worst.omitted), whole)


def if_alibi(group: Group, other: Sequence[Group] | None) -> Markup:
    """Say what becomes of the group where open alibis are accepted."""
    if other is None:
        return tell("no open alibi")
    parts = [g.users for g in other if set(g.users) & set(group.users)]
    if group.users in parts:
        return tell("no change")
    if not parts:
        return tell("falls apart")
    return Markup("; ").join(account_list(users) for users in parts)
