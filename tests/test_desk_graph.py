"""The graph of the desk: its sizes, what it draws and leaves out, on the demo in Chromium.

A test's name is its rule; the others are in test_desk_rules.
"""

import dataclasses

import pytest
from desk_fixture import WAIT, DeskPage

from sockgraph.charts.groups import MOST
from sockgraph.desk.widget import graph_payload

STRANGERS = """() => [...document.querySelectorAll('.sg .outline path')].map(path =>
  [...document.querySelectorAll('.sg .node')].filter(node => {
    const dot = node.querySelector('circle'), at = path.ownerSVGElement.createSVGPoint();
    [at.x, at.y] = [dot.cx.baseVal.value, dot.cy.baseVal.value];
    return path.isPointInFill(at);
  }).map(node => node.dataset.user))"""


def test_type_keeps_its_size_when_the_graph_is_zoomed_and_a_choice_keeps_the_zoom(opened):
    page = opened.page
    before = {where: opened.sizes(where) for where in (".graph .name", ".node circle")}
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_timeout(100)
    for where, sizes in before.items():
        assert set(opened.sizes(where)) == set(sizes), where
    size = "e => [getComputedStyle(e).fontSize, getComputedStyle(e).fontFamily]"
    assert page.locator(".sg .graph .name").first.evaluate(size)[0] == "13px"
    circles = page.locator(".sg .node circle").evaluate_all(
        "all => all.map(c => c.r.baseVal.value)"
    )
    assert set(circles) == {8}
    places = {}
    for user in ("Quillmoss", "Corndrift"):
        places[user] = opened.spot(f'.node[data-user="{user}"] circle')
    opened.page.locator('.sg .node[data-user="Corndrift"]').dispatch_event("click")
    page.wait_for_selector('.sg[data-link*="Corndrift"]', timeout=WAIT)
    page.locator('.sg .node[data-user="Alder Tollgate"]').dispatch_event(
        "click", {"shiftKey": True}
    )
    page.wait_for_selector('.sg[data-link="Alder Tollgate – Corndrift"]', timeout=WAIT)
    page.wait_for_timeout(100)
    for user, place in places.items():
        now = opened.spot(f'.node[data-user="{user}"] circle')
        assert now == pytest.approx(place, abs=1), user
    page.get_by_role("button", name="fit", exact=True).click()


def test_a_link_is_as_wide_as_its_number_and_neighbours_leave_the_rest_out(opened):
    page = opened.page
    widths = page.locator(".sg .link").evaluate_all(
        "all => all.map(g => [g.dataset.a, g.dataset.b,"
        " Number(g.querySelector('.drawn').getAttribute('stroke-width'))])"
    )
    for a, b, width in widths:
        assert width == pytest.approx(1.5 + 3.2 * abs(opened.desk.links[a, b].log10_lr), abs=1e-6)
    drawn = page.locator(".sg .node").count()
    page.get_by_role("button", name="Neighbours").click()
    page.wait_for_function("n => document.querySelectorAll('.sg .node').length < n", arg=drawn)
    kept = page.locator(".sg .node").evaluate_all("all => all.map(n => n.dataset.user)")
    assert {"Quillmoss", "Weir Lantern"} <= set(kept)
    page.get_by_role("button", name="Neighbours").click()
    page.wait_for_function("n => document.querySelectorAll('.sg .node').length === n", arg=drawn)


def test_numbers_keep_their_size_the_wheel_zooms_and_fit_goes_back(opened):
    page = opened.page
    place = opened.spot('.node[data-user="Quillmoss"] circle')
    numbers = (
        "all => all.map(e => [getComputedStyle(e).fontSize, e.textContent,"
        " Math.round(e.getBoundingClientRect().width)])"
    )
    before = page.locator(".sg .graph .lr").evaluate_all(numbers)
    assert {size for size, _, _ in before} == {"13px"}
    page.locator(".sg .link[tabindex='0']").focus()  # until then the wheel scrolls the page
    box = page.locator(".sg .stage").bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.wheel(0, -240)
    page.wait_for_timeout(150)
    assert opened.spot('.node[data-user="Quillmoss"] circle') != pytest.approx(place, abs=20)
    after = page.locator(".sg .graph .lr").evaluate_all(numbers)
    assert after
    assert all(one in before for one in after)  # some may have left the stage
    page.get_by_role("button", name="fit", exact=True).click()
    page.wait_for_timeout(150)
    assert opened.spot('.node[data-user="Quillmoss"] circle') == pytest.approx(place, abs=1)


