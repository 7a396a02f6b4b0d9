"""The people of the demo case; who is who is the truth that no part of the pipeline reads."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sockgraph.synthetic.people import END, LANGUAGE_NEAR, WEEK, Account, Company, Person, Town
from sockgraph.synthetic.writing import PLACES, speaking

if TYPE_CHECKING:
    from sockgraph.synthetic.writing import Floats

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


def draw_cast(rng: np.random.Generator, town: Town) -> list[Person]:
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


def _operator(town: Town) -> Person:
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


def _colleague(rng: np.random.Generator, town: Town, operator: Person) -> Person:
    """Somebody else with the operator's pages, languages and hours, and ways of their own."""
    pages, weights = town.sharing(RIVER, operator.pages, COLLEAGUE_PAGES)
    hours = town.keeping(operator.hours, COLLEAGUE_HOURS)
    habits = speaking(town.habits(RIVER), CASE_LANGUAGE + LANGUAGE_NEAR * rng.standard_normal())
    account = Account(COLLEAGUE, 9 * WEEK, seconds(LOCKED), 1.0, habits, weights)
    company = Company(OPERATOR[0], *COLLEAGUE_COMPANY)
    return Person("colleague", RIVER, hours, 520, pages, (account,), company=company)


def _friends(rng: np.random.Generator, town: Town) -> tuple[Person, Person]:
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
            company=Company(FRIENDS[0], *FRIENDS_COMPANY),
        ),
    )


def _alone(town: Town, name: str, week: int, weights: Floats, *, end: int = END) -> Account:
    return Account(name, week * WEEK, end, 1.0, town.habits(RIVER), weights)


def _member(rng: np.random.Generator, town: Town, name: str) -> Person:
    pages, weights = town.interests(RIVER)
    n_sessions = int(rng.integers(60, 220))
    account = _alone(town, name, int(rng.integers(0, 50)), weights)
    return Person("member", RIVER, town.hours(RIVER), n_sessions, pages, (account,))


def _with_declared(town: Town) -> Person:
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


def _newcomer(town: Town) -> Person:
    """Somebody with too few edits to say anything about."""
    pages, weights = town.interests(RIVER)
    start = 104
    account = _alone(town, NEWCOMER, start, weights, end=(start + 5) * WEEK)
    account.habits[PLACES["length"]] = -1.5  # about one edit a session
    account.habits[PLACES["batch"]] = -9.0
    return Person("newcomer", RIVER, town.hours(RIVER), 4, pages, (account,))
