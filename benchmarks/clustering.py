"""What clustering gains over connected components: the table of docs/clustering.md.

    python benchmarks/clustering.py SET …

Sets are folders of `$SOCKGRAPH_DATA` (or ../shared/data) with `edits.parquet` and `labels.parquet`
(`user, person`). Every account with ten edit times is compared with every other; no label is used
until the flags are there.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

import sockgraph as sg
from sockgraph.clustering import component_clusters
from sockgraph.evaluation import group_metrics

DATA = Path(os.environ.get("SOCKGRAPH_DATA", "../shared/data"))


def read(name: str) -> tuple[pd.DataFrame, pd.Series]:
    """Return a set's edits of accounts with ten edit times, and whose account each is."""
    edits = pd.read_parquet(DATA / name / "edits.parquet")
    labels = pd.read_parquet(DATA / name / "labels.parquet").set_index("user")["person"]
    times = edits.drop_duplicates(["user", "timestamp"]).groupby("user").size()
    kept = edits[edits["user"].isin(times.index[times >= 10])]
    columns = ["user", "title", "comment", "timestamp"]
    return kept[columns].assign(rev_id=np.arange(1, len(kept) + 1)), labels


def components_of(links: pd.DataFrame) -> pd.DataFrame:
    """Return connected components of the eligible links, as groups."""
    chains = nx.Graph(links.loc[links["eligible"], ["user_a", "user_b"]].to_numpy().tolist())
    users = sorted({*links["user_a"], *links["user_b"]})
    of = {user: n for n, part in enumerate(nx.connected_components(chains), 1) for user in part}
    return pd.DataFrame({"user": users, "cluster_id": pd.Series(map(of.get, users), dtype="Int32")})


def judge(links: pd.DataFrame, groups: pd.DataFrame, persons: pd.Series) -> dict[str, float]:
    """Return counts of flagged pairs, and what the groups are worth, on labelled accounts."""
    flagged = sg.flag(links, groups)
    pairs = flagged[flagged["user_a"].isin(persons.index) & flagged["user_b"].isin(persons.index)]
    a, b = (pairs[side].map(persons) for side in ("user_a", "user_b"))
    held = groups[groups["user"].isin(persons.index)]
    person = pd.factorize(held["user"].map(persons).fillna(held["user"]))[0]
    codes, known = pd.factorize(held["cluster_id"])
    group = np.where(codes < 0, len(known) + np.arange(len(codes)), codes)
    worth = group_metrics(person, group)
    return {
        "flagged": int(pairs["flagged"].sum()),
        "true": int((pairs["flagged"] & (a == b)).sum()),
        "of": int((a == b).sum()),
        "b3_precision": worth.b3_precision,
        "b3_recall": worth.b3_recall,
        "absorbed": worth.innocents_absorbed,
    }


def main(names: list[str]) -> None:
    """Print one row a set and a way."""
    rows = []
    for name in names:
        edits, persons = read(name)
        with threadpool_limits(1):
            scores = sg.compare(edits)
        ways = {
            "clustering": sg.cluster(sg.to_graph(scores)),
            "components of eligible links": components_of(scores.links),
            "components of LR >= 10": component_clusters(scores.links),
        }
        rows += [
            {"set": name, "way": w, **judge(scores.links, g, persons)} for w, g in ways.items()
        ]
        print(pd.DataFrame(rows).tail(len(ways)).round(3).to_string(header=len(rows) < 4))


if __name__ == "__main__":
    main(sys.argv[1:] or ["rust_wiki", "peps", "emacswiki"])
