"""Who else edited the same pages: where a reference population comes from."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from sockgraph.sources.mediawiki.questions import EDITORS, SITE, USERS
from sockgraph.sources.mediawiki.tables import blocked_for_good

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sockgraph.sources.mediawiki.asker import Asker
    from sockgraph.store.raw import Chain

PAGES = 1000  # the pages that are asked about: 20 first requests
EDITORS_A_BATCH = 2000  # of 50 pages: what has more is a busy page, and says little
CANDIDATES_PER_REFERENCE = 4
FEWEST_CANDIDATES = 200


@dataclass(frozen=True)
class Neighbourhood:
    """Candidates for the reference, and what was left out of them."""

    table: pd.DataFrame
    counts: dict[str, int] = field(default_factory=dict)


def find_neighbours(
    asker: Asker, edits: pd.DataFrame, *, wanted: int, min_edits: int
) -> Neighbourhood:
    """Return the accounts that edited the pages of `edits`, those with most such pages first.

    Pages that several of the accounts edited come first, then those with fewest edits.

    Parameters
    ----------
    wanted
        Size of the reference; four times as many candidates are looked at.
    min_edits
        Accounts whose edit count is lower are left out.
    """
    pages = _rarest_first(edits)
    asked = [str(page) for page in pages[:PAGES]]
    asker.ensure(EDITORS, asked, enough=_told_enough)
    shared = _shared(asker, asked) - Counter(dict.fromkeys(edits["user"], len(pages) + 1))
    ranked = sorted(shared, key=lambda name: (-shared[name], name))
    looked_at = ranked[: max(FEWEST_CANDIDATES, CANDIDATES_PER_REFERENCE * wanted)]
    reasons = _left_out(asker, looked_at, min_edits)
    kept = [name for name in looked_at if name not in reasons]
    counts = {
        "unregistered editors of these pages, left out": _unregistered(asker, asked),
        "pages asked about": len(asked),
        "pages not asked about": len(pages) - len(asked),
        "editors found": len(ranked),
        "editors not looked at": len(ranked) - len(looked_at),
        **{f"left out: {why}": n for why, n in sorted(Counter(reasons.values()).items())},
    }
    return Neighbourhood(_ranking(kept, shared), counts)


def _told_enough(chain: Chain) -> bool:
    return chain.complete or chain.rows >= EDITORS_A_BATCH


def _rarest_first(edits: pd.DataFrame) -> list[int]:
    known = edits.dropna(subset=["page_id"])
    pages = known.groupby("page_id").agg(users=("user", "nunique"), edits=("rev_id", "size"))
    ordered = pages.reset_index().sort_values(
        ["users", "edits", "page_id"], ascending=[False, True, True]
    )
    return [int(page) for page in ordered["page_id"]]


def _shared(asker: Asker, asked: list[str]) -> Counter[str]:
    wanted, editors = {int(page) for page in asked}, set()
    for row in asker.rows(EDITORS, asked, enough=_told_enough):
        if row.get("pageid") in wanted:
            editors |= {(row["pageid"], who["name"]) for who in row.get("contributors", [])}
    return Counter(name for _, name in editors)


def _unregistered(asker: Asker, asked: list[str]) -> int:
    """Add up, page by page, the unregistered editors that the wiki counts."""
    pages = {
        row["pageid"]: row.get("anoncontributors", 0)
        for row in asker.rows(EDITORS, asked, enough=_told_enough)
        if "anoncontributors" in row
    }
    return sum(pages.values())


def _left_out(asker: Asker, names: list[str], min_edits: int) -> dict[str, str]:
    """Say of each candidate that cannot serve why not."""
    asker.ensure(USERS, names)
    temporary = _temporary_names(asker)
    facts = {row["name"]: row for row in asker.rows(USERS, names)}
    reasons = {n: _why_not(facts.get(n, {"missing": True}), min_edits) for n in names}
    reasons |= {n: "temporary" for n in names if temporary and temporary.fullmatch(n)}
    return {name: why for name, why in reasons.items() if why}


def _why_not(row: Mapping[str, Any], min_edits: int) -> str:
    if row.get("missing") or row.get("invalid"):
        return "not registered"
    groups = set(row.get("groups", []))
    if "bot" in groups:
        return "bot"
    if "temp" in groups:
        return "temporary"
    if blocked_for_good(row):
        return "blocked without end or as a sock"
    return "too few edits" if row.get("editcount", min_edits) < min_edits else ""


def _temporary_names(asker: Asker) -> re.Pattern[str] | None:
    """Return what the wiki's temporary accounts are called, where it has any."""
    answer = asker.whole(SITE)
    given = answer.get("autocreatetempuser", {})
    patterns = given.get("matchPatterns") or [p for p in (given.get("matchPattern"),) if p]
    if not patterns:
        return None
    return re.compile("|".join(re.escape(p).replace(r"\$1", ".+") for p in patterns))


def _ranking(names: list[str], shared: Mapping[str, int]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "user": pd.Series(names, dtype="string"),
            "shared_pages": pd.Series([shared[n] for n in names], dtype="int64"),
        }
    )
