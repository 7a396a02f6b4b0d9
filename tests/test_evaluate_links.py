import itertools
import json
import time

import numpy as np
import pandas as pd
import pytest

from sockgraph.errors import EvaluationError
from sockgraph.evaluation import evaluate, evaluation_table
from sockgraph.evaluation.labelled_pairs import match_labels, read_labels, read_links

KEYS = [
    "auc",
    "average_precision",
    "recall_at_fpr_1e-3",
    "cllr",
    "cllr_min",
    "p_lr_gt_10",
    "p_lr_gt_100",
    "p_lr_gt_1000",
    "n_true",
    "n_false",
    "n_insufficient",
    "flagged",
    "flagged_precision",
    "flagged_recall",
]
GROUP_KEYS = ["pair_precision", "pair_recall", "b3_precision", "b3_recall", "innocents_absorbed"]
CONTRASTS = [
    f"{name}_{of}"
    for name in ("stable", "components")
    for of in ("pair_recall", "b3_precision", "innocents_absorbed")
]


def table(rows):
    columns = ["user_a", "user_b", "score", "log10_lr", "flagged"]
    return pd.DataFrame(rows, columns=columns)


def links():
    return table(
        [
            ("Alder", "Birch", 3.0, 2.5, True),
            ("Alder", "Cedar", 0.5, 0.4, False),
            ("Alder", "Damson", None, None, False),
            ("Birch", "Cedar", 1.0, 1.5, True),
            ("Birch", "Damson", -1.0, -0.8, False),
            ("Cedar", "Damson", -2.0, -1.0, False),
        ]
    )


def labels(**persons):
    persons = persons or {"Alder": "one", "Birch": "one", "Cedar": None, "Damson": None}
    return pd.DataFrame({"user": list(persons), "person": list(persons.values())})


def test_the_worked_case():
    told = evaluate(links(), labels()).as_dict()
    assert list(told) == KEYS
    assert told["auc"] == 1
    assert told["average_precision"] == 1
    assert (told["n_true"], told["n_false"], told["n_insufficient"]) == (1, 5, 1)
    assert (told["flagged"], told["flagged_precision"], told["flagged_recall"]) == (2, 0.5, 1.0)
    assert (told["p_lr_gt_10"], told["p_lr_gt_100"]) == (pytest.approx(0.2), 0)
    true = np.log2(1 + 10**-2.5)
    false = np.log2(1 + 10.0 ** np.array([0.4, 0, 1.5, -0.8, -1])).mean()
    assert told["cllr"] == pytest.approx((true + false) / 2)


def test_null_persons_are_persons_of_their_own():
    judged = match_labels(links(), labels())
    assert judged.same.sum() == 1


def test_null_ranks_below_every_number_and_missing_below_null():
    low = links().assign(score=[None, 0.5, 0.6, 1.0, -1.0, -2.0])
    assert evaluate(low, labels()).auc == 0
    fewer = low.drop(index=5)
    kept = evaluate(fewer, labels(), allow_missing=True)
    assert kept.auc == pytest.approx(1 / 5)  # the null outranks the missing pair
    assert (kept.n_true, kept.n_false, kept.n_missing) == (1, 5, 1)


def test_missing_pairs_are_counted_as_if_they_stood_there_last_with_no_evidence():
    people = labels(Alder="one", Birch="one", Cedar="two", Damson="two", Elder=None)
    some = table([("Alder", "Birch", 2.0, 1.0, False), ("Alder", "Cedar", 1.0, 0.5, False)])
    rest = [
        (a, b, -99.0, None, False)
        for a, b in itertools.combinations(people["user"], 2)
        if (a, b) not in {("Alder", "Birch"), ("Alder", "Cedar")}
    ]
    missing = evaluate(some, people, allow_missing=True).as_dict()
    whole = evaluate(pd.concat([some, table(rest)]), people).as_dict()
    assert missing == pytest.approx(whole, nan_ok=False)


def test_missing_pairs_are_refused_unless_allowed():
    with pytest.raises(EvaluationError, match=r"1 pairs .* missing .*--allow-missing"):
        evaluate(links().drop(index=2), labels())
    with pytest.raises(EvaluationError, match="'Elder' first"):
        evaluate(links(), labels(Alder=1, Birch=1, Cedar=2, Damson=3, Elder=4))


def test_labelled_accounts_that_were_not_compared_are_left_out_only_when_asked_and_counted():
    more = labels(Alder="one", Birch="one", Cedar=None, Damson=None, Elder="one")
    told = evaluate(links(), more, compared_only=True)
    assert told.as_dict() == evaluate(links(), labels()).as_dict()
    assert told.n_uncompared == 1
    assert "1 labelled accounts are in no link" in evaluation_table(told)


def test_accounts_without_a_label_are_left_out_and_counted():
    fewer = labels(Alder="one", Birch="one", Cedar=None)
    told = evaluate(links(), fewer)
    assert (told.n_true, told.n_false, told.n_unlabelled) == (1, 2, 1)
    assert "1 accounts in the links have no label" in evaluation_table(told)


def test_insufficient_is_a_null_score_or_a_band_that_says_so():
    bands = ["insufficient"] * 2 + ["weakly for"] * 4
    assert evaluate(links().assign(band=bands), labels()).n_insufficient == 3


def test_rows_may_come_in_any_order_and_pairs_in_either():
    turned = (
        links().rename(columns={"user_a": "user_b", "user_b": "user_a"}).sample(6, random_state=1)
    )
    assert evaluate(turned, labels()) == evaluate(links(), labels())


