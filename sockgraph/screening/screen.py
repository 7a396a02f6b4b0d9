"""From a table of edits to `candidates.parquet`, by either engine."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sockgraph.errors import ScreeningError
from sockgraph.progress import Progress, silent
from sockgraph.screening.definition import TOP
from sockgraph.screening.table import write_parquet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Engine = Literal["local", "spark"]
MEMORY = 2_500 * 2**20
THREADS = 2


@dataclass(frozen=True)
class Screened:
    """What a screening came to.

    Attributes
    ----------
    path
        The table.
    accounts, rows, candidates
        Accounts with at least one edit, rows read, rows written.
    dropped
        Rows left out, by reason.
    spilled
        Bytes that were set aside on disk on the way.
    """

    path: Path
    accounts: int
    rows: int
    candidates: int
    dropped: dict[str, int]
    spilled: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return it as a manifest keeps it; what differs between machines is left out."""
        return {
            "accounts": self.accounts,
            "rows": self.rows,
            "candidates": self.candidates,
            "left out": dict(self.dropped),
        }


def screen(
    path: Path,
    target: Path,
    *,
    engine: Engine = "local",
    top: int = TOP,
    window: tuple[int, int] | None = None,
    threads: int = THREADS,
    memory: int = MEMORY,
    progress: Progress = silent,
) -> Screened:
    """Find every account's best partners and write them, whole or not at all.

    Parameters
    ----------
    path
        Edits: a Parquet or CSV file, or a folder of Parquet files; `timestamp`, `user` or
        `user_id`, `title` or `page_id`, in any order of rows.
    target
        Where the table goes; rows that wait are set aside in its folder.
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
    """
    from sockgraph.store.atomic import whole_file  # noqa: PLC0415 - brings pandas with it

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
    return Screened(target, found.accounts, found.rows, written, found.dropped, found.spilled)


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
