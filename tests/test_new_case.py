"""A new case loads, its notebooks are bound to it, and nothing is ever overwritten."""

import ast
import json
import stat
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from terminal import process
from typer.testing import CliRunner

from sockgraph import case_template as newcase
from sockgraph.case import load_case
from sockgraph.case_template import bound, new_case, write_notebooks
from sockgraph.cli import app, start
from sockgraph.errors import CaseError, SockgraphError

NAMES = ("Heron, Wade", 'Quill "wort"', "青石巷", "مستخدم", "back\\slash", "\u202etrebloc")
PLAN = {
    "name": "spring",
    "title": "A river",
    "reason": "One wording, three times",
    "wikis": ("fernwick.example",),
    "accounts": NAMES,
    "contact": "fern@fernwick.example",
}
FLAGS = ["--wiki", "fernwick.example", "--account", "Heron", "--account", "Moth"]
WHY = ["--reason", "One wording", "--contact", "fern@fernwick.example", "--no-ask"]


def write_case(folder, **changed):
    return new_case(**(PLAN | changed), folder=folder)


def run(*words, **given):
    return CliRunner().invoke(app, list(map(str, words)), **given)


def choosing(path, by="data="):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = ("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    return next(text for text in code if by in text)


def test_a_new_case_says_exactly_what_it_was_told(tmp_path):
    case = load_case(write_case(tmp_path / "cases", reason='Why "so"?\nTwice.', by="Fern"))
    assert case.accounts.nominated == NAMES
    assert case.reason == 'Why "so"?\nTwice.'
    assert (case.title, case.by, case.wikis) == ("A river", "Fern", ("fernwick.example",))


def test_a_case_file_is_its_owner_s_alone(tmp_path):
    path = write_case(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_source_file_is_found_from_where_the_case_lies(tmp_path):
    edits = tmp_path / "here" / "edits.parquet"
    path = write_case(tmp_path / "cases", kind="table", contact=None, path=edits)
    case = load_case(path)
    assert case.beside(case.source.path).resolve() == edits.resolve()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"reason": "  "}, "reason"),
        ({"name": "../spring"}, "1 to 64"),
        ({"name": "con"}, "that Windows keeps"),
        ({"name": "a\\b"}, "1 to 64"),
        ({"name": "spring."}, "1 to 64"),
        ({"contact": None}, "contact is missing"),
        ({"accounts": ("Heron", "heron")}, "twice"),
        ({"accounts": ()}, "nominated"),
        ({"accounts": ("a\0b",)}, "NUL"),
        ({"accounts": ("\ud800",)}, "not a character"),
        ({"wikis": ("https://fernwick.example",)}, "host name"),
    ],
)
def test_what_would_not_load_is_not_written(tmp_path, changed, said):
    with pytest.raises(CaseError, match=said) as caught:
        write_case(tmp_path, **changed)
    assert list(tmp_path.iterdir()) == []
    assert "sockgraph-case-" not in str(caught.value)


def test_a_case_is_never_overwritten(tmp_path):
    path = write_case(tmp_path)
    before = path.read_bytes()
    with pytest.raises(CaseError, match="such a case already"):
        write_case(tmp_path, title="Another")
    assert path.read_bytes() == before


def test_notebooks_name_their_case_and_data_and_have_no_line_more(tmp_path):
    case = write_case(tmp_path / "cases")
    folder = write_notebooks(case, tmp_path / "kept data")
    calls = []
    for path in sorted(folder.glob("*.ipynb")):
        text = choosing(path)
        ours = ast.parse(text).body
        (call,) = [n for n in ast.walk(ast.Module(ours, [])) if _names_the_case(n)]
        given = {k.arg: ast.literal_eval(k.value) for k in call.keywords}
        assert (folder / ast.literal_eval(call.args[0])).resolve() == case.resolve()
        assert (folder / given["data"]).resolve() == (tmp_path / "kept data").resolve()
        assert "a case of your own" not in text
        assert "](../docs/" not in path.read_text(encoding="utf-8")
        source = newcase._CHECKOUT / path.name
        assert len(text.splitlines()) == len(choosing(source, "a case of your own").splitlines())
        calls.append(call.func.attr)
    assert calls == ["run", "read", "review", "validate"]


def _names_the_case(node):
    return isinstance(node, ast.Call) and any(k.arg == "data" for k in node.keywords)


