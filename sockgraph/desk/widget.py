"""The desk's widget, all that its graph and filters need, and the choice of a case before it.

What a widget synchronises, a notebook may hold when its outputs are cleared (nbclient always does,
JupyterLab where it saves the widgets' state), and with it the accounts that are named there. So the
graph, and every word that may name somebody (`Unkept`), go by message and not as state.
"""

from __future__ import annotations

import html
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import anywidget
import ipywidgets as w
import traitlets
from IPython.display import display
from markupsafe import Markup

from sockgraph.case import load_case
from sockgraph.case_template import new_case
from sockgraph.charts.groups import MOST
from sockgraph.charts.svg import TOKENS, styles
from sockgraph.desk import each
from sockgraph.desk.messages import Answer, error_message, handle_message
from sockgraph.desk.state import Desk
from sockgraph.errors import SockgraphError
from sockgraph.graph import drawn_pairs
from sockgraph.names import clean, is_han, name_on_page
from sockgraph.pipeline.results import DATA, open_store
from sockgraph.pipeline.run import demo_case, run_case
from sockgraph.report.wording import NEXT, number
from sockgraph.reviews.words import SIGNAL_NAMES
from sockgraph.schema import IN_CONCERT
from sockgraph.signals import FAMILIES
from sockgraph.store import MANIFEST
from sockgraph.strings import Language, said_by, say, speaking

if TYPE_CHECKING:
    from collections.abc import Callable

    from sockgraph.pipeline.results import CaseResult
    from sockgraph.report.data import Link

WIDE = w.Layout(width="100%")


class Unkept(anywidget.AnyWidget):
    """One value that the page asks for when it is drawn.

    Attributes
    ----------
    kind
        `html`: the value is shown, and must be safe HTML; `text` and `textarea`: it is written.
    value
        What is shown, or was written.
    placeholder
        What a field asks for.

    Examples
    --------
    >>> field = Unkept(kind="text", value="Heron", placeholder="Account")
    >>> field.value, "Heron" in str(field.get_state())
    ('Heron', False)
    """

    _esm = """
    function render({ model, el }) {
      const kind = model.get("kind"), written = kind !== "html";
      const tag = { html: "div", text: "input", textarea: "textarea" }[kind];
      const held = document.createElement(tag), asks = model.get("placeholder");
      if (written) {
        el.classList.add("jupyter-widgets", "widget-" + kind);
        Object.assign(held, { placeholder: asks, title: asks });
        if (kind === "textarea") held.rows = 2;
        held.dataset.lmSuppressShortcuts = "true"; // JupyterLab keeps its own keys out
        held.addEventListener("input", () => model.send({ value: held.value }));
      }
      const heard = ({ value }) => { held[written ? "value" : "innerHTML"] = value; };
      model.on("msg:custom", heard);
      el.append(held);
      model.send({ ask: "value" });
      return () => model.off("msg:custom", heard);
    }
    export default { render };
    """
    kind = traitlets.Enum(["html", "text", "textarea"], default_value="html").tag(sync=True)
    placeholder = traitlets.Unicode().tag(sync=True)
    value = traitlets.Unicode()

    def __init__(self, value: str = "", **more: Any) -> None:
        self._from_page = False
        super().__init__(value=value, layout=w.Layout(width="100%"), **more)
        self.on_msg(self._heard)
        self.observe(self._tell, "value")

    def _heard(self, _: object, content: dict[str, Any], __: object) -> None:
        if "value" not in content:
            self._tell()
            return
        self._from_page = True
        self.value = content["value"]
        self._from_page = False

    def _tell(self, _: object = None) -> None:
        if not self._from_page:  # the page has what was written there
            self.send({"value": self.value})


MOST_LINKS = 4_000
"""Links sent to the page: those that every picture draws first, then the strongest either way."""
IN_TABLE = 30
"""Links of the table that stands where no kernel draws the graph."""


