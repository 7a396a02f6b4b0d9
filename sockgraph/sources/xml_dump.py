"""MediaWiki's XML dumps, stub or with texts, read as a stream through mwxml."""

from __future__ import annotations

import itertools
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from sockgraph.case import normal_name
from sockgraph.errors import SourceError
from sockgraph.schema import TABLES
from sockgraph.sources.compressed import Unpacked

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator
    from pathlib import Path

    from sockgraph.sources.dump import Facts

ROWS = 50_000
EDITS = TABLES["edits"].arrow()
ENDINGS = (".xml", ".gz", ".bz2", ".7z")
PIECE = 1 << 20  # bytes that the parser is given at a time
LONGEST = (
    64 << 20
)  # bytes without the end of a tag: thirty times the longest text that a wiki saves


class _Pieces:
    """A file as the parser reads it: in large pieces, none of whose tags goes on for ever.

    Expat before 2.6 looks at an unfinished tag again with each piece, so that time grows with the
    square of its length (CVE-2023-52425); a megabyte of gzip can hold one of a gigabyte.
    """

    def __init__(self, file: Unpacked) -> None:
        self._file = file
        self._open = 0

    def read(self, _size: int = -1) -> bytes:
        """Return the next piece, whatever size is asked for."""
        piece: bytes = self._file.read(PIECE) or b""
        after = len(piece) - piece.rfind(b">") - 1
        self._open = after if after < len(piece) else self._open + len(piece)
        if self._open > LONGEST:
            raise EOFError(f"no tag ends within {LONGEST >> 20} MiB, as in no dump of a wiki")
        return piece


@dataclass
class Talk:
    """Revisions of the pages that a case lists, gathered while a dump streams by.

    Attributes
    ----------
    titles
        The pages, as MediaWiki writes titles.
    edits, texts
        Rows of `discussion_edits` and `texts`, without their wiki.
    """

    titles: frozenset[str] = frozenset()
    edits: list[dict[str, Any]] = field(default_factory=list)
    texts: list[dict[str, Any]] = field(default_factory=list)

    def note(self, page: Any, revision: Any) -> None:
        """Take note of a revision, if its page is listed."""
        if normal_name(page.title) in self.titles:
            row = _row(page, revision)
            hidden = [*row["hidden"], *(["user"] if revision.deleted.user else [])]
            mine = {"title": page.title, "user": _author(revision), "hidden": hidden}
            self.edits.append({**row, **mine})
            self.texts.append({"rev_id": revision.id, "text": _wikitext(revision)})

    def tables(self, wiki: str) -> dict[str, pa.Table]:
        """Return `discussion_edits` and `texts`."""
        rows = {"discussion_edits": self.edits, "texts": self.texts}
        return {
            name: pa.Table.from_pylist(
                [{**row, "wiki": wiki} for row in found], schema=TABLES[name].arrow()
            )
            for name, found in rows.items()
        }


def read_xml(
    path: Path, wiki: str, *, counts: Counter[str], facts: Facts, talk: Talk | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the edits of registered accounts in one file.

    A dump does not say who is a bot, nor which temporary names are accounts of today; names in the
    temporary pattern are left out with the table's other rules.

    Raises
    ------
    SourceError
        If mwxml is not installed, or the file is no XML dump.
    """
    breaks: list[str] = []
    with Unpacked(path) as file:
        whole = _whole_rows(_dump(path, _Pieces(file)), counts, breaks, talk or Talk())
        while rows := [{**row, "wiki": wiki} for row in itertools.islice(whole, ROWS)]:
            yield _batch(rows, facts)
        if file.broken or breaks or b"</mediawiki>" not in file.last:
            raise EOFError(file.broken or next(iter(breaks), "it has no end"))


def _whole_rows(
    dump: Any,
    counts: Counter[str],
    breaks: list[str],
    talk: Talk,
) -> Iterator[dict[str, Any]]:
    """Yield every edit that stands whole in the dump; what ends it too early goes to `breaks`."""
    try:
        for page in dump:
            for row in _page_rows(page, counts, talk):
                yield {**row, "title": page.title}
    except Exception as error:  # noqa: BLE001 - the parser, the unpacker and mwxml have each their own
        breaks.append(str(error).partition("\n")[0] or type(error).__name__)


def _dump(path: Path, file: Any) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own code, when first compiled
            import mwxml  # noqa: PLC0415 - an extra, needed by this source alone
    except ImportError as error:
        raise SourceError(
            path, "reading XML dumps needs mwxml.", 'Install it: pip install "sockgraph[dumps]".'
        ) from error
    try:
        return mwxml.Dump.from_file(file)
    except Exception as error:  # whatever the parser or the unpacker says of what is no dump
        raise SourceError(
            path,
            f"it is no MediaWiki XML dump ({type(error).__name__}: {error}).",
            "Give a stub-meta-history or pages-meta-history file, .xml, .gz, .bz2 or .7z.",
        ) from error


def _page_rows(page: Any, counts: Counter[str], talk: Talk) -> Iterator[dict[str, Any]]:
    sizes: dict[int | None, int | None] = {None: 0}
    for revision in page:
        counts["rows"] += 1
        sizes[revision.id] = revision.bytes
        talk.note(page, revision)
        if revision.user is None or revision.deleted.user:
            counts["edits whose author is hidden"] += 1
        elif not revision.user.id:
            counts["edits of unregistered editors"] += 1
        else:
            before = sizes.get(revision.parent_id)
            yield {**_row(page, revision), "size_diff": _difference(revision.bytes, before)}


def _row(page: Any, revision: Any) -> dict[str, Any]:
    hidden = [what for what in ("comment", "text") if getattr(revision.deleted, what)]
    return {
        "rev_id": revision.id,
        "user": revision.user.text if revision.user else None,
        "user_id": revision.user.id if revision.user else None,
        "page_id": page.id,
        "ns": page.namespace,
        "timestamp": int(revision.timestamp.unix()) * 1_000_000,
        "comment": None if "comment" in hidden else revision.comment or "",
        "minor": bool(revision.minor),
        "parent_id": revision.parent_id or 0,
        "tags": None,
        "sha1": revision.sha1,
        "hidden": hidden,
    }


def _author(revision: Any) -> str | None:
    """Return who made it; null where that is hidden, and for unregistered editors."""
    seen = revision.user is not None and revision.user.id and not revision.deleted.user
    return str(revision.user.text) if seen else None


def _wikitext(revision: Any) -> str | None:
    """Return the text, which may be empty; null where it is hidden, and in a stub dump."""
    if revision.deleted.text:
        return None
    return "" if revision.text is None and revision.bytes == 0 else revision.text


def _difference(size: int | None, before: int | None) -> int | None:
    return None if size is None or before is None else size - before


def _batch(rows: list[dict[str, Any]], facts: Facts) -> pa.RecordBatch:
    batch = pa.RecordBatch.from_pylist(rows, schema=EDITS)
    facts.note(
        pa.table({"user": batch["user"], "user_id": batch["user_id"].cast(pa.string())})
        .group_by("user")
        .aggregate([("user_id", "max")])
        .rename_columns(["user", "user_id"])
    )
    return batch
