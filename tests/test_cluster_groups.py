import itertools

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from oracle_correlation import best_partition, exact_clusters
from sklearn.cluster import DBSCAN, HDBSCAN, AgglomerativeClustering, KMeans

from sockgraph.clustering import cluster, cluster_frame, component_clusters, group_accounts
from sockgraph.clustering.linkage import pair_evidence as evidence_of
from sockgraph.clustering.linkage import partition
from sockgraph.errors import SockgraphError
from sockgraph.graph import to_graph
from sockgraph.schema import TABLES, subject_of, validate

NAMES = [f"Account {letter}" for letter in "ABCDEFGHIJKL"]
T = 1.0


def cluster_accounts(table, omissions=None, *, cannot_links=(), declared=(), **options):
    graph = to_graph(table, cannot_links=cannot_links, declared=declared)
    return group_accounts(graph, omissions, **options)


def pair_evidence(table, *, cannot_links=()):
    return evidence_of(to_graph(table, cannot_links=cannot_links))


def grouped(table, *, linkage="average", **constraints):
    """Return the groups alone, without what each leans on: most of the time that clusters take."""
    known = pair_evidence(table, **constraints)
    group = partition(known, threshold=T, linkage=linkage)
    return groups_of(cluster_frame(known.users, group))


def links(weights):
    """Links of accounts named A, B, ... from an upper triangle row by row."""
    pairs = [(a, b) for a, b in itertools.combinations(NAMES, 2) if b in NAMES[: size(weights)]]
    pairs.sort(key=lambda pair: (NAMES.index(pair[0]), NAMES.index(pair[1])))
    rows = [(*pair, weight) for pair, weight in zip(pairs, weights, strict=True)]
    return pd.DataFrame(rows, columns=["user_a", "user_b", "log10_lr"])


def size(weights):
    return int((1 + np.sqrt(1 + 8 * len(weights))) / 2)


