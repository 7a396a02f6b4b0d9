import datetime as dt
import multiprocessing
import os
import sys
from pathlib import Path
from typing import get_args

import pytest
from kills import forked
from pydantic import BaseModel

from sockgraph.case import Case, load_case
from sockgraph.case_template import identify
from sockgraph.errors import CaseError
from sockgraph.names import normal_name
from sockgraph.reference import with_names

GOOD = """
title = "Edits to one river"
reason = "Three articles were returned to one wording"
wikis = ["fernwick.example"]
[source]
kind = "table"
path = "edits.parquet"
[accounts]
nominated = ["Heron Wade", "青石巷"]
"""


@pytest.fixture
def write(tmp_path):
    def _write(text, name="river.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return _write


def test_a_case_has_the_defaults_of_the_design(write):
    case = load_case(write(GOOD))
    assert case.slug == "river"
    assert case.accounts.min_edits == 10
    assert case.accounts.max_edits == 20_000
    assert case.reference.accounts == 300
    assert case.evidence.flag_log10_lr == 0.3
    assert not case.everyone


def test_a_first_look_at_one_account_of_a_wiki_draws_few(write):
    table, live = 'kind = "table"\npath = "edits.parquet"', 'kind = "mediawiki"\ncontact = "a@b.c"'
    text = GOOD.replace(', "青石巷"', "").replace(table, live)
    assert load_case(write(text)).places == 40
    assert load_case(write(text.replace(live, table))).places == 300
    assert load_case(write(GOOD.replace(table, live))).places == 300
    assert load_case(write(text + "[reference]\naccounts = 70\n")).places == 70


def test_a_case_is_frozen(write):
    case = load_case(write(GOOD))
    with pytest.raises(ValueError, match="frozen"):
        case.title = "another"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('reason = "Three articles were returned to one wording"', "", "no case without a reason"),
        ('reason = "Three', 'reson = "Three', "did you mean reason"),
        ('nominated = ["Heron Wade", "青石巷"]', "nominated = []", "accounts.nominated"),
        ('"青石巷"]', '"heron_Wade"]', "nominated twice"),
        ('"青石巷"]', '"*"]', "stands alone"),
        ("fernwick.example", "https://fernwick.example/", "not a host name"),
        ('kind = "table"', 'kind = "mediawiki"', "source.contact is missing"),
        ('path = "edits.parquet"', "", "source.path is missing"),
        ('kind = "table"', 'kind = "spreadsheet"', "source.kind"),
        ('title = "Edits to one river"', 'title = ""', "title"),
        ('"青石巷"]', '"青石巷"]\nmin_edits = 0', "min_edits"),
        ("[source]", "[source", "not TOML"),
    ],
)
def test_each_fault_is_named(write, old, new, said):
    assert old in GOOD
    with pytest.raises(CaseError, match=said):
        load_case(write(GOOD.replace(old, new)))


def test_every_fault_is_listed_at_once(write):
    text = GOOD.replace('title = "Edits to one river"\n', "") + "[window]\nstrt = 1\n"
    with pytest.raises(CaseError) as caught:
        load_case(write(text))
    assert "title is missing" in str(caught.value)
    assert "did you mean start" in str(caught.value)


def test_window_and_earlier_are_checked(write):
    with pytest.raises(CaseError, match="before it starts"):
        load_case(write(GOOD + "[window]\nstart = 2024-02-01\nend = 2024-01-01\n"))
    with pytest.raises(CaseError, match="to itself"):
        load_case(write(GOOD + '[[earlier]]\na="X"\nb="x"\nby="Y"\ndate=2021-09-13\n'))


@pytest.mark.parametrize("name", ["River.toml", "a b.toml", "..toml", f"{'a' * 65}.toml"])
def test_a_file_name_that_is_no_slug_is_refused(write, name):
    with pytest.raises(CaseError, match="Rename the file"):
        load_case(write(GOOD, name))


def test_a_missing_file_and_one_that_is_not_utf8(tmp_path):
    with pytest.raises(CaseError, match="no such file"):
        load_case(tmp_path / "absent.toml")
    (tmp_path / "latin.toml").write_bytes(b'title = "\xe9"')
    with pytest.raises(CaseError, match="UTF-8"):
        load_case(tmp_path / "latin.toml")


def test_names_are_written_as_the_source_writes_them_everywhere(write):
    text = GOOD + '[[earlier]]\na="heron wade"\nb="Moth"\nby="Y"\ndate=2021-09-13\n'
    case = with_names(load_case(write(text)), {"heron wade": "Heron Wade"})
    assert case.earlier[0].a == "Heron Wade"
    assert case.earlier[0].date == dt.date(2021, 9, 13)
    assert case.named == ("Heron Wade", "青石巷", "Moth")


def test_normal_name_follows_mediawiki():
    assert normal_name("  ab_c  d ") == "Ab c d"
    assert normal_name("青石巷") == "青石巷"
    assert normal_name("") == ""


def test_an_id_is_written_once_and_kept(write):
    path = write(GOOD)
    first = identify(path)
    again = identify(path)
    assert first.id == again.id
    assert len(first.id) == 16
    assert GOOD in path.read_text(encoding="utf-8")


def _dies(path, moment):
    """Write the case's id, in a process that ends at its n-th change to a file."""
    calls = 0

    def count(event, _args):
        nonlocal calls
        calls += event in {"open", "os.rename", "os.chmod", "fcntl.flock"}
        if calls == moment:
            os._exit(9)

    sys.addaudithook(count)
    identify(path)


def test_killed_while_an_id_is_written_it_leaves_a_whole_file_and_the_next_run_no_draft(write):
    codes = []
    for moment in range(1, 18):
        path = write(GOOD)
        mode = path.stat().st_mode
        killed = forked(_dies, path, moment)
        killed.join()
        codes.append(killed.exitcode)
        assert path.read_text(encoding="utf-8").endswith(GOOD)
        first = identify(path)
        assert first.id == load_case(path).id is not None
        assert list(path.parent.iterdir()) == [path]
        assert path.stat().st_mode == mode
    assert {9, 0} == set(codes)


def _tells(path, told):
    told.put(identify(path).id)


def test_two_first_runs_at_once_write_one_id(write):
    path = write(GOOD)
    told = multiprocessing.get_context("fork").SimpleQueue()
    runs = [forked(_tells, path, told) for _ in range(6)]
    ids = {told.get() for _ in runs}
    for run in runs:
        run.join()
    assert ids == {load_case(path).id}
    assert list(path.parent.iterdir()) == [path]


def test_an_id_leaves_windows_line_ends_as_they_are(write):
    path = write(GOOD)
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert identify(path).id is not None
    assert path.read_bytes().endswith(GOOD.replace("\n", "\r\n").encode())


def test_a_case_file_that_cannot_be_written_goes_on_without_an_id(write, monkeypatch):
    path = write(GOOD)

    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.replace", refuse)
    assert identify(path).id is None
    assert path.read_text(encoding="utf-8") == GOOD
    assert list(path.parent.iterdir()) == [path]


def test_every_key_is_documented():
    text = (Path(__file__).parent.parent / "docs" / "case-file.md").read_text(encoding="utf-8")
    keys = []
    for name, field in Case.model_fields.items():
        part = _part(field.annotation)
        listed = [f"{name}.{key}" for key in part.model_fields] if part else [name]
        keys += [f"[[{name}]]"] if name in {"declared", "earlier", "operators"} else listed
    missing = [key for key in keys if f"`{key}`" not in text and key not in {"slug", "folder"}]
    assert missing == []


def _part(annotation):
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for a in get_args(annotation) if (found := _part(a))), None)
