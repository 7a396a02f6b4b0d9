"""What the page may ask the kernel, and the answer to each question.

Lists and matrix hold every pair of a case, also those that no picture draws.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.charts.groups import MOST, NOTE, matrix_cells
from sockgraph.desk import cited_edits, each, latest_edits, panels, shared_edits, shared_pages
from sockgraph.desk.tables import pattern_of, shared_phrases
from sockgraph.errors import FetchError, ReviewError, SockgraphError, StaleArtifactError
from sockgraph.names import clean, is_han
from sockgraph.pipeline.run import open_source
from sockgraph.report.filing import picked_edits, side_of, with_edit, with_move
from sockgraph.report.markup import diff_url
from sockgraph.report.summary import oldest_first
from sockgraph.report.wikitext import PROFILES, basket_text, profile_of
from sockgraph.report.wording import chips, state_words
from sockgraph.reviews.answers import LONGEST
from sockgraph.reviews.words import estimate, interval
from sockgraph.sources.mediawiki.revisions import DiffSource, parse_diff
from sockgraph.strings import say, speaking

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable

    from sockgraph.case import Case
    from sockgraph.desk.state import Desk
    from sockgraph.report.data import Link
    from sockgraph.report.filing import Side

ORDERS = ("oldest first", "strongest links first", "by group", "by name")
Answer = dict[str, Any]

MOST_PHRASES = 12
"""Shared phrases that are marked in summaries, the rarest first."""


def pair_list(
    desk: Desk, user: str | None = None, *, sort: str = "lr", falling: bool = True, start: int = 0
) -> Answer:
    """Return some pairs of one account with everybody, or of all, with what they have in common.

    Parameters
    ----------
    sort
        One of `SORTS`; what has no value comes last, either way.
    start
        The first row that is returned, of those so sorted.

    Returns
    -------
    dict
        `rows`: at most `MOST_ROWS`, each a list with a value for every one of `columns`; pairs with
        too few edits are among them. `total` and `counts` (by direction, and `few`) tell of all.
    """
    if user is not None and user not in desk.accounts:
        raise ReviewError(user, "the case has no account of that name.", "Choose another.")
    if sort not in SORTS:
        raise ReviewError(sort, f"pairs are sorted by {', '.join(SORTS)}.", "Choose one.")
    links = desk.tables["links"]
    if user is not None:
        links = links[(links["user_a"] == user) | (links["user_b"] == user)]
    if SORTS[sort] in MEETINGS:
        links = links.assign(**dict(zip(MEETINGS, desk.meetings(links), strict=True)))
    few = links["band"] == "insufficient"
    told = links.loc[links["log10_lr"].notna() & ~few, "direction"].value_counts()
    ranked = _ranked(desk, links, SORTS[sort], user=user, falling=falling)
    rows = [_row(desk, link) for link in each(ranked.iloc[start : start + MOST_ROWS])]
    return {
        "columns": list(_COLUMNS),
        "rows": rows,
        "total": len(links),
        "counts": {**{str(way): int(n) for way, n in told.items()}, "few": int(few.sum())},
    }


MOST_ROWS = 100
MEETINGS = ("shared", "closest")
"""What two accounts have in common: pages, and seconds between their closest edits."""
SORTS = {"pair": "name", "lr": "log10_lr", "shared": "shared", "closest": "closest"}
_COLUMNS = ("a", "b", "words", "interval", "direction", "insufficient", "state", *MEETINGS)


def _ranked(
    desk: Desk, links: pd.DataFrame, by: str, *, user: str | None, falling: bool
) -> pd.DataFrame:
    """Sort pairs by a column; by name, or the other's name, where they are the same in it."""
    named = pd.Index(sorted(desk.accounts, key=str.casefold))
    first, second = (named.get_indexer(pd.Index(links[end])) for end in ("user_a", "user_b"))
    name = first * len(named) + second
    if user is not None:
        name = np.where(links["user_a"] == user, second, first)
    keys = [by] if by == "name" else [by, "name"]
    ways = [not falling, True][: len(keys)]
    return links.assign(name=name).sort_values(keys, ascending=ways, na_position="last")


