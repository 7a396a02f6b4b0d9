"""The page in real Chromium: nothing runs, nothing is asked of the network, nothing overflows."""

import datetime as dt
import re

import pytest
from report_fixture import USERS, linked_case, river_trade
from report_hostile import HOSTILE, hostile_case

from sockgraph.report.page import case_report

OPEN = "document.querySelectorAll('details').forEach(d => d.open = true)"
WIDE = "document.documentElement.scrollWidth"
HANDLERS = """[...document.querySelectorAll('*')]
  .filter(e => [...e.attributes].some(a => /^on/i.test(a.name))).length"""
FIGURES = """() => [...document.querySelectorAll('main svg')].flatMap(svg => {
  if (svg.closest('.box, .tw')) return [];  // scrolls by itself
  const edge = document.documentElement.clientWidth;
  return [...svg.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()])
    .filter(([_, box]) => box.width && (box.right > edge || box.left < 0)).map(([text]) => text);
})"""
CROSSED = """() => [...document.querySelectorAll('main svg')].flatMap(svg => {
  const boxes = [...svg.querySelectorAll('text')]
    .map(t => [t.textContent, t.getBoundingClientRect()]);
  return boxes.flatMap(([a, x], i) => boxes.slice(i + 1).filter(([b, y]) =>
    Math.min(x.right, y.right) - Math.max(x.left, y.left) > 1 &&
    Math.min(x.bottom, y.bottom) - Math.max(x.top, y.top) > 4).map(([b]) => [a, b]));
})"""


