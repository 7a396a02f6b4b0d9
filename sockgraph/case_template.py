"""Case files on disk: a new one, its id, and copies of the notebooks that are bound to it."""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import re
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sockgraph.case import SLUG, Case, load_case
from sockgraph.errors import CaseError

if TYPE_CHECKING:
    from collections.abc import Mapping

_INSTALLED = Path(__file__).parent / "_notebooks"  # where a wheel has them
_CHECKOUT = Path(__file__).parent.parent / "notebooks"
_CHOICE = re.compile(r"\b(sg\.\w+)\(([^()]*)\)  # a case of your own: .*")
_TO_DOCS = re.compile(r"\[([^\]]+)\]\(\.\./docs/[^)]*\)")
_TRANSLATED = {c: f"\\u{c:04x}" for c in (*range(32), 0x7F)} | {0x22: '\\"', 0x5C: "\\\\"}


@dataclass(frozen=True)
class Plan:
    """What a new case says.

    Attributes
    ----------
    name
        The file's stem, 1 to 64 of a-z, 0-9 and `-`.
    reason
        Why these accounts are compared; required, as there is no case without a reason.
    kind, contact, path
        The source: `mediawiki` takes a contact, `table`, `history` and `xml` a path.
    by
        Who files the case; they cannot review its links.
    scheme
        `http` for a wiki on a machine of your own.
    earlier, declared
        Links made elsewhere, and accounts that say themselves that they are one operator's: tables
        with the keys of `[[earlier]]` and `[[declared]]`.
    retention_days
        After how many days what was fetched is removed; null keeps it.
    """

    name: str
    title: str
    reason: str
    wikis: tuple[str, ...]
    accounts: tuple[str, ...]
    kind: str = "mediawiki"
    contact: str | None = None
    path: Path | None = None
    by: str | None = None
    scheme: str | None = None
    earlier: tuple[Mapping[str, Any], ...] = ()
    declared: tuple[Mapping[str, Any], ...] = ()
    retention_days: int | None = None


def write_case(plan: Plan, folder: Path) -> Path:
    """Write a case file that loads, readable by its owner only, and return its path.

    Parameters
    ----------
    folder
        Where case files lie; made where it is missing.

    Raises
    ------
    CaseError
        If a file of that name is there, or what the plan says breaks a rule of case files. Then
        nothing is written.
    """
    if not SLUG.fullmatch(plan.name):
        raise CaseError(
            repr(plan.name), "a case's name is 1 to 64 of a-z, 0-9 and '-'.", "Choose another name."
        )
    target = folder / f"{plan.name}.toml"
    text = case_text(plan, folder)
    _refuse_faults(text, target)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(target, "x", encoding="utf-8", opener=_owner_only) as file:
            file.write(text)
    except FileExistsError as error:
        raise CaseError(target, "there is such a case already.", "Choose another name.") from error
    except OSError as error:
        raise CaseError(
            target, f"it cannot be written ({error.strerror}).", "Choose another folder: --cases."
        ) from error
    return target


def case_text(plan: Plan, folder: Path) -> str:
    """Return the case file's text: every value as a TOML string, paths from the file's folder."""
    path = None if plan.path is None else Path(os.path.relpath(plan.path, folder)).as_posix()
    head = {"title": plan.title, "reason": plan.reason, "by": plan.by, "wikis": plan.wikis}
    source = {"kind": plan.kind, "path": path, "contact": plan.contact, "scheme": plan.scheme}
    tables: list[tuple[str, Mapping[str, Any]]] = [
        ("# docs/case-file.md describes every key.", head),
        ("\n[source]", source),
        ("\n[accounts]", {"nominated": plan.accounts}),
        *(("\n[[declared]]", told) for told in plan.declared),
        *(("\n[[earlier]]", told) for told in plan.earlier),
    ]
    if plan.retention_days is not None:
        tables.append(("\n[retention]", {"days": plan.retention_days}))
    return "\n".join(line for title, told in tables for line in (title, *_lines(told))) + "\n"


