"""What a case's folder holds, its manifest, how it is read back, and how long it is kept."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import importlib.metadata
import json
import platform
import re
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sockgraph
from sockgraph.case import Case, load_case
from sockgraph.errors import StaleArtifactError, StoreError
from sockgraph.names import name_notes
from sockgraph.reviews.blinding import remove_names
from sockgraph.reviews.ledger import Ledger, head_before_removal
from sockgraph.reviews.states import DATA_REMOVED
from sockgraph.runtime import DATA, notice, page_link
from sockgraph.screening import expected_false_links
from sockgraph.store import (
    CAPTURE_PAGE,
    CASE_TABLES,
    CONCERT,
    CONCERT_PAGE,
    GRAPH,
    HELD_OUT,
    LEDGER,
    OPTIONAL,
    REPORT,
    VALIDATION,
    CaseStore,
    Store,
    sha256,
)
from sockgraph.store.files import open_to_others
from sockgraph.store.retention import LEDGERS, PurgeResult, due, enforce_retention, purge_case

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from sockgraph.evidence import Comparison
    from sockgraph.reference import Population


APART = "kept apart"
"""The manifest's key for the hash of the pairs that the groups were made to keep apart."""

__all__ = [
    "APART",
    "CAPTURE_PAGE",
    "CONCERT",
    "CONCERT_PAGE",
    "DATA",
    "GRAPH",
    "HELD_OUT",
    "LEDGER",
    "OPTIONAL",
    "REPORT",
    "TABLES",
    "VALIDATION",
    "CaseResult",
    "begin_new_ledger",
    "open_store",
    "optional_tables",
    "purge",
    "read_case",
    "writing",
]

TABLES = CASE_TABLES


@dataclass(frozen=True, repr=False)
class CaseResult:
    """A case that was run: its tables in memory, its files on disk.

    Attributes
    ----------
    case
        With accounts written as the source writes them.
    folder
        `<data>/processed/<case>/`.
    tables
        Contract tables by name; see `sockgraph.schema.TABLES`.
    manifest
        Inputs, versions, seeds, hashes, coverage.
    """

    case: Case
    folder: Path
    tables: dict[str, pd.DataFrame]
    manifest: dict[str, Any]

    @property
    def report(self) -> Path:
        """The page to open."""
        return self.folder / REPORT

    def __repr__(self) -> str:
        """Name the case and its report: the tables hold names that nobody asked to see."""
        return f"<case {self.case.slug}, report {self.report}>"

    def _repr_html_(self) -> str:
        return page_link(self.report)

    def __getattr__(self, name: str) -> pd.DataFrame:
        """Give each table as an attribute: `result.links`."""
        tables: dict[str, pd.DataFrame] = self.__dict__["tables"]
        try:
            return tables[name]
        except KeyError:
            raise AttributeError(name) from None


def optional_tables(case: Case) -> tuple[str, ...]:
    """Return which of the optional tables a case has."""
    said = OPTIONAL[:2] if case.discussions else ()
    return (*said, *(OPTIONAL[2:] if case.source.histories else ()))


def read_case(path: Path, *, data: Path = DATA) -> CaseResult:
    """Read back what `run_case` wrote, as `sockgraph.read` says it."""
    case = load_case(path)
    store = open_store(case, data)
    tables, manifest = store.read_set((*TABLES, *optional_tables(case)))
    return CaseResult(case, store.processed, tables, manifest)


def open_store(case: Case, data: Path) -> CaseStore:
    """Return a case's files, to read; say so where some are older than the case lets them be.

    Raises
    ------
    StaleArtifactError
        If the folder holds another case of the same name, or this case lies there under another.
    StoreError
        If the case's folder is a link.
    """
    store = Store(data).case(case.slug, case.id)
    _refuse_renamed(case, store)
    _warn_of_others(data)
    oldest = None
    with contextlib.suppress(StoreError):  # who reads the damaged file says so
        oldest = due(store, case.retention.days)
    if oldest is not None:
        notice(
            f"{store.processed}: data of {oldest} are kept longer than {case.retention.days} days."
            " `sockgraph run CASE` removes them and reads anew; `sockgraph purge CASE` removes"
            " them for good."
        )
    return store


@contextlib.contextmanager
def writing(case: Case, data: Path, doing: str) -> Iterator[CaseStore]:
    """Hold a case's files for one writer, having removed what is older than the case lets it be.

    Parameters
    ----------
    doing
        What is done to the case, as another process is told: "run".

    Raises
    ------
    StaleArtifactError
        If the folder holds another case of the same name.
    StoreError
        If another process is writing, the case's folder is a link, or what is too old cannot be
        removed.
    """
    store = Store(data).case(case.slug, case.id)
    _refuse_renamed(case, store)
    _warn_of_others(data)
    with store.writing(doing):
        removed = enforce_retention(store, case.retention.days)
        if removed is not None:
            _tell_removed(store, case, removed)
        yield store


