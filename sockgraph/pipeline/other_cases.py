"""The other cases in a data folder: whom they keep apart, and whom they looked at.

There is no register of its own: what is known is read from the other cases' folders, so a case that
is purged, or removed when its time is up, is forgotten here too.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sockgraph.errors import ReviewError, SockgraphError
from sockgraph.pipeline.results import LEDGER
from sockgraph.reviews.ledger import (
    Draft,
    Entry,
    Ledger,
    LedgerHead,
    chain_entries,
    entry_hash,
    head_of,
)
from sockgraph.reviews.states import (
    ALIBI_ELSEWHERE,
    CARRIED,
    ELSEWHERE,
    OPENED,
    RESTORATION,
    histories,
    ordered,
)
from sockgraph.store import CaseStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from sockgraph.case import Case


TOOL = "sockgraph"  # who enters what another ledger says


@dataclass(frozen=True)
class OtherCase:
    """Another case of the same wiki that was run with the same data folder."""

    slug: str
    store: CaseStore
    stated: dict[str, Any]
    run_on: str

    @property
    def ledger(self) -> Ledger:
        """Its ledger."""
        return Ledger(self.store.path(LEDGER))


def other_cases(case: Case, store: CaseStore) -> Iterator[OtherCase]:
    """Return the other cases of this case's wikis; a folder that cannot be read is passed over."""
    folder = store.processed.parent
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name == store.processed.name or path.is_symlink() or not path.is_dir():
            continue
        other = CaseStore(store.raw.parent / path.name, path)
        try:
            manifest = other.read_manifest(missing_ok=True) or {}
        except SockgraphError:
            continue
        stated = manifest.get("case", {})
        if set(stated.get("wikis") or ()) & set(case.wikis):
            run_on = str(manifest.get("run", {}).get("started", ""))[:10]
            yield OtherCase(path.name, other, stated, run_on)


def enter_cannot_links(
    case: Case, store: CaseStore, ledger: Ledger, accounts: pd.DataFrame
) -> list[CannotLink]:
    """Enter whom of these accounts other cases keep apart; return what was new.

    Parameters
    ----------
    accounts
        The contract table, of the accounts that this case compares.

    Raises
    ------
    ReviewError
        If another case's ledger is broken: whom it keeps apart cannot be known.
    """
    told = [
        new
        for other in other_cases(case, store)
        for new in _named(
            kept_apart(other.slug, other.ledger.entries()), _accounts(other.store), accounts
        )
    ]
    return tell(ledger, told, author=TOOL)


def share_cannot_links(case: Case, store: CaseStore, told: Sequence[CannotLink]) -> list[str]:
    """Enter whom this case keeps apart in every other case that compares the two; say which."""
    said = []
    for other in other_cases(case, store):
        links = other.store.path("links.parquet")
        if not links.exists():
            continue
        pairs = pd.read_parquet(links, columns=["user_a", "user_b"])
        known = set(pairs.itertuples(index=False, name=None))
        theirs = _named(told, _accounts(store), _accounts(other.store))
        new = tell(other.ledger, [one for one in theirs if one.pair in known], author=TOOL)
        said += [
            f"The case {other.slug} compares {one.user_a} and {one.user_b} too: its ledger says"
            f" now that {'an alibi keeps them apart' if one.alibi else 'the link is taken back'}."
            " Run it again."
            for one in new
        ]
    return said


def earlier_looks(case: Case, store: CaseStore) -> dict[str, list[OtherCase]]:
    """Return the nominated accounts that other cases here nominate too, and which cases."""
    found: dict[str, list[OtherCase]] = {}
    mine = _accounts(store, "nominated").iloc[: 0 if case.everyone else None]
    for other in other_cases(case, store):
        for name in _names(_accounts(other.store, "nominated"), mine).values():
            found.setdefault(name, []).append(other)
    return dict(sorted(found.items()))


