"""The packet in real Chromium: read, judge, find, save; and merge what was saved."""

from __future__ import annotations

import re

import pytest
from review_fixture import NOMINATED, A, B, C, make_dossier

from sockgraph.reviews.answers import open_findings
from sockgraph.reviews.answers_file import read_answers, take_answers
from sockgraph.reviews.dossier import Dossier
from sockgraph.reviews.packet import make_packet
from sockgraph.reviews.reversal import ask_reversal
from sockgraph.reviews.states import histories

JUDGING = "form[aria-label='First judgement']"
FINDING = "form[aria-label=Finding]"
WIDE = "document.documentElement.scrollWidth"


class Visit:
    """A reviewer's browser at a packet."""

    def __init__(self, browser, path, width=1200):
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, accept_downloads=True
        )
        self.path = path
        self.heard = []
        self.open()

    def open(self):
        page = self.page = self.context.new_page()
        page.on("console", lambda said: self.heard.append(said.text))
        page.on("pageerror", lambda error: self.heard.append(str(error)))
        page.on("dialog", lambda dialog: self.heard.append(dialog.message))
        page.on("request", lambda asked: self.heard.append(asked.url))
        page.goto(self.path.as_uri())
        self.heard.remove(self.path.as_uri())

    def judge(self, answer="may be one operator"):
        form = self.page.locator(JUDGING)
        form.locator("button").click()
        assert "Still open: your judgement" in form.locator(".wrong").inner_text()
        self.page.locator(f"input[name=judgement][value='{answer}']").check()
        self.page.fill("#says", '盐码头 <b>and</b> "quotes" \u2028 & ümlaut 😀')
        self.page.locator("section .m input").first.check()
        if answer == "may be one operator":
            self.page.fill("#else", "one project")
        form.locator("button").click()
        if self.page.locator(JUDGING).count() and form.locator(".wrong").inner_text():
            assert "at least one page of each view" in form.locator(".wrong").inner_text()
            for view in ("only_a", "only_b"):
                self.page.locator(f"button[data-view={view}]").click()
            form.locator("button").click()

    def find(self, answer):
        heads = []
        while not self.page.locator(FINDING).count():
            heads.append(self.page.locator("h1").inner_text())
            self.page.get_by_text("I have read it").click()
        assert [h.split()[-1] for h in heads] == ["operator", "operator", "evidence"]
        self.page.locator(f"input[name=finding][value='{answer}']").check()
        self.page.fill("#why", "because")
        self.page.fill("#alternative", "colleagues")
        self.page.locator(f"{FINDING} button").click()

    def save(self, which, to):
        with self.page.expect_download() as download:
            self.page.get_by_text(f"Save my {which}").click()
        download.value.save_as(to)
        return to


@pytest.fixture
def packet(tmp_path):
    dossier, ledger = make_dossier(tmp_path)
    ask_reversal(ledger, dossier, (A, C), author="Ash", reason="a letter")

    def issue(reviewer, foils=1):
        made = make_packet(dossier, ledger.entries(), reviewer, foils=foils)
        ledger.extend(lambda _: [made.draft])
        path = tmp_path / f"{reviewer}.html"
        path.write_text(made.html, encoding="utf-8")
        return made, path

    return dossier, ledger, issue


def through(visit, made):
    for _ in made.tasks:
        visit.judge()
    for task in made.tasks:
        if not task.foil:
            visit.find("reversed" if task.kind == "reversal" else "upheld")


def test_two_reviewers_through_their_packets(browser, packet, tmp_path):
    dossier, ledger, issue = packet
    saved = {}
    for reviewer in ("Ann", "Bea"):
        made, path = issue(reviewer)
        visit = Visit(browser, path)
        through(visit, made)
        saved[reviewer] = [
            visit.save(which, tmp_path / f"{reviewer}-{which}.json")
            for which in ("commitments", "findings")
        ]
        assert [said for said in visit.heard if not said.startswith("blob:")] == []
        visit.context.close()
        closed = saved[reviewer][0].read_text(encoding="utf-8")
        assert "because" not in closed
        assert "upheld" not in closed
        take_answers(ledger, dossier, [read_answers(saved[reviewer][0])])
    taken = take_answers(ledger, dossier, [read_answers(files[1]) for files in saved.values()])
    assert taken.drafts == ()  # the browser's hashes are the ledger's
    open_findings(ledger, taken.kept)
    known = histories(ledger.entries())
    assert known[A, C].state == "reversed"
    first = known[A, C].current.records["ann"].answers["first judgement"]
    assert first["says"].startswith('盐码头 <b>and</b> "quotes"')
    assert len(first["cites"]) == 1


def test_no_pair_s_evidence_before_every_pair_is_judged(browser, packet):
    _, _, issue = packet
    made, path = issue("Ann")
    visit = Visit(browser, path)
    for number in range(1, len(made.tasks) + 1):
        assert visit.page.locator("h1").inner_text().startswith("Read the edits of both")
        assert f"Pair {number} of {len(made.tasks)}" in visit.page.locator(".top").inner_text()
        visit.judge()
    assert visit.page.locator("h1").inner_text() == "What speaks against one operator"
    visit.context.close()


class Counted(Visit):
    """A reviewer who does no more than is asked, and counts it."""

    clicks = texts = 0

    def click(self, *places):
        for place in places:
            self.page.locator(place).first.click()
            self.clicks += 1

    def write(self, *places):
        for place in places:
            if not self.page.locator(place).input_value():
                self.page.fill(place, "because of this")
                self.texts += 1


