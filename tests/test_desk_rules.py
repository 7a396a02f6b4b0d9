"""The drawn rules of the desk's look that can be measured, on the demo in Chromium at 1440 × 900.

A test's name is its rule. The others are held elsewhere:

- test_desk_layout, test_charts: hue is for the direction of evidence alone; both sides beside each
  other; edits before any scroll; a phone; test_desk_failures: names of 255 bytes
- test_desk_graph: the graph; test_one_decision: every place says the same numbers
- test_explore_facts: absence and corrections; each signal opens its own edits; too few edits
- test_mediawiki_diffs: a diff under its row; test_explore_browser: six diffs into a filing
- test_report_browser, test_report: the report's screens, roster, contents and one-line pairs, its
  matrix, nothing scrolls sideways
- test_review_browser: the light path; no pair's evidence before every pair is judged
- test_wikitext: a filing goes under the oldest account, both sides and no verdict
"""

import re

import pytest
from desk_fixture import READY, WAIT, DeskPage

from sockgraph.desk.messages import handle_message
from sockgraph.desk.state import Desk

FEW = ("Pewter Heronry", "Weir Lantern")
PANELS = ["head", "card", "evidence", "timeline"]
PAGES = """() => [...document.querySelectorAll('.sg .page > summary')].map(e => e.textContent)"""


def test_no_interval_has_two_equal_ends(desk):
    pages = [
        text
        for a, b in desk.links
        for text in handle_message(
            desk, {"ask": "panels", "a": a, "b": b, "panels": PANELS, "lang": "en"}
        ).values()
    ]
    rows = handle_message(desk, {"ask": "pairs"})
    pages += [row[rows["columns"].index("interval")] for row in rows["rows"]]
    pages.append((desk.store.path("report.html")).read_text("utf-8"))
    found = re.findall(r"\[([^\[\],]+), ([^\[\],]+)\]", " ".join(pages))
    assert len(found) > 50
    assert [ends for ends in found if ends[0].strip("≥≤ ") == ends[1].strip("≥≤ ")] == []


def test_the_head_says_how_colleagues_score(opened):
    for view in ("Graph", "Matrix"):
        opened.view(view)
        assert opened.page.locator(".sg .colleagues svg").is_visible(), view
        assert opened.page.locator(".sg .head").bounding_box()["height"] <= 180
    said = opened.text(".colleagues")
    assert re.search(r"\d+ of [\d,]+ pairs known to be different people", said)
    assert "innocent cases like this one" in said
    assert "oldest" in opened.text(".who")
    names = opened.page.locator(".sg .who td b").all()
    assert {name.bounding_box()["height"] < 24 for name in names} == {True}  # each on a line


def test_quotes_stand_outside_the_chinese(opened):
    spans = opened.page.locator(".sg .panel bdi[lang=zh]").all_inner_texts()
    assert spans
    assert not [text for text in spans if text[0] in "“”" or text[-1] in "“”"]
    han = opened.page.locator(".sg .graph text[lang=zh]").count()
    assert han == sum(bool(re.search("[\u3400-\u9fff]", user)) for user in opened.desk.accounts)


def test_the_bar_has_every_control_and_the_desk_opens_on_a_flagged_link(opened):
    bar = opened.text(".bar")
    assert all(
        words in bar for words in ("demo", "flagged 1 of", "pairs drawn", "Full screen", "繁")
    )
    assert opened.page.locator(".sg .bar input").count() == 2
    first = opened.page.locator(".sg").get_attribute("data-link").split(" – ")
    assert opened.desk.links[tuple(first)].flagged
    assert opened.page.locator(".sg .foot").bounding_box()["height"] == 28
    opened.page.locator(".sg .panel").press("?")
    assert "graph, matrix, table" in opened.text(".foot")
    opened.page.locator(".sg .panel").press("?")


MARKS = """where => [...document.querySelectorAll(where)].map(mark => {
  const look = getComputedStyle(mark), box = mark.getBoundingClientRect();
  return [box.width, box.height, look.borderRadius,
    look.backgroundColor === getComputedStyle(document.querySelector('.sg')).color];
})"""


def test_marks_of_accounts_are_drawn_and_no_character_stands_for_one(opened):
    page = opened.page
    for tab in ("Evidence", "Edits", "Timecards", "Timeline", "Summaries", "Notes"):
        opened.open(tab)
        assert not re.search("[●○◯⚫⚪]", page.locator(".sg").inner_text()), tab
    filled, hollow = [10, 10, "50%", True], [10, 10, "50%", False]
    for where in (".bar .mk", ".who .mk", ".editview .heads .mk"):
        opened.open("Edits")
        assert page.evaluate(MARKS, f".sg {where}") == [filled, hollow], where
    opened.open("Summaries")
    marks = page.evaluate(MARKS, ".sg .panel th .mk")
    assert marks == [filled, hollow] * 2
    named = page.locator(".sg .panel th .mk").evaluate_all("all => all.map(m => m.ariaLabel)")
    assert named == ["Quillmoss", "Weir Lantern"] * 2  # a column's head is said, not only seen


