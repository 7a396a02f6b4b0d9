"""Tables of edits as people have them: Parquet or CSV of any dialect, columns named by any tool."""

from __future__ import annotations

import ast
import codecs
import csv
import gzip
import hashlib
import io
import itertools
import json
import re
from typing import IO, TYPE_CHECKING, Any, cast

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from sockgraph.errors import TableError

if TYPE_CHECKING:
    from pathlib import Path

ALIASES: dict[str, tuple[str, ...]] = {  # of MediaWiki's tables and API, Quarry, XTools, dumps
    "timestamp": (
        "rev_timestamp",
        "revision_timestamp",
        "event_timestamp",
        "log_timestamp",
        "datetime",
        "date",
    ),
    "user": (
        "actor_name",
        "rev_user_text",
        "user_name",
        "username",
        "user_text",
        "event_user_text",
    ),
    "user_id": ("actor_user", "rev_user", "userid", "event_user_id"),
    "rev_id": ("revid", "revision_id"),
    "page_id": ("rev_page", "pageid"),
    "title": ("full_page_title", "page_title"),
    "ns": ("page_namespace", "namespace", "namespace_id", "log_namespace"),
    "comment": ("comment_text", "rev_comment", "summary", "edit_summary", "event_comment"),
    "minor": ("rev_minor_edit", "revision_minor_edit"),
    "size": ("rev_len", "length", "revision_text_bytes"),
    "size_diff": ("sizediff", "length_change", "diff_size", "revision_text_bytes_diff"),
    "parent_id": ("rev_parent_id", "parentid", "revision_parent_id"),
    "sha1": ("rev_sha1", "revision_text_sha1"),
    "tags": ("change_tags", "revision_tags"),
    "wiki": ("wiki_db", "dbname", "project", "project_name"),
    "type": ("log_type",),
    "action": ("log_action",),
    "target": ("log_title",),
    "params": ("log_params",),
}
_TO_CONTRACT = {alias: name for name, given in ALIASES.items() for alias in given}
TEXT = frozenset(
    {"user", "title", "comment", "sha1", "text", "timestamp", "tags", "hidden", "wiki"}
    | {"actor", "target", "params"}
)
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
HEAD = 1 << 16  # bytes that the header is looked for in
OTHERS = {  # what some files begin with, in small letters: what they are, and what to do
    b"pk\x03\x04": ("a spreadsheet or a ZIP file", "Save it as CSV UTF-8."),
    b"\xd0\xcf\x11\xe0": ("an old spreadsheet", "Save it as CSV UTF-8."),
    b"par1": ("Parquet", "Name it .parquet."),
    b"\x1f\x8b": ("packed by gzip", "Name it .csv.gz or .tsv.gz."),
    b"<": ("a web page or XML", "Save the table itself; a login may have been asked for."),
    b"{": ("JSON", "Save it as CSV UTF-8, a row an edit."),
    b"[": ("JSON", "Save it as CSV UTF-8, a row an edit."),
}
_INDEX = re.compile(r"__index_level_\d+__|Unnamed: \d+|")  # as pandas writes a table's index
_REPR = re.compile(
    r"b'((?:[^'\\]|\\.)*)'|b\"((?:[^\"\\]|\\.)*)\"", re.DOTALL
)  # bytes, as Python shows
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")


