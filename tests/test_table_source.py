from pathlib import Path

import pandas as pd
import pytest

from sockgraph.case import load_case
from sockgraph.errors import SourceError, TableError
from sockgraph.names import KINDS, TEMPORARY
from sockgraph.sources import TableSource
from sockgraph.sources.table_file import listed

CASE = """
title = "Edits to one river"
reason = "Three articles were returned to one wording"
wikis = ["fernwick.example"]
[source]
kind = "table"
path = "{path}"
[accounts]
nominated = ["*"]
min_edits = 2
{more}
"""


def _rows(user, times, title="River", **more):
    return [{"timestamp": t, "user": user, "title": title, "comment": "ce"} | more for t in times]


@pytest.fixture
def source(tmp_path):
    def _source(rows, path="edits.parquet", more="", text=None):
        frame = pd.DataFrame(rows)
        if text is not None:
            (tmp_path / path).write_text(text)
        elif path.endswith(".csv"):
            frame.to_csv(tmp_path / path, index=False)
        elif rows:
            frame.to_parquet(tmp_path / path)
        (tmp_path / "river.toml").write_text(CASE.format(path=path, more=more))
        return TableSource(load_case(tmp_path / "river.toml"))

    return _source


DAYS = ["2024-01-01T10:00:00Z", "2024-01-02T10:00:00Z", "2024-01-03T10:00:00Z"]


@pytest.mark.parametrize("path", ["edits.parquet", "edits.csv"])
def test_parquet_and_csv_give_the_same_table(source, path):
    rows = _rows("青石巷", DAYS) + _rows("NA", DAYS, title="null")
    reading = source(rows, path).read(["青石巷", "NA"])
    assert reading.edits["user"].value_counts().to_dict() == {"青石巷": 3, "NA": 3}
    assert set(reading.edits["title"]) == {"River", "null"}
    assert reading.edits["timestamp"].min() == pd.Timestamp(DAYS[0])


def test_ids_do_where_names_are_missing(source):
    rows = [{"timestamp": t, "user_id": 7, "page_id": 3} for t in DAYS]
    table = source(rows).read(["#7"]).edits
    assert table["user"].tolist() == ["#7"] * 3
    assert table["page_id"].tolist() == [3] * 3
    assert table["title"].isna().all()


def test_everyone_needs_min_edits_distinct_times(source):
    rows = _rows("A", DAYS) + _rows("Batch", [DAYS[0]] * 5) + _rows("Tidybot", DAYS)
    chosen = source(rows)
    assert chosen.everyone() == ["A"]
    assert chosen.dropped["bots, by group or by name"] == 1


def test_what_is_left_out_is_counted(source):
    rows = _rows("A", DAYS, rev_id=1)[:1] * 2 + _rows(None, DAYS) + _rows("10.0.0.1", DAYS)
    rows += _rows("ip-0a1b", DAYS) + _rows("~2025-12345-6", DAYS) + _rows("B", DAYS, title=None)
    for number, row in enumerate(rows[2:], 2):
        row["rev_id"] = number
    read = source(rows)
    assert "3 rows are left out as temporary accounts'" in read.provenance()["notices"][0]
    dropped = read.dropped
    assert dropped == {
        "rows without a user": 3,
        "rows without a page": 3,
        "rows of unregistered editors": 6,
        KINDS[TEMPORARY]: 3,
        "rows of no account (placeholders, imported names, user_id 0)": 0,
        "rows that stand twice": 1,
    }


def test_the_cap_keeps_the_newest_and_says_so(source):
    reading = source(_rows("A", DAYS), more="max_edits = 2").read(["A"])
    assert reading.edits["timestamp"].min() == pd.Timestamp(DAYS[1])
    assert reading.coverage[0].capped
    assert not reading.coverage[0].full


def test_the_window_includes_both_its_days(source):
    more = "[window]\nstart = 2024-01-02\nend = 2024-01-02"
    reading = source(_rows("A", DAYS), more=more).read(["A"])
    assert reading.edits["timestamp"].tolist() == [pd.Timestamp(DAYS[1])]
    assert reading.coverage[0].outside_window == 2


