"""The pages beside the report, drawn from a case that attacks; and the check itself must bite."""

from __future__ import annotations

import warnings

import hostile
import pytest
from concert_fixture import concert_data
from test_report_browser import visit  # noqa: F401 - a fixture

from sockgraph.case import Case
from sockgraph.charts import blocs, usual_hours
from sockgraph.concert import ConcertSettings, weigh_concert
from sockgraph.report.concert import concert_page
from sockgraph.synthetic.election import Community, invent_election

GOOD = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'"><p>x</p>'
BITES = (
    "<script>1</script>",
    "<img src=x onerror=run>",
    '<svg onload="run">',
    '<a href="javascript:run">x</a>',
    '<a href="http://evil.example">x</a>',
    '<meta http-equiv="refresh" content="0">',
    "safe\u202egnp",
)


@pytest.fixture(scope="module")
def concert():
    """Draw the page of concert on discussions whose people and reason all attack."""
    world = invent_election(Community(compared=8, crowd=20, discussions=14, bloc=3), seed=2)
    chosen = [name for name in hostile.NAMES if len(name) < 100][:8]
    named = dict(zip(world.compared, chosen, strict=True))
    votes = world.votes.assign(user=world.votes["user"].replace(named))
    edits = world.edits.assign(user=world.edits["user"].replace(named))
    found = weigh_concert(votes, edits, chosen, settings=ConcertSettings(samples=99, votes=50))
    case = {
        "slug": "votes",
        "folder": ".",
        "title": hostile.ATTACK,
        "reason": hostile.ATTACK,
        "wikis": ["fernwick.example"],
        "source": {"kind": "table", "path": "edits.parquet"},
        "accounts": {"nominated": chosen},
        "discussions": {"reason": hostile.ATTACK, "pages": [hostile.ATTACK]},
    }
    figures = [blocs(votes, chosen), usual_hours(votes, world.edits, [hostile.ATTACK, *chosen])]
    data = concert_data(Case.model_validate(case), found, votes=votes, edits=edits, figures=figures)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return concert_page(data)


def test_the_page_of_concert_holds_nothing_that_acts(concert):
    assert "&lt;script&gt;" in concert
    hostile.assert_inert_html(concert)


def test_the_page_of_concert_is_inert_in_a_browser(concert, visit):  # noqa: F811 - a fixture
    page, heard = visit(concert)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.title() != "ran"
    assert [said for said in heard if not said.startswith("data:")] == []
    assert page.locator("main script, main iframe, main a, main svg[onload]").count() == 0


@pytest.mark.parametrize("attack", BITES)
def test_the_check_bites(attack):
    hostile.assert_inert_html(GOOD)
    with pytest.raises(AssertionError):
        hostile.assert_inert_html(GOOD + attack)
    with pytest.raises(AssertionError):
        hostile.assert_inert_html("<p>without a policy</p>")