def test_a_notebook_that_is_there_stays(tmp_path):
    case = write_case(tmp_path)
    kept = write_notebooks(case, tmp_path / "data") / "02_explore_clusters.ipynb"
    kept.write_text("mine", encoding="utf-8")
    write_notebooks(case, tmp_path / "data")
    assert kept.read_text(encoding="utf-8") == "mine"


def test_the_bound_notebook_is_the_same_but_for_one_cell_and_links(tmp_path):
    source = (newcase._CHECKOUT / "02_explore_clusters.ipynb").read_text(encoding="utf-8")
    ours = json.loads(bound(source, tmp_path / "spring.toml", tmp_path / "data"))["cells"]
    theirs = json.loads(source)["cells"]
    code = [(a, b) for a, b in zip(ours, theirs, strict=True) if a["cell_type"] == "code"]
    assert sum(a["source"] != b["source"] for a, b in code) == 1


def test_the_wheel_takes_the_notebooks_along():
    told = tomllib.loads((Path(newcase.__file__).parent.parent / "pyproject.toml").read_text())
    wheel = told["tool"]["hatch"]["build"]["targets"]["wheel"]
    notebooks = sorted(
        path.name for path in (Path(__file__).parent.parent / "notebooks").glob("*.ipynb")
    )
    kept = newcase._INSTALLED.name
    assert wheel["force-include"] == {
        f"notebooks/{name}": f"sockgraph/{kept}/{name}" for name in notebooks
    }


def test_new_case_by_flags(tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("青石巷\n\n Moth , Jr. \n", encoding="utf-8")
    cases = tmp_path / "cases"
    more = ["--accounts-from", names, "--cases", cases, "--data", tmp_path / "data"]
    result = run("new-case", "river", *FLAGS, *WHY, *more)
    assert result.exit_code == 0, result.output
    nominated = load_case(cases / "river.toml").accounts.nominated
    assert nominated == ("Heron", "Moth", "青石巷", "Moth , Jr.")
    assert (cases / "river" / "01_fetch_case.ipynb").exists()


def asked(tmp_path, *answers):
    result = run("new-case", "--ask", "--cases", tmp_path, input="\n".join(answers) + "\n")
    assert result.exit_code == 0, result.output
    return load_case(next(tmp_path.glob("*.toml"))), result.output


def test_new_case_asks_for_what_is_missing_and_takes_no_empty_reason(tmp_path):
    given = ["river", "", "Why so", "fernwick.example", "", "A river", "Heron", "Moth", "", "f@x.y"]
    case, _ = asked(tmp_path, *given, "Fern", "", "", "", "")
    assert (case.reason, case.by, case.source.kind) == ("Why so", "Fern", "mediawiki")
    assert case.accounts.nominated == ("Heron", "Moth")
    assert (case.source.scheme, case.earlier, case.retention.days) == ("https", (), None)


def test_each_answer_is_checked_as_it_is_given(tmp_path):
    wrong_then_right = [
        *("../river", "river", "Why so", "https://a.example", "127.0.0.1:8080", "mediawik", ""),
        *("t" * 301, "A river", "User:Heron", "heron", "Moth", "", "f@x.y", "ftp", "http", "Fern"),
        *("Heron | Moth | a clerk", "Heron | User:Heron | a clerk | 2024-06-01"),
        *("User:Heron | Moth | a clerk | 2024-06-01 | lock", ""),
        *("Moth", "Moth | Moth (bot) | https://a.example/wiki/Moth", ""),
        *(
            "the ford case",
            "the ford case | User:Moth | https://a.example/wiki/Ford",
            "",
            "0",
            "90",
        ),
    ]
    case, said = asked(tmp_path, *wrong_then_right)
    assert said.count("Error: ") == 11
    assert "heron' is nominated twice" in said
    assert case.accounts.nominated == ("Heron", "Moth")
    assert (case.wiki, case.source.scheme) == ("127.0.0.1:8080", "http")
    (link,) = case.earlier
    assert (link.a, link.b, link.by, str(link.date), link.action) == (
        *("Heron", "Moth", "a clerk", "2024-06-01", "lock"),
    )
    (declared,) = case.declared
    assert declared.accounts == ("Moth", "Moth (bot)")
    assert declared.url == "https://a.example/wiki/Moth"
    (known,) = case.operators
    assert (known.name, known.accounts) == ("the ford case", ("Moth",))
    assert known.url == "https://a.example/wiki/Ford"
    assert case.retention.days == 90


def test_what_may_be_said_is_taken_from_options_too(tmp_path):
    more = ["--earlier", "Heron | Moth | a clerk | 2024-06-01", "--retention", "30"]
    more += ["--declared", "Moth|Moth (bot)", "--scheme", "http", "--cases", tmp_path]
    more += ["--known-operator", "the ford case | Moth"]
    result = run("new-case", "river", *FLAGS, *WHY, *more)
    assert result.exit_code == 0, result.output
    case = load_case(tmp_path / "river.toml")
    assert (case.source.scheme, case.retention.days, case.declared[0].url) == ("http", 30, None)
    assert case.named == ("Heron", "Moth", "Moth (bot)")
    assert case.operators[0].accounts == ("Moth",)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--earlier", "Heron | Moth | a clerk | May", "with a day like"),
        ("--declared", "Heron", "at least 2"),
        ("--scheme", "gopher", "'https' or 'http'"),
        ("--retention", "0", "greater than or equal to 1"),
        ("--wiki", "https://fernwick.example", "host name"),
    ],
)
def test_an_option_that_cannot_be_used_writes_nothing(tmp_path, option, value, said):
    result = run("new-case", "river", *FLAGS, *WHY, option, value, "--cases", tmp_path)
    assert isinstance(result.exception, CaseError)
    assert said in str(result.exception)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("left_out", "said"), [("--reason", "no case without a reason"), ("--contact", "--contact")]
)
def test_a_script_is_told_what_is_missing(tmp_path, left_out, said):
    words = ["river", *FLAGS, *WHY]
    at = words.index(left_out)
    result = run("new-case", *words[:at], *words[at + 2 :], "--cases", tmp_path)
    assert isinstance(result.exception, CaseError)
    assert said in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_taken_is_refused_before_anything_is_asked(tmp_path):
    (tmp_path / "river.toml").touch()
    result = run("new-case", "river", "--ask", "--cases", tmp_path, input="")
    assert "such a case already" in str(result.exception)


