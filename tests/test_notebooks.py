import ast
import os
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]
MOST_LINES = 10
FIGURES = {"02_explore_clusters": 4, "04_validate": 2}
SAID = {"03_review_link": ("reversal in review", "What was wrong", "state: reversed")}


def _cells(path, kind="code"):
    return [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == kind]


def _imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module, alias.name) for alias in node.names)


def test_the_four_notebooks_are_there():
    assert NAMES == ["01_fetch_case", "02_explore_clusters", "03_review_link", "04_validate"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_notebooks_are_thin(path):
    for cell in _cells(path):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert len(lines) <= MOST_LINES, cell.source
        tree = ast.parse(cell.source)
        made = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        assert not [n for n in ast.walk(tree) if isinstance(n, made)], cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_notebooks_call_public_names_and_no_network(path):
    for cell in _cells(path):
        for module, name in _imports(ast.parse(cell.source)):
            assert module.split(".")[0] not in {"mwclient", "requests", "urllib"}
            assert not any(part.startswith("_") for part in (*module.split("."), name))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_notebooks_are_stored_without_output(path):
    for cell in _cells(path):
        assert cell.outputs == []
        assert cell.execution_count is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_notebooks_choose_the_case_once_and_say_how_to_be_wrong(path):
    chosen = [c for c in _cells(path) if "SOCKGRAPH_DATA_DIR" in c.source]
    assert len(chosen) == 1
    prose = "\n".join(c.source for c in _cells(path, "markdown")).lower()
    assert "how to be wrong" in prose
    assert len(_cells(path, "markdown")) >= len(_cells(path)) / 2


def _data(output):
    return output.get("data", {})


def _execute(path, data):
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
    )
    env = os.environ | {"SOCKGRAPH_DATA_DIR": str(data)}
    client.execute(env=env)
    shown = [c for c in notebook.cells if c.cell_type == "code" and c.outputs]
    assert len(shown) >= 5
    return notebook


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Run notebook 01 on the demo; the others read what it wrote."""
    folder = tmp_path_factory.mktemp("data")
    _execute(NOTEBOOKS[0], folder)
    return folder


@pytest.mark.notebook
def test_the_first_notebook_runs_the_case(data):
    assert (data / "processed" / "demo" / "report.html").exists()


@pytest.mark.notebook
@pytest.mark.parametrize("path", NOTEBOOKS[1:], ids=NAMES[1:])
def test_the_other_notebooks_run_from_start_to_end(path, data):
    ledger = data / "processed" / "demo" / "ledger.jsonl"
    before = ledger.read_bytes()
    notebook = _execute(path, data)
    said = "".join(o.get("text", "") for c in notebook.cells for o in c.get("outputs", []))
    assert "Warning" not in said
    assert [words for words in SAID.get(path.stem, ()) if words not in said] == []
    figures = [o for c in notebook.cells for o in c.get("outputs", []) if "image/png" in _data(o)]
    assert len(figures) >= FIGURES.get(path.stem, 0)
    assert ledger.read_bytes() == before
