"""Edits from live MediaWikis: politely, incrementally, and every answer kept.

A case on several wikis has one source each, put together where CentralAuth attaches an account.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pandas as pd

from sockgraph.errors import SourceError
from sockgraph.names import hidden_pseudonym, normal_name
from sockgraph.runtime import Progress, silent
from sockgraph.schema import empty, validate
from sockgraph.sources.base import (
    Coverage,
    Discussion,
    ReadResult,
    Source,
    newest_of_each,
    unknown_activity,
)
from sockgraph.sources.mediawiki.connection import refuse_strangers
from sockgraph.sources.mediawiki.revisions import HiddenReport
from sockgraph.sources.mediawiki.source import MediaWikiSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sockgraph.case import Case
    from sockgraph.store.raw_answers import RawAnswers


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
        everywhere=tuple({one["what"]: one for _, c in parts for one in c.everywhere}.values()),
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
        "notices": [f"{host}: {said}" for host, one in told.items() for said in one["notices"]],
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


class MultiWikiSource(Source):
    """The wikis of a case, under the same API path; no other host is asked anything.

    Parameters
    ----------
    case
        Names the wikis.
    raw
        Gives the stored answers of one wiki.
    offline, refresh, progress
        As of `MediaWikiSource`.

    Raises
    ------
    SourceError
        If there are credentials, and it is not said which of the wikis they are for.
    """

    def __init__(
        self,
        case: Case,
        raw: Callable[[str], RawAnswers],
        *,
        offline: bool = False,
        refresh: bool = False,
        progress: Progress = silent,
    ) -> None:
        refuse_strangers(case.wikis)
        self._case = case
        self._wikis = {
            host: MediaWikiSource(
                case.model_copy(update={"wikis": (host,)}),
                raw(host),
                offline=offline,
                refresh=refresh,
                progress=progress,
            )
            for host in case.wikis
        }
        self._local: dict[str, dict[str, str]] = {}  # user -> wiki -> name there
        self._forgotten: set[str] = set()  # names of the case that no wiki shows any more
        self._gone: set[tuple[str, str]] = set()  # wiki, name there: hidden by now
        self._counts: Counter[str] = Counter()

    def everyone(self) -> list[str]:
        """Refuse: which accounts of several wikis are one would have to be asked one by one.

        Raises
        ------
        SourceError
            Always.
        """
        raise SourceError(
            'nominated = ["*"]',
            f"it means every account of one wiki; the case lists {len(self._wikis)}.",
            "List one wiki, or nominate accounts by name.",
        )

    def vanished(self, names: Sequence[str]) -> set[str]:
        """Return whom one of the wikis shows no more, and none of the others has.

        They are forgotten on every wiki of the case. Who is on another wiki still is read there.
        """
        meant = {name: self._meant(name) for name in names}
        lost, left = set[str](), set[str]()
        for host, wiki in self._wikis.items():
            here = {n: local for n, (local, hosts) in meant.items() if host in hosts}
            gone = wiki.vanished(list(here.values()))
            there = wiki.find([local for local in here.values() if local not in gone])
            self._gone |= {(host, local) for local in gone}
            lost |= {n for n, local in here.items() if local in gone}
            left |= {n for n, local in here.items() if there.get(local)}
        for host, wiki in self._wikis.items():
            wiki.forget([meant[n][0] for n in sorted(lost - left) if host in meant[n][1]])
        self._forgotten = lost - left
        return lost - left

    def nominees(self, names: Sequence[str]) -> list[str]:
        """Return the accounts meant by nominated names; a bare one is looked for on every wiki."""
        found = self._find(names)
        return [user for name in names for user in found[name]]

    def resolve(self, names: Sequence[str]) -> dict[str, str]:
        """Return the account that each name means.

        Raises
        ------
        SourceError
            If a name is of no account, or of several that no wiki calls one.
        """
        known = {name: [name] for name in names if name in self._local}
        found = known | self._find([name for name in names if name not in known])
        for name, users in found.items():
            if len(users) > 1:
                raise SourceError(
                    repr(name),
                    f"it is of several accounts, which no wiki calls one: {', '.join(users)}.",
                    "Write the one that is meant, Name@wiki.",
                )
        return {name: users[0] for name, users in found.items()}

    def account_facts(self, users: Sequence[str]) -> pd.DataFrame:
        """Return `accounts` without `role`, a row for every user on every wiki that has them."""
        parts = [
            _renamed(wiki.account_facts(list(names)), names)
            for host, wiki in self._wikis.items()
            if (names := self._there(host, users))
        ]
        whole = pd.concat(parts).assign(role="reference") if parts else empty("accounts")
        return validate("accounts", whole).drop(columns="role")

    def read(self, users: Sequence[str]) -> ReadResult:
        """Return the edits of these accounts on all wikis, newest `max_edits` of each."""
        readings, dropped = [], Counter[str]()
        coverage: dict[tuple[str, str], Coverage] = {}
        for host, wiki in self._wikis.items():
            names = self._there(host, users)
            reading = wiki.read(list(names))
            readings.append(_renamed(reading.edits, names))
            coverage |= {(names[c.user], host): c for c in reading.coverage}
            dropped.update(reading.dropped)
        whole = validate("edits", pd.concat(readings))
        kept = validate("edits", newest_of_each(whole, self._case.accounts.max_edits))
        told = coverages(users, coverage, whole, kept)
        return ReadResult(kept, told, dict(dropped))

    def log_events(self, users: Sequence[str]) -> pd.DataFrame:
        """Return the logs of every wiki; an account that is not of the case is `Name@wiki`."""
        parts = [
            named_log(wiki.log_events(list(names)), self._everybody(host), host)
            for host, wiki in self._wikis.items()
            if (names := self._there(host, users))
        ]
        return validate("log_events", pd.concat(parts)) if parts else empty("log_events")

    def blocked_as_sock(self, users: Sequence[str]) -> set[str]:
        """Return who is blocked as a sock on any of the wikis."""
        return {
            names[name]
            for host, wiki in self._wikis.items()
            if (names := self._there(host, users))
            for name in wiki.blocked_as_sock(list(names))
        }

    def with_sha1(self, edits: pd.DataFrame) -> pd.DataFrame:
        """Return `edits` with the hashes of texts on shared pages, wiki by wiki."""
        parts = [w.with_sha1(edits[edits["wiki"] == host]) for host, w in self._wikis.items()]
        return validate("edits", pd.concat(parts))

    def with_texts(self, edits: pd.DataFrame) -> pd.DataFrame:
        """Return `edits` with what they added, wiki by wiki, as far as the case asks for it."""
        if self._case.source.reads == "none":
            return edits
        n = len(self._wikis)
        parts = [
            w.texts_among(edits[edits["wiki"] == host], wikis=n) for host, w in self._wikis.items()
        ]
        return validate("edits", pd.concat(parts))

    def shared_histories(self, edits: pd.DataFrame) -> pd.DataFrame:
        """Return the histories of shared pages, as many of each wiki as the case asks for."""
        parts = []
        for host, wiki in self._wikis.items():
            told = wiki.shared_histories(edits[edits["wiki"] == host])
            users = users_at(told["user"], self._everybody(host), host)
            parts += [told.assign(user=users)] if len(told) else []
        return validate("histories", pd.concat(parts)) if parts else empty("histories")

    def neighbours(self, edits: pd.DataFrame) -> pd.DataFrame:
        """Return who else edited the pages, each on the wiki where they share most.

        One spelling on two wikis may be one person: who shares less of the two is left out.
        """
        named = {local for names in self._local.values() for local in names.values()}
        parts = []
        for host, wiki in self._wikis.items():
            here = edits[edits["wiki"] == host]
            found = wiki.neighbours(_renamed(here, self._names(host)))
            parts.append(found.assign(name=found["user"], wiki=host))
        order, down = ["shared_pages", "name", "wiki"], [False, True, True]
        pool = pd.concat(parts).sort_values(order, ascending=down)
        others = pool[~pool["name"].isin(named)]
        once = others.drop_duplicates("name")
        self._counts["reference: nominated elsewhere, left out"] = len(pool) - len(others)
        self._counts["reference: same spelling elsewhere, left out"] = len(others) - len(once)
        users = once["name"] + "@" + once["wiki"]
        for user, name, host in zip(users, once["name"], once["wiki"], strict=True):
            self._local.setdefault(user, {host: name})
        return once.assign(user=users)[["user", "shared_pages"]].reset_index(drop=True)

    def activity(self, users: Sequence[str]) -> pd.DataFrame:
        """Return edit counts and registration of candidates, each of their own wiki."""
        parts = [
            wiki.activity(list(names)).rename(index=names)
            for host, wiki in self._wikis.items()
            if (names := self._there(host, users))
        ]
        known = pd.concat(parts) if parts else unknown_activity([])
        return known[~known.index.duplicated()].reindex(list(users))

    def discussions(self, pages: Sequence[str]) -> Discussion:
        """Return every revision of these pages; `Title@wiki`, or a title looked for everywhere."""
        said = {}
        for host, wiki in self._wikis.items():
            here = {page: self._meant(page) for page in pages}
            asked = [title for title, hosts in here.values() if host in hosts]
            told = wiki.discussions(asked)
            users = users_at(told.edits["user"], self._everybody(host), host)
            said[host] = (asked, told, told.edits.assign(user=users))
        return discussion(pages, self._meant, said)

    def diffs(self, rev_ids: Sequence[int], *, wiki: str | None = None) -> dict[int, str]:
        """Return what these edits of one wiki changed."""
        return self._wikis[wiki or self._case.wiki].diffs(rev_ids)

    def remove_hidden(self) -> HiddenReport:
        """Remove from the stored answers what the wikis have hidden or deleted since."""
        parts = [wiki.remove_hidden() for wiki in self._wikis.values()]
        fields = ("checked", "gone", "comments", "texts", "answers")
        return HiddenReport(**{name: sum(getattr(part, name) for part in parts) for name in fields})

    def provenance(self) -> dict[str, Any]:
        """Return what each wiki's source says, and requests and counts together."""
        told = {host: wiki.provenance() for host, wiki in self._wikis.items()}
        key = self._case.id or self._case.slug
        # a ledger may call `Name@wiki` of the case `Name`, as accounts that are attached go by
        names = self._forgotten | {self._meant(name)[0] for name in self._forgotten}
        hidden = sorted({hidden_pseudonym(key, name) for name in names})
        return provenance(told, self._counts) | {"hidden": hidden}

    def traffic(self) -> dict[str, dict[str, int]]:
        """Return what was asked: answers had, and attempts repeated, per kind."""
        return summed(wiki.traffic() for wiki in self._wikis.values())

    def _find(self, names: Sequence[str]) -> dict[str, list[str]]:
        """Return, for each name, the accounts of that name, and remember where they are."""
        meant = {name: self._meant(name) for name in names}
        found: dict[str, list[str]] = {name: [] for name in names}
        for host, wiki in self._wikis.items():
            here = {
                n: local
                for n, (local, hosts) in meant.items()
                if host in hosts and (host, local) not in self._gone
            }
            written = wiki.find(list(here.values()))
            glob = wiki.global_names([w for w in written.values() if w])
            for name, local in here.items():
                if known := written[local]:
                    user = self._agreed(glob.get(known), known, host)
                    self._local.setdefault(user, {})[host] = known
                    found[name] += [user] if user not in found[name] else []
        unknown = [name for name, users in found.items() if not users]
        if unknown:
            raise SourceError(
                ", ".join(map(repr, unknown)),
                f"none of {', '.join(self._wikis)} has such an account.",
                "Check the spelling; write Name@wiki for one on a certain wiki.",
            )
        return found

    def _agreed(self, answered: Mapping[str, Any] | None, local: str, host: str) -> str:
        """Return the global name where the wikis agree on it, else `Name@wiki`."""
        if answered is None or not attaches(answered, self._wikis[host].identity):
            return f"{local}@{host}"
        told = [wiki.global_names([answered["name"]]) for wiki in self._wikis.values()]
        known = [one[answered["name"]] for one in told if answered["name"] in one]
        one = all(same_account(answered, other) for other in known)
        return str(answered["name"]) if one else f"{local}@{host}"  # two families of wikis

    def _meant(self, name: str) -> tuple[str, tuple[str, ...]]:
        """Part `Name@wiki`; a bare name may be on any wiki, and so may one with another @."""
        local, _, host = name.rpartition("@")
        if local and host in self._wikis:
            return normal_name(local), (host,)
        return normal_name(name), self._case.wikis

    def _there(self, host: str, users: Iterable[str]) -> dict[str, str]:
        """Return, of these users who are on a wiki, from the name there to the user."""
        return {self._local[u][host]: u for u in users if host in self._local.get(u, {})}

    def _names(self, host: str) -> dict[str, str]:
        return {user: names[host] for user, names in self._local.items() if host in names}

    def _everybody(self, host: str) -> dict[str, str]:
        return self._there(host, self._local)


def _renamed(rows: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    return rows.assign(user=rows["user"].map(names))
