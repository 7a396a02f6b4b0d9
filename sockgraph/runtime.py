"""How long work tells where it is."""

from __future__ import annotations

import contextlib
import sys
from typing import Protocol

from sockgraph.names import printable


class Progress(Protocol):
    """Told of every step: the stage, the units done, and how many there are (None: unknown)."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Take note of one step."""


def silent(stage: str, done: int, total: int | None) -> None:
    """Listen to nothing: the default of every library call."""


def notice(words: str) -> None:
    """Say on standard error what nobody may miss, whoever called: a command or a notebook."""
    if sys.stderr is not None:  # closed by whoever started the process
        with contextlib.suppress(OSError, ValueError):
            print(f"sockgraph: {printable(words)}", file=sys.stderr, flush=True)  # noqa: T201 - said
