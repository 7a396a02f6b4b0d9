"""The commands that start an investigator's work: a new case, and JupyterLab on it.

`new-case` asks for what no option gives, and checks each answer as it is given, by the case file's
own rules.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from pydantic import ValidationError

from sockgraph.case import SLUG, SLUG_RULE, Case, faults, load_case
from sockgraph.case_template import new_case as write_case
from sockgraph.case_template import write_notebooks
from sockgraph.cli.terminal import DataFolder, say
from sockgraph.errors import CaseError, SockgraphError
from sockgraph.names import name_on_page
from sockgraph.runtime import DATA

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KINDS = ("mediawiki", "table", "history", "xml")
EARLIER = "A | B | by | 2024-06-01 | action | url"
DECLARED = "A | A (bot) | url"
OPERATOR = "name of the case | A | B | url"
SEVERAL = "|"
"""Parts an answer that says several things; no account's name and no address holds one."""
Read = TypeVar("Read")
EXTRA = "Install it: pip install 'sockgraph[notebook]'."
_SOUND = {
    "slug": "sound",
    "folder": Path(),
    "title": "-",
    "reason": "-",
    "wikis": ["wiki.example"],
    "source": {"kind": "table", "path": "-"},
    "accounts": {"nominated": ["-"]},
}
"""Keys that break no rule, around those that are looked at."""


class Prompts:
    """Asks for what no option gave, or says which option is missing.

    Parameters
    ----------
    asking
        Whether there is anybody to ask.
    """

    def __init__(self, *, asking: bool) -> None:
        self.asking = asking

    def need(self, option: str, question: str, given: object, read: Callable[[str], Read]) -> Read:
        """Return what must be said.

        Raises
        ------
        CaseError
            If what was given breaks a rule, or nothing was given and nobody can be asked.
        """
        if given is not None:
            return read(str(given))
        if self.asking:
            return _asked(question, _never_empty(read))
        why = " There is no case without a reason." if option == "--reason" else ""
        raise CaseError(option, f"it is missing.{why}", "Give it, or --ask to be asked.")

    def offer(
        self, question: str, given: object, read: Callable[[str], Read], default: str = ""
    ) -> Read | None:
        """Return what may be said, or the default; null for neither."""
        if given is not None:
            return read(str(given))
        if self.asking:
            return _asked(question, lambda text: read(text) if text else None, default)
        return read(default) if default else None

    def several(
        self, question: str, given: Sequence[str] | None, read: Callable[[str], Read]
    ) -> tuple[Read, ...]:
        """Return what may be said more than once; asked until a line is empty."""
        if given is not None or not self.asking:
            return tuple(map(read, given or ()))
        lines = []
        while line := _asked(f"{question} (Enter: none)", lambda t: read(t) if t else None):
            lines.append(line)
            question = "Another"
        return tuple(lines)

    def accounts(self) -> tuple[str, ...]:
        """Return at least one account; asked one a line, until a line is empty."""
        names: tuple[str, ...] = ()

        def one_more(text: str) -> str:
            name = name_on_page(text)
            _refuse("--account", accounts={"nominated": (*names, name)})
            return name

        names = (self.need("--account", "An account to compare", None, one_more),)
        while name := _asked("Another (Enter to end)", lambda t: one_more(t) if t else ""):
            names = (*names, name)
        return names


def free_name(cases: Path) -> Callable[[str], str]:
    """Return what reads a case's name, and refuses one that is taken."""

    def read(text: str) -> str:
        if not SLUG.fullmatch(text):
            raise CaseError(repr(text), f"a case's name is {SLUG_RULE}.", "Choose another.")
        if (cases / f"{text}.toml").exists():
            taken = cases / f"{text}.toml"
            raise CaseError(taken, "there is such a case already.", "Choose another name.")
        return text

    return read


def ruled(key: str) -> Callable[[str], str]:
    """Return what reads a text, held to the rule of a key of the case file."""

    def read(text: str) -> str:
        _refuse(text, **{key: text})
        return text

    return read


def host(text: str) -> str:
    """Read a wiki's host."""
    _refuse(text, wikis=(text,))
    return text


def ask_kind(given: str | None, path: Path | None, *, asking: bool) -> str:
    """Return where edits come from: what is said, else a table if a path is given."""

    def read(text: str) -> str:
        if text not in KINDS:
            raise CaseError(
                repr(text), "edits come from no such source.", f"Use: {', '.join(KINDS)}"
            )
        return text

    if given is None and path is None and asking:
        return _asked(f"Where do the edits come from ({', '.join(KINDS)})", read, KINDS[0])
    return read(given or (KINDS[0] if path is None else KINDS[1]))


def ask_scheme(given: str | None, hosts: Sequence[str], questions: Prompts) -> str | None:
    """Return `http` or `https`; asked only of a wiki that is on this machine."""
    from sockgraph.sources.mediawiki.connection import is_loopback  # slow to import

    def read(text: str) -> str:
        _refuse("--scheme", source={"kind": "table", "path": "-", "scheme": text})
        return text

    if given is None and not any(map(is_loopback, hosts)):
        return None
    return questions.offer("http or https", given, read, "http" if questions.asking else "")


