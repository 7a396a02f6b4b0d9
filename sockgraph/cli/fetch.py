"""The commands that bring edits in, and take them out again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sockgraph.cli.bar import bar, say
from sockgraph.pipeline import DATA, fetch_case

if TYPE_CHECKING:
    from sockgraph.pipeline import Fetched

CaseFile = Annotated[Path, typer.Argument(metavar="CASE", help="The case file, a .toml.")]
DataFolder = Annotated[Path, typer.Option("--data", metavar="DIR", help="The data folder.")]


def register(app: typer.Typer) -> None:
    """Put the commands on the app."""
    app.command("fetch", epilog="Example: sockgraph fetch cases/spring.toml")(fetch)


def fetch(
    case: CaseFile,
    data: DataFolder = DATA,
    *,
    refresh: Annotated[
        bool,
        typer.Option("--refresh", help="Ask again for what may have changed, and what is new."),
    ] = False,
) -> None:
    """Read everything that a case needs, and weigh nothing yet; interrupted, go on where it was."""
    with bar() as progress:
        fetched = fetch_case(case, data=data, refresh=refresh, progress=progress)
    _tell(fetched)
    say(f"Next: sockgraph run {case}")


def _tell(fetched: Fetched) -> None:
    people = fetched.population
    roles = people.accounts["role"].value_counts()
    asked = fetched.traffic.get("requests", {})
    say(
        f"{roles.get('nominated', 0)} nominated, {roles.get('reference', 0)} reference accounts; "
        f"{len(people.edits):,} edits; {sum(asked.values())} requests."
    )
    for kind, number in sorted(asked.items()):
        say(f"  {kind}: {number}")
    for why, number in people.recipe["left out"].items():
        say(f"  left out: {number:,} {why}")