def _row(desk: Desk, link: Any) -> list[Any]:
    """Return a pair's values, in the order of `_COLUMNS`."""
    a, b = str(link.user_a), str(link.user_b)
    seen = desk.links.get((a, b))
    state = "" if seen is None else _state(seen)
    few = link.band == "insufficient"
    words = number_words(link), _ends(link), str(link.direction)
    return [a, b, *words, few, state, *desk.meeting(a, b)]


def number_words(link: Any) -> str:
    """Write a row's log10 LR, at least or at most where a bound holds it; empty without one."""
    if pd.isna(link.log10_lr):
        return ""
    return estimate(float(link.log10_lr), *_bounds(link))


def _ends(link: Any) -> str:
    if pd.isna(link.log10_lr):
        return ""
    return interval(float(link.log10_lr_low), float(link.log10_lr_high), *_bounds(link))


def _bounds(link: Any) -> list[float | None]:
    return [None if pd.isna(b) else float(b) for b in (link.bound_low, link.bound_high)]


def _state(link: Any) -> str:
    said = [words for _, words in chips(link)]
    if not said and link.state != "none":
        said = [state_words(link)]
    return ", ".join(map(say, said))


def matrix_view(desk: Desk, order: str, pair: Iterable[str] = ()) -> Answer:
    """Return the staircase of pairs, as the report draws it, of as many accounts as one holds.

    Parameters
    ----------
    order
        One of `ORDERS`.
    pair
        The accounts that are looked at: they are among those shown.

    Returns
    -------
    dict
        `users` with `label` and `han`, `cells` (see `charts.groups.matrix_cells`), `left_out`,
        `note`.
    """
    if order not in ORDERS:
        raise ReviewError(order, f"the order is one of {', '.join(ORDERS)}.", "Choose one.")
    kept = _kept(desk, set(pair))
    users = sorted(kept, key=_places(desk, order).__getitem__)
    links = desk.tables["links"]
    inside = links[links["user_a"].isin(kept) & links["user_b"].isin(kept)]
    cells = matrix_cells(users, inside, desk.data.cannot_links)
    labels = [desk.accounts[user].label for user in users]
    return {
        "users": [
            {"user": user, "label": clean(label), "han": is_han(label)}
            for user, label in zip(users, labels, strict=True)
        ],
        "cells": cells.to_dict("records"),
        "left_out": len(desk.accounts) - len(users),
        "note": say(NOTE),
    }


def _kept(desk: Desk, looked_at: set[str]) -> set[str]:
    """Return the accounts of a matrix: those looked at, then those of the strongest links."""
    if len(desk.accounts) <= MOST:
        return set(desk.accounts)
    first = [user for user in desk.by_strength if user in looked_at]
    rest = [user for user in desk.by_strength if user not in looked_at]
    return set([*first, *rest][:MOST])


def _places(desk: Desk, order: str) -> dict[str, int]:
    """Return where each account stands in an order."""
    oldest = [account.user for account in oldest_first(desk.accounts)]
    if order == "by name":
        ranked = sorted(desk.accounts, key=str.casefold)
    elif order == "strongest links first":
        ranked = desk.by_strength
    elif order == "by group":
        grouped = [user for group in desk.groups for user in group.users if user in desk.accounts]
        ranked = [*dict.fromkeys([*grouped, *oldest])]
    else:
        ranked = oldest
    return {user: i for i, user in enumerate(ranked)}


