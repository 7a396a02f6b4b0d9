"""Every pair of a case, also those that no picture draws: the matrix, and an account with all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from sockgraph.charts.matrix import MOST, NOTE, matrix_cells
from sockgraph.desk.facts import each
from sockgraph.errors import ReviewError
from sockgraph.names import clean, is_han
from sockgraph.report.summary import oldest_first
from sockgraph.report.wording import chips, state_words
from sockgraph.reviews.words import estimate, interval
from sockgraph.strings import say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sockgraph.desk.state import Desk

Record = dict[str, Any]
ORDERS = ("oldest first", "strongest links first", "by group", "by name")


def pair_list(desk: Desk, user: str | None = None) -> Record:
    """Return the pairs of one account with everybody, or of all, with what they have in common.

    Returns
    -------
    dict
        `rows`: a record a pair, insufficient ones too, those that speak for first; `met` tells
        whether shared pages and closest gaps were counted: for one account always, for all of them
        up to as many as one matrix shows.
    """
    if user is not None and user not in desk.accounts:
        raise ReviewError(user, "the case has no account of that name.", "Choose another.")
    links = desk.tables["links"]
    if user is not None:
        links = links[(links["user_a"] == user) | (links["user_b"] == user)]
    met = user is not None or len(desk.accounts) <= MOST
    if user is not None:
        desk.contacts(user)  # all its meetings at once
    rows = [_row(desk, link, met=met) for link in each(_strongest_first(links))]
    return {"rows": rows, "met": met, "user": user}


def _strongest_first(links: pd.DataFrame) -> pd.DataFrame:
    return links.sort_values(
        ["log10_lr", "user_a", "user_b"], ascending=[False, True, True], na_position="last"
    )


def _row(desk: Desk, link: Any, *, met: bool) -> Record:
    a, b = str(link.user_a), str(link.user_b)
    shared, closest = desk.meeting(a, b) if met else (None, None)
    insufficient = link.band == "insufficient"
    number = None if pd.isna(link.log10_lr) else float(link.log10_lr)
    seen = desk.links.get((a, b))
    return {
        "a": a,
        "b": b,
        "lr": number,
        "words": number_words(link),
        "interval": _ends(link),
        "direction": str(link.direction),
        "insufficient": bool(insufficient),
        "flagged": bool(link.flagged),
        "state": "" if seen is None else _state(seen),
        "shared": shared,
        "closest": closest,
    }


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


def matrix_view(desk: Desk, order: str, pair: Iterable[str] = ()) -> Record:
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
        `users` with `label` and `han`, `cells` (see `charts.matrix.matrix_cells`), `left_out`,
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
