"""From candidates to evidence: what a nominated account's top costs, looked up in an imported wiki.

    python benchmarks/screen_index.py WIKI CANDIDATES [--accounts 5] [--top 50] [--run]

WIKI is a folder that `sockgraph import-wiki` made, CANDIDATES what `sockgraph screen` wrote on it.
For some accounts (by seed, of those with 200 edits or more): the pages and co-edits behind every
candidate (`explain`); a first look at them (`screen --evidence`: 500 edits of each, by what the
wiki's reference taught, learnt in the first line and kept in WIKI); and with --run the log10 LRs of
account and candidates with all that a run weighs.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import duckdb
from threadpoolctl import threadpool_limits

from sockgraph.case import load_case
from sockgraph.evidence import ComparisonInput, compare
from sockgraph.pipeline.screen import weigh_candidates
from sockgraph.reference import read_population
from sockgraph.screening.wiki import WholeWiki, WikiSource

CASE = """
title = "The top of one account"
reason = "To measure what it takes"
wikis = ["wiki.example"]
[source]
kind = "table"
path = "{wiki}"
[accounts]
nominated = {names}
max_edits = {newest}
[reference]
accounts = {reference}
"""


def main() -> None:
    """Print a line an account, and the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wiki", type=Path)
    parser.add_argument("candidates", type=Path)
    parser.add_argument("--accounts", type=int, default=5)
    parser.add_argument("--top", type=int, default=50)
    parser.add_argument("--reference", type=int, default=300)
    parser.add_argument("--newest", type=int, default=20_000, help="edits of an account, at most")
    parser.add_argument("--run", action="store_true", help="all that a run weighs, too")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _measure(given, Path(folder))


def _measure(given: argparse.Namespace, folder: Path) -> None:
    wiki = WholeWiki(given.wiki)
    screened = folder / "data" / "processed" / "look"
    screened.mkdir(parents=True)
    (screened / "candidates.parquet").symlink_to(given.candidates.absolute())
    users = wiki.ask(
        "SELECT user FROM edits GROUP BY user HAVING count(*) >= 200 "
        "ORDER BY hash(user || '7') LIMIT ?",
        [given.accounts],
    )["user"].to_pylist()
    clock = _Clock()
    learnt = _look(users[0], folder, given)
    clock.lap("learning, or a first look")
    print(learnt["reference"], {name: round(took, 2) for name, took in clock.seconds.items()})
    rows = []
    for user in users:
        seconds, facts = _one(user, wiki, given, folder)
        print(user, facts, {name: round(took, 2) for name, took in seconds.items()}, flush=True)
        rows.append(seconds)
    for name in rows[0]:
        print(f"median {name}: {statistics.median(row[name] for row in rows):.2f} s")


def _one(
    user: str, wiki: WholeWiki, given: argparse.Namespace, folder: Path
) -> tuple[dict[str, float], dict[str, object]]:
    clock = _Clock()
    partners = [
        name
        for (name,) in duckdb.execute(
            "SELECT user_b FROM read_parquet(?) WHERE user_a = ? AND rank <= ? ORDER BY rank",
            [str(given.candidates), user, given.top],
        ).fetchall()
    ]
    clock.lap("candidates")
    pages = wiki.explain(user, partners)
    clock.lap("explain")
    facts = {"partners": len(partners), "shared pages": len(pages)}
    look = _look(user, folder, given)
    clock.lap("first look")
    facts |= {"calibration": look["reference"]["calibrated"]}
    if given.run:
        population = _population(user, partners, given)
        clock.lap("reading")
        with threadpool_limits(1):
            weighed = compare(ComparisonInput(population.edits, population.accounts))
        clock.lap("weighing")
        facts |= {"edits": len(population.edits), "pairs": len(weighed.links)}
        facts["calibrated"] = weighed.calibration["calibrated"]
    return clock.seconds, facts


def _look(user: str, folder: Path, given: argparse.Namespace) -> dict[str, object]:
    case = folder / "look.toml"
    case.write_text(
        CASE.format(
            wiki=given.wiki.absolute(),
            names='["*"]',
            reference=given.reference,
            newest=given.newest,
        )
    )
    return weigh_candidates(case, user, top=given.top, data=folder / "data").facts


def _population(user: str, partners: list[str], given: argparse.Namespace) -> object:
    with tempfile.TemporaryDirectory() as folder:
        case = Path(folder) / "top.toml"
        case.write_text(
            CASE.format(
                wiki=given.wiki.absolute(),
                names=[user, *partners],
                reference=given.reference,
                newest=given.newest,
            )
        )
        loaded = load_case(case)
        return read_population(loaded, WikiSource(loaded))


class _Clock:
    """Wall-clock seconds and CPU seconds since the lap before."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def lap(self, name: str) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        self.seconds |= {name: wall - self._wall, f"{name}, CPU": cpu - self._cpu}
        self._wall, self._cpu = wall, cpu


if __name__ == "__main__":
    main()
