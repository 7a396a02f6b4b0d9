"""Who edits: people with habits, hours and pages of their own, and the accounts that they use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sockgraph.synthetic.writing import (
    LISTS,
    PLACES,
    SUBJECTS,
    community_custom,
    draw_habits,
    drifted,
    speaking,
    varied,
)

if TYPE_CHECKING:
    from sockgraph.synthetic.writing import Floats

    Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]

HOUR, WEEK_HOURS, WEEKS = 3600, 168, 130
WEEK = WEEK_HOURS * HOUR
END = WEEKS * WEEK

CUSTOM_TILT = 0.7  # communities word things alike: each tilts the wiki's custom by a factor of two
ACCOUNT_DRIFT = 0.6  # logits between two accounts of a person
VARIED = 0.2  # share of habits that somebody with several accounts changes on purpose
PAGE_DRIFT = 0.8  # log-weights of pages between one account of a person and another
PAGES_KEPT = 0.65  # share of a person's pages that each further account edits at all
PEAK_SPREAD = 1.8  # hours between a person's peak and the community's
SESSIONS, SESSIONS_SPREAD = 22.0, 1.3  # median, and log-normal spread as on real wikis (0.8 to 1.3)
# People seldom come alone: some share a project, a class, a house or a quarrel with somebody, have
# much of their pages and hours, and come when they see the other at work: on their own pages or
# on the very same one.
COMPANIONS = 0.35
SESSIONS_SHARED, SAME_PAGE = (0.0, 0.4), (0.0, 1.0)
PAGES_SHARED, HOURS_APART, LANGUAGE_NEAR = (0.3, 0.8), (0.2, 0.6), 0.5
N_OTHERS, MAX_SESSIONS = 300, 1500
N_TAIL = 300  # pages of a community that hardly anybody edits


@dataclass(frozen=True)
class CommunityPages:
    """A community's pages, as numbers into `Library.titles`.

    Attributes
    ----------
    popular, popularity
        Its main pages and their log-weights, by Zipf and Mandelbrot.
    tail
        Its niche pages.
    """

    popular: Ints
    popularity: Floats
    tail: Ints


@dataclass(frozen=True)
class WikiPages:
    """Every page of the wiki, what each community edits of them, and what everybody does."""

    titles: tuple[str, ...]
    shelves: tuple[CommunityPages, ...]
    everybodys: Ints


@dataclass(frozen=True)
class Account:
    """One account of a person: when it is used, how much, and what it makes of the person's ways.

    Attributes
    ----------
    start, end
        Seconds since the wiki's first day.
    """

    name: str
    start: int
    end: int
    share: float
    habits: Floats
    page_weights: Floats
    signature: str = ""
    batches: bool = False


@dataclass(frozen=True)
class WorkingPartner:
    """Somebody whose work brings a person to the keyboard.

    Attributes
    ----------
    name
        The first account of the other person.
    share
        Share of the person's sessions that begin within minutes of one of the other's.
    same_page
        Share of those that begin on the page where the other is.
    """

    name: str
    share: float
    same_page: float


@dataclass(frozen=True)
class Person:
    """Somebody at a keyboard: one hand, one page at a time, whatever the account."""

    part: str
    community: int
    hours: Floats
    n_sessions: int
    pages: Ints
    accounts: tuple[Account, ...]
    peers: tuple[str, ...] = ()
    company: WorkingPartner | None = None


def draw_pages(rng: np.random.Generator) -> WikiPages:
    """Invent every community's pages."""
    titles: list[str] = []
    shelves = []
    for subject in SUBJECTS:
        main = [f"{p} {t}" for p in subject.places for t in subject.things] + list(subject.zh_pages)
        order = rng.permutation(len(main))
        years = rng.integers(1820, 2024, N_TAIL)
        stems = rng.choice(np.array(main), N_TAIL)
        tail = dict.fromkeys(f"{stem} ({year})" for stem, year in zip(stems, years, strict=True))
        popular = len(titles) + np.arange(len(main))
        titles += [main[i] for i in order]
        shelves.append(
            CommunityPages(
                popular, _zipf(len(main)), len(titles) + np.arange(len(tail), dtype=np.int64)
            )
        )
        titles += tail
    everybodys = LISTS["everybodys"]
    square = len(titles) + np.arange(len(everybodys))
    return WikiPages((*titles, *everybodys), tuple(shelves), square)