def triangle(values, least=2, most=6):
    return st.integers(least, most).flatmap(
        lambda n: st.lists(values, min_size=n * (n - 1) // 2, max_size=n * (n - 1) // 2)
    )


anything = triangle(st.one_of(st.none(), st.sampled_from([-2.0, -0.5, 0.0, 0.9, 1.0, 1.5, 2.5])))
distinct = triangle(st.floats(-3, 3, allow_subnormal=False)).filter(lambda w: len(set(w)) == len(w))
linkages = st.sampled_from(["average", "complete"])


def groups_of(clusters):
    held = clusters.dropna(subset="cluster_id").groupby("cluster_id")["user"]
    return {frozenset(users) for _, users in held}


def partitions(items):
    if not items:
        yield []
        return
    for rest in partitions(items[1:]):
        yield [[items[0]], *rest]
        for i, part in enumerate(rest):
            yield [*rest[:i], [items[0], *part], *rest[i + 1 :]]


def worth(known, parts):
    return sum(
        known.weights[i, j] - T for part in parts for i, j in itertools.combinations(part, 2)
    )


def agglomerate(known, linkage):
    """Average or complete linkage as a textbook has it, cannot-links asked of every pair."""
    parts = [[i] for i in range(len(known.users))]

    def height(a, b):
        block = np.ix_(a, b)
        if known.apart[block].any():
            return -np.inf
        inside = known.weights[block]
        return round(float(inside.mean() if linkage == "average" else inside.min()), 9)

    while len(parts) > 1:
        best = max(itertools.combinations(parts, 2), key=lambda pair: height(*pair))
        if height(*best) < T:
            break
        parts = [part for part in parts if part not in best] + [best[0] + best[1]]
    return {frozenset(known.users[part]) for part in parts if len(part) > 1}


@given(distinct, linkages, st.sets(st.tuples(*[st.sampled_from(NAMES[:6])] * 2), max_size=3))
def test_groups_are_those_of_the_textbook_with_cannot_links(weights, linkage, apart):
    apart = [pair for pair in apart if pair[0] != pair[1]]
    known = pair_evidence(links(weights), cannot_links=apart)
    told = grouped(links(weights), cannot_links=apart, linkage=linkage)
    assert told == agglomerate(known, linkage)


@example([None], "average", {("Account A", "Account B")})  # no number anywhere, and kept apart
@example([2.5, 2.5, 2.5], "average", {("Account A", "Account C")})
@example([2.5, 2.5, 2.5], "complete", {("Account A", "Account C")})
@given(anything, linkages, st.sets(st.tuples(*[st.sampled_from(NAMES[:6])] * 2), max_size=4))
def test_cannot_linked_accounts_never_share_a_group(weights, linkage, apart):
    apart = [pair for pair in apart if pair[0] != pair[1]]
    for group in grouped(links(weights), cannot_links=apart, linkage=linkage):
        assert not any(set(pair) <= group for pair in apart)


@given(anything, linkages, st.randoms())
def test_neither_the_order_of_rows_nor_ties_change_a_thing(weights, linkage, random):
    table = links(weights)
    shuffled = table.sample(frac=1, random_state=random.randrange(2**32))
    first = cluster_accounts(table, linkage=linkage, threshold=T)
    again = cluster_accounts(shuffled, linkage=linkage, threshold=T)
    pd.testing.assert_frame_equal(first.clusters, again.clusters)
    pd.testing.assert_frame_equal(first.omissions, again.omissions)
    pd.testing.assert_frame_equal(first.merges, again.merges)
    assert groups_of(first.clusters) == grouped(table, linkage=linkage)


@given(anything, linkages)
def test_a_groups_mean_evidence_reaches_the_threshold(weights, linkage):
    known = pair_evidence(links(weights))
    for group in grouped(links(weights), linkage=linkage):
        inside = known.of(known.users.get_indexer(list(group))).weights
        inside = inside[np.triu_indices(len(group), 1)]
        assert (inside.mean() if linkage == "average" else inside.min()) >= T - 1e-9


@given(triangle(st.sampled_from([-1.0, 0.0, 0.7, 1.0, 1.6, 3.0]), most=5))
def test_the_exact_partition_is_the_best_of_all(weights):
    known = pair_evidence(links(weights))
    best = best_partition(known, T)
    every = list(partitions(list(range(len(known.users)))))
    found, worths = worth(known, best), [worth(known, parts) for parts in every]
    assert found == pytest.approx(max(worths))
    most = max(len(parts) for parts, one in zip(every, worths, strict=True) if one > found - 1e-9)
    assert len(best) == most


@given(anything)
def test_agglomeration_never_beats_the_exact_partition(weights):
    known = pair_evidence(links(weights))

    def value(groups):
        return worth(known, [known.users.get_indexer(list(group)) for group in groups])

    exact = groups_of(exact_clusters(links(weights), threshold=T))
    assert value(grouped(links(weights))) <= value(exact) + 1e-9


@given(st.lists(st.integers(0, 3), min_size=2, max_size=8), st.randoms())
def test_where_evidence_is_clear_all_agree(person, random):
    pairs = list(itertools.combinations(person, 2))
    weights = [random.uniform(1.1, 3) if a == b else random.uniform(-3, 0.9) for a, b in pairs]
    table = links(weights)
    truth = {
        frozenset(name for name, p in zip(NAMES, person, strict=False) if p == one)
        for one in person
        if person.count(one) > 1
    }
    assert groups_of(exact_clusters(table, threshold=T)) == truth
    for linkage in ("average", "complete"):
        assert grouped(table, linkage=linkage) == truth
    assert groups_of(component_clusters(table, threshold=T)) == truth


def test_twelve_accounts_are_solved_and_thirteen_refused():
    twelve = links([2.0] * 66)
    assert groups_of(exact_clusters(twelve, threshold=T)) == {frozenset(NAMES)}
    more = pd.DataFrame({"user_a": NAMES, "user_b": "Account Z", "log10_lr": 2.0})
    with pytest.raises(SockgraphError, match="13 accounts hang together"):
        exact_clusters(pd.concat([twelve, more]), threshold=T)


def test_a_chain_does_not_join_its_ends():
    chain = links([2.0, -2.0, 2.0])  # A-B and B-C for, A-C against
    assert groups_of(component_clusters(chain, threshold=T)) == {frozenset(NAMES[:3])}
    for linkage in ("average", "complete"):
        (group,) = groups_of(cluster_accounts(chain, linkage=linkage, threshold=T).clusters)
        assert len(group) == 2


def test_insufficient_is_no_evidence_and_not_distance():
    table = links([3.0, None, 3.0])
    assert groups_of(cluster_accounts(table, threshold=1.5).clusters) == {frozenset(NAMES[:3])}
    told = cluster_accounts(table, threshold=1.5).groups.iloc[0]
    assert (told["weakest_link"], told["n_insufficient"]) == (3.0, 1)
    assert groups_of(cluster_accounts(table, threshold=1.6).clusters) != {frozenset(NAMES[:3])}


def test_a_declared_link_holds_no_group_together():
    table = links([2.0])
    assert groups_of(cluster_accounts(table, threshold=T).clusters)
    assert not groups_of(cluster_accounts(table, declared=[NAMES[:2]], threshold=T).clusters)


def eligible(weights, *pairs, **changes):
    table = links(weights)
    marks = [
        {a[-1], b[-1]} in [set(pair) for pair in pairs]
        for a, b in zip(table["user_a"], table["user_b"], strict=True)
    ]
    return table.assign(eligible=marks, **changes)


def test_a_group_rests_on_links_that_may_be_flagged():
    a, b, c = NAMES[:3]
    both = eligible([2.0, 2.0, 2.0], "AB", "BC")
    assert groups_of(cluster_accounts(both).clusters) == {frozenset((a, b, c))}
    one = eligible([2.0, 2.0, 2.0], "AB")
    assert groups_of(cluster_accounts(one).clusters) == {frozenset((a, b))}
    assert not groups_of(cluster_accounts(eligible([2.0, 2.0, 2.0])).clusters)


def test_all_links_count_for_and_against_whatever_a_group_rests_on():
    against = eligible([2.0, -2.0, 2.0], "AB", "BC")
    (group,) = groups_of(cluster_accounts(against).clusters)
    assert len(group) == 2


def test_accounts_whose_go_between_is_kept_apart_have_nothing_to_rest_on():
    a, b, c = NAMES[:3]
    table = eligible([2.0, 2.5, 2.0], "AB", "BC")
    apart = [(a, b)]
    told = cluster_accounts(table, cannot_links=apart)
    assert groups_of(told.clusters) == {frozenset((b, c))}


@given(anything, linkages, st.data())
def test_every_group_hangs_together_by_what_it_rests_on(weights, linkage, data):
    table = links(weights)
    marks = data.draw(st.lists(st.booleans(), min_size=len(table), max_size=len(table)))
    told = grouped(table.assign(eligible=marks), linkage=linkage)
    resting = table[np.array(marks, dtype=bool) & (table["log10_lr"] >= T)]
    chains = nx.Graph(resting[["user_a", "user_b"]].itertuples(index=False, name=None))
    for group in told:
        assert nx.is_connected(chains.subgraph(group))
        assert group <= set(chains)


@pytest.mark.parametrize("weights", [[None] * 3, [], [0.0] * 6])
def test_nothing_to_group_gives_empty_tables_that_keep_their_contract(weights):
    table = links(weights) if weights else links([1.0]).iloc[:0]
    told = cluster_accounts(table)
    assert told.clusters["cluster_id"].isna().all()
    assert list(told.clusters.columns) == list(TABLES["clusters"].columns)
    assert told.groups.empty
    assert told.merges.empty
    validate("omissions", told.omissions)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"cannot_links": [(NAMES[0], NAMES[0])]}, "keeps an account apart from itself"),
        ({"threshold": 0}, "log10 LR above 0"),
        ({"threshold": float("nan")}, "log10 LR above 0"),
        ({"linkage": "single"}, "one of average, complete"),
    ],
)
def test_settings_that_mean_nothing_are_refused(options, told):
    with pytest.raises(SockgraphError, match=told):
        cluster_accounts(links([1.0]), **options)


