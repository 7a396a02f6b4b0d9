"""Putting together what several wikis say: no request, nothing but what was answered."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pandas as pd

from sockgraph.schema import empty, validate
from sockgraph.sources.base import Coverage, Discussion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

USER_LOGS = frozenset({"block", "gblblock", "globalauth", "gblrename", "newusers", "renameuser"})
ABOUT_USERS = USER_LOGS | {"rights", "thanks"}


def attaches(account: Mapping[str, Any], identity: tuple[str, str]) -> bool:
    """Tell whether a global account has an account on a wiki attached to it.

    Parameters
    ----------
    account
        An answer to `meta=globaluserinfo`.
    identity
        The wiki's id in its database, and its host.
    """
    wiki_id, host = identity
    return any(
        one.get("wiki") == wiki_id and urlsplit(one.get("url", "")).netloc in {"", host}
        for one in account.get("merged", [])
    )


def same_account(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two wikis speak of one global account."""
    return bool(one.get("id") == other.get("id") and one.get("name") == other.get("name"))


def coverages(
    users: Sequence[str],
    told: Mapping[tuple[str, str], Coverage],
    whole: pd.DataFrame,
    kept: pd.DataFrame,
) -> tuple[Coverage, ...]:
    """Return a coverage for each user, of all their wikis together.

    Parameters
    ----------
    told
        By user and wiki.
    whole, kept
        The edits of all wikis, before and after the newest `max_edits` were taken.
    """
    had, has = whole["user"].value_counts(), kept["user"].value_counts()
    parts = {user: [(h, c) for (u, h), c in told.items() if u == user] for user in users}
    return tuple(
        _covered(user, parts[user], int(had.get(user, 0)), int(has.get(user, 0))) for user in users
    )


def _covered(user: str, parts: Sequence[tuple[str, Coverage]], had: int, has: int) -> Coverage:
    def total(name: str) -> int | None:
        values = [getattr(c, name) for _, c in parts]
        return None if None in values else sum(values)

    capped = has < had or any(c.capped for _, c in parts)
    return Coverage(
        user=user,
        edits_read=has,
        edit_count=total("edit_count"),
        outside_window=total("outside_window"),
        hidden_comments=total("hidden_comments") or 0,
        hidden_texts=total("hidden_texts") or 0,
        capped=capped,
        not_listed=None if capped else total("not_listed"),
        renamed_from=tuple(f"{name}@{h}" for h, c in parts for name in c.renamed_from),
        note=" ".join(
            [
                f"Read on {', '.join(f'{h} ({c.edits_read})' for h, c in parts)}.",
                *(f"{h}: {c.note}" for h, c in parts if c.note),
            ]
        ),
    )


def users_at(names: pd.Series, known: Mapping[str, str], host: str) -> pd.Series:
    """Return who is meant by names on a wiki: users of the case, and others as `Name@wiki`."""
    return names.map(lambda name: known.get(name, f"{name}@{host}"), na_action="ignore")


def named_log(events: pd.DataFrame, known: Mapping[str, str], host: str) -> pd.DataFrame:
    """Return a wiki's log with its accounts written as in the case."""
    about = events["type"].isin(ABOUT_USERS)
    target = events["target"].where(~about, users_at(events["target"], known, host))
    return events.assign(actor=users_at(events["actor"], known, host), target=target)


def discussion(
    pages: Sequence[str],
    meant: Callable[[str], tuple[str, tuple[str, ...]]],
    said: Mapping[str, tuple[Sequence[str], Discussion, pd.DataFrame]],
) -> Discussion:
    """Return the discussions of several wikis as one; a page is missing if no wiki has it.

    Parameters
    ----------
    meant
        Parts a page as the case lists it into its title and the wikis it may be on.
    said
        By wiki: the titles asked for, what was had, and its edits with users as in the case.
    """
    told: dict[str, dict[str, int]] = {}
    for page in pages:
        title, hosts = meant(page)
        counts = Counter[str]()
        for host in hosts:
            counts.update(said[host][1].pages[title])
        told[page] = dict(counts)
    edits = [part for _, _, part in said.values() if len(part)]
    texts = [part.texts for _, part, _ in said.values() if len(part.texts)]
    return Discussion(
        validate("discussion_edits", pd.concat(edits)) if edits else empty("discussion_edits"),
        validate("texts", pd.concat(texts)) if texts else empty("texts"),
        told,
        tuple(page for page, counts in told.items() if not counts["revisions"]),
    )


def provenance(told: Mapping[str, Mapping[str, Any]], counts: Mapping[str, int]) -> dict[str, Any]:
    """Return one account of several wikis: the sums, and each wiki's own."""
    whole = summed({key: one[key] for key in ("requests", "counts")} for one in told.values())
    read_on = [one["read_on"] for one in told.values() if one["read_on"]]
    return {
        "kind": "mediawiki",
        "wiki": ", ".join(told),
        "read_on": max(read_on, default=None),
        "requests": whole["requests"],
        "warnings": sorted({warning for one in told.values() for warning in one["warnings"]}),
        "counts": dict(sorted((Counter(whole["counts"]) + Counter(counts)).items())),
        "wikis": {host: dict(one) for host, one in told.items()},
    }


def summed(parts: Iterable[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """Add up counts of counts, key by key."""
    whole: dict[str, Counter[str]] = {}
    for part in parts:
        for key, counts in part.items():
            whole.setdefault(key, Counter()).update(counts)
    return {key: dict(sorted(counts.items())) for key, counts in whole.items()}