def _refuse_renamed(case: Case, store: CaseStore) -> None:
    """Refuse to read or begin anew a case that lies here under another name, with its ledger.

    Raises
    ------
    StaleArtifactError
        If another folder holds the case of this id.
    """
    if case.id is None or store.processed.exists() or not store.processed.parent.is_dir():
        return
    for folder in sorted(store.processed.parent.iterdir()):
        other = CaseStore(store.raw.parent / folder.name, folder)
        known: dict[str, Any] = {}
        with contextlib.suppress(StoreError):  # a damaged one keeps no other case from running
            known = (other.read_manifest(missing_ok=True) or {}) if folder.is_dir() else {}
        if known.get("case", {}).get("id") == case.id:
            raise StaleArtifactError(
                case.slug,
                f"the case of its id was run as {folder.name}, and its ledger lies there.",
                f"Rename {folder} and {other.raw} to {case.slug}, or the case file to"
                f" {folder.name}.toml; if it is another case, remove the id from its file.",
            )


def _tell_removed(store: CaseStore, case: Case, removed: PurgeResult) -> None:
    """Say a removal to whoever started it, and to whoever reads the ledger."""
    why = f"kept longer than {case.retention.days} days, and removed"
    notice(f"{removed.files} files {why} ({removed.tombstone} says so).")
    _name_foreign(removed)
    ledger = Ledger(store.path(LEDGER))
    if ledger.head().length:  # one that was never begun has nobody to tell
        ledger.append(
            DATA_REMOVED, author="sockgraph", files=removed.files, bytes=removed.size, why=why
        )


def _name_foreign(removed: PurgeResult) -> None:
    """Name what was not removed because somebody else wrote it."""
    for path in removed.foreign:
        notice(f"{path}: not of sockgraph's making, and left there.")


@cache
def _warn_of_others(data: Path) -> None:
    """Say so if others than the owner can write into the data folder."""
    for folder in (data, data / "raw", data / "processed"):
        why = open_to_others(folder)
        if why:
            notice(f"{folder}: {why}; they can change what is read here. Run: chmod 700 {folder}")


def purge(path: Path, *, data: Path, ledger: bool = False) -> PurgeResult:
    """Remove a case's data; of the ledger, the names, or all of it.

    Parameters
    ----------
    path
        The case file.
    data
        The data folder.
    ledger
        Remove the ledger too: its head and the day stay in the tombstone.

    Raises
    ------
    SockgraphError
        If the ledger is broken, a file cannot be removed, or the case is being fetched. Run again,
        it goes on.
    """
    case = load_case(path)
    store = Store(data).case(case.slug, case.id)
    kept = Ledger(store.path(LEDGER))
    head = head_before_removal(kept.entries()) or kept.head()
    word = f"removed on {dt.datetime.now(dt.UTC):%Y-%m-%d}" if ledger else "kept without names"

    def note() -> dict[str, str]:
        noted = head if ledger else remove_names(kept)
        return {"ledger_head": str(noted), "ledger": word if noted.length else "none"}

    removed = purge_case(store, note=note, spare=() if ledger else LEDGERS)
    _name_foreign(removed)
    return removed


def begin_new_ledger(store: CaseStore) -> None:
    """Begin a new ledger where the old one is of a purged case, which it goes on telling of."""
    ledger = Ledger(store.path(LEDGER))
    if head_before_removal(ledger.entries()) is not None:
        ledger.path.replace(store.path(f"ledger-{ledger.head().hash[:12]}.jsonl"))


def hash_of_pairs(pairs: Sequence[tuple[str, str]]) -> str:
    """Hash pairs of names: those of a ledger may be of accounts that the wiki hides by now."""
    return hashlib.sha256(json.dumps(list(pairs)).encode()).hexdigest()


def describe_inputs(
    population: Population, weighed: Comparison, provenance: dict[str, Any], file: Path
) -> dict[str, Any]:
    """Describe what went in; never the operator's contact."""
    case = population.case
    stated = case.model_dump(mode="json", exclude={"folder": True, "source": {"contact"}})
    return {
        "sockgraph": {"version": sockgraph.__version__, "code": code_hash()},
        "case": stated | {"sha256": sha256(file)},
        "source": provenance,
        "population": population.recipe,
        "evidence": dict(weighed.calibration),
        "coverage": [c.as_dict() for c in population.covered],
        "screened": list(_screened(population, weighed)),
        "names": list(name_notes(_shown(population))),
        "notices": [*provenance.get("notices", ()), *_notices(population, weighed)],
    }


