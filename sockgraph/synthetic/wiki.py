"""The invented wiki: its accounts of the demo case, and from saves to revisions, reverts and logs.

Who is who is the truth that no part of the pipeline reads.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.schema import validate
from sockgraph.synthetic.history import Save, draw_histories
from sockgraph.synthetic.people import (
    END,
    LANGUAGE_NEAR,
    WEEK,
    Account,
    PeopleGenerator,
    Person,
    WorkingPartner,
    draw_pages,
    with_peers,
)
from sockgraph.synthetic.writing import PLACES, EditDraft, speaking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockgraph.synthetic.writing import Floats


WIKI = "fernwick.example"
NAMESPACES = {
    "Talk": 1,
    "User": 2,
    "User talk": 3,
    "Fernwick": 4,
    "Template": 10,
    "Category": 14,
}
REVERTS = 0.035  # chance that the next editor of a page, within five days, undoes what they find
REVERT_WINDOW = 5 * 86400
ROLLBACKERS = 0.06  # share of accounts with the rollback right
HIDDEN = 0.0006  # share of edits whose summary was hidden later
DELETED = 0.012  # edits on pages deleted since, as a share of those that can be read
BOTS = ("Fernwick Housekeeping Bot", "Doublelinks")  # one says so in its name, one in its group
BOT_RUNS = 60


@dataclass(frozen=True)
class SyntheticWiki:
    """An invented wiki, whole, and the truth about it.

    Attributes
    ----------
    edits, log_events
        By the contracts of `sockgraph.schema`.
    accounts
        Likewise, without `role`.
    truth
        `user` (unique), `person` (equal for accounts of one person) and `part`: operator,
        colleague, friend, member, newcomer, other, bot. No part of the pipeline reads it.
    """

    edits: pd.DataFrame
    accounts: pd.DataFrame
    log_events: pd.DataFrame
    truth: pd.DataFrame


@dataclass(frozen=True)
class _Revision:
    rev_id: int
    parent: int
    save: Save
    sha1: str


def small_wiki(seed: int = 1) -> SyntheticWiki:
    """Invent a small wiki: 130 weeks of some three hundred people in eight communities.

    The same seed gives the same tables, everywhere.

    Parameters
    ----------
    seed
        Any whole number from 0.

    Notes
    -----
    Every person has a latent style, hours and pages; each account draws from its person with drift
    (`ACCOUNT_DRIFT`), styles wander with time (`TIME_DRIFT`), communities share wording, pages,
    hours and jargon. One person is at one page at a time, whatever the account; two people are not
    so bound, and that is all there is behind an alibi. The constants stand, with their reasons,
    beside the code that uses them; docs/demo.md compares what comes of them with public histories.
    """
    town_stream, events, table_stream, *streams = _streams(seed)
    library = draw_pages(town_stream)
    town = PeopleGenerator(town_stream, library)
    people = with_peers(town_stream, [*draw_cast(town_stream, town), *town.others()])
    saves = draw_histories([*streams[: len(people)], events], people, library)
    saves = sorted([*saves, *_bot_saves(table_stream)], key=lambda s: (s.second, s.user))
    persons = _persons(people)
    revisions = _revisions(table_stream, saves, dict(persons[["user", "person"]].to_numpy()))
    edits = _edits(table_stream, revisions)
    accounts = _accounts(table_stream, edits, persons)
    known = set(edits["user"])
    truth = persons[persons["user"].isin(known)].reset_index(drop=True)
    return SyntheticWiki(edits, accounts, _log_events(accounts), truth)


def _streams(seed: int) -> list[np.random.Generator]:
    children = np.random.SeedSequence(seed).spawn(500)
    return [np.random.Generator(np.random.PCG64(child)) for child in children]


def _bot_saves(rng: np.random.Generator) -> Iterator[Save]:
    """Let two bots run weekly at a constant pace, on pages of every community."""
    for i, name in enumerate(BOTS):
        for run in range(BOT_RUNS):
            second = (20 + run + i * 30) * WEEK + 3 * 3600 + i * 1800
            for step in range(int(rng.integers(5, 25))):
                edit = EditDraft("link", "Bot: double redirect", minor=True, tags=(), size_diff=-9)
                title = f"List of pages, {int(rng.integers(1, 80))}"
                yield Save(second + step * 12, name, title, edit)


def _persons(people: list[Person]) -> pd.DataFrame:
    rows = [
        (account.name, f"person-{i:03d}", person.part)
        for i, person in enumerate(people)
        for account in person.accounts
    ]
    rows += [(name, f"bot-{i}", "bot") for i, name in enumerate(BOTS)]
    return pd.DataFrame(rows, columns=["user", "person", "part"]).astype("string")


def _revisions(
    rng: np.random.Generator, saves: list[Save], persons: dict[str, str]
) -> list[_Revision]:
    """Give saves numbers in order of time, chain each page's, and let some undo the one before."""
    rollbackers = {u for u in sorted(persons) if rng.random() < ROLLBACKERS}
    numbers = np.cumsum(rng.integers(1, 7, len(saves))).tolist()
    pages: dict[str, list[int]] = {}
    made: list[_Revision] = []
    for number, planned in zip(numbers, saves, strict=True):
        save = planned
        before = [made[i] for i in pages.get(save.title, [])[-2:]]
        undone = len(before) == 2 and _undoes(rng, before[1].save, save, persons)
        if undone:
            made[pages[save.title][-1]] = _marked(before[1])
            save = _undoing(before, save, rollback=save.user in rollbackers)
        made_up = hashlib.sha1(f"{save.title}\n{number}".encode(), usedforsecurity=False)
        text = before[0].sha1 if undone else made_up.hexdigest()
        pages.setdefault(save.title, []).append(len(made))
        made.append(_Revision(number, before[-1].rev_id if before else 0, save, text))
    return made


