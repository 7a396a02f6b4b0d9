"""Wikimedia's MediaWiki history dumps: tab-separated events, read as a stream, only needed columns.

The files have no header. Their columns are known by number: 70 until 2024, 76 and 78 since, as
https://wikitech.wikimedia.org/wiki/Data_Platform/Data_Lake/Edits/MediaWiki_history_dumps describes.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from sockgraph.errors import SourceError
from sockgraph.names import TEMPORARY_NAME
from sockgraph.schema import TABLES
from sockgraph.sources.cleaning import prefixed
from sockgraph.store.files import DecompressedFile, read_ahead

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sockgraph.sources.dump import DumpAccounts

BLOCK = 1 << 22  # bytes parsed at a time; memory stays at a few times this
EDITS = TABLES["edits"].arrow()
BROKEN = "rows that are not whole or not readable, skipped"
_TIME = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]) ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
)
_NUMBERS = {  # what each must lie within, where it is given
    "revision_id": (1, 1 << 62), "event_user_id": (0, 1 << 62), "page_id": (0, 1 << 62),
    "event_user_revision_count": (0, 1 << 62), "revision_parent_id": (0, 1 << 62),
    "page_namespace": (-(1 << 15), (1 << 15) - 1),
    "revision_text_bytes_diff": (-(1 << 31), (1 << 31) - 1),
}  # fmt: skip


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# '+' since the layout of 76 columns, '-' in that of 78, and only of whoever acts
_PERSON = _words("""
    id +central_id text_historical text blocks_historical blocks groups_historical groups
    is_bot_by_historical is_bot_by is_created_by_self is_created_by_system is_created_by_peer
    is_anonymous +is_temporary +is_permanent -is_cross_wiki registration_timestamp
    creation_timestamp first_edit_timestamp
""")
_PAGE = _words("""
    page_id page_title_historical page_title page_namespace_historical
    page_namespace_is_content_historical page_namespace page_namespace_is_content
    page_is_redirect page_is_deleted page_creation_timestamp page_first_edit_timestamp
    page_revision_count page_seconds_since_previous_revision
""")
_REVISION = _words("""
    id parent_id minor_edit deleted_parts deleted_parts_are_suppressed text_bytes
    text_bytes_diff text_sha1 content_model content_format is_deleted_by_page_deletion
    deleted_by_page_deletion_timestamp is_identity_reverted
    first_identity_reverting_revision_id seconds_to_identity_revert is_identity_revert
    is_from_before_page_creation tags
""")
NEEDED = _words("""
    wiki_db event_entity event_type event_timestamp event_comment event_user_id event_user_text
    event_user_groups event_user_is_bot_by event_user_is_anonymous event_user_is_temporary
    event_user_registration_timestamp event_user_revision_count page_id page_title page_namespace
    revision_id revision_parent_id revision_minor_edit revision_deleted_parts
    revision_deleted_parts_are_suppressed revision_text_bytes_diff revision_text_sha1
    revision_is_deleted_by_page_deletion revision_tags
""")


def columns(number: int) -> list[str] | None:
    """Return the names of a file's columns by their number; null for a layout not known."""
    if number not in {70, 76, 78}:
        return None
    keep = {70: "", 76: "+", 78: "+-"}[number]

    def person(role: str) -> list[str]:
        named = [p for p in _PERSON if p[0] not in "+-" or p[0] in keep]
        if role == "user":
            named = [p for p in named if p[0] != "-"]
        return [f"{role}_{p.lstrip('+-')}" for p in named]

    event = ["event_entity", "event_type", "event_timestamp", "event_comment"]
    start = ["wiki_db", *(["event_log_id"] if "-" in keep else []), *event]
    counts = ["event_user_revision_count", "event_user_seconds_since_previous_revision"]
    revision = [f"revision_{name}" for name in _REVISION]
    return [*start, *person("event_user"), *counts, *_PAGE, *person("user"), *revision]