def _accounts(store: CaseStore, *roles: str) -> pd.DataFrame:
    """Return a case's accounts of some roles; by default all that have their own names."""
    path = store.path("accounts.parquet")
    if not path.exists():
        return pd.DataFrame(columns=["wiki", "user"])
    table = pd.read_parquet(path, columns=["wiki", "user", "role"])
    return table[table["role"].isin(roles or ("nominated", "declared"))]


def _names(there: pd.DataFrame, here: pd.DataFrame) -> dict[str, str]:
    """Return what accounts of one case are called in another.

    They are one account where one wiki calls them the same. In a case of several wikis an account
    goes by its global name where it is attached and by `Name@wiki` where it is not: equal spelling
    alone joins nobody.
    """
    mine = {place: user for user, place in _places(here)}
    return {user: mine[place] for user, place in _places(there) if place in mine}


def _places(accounts: pd.DataFrame) -> Iterator[tuple[str, tuple[str, str]]]:
    for wiki, user in zip(accounts["wiki"], accounts["user"], strict=True):
        yield user, (wiki, user.removesuffix(f"@{wiki}"))


def _named(
    told: Iterable[CannotLink], there: pd.DataFrame, here: pd.DataFrame
) -> Iterator[CannotLink]:
    """Return pairs of one case as another names them; those that it does not have are left out."""
    names = _names(there, here)
    for one in told:
        if set(one.pair) <= names.keys():
            a, b = ordered(*(names[user] for user in one.pair))
            yield replace(one, user_a=a, user_b=b)


FORMAT = "sockgraph cannot-links 1"
_LARGEST = 10_000_000


@dataclass(frozen=True)
class CannotLink:
    """Two accounts that another case keeps apart: their link was taken back, or an alibi accepted.

    Attributes
    ----------
    case
        The case in which it was.
    date
        The day.
    why
        What was wrong, as the reviewers wrote it, each reason once.
    source
        The hash of that ledger's entry.
    alibi
        Whether an accepted alibi keeps them apart, and no reversal.
    """

    user_a: str
    user_b: str
    case: str
    date: str
    why: tuple[str, ...]
    source: str
    alibi: bool = False

    @property
    def pair(self) -> tuple[str, str]:
        """The two accounts."""
        return self.user_a, self.user_b


def kept_apart(case: str, entries: Iterable[Entry]) -> list[CannotLink]:
    """Return the pairs that a ledger itself keeps apart and has not reopened."""
    found = []
    for history in histories(entries).values():
        if history.state == "reversed" and history.of(RESTORATION):
            last = history.of(RESTORATION)[-1]
            why = tuple(dict.fromkeys(map(str, last.body.get("wrong", ()))))
            found.append(CannotLink(*history.pair, case, last.time[:10], why, last.hash))
        elif history.accepted_by("alibi"):
            said = [(e, e.body["answers"].get("finding", {})) for e in history.of(OPENED)]
            last, answer = [one for one in said if one[1].get("alibi") == "accepted"][-1]
            why = (str(answer["why"]),)
            told = CannotLink(*history.pair, case, last.time[:10], why, last.hash, alibi=True)
            found.append(told)
    return found


def tell(ledger: Ledger, told: Sequence[CannotLink], *, author: str) -> list[CannotLink]:
    """Enter what keeps accounts apart elsewhere and a ledger does not have yet; return that.

    A link that was reopened here since is not closed again by the same entry.
    """
    new: list[CannotLink] = []

    def rule(entries: tuple[Entry, ...]) -> list[Draft]:
        have = {e.body.get("source") for e in entries if e.kind in (ELSEWHERE, ALIBI_ELSEWHERE)}
        new[:] = [one for one in told if one.source not in have]
        kinds = [ALIBI_ELSEWHERE if one.alibi else ELSEWHERE for one in new]
        return [Draft(kind, author, asdict(one)) for kind, one in zip(kinds, new, strict=True)]

    if told:
        ledger.extend(rule)
    return new


