"""Edits from dumps: read once as a stream, into a table under data/raw/, then used as any table."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from sockgraph.errors import SourceError
from sockgraph.names import normal_name, says_bot
from sockgraph.runtime import Progress, silent
from sockgraph.schema import TABLES, validate
from sockgraph.sources import history_dump as history
from sockgraph.sources import xml_dump as xmldump
from sockgraph.sources.base import pick_discussions
from sockgraph.sources.cleaning import of_case
from sockgraph.sources.table import TableSource
from sockgraph.store.files import whole_file, write_bytes
from sockgraph.store.raw_answers import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pandas as pd

    from sockgraph.case import Case
    from sockgraph.sources.base import Discussion

    Reader = Callable[..., Iterator[pa.RecordBatch]]

READERS: dict[str, tuple[Reader, tuple[str, ...]]] = {
    "history": (history.read_history, (".tsv", ".bz2", ".gz")),
    "xml": (xmldump.read_xml, xmldump.ENDINGS),
}
STORY = "import.json"
IMPORTER = 4  # another number where the same dump gives another table
TOLERATED = 1000  # of so many rows, one may be broken; one may be in any dump
TALK = ("discussion_edits", "texts")


@dataclass
class DumpAccounts:
    """What a dump says of accounts, gathered while it streams by; one small row an account."""

    rows: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def note(self, table: pa.Table) -> None:
        """Take note of accounts: `wiki`, `user` and whatever else is known, newest last."""
        for row in table.to_pylist():
            known = self.rows.setdefault((row["wiki"], row["user"]), {})
            known.update({k: v for k, v in row.items() if v is not None})

    def table(self) -> pa.Table:
        """Return `accounts`, in the contract's columns; bots are told by their group."""
        rows = [
            {
                "wiki": wiki,
                "user": user,
                "user_id": _number(fact.get("user_id")),
                "registered": _microseconds(fact.get("registered")),
                "edit_count": fact.get("edit_count"),
                "groups": _groups(user, fact),
                "blocked_at": None,
                "role": "nominated",
            }
            for (wiki, user), fact in sorted(self.rows.items())
        ]
        return pa.Table.from_pylist(rows, schema=TABLES["accounts"].arrow())


class DumpSource(TableSource):
    """A case's dump: `kind = "history"` or `"xml"`; `path` is a file, or a folder of them.

    Parameters
    ----------
    folder
        The case's folder under data/raw/: the table made of the dump lies there, and is made again
        only when the dump changes.

    Raises
    ------
    SourceError
        If there is no such file, or none of its kind, or if one is not whole and the case does not
        accept that: then it is read as far as it is whole, and the provenance says what is missing.
    """

    def __init__(self, case: Case, folder: Path, *, progress: Progress = silent) -> None:
        self._story = import_dump(case, folder, progress=progress)
        place = folder.absolute() / self._story["key"]
        source = case.source.model_copy(
            update={
                "kind": "table",
                "path": place / "edits.parquet",
                "accounts": place / "accounts.parquet",
            }
        )
        self._place = place
        super().__init__(case.model_copy(update={"source": source}), of_dump=True)
        self._whole = not missing(self._story)

    def discussions(self, pages: Sequence[str]) -> Discussion:
        """Return every revision of these pages with its text, from a dump that holds texts.

        Raises
        ------
        SourceError
            If the dump holds no texts.
        """
        if self._story["kind"] == "xml":
            edits, texts = (
                validate(name, of_case(self._table(name), self._place, self._case.wiki))
                for name in TALK
            )
            if edits.empty or texts["text"].notna().any():
                return pick_discussions(edits, texts, pages)
        raise SourceError(
            "[discussions]",
            f"this dump ({', '.join(self._story['files'])}) holds no texts.",
            "Give a pages-meta-history dump (kind xml), or remove [discussions].",
        )

    def _table(self, name: str) -> pd.DataFrame:
        frame: pd.DataFrame = pq.read_table(self._place / f"{name}.parquet").to_pandas()
        return frame

    def provenance(self) -> dict[str, Any]:
        """Return the dump's files and hashes, and what of them was not read."""
        told = super().provenance()
        counts = {**self._story["counts"], **told["counts"]}
        story = {k: v for k, v in self._story.items() if k != "key"}
        return {
            **told, **story, "counts": counts, "notices": [*missing(story), *told["notices"]],
        }  # fmt: skip


