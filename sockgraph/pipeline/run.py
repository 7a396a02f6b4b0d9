"""From a case to its report: fetch, weigh, group, draw, write."""

from __future__ import annotations

import datetime as dt
import platform
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy
from threadpoolctl import threadpool_limits

import sockgraph
from sockgraph import sources
from sockgraph.case import MANY, Case
from sockgraph.case_template import identify
from sockgraph.clustering import cluster, group_accounts
from sockgraph.errors import CaseError
from sockgraph.evaluation.labelled_pairs import read_labels
from sockgraph.evaluation.metrics import cllr, cllr_min, count_by_score
from sockgraph.evidence import ComparisonInput, EvidenceSettings, compare, flag, what_if
from sockgraph.graph import generate_graphml, to_graph
from sockgraph.pipeline.other_cases import enter_cannot_links
from sockgraph.pipeline.results import (
    APART,
    DATA,
    GRAPH,
    HELD_OUT,
    LEDGER,
    REPORT,
    CaseResult,
    begin_new_ledger,
    code_hash,
    describe_inputs,
    hash_of_pairs,
    optional_tables,
    run_facts,
    writing,
)
from sockgraph.pipeline.screen import shortlist
from sockgraph.reference import Population, read_population
from sockgraph.report.data import ReportData
from sockgraph.report.page import case_report
from sockgraph.reviews.dossier import Dossier
from sockgraph.reviews.ledger import Ledger
from sockgraph.reviews.rules import changed_findings
from sockgraph.reviews.states import (
    accepted_alibis,
    assert_earlier,
    cannot_links,
    histories,
    link_states,
)
from sockgraph.reviews.words import history_lines
from sockgraph.runtime import Progress, silent
from sockgraph.screening.wiki import ABOUT, WikiSource
from sockgraph.sources import DumpSource, TableSource
from sockgraph.store import as_written
from sockgraph.store.kept import KeptFiles
from sockgraph.strings import language_of, speaking
from sockgraph.synthetic import write_demo

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sockgraph.clustering import Clusters
    from sockgraph.evidence import Comparison
    from sockgraph.evidence.exploration import Window
    from sockgraph.sources import Source
    from sockgraph.sources.mediawiki.revisions import HiddenReport
    from sockgraph.store import CaseStore


KINDS = {"cut histories": ("successive", "parallel"), "labelled reference accounts": ("labelled",)}


def known_operators(case: Case) -> pd.DataFrame | None:
    """Read the case's `reference.labels`; None where it names none.

    Raises
    ------
    EvaluationError
        If the file cannot be used.
    """
    named = case.reference.labels
    return None if named is None else read_labels(case.beside(named))


def calibration_on(labels: pd.DataFrame, weighed: Comparison) -> dict[str, Any]:
    """Return what the LRs are worth on known operators, and on cut histories.

    Known operators are those of compared accounts, and those of reference accounts, from which the
    model learns. Each is Cllr, and Cllr less the least that its ranking allows, in bits; null where
    there are not both kinds of pairs, or no LRs. What labels show beyond cut histories is how much
    the cuts flatter.

    Parameters
    ----------
    labels
        `user, person`; a null person is a person of their own.
    """
    links = weighed.links
    compared = sorted(set(links["user_a"]) | set(links["user_b"]))
    known = labels[labels["user"].isin(compared)].set_index("user")["person"]
    alone = known.isna()
    themselves = pd.Series([("alone", user) for user in known.index], known.index, dtype=object)
    person = known.astype(object).where(~alone, themselves)
    lr = dict(
        zip(zip(links["user_a"], links["user_b"], strict=True), links["log10_lr"], strict=True)
    )
    pairs = list(combinations(sorted(person.index), 2))
    same = [person[a] == person[b] for a, b in pairs]
    told = _cost([lr[pair] for pair in pairs], same) if weighed.calibration["calibrated"] else {}
    held = weighed.held_out
    kinds = {
        kind: held[held["truth"].isin(["different", *truths])] for kind, truths in KINDS.items()
    }
    return {
        "labelled": len(labels),
        "labelled, not compared": len(labels) - len(known),
        "same": sum(same),
        "different": len(same) - sum(same),
        "on labels": told or None,
        **{
            f"on {kind}": _cost(rows["log10_lr"], rows["truth"] != "different") or None
            for kind, rows in kinds.items()
        },
    }


def _cost(
    log10_lr: NDArray[Any] | pd.Series | list[float], same: list[bool] | pd.Series
) -> dict[str, float]:
    counts = count_by_score(log10_lr, same, null=0.0)
    if not counts.n_same or not counts.n_different:
        return {}
    whole, least = cllr(counts), cllr_min(counts)
    return {"cllr": whole, "calibration loss": whole - least}


