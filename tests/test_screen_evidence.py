"""A first look at an account's candidates, by a calibration that is kept with the wiki."""

import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

pytest.importorskip("duckdb", reason="the screen extra is not installed")
pytest.importorskip("numba", reason="the screen extra is not installed")
from test_screen_run import PEOPLE
from test_screen_run import _edits as everybody

from sockgraph.cli import community as commands
from sockgraph.errors import ScreeningError, StoreError
from sockgraph.pipeline import stored_calibration
from sockgraph.pipeline.screen import weigh_candidates
from sockgraph.screening.wiki import import_wiki

CASE = """
title = "A whole wiki"
reason = "To see which pairs are worth asking about"
wikis = ["fernwick.example"]
[source]
kind = "table"
path = "wiki"
[accounts]
nominated = ["*"]
[reference]
accounts = {accounts}
seed = {seed}
"""
TOP = 12


def write_edits(folder, rows):
    rows = sorted(rows, key=lambda row: row[2])
    frame = pd.DataFrame(rows, columns=["user", "title", "timestamp"])
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], unit="s", utc=True)
    frame = frame.assign(comment="ce", minor=False, rev_id=range(1, len(frame) + 1))
    frame.to_parquet(folder / "edits.parquet")
    return import_wiki(folder / "edits.parquet", folder / "wiki")


def write_case(folder, name, *, accounts=45, seed=4):
    path = folder / f"{name}.toml"
    path.write_text(CASE.format(accounts=accounts, seed=seed))
    return path


def call(*words):
    app = typer.Typer()
    commands.register(app)
    return CliRunner().invoke(app, [str(word) for word in words])


def look(folder, name="one", account="Editor 00"):
    return weigh_candidates(folder / f"{name}.toml", account, top=TOP, data=folder / "data")


@pytest.fixture(scope="module")
def wiki(tmp_path_factory):
    """Two screened cases on one imported wiki, and what the first look at one of them said."""
    folder = tmp_path_factory.mktemp("first-look")
    write_edits(folder, everybody())
    for name in ("one", "two"):
        write_case(folder, name)
        done = call("screen", folder / f"{name}.toml", "--data", folder / "data", "--top", TOP)
        assert done.exit_code == 0, done.output
    return folder, look(folder)


def kept(folder):
    return sorted(path.name for path in (folder / "wiki").glob("calibration-*"))


def stored(folder):
    """Where what was learnt is kept, what it was made of, and itself."""
    path = folder / "wiki" / kept(folder)[0]
    with zipfile.ZipFile(path) as file:
        made_of = json.loads(file.read(stored_calibration.STATED))["made_of"]
    return path, made_of, stored_calibration._read(path, made_of)


def test_it_is_learnt_once_and_every_case_says_the_same_by_it(wiki):
    folder, first = wiki
    assert first.facts["reference"]["calibrated"] == "anew: none was kept yet"
    for name in ("one", "two"):
        again = look(folder, name)
        assert again.facts["reference"]["calibrated"] == f"kept in {kept(folder)[0]}"
        pd.testing.assert_frame_equal(again.links, first.links, check_exact=True)
        assert again.path.read_bytes() == first.path.read_bytes()
    assert len(kept(folder)) == 1
    assert (folder / "wiki" / kept(folder)[0]).stat().st_mode & 0o077 == 0


def test_every_candidate_stands_there_with_what_is_for_and_against(wiki):
    folder, first = wiki
    asked = pq.read_table(folder / "data" / "processed" / "one" / "candidates.parquet").to_pandas()
    asked = asked[(asked["user_a"] == "Editor 00") & (asked["rank"] <= TOP)]
    people = [user for user in asked["user_b"] if user != "Helper bot"]
    assert list(first.links["user_b"]) == people
    assert first.facts["bots left out of the candidates"] == len(asked) - len(people)
    told = first.links
    assert told["log10_lr"].between(told["bound_low"], told["bound_high"]).all()
    assert (told["log10_lr_low"] <= told["log10_lr_high"]).all()
    assert "flagged" not in first.links
    facts = look(folder).facts
    assert facts == json.loads((first.path.parent / "candidate_links.json").read_text())
    assert facts["reference"]["accounts"] == 45
    assert len(facts["reference"]["digest"]) == 64
    assert facts["in the reference themselves"]


def test_a_changed_edit_makes_it_stale(wiki, tmp_path):
    folder, before = wiki
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "wiki" / "edits.parquet"
    table = pq.read_table(path)
    column = pd.Series(table["comment"].to_pylist())
    column.iloc[0] = "rv"
    place = table.schema.get_field_index("comment")
    pq.write_table(table.set_column(place, "comment", [column.tolist()]), path)
    again = look(tmp_path)
    assert again.facts["reference"]["calibrated"] == f"anew: {stored_calibration.STALE}"
    assert again.facts["reference"]["digest"] != before.facts["reference"]["digest"]
    assert look(tmp_path).facts["reference"]["calibrated"].startswith("kept")
    write_edits(tmp_path, everybody())
    assert kept(tmp_path) == []


