"""What reads bytes that somebody else wrote: each reader, the errors it may raise, and seeds.

`tests/test_fuzz_bytes.py` tries each briefly, `benchmarks/fuzz.py` for as long as it is told to.
"""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tiny

from sockgraph.case import load_case
from sockgraph.concert.discussion_page import PROFILES, read_page
from sockgraph.errors import SockgraphError
from sockgraph.evaluation.labelled_pairs import read_clusters, read_labels, read_links
from sockgraph.reviews.answers import read_sealed
from sockgraph.reviews.answers_file import read_answers
from sockgraph.reviews.ledger import Ledger
from sockgraph.sources import DumpSource
from sockgraph.sources.history_dump import NEEDED, columns
from sockgraph.sources.mediawiki.revisions import parse_diff
from sockgraph.sources.table import TableSource
from sockgraph.store import Store
from sockgraph.store.raw_answers import SUFFIX, RawAnswers

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

CASE = (
    b'title = "t"\nreason = "r"\nwikis = ["test.wiki"]\n[source]\nkind = "table"\n'
    b'path = "edits.csv"\n[accounts]\nnominated = ["Heron", "Moth"]\nmin_edits = 2\n'
)
ENTRY = b'{"api":"a","params":{"x":"y"},"kind":"site","question":"q","subjects":["*"],'
ENTRY += b'"chain":"c","number":0,"following":null,"round":0,"rows":1,"answered":null,'
ENTRY += b'"fetched":"2024-01-01T00:00:00Z","warnings":[],"sha256":"","redacted":0}\n{"query":{}}'
XML = b"""<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">
<siteinfo><sitename>t</sitename><namespaces><namespace key="0" case="first-letter"/></namespaces>
</siteinfo><page><title>River</title><ns>0</ns><id>1</id><revision><id>5</id><parentid>4</parentid>
<timestamp>2024-01-01T00:00:00Z</timestamp><contributor><username>Heron</username><id>7</id>
</contributor><minor/><comment>ce</comment><text bytes="4" id="9"/><sha1>abc</sha1></revision>
</page></mediawiki>"""
LINKS = b"user_a,user_b,score,log10_lr,flagged\nHeron,Moth,1.5,1.2,true\nHeron,Wren,,,false\n"
LABELS = b"user,person\nHeron,1\nMoth,\n"
DIFF = b'<tr><td class="diff-deletedline"><div>a <del>b</del></div></td>'
DIFF += b'<td class="diff-addedline"><div>a <ins>c</ins></div></td></tr>'


@dataclass(frozen=True)
class Target:
    """A reader of bytes.

    Attributes
    ----------
    read
        Given bytes and an empty folder; raises `SockgraphError` or nothing.
    seeds
        Inputs that it takes.
    """

    read: Callable[[bytes, Path], object]
    seeds: tuple[bytes, ...]

    def __call__(self, data: bytes) -> None:
        """Read; anything raised but a `SockgraphError` is a fault."""
        folder = Path(tempfile.mkdtemp(prefix="sockgraph-fuzz-", dir=_memory()))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the parsers, on dates that are none
                self.read(data, folder)
        except SockgraphError as error:
            str(error).encode()  # it can be printed
        finally:
            shutil.rmtree(folder)


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - many small files


def _case(data: bytes, folder: Path) -> object:
    return load_case(write(folder / "river.toml", data))


def _table(data: bytes, folder: Path, name: str = "edits.csv") -> object:
    write(folder / name, data)
    text = CASE.replace(b"edits.csv", name.encode())
    source = TableSource(load_case(write(folder / "river.toml", text)))
    found = source.everyone()
    return source.read(found), source.neighbours(source.read(found[:1]).edits)


def _dump(data: bytes, folder: Path, kind: str, name: str) -> object:
    write(folder / name, data)
    text = CASE.replace(b'"table"', f'"{kind}"'.encode()).replace(b"edits.csv", name.encode())
    source = DumpSource(load_case(write(folder / "river.toml", text)), folder / "raw")
    return source.read(source.everyone())


def _raw(data: bytes, folder: Path) -> object:
    return _answers(write(folder / f"key{SUFFIX}", data).parent)


def _packed(data: bytes, folder: Path) -> object:
    return _raw(gzip.compress(data, 1), folder)


def _answers(folder: Path) -> object:
    raw = RawAnswers(folder)
    return [raw.body(entry) for entry in raw.entries()], raw.chains("q"), raw.read_on()


def _ledger(data: bytes, folder: Path) -> object:
    ledger = Ledger(write(folder / "ledger.jsonl", data))
    return ledger.entries(), ledger.torn(), ledger.head()


