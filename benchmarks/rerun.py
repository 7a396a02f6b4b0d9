"""What judging again costs by what a run kept, in CPU-seconds of one process.

SOCKGRAPH_DATA=... python benchmarks/rerun.py

The case of `run_speed.py`: the ten most active accounts of `enwiki_contentious` nominated, 300 of
the same pages as reference. Judged are: the case for the first time; the same once more; with an
alibi that somebody accepted since; the next ten of the same pages; the first ten in a window of two
thirds of the time; and then questions of what if.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from run_speed import write_case

import sockgraph
from sockgraph.pipeline.run import compare_case
from sockgraph.store.kept import KeptFiles

if TYPE_CHECKING:
    from sockgraph.reference import Population

EDITS = Path(os.environ["SOCKGRAPH_DATA"]) / "enwiki_contentious" / "edits.parquet"


def _population(folder: Path, skipped: int) -> Population:
    return sockgraph.fetch(write_case(folder, EDITS, 10, skipped), data=folder / "data")


def main() -> None:
    """Judge a case again and again, and print what each time takes."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        first, other = (_population(folder, skipped) for skipped in (0, 10))
        kept = KeptFiles(folder, "this code", keep=True)

        def tell(what: str, population: Population, **asked: object) -> None:
            started = time.process_time()
            compare_case(population, kept=kept, **asked)
            print(f"{what:44}{time.process_time() - started:6.2f}", flush=True)

        tell("for the first time", first)
        tell("once more", first)
        pair = tuple(sorted(first.accounts.query("role == 'nominated'")["user"])[:2])
        tell("with an accepted alibi", first, accepted_alibis=[pair])
        tell("the next ten", other)
        tell("the first ten again", first)
        late = (f"{first.edits['timestamp'].quantile(1 / 3):%Y-%m-%d}", None)
        tell("what if: without hours", first, without=["signal:hours"])
        tell("what if: without pages", first, without=["family:pages"])
        tell("what if: another window", first, window=late)
        tell(
            "what if: the same window, without hours", first, window=late, without=["signal:hours"]
        )
        for name in sorted(folder.glob("*.bin")):
            print(f"{name.name:44}{name.stat().st_size / 1e6:6.1f} MB")


if __name__ == "__main__":
    main()
