"""Edits of a whole wiki, streamed: three columns a batch, whatever the file's size."""

from __future__ import annotations

import concurrent.futures
import contextlib
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from sockgraph.errors import TableError
from sockgraph.screening.blocks import arrow, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

BATCH = 1 << 19
AHEAD = 4  # batches, read while numba loads
COLUMNS = ("timestamp", "user", "user_id", "page_id", "title", "rev_id")
NEEDED = (("timestamp",), ("user", "user_id"), ("title", "page_id"))
LATEST = 1 << 32  # seconds since 1970 are held in 32 bits: until 2106
INVENTED = -(1 << 62)  # keys below stand for names and titles without an id
FAR = 1 << 61


@dataclass(frozen=True)
class Layout:
    """A table of edits: its files, the columns at hand, its rows.

    Attributes
    ----------
    files
        Parquet or CSV files of one schema, in the order in which they are read.
    columns
        Those of `COLUMNS` that the files have.
    rows
        Of all Parquet files together; None for CSV, whose rows are known once read.
    """

    files: tuple[Path, ...]
    columns: tuple[str, ...]
    rows: int | None


class Batch(NamedTuple):
    """Some rows of the table: what keys stand in them, and the names of dictionary-coded columns.

    Attributes
    ----------
    users, pages
        int64 keys: the id where there is one, else a number below `INVENTED` for the name or title.
    seconds
        Since 1970, UTC, int64.
    revisions
        rev_id, or None where the table has none.
    names
        Arrow array of the user names, or None.
    """

    users: NDArray[np.int64]
    pages: NDArray[np.int64]
    seconds: NDArray[np.int64]
    revisions: NDArray[np.int64] | None
    names: Any


def lay_out(path: Path) -> Layout:
    """Find the files of a table of edits and look at their columns; nothing is read yet.

    Parameters
    ----------
    path
        A `.parquet` or `.csv` file, or a folder with Parquet files at any depth.

    Raises
    ------
    TableError
        If there is no such table, it cannot be read, or a column is missing.
    """
    files = _files(path)
    if files[0].suffix.lower() == ".csv":
        with _readable(files[0]), _open_csv(files[0]) as reader:
            names, rows = reader.schema.names, None
    else:
        heads = [_head(file) for file in files]
        names, rows = heads[0].schema.to_arrow_schema().names, sum(h.num_rows for h in heads)
    if rows == 0:
        raise TableError(path, "it has no rows.", "Give a table with edits.")
    _require(names, path)
    return Layout(tuple(files), tuple(c for c in COLUMNS if c in names), rows)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(p for p in path.rglob("*.parquet") if not p.name.startswith("."))
        if not found:
            raise TableError(path, "the folder has no .parquet files.", "Check source.path.")
        return found
    if not path.exists():
        raise TableError(path, "there is no such file.", "Check source.path.")
    if path.suffix.lower() not in {".parquet", ".csv"}:
        raise TableError(
            path, f"{path.suffix or 'no ending'!r} is not read.", "Give a .parquet or .csv file."
        )
    return [path]


def _head(file: Path) -> Any:
    with _readable(file):
        return pq.read_metadata(file)


@contextlib.contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise TableError(
            file,
            f"it cannot be read: {str(error).rstrip('.')}.",
            "It may be truncated; make or copy it again.",
        ) from error


def _require(names: Iterable[str], path: Path) -> None:
    names = list(names)
    for choices in NEEDED:
        if not set(choices) & set(names):
            raise TableError(
                path,
                f"column {' or '.join(choices)} is missing (it has: {', '.join(names)}).",
                "A table of edits needs timestamp, user or user_id, title or page_id.",
            )


def _open_csv(file: Path) -> Any:
    text = {name: pa.string() for name in ("user", "title", "timestamp")}
    ids = {name: pa.int64() for name in ("user_id", "page_id", "rev_id")}
    return pyarrow.csv.open_csv(
        file,
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=text | ids, strings_can_be_null=False
        ),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
    )