def handle_message(desk: Desk, content: Answer, *, scene: Answer | None = None) -> Answer:
    """Answer one question of the page, in its language; what cannot be had is said in the answer.

    A question that names no language is answered in English. `scene`: what is drawn first.
    """
    with speaking(content.get("lang", "en")):
        try:
            desk.refuse_changed()
            if content["ask"] == "scene":
                return {"scene": scene}
            return _ANSWERS[content["ask"]](desk, content)
        except SockgraphError as error:
            gone = isinstance(error, StaleArtifactError)  # nor may what was told before be shown
            return {"problem": error_message(error), "stale": gone}
        except Exception as error:  # noqa: BLE001 - the page waits until it is told
            said = say(
                "it cannot be shown: {error}.", error=clean(f"{type(error).__name__} {error}")
            )
            remedy = say("The rest of the desk works. Run the case again; if it stays, report it.")
            return {"problem": {"value": say("This panel"), "rule": said, "remedy": remedy}}


def error_message(error: SockgraphError) -> dict[str, str]:
    """Return an error as the page says it."""
    return {"value": clean(error.value), "rule": error.rule, "remedy": error.remedy}


def give_panels(desk: Desk, content: Answer) -> Answer:
    """Return some panels of a link as HTML."""
    bare = content["panels"] == ["head"]  # it tells of no signal
    link = (desk.bare_link if bare else desk.link)(content["a"], content["b"])
    made: dict[str, Callable[[Desk, Link], str]] = {
        "head": panels.head,
        "card": panels.card,
        "evidence": panels.evidence,
        "timecards": panels.timecards,
        "timeline": panels.timeline,
        "summaries": panels.summaries,
    }
    return {name: str(made[name](desk, link)) for name in content["panels"]}


def give_edits(desk: Desk, content: Answer) -> Answer:
    """Return both accounts' edits by page, with what each edit told and how common that is.

    The account that is named first in the question stands first in the answer.

    What the pair's head says comes with them, which spares whoever clicks a question. Where they
    share no page, each one's own latest edits.
    """
    link = desk.bare_link(content["a"], content["b"])
    a, b = link.pair
    pages = shared_pages(desk.tables, a, b)
    edits = (shared_edits if len(pages) else latest_edits)(desk.tables, a, b)
    told_by = cited_edits(desk.tables, a, b)
    numbered = link.log10_lr is not None  # else nothing moved a number
    signals = told_by.groupby("rev")["signal"].agg(list).to_dict() if numbered else {}
    phrases = shared_phrases(desk.tables, a, b, voices=desk.voices).head(MOST_PHRASES)
    told = [(pattern_of(str(row.phrase)), row) for row in each(phrases)]
    case = desk.result.case
    return {
        "head": str(panels.head(desk, link)),
        "pages": [_page(row, numbered=numbered) for row in each(pages)],
        "accounts": int(desk.tables.users.max(initial=-1)) + 1,
        "diffs": case.source.kind == "mediawiki",
        "edits": [
            {
                "rev": row.rev,
                "at": f"{row.timestamp:%Y-%m-%d %H:%M}",
                "second": row.user == b,
                "page": clean(str(row.page)),
                "ns": None if pd.isna(row.ns) else int(row.ns),
                "summary": None if pd.isna(row.comment) else clean(str(row.comment)),
                "hidden": "comment" in row.hidden,
                "size": None if pd.isna(row.size_diff) else int(row.size_diff),
                "gap": None if pd.isna(row.gap) else float(row.gap),
                "signals": signals.get(row.rev, []),
                "told": _told(
                    desk, (a, b), row.comment, told, opens="openings" in signals.get(row.rev, ())
                ),
                "url": diff_url(case, row.rev),
            }
            for row in each(edits)
        ],
    }


def _page(row: Any, *, numbered: bool) -> Answer:
    return {
        "page": clean(str(row.page)),
        "n": [int(row.n_a), int(row.n_b)],
        "closest": None if pd.isna(row.closest) else float(row.closest),
        "editors": int(row.editors),
        "moved": float(row.moved) if numbered else 0.0,
    }


