import json
import os
import stat
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest

from sockgraph.errors import SchemaError, StaleArtifactError, StoreError
from sockgraph.schema import empty
from sockgraph.store import Store, significant
from sockgraph.store.files import whole_file


def _clusters(**given):
    row = {"user": "A", "cluster_id": 1, "membership": 1 / 3, "weakest_link": np.nan}
    return pd.DataFrame([row | {"status": "stable"} | given])


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "data").case("river", "id-1")


def test_a_table_comes_back_as_it_went_with_nine_digits(store):
    store.write_table("clusters", _clusters())
    back = store.read_table("clusters")
    assert back["membership"].tolist() == [0.333333333]
    assert np.isnan(back["weakest_link"].iloc[0])


def test_the_same_rows_give_the_same_bytes_in_any_order(store):
    rows = pd.concat([_clusters(), _clusters(user="B")])
    first = store.write_table("clusters", rows).read_bytes()
    assert store.write_table("clusters", rows.iloc[::-1]).read_bytes() == first


def test_a_table_that_breaks_its_contract_leaves_the_old_one(store):
    path = store.write_table("clusters", _clusters())
    before = path.read_bytes()
    with pytest.raises(SchemaError):
        store.write_table("clusters", _clusters(status="solid"))
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["clusters.parquet"]


def test_a_write_that_fails_half_way_leaves_nothing(tmp_path):
    target = tmp_path / "x" / "file"

    def fill():
        with whole_file(target) as draft:
            draft.write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match="No space left"):
        fill()
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("linked", [True, False])  # not every disk has hard links
def test_a_new_file_replaces_none_that_another_made_meanwhile(tmp_path, monkeypatch, linked):
    if not linked:
        refusal = PermissionError(1, "Operation not permitted")
        monkeypatch.setattr(os, "link", Mock(side_effect=refusal))
    target = tmp_path / "file"
    with whole_file(target, new=True) as draft:
        draft.write_text("first")

    def again():
        with whole_file(target, new=True) as draft:
            draft.write_text("second")

    with pytest.raises(StoreError, match="File exists"):
        again()
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert target.read_text() == "first"


def test_files_and_folders_are_their_owner_s_only(store):
    path = store.write_text("report.html", "x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_a_clear_error(tmp_path):
    (tmp_path / "data").mkdir(mode=0o500)
    with pytest.raises(StoreError, match="choose another folder with --data"):
        Store(tmp_path / "data").case("river").write_text("report.html", "x")


def test_a_data_folder_that_is_a_file_is_a_clear_error(tmp_path):
    (tmp_path / "data").write_text("")
    with pytest.raises(StoreError, match="cannot be"):
        Store(tmp_path / "data").case("river").write_text("report.html", "x")


def test_reading_what_was_never_written_or_is_damaged(store):
    with pytest.raises(StoreError, match="sockgraph run CASE"):
        store.read_table("links")
    store.write_table("links", empty("links")).write_bytes(b"PAR1 but not really")
    with pytest.raises(StoreError, match="cannot be read"):
        store.read_table("links")


def test_the_manifest_holds_every_other_file_s_hash(store):
    store.write_text("report.html", "x")
    manifest = json.loads(store.write_manifest({"case": {"id": "id-1"}}).read_text())
    assert list(manifest["files"]) == ["report.html"]


def test_a_folder_of_another_case_of_that_name_is_refused(store, tmp_path):
    store.write_manifest({"case": {"id": "id-1"}})
    with pytest.raises(StaleArtifactError, match="another case of that name"):
        Store(tmp_path / "data").case("river", "id-2")


def test_significant_digits():
    given = np.array([123456.7891234, 0.0, np.nan, -1e-20 / 3, np.inf])
    rounded = significant(given, 4)
    np.testing.assert_array_equal(rounded, [123500, 0, np.nan, -3.333e-21, np.inf])