def _tables(layout: Layout, columns: list[str]) -> Iterator[tuple[Path, Any]]:
    for file in layout.files:
        with _readable(file):
            if file.suffix.lower() == ".csv":
                with _open_csv(file) as reader:
                    for batch in reader:
                        yield file, batch
            else:
                for batch in _row_groups(file, columns):
                    yield file, batch


def column_of(layout: Layout, name: str) -> Iterator[tuple[list[Any], list[int]]]:
    """Yield the values of one column and how often each stands, a batch at a time."""
    for _, batch in _tables(layout, [name]):
        counted = pc.value_counts(batch.column(name))
        yield counted.field("values").to_pylist(), counted.field("counts").to_pylist()


def _row_groups(file: Path, columns: list[str]) -> Iterator[Any]:
    """Read one row group after the other: one reader for all would keep every dictionary."""
    texts = [c for c in ("user", "title") if c in columns]
    with pq.ParquetFile(file, read_dictionary=texts) as opened:
        for group in range(opened.num_row_groups):
            yield from opened.iter_batches(BATCH, row_groups=[group], columns=columns)


def ahead(items: Iterator[Any], depth: int = 1) -> Iterator[Any]:
    """Make the next items while the one before is worked on."""
    with concurrent.futures.ThreadPoolExecutor(1) as reader:
        coming = deque(reader.submit(next, items, None) for _ in range(depth))
        while (item := coming.popleft().result()) is not None:
            coming.append(reader.submit(next, items, None))
            yield item


class Reader:
    """Reads a table's batches, and keeps the numbers that it gave to names and titles."""

    def __init__(self, layout: Layout, *, revisions: bool) -> None:
        self.layout = layout
        leave = {"title"} if "page_id" in layout.columns and not _nulls(layout, "page_id") else ()
        self._columns = [
            c for c in layout.columns if c not in leave and (revisions or c != "rev_id")
        ]
        self._users: dict[str, int] = {}
        self._titles: dict[str, int] = {}
        self.dropped = {"rows without a user": 0, "rows without a page": 0}

    def __iter__(self) -> Iterator[tuple[int, Batch]]:
        """Yield the rows read so far and the batch, rows without a user or a page left out."""
        read = 0
        for file, batch in ahead(_tables(self.layout, self._columns), AHEAD):
            whole = self._batch(file, batch, read)
            read += len(batch)
            yield read, whole

    def _batch(self, file: Path, batch: Any, before: int) -> Batch:
        columns = {name: batch.column(name) for name in self._columns}
        seconds = _seconds(columns["timestamp"], file, before)
        users, no_user = _keys(columns, ("user_id", "user"), self._users, file)
        pages, no_page = _keys(columns, ("page_id", "title"), self._titles, file)
        if "user" in columns and columns["user"].null_count:
            no_user |= _mask(columns["user"])
        no_page &= ~no_user
        self.dropped["rows without a user"] += int(no_user.sum())
        self.dropped["rows without a page"] += int(no_page.sum())
        revisions = _revisions(columns, file)
        names = columns.get("user")
        lost = no_user | no_page
        if lost.any():
            kept = ~lost
            users, pages, seconds = users[kept], pages[kept], seconds[kept]
            revisions = None if revisions is None else revisions[kept]
            names = None if names is None else names.filter(_flags(kept))
        return Batch(users, pages, seconds, revisions, names)


def _flags(values: NDArray[np.bool_]) -> Any:
    return arrow(values.view(np.uint8)).cast(pa.bool_())


def _nulls(layout: Layout, column: str) -> bool:
    """Whether a column may hold nulls, by the files' own statistics."""
    for file in layout.files:
        if file.suffix.lower() == ".csv":
            return True
        head = _head(file)
        place = head.schema.names.index(column)
        for group in range(head.num_row_groups):
            known = head.row_group(group).column(place).statistics
            if known is None or not known.has_null_count or known.null_count:
                return True
    return False


def _mask(column: Any) -> NDArray[np.bool_]:
    """Return which rows are null."""
    flags = column.is_null().cast(pa.uint8())
    nulls: NDArray[np.bool_] = plain(flags).view(np.bool_)
    return nulls


