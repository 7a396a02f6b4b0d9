"""Find again the halves of cut histories: the second table of docs/validation.md.

    python benchmarks/splits.py

Registered accounts of `enwiki_contentious` with forty edit times are cut in two, at the median time
(successive) or by alternate fortnights (parallel); every half is compared with every other as an
account of its own. The model learns from these halves, cut once more, and never sees a whole
account; or it is told which halves are one account's, as labels tell it, and learns from those of
other accounts: ten folds of accounts, so that none is judged by a model that saw it.
"Without pages" takes the pages family's contributions out of the score. Traces with a null of their
own (hand-over, simultaneity, undoing and the like) are taken out throughout: the cut decides them.
Halves with fewer edit times than the case asks for are `insufficient` and rank last; "of those
compared" leaves their accounts out.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from sockgraph.evaluation import evaluate_links
from sockgraph.evidence import EvidenceSettings, compare
from sockgraph.schema import empty, validate
from sockgraph.signals import SIGNALS

DATA = Path(os.environ.get("SOCKGRAPH_DATA", "../shared/data")) / "enwiki_contentious"
LEAST = 40
FORTNIGHT = pd.Timedelta(days=14)
OTHERS = "halves of other accounts"
WAYS = (("halves of halves", 10), ("halves of halves", 5), (OTHERS, 5))
"""Where the model learns what one operator looks like, and `min_edits`."""
HEADER = (
    "| cut | learnt from | least edit times | recall at 10⁻³ | without pages | of those compared "
    "| without pages |\n|---|---|---|---|---|---|---|"
)
NAMES = {"successive": "at the median time", "parallel": "by alternate fortnights"}


def halves(edits: pd.DataFrame, rule: str) -> pd.DataFrame:
    """Return the edits with every account's halves under names of their own."""
    if rule == "successive":
        saves = edits.drop_duplicates(["user", "timestamp"])
        middle = edits["user"].map(saves.groupby("user")["timestamp"].median())
        side = edits["timestamp"] > middle
    else:
        side = (edits["timestamp"] - pd.Timestamp(0, tz="UTC")) // FORTNIGHT % 2 == 1
    return edits.assign(user=edits["user"] + np.where(side, " #2", " #1"))


def compared() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the edits of the accounts that are cut, and everybody else's."""
    edits = pd.read_parquet(DATA / "edits.parquet").assign(wiki="wiki")
    people = edits[edits["user_id"].fillna(0) > 0]
    times = people.groupby("user")["timestamp"].nunique()
    cut = [u for u in times.index[times >= LEAST] if "bot" not in u.lower()]
    columns = [c for c in empty("edits").columns if c in edits]
    table = validate("edits", edits.loc[edits["user"].notna(), columns])
    here = table["user"].isin(cut)
    return table[here], table[~here]


def main() -> None:
    """Print one Markdown table."""
    if not DATA.exists():
        sys.exit(f"no {DATA}: set SOCKGRAPH_DATA")
    whole, background = compared()
    print(HEADER)
    for rule, words in NAMES.items():
        edits = halves(whole, rule)
        for source, least in WAYS:
            recalls = " | ".join(f"{r:.3f}" for r in found_again(edits, background, source, least))
            print(f"| {rule}, {words} | {source} | {least} | {recalls} |", flush=True)


def found_again(
    edits: pd.DataFrame, background: pd.DataFrame, source: str, least: int
) -> list[float]:
    """Return recall at 10⁻³ of all halves and of those compared, each with and without pages."""
    users = sorted(edits["user"].unique())
    accounts = pd.DataFrame({"wiki": "wiki", "user": users, "role": "nominated"})
    labels = pd.DataFrame({"user": users, "person": [u[:-3] for u in users]})
    with threadpool_limits(1):
        weighed = compare(
            edits,
            validate("accounts", accounts),
            background=background,
            open_case=True,
            settings=EvidenceSettings(resamples=4, min_edits=least),
            known=labels if source == OTHERS else None,
        )
    cut = {s.name for s in SIGNALS} | {"rivals", "community"}
    kept = weighed.evidence[weighed.evidence["signal"].isin(cut)]
    tables = [rescored(weighed.links, k) for k in (kept, kept[kept["family"] != "pages"])]
    able = [table[table["score"].notna()] for table in tables]
    told = [evaluate_links(table, labels) for table in tables]
    told += [evaluate_links(table, labels, compared_only=True) for table in able]
    return [one.recall_at_fpr_1e3 for one in told]


def rescored(links: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
    """Return the links with the sum of these contributions for a score, where there is one."""
    sums = evidence.groupby(["user_a", "user_b"])["contribution"].sum().rename("kept")
    table = links.merge(sums, on=["user_a", "user_b"], how="left")
    return table.assign(score=table["kept"].where(table["score"].notna())).drop(columns="kept")


if __name__ == "__main__":
    main()