def _undoes(rng: np.random.Generator, last: Save, save: Save, persons: dict[str, str]) -> bool:
    """Say whether a save undoes the last one: another person's, recent, on an article."""
    return (
        ":" not in save.title
        and persons[last.user] != persons[save.user]
        and save.user not in BOTS
        and save.second - last.second < REVERT_WINDOW
        and "mw-undo" not in last.edit.tags
        and rng.random() < REVERTS
    )


def _marked(revision: _Revision) -> _Revision:
    edit = replace(revision.save.edit, tags=(*revision.save.edit.tags, "mw-reverted"))
    return replace(revision, save=replace(revision.save, edit=edit))


def _undoing(before: list[_Revision], save: Save, *, rollback: bool) -> Save:
    kept, last = before[0].save.user, before[1]
    other = last.save.user
    who = f"[[Special:Contributions/{other}|{other}]] ([[User talk:{other}|talk]])"
    default = f"Undid revision {last.rev_id} by {who}"
    reason = save.edit.comment if save.edit.kind in {"remove", "prose"} else ""
    comment = f"{default} {reason}".strip()
    tags = tuple(t for t in save.edit.tags if t == "mobile edit" or t.startswith("mobile"))
    if rollback:
        comment = f"Reverted edits by {who} to last revision by [[User:{kept}|{kept}]]"
    edit = EditDraft(
        "remove",
        comment,
        minor=rollback,
        tags=(*tags, "mw-rollback" if rollback else "mw-undo"),
        size_diff=-last.save.edit.size_diff,
    )
    return replace(save, edit=edit)


def _edits(rng: np.random.Generator, revisions: list[_Revision]) -> pd.DataFrame:
    page_ids: dict[str, int] = {}
    rows = [_row(r, page_ids.setdefault(r.save.title, len(page_ids) + 1)) for r in revisions]
    users = {name: i + 11 for i, name in enumerate(dict.fromkeys(r.save.user for r in revisions))}
    hidden = rng.random(len(rows)) < HIDDEN
    for row, gone in zip(rows, hidden, strict=True):
        row["user_id"] = users[row["user"]]
        row["hidden"] = ["comment"] if gone else []
        row["comment"] = None if gone else row["comment"]
    return validate("edits", pd.DataFrame(rows))


def _row(revision: _Revision, page_id: int) -> dict[str, Any]:
    save = revision.save
    prefix, colon, _ = save.title.partition(":")
    created = revision.parent == 0
    return {
        "wiki": WIKI,
        "rev_id": revision.rev_id,
        "user": save.user,
        "title": save.title,
        "page_id": page_id,
        "ns": NAMESPACES.get(prefix, 0) if colon else 0,
        "timestamp": _moment(save.second),
        "comment": save.edit.comment,
        "minor": save.edit.minor and not created,  # a new page cannot be minor
        "size_diff": abs(save.edit.size_diff) + 200 if created else save.edit.size_diff,
        "parent_id": revision.parent,
        "tags": list(save.edit.tags),
        "sha1": revision.sha1,
    }