def _integers(column: Any, file: Path, name: str) -> NDArray[np.int64]:
    """Return a column of ids as int64, nulls as 0."""
    if pa.types.is_null(column.type):
        return np.zeros(len(column), np.int64)
    with _readable_ids(file, name):
        whole = column.cast(pa.int64())
        filled = whole.fill_null(0) if whole.null_count else whole
    return np.asarray(plain(filled))


@contextlib.contextmanager
def _readable_ids(file: Path, name: str) -> Iterator[None]:
    try:
        yield
    except pa.ArrowException as error:
        raise TableError(
            file, f"{name} is not a whole number everywhere: {error}.", "Correct these rows."
        ) from error


def _keys(
    columns: dict[str, Any], names: tuple[str, str], known: dict[str, int], file: Path
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return a key a row, and which rows have none: the id, else a number for the text."""
    by_id, by_text = (columns.get(name) for name in names)
    n = len(columns["timestamp"])
    keys, missing = np.zeros(n, np.int64), np.ones(n, np.bool_)
    if by_id is not None:
        keys = _integers(by_id, file, names[0])
        missing = keys == 0  # MediaWiki gives 0 to whoever and whatever has no id
        if len(keys) and (keys.min() <= -FAR or keys.max() >= FAR):
            raise TableError(file, f"{names[0]} holds numbers beyond 2**61.", "Correct these rows.")
    if by_text is not None and missing.any():
        numbers = _numbered(by_text, known)
        keys = np.where(missing, numbers, keys)
        missing = missing & (numbers == 0)
    return keys, missing


def _numbered(column: Any, known: dict[str, int]) -> NDArray[np.int64]:
    """Give texts numbers below `INVENTED`; null and blank are 0."""
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    codes = plain(coded.indices.fill_null(-1))
    numbers = np.zeros(len(coded.dictionary) + 1, np.int64)  # the last stands for null
    for code in np.unique(codes):
        text = coded.dictionary[int(code)].as_py() if code >= 0 else None
        if text is not None and text.strip():
            numbers[code] = INVENTED - known.setdefault(text, len(known))
    out: NDArray[np.int64] = numbers[codes]
    return out


def _revisions(columns: dict[str, Any], file: Path) -> NDArray[np.int64] | None:
    column = columns.get("rev_id")
    if column is None:
        return None
    if column.null_count:
        raise TableError(file, "rev_id is null in some rows.", "Fill it in, or leave it out.")
    return _integers(column, file, "rev_id")


def _seconds(column: Any, file: Path, before: int) -> NDArray[np.int64]:
    """Return times in whole seconds since 1970, UTC, as MediaWiki keeps them."""
    if not (pa.types.is_timestamp(column.type) or _is_text(column.type)):
        raise TableError(
            file,
            f"timestamp holds {column.type}.",
            "Write times as 2024-05-31T12:00:00Z or as timestamps.",
        )
    try:
        times = _parsed(column) if _is_text(column.type) else column
        whole = pc.cast(times, pa.timestamp("s", times.type.tz), safe=False)
    except pa.ArrowException as error:
        raise TableError(
            file, f"a timestamp cannot be read: {error}.", "Write times as 2024-05-31T12:00:00Z."
        ) from error
    if whole.null_count:
        row = before + int(_mask(whole).argmax()) + 1
        raise TableError(file, f"row {row} has no timestamp.", "Correct or remove these rows.")
    seconds = np.asarray(plain(whole.cast(pa.int64())))
    if len(seconds) and (seconds.min() < 0 or seconds.max() >= LATEST):
        row = before + int(((seconds < 0) | (seconds >= LATEST)).argmax()) + 1
        raise TableError(file, f"row {row} is dated before 1970 or after 2106.", "Correct it.")
    return seconds


def _is_text(kind: Any) -> bool:
    return any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string))


def _parsed(column: Any) -> Any:
    """Read ISO 8601 times; those without an offset are UTC."""
    if pc.any(pc.match_substring_regex(column, r"(Z|[+-]\d\d:?\d\d)$")).as_py():
        return column.cast(pa.timestamp("us", "UTC"))
    return column.cast(pa.timestamp("us"))
