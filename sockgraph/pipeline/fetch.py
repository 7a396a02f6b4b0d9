"""Bringing a case's edits in, and the operators that it knows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pandas as pd

from sockgraph.case import Case, identify, refuse_many
from sockgraph.evaluation import cllr, cllr_min, read_labels
from sockgraph.evaluation.metrics import tally
from sockgraph.pipeline.results import DATA, writing
from sockgraph.pipeline.screen import shortlist
from sockgraph.reference import Population, assemble
from sockgraph.runtime import Progress, silent
from sockgraph.screening.wiki import ABOUT, WikiSource
from sockgraph.sources import DumpSource, MediaWikiSource, SeveralWikis, TableSource
from sockgraph.synthetic import write_demo

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sockgraph.evidence import Comparison
    from sockgraph.sources import Source
    from sockgraph.store import CaseStore


KINDS = {
    "cut histories": ("successive", "parallel"),
    "labelled reference accounts": ("labelled",),
}


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
    model learns. Each is Cllr, and Cllr less
    the least that its ranking allows, in bits; null where there are not both kinds of pairs, or no
    LRs. What labels show beyond cut histories is how much the cuts flatter.

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
    counts = tally(log10_lr, same, null=0.0)
    if not counts.n_same or not counts.n_different:
        return {}
    whole, least = cllr(counts), cllr_min(counts)
    return {"cllr": whole, "calibration loss": whole - least}


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
    accept_broken: bool = False,
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
    accept_broken
        Use a dump although it is not whole; every page then says what is missing.
    progress
        Told of every step.

    Raises
    ------
    SockgraphError
        If the case cannot be used or the source fails; what was answered until then is kept.
    """
    case = identify(path, accept_broken=accept_broken)
    refuse_many(case, path, many=many)
    with writing(case, data, "fetched") as store:
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
