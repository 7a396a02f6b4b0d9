"""The desk and the review in real JupyterLab and Chromium, by mouse and by keyboard."""

import json
import shutil
from itertools import pairwise
from pathlib import Path

import pytest
from lab_fixture import open_notebook, run_all, wait_idle

from sockgraph.pipeline.review_session import ReviewSession
from sockgraph.reviews.words import ALIBI_ANSWERS, FINDINGS, JUDGEMENTS, QUESTIONS

pytestmark = pytest.mark.notebook
NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
READY = '.sg .panel[data-shows="Edits"]'
WAIT = 120_000


@pytest.fixture(scope="module")
def desk(browser, lab):
    """Run notebook 02 and wait for the graph."""
    shutil.copy(NOTEBOOKS / "02_explore_clusters.ipynb", lab.root)
    page, heard = open_notebook(browser, lab, "02_explore_clusters.ipynb")
    run_all(page)
    page.wait_for_selector(READY, timeout=WAIT)
    page.locator(".sg").scroll_into_view_if_needed()
    yield page, heard
    page.context.close()


def edges(page):
    return page.locator(".sg .link")


def test_a_click_on_a_link_shows_the_evidence_of_that_very_link(desk):
    page, _ = desk
    assert edges(page).count() >= 3
    for i in (1, 2):
        edge = edges(page).nth(i)
        a, b = edge.get_attribute("data-a"), edge.get_attribute("data-b")
        edge.locator(".hit").dispatch_event("click")
        page.wait_for_selector(f'.sg[data-link="{a} – {b}"]', timeout=WAIT)
        who = page.locator(".sg .who").inner_text()
        assert a in who
        assert b in who
        number = edge.get_attribute("aria-label").rsplit(" ", 1)[1].lstrip("+")
        assert number in page.locator(".sg .headline").inner_text()


def test_every_tab_shows_its_panel_by_its_key(desk):
    page, _ = desk
    page.locator(".sg .link[tabindex='0']").first.focus()
    for key, name in enumerate(
        ["Evidence", "Edits", "Timecards", "Timeline", "Summaries", "Notes"], 1
    ):
        page.keyboard.press(str(key))
        page.wait_for_selector(f'.sg .panel[data-shows="{name}"]', timeout=WAIT)
        assert page.locator(".sg .panel .problem").count() == 0


def test_arrows_go_to_the_next_link_and_the_search_finds_an_account(desk):
    page, _ = desk
    before = page.locator(".sg").get_attribute("data-link")
    page.locator(".sg .link[tabindex='0']").first.focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_selector(f'.sg[data-link]:not([data-link="{before}"])', timeout=WAIT)
    page.keyboard.press("/")
    page.keyboard.type("alder")
    page.keyboard.press("Enter")
    page.wait_for_selector('.sg[data-link*="Alder Tollgate"]', timeout=WAIT)
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.classList.contains('link')")


def clicks(page):
    """Count the clicks of a mouse and the keys that stand for one, from here on."""
    page.evaluate(
        "() => { if (window.pressed === undefined) window.addEventListener('click',"
        " e => { if (e.isTrusted) window.pressed += 1 }, true); window.pressed = 0 }"
    )
    return lambda: page.evaluate("window.pressed")


def test_show_me_the_edits_takes_two_clicks(desk):
    """Why is A linked to B? From the table of all pairs: the pair, and there are its edits."""
    page, _ = desk
    page.locator('.sg [data-tab="Edits"]').click()
    count = clicks(page)
    page.locator(".sg").get_by_role("button", name="Table", exact=True).click()
    page.locator(".sg .pairs tbody button").nth(1).click()
    page.wait_for_selector('.sg[data-link="Weir Lantern – 石埠晚钟"]', timeout=WAIT)
    page.wait_for_selector(f"{READY}:not([aria-busy])", timeout=WAIT)
    rows = page.locator(".sg .edits tr").all()[:10]
    sides = {i for row in rows for i in (0, 2) if row.locator("td").nth(i).locator("input").count()}
    assert sides == {0, 2}
    assert count() == 2


