"""An invented, dated history for the test wiki: the same bytes every time, no real name in it."""

from __future__ import annotations

import datetime as dt
import json
import random
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

START = dt.datetime(2023, 1, 2, tzinfo=dt.UTC)
DAYS = 420
COMMUNITIES = ("Canals", "Mosses", "Clocks", "Bridges")
WORDS = (
    "Amber", "Basalt", "Copper", "Dune", "Ember", "Fennel", "Garnet", "Hazel", "Indigo", "Juniper",
    "Kelp", "Linen", "Maple", "Nettle", "Onyx", "Pewter", "Quartz", "Rowan", "Sable", "Thistle",
)  # fmt: skip
BIRDS = ("Wren", "Heron", "Plover", "Finch")
SUMMARIES = (
    "fix a typo", "add a source", "copyedit", "update the figures", "link to {page}", "wording",
    "tidy the table", "remove a dead link", "reply", "expand the lead", "+cat", "date format",
    "rv test edit", "/* History */ more",
)  # fmt: skip

NON_ASCII = ("青石巷", "مستخدم تجربة", "A&B+C", "Pebble O'Hara")
OPERATED = ("Willow Kerb", "Kerbside Willow", "New Lantern")
RENAMED = ("Old Lantern", "New Lantern")
BOT = "Tidy Bot"
NO_EDITS = "Silent Reader"
MISSING = "Nobody of That Name"
SOCK_BLOCKED = "Blocked Heron"
UNBLOCKED = "Rowan Wren"
DELETED_PAGE = "Deleted quarry"
HIDES = "青石巷"
HIDDEN_FROM = "A&B+C"


@dataclass
class History:
    """Accounts, edits of pages, and what is done to them afterwards."""

    accounts: list[dict[str, object]] = field(default_factory=list)
    pages: dict[str, list[tuple[dt.datetime, str, str]]] = field(default_factory=dict)
    blocks: list[dict[str, str]] = field(default_factory=list)
    renames: list[dict[str, str]] = field(default_factory=list)
    tags: list[dict[str, str]] = field(default_factory=list)

    def add_account(self, name: str, *, day: int, groups: tuple[str, ...] = ()) -> None:
        at = START - dt.timedelta(days=day)
        self.accounts.append({"name": name, "registered": _stamp(at), "groups": list(groups)})

    def add_edit(self, name: str, page: str, at: dt.datetime, comment: str) -> None:
        self.pages.setdefault(page, []).append((at, name, comment))

    def as_json(self) -> str:
        """What seed.php reads."""
        parts = ("accounts", "blocks", "renames", "tags")
        return json.dumps({part: getattr(self, part) for part in parts}, ensure_ascii=False)

    def as_xml(self) -> str:
        """What importDump.php reads."""
        pages = "".join(_page(title, edits) for title, edits in sorted(self.pages.items()))
        return (
            '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" '
            f'xml:lang="en">{pages}</mediawiki>'
        )


def build(*, regulars: int = 60, seed: int = 7) -> History:
    """Return the whole history: about 70 accounts and more than 5,000 edits."""
    history, rng = History(), _dice(seed)
    names = [f"{word} {bird}" for bird in BIRDS for word in WORDS][:regulars]
    for number, name in enumerate((*names, *NON_ASCII)):
        community = COMMUNITIES[number % len(COMMUNITIES)]
        history.add_account(name, day=rng.randrange(10, 900))
        _habitual(history, name, _Habit.of(rng, community))
    habit = _Habit.of(rng, "Canals")
    for name in (OPERATED[0], OPERATED[1], RENAMED[0]):
        history.add_account(name, day=rng.randrange(10, 200))
        _habitual(history, name, habit.again(rng))
    _special_accounts(history, rng)
    _special_events(history)
    return history


@dataclass
class _Habit:
    """Where, when and how one person edits."""

    rng: random.Random
    community: str
    favourites: tuple[int, ...]
    hour: int
    summaries: tuple[str, ...]

    @classmethod
    def of(cls, rng: random.Random, community: str) -> _Habit:
        return cls(
            _dice(rng.random()),
            community,
            tuple(rng.sample(range(45), 12)),
            rng.randrange(24),
            tuple(rng.sample(SUMMARIES, 5)),
        )

    def again(self, rng: random.Random) -> _Habit:
        """The same habit with dice of its own."""
        return _Habit(
            _dice(rng.random()), self.community, self.favourites, self.hour, self.summaries
        )


