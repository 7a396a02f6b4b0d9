"""The command that measures a case: a thin translation of `pipeline.validate_case`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sockgraph.cli.bar import bar, say
from sockgraph.pipeline import DATA, validate_case

if TYPE_CHECKING:
    from sockgraph.evaluate import Separation, Side, Validation

CaseFile = Annotated[Path, typer.Argument(metavar="CASE", help="The case file, a .toml.")]
DataFolder = Annotated[Path, typer.Option("--data", metavar="DIR", help="The data folder.")]
LabelFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="LABELS",
        help="CSV or Parquet with user, person: accounts whose operators are known."
        " Default: the case's own reference.labels, if it names any.",
    ),
]


def register(app: typer.Typer) -> None:
    """Put the command on the app."""
    app.command("validate", epilog="Example: sockgraph validate cases/spring.toml known.csv")(
        validate
    )


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


def _false(side: Side) -> list[str]:
    return [
        f"  {stratum.name} ({stratum.pairs:,}): "
        + ", ".join(
            f"LR > {x.ratio:,}: {(x.untested and 'not testable') or f'{x.above} = {x.share:.4f}'}"
            for x in stratum.limits
        )
        for stratum in side.strata
    ]
