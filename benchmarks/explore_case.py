"""An invented case of many accounts and links, written as a run would have written it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from sockgraph.graph import generate_graphml, to_graph
from sockgraph.pipeline.results import TABLES
from sockgraph.schema import empty
from sockgraph.store import Store

CASE = """id = "crowd-1"
title = "A crowd"
reason = "Measure the desk"
wikis = ["fernwick.example"]
[source]
kind = "table"
path = "edits.parquet"
[accounts]
nominated = ["*"]
"""
FAMILIES = ("pages", "time", "text", "mechanics")


def write(accounts: int, links: int, *, edits: int = 200) -> Path:
    """Write a case of some accounts, of whose pairs some have a number; return its data folder."""
    folder, chance = Path(tempfile.mkdtemp()), np.random.default_rng(1)
    (folder / "crowd.toml").write_text(CASE)
    users = [f"Account {i:03d}" for i in range(accounts)]
    people = pd.DataFrame({"wiki": "fernwick.example", "user": users, "role": "nominated"})
    people["groups"] = [[] for _ in users]
    pairs = pd.DataFrame(
        [(a, b) for i, a in enumerate(users) for b in users[i + 1 :]], columns=["user_a", "user_b"]
    )
    known = np.zeros(len(pairs), dtype=bool)
    known[chance.choice(len(pairs), links, replace=False)] = True
    tables = {name: empty(name) for name in TABLES}
    tables |= {
        "accounts": people,
        "edits": _edits(users, edits, chance),
        "links": _links(pairs, known, chance),
        "evidence": _evidence(pairs[known], chance),
    }
    tables["clusters"] = pd.DataFrame({"user": users, "status": "stable"})
    store = Store(folder).case("crowd", "crowd-1")
    for name, table in tables.items():
        store.write_table(name, table)
    read = {name: store.read_table(name) for name in ("accounts", "links", "clusters")}
    graph = to_graph(read["links"], read["accounts"], read["clusters"])
    store.write_text("graph.graphml", "".join(generate_graphml(graph)))
    store.write_text("report.html", "")
    told = {"coverage": [], "evidence": {}, "source": {"read_on": "2024-12-31T00:00:00+00:00"}}
    store.write_manifest(json.loads(json.dumps(told)))
    return folder


def _edits(users: list[str], each: int, chance: np.random.Generator) -> pd.DataFrame:
    n = len(users) * each
    start = pd.Timestamp("2024-01-01", tz="UTC")
    return pd.DataFrame(
        {
            "wiki": "fernwick.example",
            "rev_id": np.arange(1, n + 1),
            "user": np.repeat(users, each),
            "title": [f"Page {p}" for p in chance.integers(0, 2000, n)],
            "timestamp": start
            + pd.to_timedelta(np.sort(chance.integers(0, 31_000_000, n)), unit="s"),
            "comment": [f"note {w}" for w in chance.integers(0, 500, n)],
            "minor": False,
            "hidden": [[] for _ in range(n)],
        }
    )


def _links(pairs: pd.DataFrame, known: np.ndarray, chance: np.random.Generator) -> pd.DataFrame:
    lr = np.where(known, chance.uniform(0.6, 2.4, len(pairs)), np.nan)
    return pairs.assign(
        score=lr,
        log10_lr=lr,
        log10_lr_low=lr - 0.2,
        log10_lr_high=lr + 0.2,
        bound_low=-2.4,
        bound_high=2.4,
        n_for=2,
        n_against=0,
        n_insufficient=0,
        direction=np.where(known, "for", "neither"),
        alibi=False,
        imitation=False,
        eligible=False,
        band=np.where(known, "moderately for", "insufficient"),
        flagged=False,
        state="none",
    )


def _evidence(pairs: pd.DataFrame, chance: np.random.Generator) -> pd.DataFrame:
    parts = [
        pairs.assign(
            signal=f"{family} {i}",
            family=family,
            log10_lr=chance.normal(0.5, 0.4, len(pairs)),
            contribution=chance.normal(0.3, 0.2, len(pairs)),
            support=40,
            status="ok",
            rev_ids=[[] for _ in range(len(pairs))],
        )
        for family in FAMILIES
        for i in range(4)
    ]
    return pd.concat(parts, ignore_index=True)
