"""The first screen: the case's question, its answer, the links that matter, what to do next."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from sockgraph.charts.curves import link_axis, reference_strip
from sockgraph.report import facts
from sockgraph.report import wording as words
from sockgraph.report.groups import who_else
from sockgraph.report.markup import joined, name
from sockgraph.reviews.states import DECIDED
from sockgraph.reviews.words import state_label
from sockgraph.strings import say, tell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from sockgraph.charts import Chart
    from sockgraph.report.data import Link, ReportData
    from sockgraph.report.facts import Account
    from sockgraph.report.sections import SectionContext

AN_HOUR = 3600.0
HASHTAG = re.compile(r"(?<![\w&/\[])#(?=\w*[^\W\d_])\w{3,60}")
EVENT = re.compile(
    r"edit-?a-?thon|hack-?a-?thon|wiki[ _]loves|meet-?up|workshop|contest|course|campaign"
    r"|编辑松|編輯松|动员令|動員令|聚会|聚會|工作坊|培训|培訓|竞赛|競賽|课程|課程",
    re.IGNORECASE,
)
"""What titles of events' pages say, outside the articles."""
MOST = 12
"""Links on the first screen; the others are in the contents."""


@dataclass(frozen=True)
class KeyLink:
    """A link that matters: its number, its place on the axis, and a sentence of facts."""

    anchor: str
    link: Link
    title: Markup
    chips: Sequence[tuple[str, str]]
    number: str
    interval: str
    axis: Chart | None
    sentence: Markup


@dataclass(frozen=True)
class FalseFlags:
    """How pairs known to be different people score, and what that says of this case's flags."""

    strip: Chart
    words: Markup


def pair_words(link: Link) -> Markup:
    """Return the two names of a link, as sentences write them."""
    return tell("{a} and {b}", a=name(link.a), b=name(link.b))


def question(data: ReportData, links: Sequence[Link]) -> Markup:
    """Return what the case asks: of the link that was asserted first, else its title."""
    asserted = [link for link in links if link.earlier is not None]
    if not asserted:
        return name(data.case.title)
    first = min(asserted, key=lambda link: (link.earlier and link.earlier.date, link.pair))
    return tell("Was {a} operated with {b}?", a=name(first.a), b=name(first.b))


def answer(links: Sequence[Link], n_accounts: int) -> Markup:
    """Answer the case's question in two sentences, restored accounts first."""
    if not links:
        return tell("One account makes no pair: nothing was compared.")
    said = [_restored(link) for link in links if link.state == "reversed"]
    asserted = [link for link in links if link.earlier and link.state != "reversed"]
    said += [_asserted(link) for link in asserted[:2]]
    more = len(asserted) - 2
    said += [tell("Likewise asserted: {n} more, below.", n=more)] if more > 0 else []
    if all(link.insufficient for link in links):
        said.append(tell("Every pair has too few edits, so no link has a number."))
    elif all(link.log10_lr is None for link in links):
        said.append(tell("Nothing could be calibrated, so no link has a number."))
    else:
        decided = [link for link in links if _decided(link)]
        said += [_reviewed(link) for link in decided[:3]]
        more = len(decided) - 3
        said += [tell("Likewise reviewed: {n} more, below.", n=more)] if more > 0 else []
        waiting = [link for link in links if link.flagged and not _decided(link)]
        said += [_flagged(waiting)] if waiting or not decided else []
    said.append(
        tell(
            "{accounts}, {pairs}.",
            accounts=words.counted(n_accounts, "account"),
            pairs=words.counted(len(links), "pair"),
        )
    )
    return Markup(" ").join(said)


def _decided(link: Link) -> bool:
    """Tell whether a review has decided a link in question; `_restored` says a reversed one."""
    asked = link.flagged or link.earlier is not None
    return asked and link.state in DECIDED and link.state != "reversed" and not link.moved


def _reviewed(link: Link) -> Markup:
    return tell(
        "The link of {a} and {b} was reviewed: <b>{state}</b>.",
        a=name(link.a),
        b=name(link.b),
        state=state_label(link.state),
    )


