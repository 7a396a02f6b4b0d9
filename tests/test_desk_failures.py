"""What may fail under an open desk is said in it: nothing is blank, nothing waits for ever."""

import shutil

import pandas as pd
import pytest
import tiny
from chromium_fixture import CHROMIUM, FLAGS
from desk_fixture import READY, WAIT, DeskPage

from sockgraph.desk.messages import handle_message
from sockgraph.desk.state import Desk
from sockgraph.desk.widget import Explorer
from sockgraph.names import clean
from sockgraph.pipeline.run import run_case
from sockgraph.store import NEW_SET
from sockgraph.store.retention import purge_case

LONG = ("Long" * 63 + "ish", "霧" * 85, "a b " * 63 + "end", "W" * 255)  # each of 255 bytes
MANY = 40_000


def ran(folder, frame):
    path = tiny.write(folder, names=LONG, frame=frame)
    run_case(path, data=folder / "data")
    return path


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """Run a case of names as long as a wiki allows."""
    assert {len(name.encode()) for name in LONG} == {255}
    return ran(tmp_path_factory.mktemp("long"), tiny.edits(LONG))


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """Run such a case in which two crowd one page."""
    start = pd.Timestamp("2024-01-01", tz="UTC")
    crowd = pd.DataFrame(
        {
            "user": [LONG[n % 2] for n in range(MANY)],
            "title": "Toll 3",
            "timestamp": start + pd.to_timedelta([n * 700 for n in range(MANY)], unit="s"),
            "comment": [f"note {n}" for n in range(MANY)],
            "ns": 0,
            "minor": False,
            "size_diff": 1,
            "rev_id": range(100_000, 100_000 + MANY),
        }
    )
    frame = pd.concat([tiny.edits(LONG), crowd], ignore_index=True)
    return ran(tmp_path_factory.mktemp("crowded"), frame)


def desk_of(case):
    return Desk.of(case, data=case.parent / "data", by="Ann")


@pytest.fixture
def copy(case, tmp_path):
    """Give a copy of the case to harm."""
    shutil.copytree(case.parent, tmp_path / "case")
    return tmp_path / "case" / case.name


def test_an_error_that_nobody_foresaw_is_an_answer_too(case):
    desk = desk_of(case)
    a, b = LONG[:2]
    said = handle_message(
        desk, {"ask": "panels", "a": a, "b": b, "panels": ["none such"], "lang": "zh-hans"}
    )
    assert "KeyError" in said["problem"]["rule"]
    assert said["problem"]["value"] == "此面板"
    assert "edits" in handle_message(desk, {"ask": "edits", "a": a, "b": b})


def test_what_was_purged_or_run_again_under_the_desk_is_not_shown(copy):
    desk = desk_of(copy)
    edits = {"ask": "edits", "a": LONG[0], "b": LONG[1]}
    assert "edits" in handle_message(desk, edits)
    copy.write_text(copy.read_text("utf-8").replace("Returned text", "Another title"), "utf-8")
    again = run_case(copy, data=copy.parent / "data")
    assert "run again" in handle_message(desk, edits)["problem"]["rule"]
    opened = Desk.of(again)
    assert "edits" in handle_message(opened, edits)
    purge_case(opened.store)
    assert "removed" in handle_message(opened, edits)["problem"]["rule"]
    assert "removed" in handle_message(opened, {"ask": "basket"})["problem"]["rule"]
    scene = {"nodes": [{"user": LONG[0]}]}
    assert "removed" in handle_message(opened, {"ask": "scene"}, scene=scene)["problem"]["rule"]


def test_a_case_that_is_half_written_says_so(copy):
    desk = desk_of(copy)
    folder = desk.store.processed
    (folder / NEW_SET).mkdir()  # a run was killed before its set was whole: the old one stands
    (folder / NEW_SET / "links.parquet").write_bytes(b"half")
    assert Explorer(copy, data=copy.parent / "data").problem is None
    manifest = folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:1000])
    shown = Explorer(copy, data=copy.parent / "data")
    assert "cannot be read" in shown.problem["rule"]
    assert shown.problem["remedy"]
    assert "cannot be read" in handle_message(desk, {"ask": "basket"})["problem"]["rule"]


@pytest.fixture(scope="module")
def opened(browser, crowded):
    shown = DeskPage(browser, desk_of(crowded))
    yield shown
    assert shown.heard == []
    shown.page.close()