def test_the_accounts_swap_sides_everywhere_by_mouse_and_by_keyboard(opened):
    page, root = opened.page, opened.page.locator(".sg")
    sides = ("Quillmoss", "Weir Lantern")

    def stand(tab):
        opened.open(tab)
        page.wait_for_function(
            "a => document.querySelector('.sg .who td').innerText.includes(a)", arg=sides[0]
        )
        fields = page.locator(".sg .bar input")
        assert (fields.nth(0).input_value(), fields.nth(1).input_value()) == sides
        hollow = page.locator(".sg .node:has(circle.hollow)").get_attribute("data-user")
        rows = page.locator(".sg .who td:first-child").all_inner_texts()
        return hollow, [row.replace("oldest", "").strip() for row in rows]

    swap = page.get_by_role("button", name="Swap the accounts", exact=True)
    said = {tab: (stand(tab), opened.text(".panel")) for tab in ("Evidence", "Summaries", "Edits")}
    number = opened.text(".headline")
    swap.focus()
    page.keyboard.press("Enter")
    assert (
        page.evaluate("document.activeElement.ariaLabel") == "Swap the accounts"
    )  # and stays there
    sides = sides[::-1]
    for tab, (_, before) in said.items():
        assert stand(tab) == (sides[1], list(sides)), tab
        assert (opened.text(".panel") == before) == (tab == "Evidence"), tab
    assert opened.text(".headline") == number  # of the same two accounts
    heads = page.locator(".sg .editview .heads > span").all_inner_texts()
    assert [head.strip() for head in heads] == list(sides)
    root.get_by_role("button", name="简", exact=True).click()  # a page in another language keeps it
    page.wait_for_selector(READY.format("Edits"), timeout=WAIT)
    assert page.locator(".sg .bar input").first.input_value() == sides[0]
    root.get_by_role("button", name="EN", exact=True).click()
    page.wait_for_selector(READY.format("Edits"), timeout=WAIT)
    swap.click()
    sides = sides[::-1]
    assert stand("Edits") == said["Edits"][0]


def test_the_second_field_lists_everybody_those_without_a_number_last(opened):
    opened.page.locator(".sg .bar input").nth(1).focus()
    offered = opened.page.locator(".sg datalist").nth(1).locator("option")
    offered.first.wait_for(state="attached", timeout=WAIT)
    numbers = [text.removeprefix("log10 LR ") for text in offered.all_inner_texts()]
    assert len(numbers) == len(opened.desk.accounts) - 1
    told = [float(re.sub("[≥≤+ ]", "", n).replace("−", "-")) for n in numbers if n != "no number"]
    assert told == sorted(told, reverse=True)
    assert numbers[len(told) :] == ["no number"] * (len(numbers) - len(told))
    opened.page.locator(".sg .panel").press("/")
    assert opened.page.evaluate("document.activeElement.getAttribute('aria-label')") == (
        "Find an account"
    )


def test_the_chosen_cell_and_row_are_scrolled_into_their_boxes(opened):
    page = opened.page
    style = page.add_style_tag(content=".sg .scroll { flex: none; height: 130px; width: 200px }")
    for view, part in (("Matrix", ".cell.is"), ("Table", "tbody tr.is")):
        opened.view(view)
        for a, b in (FEW, ("Quillmoss", "石埠晚钟"), ("Alder Tollgate", "Weir Lantern")):
            opened.pair(a, b)
            page.wait_for_timeout(100)
            page.wait_for_selector(f".sg {part}", timeout=WAIT)
            box, seen = (
                page.locator(where).bounding_box() for where in (".sg .left .scroll", f".sg {part}")
            )
            assert box["y"] - 1 <= seen["y"], (view, a, b)
            assert seen["y"] + seen["height"] <= box["y"] + box["height"] + 1, (view, a, b)
            assert view == "Table" or seen["x"] + seen["width"] <= box["x"] + box["width"] + 1
    style.evaluate("style => style.remove()")