def _zipf(n: int) -> Floats:
    return np.asarray(-0.9 * np.log(np.arange(n) + 5.0))


class PeopleGenerator:
    """Draws people of the wiki's communities, each from one generator.

    Parameters
    ----------
    rng
        The generator that everything about people comes from.
    library
        The pages that they may edit.
    """

    def __init__(self, rng: np.random.Generator, library: WikiPages) -> None:
        self._rng = rng
        self._library = library
        self._customs = [community_custom(rng, CUSTOM_TILT) for _ in SUBJECTS]

    def others(self, n: int = N_OTHERS) -> list[Person]:
        """Draw people of every community, of very different activity."""
        names = iter(draw_names(self._rng, n))
        communities = self._rng.choice(len(SUBJECTS), n, p=_community_shares())
        people = [self._other(int(c), next(names)) for c in communities]
        return [self._beside(person, people[:i]) for i, person in enumerate(people)]

    def _beside(self, person: Person, known: list[Person]) -> Person:
        """Let some work beside somebody who came before: their pages, hours, languages."""
        rng = self._rng
        near = [p for p in known if p.community == person.community]
        if not near or rng.random() >= COMPANIONS:
            return person
        other = near[int(rng.integers(len(near)))]
        pages, weights = self.sharing(person.community, other.pages, rng.uniform(*PAGES_SHARED))
        language = other.accounts[0].habits[PLACES["chinese"]][0]
        habits = speaking(
            person.accounts[0].habits, float(language + LANGUAGE_NEAR * rng.standard_normal())
        )
        account = replace(person.accounts[0], habits=habits, page_weights=weights)
        return replace(
            person,
            hours=self.keeping(other.hours, rng.uniform(*HOURS_APART)),
            pages=pages,
            accounts=(account,),
            company=WorkingPartner(
                other.accounts[0].name, rng.uniform(*SESSIONS_SHARED), rng.uniform(*SAME_PAGE)
            ),
        )

    def _other(self, community: int, names: tuple[str, str]) -> Person:
        rng = self._rng
        n = SESSIONS * np.exp(SESSIONS_SPREAD * rng.standard_normal())
        n_sessions = int(np.clip(n, 1, MAX_SESSIONS))
        start = int(END * 0.85 * rng.random() ** 1.3)
        weeks = rng.exponential(45) * max(1.0, float(np.log10(n_sessions + 1)))
        end = min(END, start + int(max(1.0, weeks) * WEEK))
        habits = self.habits(community)
        pages, weights = self.interests(community)
        writes_chinese = bool(habits[PLACES["chinese"]] > 0)
        account = Account(names[writes_chinese], start, end, 1.0, habits, weights)
        return Person("other", community, self.hours(community), n_sessions, pages, (account,))

    def habits(self, community: int) -> Floats:
        """Draw a person's habits around the community's custom."""
        return draw_habits(self._rng, self._customs[community], SUBJECTS[community])

    def hours(self, community: int) -> Floats:
        """Draw a person's hour-of-week profile, 168 weights: a main and a second peak, a floor."""
        rng = self._rng
        hour = np.arange(WEEK_HOURS) % 24
        peak = SUBJECTS[community].peak + PEAK_SPREAD * rng.standard_normal()
        second = peak - 7 + 1.5 * rng.standard_normal()
        narrow = rng.gamma(4, 0.5)
        profile = _bump(hour, peak, narrow) + rng.random() * 0.6 * _bump(hour, second, 2.0)
        weekend = np.where(np.arange(WEEK_HOURS) >= 120, np.exp(0.5 * rng.standard_normal()), 1.0)
        noise = np.exp(0.3 * rng.standard_normal(WEEK_HOURS))
        weights = (profile + 0.01) * weekend * noise
        return np.asarray(weights / weights.sum())

    def interests(self, community: int) -> tuple[Ints, Floats]:
        """Draw the pages that a person follows, and how much (log-weights)."""
        rng = self._rng
        shelf = self._library.shelves[community]
        odds = np.exp(shelf.popularity)
        n_main = min(int(8 + rng.lognormal(3.0, 0.6)), len(shelf.popular) - 1)
        main = rng.choice(shelf.popular, n_main, replace=False, p=odds / odds.sum())
        niche = rng.choice(shelf.tail, min(60, 1 + int(rng.lognormal(1.8, 0.8))), replace=False)
        away = rng.choice(len(self._library.titles), 6, replace=False)
        groups = ((main, 0.68), (niche, 0.27), (away, 0.05))
        weights = [_spread_out(rng, len(pages), share) for pages, share in groups]
        return np.concatenate([main, niche, away]), np.concatenate(weights)

    def sharing(self, community: int, pages: Ints, share: float) -> tuple[Ints, Floats]:
        """Draw a person's pages with two thirds of their weight on some of somebody else's."""
        own, own_weights = self.interests(community)
        shared = pages[self._rng.random(len(pages)) < share]
        new = ~np.isin(own, shared)
        weights = [_spread_out(self._rng, len(shared), 0.67), own_weights[new] + np.log(0.33)]
        return np.concatenate([shared, own[new]]), np.concatenate(weights)

    def keeping(self, hours: Floats, spread: float) -> Floats:
        """Draw the profile of somebody who keeps nearly these hours."""
        near = hours * np.exp(spread * self._rng.standard_normal(len(hours)))
        return np.asarray(near / near.sum())

    def alternates(self, habits: Floats, weights: Floats, plans: list[Account]) -> list[Account]:
        """Let a person use several accounts: habits drift, some are varied, pages differ.

        Parameters
        ----------
        habits, weights
            The person's own; `weights` are the log-weights of their pages.
        plans
            The accounts with name, start, end and share; the first keeps all pages.
        """
        return [
            self._alternate(habits, weights, plan, first=i == 0) for i, plan in enumerate(plans)
        ]

    def _alternate(self, habits: Floats, weights: Floats, plan: Account, *, first: bool) -> Account:
        rng = self._rng
        own = drifted(rng, habits, ACCOUNT_DRIFT)
        fresh = self.habits(0)
        shifted = weights + PAGE_DRIFT * rng.standard_normal(len(weights))
        if not first:
            own = varied(rng, own, fresh, VARIED)
            shifted = np.where(rng.random(len(weights)) < PAGES_KEPT, shifted, -np.inf)
        return replace(plan, habits=own, page_weights=shifted)


