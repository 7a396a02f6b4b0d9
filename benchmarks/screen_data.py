"""Invented edits of a whole wiki: `python benchmarks/screen_data.py S data/raw/bench`.

Accounts of very unequal activity edit pages of very unequal fame: pages of their communities, pages
of the whole wiki, and a long tail; one account in thirty is one of a few that share their pages.
Writes `<folder>/<size>/edits.parquet`, by time, with the columns that screening reads.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SIZES = {"S": (4_000, 2_000_000), "M": (40_000, 20_000_000), "L": (400_000, 100_000_000)}
YEARS = 3
START = 1_672_617_600  # Monday, 2 January 2023
PIECE = 1_000_000


def generate(accounts: int, edits: int, target: Path, *, seed: int = 1) -> Path:
    """Write a table of about so many edits and return where."""
    rng = np.random.default_rng(seed)
    target.parent.mkdir(parents=True, exist_ok=True)
    rows = _rows(rng, accounts, edits)
    order = np.argsort(rows["time"], kind="stable")
    names = pa.array([f"Editor {i:07d}" for i in range(accounts)])
    with pq.ParquetWriter(target, _schema(), compression="zstd") as writer:
        for low in range(0, edits, PIECE):
            piece = {name: column[order[low : low + PIECE]] for name, column in rows.items()}
            writer.write_table(_table(piece, names, low))
    return target


def _rows(rng: np.random.Generator, accounts: int, edits: int) -> dict[str, np.ndarray]:
    pages = max(1_000, edits // 8)
    famous, communities = pages // 12, max(20, accounts // 60)
    activity = np.clip(rng.lognormal(0, 1.7, accounts), 0, None)
    who = np.sort(rng.choice(accounts, edits, p=activity / activity.sum()).astype(np.int32))
    person = np.where(rng.random(accounts) < 1 / 30, rng.permutation(accounts) // 90, -1)
    home = rng.zipf(1.4, accounts) % communities
    home = np.where(person >= 0, person % communities, home)
    kind = rng.random(edits)
    local = famous + home[who] * (pages // 2 // communities)
    local = local + _steep(rng, edits, pages // 2 // communities)
    page = np.where(
        kind < 0.55,
        local,
        np.where(kind < 0.8, _steep(rng, edits, famous), rng.integers(pages // 2, pages, edits)),
    )
    hour = (rng.normal(20, 2.5, accounts)[who] + rng.normal(0, 3, edits)) % 24
    born = rng.uniform(0, 0.85, accounts)
    day = (born[who] + rng.random(edits) * (1 - born[who])) * YEARS * 364
    time = START + day.astype(np.int64) * 86_400 + (hour * 3_600).astype(np.int64)
    again = np.flatnonzero(rng.random(edits) < 0.3)  # answers, within the hour, on the same page
    page[again], time[again] = page[again - 1], time[again - 1] + rng.integers(0, 3_600, again.size)
    return {"user": who, "page": page.astype(np.int32), "time": time}


def _steep(rng: np.random.Generator, n: int, pages: int) -> np.ndarray:
    return (max(1, pages) * rng.random(n) ** 3).astype(np.int64)


def _schema() -> pa.Schema:
    return pa.schema(
        [
            ("rev_id", pa.int64()),
            ("user_id", pa.int64()),
            ("user", pa.dictionary(pa.int32(), pa.string())),
            ("page_id", pa.int64()),
            ("timestamp", pa.timestamp("us", "UTC")),
        ]
    )


def _table(rows: dict[str, np.ndarray], names: pa.Array, before: int) -> pa.Table:
    user = pa.array(rows["user"])
    times = pa.array(rows["time"] * 1_000_000, pa.int64()).cast(pa.timestamp("us", "UTC"))
    return pa.Table.from_arrays(
        [
            pa.array(np.arange(len(rows["user"])) + before + 1),
            pa.array(rows["user"].astype(np.int64) + 1000),
            pa.DictionaryArray.from_arrays(user, names),
            pa.array(rows["page"].astype(np.int64) + 1),
            times,
        ],
        schema=_schema(),
    )


if __name__ == "__main__":
    print(generate(*SIZES[sys.argv[1]], Path(sys.argv[2]) / sys.argv[1] / "edits.parquet"))
