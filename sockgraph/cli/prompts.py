"""What `new-case` asks: each answer is checked as it is given, by the case file's own rules."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from sockgraph.account_names import name_on_page
from sockgraph.case import SLUG, faults_of
from sockgraph.errors import CaseError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KINDS = ("mediawiki", "table", "history", "xml")
EARLIER = "A | B | by | 2024-06-01 | action | url"
DECLARED = "A | A (bot) | url"
SEVERAL = "|"
"""Parts an answer that says several things; no account's name and no address holds one."""
_LOCAL = re.compile(r"(localhost|127\.[\d.]+|\[::1\])(:\d+)?")
Read = TypeVar("Read")


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
            raise CaseError(repr(text), "a case's name is 1 to 64 of a-z, 0-9 and '-'.", "Choose.")
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


def kind(given: str | None, path: Path | None, *, asking: bool) -> str:
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


def scheme(given: str | None, hosts: Sequence[str], questions: Prompts) -> str | None:
    """Return `http` or `https`; asked only of a wiki that is on this machine."""

    def read(text: str) -> str:
        _refuse("--scheme", source={"kind": "table", "path": "-", "scheme": text})
        return text

    if given is None and not any(_LOCAL.fullmatch(one) for one in hosts):
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
    parts = [part.strip() for part in text.split(SEVERAL)]
    at = next((part for part in parts if "://" in part), None)
    names = tuple(name_on_page(part) for part in parts if part and part != at)
    told = {"accounts": names, "url": at}
    _refuse(text, declared=[told])
    return told


def _refuse(value: object, **given: Any) -> None:
    """Refuse an answer that a case file may not hold."""
    fault = faults_of(**given)
    if fault:
        raise CaseError(value, fault, "docs/case-file.md describes every key.")


def _never_empty(read: Callable[[str], Read]) -> Callable[[str], Read]:
    def checked(text: str) -> Read:
        if not text:
            raise CaseError("nothing", "an answer is needed.", "Ctrl-C ends.")
        return read(text)

    return checked


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
