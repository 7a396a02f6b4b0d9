"""The way in: the source that a case names, and everything it gives for the case."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sockgraph.case import Case, identify, refuse_many
from sockgraph.pipeline.folder import DATA
from sockgraph.pipeline.keeping import open_store
from sockgraph.pipeline.labels import known_operators
from sockgraph.pipeline.screen import shortlist
from sockgraph.population import Population, assemble
from sockgraph.progress import Progress, silent
from sockgraph.screening.source import WikiSource
from sockgraph.screening.wiki import ABOUT
from sockgraph.sources import DumpSource, MediaWikiSource, SeveralWikis, TableSource
from sockgraph.synthetic import write_demo

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from sockgraph.sources import Source
    from sockgraph.store import CaseStore


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
    path: Path,
    *,
    data: Path = DATA,
    refresh: bool = False,
    many: bool = False,
    progress: Progress = silent,
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
    many
        More than 50 accounts are listed on purpose.
    progress
        Told of every step.

    Raises
    ------
    SockgraphError
        If the case cannot be used or the source fails; what was answered until then is kept.
    """
    case = identify(path)
    refuse_many(case, path, many=many)
    store = open_store(case, data, progress=progress)
    source, population = gather(
        case, store, labels=known_operators(case), refresh=refresh, progress=progress
    )
    return Fetched(population, traffic_of(source))


def gather(
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
        return source, assemble(case, source, labels=labels, progress=progress)
    few = assemble(case, short.source, chosen=short.users, labels=labels, progress=progress)
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
        return SeveralWikis(
            case, store.answers, offline=offline, refresh=refresh, progress=progress
        )
    if case.source.kind == "mediawiki":
        answers = store.answers()
        return MediaWikiSource(case, answers, offline=offline, refresh=refresh, progress=progress)
    return DumpSource(case, store.raw, progress=progress)


def traffic_of(source: Source) -> dict[str, dict[str, int]]:
    """Return `requests` and `retries` per kind; empty where nothing was asked."""
    return source.traffic() if isinstance(source, MediaWikiSource | SeveralWikis) else {}
