"""An event as the third explanation: a hashtag, a page or an hour that both accounts share."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from sockgraph.report.facts import index_edits
from sockgraph.report.summary import gathering
from sockgraph.strings import speaking

LINK = SimpleNamespace(pair=("Heron", "Moth"), signals=())


def told(comments, titles=("Mill", "Mill"), minutes=None):
    start = pd.Timestamp("2024-05-01", tz="UTC")
    edits = pd.DataFrame(
        {
            "wiki": "fernwick.example", "rev_id": [1, 2], "user": LINK.pair, "title": titles,
            "page_id": [1, 1], "timestamp": start, "comment": comments, "hidden": [[], []],
        }
    ).astype({"comment": "string"})  # fmt: skip
    later = None if minutes is None else start + pd.Timedelta(minutes=minutes)
    accounts = {
        "Heron": SimpleNamespace(registered=start),
        "Moth": SimpleNamespace(registered=later),
    }
    return gathering(LINK, SimpleNamespace(editing=index_edits(edits, [LINK]), accounts=accounts))


@pytest.mark.parametrize(
    ("comments", "said"),
    [
        (("add #WikiForRivers", "#wikiforrivers, a source"), True),
        (("/* History */ [[A#Part|A]]", "see [[A#Part]]"), False),
        (("issue #12", "issue #12"), False),
        (("&#nbsp", None), False),
        (("#one", "#other"), False),
    ],
)
def test_a_hashtag_of_both_is_told(comments, said):
    found = told(comments)
    assert (found is not None) is said
    if said:
        assert found == "summaries of both say <bdi>#wikiforrivers</bdi>"


def test_a_page_of_an_event_is_told_and_an_article_is_none():
    page = "Wikipedia:Meetup/Fernwick <b>"
    assert told((None, None), (page, page)) == (
        "both edited <bdi>Wikipedia:Meetup/Fernwick &lt;b&gt;</bdi>"
    )
    assert told((None, None), ("The course of rivers",) * 2) is None


def test_registrations_within_an_hour_are_told():
    assert told((None, None), minutes=12) == "they registered 12 min apart"
    assert told((None, None), minutes=61) is None
    with speaking("zh-hans"):
        assert told((None, None), minutes=12).startswith("两者注册相隔")