def with_peers(rng: np.random.Generator, people: list[Person]) -> list[Person]:
    """Give everybody a few members of their community to write to, the active ones first."""
    result = []
    for person in people:
        near = [p for p in people if p.community == person.community and p is not person]
        odds = np.array([float(p.n_sessions) for p in near])
        chosen = rng.choice(len(near), min(8, len(near)), replace=False, p=odds / odds.sum())
        names = tuple(near[int(i)].accounts[0].name for i in chosen)
        result.append(replace(person, peers=person.peers + names))
    return result


def draw_names(rng: np.random.Generator, n: int) -> list[tuple[str, str]]:
    """Return n pairs of account names, one in English and one in Chinese, all different."""
    english = [f"{a} {b}" for a in LISTS["first"] for b in LISTS["second"]]
    chinese = [f"{a}{b}" for a in LISTS["zh_first"] for b in LISTS["zh_second"]]
    chinese += [f"{name}{i}" for i in (2, 7) for name in chinese]
    chosen = [
        [names[i] for i in rng.choice(len(names), n, replace=False)] for names in (english, chinese)
    ]
    return list(zip(*chosen, strict=True))


def _community_shares() -> Floats:
    """Return how people are spread over communities: a few large ones, the case's among them."""
    shares = np.array([5.0, 3, 2.5, 2, 2.5, 1.5, 2.5, 1.5])
    return np.asarray(shares / shares.sum())


def _spread_out(rng: np.random.Generator, n: int, share: float) -> Floats:
    weights = np.exp(1.0 * rng.standard_normal(n))
    return np.asarray(np.log(share * weights / weights.sum()))


def _bump(hour: Ints, peak: float, narrow: float) -> Floats:
    return np.asarray(np.exp(narrow * (np.cos((hour - peak) * np.pi / 12) - 1)))
