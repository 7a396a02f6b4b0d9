"""The sheet that a reviewer reads: two accounts' edits side by side, blinded, in time order.

It holds nothing that weighs: the pages that fewest others edited come first, then the rest, each
part in time order; gaps are told and not weighed. What a sheet leaves out for length it counts.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.reviews.blinding import USER_SPACES, Blinder, Part, blinder, own_names, squash
from sockgraph.reviews.ledger import digest
from sockgraph.signals.corpus import revision_keys
from sockgraph.strings import say

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

    from sockgraph.case import Case
    from sockgraph.reviews.dossier import Dossier
    from sockgraph.reviews.states import Pair

FIRST_PAGES = 10
"""Shared pages shown before all others: those that fewest other accounts edited."""
UNSHARED_PAGES = 60
PAGE_EDITS = 12
PAGES_IN_FULL = 200  # of more shared pages each is held, with fewer edits
FEW_EDITS = 4
AROUND_A_CHANGE = 2  # edits kept on either side of where one account follows the other
SPACES = {
    0: "main",
    1: "talk",
    2: "user",
    3: "user talk",
    4: "project",
    5: "project talk",
    6: "file",
    7: "file talk",
    8: "interface",
    10: "template",
    11: "template talk",
    14: "category",
    15: "category talk",
}
_UNITS = (
    (86_400 * 2, 86_400, "{n} days"),
    (3_600 * 2, 3_600, "{n} h"),
    (120, 60, "{n} min"),
    (0, 1, "{n} s"),
)

Diffs = dict[str, list[tuple[str, str]]]
"""From `wiki:rev_id` to what a diff shows: pairs of `same`, `ins` or `del` and its text."""


@dataclass(frozen=True)
class EditCard:
    """One edit, blinded.

    Attributes
    ----------
    rev
        `wiki:rev_id`.
    summary
        Parts; None where it is hidden or not known.
    diff
        Pairs of `same`, `ins` or `del` and parts; None where the case holds no diff.
    """

    rev: str
    who: str
    date: str
    size: int | None
    minor: bool
    summary: list[Part] | None
    hidden: list[str]
    diff: list[tuple[str, list[Part]]] | None = None


@dataclass(frozen=True)
class SheetRow:
    """One or two edits that follow each other, and the time between the two accounts' edits."""

    a: EditCard | None = None
    b: EditCard | None = None
    gap: str = ""
    order: str = ""


@dataclass(frozen=True)
class SheetPage:
    """One page's edits by the two accounts."""

    title: list[Part]
    space: str
    editors: int
    rows: list[SheetRow]
    left_out: int = 0


@dataclass(frozen=True)
class AccountExtent:
    """How much was read of one account."""

    edits: int
    first: str
    last: str