def _accounts(rng: np.random.Generator, edits: pd.DataFrame, persons: pd.DataFrame) -> pd.DataFrame:
    seen = edits.groupby("user").agg(
        user_id=("user_id", "first"), first=("timestamp", "min"), n=("rev_id", "size")
    )
    waited = pd.to_timedelta(rng.exponential(86400, len(seen)).astype(int) + 60, unit="s")
    bots = set(persons["user"][persons["part"] == "bot"])
    blocked = {OPERATOR[0]: BLOCKED, COLLEAGUE: LOCKED}
    frame = pd.DataFrame(
        {
            "wiki": WIKI,
            "user": seen.index,
            "user_id": seen["user_id"].to_numpy(),
            "registered": (seen["first"] - waited).to_numpy(),
            "edit_count": seen["n"].to_numpy() + rng.poisson(DELETED * seen["n"].to_numpy()),
            "groups": [["bot"] if user in bots else ["user"] for user in seen.index],
            "blocked_at": pd.Series(
                [blocked.get(u) for u in seen.index], dtype="datetime64[us, UTC]"
            ),
            "role": "reference",
        }
    )
    return validate("accounts", frame).drop(columns="role")


def _log_events(accounts: pd.DataFrame) -> pd.DataFrame:
    """Return registrations, and the two blocks that the case is about."""
    born = pd.DataFrame(
        {
            "type": "newusers",
            "action": "create",
            "timestamp": accounts["registered"],
            "actor": accounts["user"],
            "target": accounts["user"],
            "params": "{}",
            "comment": "",
        }
    )
    blocks = pd.DataFrame(
        {
            "type": "block",
            "action": "block",
            "timestamp": pd.Series([BLOCKED, LOCKED], dtype="datetime64[us, UTC]"),
            "actor": ADMIN,
            "target": [OPERATOR[0], COLLEAGUE],
            "params": '{"duration": "infinity"}',
            "comment": ["edit war at [[Wend toll bridge]]", f"operated with {OPERATOR[0]}"],
        }
    )
    events = pd.concat([born, blocks]).sort_values(["timestamp", "target"], kind="stable")
    return validate("log_events", events.assign(wiki=WIKI, log_id=range(1, len(events) + 1)))


def _moment(second: int) -> dt.datetime:
    return FIRST_DAY + dt.timedelta(seconds=second)


FIRST_DAY = dt.datetime(2023, 1, 2, tzinfo=dt.UTC)
RIVER = 0  # the community of the case

OPERATOR = ("Weir Lantern", "Quillmoss", "石埠晚钟")
COLLEAGUE = "Alder Tollgate"
FRIENDS = ("Tansy Ferryside", "芦汀客")
MEMBERS = ("Ottermere Jotter", "Corndrift", "鹭洲拾贝")
DECLARED = "Ottermere Jotter (AWB)"
NEWCOMER = "Pewter Heronry"
NOMINATED = (*OPERATOR, COLLEAGUE, *FRIENDS, *MEMBERS, NEWCOMER)
ADMIN = "Marrow Lintel the Clerk"

BLOCKED = dt.datetime(2024, 9, 16, 20, 41, 7, tzinfo=dt.UTC)  # the operator's first account
LOCKED = dt.datetime(2025, 2, 10, 9, 12, 40, tzinfo=dt.UTC)  # the colleague, wrongly
AFTER_BLOCK = 9 * 86400

# The colleague has most of the operator's pages and nearly the operator's hours: that is why a
# careless look links the two. Friends share pages and answer each other within minutes.
# Each couple writes the same mix of languages, give or take `LANGUAGE_NEAR` logits. Among the
# others there are such couples too (`COMPANIONS`), nearer and further.
COLLEAGUE_PAGES, COLLEAGUE_HOURS = 0.7, 0.25
FRIENDS_PAGES, FRIENDS_HOURS = 0.6, 0.4
COLLEAGUE_COMPANY = (0.2, 0.15)  # comes when the operator is at work, mostly to other pages
FRIENDS_COMPANY = (0.35, 1.0)  # answers on the same page
CASE_LANGUAGE = -0.5


def seconds(moment: dt.datetime) -> int:
    """Return seconds since the wiki's first day."""
    return int((moment - FIRST_DAY).total_seconds())


def draw_cast(rng: np.random.Generator, town: PeopleGenerator) -> list[Person]:
    """Draw the nominated people: an operator, a colleague, two friends, and others of the place."""
    operator = _operator(town)
    first, second = _friends(rng, town)
    members = [_member(rng, town, name) for name in MEMBERS[1:]]
    return [
        operator,
        _colleague(rng, town, operator),
        first,
        second,
        _with_declared(town),
        *members,
        _newcomer(town),
    ]