@dataclass(frozen=True)
class FetchResult:
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


@contextmanager
def _opened(
    path: Path, data: Path, doing: str, *, many: bool = True, accept_broken: bool = False
) -> Iterator[tuple[Case, CaseStore]]:
    """Hold a case to write to; above `MANY` listed accounts if it is meant: nothing trawls."""
    case = identify(path, accept_broken=accept_broken)
    listed = len(case.accounts.nominated)
    if listed > MANY and not many:
        raise CaseError(
            path,
            f"it nominates {listed} accounts, {listed * (listed - 1) // 2:,} pairs; more than"
            f" {MANY} listed names are compared only on purpose: the more pairs, the more of them"
            " look alike by chance.",
            "Nominate those that you have a reason for, or give --many (in a notebook, many=True).",
        )
    with writing(case, data, doing) as store:
        yield case, store


def fetch_case(
    path: Path,
    *,
    data: Path = DATA,
    refresh: bool = False,
    many: bool = False,
    accept_broken: bool = False,
    progress: Progress = silent,
) -> FetchResult:
    """Fetch a case, as `sockgraph.fetch` says it; interrupted, it goes on where it was.

    Parameters
    ----------
    accept_broken
        Use a dump although it is not whole; every page then says what is missing.
    """
    opened = _opened(path, data, "fetched", many=many, accept_broken=accept_broken)
    with opened as (case, store):
        source, population = read_case_population(
            case, store, labels=known_operators(case), refresh=refresh, progress=progress
        )
    return FetchResult(population, traffic_of(source))


def read_case_population(
    case: Case,
    store: CaseStore,
    *,
    labels: pd.DataFrame | None = None,
    offline: bool = False,
    refresh: bool = False,
    progress: Progress = silent,
) -> tuple[Source, Population]:
    """Read what a case compares, screening first where they are too many to compare all."""
    short = shortlist(case, store, progress=progress)
    if short is None:
        source = open_source(case, store, offline=offline, refresh=refresh, progress=progress)
        return source, read_population(case, source, labels=labels, progress=progress)
    few = read_population(case, short.source, chosen=short.users, labels=labels, progress=progress)
    return short.source, replace(few, recipe={**few.recipe, "screening": short.facts})


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
        progress("reading the table", 0, None)
        return TableSource(case)
    if len(case.wikis) > 1:
        return sources.MultiWikiSource(
            case, store.answers, offline=offline, refresh=refresh, progress=progress
        )
    if case.source.kind == "mediawiki":
        answers = store.answers()
        return sources.MediaWikiSource(
            case, answers, offline=offline, refresh=refresh, progress=progress
        )
    return DumpSource(case, store.raw, progress=progress)


def traffic_of(source: Source) -> dict[str, dict[str, int]]:
    """Return `requests` and `retries` per kind; empty where nothing was asked."""
    if isinstance(source, sources.MediaWikiSource | sources.MultiWikiSource):
        return source.traffic()
    return {}


def refresh_hidden(
    path: Path, *, data: Path = DATA, progress: Progress = silent
) -> tuple[HiddenReport, CaseResult]:
    """Remove here what the wiki hides or deleted since it was fetched, and run the case again.

    Raises
    ------
    CaseError
        If the case's source is not a wiki.
    SockgraphError
        If the wiki does not answer, or the case was not fetched.
    """
    with _opened(path, data, "run") as (case, store):
        hidden = _refresh_hidden(case, path, store, progress)
        return hidden, _run(case, path, store, offline=True, refresh=False, progress=progress)


def _refresh_hidden(case: Case, path: Path, store: CaseStore, progress: Progress) -> HiddenReport:
    source = open_source(case, store, progress=progress)
    if not isinstance(source, sources.MediaWikiSource | sources.MultiWikiSource):
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
    """Run a case, as `sockgraph.run` says it, and other than it with a dump that is not whole.

    Parameters
    ----------
    accept_broken
        Use a dump although it is not whole; every page then says what is missing.
    """
    opened = _opened(path, data, "run", many=many, accept_broken=accept_broken)
    with opened as (case, store):
        return _run(case, path, store, offline=offline, refresh=refresh, progress=progress)


