"""Groups: who is in them, and what holds them; and which known case an account belongs to.

The report, the desk and the terminal say the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup, escape

from sockgraph.evidence import which_case
from sockgraph.evidence.flagging import REASONS
from sockgraph.report import wording as words
from sockgraph.report.data import Omission, by_subject
from sockgraph.report.markup import anchor, name
from sockgraph.report.wording import FAMILIES, listed, omitted_words
from sockgraph.schema import subject_of
from sockgraph.strings import say, tell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sockgraph.case import Case
    from sockgraph.report.data import Link, ReportData

HOLDS = 0.1


@dataclass(frozen=True)
class Asked:
    """An account that is no known operator's, what is answered, and every operator's number."""

    user: str
    answer: Markup
    ranked: Markup


def asked(case: Case, links: pd.DataFrame, calibration: Mapping[str, Any]) -> list[Asked]:
    """Return the answers to "which case?", an account each; none where no operator is known."""
    if not case.operators:
        return []
    compared = {*links["user_a"], *links["user_b"]}
    known = {one.name: [u for u in one.accounts if u in compared] for one in case.operators}
    urls = {one.name: one.url for one in case.operators}
    found = which_case(links, {name: users for name, users in known.items() if users})
    promised = (calibration.get("promise") or {}).get("threshold") is not None
    return [
        _asked(str(user), rows, urls, promised=promised) for user, rows in found.groupby("user")
    ]


def _asked(
    user: str, rows: pd.DataFrame, urls: Mapping[str, str | None], *, promised: bool
) -> Asked:
    """Say the answer, and every operator with its log10 LR against none of them."""
    named = {k: anchor(urls[k], name(k)) for k in rows["operator"] if k is not None}
    told = rows[rows["operator"].notna()]
    ranked = [
        Markup("{} {}").format(named[k], words.signed(lr))
        for k, lr in zip(told["operator"], told["log10_lr"], strict=True)
        if pd.notna(lr)
    ]
    if rows["given"].isna().any():
        answer = tell("too few edits" if rows["score"].isna().all() else "not calibrated")
    elif not promised:  # where nothing can be flagged, nobody is "none of them"
        answer = tell(REASONS["promise"])
    else:
        given = rows.loc[rows["given"].astype(bool), "operator"]
        answer = Markup("; ").join(
            tell("none of them") if k is None or pd.isna(k) else named[k] for k in given
        )
    return Asked(user, answer, Markup("; ").join(ranked or [escape(words.DASH)]))


def would_be_given(calibration: Mapping[str, Any]) -> Markup | None:
    """Say how many accounts of the same pages would be given to one of the known operators."""
    near = calibration.get("as_near")
    if not near:
        return None
    return tell(
        "Of {n} of the same pages, <b>{k}</b> would be given to one of these operators.",
        n=words.counted(near["reference"], "reference account"),
        k=words.thousands(near["operators"]),
    )


def who_else(calibration: Mapping[str, Any]) -> list[Markup]:
    """Say how many accounts of the same pages stand as near to a nominated one as a flag asks."""
    near = calibration.get("as_near")
    if not near:
        return []
    said = (
        "<b>Who else?</b> Of {n} of the same pages, <b>{k}</b> would stand as near to a nominated"
        " account as a flag asks. They are counted, never named."
    )
    n = words.counted(near["reference"], "reference account")
    return [tell(said, n=n, k=words.thousands(near["nominated"]))]


def plain(case: Case, links: pd.DataFrame, calibration: Mapping[str, Any]) -> list[str]:
    """Return both, a line each, as a terminal shows them."""
    answers = [
        say("{user}: {answer}", user=one.user, answer=one.answer.striptags())
        for one in asked(case, links, calibration)
    ]
    given = would_be_given(calibration) if answers else None
    heading = [f"{say('Which case?')} {answers[0]}", *answers[1:]] if answers else []
    told = [*([given] if given else []), *who_else(calibration)]
    return [*heading, *(one.striptags() for one in told)]


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
