import numpy as np
import pandas as pd
import pytest

from sockgraph.errors import SchemaError
from sockgraph.schema import TABLES, empty, validate


def _edit(**given):
    row = {"wiki": "w", "rev_id": 1, "user": "A", "timestamp": pd.Timestamp("2024-01-01", tz="UTC")}
    return row | given


@pytest.mark.parametrize("name", TABLES)
def test_every_table_can_be_empty(name):
    table = empty(name)
    assert len(table) == 0
    assert list(table.columns) == list(TABLES[name].columns)


def test_rows_are_sorted_by_key_and_types_are_the_contract_s():
    table = validate("edits", pd.DataFrame([_edit(rev_id=2), _edit(rev_id=1, tags=["x"])]))
    assert table["rev_id"].tolist() == [1, 2]
    assert str(table["timestamp"].dtype) == "datetime64[us, UTC]"
    assert str(table["size_diff"].dtype) == "Int32"


def test_missing_stays_missing():
    table = validate("edits", pd.DataFrame([_edit()]))
    row = table.iloc[0]
    assert pd.isna(row["comment"])
    assert row["minor"] is pd.NA
    assert row["size_diff"] is pd.NA
    assert row["tags"] is None
    assert row["hidden"] == []


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([_edit(), _edit()], "rev_id"),
        ([_edit(user=None)], "user"),
        ([_edit(rev_id="x")], "rev_id"),
        ([_edit(hidden=["everything"])], "hidden"),
        ([_edit(tags="minor")], "tags: no list"),
        ([_edit(tags=5)], "tags: no list"),
        ([_edit(colour="red")], "columns unknown: colour"),
        ([{"wiki": "w", "rev_id": 1}], "columns missing: timestamp, user"),
    ],
)
def test_each_broken_rule_is_named(rows, said):
    with pytest.raises(SchemaError, match=said):
        validate("edits", pd.DataFrame(rows))


def test_no_number_is_cut_to_what_fits():
    given = pd.DataFrame([_edit(size_diff=2**40)]).astype({"size_diff": "Int64"})
    with pytest.raises(SchemaError, match="size_diff: no Int32"):
        validate("edits", given)


def test_a_pair_stands_once_and_in_order():
    row = {"user_a": "B", "user_b": "A", "start": pd.Timestamp(0, tz="UTC"), "n_edits": 1}
    row |= {"end": pd.Timestamp(0, tz="UTC")}
    with pytest.raises(SchemaError, match="must sort before"):
        validate("alibis", pd.DataFrame([row]))


def test_the_given_frame_is_left_as_it_was():
    given = pd.DataFrame([_edit(rev_id=np.int64(2)), _edit()])
    before = given.copy()
    validate("edits", given)
    pd.testing.assert_frame_equal(given, before)


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
def test_what_is_given_stays_as_it_is_whether_in_order_or_not(order):
    users = pd.Series(["A", "B", "C"], dtype=object)
    given = pd.DataFrame([_edit(rev_id=i, user=u) for i, u in enumerate(users)]).iloc[order]
    before = given.copy(deep=True)
    table = validate("edits", given)
    assert table["rev_id"].tolist() == [0, 1, 2]
    assert table.index.tolist() == [0, 1, 2]
    pd.testing.assert_frame_equal(given, before)
    table.loc[0, "user"] = "Z"
    pd.testing.assert_frame_equal(given, before)