def _manifest(data: bytes, folder: Path) -> object:
    write(folder / "processed" / "river" / "manifest.json", data)
    return Store(folder).case("river", "an-id").read_manifest()


def write(path: Path, data: bytes) -> Path:
    """Write a file; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _ledger_seed() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.jsonl")
        ledger.append("asserted", author="Ann", user_a="Heron", user_b="Moth", action="lock")
        ledger.append("read", author="Bea", user_a="Heron", user_b="Moth")
        return ledger.path.read_bytes()


def history_rows(edits: pd.DataFrame) -> bytes:
    """Write edits as lines of a MediaWiki history dump."""
    layout = columns(70) or ()
    fixed = {
        "event_entity": "revision",
        "event_type": "create",
        "event_user_is_anonymous": "false",
        "page_namespace": "0",
        "revision_minor_edit": "true",
        "revision_text_bytes_diff": "-5",
        "revision_is_deleted_by_page_deletion": "false",
    }
    lines = []
    for row in edits.itertuples():
        own = {
            "event_timestamp": f"{row.timestamp:%Y-%m-%d %H:%M:%S}.0",
            "event_user_id": str(sum(row.user.encode())),
            "event_user_text": row.user,
            "page_id": str(sum(row.title.encode())),
            "page_title": row.title,
            "revision_id": str(row.Index + 1),
        }
        assert {*own, *fixed} <= set(NEEDED)
        lines.append("\t".join({**fixed, **own}.get(name, "") for name in layout))
    return ("\n".join(lines) + "\n").encode()


def _history_seed() -> bytes:
    return history_rows(tiny.edits(("Heron", "Moth"), others=0, each=2))


def _csv_seed() -> bytes:
    rows = ["timestamp,user,title,comment,page_id,ns,minor"]
    rows += [
        f"2024-01-01T0{i}:00:00Z,{'Heron' if i % 2 else 'Moth'},River,ce,,0,false" for i in range(6)
    ]
    return "\n".join(rows).encode()


def _kept_seed() -> bytes:
    answers = {"finding": {"answer": {"finding": "upheld"}, "salt": "0" * 64}}
    return json.dumps([{"pair": ["A", "B"], "reviewer": "Ann", "answers": answers}]).encode()


VOTES = """== Support (1) ==
# '''Support''' <s>x</s> [[User:A|A]] 12:00, 1 May 2021 (UTC)
* {{反对}}，见上。--[[User:青|青]] 2021年9月13日 (一) 12:34 (UTC)
<!-- <nowiki> -->
"""
TARGETS = {
    "case": Target(_case, (CASE, CASE + b'[[earlier]]\na="A"\nb="B"\nby="c"\ndate=2024-01-01\n')),
    "csv": Target(_table, (_csv_seed(),)),
    "history": Target(lambda d, f: _dump(d, f, "history", "dump.tsv"), (_history_seed(),)),
    "history-bz2": Target(lambda d, f: _dump(d, f, "history", "dump.bz2"), (b"BZh9",)),
    "xml": Target(lambda d, f: _dump(d, f, "xml", "dump.xml"), (XML,)),
    "xml-gz": Target(lambda d, f: _dump(d, f, "xml", "dump.gz"), (gzip.compress(XML, mtime=0),)),
    "raw": Target(_raw, (gzip.compress(ENTRY, mtime=0),)),
    "raw-content": Target(_packed, (ENTRY,)),
    "ledger": Target(_ledger, (_ledger_seed(),)),
    "manifest": Target(_manifest, (b'{"case": {"id": "x"}, "files": {}}',)),
    "kept": Target(lambda d, f: read_sealed(write(f / "kept.json", d)), (_kept_seed(),)),
    "answers": Target(lambda d, f: read_answers(write(f / "answers.json", d)), (b"{}",)),
    "links": Target(lambda d, f: read_links(write(f / "links.csv", d)), (LINKS,)),
    "labels": Target(
        lambda d, f: read_labels(write(f / "labels.csv", d)), (b"user,person\nA,1\n",)
    ),
    "clusters": Target(
        lambda d, f: read_clusters(write(f / "clusters.csv", d)), (b"user,cluster_id\nA,1\n",)
    ),
    "votes": Target(
        lambda d, _: [read_page(d.decode(errors="replace"), p) for p in PROFILES.values()],
        (VOTES.encode(),),
    ),
    "diff": Target(lambda d, _: parse_diff(d.decode(errors="replace")), (DIFF,)),
}