def _run(
    case: Case, path: Path, store: CaseStore, *, offline: bool, refresh: bool, progress: Progress
) -> CaseResult:
    started = time.time()
    labels = known_operators(case)
    source, population = read_case_population(
        case, store, labels=labels, offline=offline, refresh=refresh, progress=progress
    )
    provenance, traffic = source.provenance(), traffic_of(source)
    del source  # a whole table, where it is one
    begin_new_ledger(store)
    ledger = Ledger(store.path(LEDGER))
    accepted = accepted_alibis(ledger.entries())
    with threadpool_limits(1):  # sums in another order are other sums: one thread, the same bytes
        result = _write(
            store,
            population,
            _compared(population, store, accepted, labels, progress),
            ledger,
            provenance=provenance,
            run=run_facts(started, traffic),
            file=path,
        )
    progress("report", 1, 1)
    return result


def _compared(  # noqa: PLR0917 - a run's parts
    population: Population,
    store: CaseStore,
    accepted: Sequence[tuple[str, str]],
    labels: pd.DataFrame | None,
    progress: Progress,
) -> Comparison:
    """Compare, and say what the LRs are worth on labels where the case has them."""
    kept = kept_files(store, keep=True)
    weighed = compare_case(population, accepted_alibis=accepted, kept=kept, progress=progress)
    if labels is not None:
        facts = weighed.calibration | {"labels": calibration_on(labels, weighed)}
        weighed = replace(weighed, calibration=facts)
    progress("report", 0, 1)
    return weighed


def kept_files(store: CaseStore, *, keep: bool = False) -> KeptFiles:
    """Return what is kept of the case's last run, by this code and these packages."""
    import sklearn  # slow to import

    packages = (one.__version__ for one in (np, pd, scipy, sklearn))
    made_by = code_hash(), platform.python_version(), *packages
    return KeptFiles(store.processed, " ".join(made_by), keep=keep)


def compare_case(
    population: Population,
    *,
    accepted_alibis: Sequence[tuple[str, str]] = (),
    without: Sequence[str] = (),
    window: Window | None = None,
    kept: KeptFiles | None = None,
    progress: Progress = silent,
) -> Comparison:
    """Weigh the evidence on everything that a case compares, as the case says.

    With something to leave out, or another window, as an exploration: see `evidence.exploration`.
    """
    case = population.case
    given = ComparisonInput(
        edits=population.edits,
        accounts=population.accounts,
        settings=EvidenceSettings(
            flag_log10_lr=case.evidence.flag_log10_lr,
            min_edits=case.accounts.min_edits,
        ),
        declared=tuple(entry.accounts for entry in case.declared),
        background=population.background,
        open_case=case.everyone and "screening" not in population.recipe,
        incomplete=tuple(c.user for c in population.covered if not c.full),
        accepted_alibis=accepted_alibis,
        log_events=population.log_events,
        known=population.known,
        operators=tuple(one.accounts for one in case.operators),
    )
    with threadpool_limits(1):  # sums in another order are other sums: one thread, the same bytes
        if without or window is not None:
            return what_if(given, without=without, window=window, kept=kept, progress=progress)
        return compare(given, kept=kept, progress=progress)


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
    compared = set(weighed.links["user_a"]) | set(weighed.links["user_b"])
    accounts = population.accounts
    enter_cannot_links(case, store, ledger, accounts[accounts["user"].isin(compared)])
    entries = ledger.entries()
    apart = cannot_links(entries)
    groups = group_accounts(to_graph(weighed, cannot_links=apart), weighed.omissions)
    links = flag(weighed, groups.clusters, cannot_links=apart)
    links = links.assign(state=link_states(links, entries))
    graph = to_graph(
        links, population.accounts, groups.clusters, cannot_links=apart, declared=weighed.declared
    )
    tables = _tables(population, weighed, links, groups)
    weighed = replace(weighed, evidence=tables["evidence"], links=links)  # millions of rows, once
    manifest = describe_inputs(population, weighed, provenance, file)
    manifest[APART] = hash_of_pairs(apart)
    head = ledger.head()
    moved = frozenset(changed_findings(Dossier(case, tables, manifest), entries))
    with speaking(language_of(case.wiki)):  # as the report does
        trails = {pair: history_lines(known) for pair, known in histories(entries).items()}
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
            trails=trails,
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
        new.write_lines(GRAPH, generate_graphml(graph))
        del graph  # of half a million links, before their tables are made ready to be written
        for name, table in (tables | said).items():
            new.write_table(name, table, ready=name in tables)
        new.write_table(HELD_OUT, weighed.held_out)
        new.write_text(REPORT, page)
        new.write_manifest(manifest)
        written = new.read_manifest() or {}
    return CaseResult(case, store.processed, tables | said, written)


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
    return {name: getattr(population, name) for name in optional_tables(population.case)}