def test_nothing_of_a_crowd_covers_the_chosen_link(opened):
    page = opened.page
    page.get_by_label("Links", exact=True).select_option("all")
    page.wait_for_function("document.querySelectorAll('.sg .link').length > 30")
    order = "all => all.map(e => e.dataset.user ?? `${e.dataset.a} – ${e.dataset.b}`)"
    for n in (9, 20):
        chosen = page.locator(".sg .link").nth(n).evaluate_all(order)[0]
        page.locator(".sg .link .hit").nth(n).dispatch_event("click")
        page.wait_for_selector(f'.sg[data-link="{chosen}"]', timeout=WAIT)
        assert page.locator(".sg .link").evaluate_all(order)[-1] == chosen
        marks = page.locator(".sg .node").evaluate_all(order)
        assert set(marks[-2:]) == set(chosen.split(" – "))
    for user, keys in (("Corndrift", "Enter"), ("Alder Tollgate", "Shift+Enter")):
        page.locator(f'.sg .node[data-user="{user}"]').evaluate("mark => mark.focus()")
        page.keyboard.press(keys)  # draws the mark anew, which had the focus
        page.wait_for_selector(f'.sg[data-link*="{user}"]', timeout=WAIT)
    assert page.evaluate("document.activeElement.closest('.sg .graph') !== null")
    page.get_by_label("Links", exact=True).select_option("report")


def test_a_case_of_many_accounts_opens_as_a_matrix(browser, desk, monkeypatch):
    assert MOST == 40
    for most, view in ((len(desk.accounts), "graph"), (len(desk.accounts) - 1, "matrix")):
        monkeypatch.setattr("sockgraph.desk.widget.MOST", most)
        stands = DeskPage(browser, desk)
        assert stands.page.locator(".sg .body").get_attribute("data-view") == view
        assert stands.page.locator(f".sg .{view}").is_visible()
        stands.page.close()


def test_no_link_for_one_operator_is_left_out_for_one_against(desk, monkeypatch):
    """Where only so many links are sent, those that speak for come first, however weak."""
    weak = {
        pair: dataclasses.replace(link, log10_lr=0.05) if link.direction == "for" else link
        for pair, link in desk.links.items()
    }
    monkeypatch.setitem(vars(desk), "links", weak)
    for_one = {pair for pair, link in weak.items() if link.direction == "for"}
    stated = {pair for pair, link in weak.items() if link.state != "none" or link.flagged}
    monkeypatch.setattr("sockgraph.desk.widget.MOST_LINKS", len(for_one | stated))
    sent = {(link["a"], link["b"]) for link in graph_payload(desk)["links"]}
    assert len(for_one) > 1
    assert for_one <= sent


def test_no_outline_has_a_stranger_inside(opened):
    inside = opened.page.evaluate(STRANGERS)
    groups = [set(group.users) for group in opened.desk.groups]
    assert inside
    assert all(set(users) in groups for users in inside)


def test_whoever_points_at_a_link_has_its_card_below_the_graph(opened):
    page = opened.page
    page.locator(".sg .link .hit").nth(1).hover(force=True)
    card = page.locator(".sg .card")
    card.get_by_text("shared page").wait_for(timeout=WAIT)
    said = card.inner_text()
    assert all(word in said for word in ("×", "For", "Against", "signals", "closest edits"))
    stage = page.locator(".sg .stage").bounding_box()
    assert card.bounding_box()["y"] >= stage["y"] + stage["height"]  # over no mark


def test_every_account_of_the_graph_is_reached_and_opened_by_keyboard(opened):
    page, at = opened.page, "document.activeElement.dataset.user"
    page.locator(".sg .link[tabindex='0']").focus()
    reached = []
    for _ in opened.desk.accounts:
        page.keyboard.press("ArrowRight")
        reached.append(page.evaluate(at))
    assert set(reached) == set(opened.desk.accounts)
    ring = page.evaluate("getComputedStyle(document.activeElement.firstChild).strokeWidth")
    assert ring == "5px"  # where the focus is, is seen
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(at) == reached[-2]
    page.locator(".sg .link[tabindex='0']").focus()
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(at) == reached[-1]
    go = "user => document.querySelector(`.sg .node[data-user='${user}']`).focus()"
    page.evaluate(go, "Corndrift")
    page.keyboard.press("Enter")
    page.wait_for_selector('.sg[data-link*="Corndrift"]', timeout=WAIT)
    page.evaluate(go, "Alder Tollgate")
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector('.sg[data-link="Alder Tollgate – Corndrift"]', timeout=WAIT)
    assert page.locator(".sg .bar input").first.input_value() == "Corndrift"  # named first