def _plan(name: str, start: int, end: int, share: float = 1.0) -> Account:
    nothing = np.zeros(0)
    return Account(name, start, end, share, nothing, nothing)


def _operator(town: PeopleGenerator) -> Person:
    """One operator, three accounts: the second beside the first, the third after its block."""
    habits = speaking(town.habits(RIVER), CASE_LANGUAGE)
    pages, weights = town.interests(RIVER)
    block = seconds(BLOCKED)
    plans = [
        _plan(OPERATOR[0], 2 * WEEK, block, 1.0),
        _plan(OPERATOR[1], 38 * WEEK, END, 0.6),
        _plan(OPERATOR[2], block + AFTER_BLOCK, END, 0.9),
    ]
    accounts = town.alternates(habits, weights, plans)
    return Person("operator", RIVER, town.hours(RIVER), 620, pages, tuple(accounts))


def _colleague(rng: np.random.Generator, town: PeopleGenerator, operator: Person) -> Person:
    """Somebody else with the operator's pages, languages and hours, and ways of their own."""
    pages, weights = town.sharing(RIVER, operator.pages, COLLEAGUE_PAGES)
    hours = town.keeping(operator.hours, COLLEAGUE_HOURS)
    habits = speaking(town.habits(RIVER), CASE_LANGUAGE + LANGUAGE_NEAR * rng.standard_normal())
    account = Account(COLLEAGUE, 9 * WEEK, seconds(LOCKED), 1.0, habits, weights)
    company = WorkingPartner(OPERATOR[0], *COLLEAGUE_COMPANY)
    return Person("colleague", RIVER, hours, 520, pages, (account,), company=company)


def _friends(rng: np.random.Generator, town: PeopleGenerator) -> tuple[Person, Person]:
    """Two people who agree what to edit and go there together, within minutes."""
    pages, weights = town.interests(RIVER)
    both, both_weights = town.sharing(RIVER, pages, FRIENDS_PAGES)
    hours = town.hours(RIVER)
    first = _alone(town, FRIENDS[0], 20, weights)
    second = _alone(town, FRIENDS[1], 24, both_weights)
    language = first.habits[PLACES["chinese"]] + LANGUAGE_NEAR * rng.standard_normal()
    second = replace(second, habits=speaking(second.habits, float(language[0])))
    return (
        Person("friend", RIVER, hours, 330, pages, (first,), peers=(FRIENDS[1],) * 3),
        Person(
            "friend",
            RIVER,
            town.keeping(hours, FRIENDS_HOURS),
            260,
            both,
            (second,),
            peers=(FRIENDS[0],) * 3,
            company=WorkingPartner(FRIENDS[0], *FRIENDS_COMPANY),
        ),
    )


def _alone(
    town: PeopleGenerator, name: str, week: int, weights: Floats, *, end: int = END
) -> Account:
    return Account(name, week * WEEK, end, 1.0, town.habits(RIVER), weights)


def _member(rng: np.random.Generator, town: PeopleGenerator, name: str) -> Person:
    pages, weights = town.interests(RIVER)
    n_sessions = int(rng.integers(60, 220))
    account = _alone(town, name, int(rng.integers(0, 50)), weights)
    return Person("member", RIVER, town.hours(RIVER), n_sessions, pages, (account,))


def _with_declared(town: PeopleGenerator) -> Person:
    """Somebody who declares a second account for batch edits with a tool."""
    habits = town.habits(RIVER)
    pages, weights = town.interests(RIVER)
    plans = [_plan(MEMBERS[0], 6 * WEEK, END, 1.0), _plan(DECLARED, 30 * WEEK, END, 0.4)]
    main, tool = town.alternates(habits, weights, plans)
    signed = replace(
        tool,
        signature=" using [[Fernwick:AWB|AWB]]",
        batches=True,
        habits=habits,
        page_weights=weights,
    )
    return Person("member", RIVER, town.hours(RIVER), 240, pages, (main, signed))


def _newcomer(town: PeopleGenerator) -> Person:
    """Somebody with too few edits to say anything about."""
    pages, weights = town.interests(RIVER)
    start = 104
    account = _alone(town, NEWCOMER, start, weights, end=(start + 5) * WEEK)
    account.habits[PLACES["length"]] = -1.5  # about one edit a session
    account.habits[PLACES["batch"]] = -9.0
    return Person("newcomer", RIVER, town.hours(RIVER), 4, pages, (account,))
