"""The command line: a thin translation of library calls, and of errors into one line and exit 2.

A command's module is imported when it is asked for: pandas, scikit-learn and the rest take seconds
to import; `--help`, `--version` and a misspelt command need none of them.
"""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_group

import sockgraph
from sockgraph.errors import SockgraphError
from sockgraph.names import printable
from sockgraph.runtime import close_output, open_streams

__all__ = ["app", "main"]


GARBAGE = 200_000
"""New objects before cycles are looked for. Tables make very many and hardly any cycle: looking
after every 700, as Python does, takes a fourteenth of a run."""


@dataclass(frozen=True)
class CommandSpec:
    """Where a command lives, and the first sentence of its help."""

    module: str
    summary: str


COMMANDS = {
    "demo": CommandSpec(
        "run", "Invent a small wiki with a known truth, and run the demo case on it."
    ),
    "new-case": CommandSpec(
        "start", "Write a case file and its notebooks, asking for what no option gives."
    ),
    "lab": CommandSpec("start", "Open JupyterLab on a case's notebooks, on this machine only."),
    "run": CommandSpec(
        "run", "Run a case from its file to its report: fetch what is missing, weigh, group, write."
    ),
    "fetch": CommandSpec(
        "run",
        "Read everything that a case needs, and weigh nothing yet; "
        "interrupted, go on where it was.",
    ),
    "refresh-hidden": CommandSpec(
        "run", "Remove here what the wiki hides or deleted since, and run the case again."
    ),
    "purge": CommandSpec(
        "run",
        "Remove everything kept of a case; its ledger stays without names, and a note tells.",
    ),
    "evaluate": CommandSpec(
        "run",
        "Measure links against known persons: discrimination, calibration, false links, groups.",
    ),
    "validate": CommandSpec(
        "run",
        "Measure how often the numbers of a case that was run would be wrong; write a page of it.",
    ),
    "screen": CommandSpec(
        "community", "Find which pairs of accounts are worth asking about at all; it flags nobody."
    ),
    "import-wiki": CommandSpec(
        "community",
        "Sort a whole wiki's edits once, so that cases find an account's without reading the rest.",
    ),
    "votes": CommandSpec(
        "community",
        "Read who said what on the pages under [discussions]; only nominated accounts keep names.",
    ),
    "concert": CommandSpec(
        "community",
        "Compare how nominated accounts came to discussions with what chance would bring.",
    ),
    "capture": CommandSpec(
        "community",
        "Measure how concentrated a community's work and decisions are; no person is named.",
    ),
    "review": CommandSpec(
        "review",
        "Review what waits: read the edits and judge. What spares a person closes in a minute.",
    ),
    "review-packet": CommandSpec(
        "review",
        "Write one HTML file for a reviewer on a machine of their own: no names, no LR, "
        "no network.",
    ),
    "review-merge": CommandSpec(
        "review", "Verify reviewers' answers, enter them, and open the findings that are due."
    ),
    "reviewers": CommandSpec(
        "review",
        "Say how far reviewers agree, and how often they join people who are not one.",
    ),
    "audit": CommandSpec(
        "review",
        "Verify the ledger's chain and print its history; with a witness, show any rewriting.",
    ),
    "evidence": CommandSpec("filing", "Register evidence received later."),
    "reverse": CommandSpec(
        "filing",
        "Open the review of a link's reversal; say what the link rested on, and rests on now.",
    ),
    "reopen": CommandSpec(
        "filing",
        "Lift a cannot-link on evidence authenticated since, and open the link to a new review.",
    ),
    "cannot-link": CommandSpec(
        "filing", "Carry links that were taken back, and accepted alibis, to another data folder."
    ),
    "report": CommandSpec(
        "filing", "Export a case: every link and its state as a table, or upheld links as a filing."
    ),
}


class _Loaded(MutableMapping[str, Any]):
    """Every command by name; the first look at one imports its module."""

    def __init__(self) -> None:
        self._given: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._given:
            module = importlib.import_module(f"sockgraph.cli.{COMMANDS[name].module}")
            part = typer.Typer(rich_markup_mode=None)
            module.register(part)
            self._given.update(get_group(part).commands)
        return self._given[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._given[name] = command

    def __delitem__(self, name: str) -> None:
        del self._given[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Group(TyperGroup):
    """A group that lists its commands without importing them."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = _Loaded()

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; where its input ends in the midst of a question, say what that means."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:  # typer would end it without a word
            typer.echo("sockgraph: stopped; no file is half-written.", err=True)
            raise typer.Exit(130) from stop
        except typer.Abort as stop:
            raise SockgraphError(
                "the answers",
                "they ended before the last question was answered.",
                "What was sealed is kept, and nothing else; the same command asks for the rest.",
            ) from stop

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.summary) for name, place in COMMANDS.items()])


app = typer.Typer(
    cls=_Group,
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


def main() -> None:
    """Run the command line; errors of sockgraph end in one line and exit code 2."""
    open_streams()
    gc.set_threshold(GARBAGE)
    lost: OSError | None = None
    try:
        app()
    except SockgraphError as error:
        _fail(str(error))
    except KeyboardInterrupt:  # while it was ending already
        sys.exit(130)
    except OSError as error:  # files are told of by their rooms: this is standard output
        lost = error
    finally:
        lost = close_output() or lost  # said once, whether it broke on the way or at the end
        if lost is not None and not isinstance(lost, BrokenPipeError):
            _fail(f"standard output: it cannot be written ({lost.strerror}). Free space.")


def _fail(words: str) -> NoReturn:
    print(printable(f"sockgraph: {words}"), file=sys.stderr)  # noqa: T201 - this is the terminal
    sys.exit(2)