def graph_payload(desk: Desk) -> dict[str, Any]:
    """Return everything that the graph and its filters need."""
    told = [link for link in desk.links.values() if link.log10_lr is not None]
    pairs = desk.tables["links"]
    marked = pairs[drawn_pairs(pairs)]
    drawn = {*zip(marked["user_a"], marked["user_b"], strict=True), *desk.data.cannot_links}
    ranked = sorted(told, key=lambda k: (k.pair not in drawn, -abs(k.log10_lr or 0.0), k.pair))
    shown = ranked[:MOST_LINKS]
    said = pairs[pairs["band"] != "insufficient"]
    heard = set(said["user_a"]) | set(said["user_b"])
    head = desk.head
    return {
        "title": clean(desk.result.case.title),
        "slug": desk.result.case.slug,
        "nodes": [_node(desk, user, heard) for user in desk.accounts if user in desk.places],
        "links": [_link(link, drawn=link.pair in drawn) for link in shown],
        "concert": _concert(desk),
        "groups": [
            {"number": g.number, "users": list(g.users), "stable": g.stable} for g in desk.groups
        ],
        "families": list(FAMILIES),
        "pairs": len(pairs),
        "opens": _opens(desk, shown),
        "insufficient": len(pairs) - len(said),
        "calibrated": bool(told),
        "most": MOST,
        "language": desk.language,
        "strings": {lang: page_strings(lang) for lang in LANGUAGES[1:]},
        "left_out": len(ranked) - len(shown),
        "ledger": [head.hash, head.length] if head.length else None,
        "by": desk.by,
    }


def _opens(desk: Desk, links: list[Link]) -> list[str] | None:
    """Return the pair to open first: flagged, else strongest for, else the first compared."""
    ranked = sorted(links, key=lambda k: (not k.flagged, -(k.log10_lr or 0.0), k.pair))
    if ranked:
        return list(ranked[0].pair)
    first = desk.tables["links"][["user_a", "user_b"]].head(1)
    return [str(user) for user in first.to_numpy().ravel()] or None


def _node(desk: Desk, user: str, heard: set[str]) -> dict[str, Any]:
    x, y = desk.places[user]
    label = desk.accounts[user].label
    return {
        "user": user,
        "label": clean(label),
        "han": is_han(label),
        "x": x,
        "y": y,
        "edits": desk.accounts[user].n_edits,
        "insufficient": user not in heard,
    }


def _link(link: Link, *, drawn: bool) -> dict[str, Any]:
    return {
        "a": link.a,
        "b": link.b,
        "lr": link.log10_lr,
        "words": number(link),
        "direction": link.direction,
        "flagged": link.flagged,
        "state": link.state,
        "apart": link.apart,
        "alibi": link.alibi,
        "drawn": drawn,
        "families": list(link.families_for),
    }


def _concert(desk: Desk) -> list[dict[str, Any]]:
    """Return the pairs that act in concert beyond chance."""
    return [
        {"a": row.user_a, "b": row.user_b}
        for row in each(desk.concert)
        if row.status == "ok" and row.p_adjusted is not None and row.p_adjusted <= IN_CONCERT
    ]


STATIC = Path(__file__).parent / "static"
SCRIPTS = ("base.js", "graph.js", "pairs.js", "basket.js", "edits.js", "explorer.js")
"""One module for the page: each file uses what those before it define."""
LANGUAGES: tuple[Language, ...] = get_args(Language)


@cache
def page_script() -> str:
    """Return the page's script."""
    return "".join((STATIC / name).read_text(encoding="utf-8") for name in SCRIPTS)


@cache
def page_texts() -> frozenset[str]:
    """Return every text that the page itself says, and the words of its lists."""
    script = page_script()
    lists = re.findall(
        r"^const (?:GAPS|ORDERED|SORTS|ORDERS|TABS|VIEWS|KEYS)\b.*?;$",
        script,
        re.MULTILINE | re.DOTALL,
    )
    named = {word for text in lists for word in re.findall(r'"([A-Za-z][^"]*)"', text)}
    return frozenset({*said_by(script), *named, *FAMILIES, *SIGNAL_NAMES, *NEXT})


def page_strings(language: Language) -> dict[str, str]:
    """Return what the page says in a language, by the English text."""
    with speaking(language):
        return {text: words for text in sorted(page_texts()) if (words := say(text)) != text}


