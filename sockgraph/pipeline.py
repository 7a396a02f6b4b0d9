"""The only composition: from a case file to a folder of tables, a graph, a ledger and a report."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import os
import platform
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from threadpoolctl import threadpool_limits

import sockgraph
from sockgraph.case import Case, identify, load_case
from sockgraph.cluster import cluster_accounts
from sockgraph.errors import CaseError, StaleArtifactError
from sockgraph.evidence import EvidenceSettings, weigh_evidence
from sockgraph.graph import build_graph, graphml
from sockgraph.population import Population, assemble
from sockgraph.progress import Progress, silent
from sockgraph.report import ReportData, case_report
from sockgraph.review import (
    Dossier,
    Ledger,
    accepted_alibis,
    assert_earlier,
    cannot_links,
    histories,
    history_lines,
    link_states,
    moved_findings,
)
from sockgraph.schema import validate
from sockgraph.screening.source import WikiSource
from sockgraph.screening.wiki import ABOUT
from sockgraph.sources import DumpSource, MediaWikiSource, TableSource
from sockgraph.store import CaseStore, Store, sha256
from sockgraph.synthetic import write_demo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from sockgraph.cluster import Clusters
    from sockgraph.evidence import Weighed
    from sockgraph.sources import Source
    from sockgraph.sources.mediawiki.hidden import Hidden

DATA = Path(os.environ.get("SOCKGRAPH_DATA_DIR", "data"))
LEDGER = "ledger.jsonl"
REPORT = "report.html"
WRITTEN_LATER = {LEDGER, "candidates.parquet"}  # by review and by screening, after the manifest
GRAPH = "graph.graphml"
TABLES = (
    "accounts",
    "edits",
    "log_events",
    "evidence",
    "links",
    "clusters",
    "omissions",
    "alibis",
    "reference",
)


@dataclass(frozen=True)
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

    def __getattr__(self, name: str) -> pd.DataFrame:
        """Give each table as an attribute: `result.links`."""
        tables: dict[str, pd.DataFrame] = self.__dict__["tables"]
        try:
            return tables[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(frozen=True)
class Fetched:
    """What a fetch left under data/raw/.

    Attributes
    ----------
    population
        Who is compared, with the coverage of each.
    traffic
        `requests` and `retries` of this fetch per kind; empty where nothing was asked.
    """

    population: Population
    traffic: dict[str, dict[str, int]]


def fetch_case(
    path: Path, *, data: Path = DATA, refresh: bool = False, progress: Progress = silent
) -> Fetched:
    """Read everything that a case needs, and derive nothing from it yet.

    What is stored is not asked for again; interrupted, it goes on where it was.

    Parameters
    ----------
    path
        The case file.
    data
        The data folder.
    refresh
        Ask again for what may have changed, and for edits made since.
    progress
        Told of every step.

    Raises
    ------
    SockgraphError
        If the case cannot be used or the source fails; what was answered until then is kept.
    """
    case = identify(path)
    source = open_source(
        case, Store(data).case(case.slug, case.id), refresh=refresh, progress=progress
    )
    return Fetched(assemble(case, source, progress=progress), _traffic(source))


def refresh_hidden(
    path: Path, *, data: Path = DATA, progress: Progress = silent
) -> tuple[Hidden, CaseResult]:
    """Remove here what the wiki hides or deleted since it was fetched, and run the case again.

    Raises
    ------
    CaseError
        If the case's source is not a wiki.
    SockgraphError
        If the wiki does not answer, or the case was not fetched.
    """
    case = identify(path)
    store = Store(data).case(case.slug, case.id)
    source = open_source(case, store, progress=progress)
    if not isinstance(source, MediaWikiSource):
        raise CaseError(
            path,
            "only a wiki can be asked what it hides by now.",
            "Bring the table up to date yourself, then run the case again.",
        )
    hidden = source.remove_hidden()
    return hidden, run_case(path, data=data, offline=True, progress=progress)


def run_case(
    path: Path,
    *,
    data: Path = DATA,
    offline: bool = False,
    refresh: bool = False,
    progress: Progress = silent,
) -> CaseResult:
    """Run a case from its file to its report.

    Parameters
    ----------
    path
        The case file.
    data
        The data folder.
    offline
        Ask no wiki anything; use what was fetched before.
    refresh
        Ask again for what may have changed, and for edits made since.
    progress
        Told of every step.

    Raises
    ------
    SockgraphError
        If anything given cannot be used; nothing is written then.
    """
    started = time.time()
    case = identify(path)
    store = Store(data).case(case.slug, case.id)
    source = open_source(case, store, offline=offline, refresh=refresh, progress=progress)
    population = assemble(case, source, progress=progress)
    ledger = Ledger(store.path(LEDGER))
    accepted = accepted_alibis(ledger.entries())
    with threadpool_limits(1):  # sums in another order are other sums: one thread, the same bytes
        weighed = _weigh(population, accepted, progress)
        progress("report", 0, 1)
        result = _write(
            store,
            population,
            weighed,
            ledger,
            provenance=source.provenance(),
            run=_run_facts(started, source),
            file=path,
        )
    progress("report", 1, 1)
    return result


def demo_case(data: Path = DATA, *, seed: int = 1) -> Path:
    """Invent the demo's wiki under `data`/raw/demo and return its case file."""
    return write_demo(data / "raw" / "demo", seed)