def _told(
    desk: Desk,
    pair: tuple[str, str],
    summary: Any,
    phrases: list[tuple[re.Pattern[str], Any]],
    *,
    opens: bool,
) -> Answer | None:
    """Return the rarest thing of both that a summary holds, and how many others wrote it.

    A phrase; where openings told, how it begins.
    """
    if not isinstance(summary, str):
        return None
    found: list[Answer] = []
    for pattern, row in phrases:  # the rarest first
        if phrase := pattern.search(summary):
            found.append({"text": clean(phrase.group()), "others": int(row.others), "opens": False})
            break
    opening = desk.voices.opening_of_both(summary, *pair) if opens else None
    if opening and (text := pattern_of(opening[0]).search(summary)):
        found.append({"text": clean(text.group()), "others": opening[1], "opens": True})
    rarest = min(found, key=itemgetter("others"), default=None)
    return rarest and {**rarest, "of": desk.voices.n_others(*pair)}


def give_diff(desk: Desk, content: Answer) -> Answer:
    """Return what one edit changed: as stored, else asked of the case's own wiki."""
    wiki, _, rev_id = str(content["rev"]).rpartition(":")
    case = desk.result.case
    if case.source.kind != "mediawiki":
        said = "only a wiki holds diffs; this case's edits come from a file."
        raise FetchError(content["rev"], said, "Open the edit on its wiki.")
    source = open_source(case, desk.store)
    held = source.diffs([int(rev_id)], wiki=wiki) if isinstance(source, DiffSource) else {}
    if int(rev_id) not in held:
        raise FetchError(content["rev"], "the wiki shows no diff of it.", "It may be hidden.")
    return {"diff": [[kind, clean(text)] for kind, text in parse_diff(held[int(rev_id)])]}


def give_pairs(desk: Desk, content: Answer) -> Answer:
    """Return some pairs of an account, or of all, as the table of them is sorted."""
    return pair_list(
        desk,
        content.get("user") or None,
        sort=content.get("sort", "lr"),
        falling=bool(content.get("falling", True)),
        start=int(content.get("start", 0)),
    )


def give_numbers(desk: Desk, content: Answer) -> Answer:
    """Return every other account with its number against one, strongest for first, none last."""
    user, links = content["user"], desk.tables["links"]
    theirs = links[(links["user_a"] == user) | (links["user_b"] == user)]
    ranked = _ranked(desk, theirs, "log10_lr", user=user, falling=True)
    ends = (({link.user_a, link.user_b} - {user}).pop() for link in each(ranked))
    return {"numbers": list(zip(ends, map(number_words, each(ranked)), strict=True))}


def give_matrix(desk: Desk, content: Answer) -> Answer:
    """Return every pair's cell, as many accounts as one matrix holds."""
    return matrix_view(desk, content["order"], content.get("pair", ()))


def give_basket(desk: Desk, content: Answer) -> Answer:
    """Return what was picked, each edit with account, page and time, and its text for a filing."""
    basket, case = desk.basket, desk.result.case
    profile = content.get("profile") or profile_of(case)
    if profile not in PROFILES:
        raise ReviewError(profile, f"a filing's form is one of {', '.join(PROFILES)}.", "Choose.")
    edits = picked_edits(desk.tables["edits"], basket)
    rows = {f"{row.wiki}:{row.rev_id}": row for row in each(edits)}
    written = content.get("text") and len(edits)  # a preview takes longer than a tick may
    text = basket_text(desk.dossier, basket, desk.head, profile=profile) if written else ""
    return {
        "picked": [
            {"rev": one.rev, "side": one.side, **_in_basket(rows.get(one.rev), case, one.rev)}
            for one in basket
        ],
        "text": text,
        "profile": profile,
        "profiles": list(PROFILES),
    }


def _in_basket(row: Any | None, case: Case, rev: str) -> Answer:
    """Return what the basket shows of an edit; nothing where the case has it no more."""
    if row is None:
        return {"gone": True}
    return {
        "user": clean(str(row.user)),
        "page": "" if pd.isna(row.title) else clean(str(row.title)),
        "at": f"{row.timestamp:%Y-%m-%d %H:%M}",
        "summary": "" if pd.isna(row.comment) else clean(str(row.comment)),
        "url": diff_url(case, rev),
    }