def test_undefined_is_null_in_json_and_a_dash_in_print():
    none = evaluate(
        links().assign(flagged=False),
        labels(),
        clusters=pd.DataFrame({"user": [], "cluster_id": []}),
    )
    told = json.loads(json.dumps(none.as_dict(), allow_nan=False))
    assert told["flagged_precision"] is None
    assert told["pair_precision"] is None
    assert "\N{EN DASH}" in evaluation_table(none)
    assert "nan" not in evaluation_table(none).lower()


def test_groups_add_exactly_their_keys_and_take_the_ungrouped_as_alone():
    clusters = pd.DataFrame({"user": ["Alder", "Birch", "Damson"], "cluster_id": [1, 1, None]})
    judged = evaluate(links(), labels(), clusters=clusters)
    told = judged.as_dict()
    assert list(told) == KEYS + GROUP_KEYS
    assert list(judged.contrasts()) == CONTRASTS
    assert [told[key] for key in GROUP_KEYS] == [1, 1, 1, 1, 0]


def test_stable_groups_stand_beside_all_of_them():
    clusters = pd.DataFrame(
        {
            "user": ["Alder", "Birch", "Cedar", "Damson"],
            "cluster_id": [1, 1, 2, 2],
            "status": ["stable", "stable", "unresolved", "unresolved"],
        }
    )
    told = evaluate(links(), labels(), clusters=clusters)
    assert told.groups.innocents_absorbed == 1
    assert told.stable.innocents_absorbed == 0
    assert told.groups.pair_recall == told.stable.pair_recall == 1


def test_connected_components_stand_beside_for_contrast():
    """Alder-Birch at 2.5 and Birch-Cedar at 1.5 chain three accounts of two persons."""
    clusters = pd.DataFrame({"user": ["Alder", "Birch"], "cluster_id": [1, 1]})
    told = evaluate(links(), labels(), clusters=clusters)
    assert told.components.b3_precision == pytest.approx(2 / 3)
    assert told.components.innocents_absorbed == 0.5
    assert "connected components" in evaluation_table(told)


def test_a_stranger_in_a_group_is_not_judged_and_a_labelled_one_is():
    clusters = pd.DataFrame({"user": ["Alder", "Zelkova", "Cedar"], "cluster_id": [1, 2, 2]})
    assert evaluate(links(), labels(), clusters=clusters).groups.innocents_absorbed == 0
    clusters = clusters.assign(cluster_id=2)
    assert evaluate(links(), labels(), clusters=clusters).groups.innocents_absorbed == 0.5


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda f: f.drop(columns="score"), "columns missing: score"),
        (lambda f: f.assign(log10_lr="high"), "log10_lr is 'high' in row 0"),
        (lambda f: f.assign(score=np.inf), "score is 'inf' in row 0"),
        (lambda f: f.assign(flagged="perhaps"), "flagged is 'perhaps'"),
        (lambda f: f.assign(user_b="Alder"), "'Alder' is paired with itself"),
        (lambda f: pd.concat([f, f.head(1)]), "1 pairs stand twice, 'Alder' and 'Birch' first"),
        (lambda f: f.assign(user_a=None), "user_a is empty in row 0"),
    ],
)
def test_links_that_cannot_be_used_are_refused(spoil, told):
    with pytest.raises(EvaluationError, match=told):
        evaluate(spoil(links()), labels())


@pytest.mark.parametrize(
    ("people", "told"),
    [
        (pd.DataFrame({"user": ["Alder"]}), "columns missing: person"),
        (pd.DataFrame({"user": [], "person": []}), "names no account"),
        (pd.DataFrame({"user": ["Alder"] * 2, "person": [1, 2]}), "accounts stand twice: Alder"),
        (labels(Alder="one", Birch="two"), "has one operator"),
        (labels(Alder="one", Birch="one"), "has different operators"),
        (labels(Alder="one"), "has one operator"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(people, told):
    with pytest.raises(EvaluationError, match=told):
        evaluate(links(), people)


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_both_file_kinds_give_the_same(tmp_path, ending):
    paths = [tmp_path / f"{name}.{ending}" for name in ("links", "labels")]
    for frame, path in zip((links(), labels()), paths, strict=True):
        frame.to_parquet(path) if ending == "parquet" else frame.to_csv(path, index=False)
    assert evaluate(read_links(paths[0]), read_labels(paths[1])) == evaluate(links(), labels())


def test_a_name_that_looks_like_a_null_or_a_number_stays_a_name(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("\ufeffuser,person\nNA,1\nnull,1\n007,\nnan,\n", encoding="utf-8")
    read = read_labels(path)
    assert read["user"].tolist() == ["NA", "null", "007", "nan"]
    assert read["person"].isna().tolist() == [False, False, True, True]


def test_an_unreadable_file_says_so(tmp_path):
    with pytest.raises(EvaluationError, match="no such file"):
        read_links(tmp_path / "none.parquet")
    torn = tmp_path / "torn.parquet"
    torn.write_bytes(b"PAR1 and no more")
    with pytest.raises(EvaluationError, match="cannot be read"):
        read_links(torn)
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(EvaluationError, match="cannot be read"):
        read_labels(tmp_path / "empty.csv")


def test_a_million_pairs_take_seconds():
    random = np.random.default_rng(0)
    users = np.array([f"Account {n:04}" for n in range(1415)])
    a, b = np.triu_indices(len(users), 1)
    person = random.integers(0, 1000, len(users))
    score = random.normal(size=len(a)) + 3 * (person[a] == person[b])
    many = pd.DataFrame(
        {
            "user_a": users[a],
            "user_b": users[b],
            "score": score,
            "log10_lr": score,
            "flagged": score > 4,
        }
    )
    start = time.perf_counter()
    evaluate(many, pd.DataFrame({"user": users, "person": person}))
    assert time.perf_counter() - start < 15  # about 2 s on an idle core