def test_the_matrix_is_a_staircase_and_every_head_of_the_table_sorts(opened):
    page = opened.page
    opened.view("Matrix")
    page.wait_for_selector(".sg .cell", timeout=WAIT)
    rows = page.locator(".sg .stairs tr").evaluate_all("all => all.map(r => r.cells.length)")
    assert rows == list(range(1, len(opened.desk.accounts) + 1))
    assert set(opened.sizes(".cell")) == {34.0}
    assert page.locator(".sg .stairs th").first.inner_text() == "Weir Lantern"  # the oldest
    opened.view("Table")
    for name in ("pair", "lr", "shared", "closest"):
        shown = set()
        for _ in range(2):
            head = page.locator(f'.sg [data-sort="{name}"]')
            before = head.inner_text()
            head.click()
            page.wait_for_function(
                "([name, before]) => document.activeElement.dataset.sort === name"
                " && document.activeElement.innerText !== before",
                arg=[name, before],
            )
            shown.add(page.locator(".sg .pairs tbody").inner_text())
            sorts = page.locator(".sg .pairs th[aria-sort]:not([aria-sort=none])")
            assert sorts.count() == 1
        assert len(shown) == 2, name
    assert page.locator(".sg .pairs tbody tr").count() == 45


def test_more_pairs_than_a_page_of_the_table_come_when_they_are_asked_for(
    browser, desk, monkeypatch
):
    monkeypatch.setattr("sockgraph.desk.messages.MOST_ROWS", 20)
    stands = DeskPage(browser, desk)
    page, lines = stands.page, stands.page.locator(".sg .pairs tbody tr")
    stands.view("Table")
    for n, left in ((20, "25 more"), (40, "5 more")):
        page.wait_for_function(
            "n => document.querySelectorAll('.sg .pairs tbody tr').length === n", arg=n
        )
        assert "45 pairs" in stands.text(".pairs .note")  # the sentence tells of all
        more = page.get_by_role("button", name=left, exact=True)
        more.focus()
        page.keyboard.press("Enter")
        more.wait_for(state="detached", timeout=WAIT)
        assert lines.nth(n).locator("button").evaluate("b => b === document.activeElement")
    assert lines.count() == len(set(lines.evaluate_all("all => all.map(l => l.dataset.key)"))) == 45
    assert page.locator(".sg .pairs button.small").count() == 0
    assert stands.heard == []
    page.close()


def test_pages_are_in_the_order_that_is_chosen(opened):
    page, orders = opened.page, {}
    for order in ("closest gap", "rarest page", "moved the number most"):
        page.get_by_role("button", name=order, exact=True).click()
        orders[order] = page.evaluate(PAGES)
    line = r"(\d+) of 268 accounts edited it ·  [\d,]+  [\d,]+ edits"
    assert all(re.search(line, text) for text in orders["rarest page"])
    editors = [int(re.search(line, text)[1]) for text in orders["rarest page"]]
    assert editors == sorted(editors)
    said = handle_message(opened.desk, {"ask": "edits", "a": FEW[1], "b": "Quillmoss"})
    closest = sorted(said["pages"], key=lambda p: (p["closest"] is None, p["closest"]))
    assert orders["closest gap"][0].startswith(closest[0]["page"])
    moved = [entry["moved"] for entry in said["pages"]]
    assert moved == sorted(moved, reverse=True)
    assert orders["moved the number most"][0].startswith(said["pages"][0]["page"])


def test_gaps_of_up_to_a_day_are_bold_and_the_rest_of_a_page_is_one_line(opened):
    page = opened.page
    page.get_by_role("button", name="closest gap", exact=True).click()
    gaps = page.locator(".sg .edits .gap").evaluate_all(
        "all => all.filter(g => g.textContent).map(g =>"
        " [g.firstChild.textContent, Number(getComputedStyle(g).fontWeight) >= 600])"
    )
    near = {words: bold for words, bold in gaps if not words.endswith("days")}
    assert {words for words, bold in near.items() if not bold} <= {"24 h"} | {
        f"{n} h" for n in range(25, 36)
    }
    assert not any(bold for words, bold in gaps if words.endswith("days"))
    rest = page.locator(".sg .edits button").filter(has_text="more: all").all_inner_texts()
    assert rest
    assert all(re.match(r"▸ [\d,]+ more: all [\d,]+ in time order", text) for text in rest)
    assert page.locator(".sg .edits .diffs").count() == 0  # the demo holds no page text
    page.get_by_role("button", name="moved the number most", exact=True).click()


