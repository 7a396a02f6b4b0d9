"""Around a filing: the edits that were picked for it, and the note that restores whom it wronged.

The basket of picked edits is kept beside the case until they are filed. It holds revision numbers
and sides, no name and no summary: what a wiki hides by the time of the filing is hidden there too.
The desk fills it, `sockgraph report` writes from it. The note says what was wrong, what is in
force, what to undo and whom to tell.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args
from urllib.parse import quote

import numpy as np

from sockgraph.errors import StoreError
from sockgraph.report.markup import escape_wikitext, safe_url, wiki_account, wiki_section
from sockgraph.reviews.audit import head_words
from sockgraph.reviews.words import action_words, restraint_words, wiki_words
from sockgraph.signals.corpus import revision_keys
from sockgraph.store import BASKET
from sockgraph.strings import language_of, say, speaking

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    import pandas as pd

    from sockgraph.log_events import Restraint
    from sockgraph.reviews.dossier import Dossier
    from sockgraph.reviews.ledger import Entry, LedgerHead
    from sockgraph.store import CaseStore

Side = Literal["against", "for"]
SIDES: tuple[Side, ...] = get_args(Side)
MOST = 200
"""Edits in one basket: more than a clerk reads."""


@dataclass(frozen=True)
class PickedEdit:
    """An edit that was picked (`wiki:rev_id`), and which side it speaks for."""

    rev: str
    side: Side


Basket = tuple[PickedEdit, ...]


def read_basket(store: CaseStore) -> Basket:
    """Return what was picked of a case, in the order of the filing: against first.

    Raises
    ------
    StoreError
        If the file is not a basket; nothing of it is lost.
    """
    path = store.path(BASKET)
    try:
        given = json.loads(path.read_text(encoding="utf-8"))["edits"]
        return in_order(PickedEdit(str(row["rev"]), side_of(row["side"])) for row in given)
    except FileNotFoundError:
        return ()
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            path, "it is not a filing basket.", "Move it away; the desk begins a new one."
        ) from error


def keep_basket(store: CaseStore, basket: Basket) -> None:
    """Write what was picked, readable by its owner only; an empty basket leaves no file."""
    if not basket:
        store.path(BASKET).unlink(missing_ok=True)
        return
    rows = [{"rev": one.rev, "side": one.side} for one in basket]
    store.write_text(BASKET, json.dumps({"edits": rows}, ensure_ascii=False, indent=1) + "\n")


def with_edit(basket: Basket, rev: str, side: Side) -> Basket:
    """Return the basket with an edit on a side; one that is in it already changes sides.

    >>> with_edit((PickedEdit("w:1", "for"),), "w:2", "against")
    (PickedEdit(rev='w:2', side='against'), PickedEdit(rev='w:1', side='for'))
    """
    if any(one.rev == rev for one in basket):
        return in_order(replace(one, side=side) if one.rev == rev else one for one in basket)
    if len(basket) >= MOST:
        said = f"the basket holds {MOST} edits: more than anybody reads."
        raise StoreError(BASKET, said, "Take some out first.")
    return in_order([*basket, PickedEdit(rev, side)])


def with_move(basket: Basket, rev: str, by: int) -> Basket:
    """Return the basket with an edit some places up or down, on its own side.

    >>> with_move((PickedEdit("w:1", "for"), PickedEdit("w:2", "for")), "w:2", -1)[0].rev
    'w:2'
    """
    one = next((one for one in basket if one.rev == rev), None)
    if one is None:
        return basket
    same = [other for other in basket if other.side == one.side]
    at = same.index(one)
    same.insert(max(0, min(len(same) - 1, at + by)), same.pop(at))
    return in_order([*same, *(other for other in basket if other.side != one.side)])


def in_order(picks: Iterable[PickedEdit]) -> Basket:
    """Return picks with those against first; each side keeps its own order."""
    return tuple(sorted(picks, key=lambda one: SIDES.index(one.side)))


def picked_edits(edits: pd.DataFrame, basket: Basket) -> pd.DataFrame:
    """Return the rows of `edits` that were picked, in the basket's order, with their `side`.

    What the case no longer has, because it was purged or is hidden now, is not among them.
    """
    place = {one.rev: i for i, one in enumerate(basket)}
    numbers = {int(n) for rev in place if (n := rev.rpartition(":")[2]).isdigit()}
    found = edits[edits["rev_id"].isin(numbers)]  # many rows: keys are made of few
    keys = revision_keys(found).to_numpy()
    known = np.array([key in place for key in keys], dtype=bool)  # a list of none picks columns
    found, at = found.loc[known], [place[key] for key in keys[known]]
    found = found.assign(side=[basket[i].side for i in at], place=at)
    return found.sort_values("place", kind="stable").drop(columns="place")


def side_of(text: object) -> Side:
    """Return a side by its name; ValueError where there is none of that name."""
    return SIDES[SIDES.index(text)]


WEEK = 7
"""Days before a link's date in which a block may still have come of it: a filing often follows."""