def scoped_tokens() -> str:
    """Return the report's colours and type for this widget alone: the page around has its own."""
    text = TOKENS.read_text(encoding="utf-8").replace(":root", ".sg")
    scoped = re.sub(r'(\[data-jp-theme-light="\w+"\])', r"\1 .sg", text)
    return f"{scoped}\n{styles('.sg .right')}\n"


class Explorer(anywidget.AnyWidget):
    """The investigator's desk, as `sockgraph.explore` says it.

    Parameters
    ----------
    case
        The path of a case file that was run, or what `run_case` or `read_case` returned.
    """

    _esm = page_script()
    _css = scoped_tokens() + (STATIC / "explorer.css").read_text(encoding="utf-8")
    scene = traitlets.Dict()  # asked for: what is synchronised, a notebook keeps when it is cleared
    problem = traitlets.Dict(allow_none=True, default_value=None)  # may name an account: likewise

    def __init__(
        self, case: CaseResult | Path | str, *, data: Path | str = DATA, by: str = ""
    ) -> None:
        super().__init__()
        self.desk: Desk | None = None
        try:
            desk = Desk.of(case, data=Path(data), by=by)
            self.scene = graph_payload(desk)
            self.desk = desk
        except SockgraphError as error:
            self.problem = error_message(error)
        self.on_msg(self._asked)

    def _ipython_display_(self) -> None:
        """Show a table before the graph: what is seen where no kernel draws it."""
        show: Any = display  # it has no types
        show({"text/html": fallback(self.scene, self.problem)}, raw=True)
        data, about = self._repr_mimebundle_() or ({}, {})
        show(data, metadata=about, raw=True)

    def _asked(self, _: object, content: Answer, __: object) -> None:
        answer: Answer = {"problem": self.problem}
        if self.desk is not None:
            answer = handle_message(self.desk, content, scene=self.scene)
        self.send({"re": content.get("re"), **answer})


def fallback(scene: dict[str, Any], problem: dict[str, str] | None) -> str:
    """Return the strongest links as a table in HTML, for a notebook that no kernel draws."""
    if problem is not None:
        return f'<p class="sg-fallback">{html.escape(" ".join(problem.values()))}</p>'
    rows = "".join(
        f"<tr><td>{html.escape(clean(link['a']))}</td><td>{html.escape(clean(link['b']))}</td>"
        f"<td>{link['lr']:+.1f}</td><td>{link['direction']}</td>"
        f"<td>{'yes' if link['flagged'] else ''}</td><td>{html.escape(link['state'])}</td></tr>"
        for link in scene["links"][:IN_TABLE]
    )
    return (
        f'<div class="sg-fallback"><p>{scene["pairs"]:,} pairs were compared. The graph of their'
        " links is drawn where the notebook runs; these are the strongest.</p><table><tr><th>A</th>"
        "<th>B</th><th>log10 LR</th><th>direction</th><th>flagged</th><th>state</th></tr>"
        f"{rows}</table></div>"
    )


DEMO = "the demo: an invented wiki"
NEW = "a new case …"
ASKED = {
    "name": "Short name, a-z, 0-9 and -",
    "reason": "Why are these accounts compared?",
    "wiki": "Wiki, such as zh.wikipedia.org",
    "accounts": "Accounts, one a line",
    "contact": "Your own address or user page: every request to the wiki names it",
}


class Bar(w.VBox):  # type: ignore[misc] # ipywidgets has no types
    """Words and a bar; `heard` is told of every step, as `Progress` says.

    Examples
    --------
    >>> bar = Bar()
    >>> bar.heard("accounts", 3, 4)
    >>> bar.bar.value, bar.bar.max, bar.said.value
    (3, 4, '<p>accounts: 3 of 4</p>')
    """

    def __init__(self) -> None:
        self.said = w.HTML(layout=w.Layout(width="100%"))
        self.bar = w.IntProgress(layout=w.Layout(width="100%", display="none"))
        super().__init__([self.said, self.bar], layout=w.Layout(width="100%"))

    def heard(self, stage: str, done: int, total: int | None) -> None:
        """Move the bar: a count of which the total is not known moves none, and is said."""
        self.bar.layout.display = None
        self.bar.max = total or 1
        self.bar.value = min(done, total) if total else 0
        of = f"{done:,} of {total:,}" if total else f"{done:,}" if done else "…"
        self.say(f"{stage}: {of}")

    def say(self, words: str) -> None:
        """Say something above the bar."""
        self.said.value = str(Markup("<p>{}</p>").format(words))

    def end(self) -> None:
        """Take the bar away; the last words stay."""
        self.bar.layout.display = "none"


