"""From a case to its report: read, weigh, group, draw, write."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from threadpoolctl import threadpool_limits

import sockgraph
from sockgraph.case import identify, refuse_many
from sockgraph.clustering import cluster, group_accounts
from sockgraph.errors import CaseError
from sockgraph.evidence import EvidenceSettings, compare, flag
from sockgraph.graph import graphml, to_graph
from sockgraph.pipeline.fetch import (
    calibration_on,
    gather,
    known_operators,
    open_source,
    traffic_of,
)
from sockgraph.pipeline.manifest import describe, run_facts
from sockgraph.pipeline.other_cases import bind
from sockgraph.pipeline.results import (
    DATA,
    GRAPH,
    HELD_OUT,
    LEDGER,
    REPORT,
    CaseResult,
    asked_for,
    set_aside,
    writing,
)
from sockgraph.report import ReportData, case_report
from sockgraph.reviews import (
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
from sockgraph.runtime import Progress, silent
from sockgraph.sources import MediaWikiSource, SeveralWikis
from sockgraph.store import as_written

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    import pandas as pd

    from sockgraph.case import Case
    from sockgraph.clustering import Clusters
    from sockgraph.evidence import Comparison
    from sockgraph.reference import Population
    from sockgraph.sources.mediawiki.hidden import Hidden
    from sockgraph.store import CaseStore


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
    with writing(case, data, "run") as store:
        hidden = _refresh_hidden(case, path, store, progress)
        return hidden, _run(case, path, store, offline=True, refresh=False, progress=progress)


def _refresh_hidden(case: Case, path: Path, store: CaseStore, progress: Progress) -> Hidden:
    source = open_source(case, store, progress=progress)
    if not isinstance(source, MediaWikiSource | SeveralWikis):
        raise CaseError(
            path,
            "only a wiki can be asked what it hides by now.",
            "Bring the table up to date yourself, then run the case again.",
        )
    return source.remove_hidden()


def run_case(
    path: Path,
    *,
    data: Path = DATA,
    offline: bool = False,
    refresh: bool = False,
    many: bool = False,
    accept_broken: bool = False,
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
    many
        More than 50 accounts are listed on purpose.
    accept_broken
        Use a dump although it is not whole; every page then says what is missing.
    progress
        Told of every step.

    Raises
    ------
    SockgraphError
        If anything given cannot be used; nothing is written then.
    """
    case = identify(path, accept_broken=accept_broken)
    refuse_many(case, path, many=many)
    with writing(case, data, "run") as store:
        return _run(case, path, store, offline=offline, refresh=refresh, progress=progress)


def _run(
    case: Case, path: Path, store: CaseStore, *, offline: bool, refresh: bool, progress: Progress
) -> CaseResult:
    started = time.time()
    labels = known_operators(case)
    source, population = gather(
        case, store, labels=labels, offline=offline, refresh=refresh, progress=progress
    )
    provenance, traffic = source.provenance(), traffic_of(source)
    del source  # a whole table, where it is one
    set_aside(store)
    ledger = Ledger(store.path(LEDGER))
    accepted = accepted_alibis(ledger.entries())
    with threadpool_limits(1):  # sums in another order are other sums: one thread, the same bytes
        weighed = weigh(population, accepted_alibis=accepted, progress=progress)
        if labels is not None:
            facts = weighed.calibration | {"labels": calibration_on(labels, weighed)}
            weighed = replace(weighed, calibration=facts)
        progress("report", 0, 1)
        result = _write(
            store,
            population,
            weighed,
            ledger,
            provenance=provenance,
            run=run_facts(started, traffic),
            file=path,
        )
    progress("report", 1, 1)
    return result


def weigh(
    population: Population,
    *,
    accepted_alibis: Sequence[tuple[str, str]] = (),
    progress: Progress = silent,
) -> Comparison:
    """Weigh the evidence on everything that a case compares, as the case says."""
    case = population.case
    return compare(
        population.edits,
        population.accounts,
        background=population.background,
        open_case=case.everyone and "screening" not in population.recipe,
        incomplete=tuple(c.user for c in population.covered if not c.full),
        accepted_alibis=accepted_alibis,
        log_events=population.log_events,
        known=population.known,
        declared=tuple(entry.accounts for entry in case.declared),
        settings=EvidenceSettings(
            flag_log10_lr=case.evidence.flag_log10_lr,
            min_edits=case.accounts.min_edits,
        ),
        progress=progress,
    )


def _write(
    store: CaseStore,
    population: Population,
    weighed: Comparison,
    ledger: Ledger,
    *,
    provenance: dict[str, Any],
    run: dict[str, Any],
    file: Path,
) -> CaseResult:
    """Group, draw and write: every table is complete before the first file is touched."""
    case = population.case
    assert_earlier(ledger, case)
    bind(case, store, ledger, set(weighed.links["user_a"]) | set(weighed.links["user_b"]))
    entries = ledger.entries()
    apart = cannot_links(entries)
    groups = group_accounts(to_graph(weighed, cannot_links=apart), weighed.omissions)
    links = flag(weighed, groups.clusters, cannot_links=apart)
    links = links.assign(state=link_states(links, entries))
    graph = to_graph(
        links, population.accounts, groups.clusters, cannot_links=apart, declared=weighed.declared
    )
    tables = _tables(population, weighed, links, groups)
    manifest = describe(population, weighed, provenance, file)
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
            cannot_links=frozenset(apart),
            clusters_if_alibi=_groups_if_alibis_held(weighed, apart),
            trails={pair: history_lines(known) for pair, known in histories(entries).items()},
            moved=moved,
            held_out=weighed.held_out,
            screened=" ".join(
                [*manifest["screened"], *provenance.get("notices", ()), *manifest["names"]]
            ),
        )
    )
    said = _said(population)
    manifest["run"] = run
    with store.new_set() as new:
        for name, table in (tables | said).items():
            new.write_table(name, table)
        new.write_table(HELD_OUT, weighed.held_out)
        new.write_text(GRAPH, graphml(graph))
        new.write_text(REPORT, page)
        new.write_manifest(manifest)
    return CaseResult(case, store.processed, tables | said, manifest)


def _groups_if_alibis_held(
    weighed: Comparison, apart: Collection[tuple[str, str]]
) -> pd.DataFrame | None:
    """Return the groups as if every open alibi were accepted; None if none is open."""
    alibis = weighed.links.loc[weighed.links["alibi"].astype(bool), ["user_a", "user_b"]]
    if alibis.empty:
        return None
    pairs = (*apart, *alibis.itertuples(index=False, name=None))
    return cluster(to_graph(weighed, cannot_links=pairs))


def _tables(
    population: Population, weighed: Comparison, links: pd.DataFrame, groups: Clusters
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
    return {name: as_written(name, table) for name, table in tables.items()}


def _said(population: Population) -> dict[str, pd.DataFrame]:
    """Return the tables that the case asks for beyond those of every case."""
    return {name: getattr(population, name) for name in asked_for(population.case)}