def _restored(link: Link) -> Markup:
    return tell(
        "The link of {a} and {b} was <b>reversed</b>: it may not be acted on, and what was done on"
        " it is to be undone.",
        a=name(link.a),
        b=name(link.b),
    )


def _asserted(link: Link) -> Markup:
    who = {"a": name(link.a), "b": name(link.b)}
    if link.insufficient:
        return tell("Of {a} and {b} there are <b>too few edits</b> to say anything.", **who)
    if link.log10_lr is None:
        return tell("Of {a} and {b} nothing is calibrated.", **who)
    if link.direction == "neither":
        return tell("The edits of {a} and {b} do not separate the two explanations.", **who)
    if link.direction == "against":
        return tell("The edits of {a} and {b} speak <b>against</b> one operator.", **who)
    return tell("The edits of {a} and {b} speak <b>for</b> one operator.", **who)


def _flagged(flagged: Sequence[Link]) -> Markup:
    if not flagged:
        return tell("No link met the conditions for review.")
    n = words.spelled(len(flagged))
    if len(flagged) > 3:
        return tell("{n} links are for people to review.", n=n.capitalize())
    pairs = [joined([name(user) for user in link.pair]) for link in flagged]
    if len(flagged) == 1:
        return tell(
            "The edits speak <b>for</b> one operator behind {who}: one link to review.",
            who=pairs[0],
        )
    return tell(  # pair by pair: that A goes with B, and B with C, asserts nothing of A and C
        "The edits speak <b>for</b> one operator behind each of {n} links to review: {pairs}.",
        n=n,
        pairs=Markup("; ").join(pairs),
    )


def key_links(
    anchors: Mapping[tuple[str, str], str], links: Sequence[Link], desk: SectionContext
) -> list[KeyLink]:
    """Return the links that get a section, the case's own question first."""
    return [_matter(anchors[link.pair], link, desk) for link in links[:MOST]]


def _matter(anchor: str, link: Link, desk: SectionContext) -> KeyLink:
    known = desk.tables[link.pair].link
    told = link.log10_lr is not None
    return KeyLink(
        anchor,
        link,
        pair_words(link),
        words.chips(link),
        words.number(link) if told else words.DASH,
        words.interval_of(link) if told else "",
        link_axis(known, desk.axis) if told else None,
        facts_sentence(link, desk),
    )


def facts_sentence(link: Link, desk: SectionContext) -> Markup:
    """Say which way the edits speak, and two or three facts that need no model."""
    said = [_verdict(link)]
    if link.imitation:
        said.insert(0, tell("<b>One of the two may be imitating the other.</b>"))
    event = gathering(link, desk)
    if event:
        said.insert(0, tell("<b>An event could explain it too:</b> {what}.", what=event))
    kept = [s for s in link.stretches if s.excluded is None]
    if kept:
        n = words.counted(len(kept), "occasion")
        said.append(tell("Both were at work at the same time, on different pages, on {n}.", n=n))
    said += [part for part in (_began(link, desk.accounts), _rests(link)) if part]
    _, n_shared = facts.shared_pages(link, desk.editing)
    said.append(tell("{n}.", n=words.counted(n_shared, "shared page")))
    return Markup(" ").join(said)


def gathering(link: Link, desk: SectionContext) -> Markup | None:
    """Say what of an event both accounts show: a course, a contest or an edit-a-thon joins people.

    A hashtag in summaries of both, a page of an event that both edited, registrations within an
    hour of each other.
    """
    sides = [desk.editing.by_user.get(user, {}) for user in link.pair]
    tags = [_hashtags(desk.editing.edits, user) for user in link.pair]
    both = {page for page in sides[0].keys() & sides[1].keys() if ":" in page}
    events = sorted(page for page in both if EVENT.search(page))
    a, b = (desk.accounts[user].registered for user in link.pair)
    apart = None if a is None or b is None else abs((a - b).total_seconds())
    said = []
    if shared := sorted(tags[0] & tags[1]):
        said.append(
            tell("summaries of both say {tags}", tags=joined([name(tag) for tag in shared[:3]]))
        )
    if events:
        said.append(tell("both edited {pages}", pages=joined([name(page) for page in events[:3]])))
    if apart is not None and apart <= AN_HOUR:
        said.append(tell("they registered {time} apart", time=words.duration(apart)))
    return Markup("; ").join(said) if said else None


