"""Run every labelled alias history as a case, and judge it: the tables of docs/open-cases.md.

    python benchmarks/aliases.py [SET …]

Histories are read from `$SOCKGRAPH_DATA` (or ../shared/data), folders `aliases_*` with
`edits.parquet` and `labels.parquet` (`user, person`). Every account with ten edit times is compared
with every other; no label is used until the links are written.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from sockgraph.evaluation import Evaluation, evaluate
from sockgraph.pipeline.run import run_case

DATA = Path(os.environ.get("SOCKGRAPH_DATA", "../shared/data"))
CASE = """
id = "{name}"
title = "Aliases of {name}"
reason = "Validation on labelled histories"
wikis = ["{name}.example"]
[source]
kind = "table"
path = "{path}"
[accounts]
nominated = ["*"]
min_edits = 10
"""
ROWS = {
    "auc": "AUC",
    "average_precision": "average precision",
    "recall_at_fpr_1e-3": "recall at 10⁻³",
    "cllr": "Cllr",
    "cllr_min": "Cllr_min",
    "p_lr_gt_10": "P(LR > 10, different)",
    "p_lr_gt_100": "P(LR > 100, different)",
    "p_lr_gt_1000": "P(LR > 1,000, different)",
    "n_true": "true pairs",
    "n_false": "different pairs",
    "flagged": "flagged",
    "flagged_precision": "flagged that are true",
    "flagged_recall": "true that are flagged",
    "pair_precision": "pairs in a group that are true",
    "pair_recall": "true pairs in a group",
    "b3_precision": "B³ precision",
    "b3_recall": "B³ recall",
    "innocents_absorbed": "innocents absorbed",
    "stable_pair_recall": "true pairs, stable groups alone",
    "stable_b3_precision": "B³ precision, stable groups alone",
    "stable_innocents_absorbed": "innocents absorbed, stable groups alone",
    "components_pair_recall": "true pairs, connected components",
    "components_b3_precision": "B³ precision, connected components",
    "components_innocents_absorbed": "innocents absorbed, connected components",
    "seconds": "seconds, all in all",
}


def judged(folder: Path, place: Path) -> dict[str, float | None]:
    """Run one set and return its figures."""
    name = folder.name.replace("_", "-")
    path = place / f"{name}.toml"
    path.write_text(CASE.format(name=name, path=(folder / "edits.parquet").absolute()))
    started = time.perf_counter()
    result = run_case(path, data=place / "data")
    seconds = time.perf_counter() - started
    labels = pd.read_parquet(folder / "labels.parquet")
    found: Evaluation = evaluate(result.links, labels, clusters=result.clusters, compared_only=True)
    return {**found.as_dict(), **found.contrasts(), "seconds": seconds}


def main() -> None:
    """Print one Markdown table, a column a set and their mean."""
    folders = [f for f in sorted(DATA.glob("aliases_*")) if not sys.argv[1:] or f.name in sys.argv]
    if not folders:
        sys.exit(f"no aliases_* in {DATA}: set SOCKGRAPH_DATA")
    with tempfile.TemporaryDirectory() as place:
        table = pd.DataFrame({f.name: judged(f, Path(place)) for f in folders}).astype(float)
    table["mean"] = table.mean(axis=1)
    table.loc["calibration loss"] = table.loc["cllr"] - table.loc["cllr_min"]
    print("| |", " | ".join(table.columns), "|")
    print("|---|" + "---|" * len(table.columns))
    for row in (*ROWS, "calibration loss"):
        cells = ["–" if pd.isna(x) else f"{x:.3f}".rstrip("0").rstrip(".") for x in table.loc[row]]
        print(f"| {ROWS.get(row, row)} |", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
