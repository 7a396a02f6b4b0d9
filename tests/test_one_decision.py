"""One decision: tables, report, desk, notebook figure, graph file and terminal say the same."""

from __future__ import annotations

import html
import re

import networkx as nx
import pytest
import tiny

from sockgraph.charts.network import drawn_links, graph
from sockgraph.cli.run import _tell_result
from sockgraph.desk.state import Desk
from sockgraph.desk.widget import graph_payload
from sockgraph.graph import to_graph
from sockgraph.pipeline.results import read_case
from sockgraph.pipeline.run import run_case
from sockgraph.report.data import read_links
from sockgraph.report.wording import headline

SIDES = ("for", "against", "neither")
FIFTY = tuple(f"Teller {n:02d}" for n in range(50))


@pytest.fixture(scope="module")
def fifty(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fifty")
    frame = tiny.edits(FIFTY, others=32, each=25)
    case = tiny.write(folder, names=FIFTY, reference=32, frame=frame)
    return run_case(case, data=folder)


@pytest.fixture(scope="module")
def everyone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("everyone")
    case = tiny.write(folder, frame=tiny.edits(others=32, each=25))
    text = re.sub(r"nominated = .*", 'nominated = ["*"]', case.read_text("utf-8"))
    case.write_text(re.sub(r"(?s)\[reference\].*", "", text), "utf-8")
    return run_case(case, data=folder)


@pytest.fixture(scope="module")
def demo(demo_ran):
    return read_case(demo_ran / "raw" / "demo" / "demo.toml", data=demo_ran)


@pytest.fixture(params=[pytest.param("demo", marks=pytest.mark.whole), "fifty", "everyone"])
def result(request):
    return request.getfixturevalue(request.param)


def count(values):
    values = list(values)
    return {side: values.count(side) for side in SIDES}


def pairs_of(rows):
    return {tuple(sorted(pair)) for pair in rows}


def test_for_against_and_neither_are_counted_alike_everywhere(result):
    links = result.links
    said = links[links["band"] != "insufficient"]
    told = count(said["direction"])
    desk = Desk.of(result)
    assert count(link.direction for link in desk.links.values() if not link.insufficient) == told
    carried = nx.read_graphml(result.folder / "graph.graphml")
    numbered = [known for *_, known in carried.edges(data=True) if "log10_lr" in known]
    assert count(known["direction"] for known in numbered) == told
    page = html.unescape(re.sub(r"<[^>]+>", " ", result.report.read_text("utf-8")))
    words = re.search(
        r"([\d,]+|no) pairs? speaks? for one operator, ([\d,]+) against, ([\d,]+) do", page
    )
    assert words, "the page says how many pairs stand on each side"
    numbers = [0 if n == "no" else int(n.replace(",", "")) for n in words.groups()]
    assert dict(zip(SIDES, numbers, strict=True)) == told


def test_the_terminal_says_the_same_numbers(result, capsys):
    _tell_result(result)
    said = re.sub(r"\s+", " ", "".join(capsys.readouterr()))
    links = result.links
    assert f"{int(links['flagged'].sum())} flagged for review" in said
    assert f"{int((links['direction'] == 'against').sum())} with evidence against" in said
    assert f"{int((links['band'] == 'insufficient').sum())} with too few edits" in said


def test_the_same_links_are_drawn_everywhere(result):
    carried = nx.read_graphml(result.folder / "graph.graphml")
    drawn = pairs_of((a, b) for a, b, yes in carried.edges(data="drawn") if yes)
    figure = graph(to_graph(result.links, result.accounts, result.clusters))
    table = figure.data
    assert pairs_of(zip(table["user_a"], table["user_b"], strict=True)) == drawn
    of_page = drawn_links(carried)
    assert pairs_of(zip(of_page["user_a"], of_page["user_b"], strict=True)) == drawn
    scene = graph_payload(Desk.of(result))
    numbered = pairs_of((a, b) for a, b, lr in carried.edges(data="log10_lr") if lr is not None)
    assert pairs_of((k["a"], k["b"]) for k in scene["links"] if k["drawn"]) == drawn & numbered


def test_words_and_reasons_are_those_of_the_table(result):
    links = result.links.set_index(["user_a", "user_b"])
    desk = Desk.of(result)
    carried = nx.read_graphml(result.folder / "graph.graphml")
    for link in read_links(desk.data):
        row = links.loc[link.pair]
        assert (link.direction, link.band, link.reasons) == (
            row["direction"],
            row["band"],
            tuple(row["reasons"]),
        )
        if link.log10_lr is not None:
            assert carried.edges[link.pair]["band"] == row["band"]
            assert carried.edges[link.pair]["direction"] == row["direction"]
            speaks = row["band"] if row["direction"] != "neither" else "does not separate"
            assert speaks in headline(link)


def test_every_link_is_flagged_or_says_why_not(result):
    links = result.links
    assert ((links["reasons"].map(len) == 0) == links["flagged"]).all()
    grouped = result.clusters.set_index("user")["cluster_id"]
    for row in links[links["flagged"]].itertuples():
        assert row.eligible
        assert grouped[row.user_a] == grouped[row.user_b]
    reference = set(result.accounts.loc[result.accounts["role"] == "reference", "user"])
    told = {word for said in links["reasons"] for word in said}
    assert not any(name in word for name in reference for word in told)