def test_what_speaks_against_takes_two_clicks_and_opens_its_edits(desk):
    """Find Alder Tollgate among an account's pairs; the signal that speaks against, its edits."""
    page, _ = desk
    page.locator(".sg").get_by_role("button", name="Matrix", exact=True).click()
    cell = page.locator('.sg .cell[aria-label*="Alder Tollgate"][aria-label*="Weir Lantern"]')
    cell.wait_for(timeout=WAIT)
    count = clicks(page)
    cell.click()
    page.wait_for_selector('.sg[data-link="Alder Tollgate – Weir Lantern"]', timeout=WAIT)
    page.keyboard.press("1")
    page.wait_for_selector('.sg .panel[data-shows="Evidence"]:not([aria-busy])', timeout=WAIT)
    heads = page.locator(".sg .panel h4").all_inner_texts()
    assert heads.index("Against one operator") < heads.index("For one operator")
    page.locator(".sg .panel [data-signal]").first.click()
    page.wait_for_selector(f"{READY}:not([aria-busy])", timeout=WAIT)
    assert page.locator(".sg .edits .why").count()
    assert count() == 2


def test_six_diffs_into_a_filing_take_seven_clicks_and_are_kept(desk):
    page, _ = desk
    page.locator('.sg [data-tab="Edits"]').click()
    page.wait_for_selector(f"{READY}:not([aria-busy])", timeout=WAIT)
    if page.get_by_label("Signal", exact=True).input_value():
        page.get_by_label("Signal", exact=True).select_option("")
    count = clicks(page)
    boxes = page.locator(".sg .edits input[type=checkbox]")
    for i in range(6):
        boxes.nth(i).click()
        page.locator(".sg .basketbar").get_by_text(f"{i + 1} edits:").wait_for(timeout=WAIT)
    page.locator(".sg .basketbar").get_by_role("button", name="Copy", exact=True).click()
    text = page.locator(".sg .basket textarea")
    page.wait_for_function("document.querySelector('.sg .basket textarea').value", timeout=WAIT)
    assert text.input_value().count("{{diff|") >= 6
    assert count() == 7
    page.locator('.sg [data-tab="Timeline"]').click()  # it stays across tabs and links
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowDown")
    assert page.locator(".sg .basket li").count() == 6
    while page.locator(".sg .basket li").count():
        n = page.locator(".sg .basket li").count()
        page.locator('.sg .basket li button[aria-label="Take out"]').first.click()
        page.wait_for_function(
            "n => document.querySelectorAll('.sg .basket li').length < n", arg=n, timeout=WAIT
        )


def test_nothing_left_the_machine_and_nothing_went_wrong(desk):
    _, heard = desk
    assert heard == []


DONE = "All pairs are reviewed"


def answer_all(page):
    """Review whatever is served, to the end; return how many pairs were judged."""
    judged = 0
    review = page.locator(".sg-review")
    for _ in range(80):
        review.get_by_text("Pair ").or_(review.get_by_text(DONE)).first.wait_for(timeout=WAIT)
        if review.get_by_text(DONE).count():
            return judged
        tabs = review.locator(".lm-TabBar-tab")
        if tabs.count():
            for tab in tabs.all():
                tab.click()
            judged += 1
            fill(
                review,
                " - ".join(JUDGEMENTS["may be one operator"]),
                (QUESTIONS["says"], QUESTIONS["else"]),
            )
            press(review, "Record my judgement")
        elif review.get_by_role("button", name="Record my finding").count():
            alibi = review.get_by_label(ALIBI_ANSWERS["explained"], exact=True)
            if alibi.count():
                alibi.check()
            fill(review, FINDINGS["inconclusive"], (QUESTIONS["why"], QUESTIONS["alternative"]))
            press(review, "Record my finding")
        else:
            assert not review.get_by_role("button", name="Record").count()
            press(review, "I have read it")
    raise AssertionError(review.inner_text())


def fill(review, choice, questions):
    review.get_by_label(choice, exact=True).check()
    for question in questions:
        review.get_by_placeholder(question).fill("colleagues of one project")


def press(review, words):
    """Press a button and wait until the page has gone on from it."""
    button = review.get_by_role("button", name=words, exact=True)
    button.evaluate("b => { b.dataset.pressed = '1' }")
    button.click()
    review.locator("[data-pressed]").wait_for(state="detached", timeout=WAIT)


