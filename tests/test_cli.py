"""The command line against real files: every fault is one line and exit 2."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from terminal import process, sockgraph
from typer.main import get_command

from sockgraph.cli import COMMANDS as PLACES
from sockgraph.cli import app, main

CASE = """
title = "Edits to one river"
reason = "Three articles were returned to one wording"
wikis = ["fernwick.example"]
[source]
kind = "table"
path = "edits.parquet"
[accounts]
nominated = ["Heron", "Moth"]
"""
COMMANDS = sorted(get_command(app).commands)


@pytest.fixture
def case(tmp_path):
    start = pd.Timestamp("2024-01-01", tz="UTC")
    edits = pd.DataFrame(
        {
            "timestamp": [start + pd.Timedelta(hours=7 * i) for i in range(60)],
            "user": ["Heron", "Moth", "Wren"] * 20,
            "title": ["River", "Lake", "Hill", "Marsh"] * 15,
            "comment": "ce",
        }
    )
    edits.to_parquet(tmp_path / "edits.parquet")
    (tmp_path / "river.toml").write_text(CASE)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_s_help_shows_an_example(command):
    entry = get_command(app).commands[command]
    entries = getattr(entry, "commands", {command: entry}).values()
    for leaf in entries:
        assert "Example: sockgraph" in (leaf.epilog or ""), leaf.name
        assert leaf.help, leaf.name


@pytest.mark.parametrize("command", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(command):
    said = get_command(app).commands[command].help.split("\n\n")[0].replace("\n", " ")
    assert PLACES[command].summary == said


def test_help_imports_nothing_heavy():
    code = "import sys; from sockgraph.cli import app; app(['--help'], standalone_mode=False); "
    code += "sys.exit(bool({'pandas', 'numpy', 'sklearn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done
    assert b"Commands" in done.stdout


def test_two_accounts_without_reference_run_and_say_why_there_is_no_number(case):
    code, _, err = sockgraph("run", "river.toml", cwd=case)
    assert code == 0, err
    folder = case / "data" / "processed" / "river"
    links = pd.read_parquet(folder / "links.parquet")
    assert len(links) == 1
    assert links["log10_lr"].isna().all()
    assert not links["flagged"].any()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["evidence"]["reason"]
    assert manifest["evidence"]["reason"] in (folder / "report.html").read_text()


def test_a_run_here_and_a_run_as_a_process_give_the_same_bytes(case):
    for data, command in (("one", sockgraph), ("two", process)):
        code, _, err = command("run", "river.toml", "--data", data, cwd=case)
        assert code == 0, err
    one, two = (sorted((case / d / "processed" / "river").iterdir()) for d in ("one", "two"))
    assert [p.name for p in one] == [p.name for p in two]
    for left, right in zip(one, two, strict=True):
        if left.name == "manifest.json":
            a, b = (json.loads(p.read_text()) for p in (left, right))
            assert a.pop("run").keys() == b.pop("run").keys()
            assert a == b
        else:
            assert left.read_bytes() == right.read_bytes(), left.name


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"Moth"', '"Nobody"', "'Nobody'"),
        ('"Moth"', '"Heron"', "nominated twice"),
        ('["Heron", "Moth"]', "[]", "nominated"),
        ("reason =", "reson =", "no case without a reason"),
        ("edits.parquet", "absent.parquet", "no such file"),
        ("edits.parquet", "river.toml", "not read"),
    ],
)
def test_each_fault_is_one_line_and_nothing_is_written(case, old, new, said):
    (case / "river.toml").write_text(CASE.replace(old, new))
    code, out, err = sockgraph("run", "river.toml", cwd=case)
    assert code == 2
    assert said in err
    assert "Traceback" not in err
    assert out == ""
    assert not (case / "data").exists()


def test_a_truncated_table_is_refused(case):
    whole = (case / "edits.parquet").read_bytes()
    (case / "edits.parquet").write_bytes(whole[: len(whole) // 2])
    code, _, err = sockgraph("run", "river.toml", cwd=case)
    assert code == 2
    assert err.startswith("reading the table")  # what was done when it failed
    assert "truncated" in err.splitlines()[1]
    assert err.count("\n") == 2
    assert not (case / "data").exists()


def test_evaluate_prints_and_gives_json(case):
    (case / "river.toml").write_text(CASE.replace('"Moth"', '"Moth", "Wren"'))
    sockgraph("run", "river.toml", cwd=case)
    (case / "labels.csv").write_text("user,person\nHeron,p1\nMoth,p1\nWren,\n")
    links = str(Path("data/processed/river/links.parquet"))
    code, out, err = sockgraph("evaluate", links, "labels.csv", "--json", cwd=case)
    assert code == 0, err
    assert json.loads(out)["n_true"] == 1
    assert json.loads(out)["n_false"] == 2
    code, _, err = sockgraph("evaluate", links, "absent.csv", cwd=case)
    assert code == 2
    assert "absent.csv" in err


def test_purge_leaves_a_note_and_no_data(case):
    sockgraph("run", "river.toml", cwd=case)
    code, _, err = sockgraph("purge", "river.toml", "--yes", cwd=case)
    assert code == 0, err
    left = [p for p in (case / "data").rglob("*") if p.is_file()]
    assert [p.name for p in left] == ["removed.json"]
    assert "Heron" not in left[0].read_text()


def test_only_a_wiki_can_be_asked_what_it_hides(case):
    code, _, err = sockgraph("refresh-hidden", "river.toml", cwd=case)
    assert code == 2
    assert "only a wiki" in err


def test_a_long_list_is_compared_on_purpose_only(case):
    edits = pd.read_parquet(case / "edits.parquet")
    names = [f"Reader {number:02d}" for number in range(51)]
    listed = pd.concat([edits.head(12).assign(user=name) for name in names])
    listed.to_parquet(case / "edits.parquet")
    text = CASE.replace('"Heron", "Moth"', ", ".join(f'"{name}"' for name in names))
    (case / "river.toml").write_text(text)
    for command in ("run", "fetch"):
        code, _, err = sockgraph(command, "river.toml", cwd=case)
        assert code == 2
        assert "it nominates 51 accounts, 1,275 pairs" in " ".join(err.split())
        assert "--many" in err
        assert not (case / "data").exists()
        assert sockgraph(command, "river.toml", "--many", "--data", command, cwd=case)[0] == 0


def test_an_interrupt_is_told_in_one_line(case, monkeypatch, capsys):
    def interrupted(*_args, **_given):
        raise KeyboardInterrupt

    monkeypatch.setattr("sockgraph.cli.run.run_case", interrupted)
    monkeypatch.setattr("sys.argv", ["sockgraph", "run", str(case / "river.toml")])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 130
    assert capsys.readouterr().err == "sockgraph: stopped; no file is half-written.\n"