@pytest.fixture
def visit(browser, tmp_path):
    """Open a page of its own profile; return it and everything it said or asked for."""
    contexts = []

    def opened(html, scheme="light"):
        path = tmp_path / "report.html"
        path.write_text(html, encoding="utf-8")
        context = browser.new_context(viewport={"width": 1080, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page, heard = context.new_page(), []
        page.on("console", lambda said: heard.append(said.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("dialog", lambda dialog: heard.append(dialog.message))
        page.on("request", lambda asked: heard.append(asked.url))
        page.goto(path.as_uri())
        heard.remove(path.as_uri())
        return page, heard

    yield opened
    for context in contexts:
        context.close()


def test_hostile_content_is_inert(visit):
    page, heard = visit(case_report(hostile_case()))
    page.evaluate(OPEN)
    assert page.title() != "ran"
    assert heard == []
    assert page.locator("main script, main img, main iframe, main object, main style").count() == 0
    assert page.evaluate(HANDLERS) == 0
    hrefs = page.evaluate("[...document.querySelectorAll('a')].map(a => a.href)")
    assert hrefs
    assert all(h.startswith(("https://zh.wikipedia.org/w/index.php?diff=", "file:")) for h in hrefs)


def test_hostile_names_are_whole_and_stay_where_they_stand(visit):
    page, _ = visit(case_report(hostile_case()))
    names = page.locator("#accounts + table td.name bdi").all_text_contents()
    assert {HOSTILE[0], HOSTILE[6]} <= set(names)  # the oldest account comes first
    assert "safe⟨U+202E⟩gnp.exe⟨U+2069⟩ zero⟨U+200B⟩width" in names
    assert page.evaluate(WIDE) == 1080
    assert page.evaluate(FIGURES) == []


def test_a_script_that_got_in_would_not_run(visit):
    """The policy holds even where escaping would fail."""
    html = case_report(river_trade()).replace(
        "<main>", "<main><script>document.title='ran'</script>"
    )
    page, heard = visit(html)
    assert page.title() != "ran"
    assert "Content Security Policy" in heard[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_and_says_nothing(visit, scheme):
    page, heard = visit(case_report(river_trade()), scheme)
    page.evaluate(OPEN)
    assert heard == []
    assert page.evaluate(WIDE) == 1080
    assert page.evaluate(FIGURES) == []
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(253, 252, 249)", "dark": "rgb(21, 24, 28)"}[scheme]


@pytest.mark.parametrize("n", [8, 12, 15, 24, 40])
def test_no_label_covers_another(visit, n):
    han = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥天地"
    users = [f"青石巷口{han[i % 24]}{i}" if i % 3 == 0 else f"Editor {i:02d}" for i in range(n)]
    data = river_trade() if n == 8 else linked_case(users, n)
    page, _ = visit(case_report(data))
    page.evaluate(OPEN)
    assert page.evaluate(CROSSED) == []
    assert page.evaluate(FIGURES) == []


def test_chinese_names_carry_their_language(visit):
    page, _ = visit(case_report(river_trade()))
    marked = set(page.locator('bdi[lang="zh"]').all_text_contents())
    assert {"青石巷", "渡口灯"} <= marked
    assert not marked & {user for user in USERS if user.isascii()}


def test_cards_are_drawn_where_they_are_used(visit):
    page, _ = visit(case_report(river_trade()))
    page.evaluate(OPEN)
    box = page.locator("use").first.bounding_box()
    assert box["width"] > 250
    assert box["height"] > 80


@pytest.mark.parametrize("width", [390, 1100, 1440])
def test_nothing_makes_the_page_scroll_sideways(visit, width):
    page, _ = visit(case_report(river_trade()))
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate(WIDE) == width
    page.evaluate(OPEN)
    assert page.evaluate(WIDE) == width


@pytest.fixture
def demo(visit, demo_ran):
    """Open the demo's report at 1440 by 900."""
    page, _ = visit((demo_ran / "processed" / "demo" / "report.html").read_text("utf-8"))
    page.set_viewport_size({"width": 1440, "height": 900})
    return page


def test_the_demo_s_report_is_short_and_its_first_screen_whole(demo, demo_ran):
    assert demo.evaluate("document.documentElement.scrollHeight") < 15 * 900
    assert (demo_ran / "processed" / "demo" / "report.html").stat().st_size < 400_000
    for part in (".stop", "#question", ".ans", ".links li:last-child", "#next"):
        box = demo.locator(part).first.bounding_box()
        assert box["y"] + box["height"] <= 900, part


def test_the_roster_is_oldest_first_and_says_who_is_stale_and_why_blocked(demo):
    rows = demo.locator("#accounts + table tbody tr").evaluate_all(
        "all => all.map(row => [...row.cells].map(cell => cell.innerText))"
    )
    assert len(rows) == 10
    registered = [row[1] for row in rows]
    assert registered == sorted(registered)
    assert rows[0][0] == "Weir Lantern oldest"
    read = dt.date.fromisoformat(
        re.search(r"counted from (\S+);", demo.locator("#accounts ~ .note").first.inner_text())[1]
    )
    for row in rows:
        days = (read - dt.date.fromisoformat(row[3])).days
        assert row[4].replace(",", "").split()[0] == str(days), row
        assert ("stale" in row[4]) == (days > 90), row
    restrained = {row[0].split(" oldest")[0]: row[6] for row in rows if "indefinitely" in row[6]}
    assert set(restrained) == {"Weir Lantern", "Alder Tollgate"}
    assert "2024-09-16\n“edit war at" in restrained["Weir Lantern"]
    assert "2025-02-10\n“operated with Weir Lantern”" in restrained["Alder Tollgate"]


def test_contents_stay_at_the_left_and_are_a_closed_list_on_a_narrow_page(demo):
    left, short = demo.locator("nav"), demo.locator(".toc")
    assert left.is_visible()
    assert not short.is_visible()
    demo.evaluate("scrollTo(0, 4000)")
    box, main = left.bounding_box(), demo.locator("main").bounding_box()
    assert box["y"] == pytest.approx(0, abs=1)  # it came along
    assert box["x"] + box["width"] <= main["x"]
    targets = left.locator("a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    assert len(targets) > 5
    assert all(demo.locator(target).count() == 1 for target in targets)
    demo.set_viewport_size({"width": 1019, "height": 900})
    assert not left.is_visible()
    assert short.is_visible()
    assert short.get_attribute("open") is None
    short.locator("summary").click()
    assert short.locator("a").count() == len(targets)


def test_a_pair_that_is_neither_flagged_nor_asserted_is_one_line_that_opens(demo):
    lines = demo.locator("details.pr")
    assert lines.count() + demo.locator("section.lk").count() == 45
    assert lines.evaluate_all("all => all.filter(line => line.open).length") == 0
    heights = lines.locator("summary").evaluate_all("all => all.map(s => s.offsetHeight)")
    assert max(heights) < 2 * min(heights)  # one line each
    names = demo.locator("#accounts + table td.name bdi").all_inner_texts()
    for cells in lines.evaluate_all(
        "all => all.map(l => [...l.firstElementChild.children].map(s => s.innerText))"
    ):
        pair, number, ends, words, shared = cells
        assert sum(name in pair for name in names) == 2, cells
        few = words == "too few edits"
        assert re.fullmatch("–" if few else r"[≥≤]? ?[+−]?\d\.\d", number), cells
        assert re.fullmatch("" if few else r"\[.+, .+\]|held at the bound", ends), cells
        assert few or re.fullmatch(r"does not separate|(weakly|moderately).* (for|against)", words)
        assert re.fullmatch(r"[\d,]+ shared pages?|no shared page.*", shared), cells
    first = lines.first
    assert not first.locator(".in").is_visible()
    first.locator("summary").focus()
    demo.keyboard.press("Enter")  # without script
    assert first.locator(".in").is_visible()
    assert first.locator(".in").evaluate("part => part.checkVisibility()")  # so the check bites
    demo.keyboard.press("Enter")
    demo.emulate_media(media="print")
    seen = "all => all.filter(part => part.checkVisibility()).length"
    assert lines.locator(".in").evaluate_all(seen) == 0


def test_the_first_screen_holds_the_answer_and_what_to_do(visit):
    page, _ = visit(case_report(river_trade()))
    page.set_viewport_size({"width": 1440, "height": 900})
    assert page.locator("#next").bounding_box()["y"] < 900
    assert page.locator("details[open]").count() == 0