def open_source(
    case: Case,
    store: CaseStore,
    *,
    offline: bool = False,
    refresh: bool = False,
    progress: Progress = silent,
) -> Source:
    """Return the source that the case names."""
    if case.source.path and (case.beside(case.source.path) / ABOUT).exists():
        return WikiSource(case)
    if case.source.kind == "table":
        return TableSource(case)
    if case.source.kind == "mediawiki":
        answers = store.answers()
        return MediaWikiSource(case, answers, offline=offline, refresh=refresh, progress=progress)
    return DumpSource(case, store.raw, progress=progress)


def _traffic(source: Source) -> dict[str, dict[str, int]]:
    return source.traffic() if isinstance(source, MediaWikiSource) else {}


def read_case(path: Path, *, data: Path = DATA) -> CaseResult:
    """Read back what `run_case` wrote.

    Raises
    ------
    StoreError
        If the case was not run yet.
    StaleArtifactError
        If a table is not the one that the manifest describes.
    """
    case = load_case(path)
    store = Store(data).case(case.slug, case.id)
    manifest = store.read_manifest() or {}
    _refuse_stale(store, manifest)
    tables = {name: store.read_table(name) for name in TABLES}
    return CaseResult(case, store.processed, tables, manifest)


def _refuse_stale(store: CaseStore, manifest: dict[str, Any]) -> None:
    for name, digest in manifest.get("files", {}).items():
        path = store.path(name)
        if name not in WRITTEN_LATER and (not path.exists() or sha256(path) != digest):
            raise StaleArtifactError(
                path, "it is not the file that the manifest describes.", "Run the case again."
            )


def _weigh(
    population: Population, accepted: Sequence[tuple[str, str]], progress: Progress
) -> Weighed:
    case = population.case
    return weigh_evidence(
        population.edits,
        population.accounts,
        background=population.background,
        open_case=case.everyone,
        incomplete=tuple(c.user for c in population.coverage if not c.full),
        accepted_alibis=accepted,
        declared=tuple(entry.accounts for entry in case.declared),
        settings=EvidenceSettings(
            flag_log10_lr=case.evidence.flag_log10_lr,
            min_edits=case.accounts.min_edits,
            seed=case.reference.seed,
        ),
        progress=progress,
    )