def test_a_signal_opens_its_own_edits(opened):
    page = opened.page
    opened.open("Evidence")
    button = page.locator(".sg [data-signal]").first
    n, signal = (
        int(button.inner_text().split()[0].replace(",", "")),
        button.get_attribute("data-signal"),
    )
    assert n > 0
    button.click()
    page.wait_for_selector(READY.format("Edits"), timeout=WAIT)
    why = page.locator(".sg .edits .why").all_inner_texts()
    assert why
    assert all(signal in text for text in why)
    opened.open("Evidence")
    page.locator('.sg [data-signal="openings"]').click()
    page.wait_for_selector(READY.format("Edits"), timeout=WAIT)
    shown = page.locator(".sg .edits .summary:has(mark)").all_inner_texts()
    assert any(re.search(r"“换图，.*” \(3 of 266 others begin so\)", text) for text in shown), shown


def test_the_basket_keeps_puts_against_first_and_copies_whole_lines(opened):
    page = opened.page
    basket = page.locator(".sg .basket")
    assert basket.bounding_box()["height"] == pytest.approx(41, abs=2)
    said = handle_message(opened.desk, {"ask": "edits", "a": "Quillmoss", "b": "Weir Lantern"})
    revs = [e["rev"] for e in said["edits"] if e["signals"]][:3]
    for rev, side in zip(revs, ("for", "for", "against"), strict=True):
        ask = {"ask": "change basket", "do": "pick", "rev": rev, "side": side}
        handle_message(opened.desk, {**ask, "a": "Quillmoss", "b": "Weir Lantern"})
    boxes = page.locator(".sg .edits input[type=checkbox]:not(:checked)")
    boxes.first.click()
    page.locator(".sg .basketbar").get_by_text("4 edits").wait_for(timeout=WAIT)
    opened.pair("Corndrift", "Weir Lantern")
    opened.open("Timeline")
    page.locator(".sg .basketbar button").first.click()
    assert page.locator(".sg .basket li").count() == 4
    assert basket.bounding_box()["height"] <= 168 + 2
    text = page.locator(".sg .basket textarea")
    page.wait_for_function("document.querySelector('.sg .basket textarea').value", timeout=WAIT)
    written = text.input_value()
    lines = [line for line in written.splitlines() if "{{diff|" in line]
    edits = opened.desk.tables["edits"]
    for rev in revs:
        number = rev.rpartition(":")[2]
        row = edits[edits["rev_id"] == int(number)].iloc[0]
        line = next(one for one in lines if f"diff={number}|" in one)
        assert all(
            word in line for word in (row["user"], row["title"], f"{row['timestamp']:%Y-%m-%d}")
        )
    assert written.lower().index("against") < written.index(lines[0])
    for rev in [one.rev for one in opened.desk.basket]:
        handle_message(opened.desk, {"ask": "change basket", "do": "remove", "rev": rev})
    page.locator(".sg .basketbar button").first.click()


def test_every_key_leaves_one_element_with_the_focus(opened):
    page = opened.page
    inside = "document.querySelector('.sg').contains(document.activeElement)"
    page.locator(".sg .panel").focus()
    for key in (*"123456mtg", "ArrowDown", "Enter", "/", "Escape", "2", "j"):
        page.keyboard.press(key)
        page.wait_for_timeout(60)
        assert page.evaluate(inside), key
    tabs = page.locator('.sg [role="tab"]')
    assert {tab.get_attribute("aria-controls") for tab in tabs.all()} == {
        page.locator('.sg [role="tabpanel"]').get_attribute("id")
    }
    page.locator('.sg [role="tab"][aria-selected="true"]').focus()
    page.keyboard.press("ArrowRight")
    assert page.locator('.sg [role="tab"][aria-selected="true"]').inner_text() == "Timecards"
    assert page.locator('.sg [role="status"].live').inner_text() in opened.text(".headline")


def test_edits_are_filtered_by_page_words_gap_namespace_and_date(opened):
    page = opened.page
    said = handle_message(opened.desk, {"ask": "edits", "a": "Quillmoss", "b": "Weir Lantern"})
    edits = said["edits"]
    page.locator(".sg .editview .more summary").click()
    page_name = said["pages"][3]["page"]
    filters = [
        ("Find in edits", page_name, lambda e: page_name in f"{e['page']} {e['summary']}"),
        ("Find in edits", "per the toll", lambda e: "per the toll" in (e["summary"] or "").lower()),
        ("Gap", "86400", lambda e: e["gap"] is not None and e["gap"] <= 86_400),
        ("Namespace", "1", lambda e: e["ns"] == 1),
        ("From", "2024-05-01", lambda e: e["at"] >= "2024-05-01"),
        ("to", "2024-05-01", lambda e: e["at"][:10] <= "2024-05-01"),
        ("Signal", "openings", lambda e: "openings" in e["signals"]),
    ]
    for label, value, kept in filters:
        control = page.locator(".sg .editview").get_by_label(label, exact=True)
        choose = control.evaluate("c => c.tagName") == "SELECT"
        (control.select_option if choose else control.fill)(value)
        n = sum(map(kept, edits))
        assert 0 < n < len(edits), label
        assert opened.text(".editview > .note").startswith(f"{n:,} of {len(edits):,} edits"), label
        (control.select_option if choose else control.fill)("")
    assert opened.text(".editview > .note").startswith(f"{len(edits):,} of {len(edits):,} edits")


