import ast
import json
import os
import sys
from pathlib import Path

import pandas as pd
import pytest
import tiny

import sockgraph as sg
from sockgraph import charts
from sockgraph.case import load_case
from sockgraph.desk.state import Desk
from sockgraph.errors import StoreError
from sockgraph.pipeline.review_session import ReviewSession
from sockgraph.pipeline.run import demo_case
from sockgraph.reviews.answers import SealedAnswers, first_judgement, seal
from sockgraph.reviews.states import histories

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]
MOST_LINES = 40  # of code, in all four
IMPORTS = {("sockgraph", "sockgraph"), ("sockgraph", "charts"), ("pandas", "pandas")}
SHOWN = {"01_fetch_case": 5, "02_explore_clusters": 10, "03_review_link": 1, "04_validate": 7}
FIGURES = {"02_explore_clusters": 6, "04_validate": 2}
WIDGETS = "application/vnd.jupyter.widget-state+json"


def _cells(path, kind="code"):
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return [c | {"source": "".join(c["source"])} for c in cells if c["cell_type"] == kind]


def _imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module, alias.name) for alias in node.names)


def _named(node, name):
    return isinstance(node, ast.Name) and node.id == name


def test_the_four_notebooks_are_there():
    assert NAMES == ["01_fetch_case", "02_explore_clusters", "03_review_link", "04_validate"]


def test_all_four_have_at_most_forty_lines_of_code():
    lines = [x for path in NOTEBOOKS for c in _cells(path) for x in c["source"].splitlines()]
    assert len([line for line in lines if line.strip()]) <= MOST_LINES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_notebooks_define_nothing_and_import_the_face_the_charts_and_pandas(path):
    trees = [ast.parse(cell["source"]) for cell in _cells(path)]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    made = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    assert not [n for n in nodes if isinstance(n, made)]
    assert {one for tree in trees for one in _imports(tree)} <= IMPORTS
    used = {n.attr for n in nodes if isinstance(n, ast.Attribute) and _named(n.value, "sg")}
    assert used <= set(sg.__all__)
    drawn = {n.attr for n in nodes if isinstance(n, ast.Attribute) and _named(n.value, "charts")}
    assert drawn <= set(charts.__all__)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_notebooks_are_stored_without_output(path):
    for cell in _cells(path):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_notebooks_choose_the_case_once_and_say_how_one_could_be_wrong(path):
    assert len([c for c in _cells(path) if "# a case of your own: sg." in c["source"]]) == 1
    prose = "\n".join(c["source"] for c in _cells(path, "markdown")).lower()
    assert "how you could be wrong" in prose
    assert len(_cells(path, "markdown")) >= len(_cells(path)) / 2


def _data(output):
    return output.get("data", {})


CANARY = "canary7f3a"
CONTACT = f'[source]\ncontact = "{CANARY}@example.org"\n'
SECRETS = {
    "SOCKGRAPH_OAUTH_TOKEN": f"{CANARY}t",
    "SOCKGRAPH_BOT_USER": f"Operator {CANARY}u@tool",
    "SOCKGRAPH_BOT_PASSWORD": f"{CANARY}p",
}
# runs at the start of a kernel: whoever it looks up or calls is noted, and not reached
WATCH = """
import os, sys
def hook(event, given):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname"}:
        with open(os.environ["CALLED"], "a") as file:
            file.write(f"{event} {given[1:]}\\n")
        raise ConnectionError(f"blocked: {given[1:]}")
sys.addaudithook(hook)
open(os.environ["CALLED"], "w").close()
"""


def _execute(path, data, **more):
    """Run a notebook where credentials are set and no address can be reached; return it."""
    import nbformat  # seconds, and only where a notebook is run
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
    )
    (data / "watch").mkdir(exist_ok=True)
    (data / "watch" / "sitecustomize.py").write_text(WATCH)
    paths = os.pathsep.join([str(data / "watch"), *sys.path])
    own = {"SOCKGRAPH_DATA_DIR": data, "PYTHONPATH": paths, "CALLED": data / "watch" / "called"}
    client.execute(env=os.environ | SECRETS | {k: str(v) for k, v in (own | more).items()})
    shown = [c for c in notebook.cells if c.cell_type == "code" and c.outputs]
    assert len(shown) >= SHOWN[path.stem]
    figures = [o for c in shown for o in c.outputs if "image/png" in _data(o)]
    assert len(figures) >= FIGURES.get(path.stem, 0)
    said = "".join(o.get("text", "") for c in shown for o in c.outputs)
    assert "Warning" not in said
    assert (data / "watch" / "called").read_text() == ""
    assert CANARY not in json.dumps([[c.get("outputs") for c in notebook.cells], notebook.metadata])
    return notebook


