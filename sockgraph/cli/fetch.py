"""The commands that bring edits in, and take them out again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sockgraph import pipeline
from sockgraph.case import load_case
from sockgraph.cli.bar import bar, say
from sockgraph.pipeline import DATA, fetch_case, refresh_hidden

if TYPE_CHECKING:
    from sockgraph.pipeline import Fetched

CaseFile = Annotated[Path, typer.Argument(metavar="CASE", help="The case file, a .toml.")]
DataFolder = Annotated[Path, typer.Option("--data", metavar="DIR", help="The data folder.")]


def register(app: typer.Typer) -> None:
    """Put the commands on the app."""
    app.command("fetch", epilog="Example: sockgraph fetch cases/spring.toml")(fetch)
    app.command("refresh-hidden", epilog="Example: sockgraph refresh-hidden cases/spring.toml")(
        hide
    )
    app.command("purge", epilog="Example: sockgraph purge cases/spring.toml --yes")(purge)


def fetch(
    case: CaseFile,
    data: DataFolder = DATA,
    *,
    refresh: Annotated[
        bool,
        typer.Option("--refresh", help="Ask again for what may have changed, and what is new."),
    ] = False,
    many: Annotated[
        bool, typer.Option("--many", help="Compare more than 50 listed accounts, on purpose.")
    ] = False,
) -> None:
    """Read everything that a case needs, and weigh nothing yet; interrupted, go on where it was."""
    with bar() as progress:
        fetched = fetch_case(case, data=data, refresh=refresh, many=many, progress=progress)
    _tell(fetched)
    say(f"Next: sockgraph run {case}")


def hide(case: CaseFile, data: DataFolder = DATA) -> None:
    """Remove here what the wiki hides or deleted since, and run the case again."""
    with bar() as progress:
        hidden, result = refresh_hidden(case, data=data, progress=progress)
    say(
        f"{hidden.checked:,} edits asked about: {hidden.gone} gone, {hidden.comments} summaries "
        f"and {hidden.texts} texts hidden; {hidden.answers} stored answers rewritten."
    )
    say(f"Open {result.report}")


def purge(
    case: CaseFile,
    data: DataFolder = DATA,
    *,
    ledger: Annotated[
        bool, typer.Option("--ledger", help="Remove the ledger too; only its head stays.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove everything kept of a case; its ledger stays without names, and a note tells.

    In the ledger every name and every text becomes a hash under a key that is thrown away: nobody
    can be found in it, and no link reviewed or reversed in it, any more. The note holds numbers,
    the day, and the head that the ledger had.
    """
    slug, what = load_case(case).slug, "and its ledger" if ledger else "and the ledger's names"
    if not yes and not typer.confirm(f"Remove all raw and processed data of {slug}, {what}?"):
        say("Nothing was removed.")
        raise typer.Exit(1)
    removed = pipeline.purge(case, data=data, ledger=ledger)
    say(f"{removed.files} files removed ({removed.size:,} bytes); {removed.tombstone} says so.")


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