def export(ledger: Ledger, case: Case, *, author: str) -> tuple[str, LedgerHead]:
    """Enter what is carried elsewhere, and return it as a file's text with the head that proves it.

    The entry is the ledger's last: whoever is given the head by another way knows by its hash that
    the file says what this ledger says.

    Raises
    ------
    ReviewError
        If the ledger keeps no accounts apart.
    """

    def rule(entries: tuple[Entry, ...]) -> list[Draft]:
        found = kept_apart(case.slug, entries)
        if not found:
            raise ReviewError(
                case.slug,
                "no link of it is taken back, and no alibi accepted.",
                "There is nothing to carry elsewhere.",
            )
        told = [asdict(one) for one in found]
        new = Draft(CARRIED, author, {"case": case.slug, "wikis": case.wikis, "reversals": told})
        (again,) = chain_entries([new], entries[-1].previous)
        last = entries[-1]  # one that was killed before it wrote the file need not enter it twice
        same = (last.kind, last.author, last.body) == (again.kind, again.author, again.body)
        return [] if same else [new]

    ledger.extend(rule)
    entries = ledger.entries()
    at = max(n for n, entry in enumerate(entries) if entry.kind == CARRIED)
    entry, head = entries[at], head_of(entries[: at + 1])
    given = {"format": FORMAT, "length": head.length, "entry": asdict(entry)}
    return json.dumps(given, ensure_ascii=False, indent=1), head


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Told(_Part):
    user_a: str = Field(min_length=1, max_length=300)
    user_b: str = Field(min_length=1, max_length=300)
    case: str = Field(min_length=1, max_length=64)
    date: str = Field(pattern=r"\A\d{4}-\d\d-\d\d\z")
    why: list[str] = Field(max_length=100)
    source: str = Field(pattern=r"\A[0-9a-f]{64}\z")
    alibi: bool = False


class _Body(_Part):
    case: str
    wikis: list[str]
    reversals: list[_Told] = Field(min_length=1, max_length=10_000)


class _Entry(_Part):
    kind: str = Field(pattern=rf"\A{CARRIED}\z")
    author: str
    time: str
    manifest: str | None
    body: _Body
    previous: str
    hash: str


class _File(_Part):
    format: str = Field(pattern=rf"\A{FORMAT}\z")
    length: int = Field(ge=1)
    entry: _Entry


def read_export(path: Path, head: LedgerHead, case: Case) -> list[CannotLink]:
    """Read what another case's ledger carried here, held against its head.

    Parameters
    ----------
    head
        The head that the other ledger had, noted from it by another way than the file.

    Raises
    ------
    ReviewError
        If it is no such file, is not what that ledger says, or is of another wiki.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise ReviewError(path, f"it is over {_LARGEST:,} bytes.", _REMEDY)
        given: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found = _File.model_validate(given)
    except OSError as error:
        raise ReviewError(
            path, f"it cannot be read ({error.strerror}).", "Check the path."
        ) from error
    except (ValidationError, ValueError, RecursionError) as error:
        said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise ReviewError(path, f"it holds no cannot-links ({said}).", _REMEDY) from error
    entry = Entry(**given["entry"])
    if entry_hash(entry) != entry.hash or LedgerHead(entry.hash, found.length) != head:
        raise ReviewError(
            path,
            f"it is not what the ledger with the head {head} says.",
            "Ask for the head again, by another way than the file.",
        )
    if set(found.entry.body.wikis) != set(case.wikis):  # else one name may be two accounts
        raise ReviewError(
            path,
            f"it is of {', '.join(found.entry.body.wikis)}, and {case.slug} is of"
            f" {', '.join(case.wikis)}.",
            "It binds cases of the same wikis; others are told where they share a data folder.",
        )
    return [
        CannotLink(r.user_a, r.user_b, r.case, r.date, tuple(r.why), r.source, r.alibi)
        for r in found.entry.body.reversals
    ]


_REMEDY = "Give the file that `sockgraph cannot-link export` wrote."