def test_a_pair_that_stands_twice_is_refused():
    table = links([1.0, 2.0, 0.0])
    turned = table.rename(columns={"user_a": "user_b", "user_b": "user_a"})
    with pytest.raises(SockgraphError, match="stands twice"):
        cluster_accounts(pd.concat([table, turned]))


def test_cannot_links_of_strangers_change_nothing():
    told = cluster_accounts(links([2.0]), cannot_links=[(NAMES[0], "Nobody here")])
    assert groups_of(told.clusters) == {frozenset(NAMES[:2])}


def test_groups_are_numbered_by_size_then_name():
    table = pd.DataFrame(
        [("X", "Y", 2.0), ("Y", "Z", 2.0), ("X", "Z", 2.0), ("A", "B", 2.0), ("C", "D", 2.0)],
        columns=["user_a", "user_b", "log10_lr"],
    )
    told = cluster_accounts(table).clusters.set_index("user")["cluster_id"]
    assert told.to_dict() == {"X": 1, "Y": 1, "Z": 1, "A": 2, "B": 2, "C": 3, "D": 3}


def omitted(*rows):
    return pd.DataFrame(
        [(subject_of(*pair), label, value) for *pair, label, value in rows],
        columns=["subject", "omitted", "log10_lr"],
    )


def test_leaving_out_what_a_group_leans_on_shows_and_is_balanced_over_kinds():
    a, b, c = NAMES[:3]
    table = links([2.0, 2.0, 2.0])
    without = omitted(
        (a, c, "signal:summary phrases", 0.1),
        (b, c, "signal:summary phrases", 0.2),
        *[(a, b, f"week:2024-W{week:02}", 1.9) for week in range(1, 9)],
    )
    told = cluster_accounts(table, without, threshold=T)
    members = told.clusters.set_index("user")
    # accounts 1, weeks 1; the one signal: A keeps one of two, C none
    assert members["membership"].to_dict() == pytest.approx(
        {a: (1 + 1 + 1 / 2) / 3, b: (1 + 1 + 1 / 2) / 3, c: (1 + 1 + 0) / 3}
    )
    assert set(members["status"]) == {"unresolved"}
    rows = told.omissions.set_index(["subject", "omitted"])
    assert rows.loc[(subject_of(a, b, c), "signal:summary phrases"), "co_membership"] == (
        pytest.approx(1 / 3)
    )
    lost = rows.loc[(subject_of(a, c), "signal:summary phrases")]
    assert (lost["co_membership"], lost["log10_lr"]) == (0, 0.1)
    assert rows.loc[(subject_of(a, b, c), "week:2024-W01"), "co_membership"] == 1