@dataclass(frozen=True)
class Sheet:
    """Everything that is read before the first judgement.

    Attributes
    ----------
    shared, only_a, only_b
        Pages; each list with how many there are in all, since long ones are cut.
    """

    a: AccountExtent
    b: AccountExtent
    shared: list[SheetPage]
    only_a: list[SheetPage]
    only_b: list[SheetPage]
    totals: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the sheet as JSON has it."""
        return asdict(self)

    @property
    def cards(self) -> dict[str, EditCard]:
        """Every edit shown, by `wiki:rev_id`."""
        pages = (*self.shared, *self.only_a, *self.only_b)
        rows = (row for page in pages for row in page.rows)
        return {card.rev: card for row in rows for card in (row.a, row.b) if card}


def case_key(case: Case) -> str:
    """Return what draws are seeded by: the same however often the case is run."""
    return case.id or case.slug


def sides(pair: Pair, key: str) -> Pair:
    """Return who is shown as Account A and who as B, drawn by a seed."""
    flipped = np.random.default_rng(seed_of(key, *pair)).random() < 0.5
    return (pair[1], pair[0]) if flipped else pair


def case_blinder(
    dossier: Dossier, a: str, b: str, *, diffs: Diffs | None = None, texts: Iterable[str] = ()
) -> Blinder:
    """Return what hides the two accounts, and every other account that the case reads.

    Parameters
    ----------
    diffs, texts
        What else will be shown: names of the reference are looked for in all of it.
    """
    edits, accounts = dossier.tables["edits"], dossier.tables["accounts"]
    listed = accounts.loc[accounts["role"] != "reference", "user"]
    names = {**dict.fromkeys([*map(str, listed), *dossier.case.named], "other"), a: "A", b: "B"}
    former = {c["user"]: c["renamed_from"] for c in dossier.manifest.get("coverage", ())}
    for user in list(names):
        names |= dict.fromkeys((n for n in former.get(user, ()) if n not in names), names[user])
    mine = edits[edits["user"].isin([a, b])]
    shown = [*mine["title"].dropna().unique(), *mine["comment"].dropna().unique(), *texts]
    shown += [text for pieces in (diffs or {}).values() for _, text in pieces]
    names |= _reference_names(dossier, (a, b), squash("\n".join(shown)), names)
    for user, who in ((a, "A"), (b, "B")):
        if user not in set(listed):  # it may write under a former name, too
            own = own_names(edits[edits["user"] == user])
            names |= dict.fromkeys((n for n in own if n not in names), who)
    titles = edits.loc[edits["ns"].isin(USER_SPACES), "title"].dropna().unique()
    return blinder(names, titles)


def _reference_names(
    dossier: Dossier, shown: Pair, squashed: str, taken: Iterable[str]
) -> dict[str, str]:
    """Return the true names of reference accounts that occur in what is shown, and labels."""
    labels = dict(zip(shown, "AB", strict=True))
    found = {
        name: labels.get(cover, "other")
        for cover, name in dossier.names.items()
        if cover in labels or squash(name) in squashed
    }
    return {name: label for name, label in found.items() if name not in set(taken)}


def make_sheet(dossier: Dossier, a: str, b: str, *, diffs: Diffs | None = None) -> Sheet:
    """Lay out two accounts' edits.

    Parameters
    ----------
    a, b
        Who is shown as Account A and who as Account B.
    diffs
        What the diffs of some revisions show, where the case holds them.
    """
    edits = dossier.tables["edits"]
    counts = _editors(edits)
    mine = edits[edits["user"].isin([a, b])]
    mine = mine.assign(page=page_keys(mine), who=np.where(mine["user"] == a, "A", "B"))
    mine = mine.sort_values(["timestamp", "rev_id"], kind="stable")
    both = mine.groupby("page")["who"].nunique() == 2
    shared = mine["page"].isin(both.index[both])
    draw = _Draw(case_blinder(dossier, a, b, diffs=diffs), counts, diffs or {})
    views = {
        "shared": mine[shared],
        "only_a": mine[~shared & (mine["who"] == "A")],
        "only_b": mine[~shared & (mine["who"] == "B")],
    }
    return Sheet(
        _side(mine[mine["who"] == "A"]),
        _side(mine[mine["who"] == "B"]),
        draw.shared(views["shared"]),
        draw.pages(views["only_a"], UNSHARED_PAGES),
        draw.pages(views["only_b"], UNSHARED_PAGES),
        totals={name: int(view["page"].nunique()) for name, view in views.items()},
    )


def make_cards(
    dossier: Dossier,
    shown: Pair,
    rev_ids: Iterable[str],
    *,
    blind: Blinder,
    diffs: Diffs | None = None,
) -> list[EditCard]:
    """Return some edits of a pair, blinded, in time order; revisions not held are left out.

    Parameters
    ----------
    shown
        Who is shown as Account A, and who as B.
    rev_ids
        `wiki:rev_id`.
    blind
        What hides the two, see `case_blinder`.
    """
    edits = dossier.tables["edits"]
    mine = edits[edits["user"].isin(shown)]
    wanted = set(rev_ids)
    mine = mine[revision_keys(mine).isin(wanted)]
    mine = mine.assign(who=np.where(mine["user"] == shown[0], "A", "B"))
    draw = _Draw(blind, {}, diffs or {})
    ordered = mine.sort_values(["timestamp", "rev_id"], kind="stable")
    return [draw.card(row) for row in ordered.itertuples()]


@dataclass(frozen=True)
class _Draw:
    """Turns edits into pages of cards."""

    blind: Blinder
    editors: Mapping[str, int]
    diffs: Diffs

    def shared(self, edits: pd.DataFrame) -> list[SheetPage]:
        """Return every shared page: first those that fewest others edited, then all the rest.

        How many accounts edited a page weighs nothing and says nothing of the two; it only keeps
        the pages on which strangers seldom meet from standing behind a hundred that everybody
        edits. Both parts are in time order.
        """
        pages = _by_page(edits)
        rare = set(sorted(pages, key=lambda key: self.editors[key])[:FIRST_PAGES])
        return [
            self.page(pages[key], PAGE_EDITS if at < PAGES_IN_FULL else FEW_EDITS)
            for at, key in enumerate(sorted(pages, key=lambda key: key not in rare))
        ]

    def pages(self, edits: pd.DataFrame, limit: int) -> list[SheetPage]:
        """Return pages in the order of their first edit; a long list is thinned evenly in time."""
        keys = list(dict.fromkeys(edits["page"]))
        if len(keys) > limit:
            keys = [keys[i] for i in np.linspace(0, len(keys) - 1, limit).round().astype(int)]
        return [self.page(rows) for rows in _by_page(edits[edits["page"].isin(keys)]).values()]

    def page(self, edits: Sequence[Any], most: int = PAGE_EDITS) -> SheetPage:
        shown = _stretch(edits, most)
        first = shown[0]
        title = "" if pd.isna(first.title) else str(first.title)
        space = None if pd.isna(first.ns) else int(first.ns)
        return SheetPage(
            self.blind.parts(title) or [say("page {n}", n=first.page_id)],
            "" if space is None else _space(space),
            self.editors[first.page],
            self.rows(shown),
            len(edits) - len(shown),
        )

    def rows(self, edits: Sequence[Any]) -> list[SheetRow]:
        """Put edits that follow each other, one of each account, on one row with their gap."""
        cards = [self.card(row) for row in edits]
        times = [row.timestamp for row in edits]
        rows: list[SheetRow] = []
        i = 0
        while i < len(cards):
            one = cards[i]
            if i + 1 < len(cards) and cards[i + 1].who != one.who:
                gap = gap_words(times[i + 1] - times[i])
                rows.append(_met(one, cards[i + 1], gap))
            else:
                rows.append(SheetRow(a=one) if one.who == "A" else SheetRow(b=one))
            i += 2 if rows[-1].gap else 1
        return rows

    def card(self, row: Any) -> EditCard:
        rev = f"{row.wiki}:{row.rev_id}"
        diff = self.diffs.get(rev)
        return EditCard(
            rev,
            row.who,
            row.timestamp.strftime("%Y-%m-%d"),
            None if pd.isna(row.size_diff) else int(row.size_diff),
            bool(row.minor) if not pd.isna(row.minor) else False,
            None if pd.isna(row.comment) else self.blind.parts(row.comment),
            list(row.hidden),
            None if diff is None else [(kind, self.blind.parts(text)) for kind, text in diff],
        )


def _met(one: EditCard, other: EditCard, gap: str) -> SheetRow:
    a, b = (one, other) if one.who == "A" else (other, one)
    return SheetRow(a, b, gap, say("{one}, then {other}", one=one.who, other=other.who))


def _space(number: int) -> str:
    return say(SPACES[number]) if number in SPACES else say("namespace {n}", n=number)


def gap_words(gap: dt.timedelta) -> str:
    """Say how long a gap is, in one unit.

    >>> import datetime as dt
    >>> gap_words(dt.timedelta(minutes=9)), gap_words(dt.timedelta(days=50, hours=3))
    ('9 min', '50 days')
    """
    seconds = gap.total_seconds()
    size, unit = next((size, unit) for least, size, unit in _UNITS if seconds >= least)
    return say(unit, n=int(seconds // size))


def _by_page(edits: pd.DataFrame) -> dict[str, list[Any]]:
    """Return the rows of each page, in the order of their first edits: a table a page is slow."""
    pages: dict[str, list[Any]] = {}
    for row in edits.itertuples():
        pages.setdefault(str(row.page), []).append(row)
    return pages


def _stretch(edits: Sequence[Any], most: int) -> Sequence[Any]:
    """Return a page's edits; of many, those around the places where one account follows the other.

    A long run of one account is shortened in its middle, so that neighbours of different accounts
    stay neighbours and their gap is the true one.
    """
    if len(edits) <= most:
        return edits
    changes = [at for at in range(1, len(edits)) if edits[at].who != edits[at - 1].who]
    near = {at + n for at in changes for n in range(-AROUND_A_CHANGE, AROUND_A_CHANGE)}
    kept = sorted(near & set(range(len(edits)))) or range(len(edits))
    return [edits[at] for at in kept[:most]]


def _editors(edits: pd.DataFrame) -> Mapping[str, int]:
    """Count, for every page, the accounts that were read and edited it."""
    counts = edits["user"].groupby(page_keys(edits)).nunique()
    return {str(page): int(n) for page, n in counts.items()}


def edits_of(dossier: Dossier, pair: Pair) -> set[str]:
    """Return every edit of two accounts that the case holds, as `wiki:rev_id`."""
    edits = dossier.tables["edits"]
    mine = edits[edits["user"].isin(pair)]
    return set(revision_keys(mine))


def page_keys(edits: pd.DataFrame) -> pd.Series:
    """Return what tells pages apart: wiki, and the page's number or, without one, its title."""
    named = edits["title"].astype("string")
    pages = edits["page_id"].astype("string").where(edits["page_id"].notna(), named)
    return edits["wiki"].astype("string") + ":" + pages


def _side(edits: pd.DataFrame) -> AccountExtent:
    months: Sequence[str] = [t.strftime("%Y-%m") for t in edits["timestamp"]]
    return AccountExtent(len(edits), min(months, default=""), max(months, default=""))


def seed_of(*texts: str) -> int:
    """Return a seed made of texts."""
    return int(digest(list(texts))[:16], 16)


DIFFS_A_PAIR = 60


def wanted_diffs(sheet: Sheet, limit: int = DIFFS_A_PAIR) -> dict[str, list[int]]:
    """Return, by wiki, the revisions whose diffs are asked for: of shared pages, as they come."""
    cards = [card for page in sheet.shared for row in page.rows for card in (row.a, row.b) if card]
    wanted: dict[str, list[int]] = {}
    for card in cards[:limit]:
        wiki, _, rev_id = card.rev.rpartition(":")
        wanted.setdefault(wiki, []).append(int(rev_id))
    return wanted
