"""How long work tells where it is, and how a command ends.

Loading numba or scikit-learn makes some hundred thousand objects, none of them garbage. Looking for
cycles among them takes a twentieth of screening a small wiki as they load, and an eighth as the
process ends.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import sys
from typing import TYPE_CHECKING, Protocol

from sockgraph.names import printable

if TYPE_CHECKING:
    from collections.abc import Iterator


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


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Look for no cycles within; what nothing refers to any more is freed all the same."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def end_at_once() -> None:
    """Look for no cycles when this process ends: the system takes back its memory as a whole.

    For a process of ours, a command; a library does not decide how others end.
    """
    atexit.register(_keep)


def _keep() -> None:
    if "duckdb" not in sys.modules:  # its binding reports what is left when a process ends
        gc.freeze()
