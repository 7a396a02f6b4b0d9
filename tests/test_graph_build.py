import io
import itertools
import math

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from links_fixture import whole_links

from sockgraph.errors import SockgraphError
from sockgraph.evidence.flagging import band
from sockgraph.graph import bipartite_graph, generate_graphml, gexf, layout, project, to_graph
from sockgraph.schema import validate

NAMES = ["Fen Orchid", "Heron Wade", "Lantern Moth", "Tallow Jack", "青石巷"]
TALKS = {
    ("Heron Wade", "青石巷"): (2.1, 1.6, 2.4),
    ("Fen Orchid", "Lantern Moth"): (1.0, 0.4, 1.5),
    ("Heron Wade", "Lantern Moth"): (-1.4, -1.9, -1.0),
    ("Fen Orchid", "Heron Wade"): (0.2, -0.3, 0.5),
}


def graphml(made):
    return "".join(generate_graphml(made))


def links(**changes):
    rows = []
    for a, b in itertools.combinations(NAMES, 2):
        number = TALKS.get((a, b), (None,) * 3)
        rows.append(
            {
                "user_a": a,
                "user_b": b,
                "score": number[0],
                "log10_lr": number[0],
                "log10_lr_low": number[1],
                "log10_lr_high": number[2],
                "n_for": 3,
                "n_against": 1,
                "n_insufficient": 0,
                "alibi": False,
                "band": band(*number[1:]) if number[0] else "insufficient",
                "flagged": number[0] == 2.1,
                "state": "flagged" if number[0] == 2.1 else "none",
            }
        )
    return whole_links(pd.DataFrame(rows).assign(**changes))


def accounts():
    roles = dict.fromkeys(NAMES, "nominated") | {
        "Heron Wade (AWB)": "declared",
        "reference-001": "reference",
    }
    rows = [
        {
            "wiki": "fernwick.example",
            "user": user,
            "groups": [],
            "role": role,
            "edit_count": 12 if user == "Tallow Jack" else None,
            "registered": pd.Timestamp("2023-09-18T10:00:00Z") if user == "青石巷" else None,
        }
        for user, role in roles.items()
    ]
    return validate("accounts", pd.DataFrame(rows))


def clusters():
    table = {
        "user": ["Heron Wade", "青石巷", "Tallow Jack"],
        "cluster_id": [1, 1, None],
        "membership": [0.98, 0.93, None],
        "weakest_link": [2.1, 2.1, None],
        "status": ["stable"] * 3,
    }
    return validate("clusters", pd.DataFrame(table))


def graph(**options):
    return to_graph(links(), accounts(), clusters(), **options)


def test_nodes_are_the_compared_by_name_then_the_declared_and_no_reference():
    assert list(graph()) == [*NAMES, "Heron Wade (AWB)"]
    node = graph().nodes["青石巷"]
    assert (node["role"], node["group"], node["membership"]) == ("nominated", 1, 0.93)
    assert node["registered"] == "2023-09-18T10:00:00Z"
    assert "edit_count" not in node
    assert graph().nodes["Tallow Jack"]["edit_count"] == 12
    assert "group" not in graph().nodes["Tallow Jack"]


def test_too_few_edits_are_a_mark_on_the_account_and_no_edge():
    made = graph()
    assert [n for n, known in made.nodes(data=True) if known["insufficient"]] == ["Tallow Jack"]
    assert made.degree("Tallow Jack") == 0


def test_every_pair_with_a_number_is_an_edge_and_the_drawn_ones_are_marked():
    made = graph()
    assert set(map(frozenset, made.edges)) == set(map(frozenset, TALKS))
    drawn = {frozenset((a, b)) for a, b, shown in made.edges(data="drawn") if shown}
    assert drawn == {frozenset(("Heron Wade", "青石巷")), frozenset(("Fen Orchid", "Lantern Moth"))}
    edge = made.edges["Heron Wade", "Lantern Moth"]
    assert (edge["direction"], edge["weight"], edge["log10_lr"]) == ("against", 0.0, -1.4)


def test_a_review_state_or_a_cannot_link_is_carried_without_a_number():
    state = ["asserted" if a == NAMES[2] and b == NAMES[3] else "none" for a, b in pairs()]
    made = to_graph(
        links(state=state), accounts(), cannot_links=[(NAMES[4], NAMES[3]), ("Nobody", "Else")]
    )
    assert made.edges[NAMES[2], NAMES[3]]["drawn"]
    assert made.edges[NAMES[3], NAMES[4]]["cannot_link"]
    assert "log10_lr" not in made.edges[NAMES[3], NAMES[4]]
    assert "Nobody" not in made


