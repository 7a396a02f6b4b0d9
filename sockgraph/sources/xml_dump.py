"""MediaWiki's XML dumps, stub or with texts, read as a stream, revision by revision.

The tags that part a dump are found in its bytes, and each revision is parsed by itself: texts are
escaped, so no tag stands in one. So a broken revision costs itself alone, several dumps in one file
are all read, and elements that nobody expected (uploads, threads, a server's notices) do no harm.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import html
import itertools
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from sockgraph.errors import SourceError
from sockgraph.names import ACCOUNT, PLACEHOLDER, UNREGISTERED, kind_of, normal_name
from sockgraph.schema import TABLES
from sockgraph.sources.added_text import LARGEST, added
from sockgraph.sources.cleaning import NAMESPACES
from sockgraph.store.files import DecompressedFile

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator
    from pathlib import Path

    from sockgraph.sources.dump import DumpAccounts

ROWS = 50_000
EDITS = TABLES["edits"].arrow()
ENDINGS = (".xml", ".gz", ".bz2", ".7z")
PIECE = 1 << 20  # bytes that are looked through at a time
LONGEST = 64 << 20  # bytes of one element: thirty times the longest text that a wiki saves
BROKEN = "broken elements, skipped"
ORPHANS = "revisions whose earlier one is not in the dump"
MENDED = "revisions with characters that XML forbids, replaced"
_CANONICAL = {name.casefold(): number for number, name in NAMESPACES.items()}
PARENTS_SINCE = (0, 7)  # of the schema: before, a revision does not say what it was made from

_TAG = re.compile(rb"<(/?)(mediawiki|siteinfo|page|revision|upload|logitem)\b[^<>]*>")
_VERSION = re.compile(rb'\bversion="([0-9.]+)"')
_HEAD = {name: re.compile(rf"<{name}>([^<]*)</{name}>".encode()) for name in ("title", "ns", "id")}
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|&#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}));"
)
_LONE_AND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[0-9a-fA-F]+);)")


@dataclass
class DiscussionRevisions:
    """Revisions of the pages that a case lists, gathered while a dump streams by.

    Attributes
    ----------
    titles
        The pages, as MediaWiki writes titles.
    edits, texts
        Rows of `discussion_edits` and `texts`.
    """

    titles: frozenset[str] = frozenset()
    edits: list[dict[str, Any]] = field(default_factory=list)
    texts: list[dict[str, Any]] = field(default_factory=list)

    def note(self, row: dict[str, Any], text: str | None) -> None:
        """Take note of a revision, if its page is listed."""
        if normal_name(row["title"]) in self.titles:
            registered = row["user"] is not None and row["kind"] == ACCOUNT
            hidden = [*row["hidden"], *(["user"] if row["user_hidden"] else [])]
            self.edits.append(
                {**row, "user": row["user"] if registered else None, "hidden": hidden}
            )
            self.texts.append({"wiki": row["wiki"], "rev_id": row["rev_id"], "text": text})

    def tables(self) -> dict[str, pa.Table]:
        """Return `discussion_edits` and `texts`."""
        rows = {"discussion_edits": self.edits, "texts": self.texts}
        return {
            name: pa.Table.from_pylist(found, schema=TABLES[name].arrow())
            for name, found in rows.items()
        }


class _Tag(NamedTuple):
    """A tag that parts a dump, and the bytes between the tag before and this one."""

    closing: bool
    name: bytes
    text: bytes
    before: bytes


def read_xml(
    path: Path,
    wiki: str,
    *,
    counts: Counter[str],
    facts: DumpAccounts,
    talk: DiscussionRevisions | None = None,
    texts: str = "none",
) -> Iterator[pa.RecordBatch]:
    """Yield the edits of registered accounts in one file.

    A dump does not say who is a bot, nor which temporary names are accounts of today; names in the
    temporary pattern are left out with the table's other rules.

    Parameters
    ----------
    wiki
        What the wiki is called where the dump does not name its database.
    counts
        Told of every revision that is left out or mended, and why.
    texts
        "posts" or "all": what each edit added, on talk pages or everywhere; "none".

    Raises
    ------
    SourceError
        If the file is no XML dump, or holds no edits.
    EOFError
        After all that is whole, if the file ends too early; it says how.
    """
    with DecompressedFile(path) as file:
        dump = _Dump(wiki, counts, talk or DiscussionRevisions(), texts)
        whole = dump.rows(_tags(file, path))
        while rows := list(itertools.islice(whole, ROWS)):
            yield _batch(rows, facts)
        if file.broken or dump.cut:
            raise EOFError(file.broken or dump.cut)
        if not dump.pages:
            raise SourceError(
                path, "it holds no pages.", "Give a dump of pages: stub- or pages-meta-history."
            )


def _tags(file: DecompressedFile, path: Path) -> Iterator[_Tag]:
    buffer, searched = bytearray(file.read(PIECE) or b""), 0
    if not re.search(rb"<(?:mediawiki|page)\b", buffer):
        why = f" ({file.broken})" if file.broken else ""
        raise SourceError(
            path,
            f"it is no MediaWiki XML dump{why}.",
            "Give a stub-meta-history or pages-meta-history file, .xml, .gz, .bz2 or .7z.",
        )
    while True:
        start = 0
        for found in _TAG.finditer(buffer, searched):
            closing, name = found.groups()
            yield _Tag(bool(closing), name, found.group(), bytes(buffer[start : found.start()]))
            start = found.end()
        del buffer[:start]
        searched = max(0, buffer.rfind(b"<"))  # a tag may begin there whose end is not read yet
        if len(buffer) > LONGEST:
            buffer.clear()
            yield _Tag(closing=True, name=b"", text=b"", before=b"")  # who knows what was in it
        piece = file.read(PIECE)
        if not piece:
            return
        buffer += piece


class _Dump:
    """Where in a dump its reader is: wiki, page, and what came before on the page.

    Attributes
    ----------
    pages
        Pages met.
    cut
        How the dump breaks off; empty while it is whole.
    """

    def __init__(
        self, wiki: str, counts: Counter[str], talk: DiscussionRevisions, texts: str = "none"
    ) -> None:
        self._default = self._wiki = wiki
        self._counts, self._talk, self._texts = counts, talk, texts
        self._before: tuple[int, str | None] = (0, "")  # the revision before, and its text
        self._held: set[bytes] = set()  # the hashes of every text that the page had
        self._namespaces: dict[str, int] = {}
        self._open, self._tells_parents = False, True
        self._page: dict[str, Any] | None = None
        self._sizes: dict[int, int | None] = {}
        self._previous: int | None = None
        self.pages = 0
        self.cut = ""

    def rows(self, tags: Iterator[_Tag]) -> Iterator[dict[str, Any]]:
        """Yield the edits of registered accounts, whole ones only."""
        before = b""  # the tag before, "/" first where it closes
        for tag in tags:
            if before == b"revision":
                if tag.closing and tag.name == b"revision":
                    yield from self._revision(tag.before)
                else:
                    self._lose()
            self._meet(tag, before)
            before = (b"/" if tag.closing or tag.text.endswith(b"/>") else b"") + tag.name
        if before == b"revision":
            self._lose()
        if before != b"/mediawiki":
            self.cut = self.cut or "it has no end"

    def _meet(self, tag: _Tag, before: bytes) -> None:
        """Take note of what a tag says of where we are."""
        if not tag.name:
            self.cut = (
                self.cut or f"no tag ends within {LONGEST >> 20} MiB, as in no dump of a wiki"
            )
        elif tag.name == b"mediawiki":
            if not tag.closing:
                self._begin(tag)
            self._open = not tag.closing
        elif tag.name == b"siteinfo" and tag.closing:
            self._site(tag.before)
        elif tag.name == b"page" and not tag.closing:
            self._page = None
            self.pages += 1
        elif before == b"page" and tag.name in {b"revision", b"upload"}:
            self._open_page(tag.before)
        if before in {b"/siteinfo", b"/page"} and tag.before.strip():
            self._counts["stretches that are no part of a dump, passed over"] += 1

    def _begin(self, tag: _Tag) -> None:
        """Begin a dump; there may be several in one file."""
        if self._open:
            self.cut = self.cut or "another dump begins before this one ends"
        version = _VERSION.search(tag.text)
        told = tuple(int(n) for n in version[1].split(b".")[:2] if n) if version else PARENTS_SINCE
        self._tells_parents = told >= PARENTS_SINCE  # 0.10 is newer than 0.7
        self._wiki, self._namespaces = self._default, {}

    def _site(self, text: bytes) -> None:
        site = _parsed(b"<siteinfo>" + text + b"</siteinfo>")
        if site is None:
            self._counts[BROKEN] += 1
            return
        self._wiki = (site.findtext("dbname") or "").strip() or self._default
        for one in site.iter("namespace"):
            if one.text and one.get("key", "").lstrip("-").isdigit():
                self._namespaces[normal_name(one.text).casefold()] = int(one.get("key", "0"))

    def _open_page(self, head: bytes) -> None:
        found = {name: pattern.search(head) for name, pattern in _HEAD.items()}
        told = {
            n: html.unescape(m.group(1).decode("utf-8", "replace")) for n, m in found.items() if m
        }
        self._sizes, self._previous, self._before, self._held = {}, None, (0, ""), set()
        if not told.get("title"):
            return
        number = told.get("id", "")
        namespace = told.get("ns", "")
        self._page = {
            "title": told["title"],
            "page_id": int(number) if number.isdigit() else None,
            "ns": int(namespace) if namespace.lstrip("-").isdigit() else self._ns(told["title"]),
        }

    def _ns(self, title: str) -> int:
        """Read the namespace off a title: dumps of before 2010 do not give its number."""
        prefix = normal_name(title.partition(":")[0]).casefold() if ":" in title else ""
        return self._namespaces.get(prefix, _CANONICAL.get(prefix, 0))

    def _revision(self, text: bytes) -> Iterator[dict[str, Any]]:
        row = self._row(text)
        if row is None:
            self._lose()
            return
        self._counts["rows"] += 1
        said = row.pop("text")
        self._talk.note(row, said)
        row["text"] = self._added(row, said)
        if row["user_hidden"]:
            self._counts["edits whose author is hidden"] += 1
        elif row["user"] is None:
            self._counts["edits whose author is unknown"] += 1
        elif row["kind"] == UNREGISTERED:
            self._counts["edits of unregistered editors"] += 1
        elif row["kind"] == PLACEHOLDER:
            self._counts["edits of no account (placeholders, imported names)"] += 1
        else:
            yield row

    def _added(self, row: dict[str, Any], text: str | None) -> str | None:
        """Return what a revision added to the one that it was made from, if that is asked for.

        One that brings back a text that the page had before adds nothing: others wrote it.
        """
        if self._texts == "none" or (self._texts == "posts" and row["ns"] % 2 == 0):
            return None
        known, before = self._before if row["parent_id"] else (0, "")
        self._before = row["rev_id"], text
        digest = hashlib.sha1((text or "").encode(), usedforsecurity=False).digest()
        if text and digest in self._held:
            self._counts["texts that bring back an earlier one"] += 1
            return None
        self._held.add(digest)
        if text is None or before is None or known != row["parent_id"]:
            self._counts["texts hidden, or not beside the one before"] += 1
            return None
        if len(text) > LARGEST:
            self._counts["texts of pages too large to read"] += 1
            return None
        return added(before, text)

    def _lose(self) -> None:
        self._counts.update({"rows": 1, BROKEN: 1})

    def _row(self, text: bytes) -> dict[str, Any] | None:
        """Return a revision as a row; null where it is broken, or its page has no name."""
        whole = b"<revision>" + text + b"</revision>"
        revision = _parsed(whole)
        if revision is None:
            revision = _parsed(_mended(whole))
            self._counts[MENDED] += revision is not None
        if revision is None or self._page is None:
            return None
        try:
            row = _facts_of(revision)
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        parent = row["parent_id"] if self._tells_parents else self._previous
        before = self._sizes.get(parent) if parent else 0
        if parent and parent not in self._sizes:
            self._counts[ORPHANS] += 1
        size = self._sizes[row["rev_id"]] = row.pop("bytes")
        self._previous = row["rev_id"]
        return {
            **row,
            **self._page,
            "wiki": self._wiki,
            "parent_id": parent or 0,
            "size_diff": None if size is None or before is None else size - before,
        }


def _facts_of(revision: ET.Element) -> dict[str, Any]:
    """Return what a revision says by itself; a missing number or time is an error."""
    number = int(revision.findtext("id") or "")
    at = dt.datetime.fromisoformat((revision.findtext("timestamp") or "").strip())
    if not 0 < number < 1 << 63:
        raise ValueError(number)
    who, text = _find(revision, "contributor"), _find(revision, "text")
    comment = _find(revision, "comment")
    parent = revision.findtext("parentid")
    hidden = [
        name
        for name, element in (("comment", comment), ("text", text))
        if element.get("deleted") is not None
    ]
    return {
        "rev_id": number,
        "timestamp": int(at.replace(tzinfo=at.tzinfo or dt.UTC).timestamp()) * 1_000_000,
        "parent_id": int(parent) if parent else None,
        "comment": None if "comment" in hidden else comment.text or "",
        "minor": revision.find("minor") is not None,
        "tags": None,
        "sha1": revision.findtext("sha1") or text.get("sha1") or None,
        "hidden": hidden,
        **_author(who),
        **_content(text, hidden="text" in hidden),
    }


def _author(who: ET.Element) -> dict[str, Any]:
    """Return whose a revision is: an account, an address, nobody known, or hidden."""
    name = who.findtext("username") or who.findtext("ip") or None
    given = who.findtext("id")
    number = int(given) if given and given.strip() else None
    kind = ACCOUNT if name is None else kind_of(name)
    if kind == ACCOUNT and number == 0:
        kind = PLACEHOLDER
    if who.find("ip") is not None:
        kind = UNREGISTERED
    return {
        "user": name, "user_id": number or None, "kind": kind,
        "user_hidden": who.get("deleted") is not None,
    }  # fmt: skip


def _content(text: ET.Element, *, hidden: bool) -> dict[str, Any]:
    """Return the text, which may be empty, and its size; null where hidden, and in a stub dump."""
    given = text.get("bytes")
    said = text.text or (
        "" if given == "0" or (given is None and "id" not in text.attrib) else None
    )
    size = int(given) if given else None if said is None else len(said.encode())
    return {"text": None if hidden else said, "bytes": None if hidden and not given else size}


def _find(revision: ET.Element, name: str) -> ET.Element:
    found = revision.find(name)
    return ET.Element(name, {"id": ""}) if found is None else found


def _parsed(text: bytes) -> ET.Element | None:
    try:
        return ET.fromstring(text)  # noqa: S314 - one element: no document type, so no entities
    except ET.ParseError:
        return None


def _mended(text: bytes) -> bytes:
    """Replace what XML forbids by U+FFFD, and let every other & be one."""
    whole = _FORBIDDEN.sub(_allowed, text.decode("utf-8", "replace"))
    return _LONE_AND.sub("&amp;", whole).encode()


def _allowed(found: re.Match[str]) -> str:
    """Keep references to characters that XML allows."""
    hexadecimal, decimal = found.groups()
    if hexadecimal is None and decimal is None:
        return "\ufffd"
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    allowed = (
        code in {9, 10, 13}
        or 32 <= code < 0xD800
        or 0xE000 <= code < 0xFFFE
        or (0x10000 <= code < 0x110000)
    )
    return found.group() if allowed else "\ufffd"


def _batch(rows: list[dict[str, Any]], facts: DumpAccounts) -> pa.RecordBatch:
    batch = pa.RecordBatch.from_pylist(rows, schema=EDITS)
    facts.note(
        pa.table(
            {
                "wiki": batch["wiki"],
                "user": batch["user"],
                "user_id": batch["user_id"].cast(pa.string()),
            }
        )
        .group_by(["wiki", "user"])
        .aggregate([("user_id", "max")])
        .rename_columns(["wiki", "user", "user_id"])
    )
    return batch
