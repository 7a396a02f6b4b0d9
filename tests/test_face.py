"""The public face: what `import sockgraph as sg` gives, and what it refuses."""

from __future__ import annotations

import rlcompleter
import subprocess
import sys

import networkx as nx
import pandas as pd
import pytest
import tiny
from sklearn.cluster import DBSCAN

import sockgraph as sg
from sockgraph.errors import SockgraphError
from sockgraph.evidence import EvidenceSettings

NAMES = "cluster compare evaluate explore fetch flag load_case new_case read review run screen"
NAMES = sorted([*NAMES.split(), "to_graph", "validate", "which_case"])


def test_the_names_are_listed_completed_and_documented():
    assert [n for n in dir(sg) if not n.startswith("_")] == NAMES
    complete = rlcompleter.Completer({"sg": sg}).complete
    assert complete("sg.lo", 0).startswith("sg.load_case")
    for name in NAMES:
        assert callable(getattr(sg, name))
        assert ">>> " in getattr(sg, name).__doc__, f"{name} has an example"


def test_no_name_is_both_a_package_and_a_function():
    import pkgutil

    modules = {m.name for m in pkgutil.iter_modules(sg.__path__)}
    assert not modules & set(NAMES)
    for module in modules - {"__main__"}:
        __import__(f"sockgraph.{module}")
    assert all(callable(getattr(sg, name)) for name in NAMES)


def test_importing_loads_nothing_heavy():
    heavy = "{'pandas', 'sklearn', 'networkx', 'matplotlib', 'mwclient'} & set(sys.modules)"
    code = f"import sys, sockgraph as sg; dir(sg); assert not ({heavy}), {heavy}"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'links'"):
        _ = sg.links


@pytest.fixture(scope="module")
def scores():
    few = EvidenceSettings(resamples=3)
    return sg.compare(tiny.edits(others=32, each=20), settings=few)


def test_from_a_table_of_edits_to_flags_with_another_estimator(scores):
    graph = sg.to_graph(scores)
    assert type(graph) is nx.Graph
    groups = sg.cluster(graph, DBSCAN(eps=0.5, min_samples=2, metric="precomputed"))
    links = sg.flag(scores, groups)
    assert len(links) == 36 * 35 // 2
    assert list(links.columns) == list(scores.links.columns)
    assert ((links["reasons"].map(len) == 0) == links["flagged"]).all()
    again = sg.flag(links, groups)  # saying it twice changes nothing
    pd.testing.assert_frame_equal(again, links)


def test_paths_may_be_text_and_cases_objects(tmp_path):
    path = tiny.write(tmp_path, frame=tiny.edits(each=12))
    case = sg.load_case(str(path))
    people = [sg.fetch(given, data=str(tmp_path)) for given in (str(path), path, case)]
    assert {len(one.edits) for one in people} == {len(people[0].edits)}
    assert set(people[0].coverage["user"]) >= set(tiny.NAMES)
    assert "4 nominated" in repr(people[0])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: sg.compare(nx.Graph()), "a table of edits"),
        (lambda: sg.compare(pd.DataFrame({"user": ["A"]})), "columns missing: timestamp"),
        (lambda: sg.compare(tiny.edits(each=2), nominated=["Nobody"]), "no edits of this name"),
        (lambda: sg.to_graph(nx.Graph()), "columns missing"),
        (lambda: sg.cluster(pd.DataFrame({"user_a": ["A"]})), r"networkx\.Graph"),
        (lambda: sg.flag(nx.Graph(), pd.DataFrame()), "columns missing"),
        (lambda: sg.run(42), "path of its file"),
        (lambda: sg.read(pd.DataFrame()), "path of its file"),
        (lambda: sg.evaluate(pd.DataFrame({"user_a": []}), pd.DataFrame()), "columns missing"),
    ],
)
def test_a_wrong_object_gets_value_rule_and_remedy(call, said):
    with pytest.raises(SockgraphError, match=said) as error:
        call()
    assert error.value.rule
    assert error.value.remedy


def test_groups_of_another_kind_are_refused(scores):
    with pytest.raises(SockgraphError, match="user and cluster_id"):
        sg.flag(scores, pd.DataFrame({"name": ["A"]}))
