"""Choose settings on two alias sets, confirm them on the third, in turn: what a choice is worth.

    python benchmarks/rotation.py

Every combination of `GRID` is judged on every set (traces measured once; no label is used in a
fit). For each alias set the combination is taken that is best on the *other* two and on the halves
of the contested articles, by the mean of average precision and recall at 10⁻³ (of halves: recall
alone); its figures on the set that had no say are the honest ones. Scores are those of the fused
model, before traces with a null of their own are added.
"""

from __future__ import annotations

import itertools
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from splits import NAMES, compared, halves
from threadpoolctl import threadpool_limits

from sockgraph.evaluation import evaluate_links
from sockgraph.evidence import EvidenceSettings
from sockgraph.evidence import adjustment as rivals
from sockgraph.evidence import model as fusion
from sockgraph.evidence import scoring as judge
from sockgraph.evidence import training as community
from sockgraph.evidence.pseudo_pairs import cut_histories
from sockgraph.evidence.similarity import Scene, Similarity, measure
from sockgraph.runtime import silent
from sockgraph.schema import empty, validate
from sockgraph.signals import SIGNALS, compile_edits, of_accounts

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = Path(os.environ.get("SOCKGRAPH_DATA", "../shared/data"))
SETTINGS = EvidenceSettings(resamples=0)
GRID: dict[str, tuple[float, ...]] = {
    "prior of a rival": (0.1, 0.01, 0.001),
    "shrinkage of weights": (0.1, 0.5),
    "trust in mechanics": (0.25, 1.0),
}
Case = tuple[judge.AccountIndex, list[Similarity], Any, pd.DataFrame]


def alias_cases() -> Iterator[tuple[str, Case]]:
    """Measure every labelled alias history."""
    for folder in sorted(DATA.glob("aliases_*")):
        raw = pd.read_parquet(folder / "edits.parquet").assign(wiki="wiki")
        columns = [c for c in empty("edits").columns if c in raw]
        edits = validate("edits", raw.loc[raw["user"].notna(), columns])
        yield folder.name, measured(edits, edits, pd.read_parquet(folder / "labels.parquet"))


def split_cases() -> Iterator[tuple[str, Case]]:
    """Measure the halves of the contested articles' accounts."""
    whole, background = compared()
    for rule in NAMES:
        edits = halves(whole, rule)
        users = sorted(edits["user"].unique())
        labels = pd.DataFrame({"user": users, "person": [u[:-3] for u in users]})
        yield rule, measured(edits, pd.concat([edits, background]), labels)


def measured(edits: pd.DataFrame, everything: pd.DataFrame, labels: pd.DataFrame) -> Case:
    """Measure every signal on every pair of accounts with enough edits."""
    times = edits.groupby("user")["timestamp"].nunique()
    users = tuple(sorted(times.index[times >= SETTINGS.min_edits]))
    everyone = np.ones(len(users), dtype=bool)
    histories = of_accounts(compile_edits(everything), users)
    splits = cut_histories(
        histories, np.arange(len(users)), least=SETTINGS.min_edits, seed=SETTINGS.seed
    )
    scene = Scene(histories, everyone, splits)
    found = [measure(signal, signal.bag(histories.corpus), scene) for signal in SIGNALS]
    return (
        judge.AccountIndex(users, everyone, everyone, np.arange(len(users))),
        found,
        splits,
        labels,
    )


def figures(case: Case, setting: dict[str, float]) -> tuple[float, float]:
    """Return average precision and recall at 10⁻³ under one combination of settings."""
    cast, found, splits, labels = case
    with ExitStack() as stack:
        stack.enter_context(patch.object(rivals, "PRIOR", setting["prior of a rival"]))
        stack.enter_context(patch.object(community, "SHRINK", setting["shrinkage of weights"]))
        stack.enter_context(patch.dict(fusion.TRUST, {"mechanics": setting["trust in mechanics"]}))
        verdict = judge.judge(cast, found, splits, SETTINGS, silent)
    rows, columns = np.triu_indices(len(cast.users), 1)
    names = np.asarray(cast.users, dtype=object)
    score = verdict.score[rows, columns]
    bounded = score if verdict.bounds is None else verdict.bounds.clip(score)
    links = pd.DataFrame(
        {
            "user_a": names[rows],
            "user_b": names[columns],
            "score": score,
            "log10_lr": bounded,
            "flagged": False,
        }
    )
    told = evaluate_links(links, labels, compared_only=True)
    return told.average_precision, told.recall_at_fpr_1e3


def chosen(table: pd.DataFrame, aliases: list[str], left_out: str) -> int:
    """Return the row that is best without one set."""
    own = [table[name, what] for name in aliases if name != left_out for what in ("ap", "recall")]
    other = [table[name, "recall"] for name in NAMES]
    return int(np.argmax(np.mean(own, axis=0) + np.mean(other, axis=0)))


def main() -> None:
    """Print one Markdown table."""
    if not DATA.exists():
        sys.exit(f"no {DATA}: set SOCKGRAPH_DATA")
    grid = [dict(zip(GRID, values, strict=True)) for values in itertools.product(*GRID.values())]
    found: dict[tuple[str, str], list[float]] = {}
    aliases: list[str] = []
    with threadpool_limits(1):
        for name, case in itertools.chain(alias_cases(), split_cases()):
            pairs = [figures(case, setting) for setting in grid]
            found[name, "ap"], found[name, "recall"] = map(list, zip(*pairs, strict=True))
            aliases += [name] if name not in NAMES else []
    table = pd.DataFrame(found)
    print(f"{len(grid)} combinations.\n")
    print("| left out | chosen |", "average precision | recall at 10⁻³ | at the defaults |")
    print("|---|---|---|---|---|")
    default = grid.index(dict(zip(GRID, (0.01, 0.5, 0.25), strict=True)))
    confirmed = []
    for name in aliases:
        row = chosen(table, aliases, name)
        words = ", ".join(f"{what} {value:g}" for what, value in grid[row].items())
        ap, recall = table.loc[row, (name, "ap")], table.loc[row, (name, "recall")]
        usual = [table.loc[default, (name, what)] for what in ("ap", "recall")]
        confirmed.append((ap, recall, *usual))
        print(f"| {name} | {words} | {ap:.3f} | {recall:.3f} | {usual[0]:.3f}, {usual[1]:.3f} |")
    ap, recall, *usual = np.mean(confirmed, axis=0)
    print(f"| mean | | {ap:.3f} | {recall:.3f} | {usual[0]:.3f}, {usual[1]:.3f} |")
    for rule in NAMES:
        values = table[rule, "recall"]
        print(f"\n{rule}: recall {values.min():.3f} to {values.max():.3f} over the grid.")


if __name__ == "__main__":
    main()
