"""Invented discussions with known truth: who votes when, of what mind, and who acts in concert."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.schema import validate
from sockgraph.store.files import whole_file, write_bytes
from sockgraph.synthetic.people import draw_names

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

WIKI = "saltmarsh.example"
START = pd.Timestamp("2024-01-08T00:00Z")
EVERY, OPEN = 10, 7  # days between discussions, and how long one is open
EDITS = 200  # of each account elsewhere
DAYS = "一二三四五六日"


@dataclass(frozen=True)
class Community:
    """What a community is like.

    Attributes
    ----------
    compared, crowd
        Accounts that are compared, and others.
    discussions
        How many there are.
    camps
        How far two camps differ, in log odds of support; 0 is none.
    zones
        Whether half of the compared accounts live by the same narrow hours.
    bloc
        How many of the compared accounts act in concert.
    joins
        How often each of them follows the first within minutes, on the same side.
    """

    compared: int = 12
    crowd: int = 50
    discussions: int = 24
    camps: float = 0.0
    zones: bool = False
    bloc: int = 0
    joins: float = 0.6


@dataclass(frozen=True)
class Election:
    """Invented discussions.

    Attributes
    ----------
    votes, edits
        The tables, everybody under their names; edits are those elsewhere on the wiki.
    compared, bloc
        Accounts that are compared, and those of them that act in concert.
    """

    votes: pd.DataFrame
    edits: pd.DataFrame
    compared: tuple[str, ...]
    bloc: tuple[str, ...]


def invent_election(community: Community | None = None, *, seed: int = 1) -> Election:
    """Return discussions in which people vote by their opinion, their hours and their zeal.

    A bloc's members follow the first of them within some ten minutes, on the same side, as often as
    `joins` says; otherwise they vote like anybody.
    """
    here = community or Community()
    rng = np.random.default_rng(seed)
    n = here.compared + here.crowd
    names = [name for name, _ in draw_names(rng, n)]
    people = _People.drawn(rng, here)
    rows = [row for at in range(here.discussions) for row in _discussion(rng, here, people, at)]
    table = pd.DataFrame(rows, columns=["page", "who", "timestamp", "side"])
    table = table.sort_values(["timestamp", "who"], ignore_index=True)
    votes = table.assign(
        wiki=WIKI,
        user=table["who"].map(lambda who: names[who]),
        rev_id=table.index + 1_000_001,
        parse="ok",
    )
    return Election(
        validate("votes", votes.drop(columns="who")),
        _edits(rng, names, people),
        tuple(sorted(names[: here.compared])),
        tuple(sorted(names[: here.bloc])),
    )


@dataclass(frozen=True)
class _People:
    """Hours (UTC, the peak and its spread), camp (-1 or 1), leaning, zeal, and promptness."""

    peak: Floats
    spread: Floats
    camp: Floats
    leaning: Floats
    zeal: Floats
    prompt: Floats

    @classmethod
    def drawn(cls, rng: np.random.Generator, here: Community) -> _People:
        n = here.compared + here.crowd
        peak, spread = rng.uniform(0, 24, n), rng.uniform(1.5, 5, n)
        if here.zones:
            peak[: here.compared // 2], spread[: here.compared // 2] = 20.0, 1.0
        camp = rng.choice([-1.0, 1.0], n).astype(float)
        zeal = rng.beta(2, 2, n)
        zeal[: here.compared] = 0.4 + 0.5 * zeal[: here.compared]
        return cls(peak, spread, camp, rng.normal(0.5, 1.0, n), zeal, rng.uniform(0.15, 0.8, n))


def _discussion(
    rng: np.random.Generator, here: Community, people: _People, at: int
) -> list[tuple[str, int, pd.Timestamp, str]]:
    """Return who votes in one discussion: page, account, moment, side."""
    n = len(people.peak)
    opened = START + pd.Timedelta(days=EVERY * at, hours=float(rng.uniform(0, 24)))
    popular = rng.uniform(0.5, 1.2)
    came = rng.random(n) < people.zeal * popular
    log_odds = people.leaning + rng.normal(0, 1) + rng.choice([-1, 1]) * here.camps * people.camp
    support = rng.random(n) < 1 / (1 + np.exp(-log_odds))
    sides = np.where(rng.random(n) < 0.08, "neutral", np.where(support, "support", "oppose"))
    hours = np.array([_moment(rng, people, who, opened) for who in range(n)])
    members = np.flatnonzero(came[: here.bloc])
    if len(members) > 1:
        first = members[np.argmin(hours[members])]
        follow = [who for who in members if who != first and rng.random() < here.joins]
        hours[follow] = hours[first] + rng.exponential(10 / 60, len(follow))
        sides[follow] = sides[first]
    page = f"Project:Nomination {at + 1:02}"
    return [
        (page, int(who), (opened + pd.Timedelta(hours=hours[who])).floor("s"), str(sides[who]))
        for who in np.flatnonzero(came)
    ]


def _moment(rng: np.random.Generator, people: _People, who: int, opened: pd.Timestamp) -> float:
    """Return the hours after the opening: sooner days likelier, at the account's own hours."""
    while True:
        day = min(rng.geometric(people.prompt[who]) - 1, OPEN - 1)
        clock = rng.normal(people.peak[who], people.spread[who]) % 24
        after = 24 * day + (clock - opened.hour - opened.minute / 60) % 24
        if after < 24 * OPEN:
            return float(after)