def read_table(path: Path) -> pd.DataFrame:
    """Read a file of edits whole, its columns under the names of the contract.

    Parameters
    ----------
    path
        `.parquet`, or a folder of Parquet parts; `.csv` or `.tsv`, also packed as `.gz`.

    Raises
    ------
    TableError
        If it is missing, of another kind, or cannot be read; it says what is wrong with it.
    """
    kind = _kind(path)
    try:
        table = pq.read_table(path) if kind == ".parquet" else _read_csv(path)
    except FileNotFoundError as error:
        raise TableError(path, "there is no such file.", "Check source.path.") from error
    except (pa.ArrowException, OSError, EOFError, UnicodeError, csv.Error) as error:
        said = str(error).rstrip(".").splitlines()[0]
        raise TableError(
            path, f"it cannot be read: {said}.", "It may be truncated; make or copy it again."
        ) from error
    table = table.select([i for i, n in enumerate(table.column_names) if not _INDEX.fullmatch(n)])
    names = contract_names(table.column_names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TableError(path, f"columns stand twice: {', '.join(twice)}.", "Name each once.")
    frame: pd.DataFrame = table.rename_columns(names).to_pandas()
    if frame.empty:
        raise TableError(path, "it has no rows.", "Give a file with edits.")
    known = {c: _texts(frame[c], path) for c in frame.columns if c in TEXT - {"timestamp"}}
    return frame.assign(**known)


def hashes(path: Path) -> dict[str, str]:
    """Return the SHA-256 of a file, or of each file of a folder, by name."""
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return {
        p.name if p == path else f"{path.name}/{p.relative_to(path).as_posix()}": _sha256(p)
        for p in files
    }


def contract_names(given: list[str]) -> list[str]:
    """Return columns' names as the contract has them; of two for one column the first listed wins.

    >>> contract_names(["rev_timestamp", "actor_name", "Page Title", "n"])
    ['timestamp', 'user', 'title', 'n']
    """
    plain = [_plain(name) for name in given]
    best = {
        name: next((n for n in (name, *ALIASES.get(name, ())) if n in plain), None)
        for name in {_TO_CONTRACT.get(n, n) for n in plain}
    }
    meant = [_TO_CONTRACT.get(n, n) for n in plain]
    return [
        name if best[name] == n else original
        for name, n, original in zip(meant, plain, given, strict=True)
    ]


def other_columns(frame: pd.DataFrame, name: str) -> list[str]:
    """Return the columns of a table that was read which stand for one that another was read as."""
    return [c for c in map(str, frame) if c != name and _TO_CONTRACT.get(_plain(c)) == name]


def _plain(name: object) -> str:
    return str(name).strip().lower().replace(" ", "_")


def listed(values: pd.Series, path: Path) -> pd.Series:
    """Turn lists that a file writes as text into lists.

    Commas between them (`minor edit,mobile edit`), JSON, and what Python and numpy show of a list
    are understood; null and nothing are an empty list.

    Raises
    ------
    TableError
        If a text begins like a list and is none.
    """
    given = values.dropna()
    if not all(isinstance(value, str) for value in given):  # older PyArrow gives text as objects
        return values
    known = {value: _items(value, values.name, path) for value in given.unique()}
    return pd.Series([known.get(v, []) for v in values], index=values.index, dtype=object)


def _items(text: str, column: object, path: Path) -> list[str]:
    inner = text.strip()
    if not inner.startswith(("[", "(", "{")):
        return [part.strip() for part in inner.split(",") if part.strip()]
    try:
        found = json.loads(inner)
    except ValueError:
        found = [str(ast.literal_eval(one.group())) for one in _QUOTED.finditer(inner)]
        if re.sub(r"[\s,\[\](){}]+", "", _QUOTED.sub("", inner)):
            found = None
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise TableError(
            path,
            f"{column} holds {inner[:80]!r}, which is no list of texts.",
            'Write lists as JSON, ["mobile edit"], or with commas between; an empty one as [].',
        )
    return found


def _kind(path: Path) -> str:
    if path.is_dir():
        return ".parquet"
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = suffixes[-2] if suffixes[-1:] == [".gz"] and suffixes[:-1] else "".join(suffixes[-1:])
    if kind not in {".parquet", ".csv", ".tsv"}:
        raise TableError(
            path, f"{kind or 'no ending'!r} is not read.", "Give a .parquet, .csv or .tsv file."
        )
    return kind


def _open(path: Path) -> IO[bytes]:
    packed = path.suffix.lower() == ".gz"
    return cast("IO[bytes]", gzip.open(path) if packed else path.open("rb"))


def _read_csv(path: Path) -> pa.Table:
    """Read a CSV whatever its columns are parted by, in UTF-8 or UTF-16."""
    with _open(path) as file:
        head = file.read(HEAD)
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    first = head.decode("utf-16" if wide else "utf-8-sig", errors="ignore")
    skipped = 1 if first[:4].lower() == "sep=" else 0  # for Excel alone
    lines = first.splitlines()[skipped:]
    header, delimiter = _header(lines)
    if not wide:
        _refuse_bytes(path, head)
    text = {n for n, name in zip(header, contract_names(header), strict=True) if name in TEXT}
    options: dict[str, Any] = {
        "read_options": pyarrow.csv.ReadOptions(skip_rows=skipped),
        "parse_options": pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        "convert_options": pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(text, pa.string()), strings_can_be_null=False
        ),
    }
    with _open(path) as file:
        try:
            if wide:
                return pyarrow.csv.read_csv(
                    io.BytesIO(file.read().decode("utf-16").encode()), **options
                )
            return pyarrow.csv.read_csv(file, **options)
        except (pa.ArrowException, UnicodeError) as error:
            raise _real_fault(path, error, delimiter) from error


