"""The note that restores: what was wrong, what is in force, what to undo and whom to tell."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from urllib.parse import quote

from sockgraph.report.markup import escape_wikitext, safe_url, wiki_account, wiki_section
from sockgraph.reviews.audit import head_words
from sockgraph.reviews.words import action_words, restraint_words, wiki_words
from sockgraph.strings import language_of, say, speaking

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from sockgraph.log_events import Restraint
    from sockgraph.reviews import Dossier, Entry, LedgerHead


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
