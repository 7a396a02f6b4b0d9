"""What an adversary would write into names, titles and summaries, and what inert output looks like.

`HOSTILE` are names for tests with a few accounts, `NAMES` for those that can hold them all; `write`
makes a whole case of them. `assert_calm_terminal`, `assert_calm_csv`, `assert_strict_xml`,
`assert_inert_html` and `assert_inert_page` say of an output that it does nothing but show.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from html.parser import HTMLParser
from xml.parsers import expat

import tiny

RUN = "document.title='ran'"
ATTACK = f"</title></style><script>{RUN}</script>"
HOSTILE = (
    f"<script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f'"><svg onload="{RUN}">',
    "{{ 7 * 7 }}{% raw %}",
    "safe\u202egnp.exe\u2069 zero\u200bwidth",
    "[[User:X]] '''bold''' | =cmd|' /C calc'!A0",
    "N" * 255,
    "خط زمانی" + "青" * 60,
)
FORMULAS = (
    '=HYPERLINK("http://evil.example","paid")',
    "+1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "＝1+1",
)
TERMINAL = (
    "\x1b[2J\x1b[1;1Hsockgraph: all is well",
    "\x1b]0;owned\x07",
    "\x9b31mred",
    "back\x08\x08\x08\x08none",
    "[bold red]rich[/] [link=http://evil.example]x[/link]",
)
MARKUP = (
    "]]>&xxe;<!ENTITY xxe SYSTEM 'file:///etc/passwd'>",
    "{{subst:User:X}}~~~~</nowiki><includeonly>[[Category:Y]]",
    "$\\frac{$ $x^{",
    "javascript:alert(1)//%0Aalert(1)",
    "a\u2028line\u2029paragraph\x85next",
)
PLACES = ("../../../../etc/passwd", "..\\..\\windows", "CON", "a/b", "%2e%2e%2f", "~root")
NUMBERS = ("NaN", "null", "1e999", "True", "0x41", "青" * 85)
NAMES = (*HOSTILE, *FORMULAS, *TERMINAL, *MARKUP, *PLACES, *NUMBERS)
READ = tuple(name.translate(dict.fromkeys(map(ord, "\u202e\u2069\u200b"))) for name in NAMES)
"""`NAMES` as a table's reader has them: without the marks that MediaWiki takes out of names."""
TEXTS = (ATTACK, *NAMES)
FORMULA_STARTS = tuple("=+-@\t\r＝＋－＠")


def write(folder, names=NAMES, **more):
    """Write a case in which every name, title and summary attacks; return the case file."""
    frame = tiny.edits(names, others=2, each=30)
    titles = {title: f"{TEXTS[i % len(TEXTS)]} {i}" for i, title in enumerate(set(frame["title"]))}
    frame = frame.assign(
        title=frame["title"].map(titles),
        comment=[TEXTS[i % len(TEXTS)] for i in frame.index],
    )
    return tiny.write(folder, names=names, title=ATTACK, reference=0, frame=frame, **more)


def assert_calm_terminal(text):
    """Nothing in it moves the cursor, turns the writing round, or hides."""
    loud = {c for c in text if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"}}
    assert not loud, f"printed as they are: {sorted(map(hex, map(ord, loud)))}"


def assert_calm_csv(text):
    """No cell of it would be reckoned by a spreadsheet."""
    rows = list(csv.reader(io.StringIO(text)))
    cells = [cell for row in rows for cell in row]
    loud = {c for c in cells if c.startswith(FORMULA_STARTS) and not _number(c)}
    assert not loud, f"formulas: {sorted(loud)[:3]}"
    assert len({len(row) for row in rows}) == 1, "a cell broke its row"


def _number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return cell.isascii()


def assert_strict_xml(text):
    """It is well-formed to a strict parser, and declares no entity."""
    parser = expat.ParserCreate()
    declared = []
    parser.EntityDeclHandler = lambda *given: declared.append(given[0])
    parser.Parse(text.encode(), True)
    assert not declared


class _Tags(HTMLParser):
    """Every element that begins, as a browser's tokenizer would find it."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, [(name, value or "") for name, value in attrs]))


def assert_inert_html(text):
    """Without a browser: no script, no handler, no foreign address, no hidden turn; a policy."""
    tags = _Tags(text).found
    live = {"script", "iframe", "object", "embed", "base", "form", "link", "frame"}
    assert not sorted({tag for tag, _ in tags} & live)
    given = [pair for _, attrs in tags for pair in attrs]
    assert not [name for name, _ in given if name.startswith("on")]
    aims = [value for name, value in given if name in {"href", "src", "xlink:href", "action"}]
    assert not [a for a in aims if not a.startswith(("#", "https://", "data:image/png;base64,"))]
    metas = [dict(attrs) for tag, attrs in tags if tag == "meta"]
    assert not [m for m in metas if m.get("http-equiv", "").lower() == "refresh"]
    said = [m["content"] for m in metas if m.get("http-equiv") == "Content-Security-Policy"]
    assert len(said) == 1
    assert "default-src 'none'" in said[0]
    assert not {c for c in text if unicodedata.category(c) == "Cf"}


def assert_inert_page(page, heard):
    """No script ran, nothing was asked for, no handler and no foreign address is in it.

    Parameters
    ----------
    page
        An open Playwright page.
    heard
        Messages of its console, errors, dialogs and requests since it was opened.
    """
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.title() != "ran"
    assert heard == []
    handlers = "[...document.querySelectorAll('*')].filter(e => [...e.attributes]"
    assert page.evaluate(f"{handlers}.some(a => /^on/i.test(a.name))).length") == 0
    made = "main script, main img, main iframe, main object, main embed, main base, main meta"
    assert page.locator(made).count() == 0
    linked = "[...document.querySelectorAll('[href],[src]')]"
    hrefs = page.evaluate(f"{linked}.map(a => a.getAttribute('href') || a.getAttribute('src'))")
    assert not [h for h in hrefs if h.startswith(("javascript:", "data:", "vbscript:"))]
    policy = "meta[http-equiv='Content-Security-Policy']"
    assert "default-src 'none'" in (page.locator(policy).first.get_attribute("content") or "")