def _header(lines: list[str]) -> tuple[list[str], str]:
    """Return the columns' names, and what parts them: that which gives most names we know."""
    known = _TO_CONTRACT.keys() | ALIASES.keys()
    rows = {d: next(csv.reader(lines, delimiter=d), []) for d in DELIMITERS}
    counts = {
        d: sum(name.strip().lower().replace(" ", "_") in known for name in row)
        for d, row in rows.items()
    }
    best = max(DELIMITERS, key=lambda d: (counts[d], len(rows[d])))
    return rows[best], best


def _refuse_bytes(path: Path, head: bytes) -> None:
    """Refuse what is no text in UTF-8, before anybody makes something of its header."""
    if not head.strip():
        raise TableError(path, "it is empty.", "Make or copy it again.")
    for start, (what, remedy) in OTHERS.items():
        if head.lstrip().lower().startswith(start):
            raise TableError(path, f"it is {what}, whatever its name says.", remedy)
    if b"\0" in head:
        raise TableError(
            path, "it has NUL bytes: UTF-16 without its mark, or no text.", "Save it as UTF-8."
        )
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError as fault:
        raise _no_utf8(path, fault.start) from fault


def _no_utf8(path: Path, at: int) -> TableError:
    return TableError(
        path,
        f"it is not UTF-8 (byte {at}).",
        "Save it as UTF-8 (in a spreadsheet: CSV UTF-8).",
    )


def _real_fault(path: Path, error: Exception, delimiter: str) -> TableError:
    """Say what is wrong with a CSV: its bytes, else its rows."""
    with _open(path) as file:
        decoder, at = codecs.getincrementaldecoder("utf-8")(), 0
        for piece in itertools.chain(iter(lambda: file.read(1 << 20), b""), [b""]):
            try:
                decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as fault:
                before = len(fault.object) - len(piece)
                return _no_utf8(path, at - before + fault.start)
            at += len(piece)
    return TableError(
        path,
        f"it cannot be read as a CSV with {DELIMITERS[delimiter]}:"
        f" {str(error).rstrip('.').splitlines()[0]}.",
        "Correct that row; if it is the last one, the file is cut: make or copy it again.",
    )


def _texts(values: pd.Series, path: Path) -> pd.Series:
    """Return a column of text as text: names may come as bytes, and as whole numbers."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    if isinstance(values.dtype, pd.StringDtype):
        return _without_repr(values)
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if kind in {"string", "empty"}:
        return _without_repr(values)
    try:
        return values.map(_text, na_action="ignore").astype(object)
    except UnicodeDecodeError as error:
        raise TableError(
            path, f"{values.name} holds bytes that are no UTF-8: {error.object[:40]!r}.",
            "Write it as text.",
        ) from error  # fmt: skip


def _text(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, float) and value.is_integer():  # numbers beside an empty cell
        return str(int(value))
    return str(value) if isinstance(value, int) or pd.api.types.is_number(value) else value


def _without_repr(values: pd.Series) -> pd.Series:
    """Undo `b'…'`, as pandas writes bytes into a CSV, where every value is written so."""
    given = values.dropna()
    if given.empty or not given.iloc[0].startswith(("b'", 'b"')):
        return values
    if not all(_REPR.fullmatch(value) for value in given):
        return values
    return values.map(lambda v: ast.literal_eval(v).decode(), na_action="ignore")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