def _hashtags(edits: pd.DataFrame, user: str) -> set[str]:
    said = edits.loc[(edits["user"] == user) & edits["comment"].notna(), "comment"].astype(str)
    some = said[said.str.contains("#", regex=False)]
    return {tag.casefold() for comment in some for tag in HASHTAG.findall(comment)}


def _verdict(link: Link) -> Markup:
    if link.insufficient:
        return tell("<b>Too few edits</b>: neither for nor against one operator.")
    if link.log10_lr is None:
        return tell("Not calibrated.")
    if link.direction == "neither":
        return tell("The edits <b>do not separate</b> the two explanations.")
    return tell("Evidence speaks <b>{band}</b> one operator.", band=say(link.band))


def _began(link: Link, accounts: Mapping[str, Account]) -> Markup | None:
    """Say whether one account began after the other's last edit, or after its block."""
    a, b = accounts[link.a], accounts[link.b]
    for one, other in ((a, b), (b, a)):
        if one.begun is None or other.last is None or one.first is None:
            continue
        if one.first > other.last:
            days = words.counted((one.first - other.last).days, "day")
            return tell(
                "The first edit read of {one} came {days} after the last one read of {other}.",
                one=name(one.user),
                days=days,
                other=name(other.user),
            )
        if other.restraint is not None and one.begun > other.restraint.at:
            days = words.counted((one.begun - other.restraint.at).days, "day")
            return tell(
                "{one} was created {days} after the block of {other}.",
                one=name(one.user),
                days=days,
                other=name(other.user),
            )
    return None


def _rests(link: Link) -> Markup | None:
    """Say without which family the link would not have what a flag asks."""
    tested = [o for o in link.omissions if o.omitted.startswith("family:")]
    if not link.flagged or not tested:
        return None
    fall = [say(o.omitted.partition(":")[2]) for o in tested if not o.eligible]
    if not fall:
        return tell("It has what a flag asks, whichever family is left out.")
    return tell("Without {families} it has not what a flag asks.", families=_either(fall))