def case_files(folder: Path, data: Path) -> list[Path]:
    """Return the case files of a folder and those that lie beside imported edits."""
    found = [*folder.glob("*.toml"), *(data / "raw").glob("*/*.toml")]
    return sorted(path for path in found if "[accounts]" in path.read_text("utf-8", "replace"))


class StartWidget(w.VBox):  # type: ignore[misc] # ipywidgets has no types
    """Which case, then a bar, then the desk.

    Parameters
    ----------
    data
        The data folder.
    by
        Who writes notes on the desk.
    folder
        Where case files lie, and new ones go.
    """

    def __init__(self, *, data: Path, by: str = "", folder: Path = Path("cases")) -> None:
        self.data, self.by, self.folder = data, by, folder
        files = case_files(folder, data)
        named = [(f"{path.stem} ({path.parent})", path) for path in files]
        self.which = w.Dropdown(
            options=[*named, (DEMO, DEMO), (NEW, NEW)], description="Case", layout=WIDE
        )
        self.asked = {key: self._field(key, words) for key, words in ASKED.items()}
        self.form = w.VBox(list(self.asked.values()), layout=w.Layout(display="none"))
        self.go = self._button("Open", self._open)
        self.again = self._button("Run again", lambda: self._show(self._chosen(), run=True))
        self.bar = Bar()
        self.said = Unkept()
        self.room = w.VBox(layout=WIDE)
        self.which.observe(self._asks, "value")
        buttons = w.HBox([self.go, self.again])
        super().__init__([self.which, self.form, buttons, self.said, self.bar, self.room])
        self._asks()

    def _field(self, key: str, words: str) -> Unkept:
        return Unkept(kind="textarea" if key == "accounts" else "text", placeholder=words)

    def _button(self, words: str, act: Callable[[], None]) -> w.Button:
        def pressed(_: w.Button) -> None:
            self.said.value = ""
            self.go.disabled = self.again.disabled = True
            try:
                act()
            except SockgraphError as error:
                self.said.value = str(
                    Markup("<p><b>{}</b>: {} {}</p>").format(
                        clean(error.value), error.rule, error.remedy
                    )
                )
            finally:
                self.go.disabled = self.again.disabled = False
                self.bar.end()

        button = w.Button(description=words, layout=w.Layout(width="auto"))
        button.on_click(pressed)
        return button

    def _asks(self, _: object = None) -> None:
        """Show the questions of a new case where one is to be made."""
        new = self.which.value == NEW
        self.form.layout.display = None if new else "none"
        self.go.description = "Make, run and open" if new else "Open"

    def _chosen(self) -> Path:
        """Return the case file that was chosen; one that is to be made is made now."""
        if self.which.value == DEMO:
            return demo_case(self.data)
        if self.which.value != NEW:
            return Path(self.which.value)
        given = {key: field.value.strip() for key, field in self.asked.items()}
        accounts = [name_on_page(line) for line in given["accounts"].splitlines() if line.strip()]
        made = new_case(
            given["name"],
            reason=given["reason"],
            wikis=(given["wiki"],),
            accounts=accounts,
            contact=given["contact"] or None,
            folder=self.folder,
        )
        self.which.options = [(f"{made.stem} ({made.parent})", made), *self.which.options]
        self.which.value = made
        return made

    def _open(self) -> None:
        path = self._chosen()
        ran = open_store(load_case(path), self.data).path(MANIFEST).exists()
        self._show(path, run=not ran)

    def _show(self, path: Path, *, run: bool) -> None:
        """Run a case if it must, and put its desk below."""
        if run:
            self.room.children = []
            run_case(path, data=self.data, progress=self.bar.heard)
        self.room.children = [Explorer(path, data=self.data, by=self.by)]
