"""From `candidates.parquet` to the few accounts whose pairs can all be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from sockgraph.screening.wiki import connect, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MEMORY = 1 << 30
PAIRS = """
CREATE TEMP TABLE pairs AS
SELECT least(user_a, user_b) AS a, greatest(user_a, user_b) AS b,
       max(weighted_overlap) AS overlap, max(shared_pages) AS shared
  FROM read_parquet('{path}')
 WHERE user_a IN (FROM eligible) AND user_b IN (FROM eligible)
 GROUP BY ALL
"""


@dataclass(frozen=True)
class Strongest:
    """The accounts of the candidate pairs that overlap most.

    Attributes
    ----------
    users
        In alphabetical order.
    candidates, among
        Candidate pairs of eligible accounts, and those of them whose accounts are both chosen.
    least
        The lowest weighted overlap down to which every candidate pair is among them; 1 where none.
    """

    users: tuple[str, ...]
    candidates: int
    among: int
    least: float


def strongest(candidates: Path, eligible: Sequence[str], most: int) -> Strongest:
    """Choose accounts, the candidate pair with the highest weighted overlap first.

    Parameters
    ----------
    candidates
        What `screen` wrote.
    eligible
        Accounts that may be chosen: those with enough edits.
    most
        Accounts to choose; one less where the last pair would add two.
    """
    base = connect(MEMORY, candidates.parent)
    try:
        base.register("eligible", pa.table({"user": pa.array(list(eligible), pa.string())}))
        base.execute(PAIRS.format(path=quoted(candidates)))
        total = base.sql("SELECT count(*) FROM pairs").fetchall()[0][0]
        # so many pairs are of more than `most` accounts, or are all there are
        enough = most * (most - 1) // 2 + 1
        rows = base.sql(f"FROM pairs ORDER BY overlap DESC, shared DESC, a, b LIMIT {enough}")
        users, least = _first(rows.fetchall(), most)
        base.register("chosen", pa.table({"user": pa.array(users, pa.string())}))
        among = base.sql(
            "SELECT count(*) FROM pairs WHERE a IN (FROM chosen) AND b IN (FROM chosen)"
        ).fetchall()[0][0]
    finally:
        base.close()
    return Strongest(tuple(users), total, among, least)


def _first(pairs: Sequence[tuple[str, str, float, int]], most: int) -> tuple[list[str], float]:
    chosen: set[str] = set()
    least = 1.0
    for a, b, overlap, _ in pairs:
        if len(chosen | {a, b}) > most:
            break
        chosen |= {a, b}
        least = overlap
    return sorted(chosen), least