def test_a_notebook_keeps_no_error_no_unsent_form_and_no_edit_of_a_review(browser, lab):
    import nbformat  # seconds, and only where JupyterLab runs

    cells = (
        "import sockgraph as sg; sg.explore('Heron Wade.toml')",
        "sg.explore()",
        "sg.review(reviewer='Ann')",
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    saved = lab.root / "kept.ipynb"
    nbformat.write(notebook, saved)
    page, heard = open_notebook(browser, lab, "kept.ipynb")
    run_all(page)
    page.locator(".sg .problem").wait_for(timeout=WAIT)
    page.get_by_label("Case").select_option("a new case …")
    page.get_by_placeholder("Accounts, one a line").fill("Heron Wade")
    page.get_by_placeholder("Short name, a-z, 0-9 and -").fill("heron")
    page.get_by_role("button", name="Make, run and open").click()
    page.locator(".jp-OutputArea p b").first.wait_for(timeout=WAIT)  # what is wrong with it
    review = page.locator(".sg-review")
    review.get_by_placeholder(QUESTIONS["says"]).fill("It is Heron Wade who writes so")
    review.locator("h4").first.wait_for(timeout=WAIT)
    title = review.locator("h4").first.inner_text()
    page.get_by_role("menuitem", name="Edit", exact=True).click()
    page.locator('[data-command="editmenu:clear-all"]').click()
    page.locator('jp-button[data-command="docmanager:save"]').click()
    page.wait_for_timeout(3_000)
    kept = nbformat.read(saved, as_version=4)
    assert not any(cell.outputs for cell in kept.cells)
    assert kept.metadata["widgets"]  # so it was among what is searched
    told = json.dumps(kept.metadata, ensure_ascii=False)
    assert [said for said in ("Heron", title) if said in told] == []
    assert heard == []
    page.context.close()


def assert_beside(page):
    """The form stands beside the edits, and both fit a screen, however many edits there are."""
    page.locator(".sg-review h3").scroll_into_view_if_needed()
    tabs, form = (page.locator(f".sg-beside > *:nth-child({n})").bounding_box() for n in (1, 2))
    assert tabs["x"] + tabs["width"] <= form["x"]
    assert abs(tabs["y"] - form["y"]) < 10
    assert max(tabs["height"], form["height"]) < 800
    choices = page.locator(".sg-beside .widget-radio-box label").evaluate_all(
        "all => all.map(l => [l.getBoundingClientRect().top, l.getBoundingClientRect().bottom,"
        " l.scrollHeight - l.clientHeight])"
    )
    for (_, end, _), (start, _, _) in pairwise(choices):
        assert end <= start + 1  # no answer covers another
    assert max(over for _, _, over in choices) <= 0
    edits = page.locator(".sg-beside .widget-tab-contents")
    assert edits.evaluate("box => box.scrollHeight > 2 * box.clientHeight")
    for box in (page.locator(".sg-beside"), page.locator(".sg-review")):
        assert box.evaluate("e => e.scrollWidth - e.clientWidth") <= 0


def test_a_review_goes_to_its_end_and_into_the_ledger(browser, lab, demo_copy):
    shutil.copy(NOTEBOOKS / "03_review_link.ipynb", lab.root)
    source = lab.root / "03_review_link.ipynb"
    given = f'reviewer=\\"You\\", foils=1, data=\\"{demo_copy}\\")'
    source.write_text(source.read_text().replace('reviewer=\\"You\\")', given))
    page, heard = open_notebook(browser, lab, "03_review_link.ipynb")
    run_all(page)
    page.wait_for_selector(".sg-review .lm-TabBar-tab", timeout=WAIT)
    wait_idle(page)
    shown = page.locator(".sg-review").inner_text()
    for word in ("log10", "Weir Lantern", "Alder Tollgate", "reference-"):
        assert word not in shown
    assert_beside(page)
    judged = answer_all(page)
    case = demo_copy / "raw" / "demo" / "demo.toml"
    entries = ReviewSession.of(case, demo_copy).ledger.entries()
    mine = [e.kind for e in entries if e.author == "You"]
    assert judged == mine.count("first judgement") >= 2
    assert mine.count("finding") == judged - 1  # one of the pairs is a foil
    assert heard == []
    page.context.close()