def restoration_note(dossier: Dossier, entry: Entry, head: LedgerHead) -> str:
    """Write what was wrong, what is in force, what to undo and whom to tell, ready to post.

    In the language of the case's wiki. Files are not named: the page is public.

    Parameters
    ----------
    entry
        The ledger's `restoration` entry.
    """
    with speaking(language_of(dossier.case.wiki)):
        return _note(dossier, entry, head)


def _note(dossier: Dossier, entry: Entry, head: LedgerHead) -> str:
    body, pair = entry.body, entry.pair or ("", "")
    a, b = map(wiki_account, pair)
    force = dossier.in_force(pair)
    unknown = say("No block or lock of these accounts is known to be in force.")
    made = "{name}, who made or upheld the link"
    told = [a, b, *(say(made, name=escape_wikitext(name)) for name in body["made_by"])]
    plain_a, plain_b = map(escape_wikitext, pair)
    lines = [
        f"== {say('Restoration: {a} and {b}', a=plain_a, b=plain_b)} ==",
        say("The link between {a} and {b} was wrong and is taken back.", a=a, b=b),
        say(
            "It stood since {since}. {n} people who had no part in it took it back on {day}.",
            since=body["since"],
            n=len(body["wrong"]),
            day=entry.time[:10],
        ),
        *wiki_section(say("What was wrong"), [*map(escape_wikitext, dict.fromkeys(body["wrong"]))]),
        *wiki_section(say("What is in force now"), _in_force(force, body["since"]) or [unknown]),
        *wiki_section(say("What to undo"), _undo(body, force)),
        *wiki_section(say("What rested on it, and is to be looked at again"), _leaned(body)),
        *wiki_section(say("Whom to tell"), list(dict.fromkeys(told))),
    ]
    case = say("Case {case}.", case=escape_wikitext(dossier.case.slug))
    return "\n".join([*lines, "", case, head_words(head), ""])


def _in_force(force: Sequence[Restraint], since: str) -> list[str]:
    """Say what holds the two accounts, and what held them before they were linked."""
    before = say("; this was so before the link was made")
    return [
        f"{wiki_account(one.user)}{say(': ')}{escape_wikitext(restraint_words(one))}"
        + (before if one.day and one.day < since else "")
        for one in force
    ]


def _came_of_it(one: Restraint, since: str) -> bool | None:
    """Tell whether a block or lock followed from a link made on a day; None where it may have."""
    if not one.day:
        return None
    if one.day >= since:
        return True
    week_before = dt.date.fromisoformat(since) - dt.timedelta(days=WEEK)
    return None if one.day >= week_before.isoformat() else False


def _undo(body: Mapping[str, Any], force: Sequence[Restraint]) -> list[str]:
    """Return what to undo: what is in force by the link, then what else was done by it."""
    since = [one for one in force if _came_of_it(one, body["since"]) is not False]
    found = [
        say(
            "Unlock {user} globally" if one.lock else "Unblock {user} on {wiki}",
            user=wiki_account(one.user),
            wiki=escape_wikitext(wiki_words(one)),
        )
        + ("" if _came_of_it(one, body["since"]) else say(", if it followed from the link"))
        for one in since
    ]
    done = {"lock", "global lock"} if any(one.lock for one in since) else set()
    done |= {"block"} if any(not one.lock for one in since) else set()
    nouns = [noun for noun in map(action_words, body["actions"]) if noun and noun not in done]
    undo = "Undo the {action} that followed from the link"
    found += [say(undo, action=escape_wikitext(say(noun))) for noun in nouns]
    found += [
        say("Take back what {page} says of the link", page=_address(page)) for page in body["pages"]
    ]
    withdraw = "Withdraw the filing of {day} by {by}"
    found += [
        say(withdraw, day=filed["time"][:10], by=escape_wikitext(filed["by"]))
        for filed in body["filings"]
    ]
    return [
        *found,
        say("Replace every copy of this case's report, tables and graph that was shared"),
    ]


def _leaned(body: Mapping[str, Any]) -> list[str]:
    def users(names: Iterable[str]) -> str:
        return say(", ").join(map(wiki_account, names))

    groups = [say("The group of {users}", users=users(group)) for group in body["groups"]]
    links = [say("The link of {users}", users=users(pair)) for pair in body["links"]]
    return [*groups, *links] or [say("Nothing else")]


def _address(url: str) -> str:
    """Return a web address as a link, every character that wikitext reads percent-encoded."""
    safe = safe_url(url)
    return quote(safe, safe=":/?&=#%,;@+.") if safe else escape_wikitext(url)