def _edits(rng: np.random.Generator, names: list[str], people: _People) -> pd.DataFrame:
    """Return everybody's edits elsewhere, on pages that draw some more than others."""
    n = len(names)
    who = np.repeat(np.arange(n), EDITS)
    day = rng.integers(0, 240, len(who))
    clock = rng.normal(people.peak[who], people.spread[who]) % 24
    page = (600 * rng.random(len(who)) ** 2).astype(int)
    moment = START + pd.to_timedelta(day * 24 + clock, unit="h")
    table = pd.DataFrame(
        {
            "wiki": WIKI,
            "rev_id": np.arange(len(who)) + 1,
            "user": [names[i] for i in who],
            "title": [f"Page {number}" for number in page],
            "ns": 0,
            "timestamp": moment.floor("s"),
            "comment": "",
            "hidden": [[] for _ in who],
        }
    )
    return validate("edits", table)


def discussion_revisions(
    votes: pd.DataFrame, *, profile: str = "enwiki"
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write votes as the revisions of their pages, in the markup of a wiki.

    Returns
    -------
    edits, texts
        The tables `discussion_edits` and `texts`.
    """
    edits: list[dict[str, Any]] = []
    texts: list[dict[str, Any]] = []
    for page, rows in votes.sort_values(["timestamp", "rev_id"]).groupby("page"):
        text = ""
        for row in rows.to_dict("records"):
            text += _line(row["user"], row["side"], row["timestamp"], chinese=profile == "zhwiki")
            known = {"wiki": row["wiki"], "rev_id": row["rev_id"]}
            moment = {name: row[name] for name in ("user", "timestamp")}
            edits.append({**known, **moment, "title": page, "hidden": []})
            texts.append({**known, "text": text})
    return (
        validate("discussion_edits", pd.DataFrame(edits)),
        validate("texts", pd.DataFrame(texts)),
    )


def _line(user: str, side: object, at: pd.Timestamp, *, chinese: bool) -> str:
    if chinese:
        word = {"support": "{{支持}}", "oppose": "{{反对}}", "neutral": "{{中立}}"}.get(
            str(side), ""
        )
        day = f"{at.year}年{at.month}月{at.day}日 ({DAYS[at.weekday()]}) {at:%H:%M} (UTC)"
        return f"* {word}，见上。--[[User:{user}|{user}]]（[[User talk:{user}|留言]]） {day}\n"
    word = f"'''{str(side).capitalize()}'''" if side in ("support", "oppose", "neutral") else "Hm"
    day = f"{at:%H:%M}, {at.day} {at:%B %Y} (UTC)"
    return f"* {word}, see above. [[User:{user}|{user}]] ([[User talk:{user}|talk]]) {day}\n"


def write_election(
    folder: Path, community: Community | None = None, *, seed: int = 1, profile: str = "enwiki"
) -> Path:
    """Write an invented election as files, and a case that compares its accounts.

    Returns
    -------
    Path
        `election.toml` in `folder`, beside `edits.parquet` and `texts.parquet`.
    """
    world = invent_election(community or Community(bloc=4), seed=seed)
    said, texts = discussion_revisions(world.votes, profile=profile)
    edits = pd.concat([world.edits, said.reindex(columns=world.edits.columns)], ignore_index=True)
    for name, table in (("edits", validate("edits", edits)), ("texts", texts)):
        with whole_file(folder / f"{name}.parquet") as draft:
            table.to_parquet(draft)
    names = {
        "nominated": json.dumps(world.compared, ensure_ascii=False),
        "pages": json.dumps(sorted(said["title"].unique()), ensure_ascii=False),
    }
    path = folder / "election.toml"
    write_bytes(path, _CASE.format(wiki=WIKI, profile=profile, **names).encode())
    return path


_CASE = """\
id     = "election-0001"
title  = "Nominations of one year"
reason = "Whether accounts that support each other act in concert"
wikis  = ["{wiki}"]

[source]
kind  = "table"
path  = "edits.parquet"
texts = "texts.parquet"

[accounts]
nominated = {nominated}

[discussions]
reason  = "Whether the nominations were decided by people acting in concert"
profile = "{profile}"
pages   = {pages}
"""