def _plant(data):
    """Leave private words where the notebooks read: a note, and an answer not opened yet."""
    case = data / "raw" / "demo" / "demo.toml"
    room = ReviewSession.of(case, data)
    pair = histories(room.ledger.entries()).popitem()[0]
    Desk.of(case, data=data, by="Ann").write_note(*pair, f"In confidence: {CANARY}")
    judged = first_judgement(judgement="cannot tell", says=CANARY, other=CANARY)
    room.keep(SealedAnswers(pair, "Ann", {"first judgement": seal(judged)}))
    files = [path for path in (data / "processed").rglob("*") if path.is_file()]
    held = [path for path in files if CANARY.encode() in path.read_bytes()]
    assert len(held) == 2


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Run notebook 01 on the demo, whose file holds a contact; the others read what it wrote."""
    folder = tmp_path_factory.mktemp("data")
    case = demo_case(folder)
    text = case.read_text(encoding="utf-8")
    case.write_text(text.replace("[source]\n", CONTACT), encoding="utf-8")
    assert load_case(case).source.contact
    ran = _execute(NOTEBOOKS[0], folder, SOCKGRAPH_CASE=case)
    shown = [o for c in ran.cells if c.cell_type == "code" for o in c.outputs]
    links = [o["data"].get("text/html", "") for o in shown if "data" in o]
    way = os.path.relpath(folder / "processed" / "demo" / "report.html", NOTEBOOKS[0].parent)
    assert any(f'<a href="{way}"' in link for link in links)
    state = ran.metadata["widgets"][WIDGETS]["state"].values()
    kept = {w["state"].get("_model_name") for w in state}
    assert "IntProgressModel" in kept  # no silent cell
    _plant(folder)
    return folder


@pytest.mark.notebook
def test_without_a_case_the_demo_is_invented_and_has_to_be_run(tmp_path, monkeypatch):
    monkeypatch.delenv("SOCKGRAPH_CASE", raising=False)
    with pytest.raises(StoreError, match="run"):
        sg.read(data=tmp_path)
    assert load_case(tmp_path / "raw" / "demo" / "demo.toml").slug == "demo"


@pytest.mark.notebook
def test_the_first_notebook_runs_the_case(data):
    assert (data / "processed" / "demo" / "report.html").exists()


def test_a_case_that_is_printed_keeps_its_contact(tmp_path):
    path = tiny.write(tmp_path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[source]\n", CONTACT), encoding="utf-8")
    case = load_case(path)
    assert CANARY in case.source.contact
    assert CANARY not in f"{case} {case!r} {case.source}"


@pytest.mark.notebook
@pytest.mark.parametrize("path", NOTEBOOKS[1:], ids=NAMES[1:])
def test_the_other_notebooks_run_from_start_to_end(path, data):
    ledger = data / "processed" / "demo" / "ledger.jsonl"
    before = ledger.read_bytes()
    notebook = _execute(path, data)
    assert ledger.read_bytes() == before
    state = notebook.metadata.get("widgets", {}).get(WIDGETS, {"state": {}})["state"]
    desks = [w for w in state.values() if "Explorer" in str(w["state"].get("_anywidget_id"))]
    assert len(desks) == (path.stem == "02_explore_clusters")  # so it was among what was searched
    kept = json.dumps(notebook.metadata, ensure_ascii=False)  # what stays when outputs are cleared
    named = pd.read_parquet(data / "processed" / "demo" / "accounts.parquet")["user"]
    assert [name for name in named if name in kept] == []
    asked = any("Pair 1 of" in str(w["state"].get("value")) for w in state.values())
    assert asked == (path.stem == "03_review_link")  # the form is open, and no step is taken