def test_a_group_that_survives_every_omission_is_stable():
    a, b = NAMES[:2]
    told = cluster_accounts(links([2.0]), omitted((a, b, "family:text", 1.2)), threshold=T)
    assert told.clusters["status"].tolist() == ["stable"] * 2
    assert told.clusters["membership"].tolist() == [1, 1]


def test_a_group_that_nothing_could_test_is_unresolved():
    told = cluster_accounts(links([2.0]), threshold=T)
    assert told.clusters["status"].tolist() == ["unresolved"] * 2
    assert told.clusters["membership"].isna().all()


def test_an_account_alone_that_an_omission_would_join_is_unresolved():
    a, b = NAMES[:2]
    told = cluster_accounts(links([0.5]), omitted((a, b, "family:time", 1.2)), threshold=T)
    assert told.clusters["cluster_id"].isna().all()
    assert told.clusters["status"].tolist() == ["unresolved"] * 2


def test_an_account_that_alone_holds_others_together_is_a_bridge():
    a, b, c = NAMES[:3]
    told = cluster_accounts(links([2.5, 0.5, 2.5]), threshold=1.5)
    (group,) = told.groups.to_dict("records")
    assert group["bridges"] == [b]
    assert (group["weakest_a"], group["weakest_b"], group["weakest_link"]) == (a, c, 0.5)


def test_an_insufficient_omission_is_no_evidence():
    a, b = NAMES[:2]
    told = cluster_accounts(links([2.0]), omitted((a, b, "family:text", None)), threshold=T)
    assert told.clusters["membership"].tolist() == [0, 0]


def test_the_tree_tells_where_its_cut_falls():
    told = cluster_accounts(links([2.5, 2.0, 1.5]), threshold=1.9)
    assert told.leaves == (tuple(NAMES[:3]),)
    assert told.merges["log10_lr"].tolist() == [2.5, 1.75]
    assert told.merges["joined"].tolist() == [True, False]
    assert told.merges[["left", "right"]].to_numpy().tolist() == [[0, 1], [2, 3]]


def test_a_cannot_link_in_a_tree_has_no_height():
    told = cluster_accounts(links([2.5, 2.0, 2.2]), cannot_links=[NAMES[:2]], threshold=1.0)
    assert told.merges["log10_lr"].isna().tolist() == [False, True]
    assert groups_of(told.clusters) == {frozenset(NAMES[1:3])}