def test_size_diff_follows_from_size_and_parent(source):
    rows = _rows("A", DAYS)
    for row, (rev, size, parent) in zip(rows, [(1, 10, 0), (2, 25, 1), (3, 5, 99)], strict=True):
        row |= {"rev_id": rev, "size": size, "parent_id": parent}
    diffs = source(rows).read(["A"]).edits["size_diff"]
    assert diffs.iloc[0] == 10
    assert diffs.iloc[1] == 15
    assert diffs.iloc[2] is pd.NA


def test_names_resolve_to_the_letter_or_as_mediawiki_writes_them(source):
    chosen = source(_rows("Heron Wade", DAYS) + _rows("lower case", DAYS))
    assert chosen.resolve(["heron_Wade", "lower case"]) == {
        "heron_Wade": "Heron Wade",
        "lower case": "lower case",
    }
    with pytest.raises(SourceError, match="'Nobody', 'Noone'"):
        chosen.resolve(["Nobody", "Heron Wade", "Noone"])


def test_neighbours_share_pages_and_are_no_bots(source):
    rows = _rows("A", DAYS) + _rows("B", DAYS) + _rows("C", DAYS, title="Hill")
    rows += (
        _rows("Tidybot", DAYS) + _rows("A", DAYS[:1], title="Lake") + _rows("B", DAYS[:1], "Lake")
    )
    chosen = source(rows)
    near = chosen.neighbours(chosen.read(["A"]).edits)
    assert near.to_dict("list") == {"user": ["B"], "shared_pages": [2]}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"timestamp": DAYS[0], "title": "River"}], "column user or user_id is missing"),
        ([{"user": "A", "title": "River"}], "column timestamp is missing"),
        ([{"user": "A", "timestamp": DAYS[0]}], "column title or page_id is missing"),
        (_rows("A", ["yesterday"]), "no readable timestamp: 'yesterday'"),
        (_rows("A", [20240101]), "timestamp holds numbers"),
        (_rows("A", DAYS, rev_id=1), "rev_id"),
        (_rows("10.0.0.1", DAYS), "no edits of registered accounts"),
    ],
)
def test_each_unusable_table_is_explained(source, rows, said):
    with pytest.raises(TableError, match=said):
        source(rows)


def test_files_that_cannot_be_read(source, tmp_path):
    with pytest.raises(TableError, match="no such file"):
        source([], "absent.parquet")
    with pytest.raises(TableError, match="not read"):
        source([], "edits.xlsx", text="x")
    with pytest.raises(TableError, match="no rows"):
        source([], "edits.csv", text="timestamp,user,title\n")
    whole = tmp_path / "whole.parquet"
    pd.DataFrame(_rows("A", DAYS)).to_parquet(whole)
    (tmp_path / "cut.parquet").write_bytes(whole.read_bytes()[:-40])
    with pytest.raises(TableError, match="may be truncated"):
        source([], "cut.parquet")


@pytest.mark.parametrize("path", ["edits.parquet", "edits.csv"])
def test_tags_written_as_text_are_split_at_commas(source, path):
    times = ["2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z", "2024-01-03T00:00:00Z"]
    rows = _rows("Heron", times)
    for row, tags in zip(rows, ["mw-undo, mobile edit", "", None], strict=True):
        row["tags"] = tags
    edits = source(rows, path).read(["Heron"]).edits
    assert edits["tags"].tolist() == [["mw-undo", "mobile edit"], [], []]


@pytest.mark.parametrize("kind", ["str", "object", "category"])
def test_tags_as_text_are_split_however_pandas_holds_text(kind):
    texts = pd.Series(["mw-undo, mobile edit", "", None], dtype=kind)
    assert listed(texts, Path("x")).tolist() == [["mw-undo", "mobile edit"], [], []]
    lists = pd.Series([["a", "b"], None], dtype=object)
    assert listed(lists, Path("x")) is lists