def _either(items: Sequence[str]) -> str:
    """Join words into a list of alternatives."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])}{say(' or ')}{items[-1]}"


def false_flags(data: ReportData, links: Sequence[Link], desk: SectionContext) -> FalseFlags | None:
    """Lay out how different people score, and how many flags of this case would be false."""
    different = reference_pairs(data)
    if different is None:
        return None
    best = max((k for k in links if k.flagged), key=lambda k: k.standing or 0.0, default=None)
    known = None if best is None else desk.tables[best.pair].link
    strip = reference_strip(different, threshold=flag_standing(data), link=known)
    n_pairs = sum(link.log10_lr is not None for link in links)
    held = data.held_out
    everyone = held[held["truth"] == "different"] if held is not None else different
    mean, like = (float(rows["flagged"].mean()) * n_pairs for rows in (everyone, different))
    said = [
        tell(
            "Grey: {n} known to be different people on the same pages; {flagged} would be flagged.",
            n=words.counted(len(different), "pair"),
            flagged=words.thousands(int(different["flagged"].sum())),
        ),
        tell(
            "Of the {pairs} of this case that have a number, about <b>{mean}</b> would be flagged"
            " though all were different people; <b>{like}</b> if all were such colleagues.",
            pairs=words.counted(n_pairs, "pair"),
            mean=f"{mean:.2g}",
            like=f"{like:.2g}",
        ),
        *innocent_cases(data),
        *who_else(data.calibration),
        *_unlike(data),
    ]
    return FalseFlags(strip, Markup(" ").join(said))


def innocent_cases(data: ReportData) -> list[Markup]:
    """Say how many innocent cases like this one would flag anybody."""
    known = data.calibration.get("promise") or {}
    if not known.get("cases"):
        return []
    said = [
        tell(
            "Of {cases} like this one, <b>{flagged}</b> would flag anybody.",
            cases=words.counted(int(known["cases"]), "innocent case"),
            flagged=words.thousands(int(known["flagged"])),
        )
    ]
    if known.get("pairs"):
        said.append(
            tell(
                "They rest on {pairs}: people who are alike, or operators whom nobody has found.",
                pairs=words.counted(int(known["pairs"]), "pair"),
            )
        )
    return said


def _unlike(data: ReportData) -> list[Markup]:
    """Say in what the nominated accounts are unlike all that the numbers were judged on."""
    unlike = [one for one in data.calibration.get("transfer") or () if not one["inside"]]
    if not unlike:
        return []
    shown = [
        say("{what}: {here}, there {low} to {high}", what=say(one["what"]), **_measured(one))
        for one in unlike
    ]
    return [
        tell(
            "<b>Beyond 98 of 100 accounts that the numbers were judged on:</b> {what}. So every"
            " interval reaches a factor of {factor} farther, both ways.",
            what="; ".join(shown),
            factor=f"{10 ** data.calibration['wider']:.0f}",
        )
    ]


def _measured(one: Mapping[str, Any]) -> dict[str, str]:
    percent = str(one["what"]).startswith("share")
    return {
        name: f"{100 * one[name]:.0f} %" if percent else words.thousands(round(one[name]))
        for name in ("here", "low", "high")
    }


def flag_standing(data: ReportData) -> float | None:
    """Return the standing that a flag of this case must exceed."""
    value = (data.calibration.get("promise") or {}).get("threshold")
    return None if value is None else float(value)


def reference_pairs(data: ReportData) -> pd.DataFrame | None:
    """Return the pairs of different reference accounts that are most alike in their pages."""
    held = data.held_out
    if held is None or held.empty:
        return None
    different = held[held["truth"] == "different"].dropna(subset=["log10_lr"])
    for rows in (
        different[different["same_pages"].fillna(value=False).astype(bool)],
        different[different["shared_pages"].fillna(0) > 0],
    ):
        if len(rows) >= 20:
            return rows
    return None


def next_steps(
    data: ReportData, links: Sequence[Link], accounts: Mapping[str, Account]
) -> list[Markup]:
    """Say what is to be done next, a step a line."""
    steps = [
        tell("<b>{pair}:</b> {next}", pair=pair_words(link), next=words.next_step(link))
        for link in links
        if link.state not in {"none", "flagged"}
    ]
    n = sum(link.flagged and link.state == "flagged" for link in links)
    if n:
        what = words.counted(n, "flagged link")
        steps.append(
            tell(
                "<b>{what}:</b> at least two reviewers each, from packets, before any lock.",
                what=what,
            )
        )
    prior = None if data.case.prior is None else data.case.prior.per_pair
    bounds = [link.bound_high for link in links if link.bound_high is not None]
    _, emphasised = words.prior_note(prior, max(bounds, default=None))
    if emphasised:
        steps.append(
            tell(
                "<b>Do not file</b> on the number alone: at the prior of this case it cannot carry"
                " a finding."
            )
        )
    short = [a for a in accounts.values() if a.n_times < data.case.accounts.min_edits]
    asked = words.counted(data.case.accounts.min_edits, "edit")
    said = "<b>{who}</b> has {had} of {asked} that are needed: no number."
    steps += [tell(said, who=name(a.user), had=a.n_times, asked=asked) for a in short[:3]]
    return steps[:8] or [tell("Nothing: no link was asserted, and none is flagged.")]


def oldest_first(accounts: Mapping[str, Account]) -> list[Account]:
    """Return the accounts by when they were created, or first edited; unknown ones last."""
    return sorted(
        accounts.values(), key=lambda a: (a.begun is None, a.begun and a.begun.value, a.number)
    )


def oldest(accounts: Mapping[str, Account]) -> str:
    """Return the account that was created first."""
    known = oldest_first(accounts)
    return known[0].user if len(known) > 1 and known[0].begun is not None else ""