def test_a_wide_timeline_scrolls_in_its_own_box(opened):
    opened.open("Timeline")
    box, panel = (opened.page.locator(f".sg {where}") for where in (".panel .wide", ".panel"))
    assert panel.evaluate("e => e.scrollWidth - e.clientWidth") <= 0
    assert box.bounding_box()["width"] <= panel.bounding_box()["width"]
    svg = box.locator("svg").bounding_box()
    assert svg["width"] <= box.bounding_box()["width"] or box.evaluate(
        "e => e.scrollWidth > e.clientWidth"
    )


def test_a_pair_with_too_few_edits_says_so_and_shows_what_there_is(opened):
    opened.pair(*FEW)
    assert "insufficient" in opened.text(".headline")
    for tab in ("Edits", "Timecards", "Timeline", "Summaries", "Evidence"):
        opened.open(tab)
        assert len(opened.text(".panel")) > 20, tab
    assert not re.search(r"[+−]\d", opened.text(".panel"))
    assert "There is no number" in opened.text(".panel")


def test_rows_have_two_lines_where_the_desk_is_narrow(browser, desk):
    narrow = DeskPage(browser, desk, size=(1100, 800))
    cell = narrow.page.locator(".sg .edits .said:has(.summary)").first
    when, words = (cell.locator(where).bounding_box() for where in (".nb", ".summary"))
    assert words["y"] >= when["y"] + when["height"] - 2
    narrow.page.close()


def test_a_case_without_calibration_has_everything_but_a_number(browser, tiny_ran):
    bare = Desk.of(tiny_ran / "tiny.toml", data=tiny_ran / "data")
    stands = DeskPage(browser, bare)
    assert "Not calibrated" in stands.text(".headline")
    assert stands.page.locator(".sg .left .switch button").all_inner_texts() == ["Table"]
    assert stands.page.locator(".sg .pairs .is").count() == 1
    sorts = stands.page.locator(".sg .pairs th[aria-sort=ascending]")
    assert sorts.inner_text().startswith("closest gap")
    assert "moved the number most" not in stands.text(".panel")
    for tab in ("Timecards", "Timeline", "Summaries", "Evidence"):
        stands.open(tab)
        assert len(stands.text(".panel")) > 20, tab
    assert stands.heard == []
    stands.page.close()


@pytest.mark.parametrize("tongue", ["简", "繁"])
def test_no_english_stands_anywhere_on_a_desk_in_chinese(opened, tongue):
    page = opened.page
    page.get_by_role("button", name=tongue, exact=True).click()
    page.wait_for_selector(READY.format("Edits"), timeout=WAIT)
    left = set()
    for view in ("graph", "matrix", "pairs"):
        page.locator(f'.sg .left .switch button[value="{view}"]').click()
        page.wait_for_timeout(150)
        left |= english(opened)
    for tab in ("Evidence", "Timecards", "Timeline", "Summaries", "Notes", "Edits"):
        opened.open(tab)
        left |= english(opened)
    page.get_by_role("button", name="EN", exact=True).click()
    page.wait_for_selector(READY.format("Edits"), timeout=WAIT)
    assert left == set(), left


def english(shown):
    """Return the words of the desk that are neither a name, a quotation nor a term that stays."""
    said = shown.page.evaluate(
        """() => { const copy = document.querySelector('.sg').cloneNode(true);
          for (const own of copy.querySelectorAll('bdi, mark, kbd, .mono, .case, .basket select,'
            + ' datalist, .head td:last-child')) own.remove();
          const labels = [...copy.querySelectorAll('*')].flatMap(e =>
            ['aria-label', 'placeholder', 'title'].map(name => e.getAttribute(name) ?? ''));
          const walker = document.createTreeWalker(copy, NodeFilter.SHOW_TEXT), texts = [];
          while (walker.nextNode()) texts.push(walker.currentNode.data);
          return [...labels, ...texts].join('\\n') }"""
    )
    names = {word for user in (*shown.desk.accounts, shown.desk.by) for word in user.split()}
    stays = names | {"log", "UTC", "sockgraph", "explore", "case", "by"}
    return set(re.findall(r"[A-Za-z]{3,}", said)) - stays
