"""The explorer in real JupyterLab, on a case whose every name, title and summary attacks."""

from __future__ import annotations

import unicodedata

import hostile
import pytest
import tiny
from lab_fixture import open_notebook, run_all

from sockgraph.names import clean
from sockgraph.pipeline.run import run_case

pytestmark = pytest.mark.notebook
WAIT = 120_000
AUTHOR = f"<img src=x onerror={hostile.RUN}>\u202e"
# a title set to "ran" is remembered, whoever sets another one after
WATCH = """{
  const title = Object.getOwnPropertyDescriptor(Document.prototype, "title");
  Object.defineProperty(document, "title", {
    get() { return title.get.call(document) },
    set(text) { window.ran = window.ran || text === "ran"; title.set.call(document, text) },
  });
}"""
FORBIDDEN = ("script", "img", "iframe", "object", "embed", "base", "meta", "form", "link", "style")


class Watched:
    """A browser whose pages tell whether a hostile script ran."""

    def __init__(self, browser):
        self.browser = browser

    def new_context(self, **given):
        context = self.browser.new_context(**given)
        context.add_init_script(WATCH)
        return context


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """Run a calibrated case: only then are there numbers, and with them links and panels."""
    folder = tmp_path_factory.mktemp("hostile desk")
    frame = tiny.edits(hostile.HOSTILE)
    titles = {t: f"{hostile.TEXTS[i]} {i}" for i, t in enumerate(sorted(set(frame["title"])))}
    said = [hostile.TEXTS[n % len(hostile.TEXTS)] for n in frame["comment"].factorize()[0]]
    frame = frame.assign(title=frame["title"].map(titles), comment=said)
    path = tiny.write(
        folder, names=hostile.HOSTILE, title=hostile.ATTACK, reference=36, frame=frame
    )
    run_case(path, data=folder / "data")
    return path


@pytest.fixture(scope="module")
def desk(browser, lab, case):
    import nbformat  # seconds, and only where JupyterLab runs

    source = (
        f"import pathlib, sockgraph\ncase = pathlib.Path({str(case)!r})\n"
        f"sockgraph.explore(case, data=case.parent / 'data', by={AUTHOR!r})"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, lab.root / "hostile.ipynb")
    page, heard = open_notebook(Watched(browser), lab, "hostile.ipynb")
    run_all(page)
    page.wait_for_selector('.sg .panel[data-shows="Edits"]', timeout=WAIT)
    page.locator(".sg").scroll_into_view_if_needed()
    yield page, heard
    page.context.close()


def assert_inert(page, heard):
    """Nothing of it ran, was made an element, hides, or leads away."""
    assert not page.evaluate("window.ran === true")
    assert heard == []
    found = page.evaluate(
        """[...document.querySelectorAll(".sg *")].map(e => [e.tagName.toLowerCase(),
        [...e.attributes].filter(a => !a.name.startsWith("data-")).map(a => [a.name, a.value])])"""
    )
    assert not {tag for tag, _ in found} & set(FORBIDDEN)
    given = [pair for _, pairs in found for pair in pairs]
    assert not [name for name, _ in given if name.startswith("on")]
    assert not [v for n, v in given if n in {"href", "src"} and not v.startswith("https://")]
    shown = page.evaluate("document.querySelector('.sg').textContent")
    hidden = {c for c in shown if unicodedata.category(c) == "Cf"}
    assert not hidden, [hex(ord(c)) for c in hidden]
    told = "".join(v for n, v in given if n in {"title", "aria-label", "placeholder"})
    assert not {c for c in told if unicodedata.category(c) == "Cf"}
    wide = "e => e.scrollWidth - e.clientWidth"
    assert (
        page.locator(".sg").evaluate(wide) <= 0
    )  # no name pushes what stands beside it out of sight


def test_the_graph_shows_every_name_and_does_nothing(desk):
    page, heard = desk
    page.get_by_label("Links", exact=True).select_option("all")
    page.wait_for_function("document.querySelectorAll('.sg .link').length > 3", timeout=WAIT)
    assert page.locator(".sg .node").count() == len(hostile.HOSTILE)
    assert page.locator(".sg .link").count() > 3
    drawn = page.locator(".sg .graph .name").all_text_contents()
    assert "account 1" in drawn  # a name that is no plain one has a number in a drawing
    assert max(map(len, drawn)) < 40
    assert_inert(page, heard)


@pytest.mark.parametrize("name", ["Evidence", "Edits", "Timecards", "Timeline", "Summaries"])
def test_every_panel_of_every_link_is_inert(desk, name):
    page, heard = desk
    for edge in page.locator(".sg .link").all()[:6]:
        a, b = edge.get_attribute("data-a"), edge.get_attribute("data-b")
        edge.locator(".hit").dispatch_event("click")  # which puts it above the others
        page.wait_for_function(
            "both => document.querySelector('.sg').dataset.link === both",
            arg=f"{a} – {b}",
            timeout=WAIT,
        )
        page.locator(f'.sg [data-tab="{name}"]').click()
        page.wait_for_selector(f'.sg .panel[data-shows="{name}"]:not([aria-busy])', timeout=WAIT)
        assert page.locator(".sg .panel .problem").count() == 0
        assert len(page.locator(".sg .panel").inner_text()) > 40
        names = page.locator(".sg .who").inner_text()
        assert all(clean(user) in names for user in (a, b))
        assert_inert(page, heard)


def test_diffs_wikitext_notes_and_the_search_are_inert(desk):
    page, heard = desk
    page.locator('.sg [data-tab="Edits"]').click()
    page.locator(".sg .panel .edits input[type=checkbox]").first.check()
    page.locator(".sg .basketbar").get_by_role("button", name="Filing basket").click()
    page.wait_for_function(
        "document.querySelector('.sg .basket textarea').value.includes('{{diff|')", timeout=WAIT
    )
    exact = page.locator(".sg .edits").get_by_role("button", name="Show what", exact=False)
    assert exact.count() == 0  # a case of files has no diffs to show
    assert_inert(page, heard)
    page.locator('.sg [data-tab="Notes"]').click()
    page.locator(".sg .panel textarea").fill(hostile.ATTACK + "\u202e")
    page.get_by_role("button", name="Write into the ledger").click()
    page.wait_for_selector(".sg .notes b", timeout=WAIT)
    assert "⟨U+202E⟩" in page.locator(".sg .notes").inner_text()
    page.get_by_label("Find an account").fill("account 2")
    page.wait_for_selector(".sg .node.found", timeout=WAIT)
    assert page.locator(".sg .node.found").count() == 1
    assert_inert(page, heard)
    for name, shown in (("Matrix", ".sg .stairs"), ("Table", ".sg .pairs tbody tr")):
        page.get_by_role("button", name=name, exact=True).click()
        page.wait_for_selector(shown, timeout=WAIT)
        assert_inert(page, heard)
    page.get_by_role("button", name="Graph", exact=True).click()


def test_the_check_bites(desk):
    page, _ = desk
    page.evaluate(
        "document.querySelector('.sg .group').innerHTML = '<img src=data:, onerror=\"1\">'"
    )
    with pytest.raises(AssertionError):
        assert_inert(page, [])
    page.evaluate("document.querySelector('.sg .group').replaceChildren()")
