"""The commands that start an investigator's work: a new case, and JupyterLab on it."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from sockgraph.account_names import name_on_page
from sockgraph.case import load_case
from sockgraph.case_template import new_case as write_case
from sockgraph.case_template import write_notebooks
from sockgraph.cli import prompts
from sockgraph.cli.prompts import DECLARED, EARLIER, KINDS, Prompts
from sockgraph.cli.terminal import DataFolder, say
from sockgraph.errors import CaseError, SockgraphError
from sockgraph.runtime import DATA

EXTRA = "Install it: pip install 'sockgraph[notebook]'."


def register(app: typer.Typer) -> None:
    """Put the commands on the app."""
    example = "Example: sockgraph new-case spring --wiki zh.wikipedia.org --account 'Example A' ..."
    app.command("new-case", epilog=example)(new_case)
    app.command(
        "lab",
        epilog="Example: sockgraph lab cases/spring.toml --no-browser",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )(lab)


def new_case(  # noqa: PLR0913 - a flag for every question
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="a-z, 0-9 and '-': the file's name.")
    ] = None,
    *,
    title: Annotated[str | None, typer.Option(help="The report's title.")] = None,
    reason: Annotated[
        str | None, typer.Option(help="Why these accounts are compared. Required.")
    ] = None,
    wiki: Annotated[
        list[str] | None, typer.Option(help="A host, like zh.wikipedia.org; may be repeated.")
    ] = None,
    account: Annotated[
        list[str] | None, typer.Option(help="An account to compare; may be repeated.")
    ] = None,
    accounts_from: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Accounts, one a line, UTF-8.")
    ] = None,
    kind: Annotated[str | None, typer.Option(help=f"Where edits come from: {KINDS}.")] = None,
    contact: Annotated[
        str | None, typer.Option(help="mediawiki: your e-mail address or user page.")
    ] = None,
    path: Annotated[Path | None, typer.Option(help="table, history, xml: the file.")] = None,
    by: Annotated[
        str | None, typer.Option(help="Who files the case; they cannot review it.")
    ] = None,
    scheme: Annotated[
        str | None, typer.Option(help="mediawiki: https, or http on a machine of your own.")
    ] = None,
    earlier: Annotated[
        list[str] | None, typer.Option(metavar=f"'{EARLIER}'", help="A link made elsewhere.")
    ] = None,
    declared: Annotated[
        list[str] | None,
        typer.Option(metavar=f"'{DECLARED}'", help="Accounts that say they are one operator's."),
    ] = None,
    retention: Annotated[
        int | None, typer.Option(metavar="DAYS", help="Remove what was fetched after so many days.")
    ] = None,
    cases: Annotated[Path, typer.Option(metavar="DIR", help="Where case files lie.")] = Path(
        "cases"
    ),
    data: DataFolder = DATA,
    ask: Annotated[
        bool | None,
        typer.Option("--ask/--no-ask", help="Ask for what is missing; by default at a terminal."),
    ] = None,
) -> None:
    """Write a case file and its notebooks, asking for what no option gives.

    Each answer is checked as it is given. An account may be given as its page, User:Example A.
    Nothing is overwritten and no wiki is asked. Without a reason there is no case.
    """
    ask_for = Prompts(asking=sys.stdin.isatty() if ask is None else ask)
    need, offer = ask_for.need, ask_for.offer
    names = tuple(map(name_on_page, (*(account or ()), *_listed(accounts_from))))
    slug = need("NAME", "Name of the case (a-z, 0-9, -)", name, prompts.free_name(cases))
    why = need("--reason", "Why are these accounts compared?", reason, prompts.ruled("reason"))
    one = (None,) if wiki is None else wiki
    hosts = tuple(need("--wiki", "The wiki's host", given, prompts.host) for given in one)
    source = prompts.kind(kind, path, asking=ask_for.asking)
    live = source == "mediawiki"
    mine = "Your e-mail address or user page"
    written = write_case(
        slug,
        reason=why,
        wikis=hosts,
        kind=source,
        title=offer("Title", title, prompts.ruled("title"), slug) or slug,
        accounts=names or ask_for.accounts(),
        contact=need("--contact", mine, contact, str) if live else None,
        scheme=prompts.scheme(scheme, hosts, ask_for) if live else None,
        path=None if live else need("--path", "The file or folder of edits", path, prompts.there),
        by=offer("Who files it (Enter: nobody named)", by, prompts.ruled("by")),
        earlier=ask_for.several(f"A link made elsewhere, {EARLIER}", earlier, prompts.link),
        declared=ask_for.several(f"Declared accounts, {DECLARED}", declared, prompts.alternates),
        retention_days=offer("Days to keep what is fetched (Enter: all)", retention, prompts.days),
        folder=cases,
    )
    folder = write_notebooks(written, data)
    say(f"{written} is written, and its notebooks in {folder}/")
    say(f"Next: sockgraph run {written}, then sockgraph lab {written}")


def lab(
    context: typer.Context,
    case: Annotated[Path, typer.Argument(metavar="CASE", help="The case file, a .toml.")],
    data: DataFolder = DATA,
) -> None:
    """Open JupyterLab on a case's notebooks, on this machine only.

    Notebooks that the case has not yet are put beside its file; those that are there stay as they
    are. Anything else given, such as --no-browser or --port, goes to JupyterLab.
    """
    slug = load_case(case).slug
    if importlib.util.find_spec("jupyterlab") is None:
        raise SockgraphError("sockgraph lab", "it needs JupyterLab, which is not installed.", EXTRA)
    folder = write_notebooks(case, data)
    was_run = (data / "processed" / slug / "manifest.json").exists()
    first = "02_explore_clusters.ipynb" if was_run else "01_fetch_case.ipynb"
    if not was_run:
        say(f"{slug} has not been run yet: notebook 01 does that.")
    environment = os.environ | {"SOCKGRAPH_DATA_DIR": str(data.absolute())}
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.absolute()}"]
    command += [f"--LabApp.default_url=/lab/tree/{first}", "--ServerApp.ip=127.0.0.1"]
    sys.stderr.flush()
    os.execve(sys.executable, [*command, *context.args], environment)  # noqa: S606 - no shell


def _listed(file: Path | None) -> tuple[str, ...]:
    if file is None:
        return ()
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CaseError(file, "it is not a readable UTF-8 file.", "Check the path.") from error
    return tuple(line.strip() for line in lines if line.strip())