def read_history(
    path: Path, wiki: str, *, counts: Counter[str], facts: DumpAccounts
) -> Iterator[pa.RecordBatch]:
    """Yield the edits of registered accounts in one file, block by block.

    Parameters
    ----------
    counts
        Told of every row that is left out, and why.
    facts
        Told of every account.

    Raises
    ------
    SourceError
        If the file is none of these dumps.
    """
    layout = _layout(path)

    def skip(_: Any) -> str:
        counts.update({"rows": 1, BROKEN: 1})
        return "skip"

    with DecompressedFile(path, lines=True) as file:
        for batch in read_ahead(_batches(file, layout, skip)):
            counts["rows"] += batch.num_rows
            kept = _readable(_people_edits(batch, counts), counts)
            named = pc.fill_null(kept["wiki_db"], wiki)
            facts.note(_account_rows(kept, named))
            yield _edits(kept, named)
        if file.mended:
            counts["stretches that are no UTF-8, replaced"] += file.mended
        if file.broken:
            raise EOFError(file.broken)


def _batches(
    file: DecompressedFile, layout: list[str], skip: Callable[[Any], str]
) -> Iterator[pa.RecordBatch]:
    reader: Iterator[pa.RecordBatch] = csv.open_csv(
        pa.PythonFile(file, mode="r"),
        read_options=csv.ReadOptions(column_names=layout, block_size=BLOCK),
        parse_options=csv.ParseOptions(delimiter="\t", quote_char=False, invalid_row_handler=skip),
        convert_options=csv.ConvertOptions(
            include_columns=[name for name in NEEDED if name in layout],
            column_types=dict.fromkeys(layout, pa.string()),
            strings_can_be_null=True,
            null_values=[""],
        ),
    )
    return reader


def _layout(path: Path) -> list[str]:
    with DecompressedFile(path, lines=True) as file:
        first = io.BufferedReader(file).readline()
        if not first:
            why = file.broken or "it is empty"
            raise SourceError(path, f"it cannot be read ({why}).", "Download it again.")
    number = first.count(b"\t") + 1
    layout = columns(number)
    if layout is None:
        raise SourceError(
            path,
            f"it has {number} columns; a MediaWiki history dump has 70, 76 or 78.",
            "Give a file of that dump, or its folder; for XML dumps the kind is xml.",
        )
    return layout


def _people_edits(batch: pa.RecordBatch, counts: Counter[str]) -> pa.RecordBatch:
    """Keep what registered people saved and everybody can see; count the rest."""
    edits = batch.filter(
        pc.and_(
            pc.equal(batch["event_entity"], "revision"), pc.equal(batch["event_type"], "create")
        )
    )
    counts["events that are no edits"] += batch.num_rows - edits.num_rows
    tests = {
        "edits of deleted pages": pc.equal(edits["revision_is_deleted_by_page_deletion"], "true"),
        "edits of unregistered editors": pc.equal(edits["event_user_is_anonymous"], "true"),
        "edits of temporary accounts whose name does not say so": _unpatterned(edits),
        "edits whose author is hidden": pc.is_null(edits["event_user_text"]),
    }
    out = pa.array([False] * edits.num_rows) if edits.num_rows else pa.array([], pa.bool_())
    for why, test in tests.items():
        here = pc.and_not(pc.fill_null(test, fill_value=False), out)
        counts[why] += pc.sum(here).as_py() or 0
        out = pc.or_(out, here)
    return edits.filter(pc.invert(out))


def _readable(edits: pa.RecordBatch, counts: Counter[str]) -> pa.RecordBatch:
    """Leave out rows with a number or time that none is: a cell costs its row, and no other."""
    right = pa.array([True] * edits.num_rows, pa.bool_())
    for name, (least, most) in _NUMBERS.items():
        values = edits[name]
        whole = pc.fill_null(pc.match_substring_regex(values, r"^-?[0-9]{1,18}$"), fill_value=False)
        number = pc.cast(pc.if_else(whole, values, pa.scalar(None, pa.string())), pa.int64())
        within = pc.and_(pc.greater_equal(number, least), pc.less_equal(number, most))
        within = pc.fill_null(within, fill_value=False)
        right = pc.and_(
            right, within if name == "revision_id" else pc.or_(within, pc.is_null(values))
        )
    stamp = pc.match_substring_regex(edits["event_timestamp"], _TIME)
    right = pc.and_(right, pc.fill_null(stamp, fill_value=False))
    counts[BROKEN] += edits.num_rows - (pc.sum(right).as_py() or 0)
    return edits.filter(right)


