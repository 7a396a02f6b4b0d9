"""Progress and words on the terminal."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING

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

from sockgraph.show import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import TaskID

    from sockgraph.progress import Progress as Listener

CONSOLE = Console(stderr=True, highlight=False)
QUIET = 10  # seconds after which a log, too, hears how far a stage is


def say(words: str) -> None:
    """Print a line for people."""
    CONSOLE.print(printable(words), markup=False, soft_wrap=True)


def tell(words: str) -> None:
    """Print a line of the answer to standard output."""
    typer.echo(printable(words))


def hand_over(text: str) -> None:
    """Print a file's content to standard output: byte for byte, but not onto a terminal."""
    shown = printable(text) if sys.stdout.isatty() else text  # echo() would take escapes out
    sys.stdout.write(shown if text.endswith("\n") else f"{shown}\n")


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
    with drawn if live else contextlib.nullcontext():  # rich 13 ends even what it hid with a line
        stages: dict[str, TaskID] = {}
        said = time.monotonic()

        def listen(stage: str, done: int, total: int | None) -> None:
            nonlocal said
            now = time.monotonic()
            if stage not in stages:
                for task in drawn.tasks:  # stages follow each other: what came before is done
                    drawn.update(task.id, total=task.completed)
                stages[stage] = drawn.add_task(printable(stage), total=total)
                if not live:
                    say(f"{stage} …")
                    said = now
            elif not live and now - said >= QUIET:
                say(f"{stage}: {done:,}" + ("" if total is None else f" of {total:,}"))
                said = now
            drawn.update(stages[stage], completed=done, total=total)

        yield listen
