"""The commands that run and measure a case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sockgraph.cli.bar import bar, say
from sockgraph.evaluate import (
    evaluate_links,
    evaluation_table,
    read_clusters,
    read_labels,
    read_links,
)
from sockgraph.pipeline import DATA, demo_case, run_case

if TYPE_CHECKING:
    from sockgraph.pipeline import CaseResult

CaseFile = Annotated[Path, typer.Argument(metavar="CASE", help="The case file, a .toml.")]
DataFolder = Annotated[Path, typer.Option("--data", metavar="DIR", help="The data folder.")]


def register(app: typer.Typer) -> None:
    """Put the commands on the app."""
    app.command(epilog="Example: sockgraph run cases/spring.toml --data data")(run)
    app.command(epilog="Example: sockgraph demo --data sockgraph-data")(demo)
    app.command(
        epilog="Example: sockgraph evaluate data/processed/spring/links.parquet labels.csv --json"
    )(evaluate)


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
    many: Annotated[
        bool, typer.Option("--many", help="Compare more than 50 listed accounts, on purpose.")
    ] = False,
) -> None:
    """Run a case from its file to its report: fetch what is missing, weigh, group, write."""
    with bar() as progress:
        result = run_case(
            case, data=data, offline=offline, refresh=refresh, many=many, progress=progress
        )
    _tell(result)


def demo(
    data: DataFolder = DATA,
    seed: Annotated[int, typer.Option(help="Another seed invents another wiki.")] = 1,
) -> None:
    """Invent a small wiki with a known truth, and run the demo case on it."""
    with bar() as progress:
        file = demo_case(data, seed=seed)
        result = run_case(file, data=data, progress=progress)
    _tell(result)
    say(f"Its case file, for every other command: {file}")
    say(
        "Next: docs/demo.md says what is true in the invented wiki; `make lab` opens the notebooks."
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
