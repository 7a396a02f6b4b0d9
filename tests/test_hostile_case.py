"""A case whose every name, title and summary attacks: nothing that comes out of it does harm."""

from __future__ import annotations

import json
import sys
import warnings

import hostile
import pytest
from terminal import sockgraph
from test_report_browser import visit  # noqa: F401 - a fixture

from sockgraph import charts
from sockgraph.errors import CaseError
from sockgraph.evaluation.labelled_pairs import read_links
from sockgraph.pipeline.results import read_case

A, B = hostile.NAMES[0], hostile.NAMES[2]
SPECIAL = "A\x1b[2J\u202e"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    hostile.write(folder)
    code, out, err = sockgraph("run", "tiny.toml", cwd=folder)
    assert code == 0, err
    hostile.assert_calm_terminal(out + err)
    return folder


@pytest.fixture(scope="module")
def result(home):
    return read_case(home / "tiny.toml", data=home / "data")


def test_every_name_is_compared_as_it_is(result):
    named = set(result.links["user_a"]) | set(result.links["user_b"])
    assert set(hostile.READ) <= named
    assert "safegnp.exe zerowidth" in named
    assert named.isdisjoint(set(hostile.NAMES) - set(hostile.READ))


def test_no_file_lies_elsewhere(home):
    inside = {p.relative_to(home).as_posix() for p in home.rglob("*") if p.is_file()}
    allowed = ("data/processed/tiny/", "data/raw/tiny/", "edits.parquet", "tiny.toml")
    assert all(path.startswith(allowed) for path in inside)
    assert not list(home.parent.glob("etc*"))


@pytest.mark.parametrize("stem", ["..", "a b", "é", "x" * 65, "-".join("ab") + "\n"])
def test_a_case_s_name_cannot_leave_the_data_folder(tmp_path, stem):
    from sockgraph.case import load_case

    with pytest.raises(CaseError, match="a-z"):
        load_case(tmp_path / f"{stem}.toml")


def test_the_report_is_inert(visit, result):  # noqa: F811 - the fixture
    page, heard = visit(result.report.read_text(encoding="utf-8"))
    hostile.assert_inert_page(page, heard)


def test_a_packet_is_inert(visit, home):  # noqa: F811 - the fixture
    words = ("review-packet", "tiny.toml", "--reviewer", SPECIAL, "--foils", "0")
    code, out, err = sockgraph(*words, "--out", home / "data" / "raw" / "tiny" / "p.html", cwd=home)
    assert code == 0, err
    hostile.assert_calm_terminal(out + err)
    html = (home / "data" / "raw" / "tiny" / "p.html").read_text(encoding="utf-8")
    page, heard = visit(html)
    assert page.title() != "ran"
    assert heard == []
    made = page.evaluate("document.querySelectorAll('main img, main iframe, main svg').length")
    assert made == 0


def test_the_graph_is_strict_xml(home):
    text = (home / "data/processed/tiny/graph.graphml").read_text(encoding="utf-8")
    hostile.assert_strict_xml(text)


def test_a_spreadsheet_reckons_nothing_and_the_names_come_back(home, result, tmp_path):
    code, out, _ = sockgraph("report", "tiny.toml", "--format", "csv", cwd=home)
    assert code == 0
    hostile.assert_calm_csv(out)
    path = tmp_path / "links.csv"
    path.write_text(out, encoding="utf-8", newline="")
    back = read_links(path)
    assert set(back["user_a"]) == set(result.links["user_a"])


def test_nothing_moves_the_cursor(home):
    asked = ("reverse", "tiny.toml", A, B, "--by", SPECIAL, "--reason", SPECIAL)
    for words in (
        asked,
        ("audit", "tiny.toml"),
        ("reviewers", "tiny.toml"),
        ("reverse", "tiny.toml", SPECIAL, B, "--by", "Ash", "--reason", "r"),  # refused
        ("review", "tiny.toml", "--reviewer", "Ash", "--link", SPECIAL, B),  # refused
        ("run", f"{SPECIAL}.toml"),  # refused
        ("evaluate", f"{SPECIAL}.csv", "labels.csv"),  # refused
    ):
        _, out, err = sockgraph(*words, cwd=home)
        assert out + err
        hostile.assert_calm_terminal(out + err)


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_table_is_exact_in_a_file_and_calm_at_a_terminal(home, form, monkeypatch):
    words = ("report", "tiny.toml", "--format", form)
    _, exact, _ = sockgraph(*words, cwd=home)
    assert "a\u2028line\u2029paragraph\x85next" in exact
    monkeypatch.setattr("sockgraph.cli.terminal.sys", _Terminal())
    _, shown, _ = sockgraph(*words, cwd=home)
    hostile.assert_calm_terminal(shown)
    if form == "json":
        assert {row["user_a"] for row in json.loads(exact)["links"]} & set(hostile.READ)


class _Terminal:
    @property
    def stdout(self):
        sys.stdout.isatty = lambda: True
        return sys.stdout


def test_tables_in_a_notebook_are_text(result):
    shown = "".join(result.tables[name].head(400).to_html() for name in ("links", "edits"))
    assert "<script" not in shown.replace("&lt;script", "")
    assert "<img" not in shown


def test_figures_show_every_name_as_it_is(result):
    from sockgraph.graph import to_graph

    pairs = [("$\\frac{$ $x^{", A), (hostile.READ[4], hostile.READ[14])]
    graph = to_graph(result.links, result.accounts, result.clusters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of characters that no font here has
        for user_a, user_b in pairs:
            charts.shared_pages(result.edits, user_a, user_b).png()
            charts.hours(result.edits, user_a, user_b).png()
            charts.timeline(result.edits, user_a, user_b).png()
        charts.graph(graph).png()
