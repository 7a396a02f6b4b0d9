"""The commands that run and measure a case."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

import sockgraph
from sockgraph.cli import fetch, review, screen
from sockgraph.cli.bar import bar, say
from sockgraph.errors import SockgraphError
from sockgraph.evaluate import (
    evaluate_links,
    evaluation_table,
    read_clusters,
    read_labels,
    read_links,
)
from sockgraph.pipeline import DATA, CaseResult, demo_case, run_case

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Two-sided evidence on links between wiki accounts, for people to review "
        "before any lock.\n\n"
        "Start with: sockgraph demo"
    ),
)
fetch.register(app)
screen.register(app)
review.register(app)

CaseFile = Annotated[Path, typer.Argument(metavar="CASE", help="The case file, a .toml.")]
DataFolder = Annotated[Path, typer.Option("--data", metavar="DIR", help="The data folder.")]


def _version(asked: bool) -> None:  # noqa: FBT001 - Typer calls it so
    if asked:
        typer.echo(f"sockgraph {sockgraph.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Say the version, or go on to a command."""


@app.command(epilog="Example: sockgraph run cases/spring.toml --data data")
def run(
    case: CaseFile,
    data: DataFolder = DATA,
    *,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask the wiki nothing; use what was fetched before.")
    ] = False,
    refresh: Annotated[
        bool,
        typer.Option("--refresh", help="Ask again for what may have changed, and what is new."),
    ] = False,
) -> None:
    """Run a case from its file to its report: fetch what is missing, weigh, group, write."""
    with bar() as progress:
        result = run_case(case, data=data, offline=offline, refresh=refresh, progress=progress)
    _tell(result)


@app.command(epilog="Example: sockgraph demo --data sockgraph-data")
def demo(
    data: DataFolder = DATA,
    seed: Annotated[int, typer.Option(help="Another seed invents another wiki.")] = 1,
) -> None:
    """Invent a small wiki with a known truth, and run the demo case on it."""
    with bar() as progress:
        result = run_case(demo_case(data, seed=seed), data=data, progress=progress)
    _tell(result)
    say(
        "Next: docs/demo.md says what is true in the invented wiki; `make lab` opens the notebooks."
    )


@app.command(
    epilog="Example: sockgraph evaluate data/processed/spring/links.parquet labels.csv --json"
)
def evaluate(
    links: Annotated[Path, typer.Argument(help="links.parquet of a case, or a CSV.")],
    labels: Annotated[
        Path, typer.Argument(help="CSV or Parquet with user, person; a null person is one alone.")
    ],
    clusters: Annotated[
        Path | None, typer.Option(help="clusters.parquet: measure the groups too.")
    ] = None,
    *,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Rank labelled pairs not in LINKS last.")
    ] = False,
    compared_only: Annotated[
        bool, typer.Option("--compared-only", help="Leave out labelled accounts not in LINKS.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure links against known persons: discrimination, calibration, false links, groups."""
    result = evaluate_links(
        read_links(links),
        read_labels(labels),
        clusters=None if clusters is None else read_clusters(clusters),
        allow_missing=allow_missing,
        compared_only=compared_only,
    )
    typer.echo(json.dumps(result.as_dict(), indent=1) if as_json else evaluation_table(result))


def _tell(result: CaseResult) -> None:
    """Say in a few lines what came out, and what to open."""
    links = result.tables["links"]
    bands = links["band"]
    say(
        f"{len(set(links['user_a']) | set(links['user_b']))} accounts, {len(links)} pairs: "
        f"{int(links['flagged'].sum())} flagged for review, "
        f"{int(bands.str.endswith('against').sum())} with evidence against one operator, "
        f"{int((bands == 'insufficient').sum())} with too few edits."
    )
    for why in result.manifest["notices"]:
        say(why)
    say(f"Open {result.report}")


def main() -> None:
    """Run the command line; errors of sockgraph end in one line and exit code 2."""
    try:
        app()
    except SockgraphError as error:
        print(f"sockgraph: {error}", file=sys.stderr)  # noqa: T201 - this is the terminal
        sys.exit(2)
    except KeyboardInterrupt:
        print("sockgraph: stopped; no file is half-written.", file=sys.stderr)  # noqa: T201
        sys.exit(130)
