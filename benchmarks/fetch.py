"""What fetching costs: requests on the real wiki on loopback, and edits a second from dumps.

Run with `PYTHONPATH=tests .venv/bin/python benchmarks/fetch.py [ROWS]`; the wiki needs MediaWiki,
see tests/wiki/install.sh. Prints the tables of docs/requests.md.
"""

from __future__ import annotations

import bz2
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

from sockgraph.case import load_case
from sockgraph.reference import read_population
from sockgraph.schema import TABLES
from sockgraph.sources import MediaWikiSource
from sockgraph.sources.dump import DumpAccounts
from sockgraph.sources.history_dump import columns, read_history
from sockgraph.store.raw_answers import RawAnswers


def wiki(folder: Path) -> None:
    """Fetch 40 accounts and a reference of 30 from the test wiki: once, again, and refreshed."""
    from wiki import history, server

    names = [str(account["name"]) for account in history.build().accounts[:40]]
    with server.running() as served:
        path = folder / "bench.toml"
        path.write_text(served.case_text(*names, reference="[reference]\naccounts = 30\n"))
        case = load_case(path)
        for label, options in (("first", {}), ("again", {}), ("refresh", {"refresh": True})):
            started = time.perf_counter()
            source = MediaWikiSource(case, RawAnswers(folder / "raw"), **options)
            people = read_population(case, source)
            seconds = time.perf_counter() - started
            print(f"| {label} | {len(people.accounts)} | {len(people.edits)} | {seconds:.1f} | "
                  f"{dict(sorted(source.traffic()['requests'].items()))} |")  # fmt: skip


def write_history(path: Path, rows: int) -> None:
    """Write a history dump of invented rows in the layout of 76 columns."""
    layout = columns(76) or []
    given = {
        "wiki_db": "testwiki", "event_entity": "revision", "event_type": "create",
        "event_user_id": "7", "event_user_is_anonymous": "false", "page_id": "3",
        "event_user_is_temporary": "false", "page_namespace": "0", "revision_parent_id": "1",
        "event_user_registration_timestamp": "2020-01-01 00:00:00.0",
        "revision_minor_edit": "true", "revision_deleted_parts_are_suppressed": "false",
        "revision_text_bytes_diff": "-5", "revision_is_deleted_by_page_deletion": "false",
        "revision_text_sha1": "0123456789abcdefghijklmnopqrstu",
    }  # fmt: skip
    with path.open("w") as file:
        for number in range(1, rows + 1):
            own = {
                "event_timestamp": f"2023-05-01 10:{number // 60 % 60:02}:{number % 60:02}.0",
                "event_comment": f"a summary of some length, number {number}",
                "event_user_text": f"User {number % 5000}",
                "event_user_revision_count": str(number // 5000),
                "page_title": f"Page_{number % 20000}",
                "revision_id": str(number),
            }
            file.write("\t".join((given | own).get(name, "") for name in layout) + "\n")


def dump(path: Path, target: Path) -> None:
    """Read one dump into a Parquet file, in a process of its own, so that memory is its own."""
    started, counts, edits = time.perf_counter(), Counter[str](), 0
    with pq.ParquetWriter(target, TABLES["edits"].arrow(), compression="zstd") as writer:
        for batch in read_history(path, "testwiki", counts=counts, facts=DumpAccounts()):
            writer.write_batch(batch)
            edits += batch.num_rows
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    busy, memory = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    print(f"| {path.suffix} | {edits:,} | {seconds:.1f} | {edits / seconds:,.0f} "
          f"| {busy:.1f} | {memory:.0f} |")  # fmt: skip


def main() -> None:
    """Run both, or, given two paths, one dump."""
    if len(sys.argv) == 3:
        dump(Path(sys.argv[1]), Path(sys.argv[2]))
        return
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 300_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print("| file | edits | seconds | edits/s | CPU seconds | MB |")
        for number in (rows, 4 * rows):
            plain = folder / "h.tsv"
            write_history(plain, number)
            packed = folder / "h.tsv.bz2"
            packed.write_bytes(bz2.compress(plain.read_bytes()))
            for path in (plain, packed):
                command = [sys.executable, __file__, str(path), str(folder / "o.parquet")]
                subprocess.run(command, check=True)
        print("| run | accounts | edits | seconds | requests |")
        wiki(folder)


if __name__ == "__main__":
    main()