def import_dump(case: Case, folder: Path, *, progress: Progress = silent) -> dict[str, Any]:
    """Read a dump into `edits.parquet` and `accounts.parquet`, with constant memory.

    Returns
    -------
    dict
        `key` (the folder's name), `kind`, `files` (names and hashes), `counts` (rows, and rows left
        out by reason), `broken` (files that end too early, and how).

    Raises
    ------
    SourceError
        If something of the dump is missing, and the case does not accept that.
    """
    story = _imported(case, folder, progress=progress)
    too_many = skipped(story) > max(1, story["counts"].get("rows", 0) // TOLERATED)
    if (story["broken"] or too_many or _current_only(story)) and not case.source.accept_broken:
        raise SourceError(
            case.source.path or "source.path",
            f"{' '.join(missing(story))} A dump that is not whole is not used as if it were.",
            "Get it whole; or accept it as it is with --accept-broken (source.accept_broken = true"
            " in the case file): every page then says what is missing.",
        )
    return story


def skipped(story: dict[str, Any]) -> int:
    """Return how many rows or elements of a dump could not be read."""
    return sum(story["counts"].get(why, 0) for why in (history.BROKEN, xmldump.BROKEN))


def _current_only(story: dict[str, Any]) -> bool:
    """Tell whether a dump holds pages as they stand: most revisions follow one that it lacks."""
    counts = story["counts"]
    return bool(counts.get(xmldump.ORPHANS, 0) * 2 > counts.get("rows", 0))


def missing(story: dict[str, Any]) -> list[str]:
    """Say what of a dump was not read, or was never in it."""
    n, rows = skipped(story), story["counts"].get("rows", 0)
    lost = [f"{n:,} of {rows:,} rows of the dump cannot be read, and are skipped."] if n else []
    if _current_only(story):
        n = story["counts"][xmldump.ORPHANS]
        lost.append(f"Of {n:,} of {rows:,} revisions the earlier one is not in it: no histories.")
    return [f"{name}: {how}" for name, how in sorted(story["broken"].items())] + lost


def _imported(case: Case, folder: Path, *, progress: Progress) -> dict[str, Any]:
    reader, endings = READERS[case.source.kind]
    files = _files(case, endings)
    talk = xmldump.DiscussionRevisions(frozenset(map(normal_name, _listed(case))))
    identity = [IMPORTER, *(_identity(path) for path in files), *sorted(talk.titles)]
    identity += [] if case.source.reads == "none" else [case.source.reads]
    key = f"{case.source.kind}-{digest(identity)[:16]}"
    more: dict[str, Any] = {}
    if case.source.kind == "xml":
        more = {"talk": talk, "texts": case.source.reads}
    with contextlib.suppress(FileNotFoundError):
        story: dict[str, Any] = json.loads((folder / key / STORY).read_text(encoding="utf-8"))
        return story
    counts: Counter[str] = Counter()
    facts, broken = DumpAccounts(), dict[str, str]()
    with (
        whole_file(folder / key / "edits.parquet") as draft,
        pq.ParquetWriter(draft, TABLES["edits"].arrow(), compression="zstd") as writer,
    ):
        for path in files:
            batches = reader(path, case.wiki, counts=counts, facts=facts, **more)
            for batch in _until_it_breaks(path, batches, broken):
                writer.write_batch(batch)
                counts["edits"] += batch.num_rows
                progress(f"reading {path.name}", counts["rows"], None)
    with whole_file(folder / key / "accounts.parquet") as draft:
        pq.write_table(facts.table(), draft)
    for name, table in (talk.tables() if more else {}).items():
        with whole_file(folder / key / f"{name}.parquet") as draft:
            pq.write_table(table, draft)
    story = {
        "key": key,
        "kind": case.source.kind,
        "files": {path.name: _sha256(path) for path in files},
        "counts": dict(sorted(counts.items())),
        "broken": broken,
    }
    write_bytes(folder / key / STORY, (json.dumps(story, indent=1, sort_keys=True) + "\n").encode())
    return story


def _listed(case: Case) -> tuple[str, ...]:
    return case.discussions.pages if case.discussions else ()


def _until_it_breaks(
    path: Path, batches: Iterator[pa.RecordBatch], broken: dict[str, str]
) -> Iterator[pa.RecordBatch]:
    """Yield what is whole; where a file breaks off, say so in `broken`."""
    try:
        yield from batches
    except (EOFError, OSError, pa.ArrowException) as error:
        why = str(error) or type(error).__name__
        broken[path.name] = f"It breaks off ({why}); everything before was read."


def _files(case: Case, endings: tuple[str, ...]) -> list[Path]:
    if case.source.path is None:  # the case's own check refuses this earlier
        raise SourceError(case.slug, "source.path is missing.", "Add it to [source].")
    path = case.beside(case.source.path)
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    fitting = [file for file in files if file.suffix in endings and file.is_file()]
    if not fitting:
        raise SourceError(
            path,
            f"there is no file of the kind {case.source.kind} ({', '.join(endings)}).",
            "Check source.path: a file, or a folder of files.",
        )
    return fitting


def _identity(path: Path) -> list[Any]:
    """Tell a file from another without reading all of it: dumps are large."""
    stat = path.stat()
    return [path.name, stat.st_size, stat.st_mtime_ns]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _groups(user: str, fact: dict[str, Any]) -> list[str]:
    """Return the groups; who is a bot by name alone must say so in a way that no person's does."""
    groups = [group for group in (fact.get("groups") or "").split(",") if group]
    told = (fact.get("bot") or "").split(",")
    bot = "group" in told or ("name" in told and says_bot(user))
    return [*groups, "bot"] if bot and "bot" not in groups else groups


def _number(text: str | None) -> int | None:
    """Read an id; null where a damaged line holds something else."""
    whole = text is not None and len(text) < 19 and text.isascii() and text.isdigit()
    return int(text) if whole and text else None


def _microseconds(stamp: str | None) -> int | None:
    """Read a time; null where a damaged line holds something else."""
    try:
        when = dt.datetime.fromisoformat((stamp or "")[:19]).replace(tzinfo=dt.UTC)
    except ValueError:
        return None
    return int(when.timestamp()) * 1_000_000