def _write(
    store: CaseStore,
    population: Population,
    weighed: Weighed,
    ledger: Ledger,
    *,
    provenance: dict[str, Any],
    run: dict[str, Any],
    file: Path,
) -> CaseResult:
    """Group, draw and write: every table is complete before the first file is touched."""
    case = population.case
    assert_earlier(ledger, case)
    entries = ledger.entries()
    links = weighed.links.assign(state=link_states(weighed.links, entries))
    grouping = _Grouping(tuple(cannot_links(entries)), tuple(d.accounts for d in case.declared))
    groups = grouping.of(links, weighed.omissions)
    graph = build_graph(population.accounts, links, groups.clusters, cannot_links=grouping.apart)
    tables = _tables(population, weighed, links, groups)
    manifest = _manifest(population, weighed, provenance, file)
    head = ledger.head()
    moved = frozenset(moved_findings(Dossier(case, tables, manifest), entries))
    page = case_report(
        ReportData(
            case=case,
            **tables,
            graph=graph,
            coverage=manifest["coverage"],
            calibration=manifest["evidence"],
            read_on=dt.datetime.fromisoformat(provenance["read_on"]).date(),
            version=sockgraph.__version__,
            ledger_head=(head.hash, head.length) if head.length else None,
            cannot_links=frozenset(grouping.apart),
            clusters_if_alibi=grouping.if_alibis_held(links),
            trails={pair: history_lines(known) for pair, known in histories(entries).items()},
            moved=moved,
        )
    )
    for name, table in tables.items():
        store.write_table(name, table)
    store.write_text(GRAPH, graphml(graph))
    store.write_text(REPORT, page)
    manifest["run"] = run
    store.write_manifest(manifest)
    return CaseResult(case, store.processed, tables, manifest)


@dataclass(frozen=True)
class _Grouping:
    """What groups must respect: pairs kept apart by the ledger, and declared accounts."""

    apart: tuple[tuple[str, str], ...]
    declared: tuple[tuple[str, ...], ...]

    def of(self, links: pd.DataFrame, omissions: pd.DataFrame) -> Clusters:
        return cluster_accounts(links, omissions, cannot_links=self.apart, declared=self.declared)

    def if_alibis_held(self, links: pd.DataFrame) -> pd.DataFrame | None:
        """Return the groups as if every open alibi were accepted; None if none is open."""
        alibis = links.loc[links["alibi"].astype(bool), ["user_a", "user_b"]]
        if alibis.empty:
            return None
        pairs = (*self.apart, *alibis.itertuples(index=False, name=None))
        return cluster_accounts(links, cannot_links=pairs, declared=self.declared).clusters


def _tables(
    population: Population, weighed: Weighed, links: pd.DataFrame, groups: Clusters
) -> dict[str, Any]:
    tables = {
        "accounts": population.accounts,
        "edits": population.edits,
        "log_events": population.log_events,
        "evidence": weighed.evidence,
        "links": links,
        "clusters": groups.clusters,
        "omissions": groups.omissions,
        "alibis": weighed.alibis,
        "reference": weighed.reference,
    }
    return {name: validate(name, table) for name, table in tables.items()}


def _manifest(
    population: Population, weighed: Weighed, provenance: dict[str, Any], file: Path
) -> dict[str, Any]:
    """Describe what went in; never the operator's contact."""
    case = population.case
    stated = case.model_dump(mode="json", exclude={"folder": True, "source": {"contact"}})
    return {
        "sockgraph": {"version": sockgraph.__version__, "code": _code_hash()},
        "case": stated | {"sha256": sha256(file)},
        "source": provenance,
        "population": population.recipe,
        "evidence": dict(weighed.calibration),
        "coverage": [c.as_dict() for c in population.coverage],
        "notices": list(_notices(population, weighed)),
    }


def _notices(population: Population, weighed: Weighed) -> Iterator[str]:
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
    capped = [c.user for c in population.coverage if c.capped and c.user in nominated]
    if capped:
        yield f"Older edits were left unread (max_edits): {', '.join(capped)}."
    if population.case.everyone:
        yield "Every account was compared: for screening and validation; no link can be filed."


def _code_hash() -> str:
    """Hash the package's own source, so that an edited checkout is told from a release."""
    root = Path(sockgraph.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(p for p in root.rglob("*") if p.suffix in {".py", ".j2", ".css", ".js"}):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _run_facts(started: float, source: Source) -> dict[str, Any]:
    """Return what differs from run to run and from machine to machine."""
    needed = importlib.metadata.requires("sockgraph") or []
    names = sorted(re.split(r"[ ;<>=\[]", line)[0] for line in needed if "extra ==" not in line)
    return {
        "started": dt.datetime.fromtimestamp(started, dt.UTC).isoformat(timespec="seconds"),
        "seconds": round(time.time() - started, 1),
        "traffic": _traffic(source),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: importlib.metadata.version(name) for name in names},
    }
