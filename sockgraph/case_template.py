"""Case files on disk: a new one, its id, and copies of the notebooks that are bound to it."""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import re
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sockgraph.case import SLUG, SLUG_RULE, Case, load_case
from sockgraph.errors import CaseError, StoreError
from sockgraph.store.files import whole_file, write_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_INSTALLED = Path(__file__).parent / "_notebooks"  # where a wheel has them
_CHECKOUT = Path(__file__).parent.parent / "notebooks"
_CHOICE = re.compile(r"\b(sg\.\w+)\(([^()]*)\)  # a case of your own: .*")
_TO_DOCS = re.compile(r"\[([^\]]+)\]\(\.\./docs/[^)]*\)")
_TRANSLATED = {c: f"\\u{c:04x}" for c in (*range(32), 0x7F)} | {0x22: '\\"', 0x5C: "\\\\"}


def new_case(  # noqa: PLR0913 - what a case file must say, each by name
    name: str,
    *,
    reason: str,
    wikis: Sequence[str],
    accounts: Sequence[str],
    title: str = "",
    kind: str = "mediawiki",
    contact: str | None = None,
    path: Path | str | None = None,
    by: str | None = None,
    scheme: str | None = None,
    earlier: Sequence[Mapping[str, Any]] = (),
    declared: Sequence[Mapping[str, Any]] = (),
    operators: Sequence[Mapping[str, Any]] = (),
    retention_days: int | None = None,
    folder: Path | str = "cases",
) -> Path:
    """Write a case file that loads, readable by its owner only, and return its path.

    Parameters
    ----------
    name
        The file's stem, 1 to 64 of a-z, 0-9 and `-`.
    reason
        Why these accounts are compared: there is no case without a reason.
    wikis, accounts
        Hosts, and the accounts to compare; `["*"]` for everybody in the source.
    title
        The report's title; by default the name.
    kind, contact, path
        Where edits come from: `mediawiki` takes a contact of yours; `table`, `history` and `xml` a
        file.
    by
        Who files the case; they cannot review its links.
    scheme
        `http` for a wiki on a machine of your own.
    earlier, declared
        Links made elsewhere (`a`, `b`, `by`, `date`, and `action`, `url` if known), and accounts
        that say themselves that they are one operator's (`accounts`, a tuple, and `url`).
    operators
        Operators known from earlier cases (`name`, `accounts` that are compared here, and `url`).
    retention_days
        After how many days what was fetched is removed.
    folder
        Where case files lie; made where it is missing.

    Raises
    ------
    CaseError
        If a file of that name is there, or a value breaks a rule; nothing is written then.

    Examples
    --------
    >>> import sockgraph as sg
    >>> file = sg.new_case("spring", reason="Three pages were returned to one wording",
    ...     wikis=["fernwick.example"], accounts=["Quillmoss", "Weir Lantern"],
    ...     kind="table", path=edits_file, folder=folder)
    >>> sg.load_case(file).accounts.nominated
    ('Quillmoss', 'Weir Lantern')
    """
    if not SLUG.fullmatch(name):
        raise CaseError(repr(name), f"a case's name is {SLUG_RULE}.", "Choose another name.")
    folder = Path(folder)
    target = folder / f"{name}.toml"
    there = None if path is None else Path(os.path.relpath(path, folder)).as_posix()
    head = {"title": title or name, "reason": reason, "by": by, "wikis": wikis}
    source = {"kind": kind, "path": there, "contact": contact, "scheme": scheme}
    tables: list[tuple[str, Mapping[str, Any]]] = [
        ("# docs/case-file.md describes every key.", head),
        ("\n[source]", source),
        ("\n[accounts]", {"nominated": accounts}),
        *(("\n[[declared]]", told) for told in declared),
        *(("\n[[earlier]]", told) for told in earlier),
        *(("\n[[operators]]", told) for told in operators),
    ]
    if retention_days is not None:
        tables.append(("\n[retention]", {"days": retention_days}))
    text = "\n".join(line for table, told in tables for line in (table, *_lines(told))) + "\n"
    _refuse_faults(text, target)
    _write_new(target, text)
    return target


def _write_new(target: Path, text: str) -> None:
    """Write a file that is not there yet, whole or not at all."""
    try:
        with whole_file(target, new=True) as draft:
            draft.write_bytes(text.encode())
    except StoreError as error:
        if isinstance(error.__cause__, FileExistsError):
            there = "there is such a case already."
            raise CaseError(target, there, "Choose another name.") from error
        raise CaseError(target, error.rule, "Choose another folder: --cases.") from error


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
    SockgraphError
        If the notebooks cannot be found or written.
    """
    folder = case.with_suffix("")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for notebook in _templates():
            target = folder / notebook.name
            if not target.exists():
                text = bound(notebook.read_text(encoding="utf-8"), case, data)
                write_bytes(target, text.encode())
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
