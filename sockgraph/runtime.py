"""What every command and call shares: the data folder, and how long work tells where it is."""

from __future__ import annotations

import contextlib
import html
import io
import os
import sys
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from sockgraph.names import printable

_BESIDE = Path("../notebooks/01_fetch_case.ipynb").exists()  # the project's own notebooks run here
DATA = Path(os.environ.get("SOCKGRAPH_DATA_DIR", "../data" if _BESIDE else "data"))
"""The data folder, where none is given; in the project's `notebooks/`, the one beside them."""


class Progress(Protocol):
    """Told of every step: the stage, the units done, and how many there are (None: unknown)."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Take note of one step."""


def silent(stage: str, done: int, total: int | None) -> None:
    """Listen to nothing: the default of every library call."""


def page_link(path: Path) -> str:
    """Return a page as a link that a notebook's cell shows, by its way from the notebook."""
    way = quote(Path(os.path.relpath(path)).as_posix())
    said = html.escape(printable(str(path)))
    return f'<p>Open <a href="{way}" target="_blank" rel="noopener">{said}</a></p>'


def notice(words: str) -> None:
    """Say on standard error what nobody may miss, whoever called: a command or a notebook."""
    if sys.stderr is not None:  # closed by whoever started the process
        with contextlib.suppress(OSError, ValueError):
            print(f"sockgraph: {printable(words)}", file=sys.stderr, flush=True)  # noqa: T201 - said


def open_streams() -> None:
    """Make the three standard streams usable, whatever started this process.

    One that is closed leads nowhere, and no file that is opened later can take its place. A
    character that standard output cannot carry is spelled as its code.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            lowest = os.open(os.devnull, os.O_RDWR)  # the number of the stream, where it is free
            setattr(sys, name, open(lowest, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - a number, open to the end
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def close_output() -> OSError | None:
    """Hand over what was printed; return what kept it from arriving, None if all of it did."""
    try:
        sys.stdout.flush()
    except OSError as error:
        with contextlib.suppress(OSError):  # or Python complains of it once more as it ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return error
    return None
