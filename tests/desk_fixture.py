"""The desk on a bare page of Chromium: its own script and style, its kernel this very process."""

from __future__ import annotations

from sockgraph.desk.messages import handle_message
from sockgraph.desk.widget import STATIC, graph_payload, page_script, scoped_tokens

WAIT = 60_000
READY = '.sg .panel[data-shows="{}"]:not([aria-busy])'
SIZES = """where => [...document.querySelectorAll(where)]
  .map(e => Math.round(e.getBoundingClientRect().height * 10) / 10)"""
MODEL = """async ([script, scene]) => {
  const module = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const { default: desk } = await import(module);
  const heard = new Map();
  window.tell = (event, said) => heard.get(event)?.(said);
  const model = { get: (key) => (key === "scene" ? scene : null), off() {},
    on: (event, listener) => { heard.set(event, listener); },
    send: (question) => {
      window.kernel(question).then((said) => said && tell("msg:custom", said));
    } };
  desk.render({ model, el: document.getElementById("root") });
}"""


class DeskPage:
    """A desk that stands open.

    Attributes
    ----------
    page
        Playwright's page.
    heard
        Errors of the page.
    asked
        The questions that it put to the kernel.
    alive
        Whether the kernel answers.
    """

    def __init__(self, browser, desk, *, size=(1440, 900), scheme="light"):
        self.desk, self.heard, self.asked, self.alive = desk, [], [], True
        self.page = page = browser.new_page(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme
        )
        page.on("pageerror", lambda error: self.heard.append(str(error)))
        page.on("console", lambda said: said.type == "error" and self.heard.append(said.text))
        page.expose_function("kernel", self._kernel)
        css = scoped_tokens() + (STATIC / "explorer.css").read_text("utf-8")
        theme = f'data-jp-theme-light="{str(scheme == "light").lower()}"'
        page.set_content(
            f'<!doctype html><html {theme}><style>{css}</style><body style="margin:0">'
            '<div id="root"></div>'
        )
        page.evaluate(MODEL, [page_script(), graph_payload(desk)])
        page.wait_for_selector(READY.format("Edits"), timeout=WAIT)
        page.wait_for_selector(".sg .headline", timeout=WAIT)

    def _kernel(self, question):
        self.asked.append(question)
        return {"re": question["re"], **handle_message(self.desk, question)} if self.alive else None

    def open(self, tab):
        """Open a tab and wait for what it shows."""
        self.page.locator(f'.sg [data-tab="{tab}"]').click()
        self.page.wait_for_selector(READY.format(tab), timeout=WAIT)

    def view(self, name):
        """Choose graph, matrix or table."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def text(self, where):
        """Return what a part of the desk says."""
        return self.page.locator(f".sg {where}").first.inner_text()

    def pair(self, a, b):
        """Open a pair by the two fields."""
        fields = self.page.locator(".sg .bar input")
        fields.nth(0).fill(a)
        fields.nth(1).fill(b)
        fields.nth(1).press("Enter")
        both = " – ".join(sorted((a, b)))
        self.page.wait_for_selector(f'.sg[data-link="{both}"]', timeout=WAIT)
        self.page.wait_for_selector(".sg .panel[data-shows]:not([aria-busy])", timeout=WAIT)

    def spot(self, where):
        """Return the middle of the first that is found, in px of the window."""
        box = self.page.locator(f".sg {where}").first.bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def sizes(self, where):
        """Return the heights of all that are found, in px."""
        return self.page.evaluate(SIZES, f".sg {where}")
