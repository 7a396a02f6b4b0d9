"""Over many invented wikis: hold the operator together, leave colleague and friends alone.

    python benchmarks/demo_seeds.py [--seeds 20] [--jobs 2] [--write docs/demo.md]

Each seed invents another wiki with the same cast and runs the demo case on it, as `make demo`
does. The truth is read here only, after the run. Prints a table and the counts that matter;
`--write` puts both between the markers of a Markdown file.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sockgraph.pipeline.run import run_case
from sockgraph.synthetic import write_demo
from sockgraph.synthetic.wiki import COLLEAGUE, FRIENDS, OPERATOR

if TYPE_CHECKING:
    from sockgraph.pipeline.results import CaseResult

MARKERS = ("<!-- seeds -->", "<!-- /seeds -->")
HEADER = (
    "| seed | operator's pairs | together | flagged | colleague's pairs | flagged "
    "| friends | flagged | other pairs flagged | seconds |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Outcome:
    """What a run said of the people whose truth is known."""

    seed: int
    operator: tuple[str, ...]
    together: bool
    operator_flagged: int
    colleague: tuple[str, ...]
    colleague_flagged: int
    friends: str
    friends_flagged: bool
    others_flagged: int
    seconds: float

    def row(self) -> str:
        """Return the table's row: log10 LR with its low end, or why there is none."""
        cells = (
            self.seed,
            ", ".join(self.operator),
            "yes" if self.together else "no",
            f"{self.operator_flagged} of 3",
            ", ".join(self.colleague),
            f"{self.colleague_flagged} of 3",
            self.friends,
            "yes" if self.friends_flagged else "no",
            self.others_flagged,
            f"{self.seconds:.0f}",
        )
        return "| " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    """Run every seed, print as it goes, and sum up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20, help="run seeds 1 to this")
    parser.add_argument("--first", type=int, default=1, help="or from this one")
    parser.add_argument("--jobs", type=int, default=1, help="processes at work at once")
    parser.add_argument("--write", type=Path, help="Markdown file to put the table into")
    given = parser.parse_args()
    print(HEADER)
    outcomes = []
    with ProcessPoolExecutor(given.jobs) as pool:
        for outcome in pool.map(run, range(given.first, given.seeds + 1)):
            outcomes.append(outcome)
            print(outcome.row(), flush=True)
    print(summary(outcomes))
    if given.write:
        write(given.write, outcomes)


def run(seed: int) -> Outcome:
    """Invent a wiki, run the demo case on it, and compare with the truth."""
    with tempfile.TemporaryDirectory() as folder:
        case = write_demo(Path(folder) / "raw" / "demo", seed)
        started = time.perf_counter()
        result = run_case(case, data=Path(folder))
        seconds = time.perf_counter() - started
        truth = pd.read_parquet(case.with_name("truth.parquet"))
    return judge(seed, result, truth.set_index("user")["person"], seconds=seconds)


def judge(seed: int, result: CaseResult, person: pd.Series, *, seconds: float) -> Outcome:
    """Set a run's links and groups beside who is who."""
    links = {frozenset((row.user_a, row.user_b)): row for row in result.links.itertuples()}
    own = [links[frozenset(pair)] for pair in combinations(OPERATOR, 2)]
    colleague = [links[frozenset((name, COLLEAGUE))] for name in OPERATOR]
    friends = links[frozenset(FRIENDS)]
    groups = result.clusters.set_index("user")["cluster_id"]
    held = groups[list(OPERATOR)]
    wrong = result.links["user_a"].map(person) != result.links["user_b"].map(person)
    named = sum(bool(r.flagged) for r in (*colleague, friends))
    return Outcome(
        seed=seed,
        operator=tuple(map(_said, own)),
        together=bool(held.notna().all() and len(set(held)) == 1),
        operator_flagged=sum(bool(r.flagged) for r in own),
        colleague=tuple(map(_said, colleague)),
        colleague_flagged=sum(bool(r.flagged) for r in colleague),
        friends=_said(friends),
        friends_flagged=bool(friends.flagged),
        others_flagged=int((result.links["flagged"] & wrong).sum()) - named,
        seconds=seconds,
    )


def summary(outcomes: list[Outcome]) -> str:
    """Return the counts that the demo is held to."""
    n = len(outcomes)
    return (
        f"Operator held together in {sum(o.together for o in outcomes)} of {n}; "
        f"colleague flagged in {sum(o.colleague_flagged > 0 for o in outcomes)}, "
        f"friends in {sum(o.friends_flagged for o in outcomes)}, "
        f"other pairs of different people in {sum(o.others_flagged > 0 for o in outcomes)}; "
        f"of the operator's {3 * n} pairs {sum(o.operator_flagged for o in outcomes)} were flagged."
    )


def write(path: Path, outcomes: list[Outcome]) -> None:
    """Replace what stands between the markers."""
    text = path.read_text(encoding="utf-8")
    head, _, rest = text.partition(MARKERS[0])
    tail = rest.partition(MARKERS[1])[2]
    table = "\n".join([HEADER, *(o.row() for o in outcomes)])
    whole = f"{head}{MARKERS[0]}\n{table}\n\n{summary(outcomes)}\n{MARKERS[1]}{tail}"
    path.write_text(whole, encoding="utf-8")


def _said(row: object) -> str:
    value, low = row.log10_lr, row.log10_lr_low  # type: ignore[attr-defined]
    return row.band if pd.isna(value) else f"{value:+.1f} [{low:.1f}"  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
