import json
import os
import time

import pyarrow.parquet as pq
import pytest
import typer
from screen_oracle import brute
from test_screen_local import crowd, table
from typer.testing import CliRunner

from sockgraph.cli import community as commands
from sockgraph.errors import ScreeningError
from sockgraph.pipeline.results import purge
from sockgraph.schema import validate
from sockgraph.screening.wiki import import_wiki
from sockgraph.store.retention import TOMBSTONE

CASE = """
id = "wiki-1"
title = "A whole wiki"
reason = "To see which pairs are worth asking about"
wikis = ["fernwick.example"]
[source]
kind = "{kind}"
{more}
[accounts]
nominated = ["*"]
"""


@pytest.fixture
def call(tmp_path):
    pq.write_table(table(crowd()), tmp_path / "edits.parquet")
    app = typer.Typer()
    commands.register(app)

    def _call(*words, kind="table", more='path = "edits.parquet"'):
        (tmp_path / "wiki.toml").write_text(CASE.format(kind=kind, more=more))
        return CliRunner().invoke(app, [str(word) for word in words])

    return _call


def test_screen_writes_the_candidates_of_a_case(call, tmp_path):
    result = call("screen", tmp_path / "wiki.toml", "--data", tmp_path / "data", "--top", 5)
    assert result.exit_code == 0, result.output
    path = tmp_path / "data" / "processed" / "wiki" / "candidates.parquet"
    frame = validate("candidates", pq.read_table(path).to_pandas())
    assert list(frame.itertuples(index=False, name=None)) == brute(crowd(), 5)
    assert path.stat().st_mode & 0o077 == 0
    assert "A candidate is a question, not a link." in " ".join(result.output.split())


def test_a_case_on_an_imported_wiki(call, tmp_path):
    pytest.importorskip("duckdb", reason="the screen extra is not installed")
    assert call("import-wiki", tmp_path / "edits.parquet", tmp_path / "wiki").exit_code == 0
    more = 'path = "wiki"\n'
    result = call("screen", tmp_path / "wiki.toml", "--data", tmp_path / "data", more=more)
    assert result.exit_code == 0, result.output
    path = tmp_path / "data" / "processed" / "wiki" / "candidates.parquet"
    rows = list(pq.read_table(path).to_pandas().itertuples(index=False, name=None))
    assert rows == brute(crowd(), 50)


def test_a_wiki_behind_an_api_is_not_screened(call, tmp_path):
    more = 'contact = "a@example.org"'
    result = call("screen", tmp_path / "wiki.toml", kind="mediawiki", more=more)
    assert isinstance(result.exception, ScreeningError)
    assert "import-wiki" in str(result.exception)


def test_help_teaches(call):
    text = " ".join(call("screen", "--help").output.split())
    assert "it flags nobody" in text
    assert "--engine" in text


def test_what_screening_leaves_ends_with_the_case(call, tmp_path):
    pytest.importorskip("duckdb", reason="the screen extra is not installed")
    data, more = tmp_path / "data", 'path = "edits.parquet"\n[retention]\ndays = 30\n'
    words = ("screen", tmp_path / "wiki.toml", "--data", data)
    assert call(*words, more=more).exit_code == 0
    folder = data / "processed" / "wiki"
    imported = data / "raw" / "wiki" / "wiki" / "edits.parquet"  # as `run` leaves it there
    import_wiki(tmp_path / "edits.parquet", imported.parent)
    for path in (folder / "candidates.parquet", *imported.parent.iterdir()):
        _age(path, days=29)
    assert call(*words, more=more).exit_code == 0
    assert not (folder / TOMBSTONE).exists()
    _age(imported, days=31)
    held = sum(path.is_file() for path in data.rglob("*"))
    result = call(*words, more=more)
    assert result.exit_code == 0, result.output
    assert "kept longer than 30 days, and removed" in " ".join(result.output.split())
    assert not imported.parent.exists()
    told = json.loads((folder / TOMBSTONE).read_text())
    assert told["retention_days"] == 30
    assert 4 <= held <= told["files"] <= held + 1  # with the lock that removing takes
    assert len(pq.read_table(folder / "candidates.parquet"))  # made anew
    removed = purge(tmp_path / "wiki.toml", data=data)
    assert removed.files >= 1
    assert [path.name for path in folder.rglob("*") if path.is_file()] == [TOMBSTONE]
    assert not (data / "raw" / "wiki").exists()


def _age(path, *, days):
    then = time.time() - days * 86_400
    os.utime(path, (then, then))
