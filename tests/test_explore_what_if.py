"""What if, as the desk asks it: the link beside today's, by kernel and by Chromium's keyboard."""

import re

import pytest
from desk_fixture import WAIT, DeskPage

from sockgraph.desk.messages import handle_message
from sockgraph.desk.widget import graph_payload
from sockgraph.reviews.words import estimate, interval, plain


@pytest.fixture(scope="module")
def pair(desk):
    return tuple(graph_payload(desk)["opens"])


def ask(desk, pair, **asked):
    return handle_message(desk, {"ask": "what-if", "a": pair[0], "b": pair[1], **asked})


def cells(told):
    """The words of the answer's table, row by row."""
    rows = re.findall(r"<tr>(.*?)</tr>", told)
    parts = [re.findall(r"<t[hd]>(.*?)</t[hd]>", row) for row in rows]
    return [[re.sub("<[^>]+>", "", cell) for cell in row] for row in parts]


def told_of(row):
    bounds = row["bound_low"], row["bound_high"]
    ends = interval(row["log10_lr_low"], row["log10_lr_high"], *bounds)
    return [plain(row["score"]), f"{estimate(row['log10_lr'], *bounds)} {ends}", row["band"]]


def test_the_answer_stands_beside_today_s(desk, pair):
    said = ask(desk, pair, without=["family:pages", "family:text"])
    assert "An exploration: no finding can cite it." in said["told"]
    heads, score, number, band, group = cells(said["told"])
    assert heads == ["", "Today", "without pages; without text"]
    today = desk.row(pair)
    found = desk.what_if(("family:pages", "family:text")).links.set_index(["user_a", "user_b"])
    then = found.loc[pair]
    assert [score[1], number[1], band[1]] == told_of(today)
    assert [score[2], number[2], band[2]] == told_of(then)
    assert today["score"] - then["score"] > 0.5
    for held, users in zip(group[1:], (desk.groups, said["groups"]), strict=True):
        names = [g["users"] if isinstance(g, dict) else g.users for g in users]
        together = any(set(pair) <= set(some) for some in names)
        assert held.startswith("Group ") == together
        assert (held == "not together in a group") != together


def test_what_the_panel_offers_can_be_asked(desk, pair):
    panel = handle_message(
        desk, {"ask": "panels", "a": pair[0], "b": pair[1], "panels": ["evidence"]}
    )
    form = panel["evidence"].partition('class="what-if"')[2]
    offered = set(re.findall(r'value="([^"]+)"', form))
    assert {one.partition(":")[0] for one in offered} == {"family", "signal", "week", "account"}
    assert not {f"account:{user}" for user in pair} & offered
    week = min(one for one in offered if one.startswith("week:"))
    others = [one for one in sorted(offered) if one.startswith("account:")]
    kept = {"family:pages", "signal:shared pages"}
    mute = [one for one in sorted(offered - kept) if one.startswith(("family:", "signal:"))]
    said = ask(desk, pair, without=[*mute, *others])  # no trace is left, and one family
    assert said["links"][0]["score"] is not None
    said = ask(desk, pair, without=[week], window=["2023-01-01", "2025-12-31T23:59:59"])
    assert f"without week {week[5:]}; only edits of 2023-01-01 to 2025-12-31" in said["told"]


def test_without_any_one_family_there_is_an_answer(desk, pair):
    """Where all innocent cases' best is one pair, too few are left to ask more than its own."""
    for family in graph_payload(desk)["families"]:
        assert "told" in ask(desk, pair, without=[f"family:{family}"]), family


def test_what_leaves_nothing_is_said(desk, pair):
    families = [f"family:{family}" for family in graph_payload(desk)["families"]]
    assert "nothing is left to compare" in ask(desk, pair, without=families)["problem"]["rule"]
    late = ask(desk, pair, window=["2030-01-01", None])
    assert late["problem"]["value"] == "2030-01-01/"
    assert "nothing is left out" in ask(desk, pair, window=[None, None])["problem"]["rule"]
    assert "no account" in ask(desk, ("Nobody", pair[0]), without=families[:1])["problem"]["rule"]


def test_the_page_asks_by_keyboard_and_goes_back(browser, desk, pair):
    opened = DeskPage(browser, desk)
    page, heard, asked = opened.page, opened.heard, opened.asked
    opened.open("Evidence")
    go = page.get_by_role("button", name="Ask", exact=True)
    go.wait_for(timeout=WAIT)
    go.press("Enter")
    page.locator(".sg .what-if .problem").wait_for(timeout=WAIT)
    assert "nothing is left out" in page.locator(".sg .what-if .problem").inner_text()
    page.get_by_role("checkbox", name="Text", exact=True).press("Space")
    page.get_by_label("until").fill("2025-06-30")
    go.press("Enter")
    back = page.get_by_role("button", name="Back", exact=True)
    back.wait_for(timeout=WAIT)
    last = [question for question in asked if question["ask"] == "what-if"][-1]
    assert last["without"] == ["family:text"]
    assert last["window"] == [None, "2025-06-30"]
    shown = page.locator(".sg .what-if").inner_text()
    assert "An exploration: no finding can cite it." in shown
    assert "without text; only edits of … to 2025-06-30" in shown
    assert page.locator(".sg .what-if .problem").count() == 0
    page.keyboard.press("Enter")  # the focus is on "Back"
    go.wait_for(timeout=WAIT)
    assert page.get_by_role("checkbox", name="Text", exact=True).is_checked()
    assert page.evaluate("document.activeElement.textContent") == "Ask"
    assert pair[0] in page.locator(".sg .who").inner_text()
    assert heard == []
    page.close()
