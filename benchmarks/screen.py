"""Screening against what a user would otherwise assemble: wall, CPU, peak memory, ratio.

    python benchmarks/screen.py [--size S] [--repeats 3] [--tools sockgraph assembled duckdb …]

Every tool runs in a fresh process, in turns, so that a busy machine is busy for all; the table
gives medians, and the median of the ratios within a turn. Edits come from
`$SOCKGRAPH_BENCH_DATA/<size>/edits.parquet` where that is set, else they are invented once by
`screen_data.py` into data/raw/bench/.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.metadata
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from screen_data import SIZES, generate

HERE = Path(__file__).parent
DOES = {
    "sockgraph": "all",
    "assembled": "all: DuckDB + sparse_dot_topn + numpy",
    "duckdb": "all, in SQL",
    "scipy": "overlap, counts",
    "sklearn": "overlap",
    "pandas": "overlap, counts",
    "spark": "all, local[2]",
}
DEFAULT = ("sockgraph", "assembled", "duckdb", "scipy", "sklearn", "pandas")
PACKAGES = ("numpy", "pyarrow", "numba", "duckdb", "sparse-dot-topn", "scipy", "pandas")


@dataclass(frozen=True)
class Run:
    """One process: seconds of wall clock and CPU, GiB at its peak."""

    wall: float
    cpu: float
    peak: float
    failed: bool


def main() -> None:
    """Run the tools in turns and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, default="S")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--tools", nargs="+", choices=DOES, default=DEFAULT)
    given = parser.parse_args()
    edits = _edits(given.size)
    with tempfile.TemporaryDirectory() as folder:
        if "sockgraph" in given.tools:
            first = _run("sockgraph", edits, Path(folder))
            print(f"first call: {first.wall:.1f} s (compiles, if this machine has not yet)")
        turns = [
            {tool: _run(tool, edits, Path(folder)) for tool in given.tools}
            for _ in range(given.repeats)
        ]
    print(_head(given.size, edits, given.repeats))
    print(_table(turns))


def _edits(size: str) -> Path:
    folder = os.environ.get("SOCKGRAPH_BENCH_DATA")
    path = Path(folder or HERE.parent / "data" / "raw" / "bench") / size / "edits.parquet"
    if not path.exists():
        print(f"inventing the edits of size {size}, once …")
        generate(*SIZES[size], path)
    return path


def _run(tool: str, edits: Path, folder: Path) -> Run:
    command = [sys.executable, str(HERE / "screen_peers.py"), tool, str(edits)]
    started = time.perf_counter()
    process = subprocess.Popen([*command, str(folder / f"{tool}.parquet")])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(
        time.perf_counter() - started,
        used.ru_utime + used.ru_stime,
        used.ru_maxrss / (2**20 if sys.platform != "darwin" else 2**30),
        failed=status != 0,
    )


def _head(size: str, edits: Path, repeats: int) -> str:
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in PACKAGES if _has(name)
    )
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    return (
        f"\n{size}: {edits.stat().st_size / 1e6:.0f} MB of Parquet, {repeats} turns, "
        f"{dt.datetime.now(dt.UTC).date()}, {os.cpu_count()} cores, load {load}\n"
        f"Python {platform.python_version()}, {versions}\n"
    )


def _has(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _table(turns: list[dict[str, Run]]) -> str:
    head = f"{'tool':<11}{'wall s':>8}{'cpu s':>8}{'peak GiB':>10}{'ours ÷':>8}{'in CPU':>8}  does"
    lines = [head]
    for tool in turns[0]:
        runs = [turn[tool] for turn in turns]
        if any(run.failed for run in runs):
            lines.append(f"{tool:<11}{'failed':>8}")
            continue
        wall, cpu, peak = (
            statistics.median(getattr(run, part) for run in runs)
            for part in ("wall", "cpu", "peak")
        )
        ours = "".join(f"{_ratio(turns, tool, part):>8}" for part in ("wall", "cpu"))
        lines.append(f"{tool:<11}{wall:>8.2f}{cpu:>8.2f}{peak:>10.2f}{ours}  {DOES[tool]}")
    return "\n".join(lines)


def _ratio(turns: list[dict[str, Run]], tool: str, part: str) -> str:
    """Return ours divided by the tool's, the median of the turns' ratios."""
    if "sockgraph" not in turns[0]:
        return ""
    ratios = (getattr(turn["sockgraph"], part) / getattr(turn[tool], part) for turn in turns)
    return f"{statistics.median(ratios):.2f}"


if __name__ == "__main__":
    main()
