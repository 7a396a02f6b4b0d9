"""Whose the rows of an answer are, and how much of each account they show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sockgraph.sources.base import Coverage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

_FEWER = "The wiki counts {n} edits fewer than it lists (moves, imports)."
PART_OF_RENAMES = "Earlier names are known as far as redirects and the latest renames tell."


def covered(
    fact: Mapping[str, Any],
    whole: pd.DataFrame,
    kept: pd.DataFrame,
    *,
    capped: bool,
    windowed: bool,
) -> Coverage:
    """Return how much of an account was read.

    Parameters
    ----------
    fact
        The wiki's word on the account: `name`, `editcount`.
    whole, kept
        `edits` that the wiki gave, and those that the case keeps of them.
    capped
        Older edits were left unread.
    windowed
        Edits outside a window were not asked for.
    """
    user, count = fact["name"], fact.get("editcount")
    seen = int((whole["user"] == user).sum())
    hidden = kept["hidden"][kept["user"] == user]
    known = not windowed or (count is not None and seen >= count)
    fewer = max(0, seen - count) if count is not None else 0
    return Coverage(
        user=user,
        edits_read=len(hidden),
        edit_count=count,
        outside_window=0 if known else None,
        hidden_comments=sum("comment" in h for h in hidden),
        hidden_texts=sum("text" in h for h in hidden),
        capped=capped,
        not_listed=None if capped or count is None or windowed else max(0, count - seen),
        note=_FEWER.format(n=fewer) if fewer else "",
    )


def owned(
    rows: Sequence[Mapping[str, Any]], facts: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Keep the rows that are these accounts', by their id: a name passes from one to another."""
    names = {fact["userid"]: user for user, fact in facts.items() if fact.get("userid")}
    owned = []
    for row in rows:
        number = row.get("userid")
        user = names.get(number) if number and names else row.get("user")
        if user in facts:
            owned.append({**row, "user": user})
    return owned


def has_more(whole: pd.DataFrame, kept: pd.DataFrame) -> set[str]:
    """Return who has more edits in the first than in the second."""
    had, has = whole["user"].value_counts(), kept["user"].value_counts()
    return {str(user) for user, n in had.items() if n > has.get(user, 0)}
