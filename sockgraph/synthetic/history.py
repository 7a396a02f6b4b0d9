"""What people do with their days: sessions, one page after another, and the saves in them."""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sockgraph.synthetic.people import END, HOUR, WEEK, WEEK_HOURS, WEEKS
from sockgraph.synthetic.writing import (
    LISTS,
    PLACES,
    SUBJECTS,
    EditDraft,
    WritingStyle,
    cumulative,
    drifted,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockgraph.synthetic.people import Account, Person, WikiPages
    from sockgraph.synthetic.writing import Floats

QUARTER = 13 * WEEK
TIME_DRIFT = 0.25  # logits a quarter: nobody writes as they did two years ago
PAGE_DRIFT = 1.2  # log-weights of pages around their mean, quarter by quarter: interests wander
BUSY_SPREAD, BUSY_MEMORY = 0.9, 0.6  # weekly activity: log-normal, remembering the week before
KEEPS_ACCOUNT = 0.85  # chance that somebody with several accounts goes on with the one last used
SWITCH = 120  # seconds at least between two sessions of a person: logging out, logging in
TOWN_SQUARE = 0.06  # share of edits on pages that every community edits
AT_LARGE = 0.2  # share of edits on any page of the community, by its popularity
REACTS = 0.06  # share of sessions that go where somebody of the community edited within half a day
HOT_PAGES, HOT_DRAW = 14, 0.25  # events of a community that draw its members for a week
ANSWER = 420.0  # seconds, on average, until somebody in company is at the keyboard too
BATCH_KINDS = ("link", "category", "layout", "typo", "update")
PROJECT_SHARE, TEMPLATE_SHARE, TALK_SHARE = 0.12, 0.06, 0.85


@dataclass(frozen=True)
class Session:
    """Some minutes at the keyboard with one account, begun on one page."""

    start: int
    account: int
    gaps: tuple[int, ...]  # seconds before each edit; the first is 0
    page: int
    batch: bool

    @property
    def end(self) -> int:
        """Return the second of the last edit."""
        return self.start + sum(self.gaps)


@dataclass(frozen=True)
class Save:
    """One save: who, when, where, and what it looks like."""

    second: int
    user: str
    title: str
    edit: EditDraft


class PersonState:
    """A person with their accounts' voices and page choices, quarter by quarter.

    Parameters
    ----------
    rng
        The person's own generator.
    person, library
        Who edits, and the pages there are.
    """

    def __init__(self, rng: np.random.Generator, person: Person, library: WikiPages) -> None:
        self.rng = rng
        self.person = person
        self._library = library
        self._voices: dict[tuple[int, int], WritingStyle] = {}
        self._habits = {i: [a.habits] for i, a in enumerate(person.accounts)}
        self._pages: dict[tuple[int, int], list[float]] = {}
        shelf = library.shelves[person.community]
        self._shelf = cumulative(shelf.popularity)

    def voice(self, account: int, second: int) -> WritingStyle:
        """Return how an account writes in the quarter of this second."""
        key = (account, second // QUARTER)
        if key not in self._voices:
            history = self._habits[account]
            while len(history) <= key[1]:
                history.append(drifted(self.rng, history[-1], TIME_DRIFT))
            subject = SUBJECTS[self.person.community]
            signature = self.person.accounts[account].signature
            self._voices[key] = WritingStyle(history[key[1]], subject, signature)
        return self._voices[key]

    def page(self, account: int, second: int) -> int:
        """Draw a page that this account would edit now."""
        draw = self.rng.random()
        if draw < TOWN_SQUARE:
            return int(self.rng.choice(self._library.everybodys))
        if draw < TOWN_SQUARE + AT_LARGE:
            shelf = self._library.shelves[self.person.community]
            return int(shelf.popular[bisect(self._shelf, self.rng.random())])
        key = (account, second // QUARTER)
        if key not in self._pages:
            weights = self.person.accounts[account].page_weights
            now = weights + PAGE_DRIFT * self.rng.standard_normal(len(weights))
            self._pages[key] = cumulative(now)
        return int(self.person.pages[bisect(self._pages[key], self.rng.random())])

    def sessions(self) -> list[Session]:
        """Draw every session; one hand: none overlaps another, whatever the account."""
        starts = self._starts()
        return self._in_order(starts, self._accounts(starts))

    def joined(self, sessions: list[Session], others: list[Session]) -> list[Session]:
        """Move some sessions to minutes after somebody else's began, on their page or another."""
        rng, company = self.rng, self.person.company
        if company is None:
            return sessions
        born, gone = self.person.accounts[0].start, self.person.accounts[0].end
        heard = [s for s in others if born < s.start < gone - HOUR]
        n = min(int(company.share * len(sessions)), len(heard))
        kept = rng.choice(len(sessions), len(sessions) - n, replace=False).tolist()
        chosen = [heard[int(i)] for i in rng.choice(len(heard), n, replace=False)]
        answers = [self._answer(session, company.same_page) for session in chosen]
        return self._apart(sorted([*(sessions[i] for i in kept), *answers], key=lambda s: s.start))

    def _answer(self, heard: Session, same_page: float) -> Session:
        answer = self._session(heard.start + 60 + int(self.rng.exponential(ANSWER)), 0)
        return replace(answer, page=heard.page) if self.rng.random() < same_page else answer

    def saves(self, sessions: list[Session]) -> Iterator[Save]:
        """Write out every session, save by save."""
        for session in sessions:
            yield from self._written(session)

    def _starts(self) -> list[int]:
        rng, person = self.rng, self.person
        weeks = self._busy_weeks()
        chosen = rng.choice(WEEKS, person.n_sessions, p=weeks)
        hours = rng.choice(WEEK_HOURS, person.n_sessions, p=person.hours)
        seconds = rng.integers(0, HOUR, person.n_sessions)
        times = chosen * WEEK + hours * HOUR + seconds
        first, last = self._career()  # at least a week long, so a week's shift brings them inside
        times = np.where(times < first, times + WEEK, times)
        return sorted(np.where(times >= last - HOUR, times - WEEK, times).tolist())

    def _career(self) -> tuple[int, int]:
        accounts = self.person.accounts
        return min(a.start for a in accounts), max(a.end for a in accounts)

    def _busy_weeks(self) -> Floats:
        """Return how a career's activity spreads over weeks: busy times, lulls, and breaks."""
        rng, weeks = self.rng, np.zeros(WEEKS)
        level = 0.0
        for week in range(WEEKS):
            level = BUSY_MEMORY * level + BUSY_SPREAD * 0.8 * rng.standard_normal()
            weeks[week] = np.exp(level)
        for _ in range(rng.integers(0, 4)):
            away = int(rng.integers(0, WEEKS))
            weeks[away : away + int(rng.integers(1, 6))] *= 0.02
        first, last = self._career()
        weeks[: first // WEEK] = 0
        weeks[last // WEEK + 1 :] = 0
        return np.asarray(weeks / weeks.sum())

    def _accounts(self, starts: list[int]) -> list[int]:
        """Choose an account for each session: the one last used, mostly."""
        chosen, current = [], -1
        for second in starts:
            open_now = [i for i, a in enumerate(self.person.accounts) if _open(a, second)]
            if not open_now:
                chosen.append(-1)
                continue
            if current not in open_now or self.rng.random() > KEEPS_ACCOUNT:
                shares = np.array([self.person.accounts[i].share for i in open_now])
                current = int(self.rng.choice(open_now, p=shares / shares.sum()))
            chosen.append(current)
        return chosen

    def _in_order(self, starts: list[int], accounts: list[int]) -> list[Session]:
        drawn = [self._session(s, a) for s, a in zip(starts, accounts, strict=True) if a >= 0]
        return self._apart(drawn)

    def _apart(self, sessions: list[Session]) -> list[Session]:
        """Push each session behind the one before, with time to switch accounts."""
        result: list[Session] = []
        free = 0
        for session in sessions:
            start = max(session.start, free)
            moved = replace(session, start=start)
            result.append(moved)
            free = moved.end + SWITCH + int(self.rng.exponential(300))
        return result

    def _session(self, start: int, account: int) -> Session:
        rng, plan = self.rng, self.person.accounts[account]
        habits = plan.habits
        batch = plan.batches or rng.random() < _rate(habits, "batch")
        if batch:
            n, median, spread = 8 + int(rng.geometric(0.08)), 18.0, 0.4
        else:
            length = float(np.exp(habits[PLACES["length"]][0]))
            n = int(rng.geometric(1 / (1 + length)))
            median, spread = float(np.exp(habits[PLACES["gap"]][0])), 0.8
        gaps = median * np.exp(spread * rng.standard_normal(n - 1))
        whole = np.clip(gaps, 6, 3000).astype(int).tolist()
        return Session(start, account, (0, *whole), self.page(account, start), batch)

    def _written(self, session: Session) -> Iterator[Save]:
        rng, account = self.rng, self.person.accounts[session.account]
        voice = self.voice(session.account, session.start)
        page, second = session.page, session.start
        kind = BATCH_KINDS[int(rng.integers(len(BATCH_KINDS)))]
        pattern = voice.save(kind, rng)
        for i, gap in enumerate(session.gaps):
            second += gap
            if not account.start <= second < min(account.end, END):
                return
            if i and (session.batch or rng.random() > voice.rate["stay"]):
                page = self.page(session.account, second)
            edit = pattern if session.batch else voice.save(voice.kind(rng.random), rng)
            yield Save(second, account.name, self._title(page, edit.kind), edit)

    def _title(self, page: int, kind: str) -> str:
        """Return where such an edit goes: the page, its talk, a template, somebody's talk page."""
        draw, title = self.rng.random(), self._library.titles[page]
        if kind == "usertalk" and self.person.peers:
            return f"User talk:{self.person.peers[int(draw**2 * len(self.person.peers))]}"
        if kind == "reply" and draw < PROJECT_SHARE:
            shared = LISTS["project_pages"]
            return shared[int(self.rng.random() * len(shared))]
        if kind == "reply" or (kind == "prose" and draw > TALK_SHARE):
            return f"Talk:{title}"
        if kind == "layout" and draw < TEMPLATE_SHARE:
            return f"Template:{SUBJECTS[self.person.community].name}"
        return title


def draw_histories(
    streams: list[np.random.Generator], people: list[Person], library: WikiPages
) -> list[Save]:
    """Draw everything that everybody saves, in order of time.

    Parameters
    ----------
    streams
        A generator for each person, and one more for what happens among them.
    """
    desks = [PersonState(s, p, library) for s, p in zip(streams, people, strict=False)]
    drawn = [desk.sessions() for desk in desks]
    drawn = _in_company(desks, drawn)
    drawn = _with_events(streams[-1], people, drawn, library)
    saves = [s for desk, mine in zip(desks, drawn, strict=True) for s in desk.saves(mine)]
    return sorted(saves, key=lambda s: (s.second, s.user))


def _in_company(desks: list[PersonState], drawn: list[list[Session]]) -> list[list[Session]]:
    """Let those in company come when the other does, who always stands earlier in the list."""
    known: dict[str, list[Session]] = {}
    for desk, mine in zip(desks, drawn, strict=True):
        company = desk.person.company
        others = known[company.name] if company else []
        known[desk.person.accounts[0].name] = desk.joined(mine, others)
    return list(known.values())


def _with_events(
    rng: np.random.Generator,
    people: list[Person],
    drawn: list[list[Session]],
    library: WikiPages,
) -> list[list[Session]]:
    """Send some sessions where others are: to a page in the news, or after somebody's edit."""
    order = sorted((s.start, who, i) for who, mine in enumerate(drawn) for i, s in enumerate(mine))
    hot = [_hot_weeks(rng, shelf.popular) for shelf in library.shelves]
    result = [list(mine) for mine in drawn]
    last: dict[int, tuple[int, int]] = {}
    for start, who, i in order:
        community, session = people[who].community, result[who][i]
        news = hot[community].get(start // WEEK)
        draw = rng.random()
        if news is not None and draw < HOT_DRAW:
            session = replace(session, page=news)
        elif draw > 1 - REACTS and start - last.get(community, (-END, 0))[0] < HOUR * 12:
            session = replace(session, page=last[community][1])
        result[who][i] = session
        last[community] = (start, session.page)
    return result


def _hot_weeks(
    rng: np.random.Generator, pages: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
) -> dict[int, int]:
    weeks = rng.choice(WEEKS, HOT_PAGES, replace=False).tolist()
    return dict(zip(weeks, rng.choice(pages, HOT_PAGES).tolist(), strict=True))


def _open(account: Account, second: int) -> bool:
    return account.start <= second < account.end


def _rate(habits: Floats, name: str) -> float:
    return float(1 / (1 + np.exp(-habits[PLACES[name]][0])))