def change_basket(desk: Desk, content: Answer) -> Answer:
    """Put an edit into the basket, take it out, move it, or give it to the other side."""
    rev, what = str(content["rev"]), content["do"]
    basket = desk.basket
    if what == "pick":
        basket = with_edit(basket, rev, _side(desk, content))
    elif what == "move":
        basket = with_move(basket, rev, int(content["by"]))
    else:
        basket = tuple(one for one in basket if one.rev != rev)
    desk.keep_basket(basket)
    return give_basket(desk, content)


def _side(desk: Desk, content: Answer) -> Side:
    """Return the side that was asked for; else the one that the edit moved the number to."""
    if content.get("side"):
        return side_of(content["side"])
    cited = cited_edits(desk.tables, *desk.pair(content["a"], content["b"]))
    moved_by = cited.loc[cited["rev"] == content["rev"], "contribution"].sum()
    return "against" if moved_by < 0 else "for"


def give_notes(desk: Desk, content: Answer) -> Answer:
    """Return what was noted of a link."""
    entries = desk.notes(content["a"], content["b"])
    said = [{"time": e.time, "by": clean(e.author), "text": clean(e.body["text"])} for e in entries]
    return {"notes": said, "head": str(desk.head), "by": clean(desk.by)}


def take_note(desk: Desk, content: Answer) -> Answer:
    """Enter a note into the ledger."""
    text = str(content["text"]).strip()
    if not desk.by:
        said = "a note in the ledger needs its author."
        raise ReviewError("by", said, 'Open it as sockgraph.explore(case, by="your name").')
    if not text:
        raise ReviewError("note", "it is empty.", "Write a sentence.")
    if len(text) > LONGEST:
        raise ReviewError("note", f"it is longer than {LONGEST:,} characters.", "Shorten it.")
    desk.write_note(content["a"], content["b"], text)
    return give_notes(desk, content)


def give_group(desk: Desk, content: Answer) -> Answer:
    """Return what a group rests on."""
    found = next((g for g in desk.groups if g.number == content["number"]), None)
    if found is None:
        raise ReviewError(content["number"], "there is no such group.", "Choose another.")
    return {"group": str(panels.group(desk, found))}


def give_what_if(desk: Desk, content: Answer) -> Answer:
    """Return every pair and group as they would be without something: an exploration, not kept.

    `without` lists things as `omissions.omitted` writes them; `window`, if given, is the first and
    the last moment of edits, either may be null. Where a pair is named, `told` is the answer about
    it, beside today's.
    """
    without, window = tuple(map(str, content.get("without", ()))), content.get("window")
    if not without and not any(window or ()):
        raise ReviewError("what if", "nothing is left out.", "Choose something, or other days.")
    pair = desk.pair(content["a"], content["b"]) if "a" in content else None
    found = desk.what_if(without, None if window is None else tuple(window))
    return {
        "told": pair and str(panels.what_if_panel(desk, pair, found)),
        "exploration": list(found.without),
        "links": [
            {
                "a": row.user_a,
                "b": row.user_b,
                "score": _number(row.score),
                "lr": _number(row.log10_lr),
                "low": _number(row.log10_lr_low),
                "high": _number(row.log10_lr_high),
                "flagged": bool(row.flagged),
            }
            for row in each(found.links)
        ],
        "groups": [
            {"number": g.number, "users": list(g.users), "stable": g.stable} for g in found.groups
        ],
    }


def _number(value: float) -> float | None:
    return None if pd.isna(value) else round(float(value), 3)


_ANSWERS: dict[str, Callable[[Desk, Answer], Answer]] = {
    "panels": give_panels,
    "edits": give_edits,
    "diff": give_diff,
    "pairs": give_pairs,
    "numbers": give_numbers,
    "matrix": give_matrix,
    "basket": give_basket,
    "change basket": change_basket,
    "notes": give_notes,
    "note": take_note,
    "group": give_group,
    "what-if": give_what_if,
}