def test_a_copied_wiki_keeps_what_it_taught_and_a_changed_one_of_one_age_and_size_does_not(
    wiki, tmp_path
):
    folder, _ = wiki
    copied = tmp_path / "elsewhere"
    shutil.copytree(folder, copied)
    edits = copied / "wiki" / "edits.parquet"
    os.utime(edits, (1, 1))
    before = stored_calibration.footer_hash(edits)
    assert before == stored_calibration.footer_hash(folder / "wiki" / "edits.parquet")
    assert look(copied).facts["reference"]["calibrated"].startswith("kept")
    table = pq.read_table(edits)
    stamp, size = edits.stat().st_mtime_ns, edits.stat().st_size
    for shift in (0, 1):
        rev_id = pa.array([*table["rev_id"].to_pylist()[:-1], 10**9 + shift], pa.int64())
        place = table.schema.get_field_index("rev_id")
        pq.write_table(table.set_column(place, "rev_id", rev_id), edits)
        os.utime(edits, ns=(stamp, stamp))
        size, same = edits.stat().st_size, size == edits.stat().st_size
        before, told = stored_calibration.footer_hash(edits), before
        assert before != told
    assert same
    assert look(copied).facts["reference"]["calibrated"] == f"anew: {stored_calibration.STALE}"


def test_other_settings_are_kept_beside(wiki):
    folder, first = wiki
    write_case(folder, "other", seed=5)
    call("screen", folder / "other.toml", "--data", folder / "data", "--top", TOP)
    other = look(folder, "other")
    assert other.facts["reference"]["digest"] != first.facts["reference"]["digest"]
    assert len(kept(folder)) == 2
    assert look(folder).facts["reference"]["calibrated"].startswith("kept")
    name = look(folder, "other").facts["reference"]["calibrated"].removeprefix("kept in ")
    (folder / "wiki" / name).unlink()


@pytest.mark.parametrize("harm", ["cut short", "turned bits", "another zip", "empty"])
def test_a_damaged_one_is_learnt_again(wiki, harm, monkeypatch):
    folder, first = wiki
    path, _, sound = stored(folder)
    whole, middle = path.read_bytes(), path.stat().st_size // 2
    turned = bytes(255 - byte for byte in whole[middle : middle + 64])
    damaged = {
        "cut short": whole[:middle],
        "turned bits": whole[:middle] + turned + whole[middle + 64 :],
        "another zip": b"PK\x05\x06" + bytes(18),
        "empty": b"",
    }[harm]
    path.write_bytes(damaged)
    monkeypatch.setattr(stored_calibration, "_learn", lambda *_: sound)
    again = look(folder)
    assert again.facts["reference"]["calibrated"] == f"anew: {stored_calibration.DAMAGED}"
    pd.testing.assert_frame_equal(again.links, first.links, check_exact=True)
    assert look(folder).facts["reference"]["calibrated"].startswith("kept")


KILLED = """
import json, os, signal, sys
from pathlib import Path
from sockgraph.pipeline import stored_calibration as learnt
path, target, made_of = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
found = learnt._read(path, made_of)
learnt._parquet = lambda edits: os.kill(os.getpid(), signal.SIGKILL)
learnt._write(target, found, made_of)
"""


def test_killed_while_it_writes_it_leaves_none(wiki, tmp_path):
    path, made_of, found = stored(wiki[0])
    target = tmp_path / "calibration-x.zip"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, path, target, json.dumps(made_of)], check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert not target.exists()
    assert len(list(tmp_path.iterdir())) == 1  # a draft, swept by whoever writes next
    stored_calibration._write(target, found, made_of)
    assert [p.name for p in tmp_path.iterdir()] == [target.name]
    assert not isinstance(stored_calibration._read(target, made_of), str)


def test_where_it_cannot_be_kept_it_serves_once(wiki, monkeypatch):
    folder, first = wiki
    path, _, sound = stored(folder)

    def refuse(*_):
        raise StoreError(path, "it cannot be written.", "Choose another.")

    monkeypatch.setattr(stored_calibration, "_read", lambda *_: stored_calibration.STALE)
    monkeypatch.setattr(stored_calibration, "_learn", lambda *_: sound)
    monkeypatch.setattr(stored_calibration, "_write", refuse)
    again = look(folder)
    assert again.facts["reference"]["calibrated"].endswith("; it could not be kept")
    pd.testing.assert_frame_equal(again.links, first.links, check_exact=True)


def test_bots_are_nobodys(wiki):
    with pytest.raises(ScreeningError, match="habits are nobody's"):
        look(wiki[0], account="Helper bot")


def test_what_the_command_says(wiki):
    folder, _ = wiki
    words = ("screen", folder / "one.toml", "--data", folder / "data", "--top", TOP)
    done = call(*words, "--evidence", "editor 00")
    assert done.exit_code == 0, done.output
    told = " ".join(done.output.split())
    assert "it flags nobody" in told
    assert "45 accounts of the whole wiki" in told
    assert "calibration kept in calibration-" in told
    wrong = call(*words, "--evidence", "Nobody")
    assert isinstance(wrong.exception, ScreeningError)
    assert "no candidates" in str(wrong.exception)


def test_a_case_that_was_not_screened_is_told_to(tmp_path):
    write_edits(tmp_path, everybody())
    write_case(tmp_path, "one")
    with pytest.raises(ScreeningError, match="not screened yet"):
        look(tmp_path)


def test_a_wiki_too_small_to_calibrate_says_so(tmp_path):
    few = [row for row in everybody() if row[0] < "Editor 20"]
    write_edits(tmp_path, few)
    write_case(tmp_path, "one")
    call("screen", tmp_path / "one.toml", "--data", tmp_path / "data")
    with pytest.raises(ScreeningError, match="at least 30 are needed"):
        look(tmp_path)
    assert PEOPLE > 20