def test_the_light_path_takes_six_clicks_and_a_text_at_most(browser, packet, tmp_path):
    dossier, ledger, _ = packet
    made = make_packet(dossier, ledger.entries(), "Ann", foils=0)
    ledger.extend(lambda _: [made.draft])
    path = tmp_path / "light.html"
    path.write_text(made.html, encoding="utf-8")
    visit = Counted(browser, path)
    for task in made.tasks:
        if task.kind == "reversal":
            visit.judge()
            continue
        before = visit.clicks, visit.texts
        visit.click("input[value='different people']", "section .m input", f"{JUDGING} button")
    visit.click(".go")  # the evidence against, then the pair closes
    used = visit.clicks - before[0], visit.texts - before[1]
    assert used[0] <= 6
    assert used[1] <= 1
    visit.find("stands")
    answers = read_answers(visit.save("commitments", tmp_path / "c.json"))
    take_answers(ledger, dossier, [answers])
    known = histories(ledger.entries())
    assert known[B, C].state == "not upheld"
    assert known[B, C].current.light
    visit.context.close()


def test_the_full_path_takes_twenty_clicks_and_four_texts_a_link_at_most(browser, packet):
    _, _, issue = packet
    made, path = issue("Ann", 3)
    visit = Counted(browser, path)
    for task in made.tasks:
        if task.foil:
            cite = "section .m input"
            visit.click("input[value='different people']", cite, f"{JUDGING} button")
            continue
        views = [f"button[data-view={view}]" for view in ("only_a", "only_b")]
        visit.click("input[value='may be one operator']", *views)
        visit.write("#says", "#else")
        visit.click(f"{JUDGING} button")
    links = [task for task in made.tasks if not task.foil]
    for task in links:
        visit.click(".go", ".go", ".go")
        visit.click(f"input[value='{'reversed' if task.kind == 'reversal' else 'upheld'}']")
        visit.write("#why", "#alternative")
        visit.click(f"{FINDING} button")
    assert visit.page.locator("h1").inner_text() == "All pairs are reviewed"
    assert visit.clicks + 2 <= 20 * len(links)  # and the two files
    assert visit.texts <= 4 * len(links)
    visit.context.close()


def test_a_diff_shows_all_its_text(browser, packet, tmp_path):
    dossier, ledger, _ = packet

    def read(sheet):
        return {
            rev: [("same", "the old "), ("del", "bridge"), ("ins", "ferry")] for rev in sheet.cards
        }

    made = make_packet(dossier, ledger.entries(), "Ann", foils=0, read_diffs=read)
    path = tmp_path / "diffs.html"
    path.write_text(made.html, encoding="utf-8")
    visit = Counted(browser, path)
    shown = visit.page.locator(".diff")
    assert shown.count() > 3
    assert {text.strip() for text in shown.all_inner_texts()} == {"the old bridgeferry"}
    assert "[object" not in visit.page.locator("body").inner_text()
    visit.context.close()


def test_answers_outlast_the_page(browser, packet):
    _, _, issue = packet
    _, path = issue("Ann")
    visit = Visit(browser, path)
    visit.judge()
    visit.page.reload()
    assert "Pair 2 of" in visit.page.locator(".top").inner_text()
    visit.context.close()


@pytest.mark.parametrize("width", [1200, 390])
def test_no_name_no_markup_and_no_overflow_on_the_page(browser, packet, width):
    _, _, issue = packet
    made, path = issue("Ann")
    visit = Visit(browser, path, width)
    for _ in made.tasks:
        text = visit.page.locator("body").inner_text()
        assert not [name for name in (*NOMINATED, "Real Reader", "reference-") if name in text]
        assert visit.page.locator("main script, main img").count() == 0
        assert visit.page.locator("input:checked").count() == 0  # no answer is preset
        assert visit.page.evaluate(WIDE) == width
        visit.judge()
    assert visit.heard == []
    visit.context.close()


def test_opening_the_wiki_takes_two_clicks_and_is_recorded(browser, packet, tmp_path):
    dossier, ledger, _ = packet
    source = dossier.case.source.model_copy(update={"kind": "mediawiki"})
    case = dossier.case.model_copy(update={"source": source, "wikis": ("127.0.0.1:9",)})
    dossier = Dossier(case, dossier.tables, dossier.manifest, dossier.names)
    made = make_packet(dossier, ledger.entries(), "Ann", foils=0)
    ledger.extend(lambda _: [made.draft])
    path = tmp_path / "wiki.html"
    path.write_text(made.html, encoding="utf-8")
    visit = Visit(browser, path)
    button = visit.page.locator("section .m button").first
    button.click()
    assert "shows names, is recorded" in button.inner_text()
    with visit.context.expect_page() as opened:
        button.click()
    opened.value.wait_for_url(re.compile(".+"), wait_until="commit")  # a new page has none at first
    assert opened.value.url.startswith(
        ("http://127.0.0.1:9/", "https://127.0.0.1:9/", "chrome-error")
    )
    through(visit, made)
    taken = take_answers(
        ledger, dossier, [read_answers(visit.save("commitments", tmp_path / "c.json"))]
    )
    assert sum(draft.kind == "wiki opened" for draft in taken.drafts) == 1
    records = [h.current.records["ann"] for h in histories(ledger.entries()).values() if h.current]
    assert sorted(record.blinded for record in records) == [False, True]
    visit.context.close()
