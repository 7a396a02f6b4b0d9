"""The commands of a case: fetch, run, measure, and take everything out again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sockgraph import evaluation
from sockgraph.case import load_case
from sockgraph.cli.terminal import CaseFile, DataFolder, bar, example, say
from sockgraph.pipeline import results
from sockgraph.pipeline.other_cases import earlier_looks
from sockgraph.pipeline.results import DATA
from sockgraph.pipeline.run import demo_case, fetch_case, refresh_hidden, run_case
from sockgraph.pipeline.validate import validate_case
from sockgraph.report import groups
from sockgraph.reviews.words import counted

if TYPE_CHECKING:
    from sockgraph.evaluation.metrics import Separation
    from sockgraph.evaluation.validation import PairSetMeasures, Validation
    from sockgraph.pipeline.results import CaseResult
    from sockgraph.pipeline.run import FetchResult


Refresh = Annotated[
    bool, typer.Option("--refresh", help="Ask again for what may have changed, and what is new.")
]
Many = Annotated[
    bool, typer.Option("--many", help="Compare more than 50 listed accounts, on purpose.")
]
AcceptBroken = Annotated[
    bool, typer.Option("--accept-broken", help="Use a dump although it is not whole.")
]
LabelFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="LABELS",
        help="CSV or Parquet with user, person: accounts whose operators are known."
        " Default: the case's own reference.labels, if it names any.",
    ),
]


def register(app: typer.Typer) -> None:
    """Put the commands on the app."""
    app.command("fetch", epilog=example("fetch"))(fetch)
    app.command("refresh-hidden", epilog=example("refresh-hidden"))(hide)
    app.command("purge", epilog=example("purge", "--yes"))(purge)
    app.command(epilog=example("run", "--data data"))(run)
    app.command(epilog="Example: sockgraph demo --data sockgraph-data")(demo)
    app.command(
        epilog="Example: sockgraph evaluate data/processed/spring/links.parquet labels.csv --json"
    )(evaluate)
    app.command("validate", epilog=example("validate", "known.csv"))(validate)


def fetch(
    case: CaseFile,
    data: DataFolder = DATA,
    *,
    refresh: Refresh = False,
    many: Many = False,
    accept_broken: AcceptBroken = False,
) -> None:
    """Read everything that a case needs, and weigh nothing yet; interrupted, go on where it was."""
    with bar() as progress:
        fetched = fetch_case(
            case, data=data, refresh=refresh, many=many, accept_broken=accept_broken,
            progress=progress,
        )  # fmt: skip
    _tell_fetched(fetched)
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
    removed = results.purge(case, data=data, ledger=ledger)
    say(f"{removed.files} files removed ({removed.size:,} bytes); {removed.tombstone} says so.")


def _tell_fetched(fetched: FetchResult) -> None:
    people = fetched.population
    roles = people.accounts["role"].value_counts()
    asked = fetched.traffic.get("requests", {})
    shared = sum(fetched.traffic.get("shared", {}).values())
    say(
        f"{roles.get('nominated', 0)} nominated, {roles.get('reference', 0)} reference accounts; "
        f"{len(people.edits):,} edits; {sum(asked.values())} requests."
    )
    for kind, number in sorted(asked.items()):
        say(f"  {kind}: {number}")
    if shared:
        say(
            f"  {shared} answers of today that another case in this folder had were not asked again"
        )
    for why, number in people.recipe["left out"].items():
        say(f"  left out: {number:,} {why}")


def run(
    case: CaseFile,
    data: DataFolder = DATA,
    *,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask the wiki nothing; use what was fetched before.")
    ] = False,
    refresh: Refresh = False,
    many: Many = False,
    accept_broken: AcceptBroken = False,
) -> None:
    """Run a case from its file to its report: fetch what is missing, weigh, group, write."""
    with bar() as progress:
        result = run_case(
            case,
            data=data,
            offline=offline,
            refresh=refresh,
            many=many,
            accept_broken=accept_broken,
            progress=progress,
        )
    _tell_result(result)
    looked = earlier_looks(result.case, results.open_store(result.case, data))
    for user, cases in looked.items():
        day, named = min(one.run_on for one in cases), ", ".join(one.slug for one in cases)
        say(f"{user}: compared in {counted(len(cases), 'other case')} here since {day} ({named})")


def demo(
    data: DataFolder = DATA,
    seed: Annotated[int, typer.Option(help="Another seed invents another wiki.")] = 1,
) -> None:
    """Invent a small wiki with a known truth, and run the demo case on it."""
    with bar() as progress:
        file = demo_case(data, seed=seed)
        result = run_case(file, data=data, progress=progress)
    _tell_result(result)
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
    result = evaluation.evaluate(
        links,
        labels,
        clusters=clusters,
        allow_missing=allow_missing,
        compared_only=compared_only,
    )
    typer.echo(
        json.dumps(result.as_dict(), indent=1) if as_json else evaluation.evaluation_table(result)
    )


def _tell_result(result: CaseResult) -> None:
    """Say in a few lines what came out, and what to open."""
    links = result.tables["links"]
    bands = links["band"]
    say(
        f"{len(set(links['user_a']) | set(links['user_b']))} accounts, {len(links)} pairs: "
        f"{int(links['flagged'].sum())} flagged for review, "
        f"{int((links['direction'] == 'against').sum())} with evidence against one operator, "
        f"{int((bands == 'insufficient').sum())} with too few edits."
    )
    for line in groups.plain(result.case, links, result.manifest["evidence"]):
        say(line)
    for why in result.manifest["notices"]:
        say(why)
    say(f"Open {result.report}")


def validate(
    case: CaseFile,
    labels: LabelFile = None,
    data: DataFolder = DATA,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print every figure as JSON.")] = False,
) -> None:
    """Measure how often the numbers of a case that was run would be wrong; write a page of it.

    Without labels, on the case's own reference: histories cut in two against pairs of different
    accounts, each judged by a model that did not see it. The page names nobody.
    """
    with bar() as progress:
        made = validate_case(case, labels, data=data, progress=progress)
    if as_json:
        typer.echo(made.figures.read_text(encoding="utf-8").rstrip())
    else:
        for line in _lines(made.validation):
            typer.echo(line)
    say(f"Open {made.page}")
    if made.validation.reason:
        say(f"sockgraph: not calibrated: {made.validation.reason}. Draw a larger reference.")
        raise typer.Exit(2)


def _lines(found: Validation) -> list[str]:
    """Say the first figures of either side."""
    said = []
    for side in (found.own, found.labels):
        if side is not None:
            said += [_line(side.whole), *_false(side)]
    for name, value in found.flattery.items():
        said.append(f"cut histories less labels, {name}: {value:+.3f}")
    if found.prior is not None:
        said.append(
            f"prior {found.prior.per_pair:g}: a flag's least LR leaves {found.prior.at_flag:.0%},"
            f" the bound {found.prior.at_bound:.0%}"
            + ("" if found.prior.carries else "; the evidence alone cannot carry a finding")
        )
    return said


def _line(one: Separation) -> str:
    said = (
        f"{one.name}: {one.n_same:,} pairs of one operator, {one.n_different:,} of different ones;"
        f" AUC {one.auc:.3f}, recall at 1e-3 {one.recall_at_fpr_1e3:.3f}"
    )
    if one.cllr is None or one.loss is None or one.calibrated_loss is None:
        return said
    return (
        f"{said}, Cllr {one.cllr:.3f}, calibration loss {one.loss:.3f}"
        f" (perfectly calibrated: {one.calibrated_loss:.3f})"
    )


def _false(side: PairSetMeasures) -> list[str]:
    return [
        f"  {stratum.name} ({stratum.pairs:,}): "
        + ", ".join(
            f"LR > {x.ratio:,}: {(x.untested and 'not testable') or f'{x.above} = {x.share:.4f}'}"
            for x in stratum.limits
        )
        for stratum in side.strata
    ]