def test_a_hundred_and_fifty_accounts_and_their_omissions_take_seconds():
    random = np.random.default_rng(1)
    n = 150
    names = np.array([f"Account {i:03}" for i in range(n)])
    a, b = np.triu_indices(n, 1)
    weight = random.normal(-1.5, 1, len(a)) + 4 * (a // 2 == b // 2)
    table = pd.DataFrame({"user_a": names[a], "user_b": names[b], "log10_lr": weight})
    near = table[weight > 0.5]
    without = pd.concat(
        [
            near.assign(
                subject=[subject_of(x, y) for x, y in zip(near.user_a, near.user_b, strict=True)],
                omitted=f"week:2024-W{week:02}",
            )
            for week in range(15)
        ]
    )[["subject", "omitted", "log10_lr"]]
    told = cluster_accounts(table, without)
    assert len(told.groups) > 50


def test_constraints_that_contradict_keep_apart_and_say_nothing_else():
    """Declared as one person's, flagged, and kept apart: apart wins, whatever the order."""
    a, b, c = NAMES[:3]
    table = eligible([2.5, 2.0, 2.0], "AB", "BC", "AC")
    told = [
        cluster_accounts(
            table.sample(frac=1, random_state=seed), cannot_links=pairs, declared=[(b, a)]
        )
        for seed, pairs in enumerate(([(a, b)], [(b, a), (a, b)]))
    ]
    for one in told:
        groups = one.clusters.dropna(subset="cluster_id").groupby("cluster_id")["user"]
        assert all(not {a, b} <= set(users) for _, users in groups)
        pd.testing.assert_frame_equal(one.clusters, told[0].clusters)
    everything = [(a, b), (b, c), (a, c)]
    nothing = cluster_accounts(table, cannot_links=everything)
    assert nothing.clusters["cluster_id"].isna().all()


@given(triangle(st.sampled_from([None, 1.0, 2.0]), most=5), st.randoms())
def test_parts_without_links_between_them_are_grouped_each_by_itself(weights, random):
    here = links(weights)
    there = here.assign(
        user_a="Zeta " + here["user_a"].str[-1], user_b="Zeta " + here["user_b"].str[-1]
    )
    both = pd.concat([here, there], ignore_index=True)
    both = both.sample(frac=1, random_state=random.randrange(1000))
    alone, other = grouped(here), grouped(there)
    assert grouped(both) == alone | other
    assert len(alone) == len(other)


def test_links_held_at_one_bound_are_told_apart_by_the_score():
    """Two pairs at the bound compete for one account: the higher score joins first."""
    a, b, c = NAMES[:3]
    for scores, together in (([3.0, 2.5, -2.0], {a, b}), ([2.5, 3.0, -2.0], {a, c})):
        table = links([2.1, 2.1, -2.0]).assign(score=scores)
        (group,) = groups_of(cluster(to_graph(table)))
        assert group == together


@pytest.mark.parametrize(
    "estimator",
    [
        DBSCAN(eps=1.0, min_samples=2, metric="precomputed"),
        HDBSCAN(min_cluster_size=2, metric="precomputed", copy=True),
        AgglomerativeClustering(
            n_clusters=None, metric="precomputed", linkage="complete", distance_threshold=1.0
        ),
    ],
)
def test_any_estimator_of_distances_groups_and_respects_cannot_links(estimator):
    a, b, c, d = NAMES[:4]
    table = links([2.5, -2.0, -2.0, -2.0, -2.0, 2.4])
    told = cluster(to_graph(table), estimator)
    assert groups_of(told) == {frozenset((a, b)), frozenset((c, d))}
    validate("clusters", told)
    apart = cluster(to_graph(table, cannot_links=[(a, b)]), estimator)
    assert not any({a, b} <= group for group in groups_of(apart))
    held = cluster(to_graph(table.assign(eligible=[True, *[False] * 5])), estimator)
    assert groups_of(held) == {frozenset((a, b))}


@pytest.mark.parametrize(
    ("estimator", "said"),
    [
        (KMeans(2), "cluster a matrix of distances"),
        (DBSCAN(), "metric='precomputed'"),
        (AgglomerativeClustering(9, metric="precomputed", linkage="average"), "refuses 2 accounts"),
    ],
)
def test_an_estimator_that_takes_no_distances_is_refused(estimator, said):
    with pytest.raises(SockgraphError, match=said):
        cluster(to_graph(links([2.0])), estimator)


@pytest.mark.parametrize(
    "graph", [links([2.0]), nx.DiGraph(), nx.Graph([("A", "B", {"weight": 2.0})]), None]
)
def test_what_is_no_graph_of_links_is_refused(graph):
    with pytest.raises(SockgraphError, match=r"networkx\.Graph|log10_lr"):
        cluster(graph)
