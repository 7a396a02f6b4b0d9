import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockgraph.evaluation import group_metrics

PARTITIONS = st.integers(1, 9).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(0, 4), min_size=n, max_size=n)] * 2)
)


def by_definition(person, group):
    """The same figures, each from its definition in words."""
    n = range(len(person))
    pairs = list(itertools.combinations(n, 2))
    same_group = [p for p in pairs if group[p[0]] == group[p[1]]]
    same_person = [p for p in pairs if person[p[0]] == person[p[1]]]
    both = set(same_group) & set(same_person)
    cluster = [{j for j in n if group[j] == group[i]} for i in n]
    owned = [{j for j in n if person[j] == person[i]} for i in n]
    several = [i for i in n if len(owned[i]) > 1]
    alone = [i for i in n if len(owned[i]) == 1]

    def mean(values):
        return np.mean(values) if values else None

    return {
        "pair_precision": len(both) / len(same_group) if same_group else None,
        "pair_recall": len(both) / len(same_person) if same_person else None,
        "b3_precision": mean([len(cluster[i] & owned[i]) / len(cluster[i]) for i in several]),
        "b3_recall": mean([len(cluster[i] & owned[i]) / len(owned[i]) for i in several]),
        "innocents_absorbed": mean([bool(cluster[i] - owned[i]) for i in alone]),
    }


@given(PARTITIONS)
def test_every_figure_is_what_its_definition_says(partitions):
    person, group = map(np.array, partitions)
    told = vars(group_metrics(person, group))
    for name, figure in by_definition(person, group).items():
        assert told[name] == (None if figure is None else pytest.approx(figure)), name


def test_a_worked_case():
    person = np.array([0, 0, 0, 1, 1, 2, 3])
    group = np.array([0, 0, 1, 1, 2, 2, 3])
    told = group_metrics(person, group)
    assert told.pair_precision == pytest.approx(1 / 3)
    assert told.pair_recall == pytest.approx(1 / 4)
    assert told.b3_precision == pytest.approx((1 + 1 + 1 / 2 + 1 / 2 + 1 / 2) / 5)
    assert told.b3_recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 / 2 + 1 / 2) / 5)
    assert told.innocents_absorbed == 0.5
