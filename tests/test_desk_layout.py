"""How the desk stands at each width, light and dark: what the drawn rules of its look ask."""

import pytest
from desk_fixture import WAIT, DeskPage

TABS = ("Evidence", "Edits", "Timecards", "Timeline", "Summaries", "Notes")
SMALLEST = """() => Math.min(...[...document.querySelectorAll('.sg *')]
  .filter(e => e.getClientRects().length && [...e.childNodes].some(n => n.nodeType === 3
    && n.textContent.trim()) && !e.closest('.live, svg:not(.graph svg), option'))
  .map(e => parseFloat(getComputedStyle(e).fontSize)))"""
HUES = """([where, name]) => { const probe = document.createElement('i');
  document.querySelector('.sg').append(probe);
  const hues = ['for', 'against'].map(h => { probe.style.color = `var(--${h})`;
    return getComputedStyle(probe).color; });
  probe.remove();
  return [...document.querySelectorAll(`.sg ${where}`)]
    .filter(e => hues.includes(getComputedStyle(e)[name])).length }"""


@pytest.fixture(scope="module", params=[(1440, "light"), (1100, "dark"), (882, "light")])
def wide(request, browser, desk):
    width, scheme = request.param
    shown = DeskPage(browser, desk, size=(width, 900), scheme=scheme)
    yield shown, width
    assert shown.heard == []
    shown.page.close()


@pytest.fixture(scope="module")
def phone(browser, desk):
    shown = DeskPage(browser, desk, size=(390, 844))
    yield shown
    assert shown.heard == []
    shown.page.close()


def box(shown, where):
    return shown.page.locator(f".sg {where}").first.bounding_box()


def test_both_sides_stand_beside_each_other_and_nothing_scrolls_sideways(wide):
    shown, width = wide
    left, right = box(shown, ".left"), box(shown, ".right")
    assert left["x"] + left["width"] <= right["x"] + 1
    asked = 392 if width >= 1320 else 300 if width >= 940 else 264
    assert left["width"] == pytest.approx(asked, abs=1)
    assert box(shown, ".head")["height"] <= 180
    assert box(shown, ".bar")["height"] <= (46 if width > 940 else 90)
    for tab in TABS:
        shown.open(tab)
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
        assert shown.page.evaluate(SMALLEST) >= 12, tab
    shown.open("Edits")


def test_both_accounts_have_an_edit_before_any_scroll(wide):
    shown, _ = wide
    shown.open("Edits")
    rows = shown.page.locator(".sg .edits tr").all()[:2]
    bottom = box(shown, ".basket")["y"]
    sides = {i for row in rows for i in (0, 2) if row.locator("td").nth(i).locator("input").count()}
    assert sides == {0, 2}
    assert all(row.bounding_box()["y"] + 20 < bottom for row in rows)


def test_matrix_and_table_open_the_same_pair_and_names_are_whole(wide):
    shown, _ = wide
    shown.view("Matrix")
    cells = shown.page.locator(".sg .cell")
    cells.first.wait_for(timeout=WAIT)
    assert cells.count() == 45
    names = shown.page.locator(".sg .stairs th button").all_inner_texts()
    assert set(names) == set(shown.desk.accounts)
    cells.nth(20).click()
    pair = cells.nth(20).get_attribute("data-a"), cells.nth(20).get_attribute("data-b")
    shown.page.wait_for_selector(f'.sg[data-link="{pair[0]} – {pair[1]}"]', timeout=WAIT)
    shown.view("Table")
    shown.page.wait_for_selector(".sg .pairs tbody tr.is", timeout=WAIT)
    assert shown.page.locator(".sg .pairs tbody tr").count() == 45
    marked = shown.page.locator(".sg .pairs tbody tr.is button").first.inner_text()
    assert all(name in marked for name in pair)
    shown.view("Graph")


def test_hue_is_for_the_direction_of_evidence_alone(wide):
    shown, _ = wide
    for where in (
        "button:not(.cell)",
        "input",
        ".tabs *",
        ".basket *",
        ".who .state",
        ".colleagues p",
    ):
        for name in ("color", "backgroundColor", "borderTopColor"):
            assert shown.page.evaluate(HUES, [where, name]) == 0, (where, name)
    assert shown.page.evaluate(HUES, [".graph .lr", "fill"]) > 0  # the check bites


def test_on_a_phone_the_pairs_are_a_drawer(phone):
    page = phone.page
    left = page.locator(".sg .left")
    assert not left.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    drawer = page.get_by_role("button", name="All pairs", exact=True)
    drawer.click()
    assert left.is_visible()
    assert drawer.get_attribute("aria-expanded") == "true"
    assert box(phone, ".stage")["height"] > 200
    stage, group = box(phone, ".stage"), box(phone, ".group")
    assert stage["y"] + stage["height"] <= group["y"]  # nothing stands on another
    before = page.locator(".sg").get_attribute("data-link")
    page.locator(".sg .link .hit").last.dispatch_event("click")
    page.wait_for_selector(f'.sg:not([data-link="{before}"])', timeout=WAIT)
    assert not left.is_visible()
    page.locator(".sg .panel").press("t")
    page.wait_for_selector(".sg .pairs tbody tr", timeout=WAIT)
    assert left.is_visible()


def test_on_a_phone_every_panel_fits(phone):
    drawer = phone.page.get_by_role("button", name="All pairs", exact=True)
    if drawer.get_attribute("aria-expanded") == "true":
        drawer.click()
    for tab in TABS:
        phone.open(tab)
        assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
        assert box(phone, ".panel")["height"] > 200, tab