@pytest.fixture
def started(monkeypatch):
    """Take note of what `lab` would start."""
    found = {}

    def note(_program, command, environment):
        found.update(command=command, environment=environment)

    monkeypatch.setattr(start.os, "execve", note)
    return found


def test_lab_opens_the_case_s_notebooks_on_this_machine_only(tmp_path, started):
    case = write_case(tmp_path)
    result = run("lab", case, "--data", tmp_path / "data", "--no-browser", "--port=0")
    assert result.exit_code == 0, result.output
    assert started["command"][-2:] == ["--no-browser", "--port=0"]
    assert f"--ServerApp.root_dir={tmp_path / 'spring'}" in started["command"]
    assert "--ServerApp.ip=127.0.0.1" in started["command"]
    assert "--LabApp.default_url=/lab/tree/01_fetch_case.ipynb" in started["command"]
    assert started["environment"]["SOCKGRAPH_DATA_DIR"] == str(tmp_path / "data")


def test_lab_opens_on_the_links_once_the_case_was_run(tmp_path, started):
    case = write_case(tmp_path)
    manifest = tmp_path / "data" / "processed" / "spring" / "manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("{}")
    run("lab", case, "--data", tmp_path / "data")
    assert "--LabApp.default_url=/lab/tree/02_explore_clusters.ipynb" in started["command"]


def test_lab_says_which_extra_is_missing(tmp_path, started, monkeypatch):
    case = write_case(tmp_path)
    monkeypatch.setattr(start.importlib.util, "find_spec", lambda _: None)
    result = run("lab", case)
    assert isinstance(result.exception, SockgraphError)
    assert "sockgraph[notebook]" in str(result.exception)
    assert not started


@pytest.mark.notebook
def test_a_new_case_s_first_notebook_runs_where_it_lies(tmp_path):
    from nbclient import NotebookClient
    from nbformat import read

    moments = pd.date_range("2024-01-01", periods=60, freq="7h", tz="UTC")
    told = {"timestamp": moments, "user": ["Heron", "Moth", "Wren"] * 20, "title": "River"}
    pd.DataFrame(told).to_parquet(tmp_path / "edits.parquet")
    words = ["river", *FLAGS, "--reason", "One wording", "--path", "edits.parquet", "--no-ask"]
    code, _, said = process("new-case", *words, cwd=tmp_path)
    assert code == 0, said
    notebook = read(tmp_path / "cases" / "river" / "01_fetch_case.ipynb", as_version=4)
    place = {"metadata": {"path": str(tmp_path / "cases" / "river")}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=place).execute()
    assert (tmp_path / "data" / "processed" / "river" / "report.html").exists()
