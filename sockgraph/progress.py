"""How long work tells where it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of every step: the stage, the units done, and how many there are (None: unknown)."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Take note of one step."""


def silent(stage: str, done: int, total: int | None) -> None:
    """Listen to nothing: the default of every library call."""
