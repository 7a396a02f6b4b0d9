"""The notebook's review, driven by its own widgets: the same driver as the terminal's."""

from __future__ import annotations

import re

import pytest
from review_fixture import CASE, A, B, C, write_case

from sockgraph.reviews.ledger import Ledger
from sockgraph.reviews.states import histories

widgets = pytest.importorskip("ipywidgets")


def found(box, kind):
    """Return every widget of a kind inside another, in order."""
    inside = [one for child in getattr(box, "children", ()) for one in found(child, kind)]
    return [box, *inside] if isinstance(box, kind) else inside


def fields(desk, kind):
    """Return what no notebook keeps: fields of a kind, or what is shown."""
    from sockgraph.desk.widget import Unkept

    return [one for one in found(desk, Unkept) if one.kind == kind]


@pytest.fixture
def desk(tmp_path):
    from sockgraph.desk.review_widget import ReviewWidget

    case, data = write_case(tmp_path)
    return ReviewWidget(case, reviewer="Ann", data=data), Ledger(
        data / "processed/river/ledger.jsonl"
    )


def press(desk):
    found(desk, widgets.Button)[-1].click()


def test_a_link_is_spared_and_another_goes_the_whole_way(desk):
    desk, ledger = desk
    press(desk)
    assert "is not a judgement" in desk.said.value
    first = desk.sitting.due[0].pair
    found(desk, widgets.RadioButtons)[0].value = "different people"
    fields(desk, "text")[-1].value = "1"
    press(desk)
    assert "log10" not in str([one.value for one in fields(desk, "html")])
    found(desk, widgets.RadioButtons)[0].value = "may be one operator"
    says, other = fields(desk, "textarea")
    says.value, other.value = "the edits", "one project"
    press(desk)
    assert "at least one page of: Only Account A, Only Account B" in desk.said.value
    tabs = found(desk, widgets.Tab)[0]
    tabs.selected_index = 1
    tabs.selected_index = 2
    press(desk)
    assert "salted hash" in desk.said.value
    press(desk)  # what speaks against the first: it closes
    assert histories(ledger.entries())[first].state == "not upheld"
    for _ in range(3):
        assert not fields(desk, "textarea")
        press(desk)
    found(desk, widgets.RadioButtons)[0].value = "upheld"
    why, alternative = fields(desk, "textarea")
    why.value, alternative.value = "because", "colleagues"
    press(desk)
    assert "All pairs are reviewed" in found(desk, widgets.HTML)[-1].value
    second = ({(A, C), (B, C)} - {first}).pop()
    assert histories(ledger.entries())[second].state == "in review"
    ledger.verify()


def test_the_review_is_in_the_language_of_the_case_s_wiki(tmp_path):
    from sockgraph.desk.review_widget import ReviewWidget

    text = CASE.replace('["fernwick.example"]', '["zh.fernwick.example"]')
    case, data = write_case(tmp_path, text=text)
    desk = ReviewWidget(case, reviewer="Ann", data=data)
    shown = [one.description for one in found(desk, widgets.Button)]
    shown += [label for one in found(desk, widgets.RadioButtons) for label, _ in one.options]
    shown += found(desk, widgets.Tab)[0].titles
    assert shown
    assert not [text for text in shown if re.search("[A-Za-z]{3}", text)]
    press(desk)
    found(desk, widgets.RadioButtons)[0].value = "may be one operator"
    press(desk)
    assert "请先至少阅读一页" in desk.said.value
