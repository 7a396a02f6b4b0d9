"""Readers of bytes that somebody else wrote: an error of ours or none, whatever the bytes."""

from __future__ import annotations

import contextlib
import gzip
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from fuzzing import CASE, TARGETS, XML, write
from hypothesis import given
from hypothesis import strategies as st

from sockgraph.errors import SockgraphError
from sockgraph.sources import xml_dump
from sockgraph.sources.dump import DumpAccounts
from sockgraph.sources.xml_dump import read_xml

ENDLESS = b"A" * (66 << 20)
FUZZ = Path(__file__).parent.parent / "benchmarks" / "fuzz.py"
# what broke a reader once, and how it was noticed
FOUND = {
    "case": (
        b"a = " + b"[" * 3000,  # RecursionError
        b"a = " + b"9" * 5000,  # ValueError: more digits than Python reads
        b"\xef\xbb\xbf" + CASE,  # a byte order mark, as Windows' editors write it
        CASE.replace(b"edits.csv", b"a\\u0000b"),
    ),
    "csv": (
        b"timestamp,user,title\n2024-01-01T00:00:00Z,Heron,Lake\n",  # nobody else's edits
        b"timestamp,user,title,user\n2024-01-01T00:00:00Z,Heron,Lake,Moth\n",  # a column twice
    ),
    "history": (TARGETS["history"].seeds[0].replace(b"\t517\t", b"\tr\t"),),  # an id that is none
    "xml": TARGETS["xml"].seeds,  # nobody with min_edits: no account at all
    "manifest": (b'"text"', b'{"case": 1}', b"[" * 100_000),
}


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_what_was_found_once_are_read_or_refused(name):
    for data in (*TARGETS[name].seeds, *FOUND.get(name, ())):
        TARGETS[name](data)


@st.composite
def damaged(draw, seed):
    """Return a seed with a few stretches of it replaced, cut out or doubled."""
    data = seed
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 40)))
        put = draw(st.one_of(st.binary(max_size=6), st.sampled_from(TOKENS), st.just(data[:200])))
        data = data[:start] + put + data[end:]
    return data


@pytest.mark.parametrize(
    ("opening", "limit"), [(b"<!--", 64), (b'<minor x="', 4), (b"<comment>", 4), (b"<", 4)]
)
def test_a_little_gzip_that_holds_one_endless_tag_ends_soon(opening, limit, tmp_path, monkeypatch):
    """Expat before 2.6 takes the square of a tag's length: this one took minutes, one GiB hours."""
    monkeypatch.setattr(xml_dump, "LONGEST", limit << 20)
    folder = tmp_path / "raw"
    before = time.process_time()
    packed = gzip.compress(
        XML.replace(b"<minor", opening + ENDLESS[: (limit + 2) << 20], 1), compresslevel=1
    )
    with contextlib.suppress(SockgraphError):
        TARGETS["xml-gz"].read(packed, tmp_path)
    assert time.process_time() - before < 20
    story = next(folder.rglob("import.json")).read_text(encoding="utf-8")
    assert f"no tag ends within {limit} MiB" in story


def test_a_long_tag_is_read_in_pieces_of_a_megabyte(tmp_path):
    data = XML.replace(b"<minor", b"<!--" + ENDLESS[: 20 << 20] + b"--><minor")
    before = time.process_time()
    batches = list(
        read_xml(write(tmp_path / "d.xml", data), "w", counts=Counter(), facts=DumpAccounts())
    )
    assert sum(batch.num_rows for batch in batches) == 1
    assert time.process_time() - before < 5  # 16 s in pieces of 16 KiB


TOKENS = [b"", b"\0", b"\n", b'"', b"[", b"{", b"-1", b"9" * 25, b"null", b"1e999", b"\xff\xfe"]


@pytest.mark.parametrize("name", TARGETS)
def test_a_damaged_file_is_refused_in_our_words(name):
    @given(st.sampled_from(TARGETS[name].seeds).flatmap(damaged))
    def held(data):
        TARGETS[name](data)

    held()


@pytest.mark.whole
@pytest.mark.parametrize("name", ["case", "ledger"])
def test_a_few_seconds_of_coverage_guided_fuzzing(name, tmp_path):
    pytest.importorskip("atheris", reason="atheris has no wheel here: pip install atheris")
    run = subprocess.run(
        [sys.executable, FUZZ, name, "--seconds", "2", "--keep", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    tried = re.search(r"held +(\d+) inputs", run.stdout)
    assert tried, run.stdout
    assert int(tried[1]) > 100