def _habitual(history: History, name: str, habit: _Habit) -> None:
    rng = habit.rng
    for _ in range(rng.randrange(20, 32)):
        at = START + dt.timedelta(days=rng.randrange(DAYS), hours=habit.hour + rng.random() * 4)
        for _ in range(rng.randrange(1, 6)):
            at += dt.timedelta(seconds=rng.randrange(60, 900))
            number = rng.choice(habit.favourites) if rng.random() < 0.8 else rng.randrange(45)
            prefix = "Talk:" if rng.random() < 0.15 else ""
            page = f"{prefix}{habit.community} {number}"
            history.add_edit(name, page, at, rng.choice(habit.summaries).format(page=page))


def _special_accounts(history: History, rng: random.Random) -> None:
    history.add_account(BOT, day=700, groups=("bot",))
    for number in range(150):
        at = START + dt.timedelta(days=200, seconds=number * 6)
        page = f"{rng.choice(COMMUNITIES)} {rng.randrange(45)}"
        history.add_edit(BOT, page, at, "tidying, see the task page")
    history.add_account(NO_EDITS, day=30)
    history.add_account(SOCK_BLOCKED, day=90)
    _habitual(history, SOCK_BLOCKED, _Habit.of(rng, "Canals"))
    for number in range(20):
        at = START + dt.timedelta(days=3 * number, hours=9)
        history.add_edit("192.0.2.7", f"Canals {number}", at, "")


def _special_events(history: History) -> None:
    for number, name in enumerate(("Pebble O'Hara", "Amber Wren", "Pebble O'Hara", "Dune Wren")):
        at = START + dt.timedelta(days=50 + number, hours=11)
        history.add_edit(name, DELETED_PAGE, at, "notes")
    reason = "Abusing multiple accounts"
    history.blocks = [
        {"name": SOCK_BLOCKED, "at": _day(DAYS), "expiry": "infinity", "reason": reason},
        {"name": UNBLOCKED, "at": _day(300), "expiry": "infinity", "reason": reason,
         "unblocked": _day(303)},
    ]  # fmt: skip
    history.renames = [{"from": RENAMED[0], "to": RENAMED[1], "at": _day(DAYS + 5)}]
    mobile = [
        (at, name)
        for edits in history.pages.values()
        for at, name, _ in edits
        if name == OPERATED[0]
    ]
    history.tags = [
        {"name": name, "at": _stamp(at), "tag": "mobile edit"} for at, name in sorted(mobile)[::4]
    ]


def _dice(seed: float) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a history, no secret


def _day(number: int) -> str:
    return _stamp(START + dt.timedelta(days=number))


def _stamp(at: dt.datetime) -> str:
    return at.strftime("%Y%m%d%H%M%S")


def _page(title: str, edits: list[tuple[dt.datetime, str, str]]) -> str:
    ns = 1 if title.startswith("Talk:") else 0
    text, revisions = "", []
    for at, name, comment in sorted(edits):
        text = f"{text[-400:]}{name} wrote on {at:%d %B}. "
        revisions.append(_revision(at, name, comment, text))
    return f"<page><title>{escape(title)}</title><ns>{ns}</ns>{''.join(revisions)}</page>"


def _revision(at: dt.datetime, name: str, comment: str, text: str) -> str:
    who = f"<ip>{name}</ip>" if name[0].isdigit() else f"<username>{escape(name)}</username>"
    minor = "<minor/>" if comment == "fix a typo" else ""
    said = f"<comment>{escape(comment)}</comment>" if comment else ""
    return (
        f"<revision><timestamp>{at:%Y-%m-%dT%H:%M:%SZ}</timestamp>"
        f"<contributor>{who}</contributor>{minor}{said}"
        "<model>wikitext</model><format>text/x-wiki</format>"
        f'<text xml:space="preserve">{escape(text)}</text></revision>'
    )
