"""What the commands of review share: their arguments, and a case opened at the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sockgraph.case import load_case
from sockgraph.cli.progress_bar import bar, say
from sockgraph.pipeline import LEDGER, ReviewSession, open_store
from sockgraph.reviews import Ledger

CaseFile = Annotated[Path, typer.Argument(metavar="CASE", help="The case file, a .toml.")]
DataFolder = Annotated[
    Path,
    typer.Option("--data", metavar="DIR", envvar="SOCKGRAPH_DATA_DIR", help="The data folder."),
]
Author = Annotated[str, typer.Option("--by", metavar="NAME", help="Who says so.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, in a sentence.")]


def open_room(file: Path, data: Path) -> ReviewSession:
    """Open a case for review at the terminal."""
    return ReviewSession.of(file, data, tell=say, listen=bar)


def ledger_of(case: Path, data: Path) -> Ledger:
    """Return the ledger of a case file."""
    given = load_case(case)
    return Ledger(open_store(given, data).path(LEDGER))


def example(command: str, rest: str = "") -> str:
    """Return the example that a command's help ends with."""
    return f"Example: sockgraph {command} cases/spring.toml {rest}".rstrip()
