"""The filing basket: edits that an investigator picked, kept beside the case until they are filed.

It holds revision numbers and sides, no name and no summary: what a wiki hides by the time of the
filing is hidden there too. The desk fills it, `sockgraph report` writes from it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from sockgraph.errors import StoreError
from sockgraph.signals.corpus import revision_keys
from sockgraph.store.case_store import BASKET

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

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
