"""What a whole `run` costs beside another commit of this repository, each in a process of its own.

SOCKGRAPH_DATA=... python benchmarks/run_speed.py --against aedd4bb --turns 3

The case: the ten most active accounts of `enwiki_contentious` nominated, 300 of the same pages as
reference. Both commits run on this Python and these packages, in turns; the ratio is taken within a
turn, and the median is told. Bytecode is compiled first, as an installed package's is. What the
other commit needs must be installed: aedd4bb also wants pandera.
"""

from __future__ import annotations

import argparse
import compileall
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
CASE = """
title = "Speed"
reason = "To measure what a run costs"
wikis = ["en.wikipedia.org"]
[source]
kind = "table"
path = {path!r}
[accounts]
nominated = {nominated}
[reference]
accounts = 300
"""


def write_case(folder: Path, edits: Path, nominated: int, skipped: int = 0) -> Path:
    """Write a case that nominates the most active accounts, some of them skipped."""
    known = pd.read_parquet(edits, columns=["user", "timestamp"])
    known = known[~known["user"].str.startswith("ip-")]  # addresses are not compared
    times = known.groupby("user")["timestamp"].nunique()
    most = times.sort_values(ascending=False, kind="stable").index[skipped : skipped + nominated]
    names = "[" + ", ".join(f'"{name}"' for name in most) + "]"
    file = folder / "speed.toml"
    file.write_text(CASE.format(path=str(edits), nominated=names), encoding="utf-8")
    return file


def _run(tree: Path, file: Path, data: Path) -> tuple[float, float, float]:
    """Return CPU seconds, wall seconds and peak MiB of one run."""
    command = [sys.executable, "-m", "sockgraph", "run", str(file), "--data", str(data)]
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        env=env | {"PYTHONPATH": str(tree)},
        cwd=data.parent,  # `-m` looks in the working folder first
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024


def _tell(figures: dict[str, list[tuple[float, float, float]]]) -> None:
    print(f"{'':12}{'CPU s':>8}{'wall s':>8}{'MiB':>8}")
    for name, rows in figures.items():
        middle = [statistics.median(column) for column in zip(*rows, strict=True)]
        print(f"{name:12}{middle[0]:8.2f}{middle[1]:8.2f}{middle[2]:8.0f}")
    turns = zip(*figures.values(), strict=True)
    shares = [[mine / its for mine, its in zip(*turn, strict=True)] for turn in turns]
    middle = [statistics.median(column) for column in zip(*shares, strict=True)]
    print(f"{'ratio':12}{middle[0]:8.2f}{middle[1]:8.2f}{middle[2]:8.2f}")


def main() -> None:
    """Run both in turns and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", default="aedd4bb", help="the other commit")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--nominated", type=int, default=10)
    asked = parser.parse_args()
    edits = Path(os.environ["SOCKGRAPH_DATA"]) / "enwiki_contentious" / "edits.parquet"
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        other = folder / "other"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "-q", "--detach", str(other), asked.against], check=True)
        try:
            trees = {"this tree": ROOT, asked.against: other}
            for tree in trees.values():
                compileall.compile_dir(tree / "sockgraph", quiet=2)
            file = write_case(folder, edits, asked.nominated)
            figures: dict[str, list[tuple[float, float, float]]] = {name: [] for name in trees}
            for turn in range(asked.turns):
                for name, tree in trees.items():
                    cost = _run(tree, file, folder / f"data-{turn}-{tree.name}")
                    figures[name].append(cost)
                    print(f"{name:12}{cost[0]:8.2f}{cost[1]:8.2f}{cost[2]:8.0f}", flush=True)
            print(
                f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors, {asked.turns} turns"
            )
            _tell(figures)
        finally:
            subprocess.run([*git, "remove", "--force", str(other)], check=True)


if __name__ == "__main__":
    main()
