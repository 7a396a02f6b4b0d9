"""The whole job on a real MediaWiki, through the command line."""

import json
import os
import subprocess
import sys

import pandas as pd
import pytest

from sockgraph.pipeline import TABLES

pytestmark = pytest.mark.wiki


def sockgraph(*words):
    return subprocess.run(
        [sys.executable, "-m", "sockgraph", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"COLUMNS": "200"},
    )


@pytest.fixture(scope="module")
def ran(wiki, tmp_path_factory):
    """A run on the sample case: its case file, data folder and what was printed."""
    folder = tmp_path_factory.mktemp("run")
    case = folder / "sample.toml"
    case.write_text(wiki.case_text(), encoding="utf-8")
    first = sockgraph("run", case, "--data", folder / "data")
    assert first.returncode == 0, first.stderr
    return case, folder / "data", first.stderr


def test_a_run_writes_everything(ran):
    _, data, _ = ran
    files = {path.name for path in (data / "processed" / "sample").iterdir()}
    assert {f"{name}.parquet" for name in TABLES} <= files
    assert {"report.html", "graph.graphml", "manifest.json"} <= files
    manifest = json.loads((data / "processed" / "sample" / "manifest.json").read_text())
    assert manifest["run"]["traffic"]["requests"]
    assert "tests@example.org" not in json.dumps(manifest)


def test_every_pair_of_nominated_accounts_has_its_row(ran):
    _, data, _ = ran
    accounts = pd.read_parquet(data / "processed" / "sample" / "accounts.parquet")
    n = int((accounts["role"] == "nominated").sum())
    links = pd.read_parquet(data / "processed" / "sample" / "links.parquet")
    assert len(links) == n * (n - 1) // 2
    assert (accounts["role"] == "reference").any()


def test_a_second_run_asks_nothing_and_offline_gives_the_same_bytes(ran):
    case, data, _ = ran
    folder = data / "processed" / "sample"
    before = {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "manifest.json"}
    second = sockgraph("run", case, "--data", data)
    assert second.returncode == 0, second.stderr
    manifest = json.loads((folder / "manifest.json").read_text())
    assert not any(manifest["run"]["traffic"]["requests"].values())
    offline = sockgraph("run", case, "--data", data, "--offline")
    assert offline.returncode == 0, offline.stderr
    after = {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "manifest.json"}
    assert after == before


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('nominated = ["', 'nominated = ["Nobody of That Name", "', "Nobody of That Name"),
        ('nominated = ["', 'nominated = ["Tidy Bot", "', "a bot account cannot be nominated"),
        ('wikis = ["127.0.0.1', 'wikis = ["127.0.0.1:1", "x', "wikis"),
        ('contact = "tests@example.org"', "", "contact is missing"),
    ],
)
def test_each_fault_is_one_line(wiki, tmp_path, old, new, said):
    text = wiki.case_text()
    assert old in text
    case = tmp_path / "sample.toml"
    case.write_text(text.replace(old, new, 1), encoding="utf-8")
    done = sockgraph("run", case, "--data", tmp_path / "data")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "data" / "processed").exists()


def test_an_unreachable_host_is_named(wiki, tmp_path):
    case = tmp_path / "sample.toml"
    case.write_text(wiki.case_text().replace(wiki.host, "127.0.0.1:9"), encoding="utf-8")
    done = sockgraph("run", case, "--data", tmp_path / "data")
    assert done.returncode == 2
    assert "127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr
