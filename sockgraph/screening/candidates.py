"""Screening a whole wiki: the candidates' table, and whom of it to compare."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from sockgraph.errors import ScreeningError
from sockgraph.runtime import Progress, silent
from sockgraph.screening.definition import TOP
from sockgraph.screening.edits import literal, open_duckdb
from sockgraph.screening.local import MEMORY, THREADS, write_parquet
from sockgraph.store.files import whole_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


Engine = Literal["local", "spark"]
SORTING = 1 << 30


@dataclass(frozen=True)
class ScreeningResult:
    """What a screening came to.

    Attributes
    ----------
    path
        The table.
    accounts, rows, candidates
        Accounts with at least one edit, rows read, rows written.
    dropped
        Rows left out, by reason.
    """

    path: Path
    accounts: int
    rows: int
    candidates: int
    dropped: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return it as a manifest keeps it; what differs between machines is left out."""
        return {
            "accounts": self.accounts,
            "rows": self.rows,
            "candidates": self.candidates,
            "left out": dict(self.dropped),
        }


def screen(
    edits: Path | str,
    candidates: Path | str,
    *,
    engine: Engine = "local",
    top: int = TOP,
    window: tuple[int, int] | None = None,
    threads: int = THREADS,
    memory: int = MEMORY,
    progress: Progress = silent,
) -> ScreeningResult:
    """Find which pairs of a whole wiki's accounts are worth asking about at all; it flags nobody.

    Every account's best partners are written, whole or not at all.

    Parameters
    ----------
    edits
        A Parquet or CSV file, or a folder of Parquet files; `timestamp`, `user` or
        `user_id`, `title` or `page_id`, in any order of rows.
    candidates
        Where the table of candidates goes, as Parquet; rows that wait are set aside in its folder.
    engine
        `local`, or `spark` for a cluster; both give the same rows.
    top
        Partners an account, at most.
    window
        First second that counts and first that no longer does, since 1970 UTC.
    threads, memory
        Of the local engine: the result does not depend on them.

    Raises
    ------
    TableError
        If the edits cannot be used; nothing is written.
    ScreeningError
        If the engine is not installed, or memory does not do.
    StoreError
        If the table, or rows that wait, cannot be written; nothing is left behind.

    Examples
    --------
    >>> import pandas as pd
    >>> import sockgraph as sg
    >>> found = sg.screen(edits_file, folder / "candidates.parquet", top=3)
    >>> found.accounts, int(pd.read_parquet(found.path)["rank"].max())
    (40, 3)
    """
    path, target = Path(edits), Path(candidates)
    run = _engine(engine)
    options = {"top": top, "window": window, "threads": threads, "memory": memory}
    try:
        with whole_file(target) as draft:
            found = run(path, scratch=target.parent, progress=progress, **options)
            written = write_parquet(found.batches(), draft, progress)
    except MemoryError as error:
        raise ScreeningError(
            path,
            "this machine has not enough memory for it.",
            "Ask for fewer partners with --top, or use --engine spark.",
        ) from error
    return ScreeningResult(target, found.accounts, found.rows, written, found.dropped)


def _engine(engine: Engine) -> Callable[..., Any]:
    try:
        module = importlib.import_module(f"sockgraph.screening.{engine}")
    except ImportError as error:
        extra = "screen" if engine == "local" else "spark"
        raise ScreeningError(
            f"--engine {engine}",
            f"needs a package that is not installed ({error.name}).",
            f"pip install 'sockgraph[{extra}]'",
        ) from error
    run: Callable[..., Any] = getattr(module, f"screen_{engine}")
    return run


PAIRS = """
CREATE TEMP TABLE pairs AS
SELECT least(user_a, user_b) AS a, greatest(user_a, user_b) AS b,
       max(weighted_overlap) AS overlap, max(shared_pages) AS shared
  FROM read_parquet('{path}')
 WHERE user_a IN (FROM eligible) AND user_b IN (FROM eligible)
 GROUP BY ALL
"""


@dataclass(frozen=True)
class StrongestAccounts:
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


def strongest_accounts(candidates: Path, eligible: Sequence[str], most: int) -> StrongestAccounts:
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
    with open_duckdb(SORTING, candidates.parent) as base:
        base.register("eligible", pa.table({"user": pa.array(list(eligible), pa.string())}))
        base.execute(PAIRS.format(path=literal(candidates)))
        total = base.sql("SELECT count(*) FROM pairs").fetchall()[0][0]
        # so many pairs are of more than `most` accounts, or are all there are
        enough = most * (most - 1) // 2 + 1
        rows = base.sql(f"FROM pairs ORDER BY overlap DESC, shared DESC, a, b LIMIT {enough}")
        users, least = _first(rows.fetchall(), most)
        base.register("chosen", pa.table({"user": pa.array(users, pa.string())}))
        among = base.sql(
            "SELECT count(*) FROM pairs WHERE a IN (FROM chosen) AND b IN (FROM chosen)"
        ).fetchall()[0][0]
    return StrongestAccounts(tuple(users), total, among, least)


def _first(pairs: Sequence[tuple[str, str, float, int]], most: int) -> tuple[list[str], float]:
    chosen: set[str] = set()
    least = 1.0
    for a, b, overlap, _ in pairs:
        if len(chosen | {a, b}) > most:
            break
        chosen |= {a, b}
        least = overlap
    return sorted(chosen), least