def test_forty_thousand_edits_of_one_page_come_by_parts(opened):
    """The pair that crowds a page is opened, and all of it can be reached, in time order."""
    page = opened.page
    page.get_by_label("Pairs of", exact=True).select_option(LONG[0])
    page.locator(".sg .pairs tbody button").first.click()
    page.wait_for_function(
        "n => document.querySelector('.sg .editview .note')?.textContent.includes(n)",
        arg=f"{MANY:,} of {MANY:,}",
        timeout=WAIT,
    )
    assert page.locator(".sg .edits tr").count() < 500
    more = page.get_by_role("button", name="in time order", exact=False).first
    more.click()
    assert page.locator(".sg .page[open] .edits tr").count() >= 401
    page.get_by_role("button", name="▸ 3", exact=False).first.click()
    assert page.locator(".sg .page[open] .edits tr").count() >= 801


@pytest.mark.parametrize("size", [(1440, 900), (1100, 900), (390, 800)])
def test_names_of_255_bytes_stand_whole_and_push_nothing_out(opened, size):
    page = opened.page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    for tab in ("Evidence", "Timecards", "Timeline", "Summaries", "Notes", "Edits"):
        opened.open(tab)
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], tab
        sides = page.locator(".sg .bar, .sg .right, .sg .left, .sg .panel")
        boxes = filter(None, (side.bounding_box() for side in sides.all()))  # one is shut
        assert max(box["width"] for box in boxes) <= size[0], tab
    who = opened.text(".who")
    assert sum(clean(name) in who for name in LONG) == 2


def test_a_kernel_that_ended_is_said_in_the_panel_at_once(browser, case):
    desk = DeskPage(browser, desk_of(case))
    desk.alive = False
    desk.page.locator('.sg [data-tab="Timeline"]').click()
    desk.page.evaluate("tell('comm_live_update')")  # as the notebook says that a kernel is gone
    desk.page.locator(".sg .panel .problem").wait_for(timeout=WAIT)
    assert "has ended" in desk.text(".panel .problem")
    assert "Run the cell again." in desk.text(".panel .problem")
    desk.page.locator('.sg [data-tab="Notes"]').click()  # asked after it had gone
    desk.page.wait_for_selector(READY.format("Notes"), timeout=WAIT)
    assert "has ended" in desk.text(".panel .problem")
    desk.alive = True
    desk.page.locator('.sg [data-tab="Timeline"]').click()
    desk.page.wait_for_selector(".sg .panel table", timeout=WAIT)
    assert desk.heard == []
    desk.page.close()


def test_after_a_purge_no_panel_or_view_shows_what_it_showed_before(browser, copy):
    desk = desk_of(copy)
    shown = DeskPage(browser, desk)
    shown.open("Timeline")
    assert shown.page.locator(".sg .panel table").count()
    purge_case(desk.store)
    shown.page.locator('.sg [data-tab="Summaries"]').click()  # not asked before
    for tab in ("Summaries", "Timeline", "Edits", "Notes"):
        shown.page.locator(f'.sg [data-tab="{tab}"]').click()
        shown.page.wait_for_selector(READY.format(tab), timeout=WAIT)
        assert "were removed" in shown.text(".panel .problem"), tab
        assert shown.page.locator(".sg .panel table").count() == 0, tab
    shown.page.locator('.sg [data-sort="pair"]').click()
    shown.page.locator(".sg .pairs .problem").wait_for(timeout=WAIT)
    assert shown.page.locator(".sg .pairs table").count() == 0
    assert shown.heard == []
    shown.page.close()


def test_a_kernel_that_says_nothing_is_said_above_the_panel(browser, case):
    desk = DeskPage(browser, desk_of(case))
    desk.alive = False
    desk.page.locator('.sg [data-tab="Timeline"]').click()
    slow = desk.page.locator(".sg .slow")
    slow.get_by_text("has not answered yet").wait_for(timeout=WAIT)
    assert slow.is_visible()
    assert desk.page.locator(".sg .panel .editview").is_visible()  # what was there stays
    desk.page.close()


def test_without_a_font_for_chinese_it_is_said(browser, case, tmp_path):
    desk = desk_of(case)
    with_fonts = DeskPage(browser, desk)
    assert with_fonts.text(".slow") == ""
    with_fonts.page.close()
    bare = tmp_path / "fonts.conf"
    bare.write_text(
        "<fontconfig><dir>/usr/share/fonts/truetype/dejavu</dir>"
        f"<cachedir>{tmp_path}</cachedir></fontconfig>"
    )
    fontless = browser.browser_type.launch(
        executable_path=str(CHROMIUM), args=list(FLAGS), env={"FONTCONFIG_FILE": str(bare)}
    )
    try:
        assert "No font here draws Chinese" in DeskPage(fontless, desk).text(".slow")
    finally:
        fontless.close()
