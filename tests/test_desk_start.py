"""A case chosen, made and run in the notebook: the widget's own steps, without a kernel."""

from pathlib import Path

import tiny

import sockgraph as sg
from sockgraph.desk.widget import DEMO, NEW, Explorer, StartWidget, case_files
from sockgraph.errors import FetchError


def test_without_a_case_one_is_chosen_run_once_and_opened(tmp_path):
    path = tiny.write(tmp_path)
    heard = []
    start = StartWidget(data=tmp_path / "data", folder=tmp_path)
    bar = start.bar.bar
    bar.observe(lambda _: heard.append((bar.value, bar.max)), "value")
    assert [value for _, value in start.which.options] == [path, DEMO, NEW]
    start.which.value = path
    start.go.click()
    assert isinstance(start.room.children[0], Explorer)
    assert start.room.children[0].problem is None
    assert heard
    assert all(0 <= value <= most for value, most in heard)  # no counter past its total
    assert bar.layout.display == "none"
    manifest = tmp_path / "data" / "processed" / "tiny" / "manifest.json"
    before = manifest.read_bytes()
    start.go.click()  # it was run: its desk is opened as it is
    assert manifest.read_bytes() == before


def no_answer(path, **_):
    raise FetchError(path, "the wiki does not answer.", "Try again later.")


def test_a_new_case_is_asked_for_and_what_is_wrong_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("sockgraph.desk.widget.run_case", no_answer)
    start = StartWidget(data=tmp_path / "data", folder=tmp_path / "cases")
    assert start.form.layout.display == "none"
    start.which.value = NEW
    assert start.form.layout.display is None
    start.go.click()
    assert "<b>" in start.said.value
    assert not list(tmp_path.rglob("*.toml"))
    given = {"name": "spring", "reason": "One wording", "wiki": "fernwick.invalid"}
    given |= {"accounts": "w:User:Quillmoss\n\n Weir Lantern ", "contact": "fern@example.org"}
    for key, value in given.items():
        start.asked[key].value = value
    start.go.click()  # said, and the case file stays
    (made,) = case_files(tmp_path / "cases", tmp_path / "data")
    assert sg.load_case(made).accounts.nominated == ("Quillmoss", "Weir Lantern")
    assert "does not answer" in start.said.value
    assert start.room.children == ()
    assert not start.go.disabled


def test_explore_without_a_case_offers_one(tmp_path):
    shown = sg.explore(data=tmp_path)
    assert isinstance(shown, StartWidget)
    assert Path(shown.data) == tmp_path
