"""What the commands share: their arguments, progress and words on the terminal."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import TimeRemainingColumn as TimeLeft
from rich.text import Text

from sockgraph.names import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import TaskID

    from sockgraph.runtime import Progress as Listener


CaseFile = Annotated[Path, typer.Argument(metavar="CASE", help="The case file, a .toml.")]
DataFolder = Annotated[
    Path,
    typer.Option("--data", metavar="DIR", envvar="SOCKGRAPH_DATA_DIR", help="The data folder."),
]
Author = Annotated[str, typer.Option("--by", metavar="NAME", help="Who says so.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, in a sentence.")]

CONSOLE = Console(stderr=True, highlight=False)
QUIET = 9  # seconds of silence after which a log, too, hears how far a stage is


def example(command: str, rest: str = "") -> str:
    """Return the example that a command's help ends with."""
    return f"Example: sockgraph {command} cases/spring.toml {rest}".rstrip()


def say(words: str) -> None:
    """Print a line for people."""
    CONSOLE.print(printable(words), markup=False, soft_wrap=True)


def tell(words: str) -> None:
    """Print a line of the answer to standard output."""
    typer.echo(printable(words))


def hand_over(text: str) -> None:
    """Print a file's content to standard output: UTF-8, byte for byte, but not onto a terminal."""
    whole = text if text.endswith("\n") else f"{text}\n"
    plain = getattr(sys.stdout, "buffer", None)
    if sys.stdout.isatty():
        sys.stdout.write(printable(whole))
    elif plain is None:  # kept in memory by whoever called
        sys.stdout.write(whole)
    else:  # echo() would take escapes out, and another encoding would change names
        sys.stdout.flush()
        plain.write(whole.encode())


class Rate(ProgressColumn):
    """Units a second, over the last half minute."""

    def render(self, task: Task) -> Text:
        """Return the rate; nothing before there is one."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s" if speed >= 10 else f"{speed:.1f}/s")


@contextlib.contextmanager
def bar() -> Iterator[Listener]:
    """Yield a listener that draws a line a stage; without one, it prints lines."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeElapsedColumn(),
        TimeLeft(),
    )
    live = CONSOLE.is_terminal
    drawn = Progress(*columns, console=CONSOLE, disable=not live)
    # rich 13 ends even what it hid with a line
    with drawn if live else contextlib.nullcontext(), _Spoken(silent=live) as spoken:
        stages: dict[str, TaskID] = {}

        def listen(stage: str, done: int, total: int | None) -> None:
            if stage not in stages:
                for task in drawn.tasks:  # stages follow each other: what came before is done
                    drawn.update(task.id, total=task.completed)
                stages[stage] = drawn.add_task(printable(stage), total=total)
            drawn.update(stages[stage], completed=done, total=total)
            spoken.hear(stage, done, total)

        yield listen


class _Spoken:
    """Progress where nothing can be drawn: a line a stage, and one whenever none came for long."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent
        self._heard: tuple[str, int, int | None] | None = None
        self._begun = self._said = time.monotonic()
        self._over = threading.Event()
        self._clock = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        if not self._silent:
            self._clock.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def hear(self, stage: str, done: int, total: int | None) -> None:
        """Take note of a step; a new stage is said at once."""
        known, self._heard = self._heard, (stage, done, total)
        if not self._silent and (known is None or known[0] != stage):
            self._begun = self._said = time.monotonic()
            say(f"{stage} …")

    def _watch(self) -> None:
        while not self._over.wait(max(0.0, self._said + QUIET - time.monotonic())):
            if time.monotonic() - self._said >= QUIET:
                self._said = time.monotonic()
                if self._heard is not None:
                    stage, done, total = self._heard
                    of = "" if total is None else f" of {total:,}"
                    say(f"{stage}: {done:,}{of}, {self._said - self._begun:.0f} s")