def there(text: str) -> Path:
    """Read the path of a file or folder that is there."""
    if not Path(text).exists():
        raise CaseError(text, "there is no such file or folder.", "Check the path.")
    return Path(text)


def days(text: str) -> int:
    """Read for how many days what was fetched is kept."""
    number = int(text) if text.isdecimal() else 0
    _refuse(text, retention={"days": number})
    return number


def link(text: str) -> dict[str, Any]:
    """Read a link made elsewhere: two accounts, who found it, when; what was done, where stated.

    >>> link("User:Heron | Moth | a checkuser | 2024-06-01 | lock")["date"]
    datetime.date(2024, 6, 1)
    """
    parts = [part.strip() or None for part in text.split(SEVERAL)]
    told: dict[str, Any] = dict(zip(("a", "b", "by", "date", "action", "url"), parts, strict=False))
    told |= {key: name_on_page(told[key]) for key in ("a", "b") if told.get(key)}
    try:
        told["date"] = dt.date.fromisoformat(told.get("date") or "")
    except ValueError as error:
        form = f"it is not of the form {EARLIER}, with a day like that one."
        raise CaseError(text, form, "The last two may be left out.") from error
    _refuse(text, earlier=[told])
    return told


def alternates(text: str) -> dict[str, Any]:
    """Read accounts that declare themselves one operator's, and the page where they do."""
    told = _accounts(text.split(SEVERAL))
    _refuse(text, declared=[told])
    return told


def operator(text: str) -> dict[str, Any]:
    """Read an operator known from an earlier case: what to call it, its accounts, and the case.

    >>> operator("the ford case | User:Heron | Moth")["accounts"]
    ('Heron', 'Moth')
    """
    name, *rest = text.split(SEVERAL)
    told = {"name": name.strip(), **_accounts(rest)}
    asked_about = (*told["accounts"], "-")  # that they are nominated is seen with the whole case
    _refuse(text, operators=[told], accounts={"nominated": asked_about})
    return told


def _accounts(parts: Sequence[str]) -> dict[str, Any]:
    """Read some accounts, and the address among them, if there is one."""
    known = [part.strip() for part in parts]
    at = next((part for part in known if "://" in part), None)
    return {"accounts": tuple(name_on_page(one) for one in known if one and one != at), "url": at}


def _refuse(value: object, **given: Any) -> None:
    """Refuse an answer that a case file may not hold."""
    fault = _faults_of(**given)
    if fault:
        raise CaseError(value, fault, "docs/case-file.md describes every key.")


def _never_empty(read: Callable[[str], Read]) -> Callable[[str], Read]:
    def checked(text: str) -> Read:
        if not text:
            raise CaseError("nothing", "an answer is needed.", "Ctrl-C ends.")
        return read(text)

    return checked


def _faults_of(**given: Any) -> str:
    """Say what is wrong with some keys of a case file, whatever the others will say; else nothing.

    >>> _faults_of(wikis=["zh.wikipedia.org"]), _faults_of(retention={"days": 0})
    ('', 'retention.days: Input should be greater than or equal to 1 (given: 0).')
    """
    try:
        Case.model_validate(_SOUND | given)
    except ValidationError as error:
        return faults(error)
    return ""


def _asked(question: str, read: Callable[[str], Read], default: str = "") -> Read:
    """Ask until an answer can be used, saying each time why not."""

    def checked(text: str) -> Read:
        try:
            return read(text.strip())
        except CaseError as error:
            raise typer.BadParameter(f"{error.rule} {error.remedy}") from error

    answer: Read = typer.prompt(
        question, default=default, show_default=bool(default), value_proc=checked
    )
    return answer


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
    known_operator: Annotated[
        list[str] | None,
        typer.Option(metavar=f"'{OPERATOR}'", help="An operator known from an earlier case."),
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
    slug = need("NAME", "Name of the case (a-z, 0-9, -)", name, free_name(cases))
    why = need("--reason", "Why are these accounts compared?", reason, ruled("reason"))
    one = (None,) if wiki is None else wiki
    hosts = tuple(need("--wiki", "The wiki's host", given, host) for given in one)
    source = ask_kind(kind, path, asking=ask_for.asking)
    live = source == "mediawiki"
    mine = "Your e-mail address or user page"
    written = write_case(
        slug,
        reason=why,
        wikis=hosts,
        kind=source,
        title=offer("Title", title, ruled("title"), slug) or slug,
        accounts=names or ask_for.accounts(),
        contact=need("--contact", mine, contact, str) if live else None,
        scheme=ask_scheme(scheme, hosts, ask_for) if live else None,
        path=None if live else need("--path", "The file or folder of edits", path, there),
        by=offer("Who files it (Enter: nobody named)", by, ruled("by")),
        earlier=ask_for.several(f"A link made elsewhere, {EARLIER}", earlier, link),
        declared=ask_for.several(f"Declared accounts, {DECLARED}", declared, alternates),
        operators=ask_for.several(f"A known operator, {OPERATOR}", known_operator, operator),
        retention_days=offer("Days to keep what is fetched (Enter: all)", retention, days),
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