def _shown(population: Population) -> list[str]:
    """Return the names that pages show: no account of the reference has one."""
    accounts = population.accounts
    shown = accounts.loc[accounts["role"] != "reference", "user"].tolist()
    return [*shown, *(() if population.case.everyone else population.case.named)]


def _notices(population: Population, weighed: Comparison) -> Iterator[str]:
    """Say what a person must know before reading any number."""
    if not weighed.calibration["calibrated"]:
        yield f"Not calibrated: {weighed.calibration['reason']}"
    reference = population.recipe.get("reference", {})
    if reference.get("drawn", 0) < reference.get("wanted", 0):
        yield (
            f"{reference['drawn']} reference accounts could be had; {reference['wanted']} were "
            f"asked for ({reference['candidates']} others edited the same pages)."
        )
    accounts = population.accounts
    nominated = set(accounts.loc[accounts["role"] == "nominated", "user"])
    capped = [c.user for c in population.covered if c.capped and c.user in nominated]
    if capped:
        yield f"Older edits were left unread (max_edits): {', '.join(capped)}."
    for user, n in weighed.calibration.get("machine_writing", {}).items():
        yield f"{user}: {n:,} texts with marks of machine writing; they are left out."
    yield from name_notes(_shown(population))
    for page in population.recipe.get("discussions", {}).get("missing pages", ()):
        yield f"Listed under [discussions], but not to be had: {page}."
    if population.case.everyone:
        whole = "screening" not in population.recipe
        compared = "Every account was compared" if whole else "Accounts were chosen by screening"
        yield f"{compared}: for screening and validation; no link can be filed."
        yield from _screened(population, weighed)
        yield from _expected(weighed)


def _screened(population: Population, weighed: Comparison) -> Iterator[str]:
    """Say whom a screening left out, and that nothing is said about them."""
    facts = population.recipe.get("screening")
    if not facts:
        return
    compared = len(weighed.links)
    beyond = facts["candidate pairs"] - facts["candidate pairs compared"]
    yield (
        f"{facts['accounts']:,} accounts make {facts['pairs']:,} pairs. The {compared:,} pairs of "
        f"{facts['chosen accounts']:,} accounts were compared: those of the candidate pairs with a "
        f"weighted overlap of {facts['least weighted overlap']:.3f} or more."
    )
    yield (
        f"{max(0, facts['pairs'] - compared):,} pairs were not compared, {beyond:,} candidates "
        "among them, and nothing is said about these. Nominate accounts by name to compare them, "
        "or raise accounts.compare_at_most."
    )


def _expected(weighed: Comparison) -> Iterator[str]:
    """Say how many links of different people the threshold lets through among so many pairs."""
    measured = weighed.calibration.get("threshold")
    if not measured:
        return
    n, level = len(weighed.links), measured["log10_lr"]
    alike = measured["share_same_pages"]
    more = "" if alike is None else f"; {alike * n:,.0f} at the rate of those most alike in pages"
    yield (
        f"Expected false links: were all compared accounts different people, about "
        f"{measured['share'] * n:,.0f} of the {n:,} pairs would reach log10 LR {level:g} all the "
        f"same, at the rate of {measured['pairs']:,} pairs of different reference accounts{more}. "
        f"Calibrated LRs allow {expected_false_links(n, level):,.0f} at most."
    )


@cache
def code_hash() -> str:
    """Hash the package's own source, so that an edited checkout is told from a release."""
    root = Path(sockgraph.__file__).parent
    digest = hashlib.sha256()
    kinds = {".py", ".j2", ".css", ".js", ".toml", ".tsv"}
    for path in sorted(p for p in root.rglob("*") if p.suffix in kinds):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


code_hash()  # once, as it is loaded: the files may be another version's before a notebook asks


def run_facts(started: float, traffic: dict[str, dict[str, int]]) -> dict[str, Any]:
    """Return what differs from run to run and from machine to machine."""
    needed = importlib.metadata.requires("sockgraph") or []
    names = sorted(re.split(r"[ ;<>=\[]", line)[0] for line in needed if "extra ==" not in line)
    return {
        "started": dt.datetime.fromtimestamp(started, dt.UTC).isoformat(timespec="seconds"),
        "seconds": round(time.time() - started, 1),
        "traffic": traffic,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: importlib.metadata.version(name) for name in names},
    }
