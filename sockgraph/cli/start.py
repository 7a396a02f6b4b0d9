"""The commands that start an investigator's work: a new case, and JupyterLab on it."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from sockgraph.case import SLUG, load_case
from sockgraph.case_template import Plan, write_case, write_notebooks
from sockgraph.cli.progress_bar import say
from sockgraph.errors import CaseError, SockgraphError
from sockgraph.runtime import DATA

KINDS = ("mediawiki", "table", "history", "xml")
EXTRA = "Install it: pip install 'sockgraph[notebook]'."
DataFolder = Annotated[Path, typer.Option("--data", metavar="DIR", help="The data folder.")]


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

    Nothing is overwritten and no wiki is asked. Without a reason there is no case.
    """
    asking = sys.stdin.isatty() if ask is None else ask
    names = tuple(map(_bare, (*(account or ()), *_listed(accounts_from))))
    slug = name or _given("NAME", "Name of the case (a-z, 0-9, -)", asking=asking)
    _refuse_taken(slug, cases)
    why = reason or _given("--reason", "Why are these accounts compared?", asking=asking)
    hosts = tuple(wiki or (_given("--wiki", "The wiki's host", asking=asking),))
    source = _kind(kind, path, asking=asking)
    plan = Plan(
        name=slug,
        title=title or (typer.prompt("Title", default=slug) if asking else slug),
        reason=why,
        wikis=hosts,
        accounts=names or _accounts(asking=asking),
        kind=source,
        contact=_contact(contact, asking=asking) if source == "mediawiki" else None,
        path=None if source == "mediawiki" else _path(path, asking=asking),
        by=by or (typer.prompt("Who files it", default="") or None if asking else None),
    )
    written = write_case(plan, cases)
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


def _given(option: str, question: str, *, asking: bool) -> str:
    """Ask until there is an answer; where nobody can be asked, say which option is missing."""
    if not asking:
        why = " There is no case without a reason." if option == "--reason" else ""
        raise CaseError(option, f"it is missing.{why}", "Give it, or --ask to be asked.")
    answer = ""
    while not answer.strip():
        answer = typer.prompt(question, default="", show_default=False)
    return answer.strip()


def _refuse_taken(slug: str, cases: Path) -> None:
    """Refuse a name before anything else is asked; `write_case` checks it again."""
    if SLUG.fullmatch(slug) and (cases / f"{slug}.toml").exists():
        raise CaseError(
            cases / f"{slug}.toml", "there is such a case already.", "Choose another name."
        )


def _kind(kind: str | None, path: Path | None, *, asking: bool) -> str:
    if kind is None and path is None and asking:
        kind = typer.prompt(f"Where do the edits come from ({', '.join(KINDS)})", default=KINDS[0])
    chosen = kind or ("mediawiki" if path is None else "table")
    if chosen not in KINDS:
        raise CaseError(repr(chosen), "edits come from no such source.", f"Use: {', '.join(KINDS)}")
    return chosen


def _contact(contact: str | None, *, asking: bool) -> str:
    return contact or _given("--contact", "Your e-mail address or user page", asking=asking)


def _path(path: Path | None, *, asking: bool) -> Path:
    found = path or Path(_given("--path", "The file or folder of edits", asking=asking))
    if not found.exists():
        raise CaseError(found, "there is no such file or folder.", "Check the path.")
    return found


def _accounts(*, asking: bool) -> tuple[str, ...]:
    """Ask for accounts, one a line, until a line is empty."""
    names = [_given("--account", "An account to compare", asking=asking)]
    while name := typer.prompt("Another (Enter to end)", default="", show_default=False).strip():
        names.append(name)
    return tuple(map(_bare, names))


def _bare(name: str) -> str:
    """Return an account's name, where the title of its page is given."""
    return name.strip().removeprefix("User:").removeprefix("user:")


def _listed(file: Path | None) -> tuple[str, ...]:
    if file is None:
        return ()
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CaseError(file, "it is not a readable UTF-8 file.", "Check the path.") from error
    return tuple(line.strip() for line in lines if line.strip())