def test_concert_is_an_edge_of_a_second_kind_and_weighs_nothing():
    found = {("Fen Orchid", "Heron Wade"): 0.01, ("Fen Orchid", "Tallow Jack"): 0.03}
    rows = [
        {
            "user_a": a,
            "user_b": b,
            "support": 9,
            "statistic": 2.0,
            "p_adjusted": None if b == "青石巷" else found.get((a, b), 0.8),
            "status": "insufficient" if b == "青石巷" else "ok",
            "rev_ids": [],
        }
        for a, b in pairs()
    ]
    made = to_graph(links(), accounts(), concert=validate("concert", pd.DataFrame(rows)))
    told = {(a, b) for a, b, concert in made.edges(data="concert") if concert}
    assert told == set(found)
    edge = made.edges["Fen Orchid", "Tallow Jack"]
    assert (edge["weight"], edge["direction"], edge["concert_p"]) == (0.0, "neither", 0.03)
    assert "concert" not in made.edges["Heron Wade", "青石巷"]
    assert not any("concert" in known for *_, known in graph().edges(data=True))
    read = nx.read_graphml(io.BytesIO(graphml(made).encode()))
    assert read.edges["Fen Orchid", "Tallow Jack"]["concert"]


def test_another_backend_is_asked_where_one_is_named():
    made = graph()
    assert type(made) is nx.Graph
    with pytest.raises(ImportError, match="nobody_has_this"):
        nx.pagerank(made, backend="nobody_has_this")


def pairs():
    return list(itertools.combinations(NAMES, 2))


def test_the_graph_reads_the_direction_that_the_flag_rule_wrote():
    told = links()
    made = to_graph(told)
    for row in told[told["log10_lr"].notna()].itertuples():
        assert made.edges[row.user_a, row.user_b]["direction"] == row.direction
    assert set(told["direction"]) == {"for", "against", "neither"}
    plain = to_graph(told[["user_a", "user_b", "log10_lr"]])  # a table of one's own: the sign
    assert plain.edges["Fen Orchid", "Heron Wade"]["direction"] == "for"


@pytest.mark.parametrize("wrong", [nx.Graph(), pd.DataFrame({"user_a": ["A"]}), None, "links"])
def test_what_is_no_table_of_links_is_refused(wrong):
    with pytest.raises(SockgraphError, match=r"columns missing: .*log10_lr"):
        to_graph(wrong)


def test_declared_accounts_are_marked_on_their_edge():
    made = to_graph(links(), declared=[("Heron Wade", "青石巷", "Heron Wade (AWB)")])
    assert made.edges["Heron Wade", "青石巷"]["declared"]
    assert sum("declared" in known for *_, known in made.edges(data=True)) == 1


def test_every_attribute_is_a_plain_scalar_and_none_is_null():
    made = graph(cannot_links=[(NAMES[0], NAMES[3])])
    known = [*made.nodes(data=True), *((a, d) for a, _, d in made.edges(data=True))]
    for _, values in known:
        for name, value in values.items():
            assert type(value) in (str, int, float, bool), name
            assert not (isinstance(value, float) and math.isnan(value)), name


def test_rows_in_another_order_give_the_same_graph_and_text():
    shuffled = links().sample(frac=1, random_state=3)
    again = to_graph(shuffled, accounts().iloc[::-1], clusters().iloc[::-1])
    assert graphml(again) == graphml(graph())
    assert gexf(again) == gexf(graph())


def test_graphml_and_gexf_read_back_as_they_were():
    made = graph(cannot_links=[(NAMES[0], NAMES[3])])
    read = nx.read_graphml(io.BytesIO(graphml(made).encode()))
    assert dict(read.nodes(data=True)) == dict(made.nodes(data=True))
    assert list(read.nodes) == list(made.nodes)
    assert sorted(map(sorted, read.edges)) == sorted(map(sorted, made.edges))
    for a, b, known in made.edges(data=True):
        told = {k: v for k, v in read.edges[a, b].items() if k not in {"id", "strength"}}
        assert told == {**known, "weight": max(known["weight"], 0.001)}
        assert read.edges[a, b]["strength"] == known["weight"]
    back = nx.read_gexf(io.BytesIO(gexf(made).encode()))
    assert set(back) == set(made)
    assert back.nodes["青石巷"]["group"] == 1
    assert "lastmodified" not in gexf(made)


def test_gephi_keeps_every_edge():
    """Its ImportContainerImpl removes edges of weight 0 or below, and merges parallel ones."""
    made = graph(cannot_links=[(NAMES[0], NAMES[3])])
    assert any(weight == 0 for *_, weight in made.edges(data="weight"))
    for read in (
        nx.read_graphml(io.BytesIO(graphml(made).encode())),
        nx.read_gexf(io.BytesIO(gexf(made).encode())),
    ):
        assert not read.is_multigraph()
        assert read.number_of_edges() == made.number_of_edges()
        assert all(weight > 0 for *_, weight in read.edges(data="weight"))
        told = {frozenset((a, b)): direction for a, b, direction in read.edges(data="direction")}
        assert told == {frozenset((a, b)): side for a, b, side in made.edges(data="direction")}


def test_igraph_reads_it_too(tmp_path):
    """Not run by `make test`; by hand with igraph 1.0.0 on 2026-11-30 it passed."""
    igraph = pytest.importorskip("igraph", reason="igraph is GPL and no dependency of ours")
    (tmp_path / "g.graphml").write_text(graphml(graph()), encoding="utf-8")
    read = igraph.Graph.Read_GraphML(str(tmp_path / "g.graphml"))
    assert (read.vcount(), read.ecount()) == (len(graph()), graph().number_of_edges())


