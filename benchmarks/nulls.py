"""What the traces with a null of their own say of known aliases: a table of docs/attacks.md.

    python benchmarks/nulls.py

Every labelled account of `$SOCKGRAPH_DATA` (or ../shared/data) with ten edit times; the labels are
read after the traces. *Mean LR* of different pairs should be one at most.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from alibi import DATA, read, users_of
from sklearn.metrics import roc_auc_score

from sockgraph.signals.null_models import find_handovers, find_undoing

if TYPE_CHECKING:
    from collections.abc import Callable

    from sockgraph.signals.corpus import Histories
    from sockgraph.signals.null_models import NullTrace


def _handovers(histories: Histories) -> NullTrace:
    n = histories.n_units
    return find_handovers(histories, np.ones(n, dtype=bool), np.full(n, np.nan))


TRACES: dict[str, Callable[[Histories], NullTrace | None]] = {
    "hand-over": _handovers,
    "undoing": find_undoing,
}


def main() -> None:
    """Print one Markdown table."""
    folders = sorted(p.parent for p in DATA.glob("*/labels.parquet"))
    if not folders:
        sys.exit(f"no labelled communities in {DATA}: set SOCKGRAPH_DATA")
    print(
        "| histories | trace | one person's, heard | different, heard | AUC | mean LR, different |"
    )
    print("|---|---|---|---|---|---|")
    for folder in folders:
        every = read(folder.name)
        labels = pd.read_parquet(folder / "labels.parquet").dropna()
        person = pd.Series(users_of(every)).map(labels.set_index("user")["person"])
        histories = every.take(np.flatnonzero(person.notna()))
        mine = person.dropna().to_numpy(dtype=object)
        a, b = np.triu_indices(histories.n_units, 1)
        same = mine[a] == mine[b]
        for name, find in TRACES.items():
            found = find(histories)
            lr = np.full(len(a), np.nan) if found is None else found.log10_lr[a, b]
            heard = ~np.isnan(lr)
            both = 0 < same[heard].sum() < heard.sum()
            auc = f"{roc_auc_score(same[heard], lr[heard]):.2f}" if both else "–"
            mean = f"{(10 ** lr[heard & ~same]).mean():.2f}" if (heard & ~same).any() else "–"
            counts = f"{(heard & same).sum()} | {(heard & ~same).sum()}"
            print(f"| {folder.name} | {name} | {counts} | {auc} | {mean} |", flush=True)


if __name__ == "__main__":
    main()