def identify(path: Path, *, accept_broken: bool = False) -> Case:
    """Read a case, first writing an `id` into its file if it has none.

    The id keeps two case files of one name apart and salts the cover names of the reference. A file
    that cannot be written to is read all the same, without an id.

    Parameters
    ----------
    accept_broken
        Use a dump although it is not whole, as `source.accept_broken` in the file says it.
    """
    case = load_case(path)
    lock = path.with_name(f".{path.name}.lock")
    if case.id is None or lock.exists():  # a killed process may have left its lock
        with contextlib.suppress(OSError, NotImplementedError):
            _write_id(path, lock)
        case = load_case(path)
    if not accept_broken:
        return case
    source = case.source.model_copy(update={"accept_broken": True})
    return case.model_copy(update={"source": source})


def _write_id(path: Path, lock: Path) -> None:
    """Put an id before the text of a case file, which is whole at any moment; leave nothing beside.

    The draft has one name, so that one which a killed process left is written over, and removed.
    """
    import filelock  # takes a tenth of a second, and most case files have their id

    draft = path.with_name(f".{path.name}.draft")
    with filelock.FileLock(lock, mode=0o600):
        try:
            if load_case(path).id is None:
                _fill(draft, b'id = "%s"\n' % secrets.token_hex(8).encode() + _bytes_of(path))
                draft.chmod(path.stat().st_mode)
                draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
            lock.unlink(missing_ok=True)  # who waits for the old file notices, and opens it anew


def _fill(draft: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _bytes_of(path: Path) -> bytes:
    return path.read_bytes().removeprefix(codecs.BOM_UTF8)


def write_notebooks(case: Path, data: Path) -> Path:
    """Put the notebooks, bound to a case, into the folder of its name; return the folder.

    A notebook that is there already stays as it is.

    Parameters
    ----------
    case
        The case file.
    data
        The data folder, see `sockgraph run --data`.

    Raises
    ------
    CaseError
        If the notebooks cannot be found or written.
    """
    folder = case.with_suffix("")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for notebook in _templates():
            target = folder / notebook.name
            if not target.exists():
                text = bound(notebook.read_text(encoding="utf-8"), case, data)
                with open(target, "w", encoding="utf-8", opener=_owner_only) as file:
                    file.write(text)
    except OSError as error:
        raise CaseError(
            folder, f"the notebooks cannot be written ({error.strerror}).", "Free the place."
        ) from error
    return folder


def bound(notebook: str, case: Path, data: Path) -> str:
    """Return a notebook that reads one case: its first call names it, and where its data lie."""
    told: dict[str, Any] = json.loads(notebook)
    kept = Path(os.path.relpath(data, case.with_suffix(""))).as_posix()
    named, where = json.dumps(f"../{case.name}"), f"data={json.dumps(kept)}"
    for cell in told["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            source = _TO_DOCS.sub(r"\1", source)  # the docs do not lie beside a copy
        else:
            source = _CHOICE.sub(
                lambda call: f"{call[1]}({', '.join(filter(None, (named, call[2], where)))})",
                source,
            )
        cell["source"] = source.splitlines(keepends=True)
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def _templates() -> list[Path]:
    """Return the notebooks as they came with the package."""
    for folder in (_INSTALLED, _CHECKOUT):
        found = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
        if found:
            return found
    raise CaseError(_INSTALLED, "the package's notebooks are missing.", "Install sockgraph again.")


def _refuse_faults(text: str, target: Path) -> None:
    """Load the text as the case file that it would be, and name that file in every fault."""
    with tempfile.TemporaryDirectory(prefix="sockgraph-case-") as folder:
        draft = Path(folder) / target.name
        try:
            draft.write_text(text, encoding="utf-8")
            load_case(draft)
        except UnicodeEncodeError as error:
            raise CaseError(
                target, "it would hold what is not a character.", "Type the names anew."
            ) from error
        except CaseError as error:
            raise CaseError(target, error.rule, error.remedy) from error


def _lines(values: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_toml(value)}" for key, value in values.items() if value is not None]


def _toml(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value.translate(_TRANSLATED)}"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value)  # a whole number, or a day


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