def _unpatterned(edits: pa.RecordBatch) -> pa.Array:
    """Tell who the dump calls temporary though the name does not: by names they are told later."""
    named = pc.match_substring_regex(edits["event_user_text"], f"^(?:{TEMPORARY_NAME})$")
    if "event_user_is_temporary" not in edits.schema.names:
        return pa.array([False] * edits.num_rows, pa.bool_())
    return pc.and_not(pc.equal(edits["event_user_is_temporary"], "true"), named)


def _account_rows(edits: pa.RecordBatch, wikis: pa.Array) -> pa.Table:
    """Return each account's newest row in the block: dumps are ordered by time."""
    table = pa.table(
        {
            "wiki": wikis,
            "user": edits["event_user_text"],
            "user_id": edits["event_user_id"],
            "registered": edits["event_user_registration_timestamp"],
            "groups": edits["event_user_groups"],
            "bot": edits["event_user_is_bot_by"],
            "edit_count": pc.cast(edits["event_user_revision_count"], pa.int64()),
        }
    )
    rest = [(name, "max") for name in ("user_id", "registered", "groups", "bot", "edit_count")]
    grouped = table.group_by(["wiki", "user"]).aggregate(rest)
    return grouped.rename_columns([n.removesuffix("_max") for n in grouped.column_names])


def _edits(rows: pa.RecordBatch, wikis: pa.Array) -> pa.RecordBatch:
    hidden = pc.fill_null(rows["revision_deleted_parts"], "")
    suppressed = pc.equal(rows["revision_deleted_parts_are_suppressed"], "true")
    hidden = pc.if_else(
        pc.fill_null(suppressed, fill_value=False),
        pc.binary_join_element_wise(hidden, "suppressed", ","),
        hidden,
    )
    found: dict[str, Any] = {
        "wiki": wikis,
        "rev_id": pc.cast(rows["revision_id"], pa.int64()),
        "user": rows["event_user_text"],
        "user_id": pc.cast(rows["event_user_id"], pa.int64()),
        "title": _titles(rows),
        "page_id": pc.cast(rows["page_id"], pa.int64()),
        "ns": pc.cast(rows["page_namespace"], pa.int16()),
        "timestamp": _times(rows["event_timestamp"]),
        "comment": _comments(rows, hidden),
        "minor": pc.equal(rows["revision_minor_edit"], "true"),
        "size_diff": pc.cast(rows["revision_text_bytes_diff"], pa.int32()),
        "parent_id": pc.cast(rows["revision_parent_id"], pa.int64()),
        "tags": _split(pc.fill_null(rows["revision_tags"], "")),
        "sha1": rows["revision_text_sha1"],
        "hidden": _split(hidden),
        "text": pa.nulls(rows.num_rows, pa.string()),
    }
    return pa.record_batch([found[name] for name in EDITS.names], schema=EDITS)


def _titles(rows: pa.RecordBatch) -> pa.Array:
    """Return whole titles: the dump's are without their namespace."""
    named = pc.replace_substring(rows["page_title"], "_", " ")
    numbers = pc.fill_null(rows["page_namespace"], "0").dictionary_encode()
    prefixes = [prefixed("", int(number)) for number in numbers.dictionary.to_pylist()]
    before = pa.DictionaryArray.from_arrays(
        numbers.indices, pa.array(prefixes, pa.string())
    ).dictionary_decode()
    return pc.binary_join_element_wise(before, named, "")


def _times(values: pa.Array) -> pa.Array:
    whole = pc.utf8_slice_codeunits(values, 0, 19)
    parsed = pc.strptime(whole, format="%Y-%m-%d %H:%M:%S", unit="us")
    return pc.assume_timezone(parsed, "UTC")


def _comments(rows: pa.RecordBatch, hidden: pa.Array) -> pa.Array:
    """Undo the dump's escapes; an empty summary is empty, a hidden one is null."""
    said = pc.fill_null(rows["event_comment"], "")
    for escape, character in (("\\t", "\t"), ("\\n", "\n"), ("\\r", "\r")):
        said = pc.replace_substring(said, escape, character)
    nothing = pa.scalar(None, pa.string())
    return pc.if_else(pc.match_substring(hidden, "comment"), nothing, said)


def _split(values: pa.Array) -> pa.Array:
    """Split at commas; nothing gives an empty list."""
    parts = pc.split_pattern(values, ",")
    lists = parts.cast(pa.list_(pa.string()))
    empty = pa.scalar([], pa.list_(pa.string()))
    return pc.if_else(pc.equal(values, ""), empty, lists)