def test_characters_that_xml_cannot_carry_are_replaced_and_counted():
    made = nx.Graph()
    made.add_edge("Bell\x07 Ringer", "Bell\x08 Ringer", band="a\x00b")
    made.add_node("Half \ud83d")
    read = nx.read_graphml(io.BytesIO(graphml(made).encode()))
    assert read.graph["replaced_characters"] == 3
    assert list(read) == ["Bell\ufffd Ringer", "Bell\ufffd Ringer (2)", "Half \ufffd"]
    assert "replaced_characters" not in graphml(graph())


def test_any_algorithm_takes_the_weights():
    made = graph()
    assert nx.community.louvain_communities(made, weight="weight", seed=1)
    assert nx.pagerank(made, weight="weight")
    assert nx.algorithms.centrality.betweenness_centrality(made)


def test_an_empty_case_gives_an_empty_graph():
    made = to_graph(links().iloc[:0], accounts().iloc[:0])
    assert len(made) == 0
    assert nx.read_graphml(io.BytesIO(graphml(made).encode())).order() == 0


def random_graph(n, density, seed):
    random = np.random.default_rng(seed)
    made = nx.Graph()
    made.add_nodes_from(f"Account {i:03}" for i in range(n))
    names = list(made)
    for i, j in itertools.combinations(range(n), 2):
        if random.random() < density:
            made.add_edge(names[i], names[j], weight=float(random.uniform(0.1, 3)))
    return made


@pytest.mark.parametrize(("n", "density"), [(3, 1.0), (10, 0.3), (80, 0.02), (400, 0.002)])
def test_no_two_marks_overlap_and_all_are_on_the_picture(n, density):
    at = layout(random_graph(n, density, seed=n))
    places = np.array(list(at.values()))
    assert len(at) == n
    assert places.min() >= 0
    assert places.max() <= 1
    apart = (places[:, None] - places[None]) * [4 / 3, 1]
    distance = np.hypot(apart[..., 0], apart[..., 1])[np.triu_indices(n, 1)]
    assert distance.min() > 0.35 / math.sqrt(n)


def test_linked_accounts_stand_nearer_than_others():
    made = nx.Graph()
    for group in ("ABC", "DEF", "GHI"):
        made.add_weighted_edges_from((a, b, 2.0) for a, b in itertools.combinations(group, 2))
    at = {node: np.array(place) for node, place in layout(made).items()}
    within = [np.linalg.norm(at[a] - at[b]) for a, b in made.edges]
    across = [np.linalg.norm(at[a] - at[b]) for a, b in nx.non_edges(made)]
    assert np.mean(within) < np.mean(across) / 1.5


@given(st.integers(0, 30), st.integers(0, 5))
def test_layout_is_the_same_each_time(n, seed):
    made = random_graph(n, 0.2, seed)
    assert layout(made) == layout(made)
    assert list(layout(made)) == list(made)


def edits():
    rows = [
        ("Heron Wade", "盐码头", None, "2024-01-16T14:02Z"),
        ("Heron Wade", "盐码头", None, "2024-01-17T14:02Z"),
        ("青石巷", "盐码头", None, "2024-02-01T10:00Z"),
        ("Fen Orchid", "盐码头", None, "2024-02-01T10:00Z"),
        ("青石巷", None, 7, "2024-02-01T10:00Z"),
        ("Heron Wade", None, 7, "2024-02-01T10:00Z"),
    ]
    table = pd.DataFrame(rows, columns=["user", "title", "page_id", "timestamp"])
    table = table.assign(wiki="fernwick.example", rev_id=range(6), hidden=[[] for _ in range(6)])
    return validate("edits", table.assign(timestamp=pd.to_datetime(table["timestamp"])))


def test_two_modes_and_their_projection():
    made = bipartite_graph(edits())
    assert nx.bipartite.is_bipartite(made)
    assert list(made) == [
        "account:Fen Orchid",
        "account:Heron Wade",
        "account:青石巷",
        "page:7",
        "page:盐码头",
    ]
    edge = made.edges["account:Heron Wade", "page:盐码头"]
    assert edge["weight"] == 2
    assert (edge["first"], edge["last"]) == ("2024-01-16T14:02:00Z", "2024-01-17T14:02:00Z")
    pages = project(made)
    assert pages.edges["Heron Wade", "青石巷"]["weight"] == 2
    rarity = project(made, weight="rarity")
    assert rarity.edges["Heron Wade", "青石巷"]["weight"] == pytest.approx(1 / 2 + 1)
    assert nx.read_graphml(io.BytesIO(graphml(made).encode())).order() == 5
    with pytest.raises(SockgraphError, match="pages or rarity"):
        project(made, weight="hours")


def test_accounts_may_be_called_by_their_numbers():
    found = to_graph(pd.DataFrame({"user_a": [1, 1], "user_b": [2, 3], "log10_lr": [1.0, 0.5]}))
    assert set(found.edges) == {(1, 2), (1, 3)}
