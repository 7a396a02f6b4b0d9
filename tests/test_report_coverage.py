"""What the report says of what was not seen, account by account."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from report_fixture import river_trade

from sockgraph.report.data import read_links
from sockgraph.report.facts import index_edits, shared_pages
from sockgraph.report.page import case_report


@pytest.fixture(scope="module")
def data():
    return river_trade()


def page_of(data, **changed):
    rows = [dict(row) for row in data.coverage]
    rows[0] |= changed
    page = case_report(dataclasses.replace(data, coverage=rows))
    return page[page.index('id="coverage"') :]


def test_hidden_texts_are_told_of_each_account(data):
    assert "The text of edits is hidden on the wiki" not in page_of(data, hidden_texts=0)
    assert "The text of edits is hidden on the wiki" in page_of(data, hidden_texts=7)


def test_edits_counted_but_not_listed_are_explained(data):
    page = page_of(data, not_listed=3, edit_count=300)
    assert "counts edits that it does not list: on pages deleted since" in page
    assert "Not listed" in page


def test_an_unknown_number_outside_the_window_is_no_zero(data):
    assert "outside the window of this case were not asked for" in page_of(
        data, outside_window=None
    )


def test_a_shared_page_shows_the_edits_of_the_two_that_are_nearest_in_time():
    data = river_trade()
    links = read_links(data)
    index, times = (
        index_edits(data.edits, links),
        data.edits.groupby(["user", "title"])["timestamp"],
    )
    for link in links:
        for page in shared_pages(link, index)[0]:
            of_a, of_b = (times.get_group((user, page.title)).to_numpy() for user in link.pair)
            least = abs(of_a[:, None] - of_b[None, :]).min()
            assert page.seconds == least / np.timedelta64(1, "s")
            assert {page.first.user, page.then.user} == set(link.pair)


def test_coverage_that_is_not_known_is_a_dash_and_not_zero(data):
    unknown = [{**row, "not_listed": None, "outside_window": None} for row in data.coverage]
    page = case_report(dataclasses.replace(data, coverage=unknown))
    total = page[page.index(">Total<") : page.index("<footer>")]
    assert total.count("<b>\N{EN DASH}</b>") == 2
    assert "the source does not tell" in page
