"""A review in the notebook: it asks and shows what the sitting gives, and decides nothing.

Nothing that biases is sent to the page before the first judgement: each step is made when the one
before it is in the ledger.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as w
from markupsafe import Markup

from sockgraph.desk.widget import WIDE, Unkept
from sockgraph.errors import SockgraphError
from sockgraph.names import clean
from sockgraph.pipeline.results import DATA, CaseResult
from sockgraph.pipeline.review_session import ReviewFlow, ReviewSession
from sockgraph.reviews import words
from sockgraph.reviews.answers import findings_of
from sockgraph.reviews.blinding import LABELS
from sockgraph.reviews.sheet import EditCard
from sockgraph.strings import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sockgraph.reviews.blinding import Part
    from sockgraph.reviews.packet import PageBlock
    from sockgraph.reviews.rules import ReviewTask
    from sockgraph.reviews.sheet import Sheet, SheetPage

STYLE = """<style>
.sg-review table { border-collapse: collapse; width: 100%; font-size: 13px; }
.sg-review td, .sg-review th { text-align: left; vertical-align: top; padding: 4px 12px 4px 0;
  border-bottom: 1px solid var(--jp-border-color2, #dbd8cf); background: none; }
.sg-review td { width: 45%; } .sg-review td.gap { width: 10%; white-space: nowrap; }
.sg-review .lm-TabBar-tab { flex: 0 0 auto !important; max-width: none !important; }
.sg-review { container-type: inline-size; }
.sg-beside { display: grid !important; grid-template-columns: minmax(0, 1fr) 344px; gap: 24px;
  align-items: start; }
.sg-review .widget-radio-box label { display: flex; height: auto; line-height: 1.35; padding: 3px 0;
  white-space: normal; }
.sg-review .widget-radio-box input { flex: none; order: -1; }
.sg-beside input:not([type]), .sg-beside textarea { width: 100%; box-sizing: border-box; }
.sg-beside .widget-tab-contents { max-height: 620px; overflow: auto; }
@container (max-width: 699px) { .sg-beside { grid-template-columns: minmax(0, 1fr); } }
.sg-review .who { border: 1px solid; padding: 0 4px; } .sg-review h4 { margin: 14px 0 4px; }
</style>"""


class ReviewWidget(w.VBox):  # type: ignore[misc] # ipywidgets has no types
    """One reviewer's review of what waits, pair by pair, as `sockgraph.review` says it.

    Parameters
    ----------
    case
        The path of a case file that was run, or what `run_case` or `read_case` returned.
    """

    def __init__(
        self, case: CaseResult | Path | str, *, reviewer: str, data: Path = DATA, foils: int = 0
    ) -> None:
        self.said = Unkept()
        self.body = w.VBox(layout=WIDE)
        self.other = ""
        super().__init__([w.HTML(STYLE), self.said, self.body], layout=WIDE)
        self.add_class("sg-review")
        try:
            session = ReviewSession.of(*_place(case, data), tell=self._tell)
            with session.speaking():
                self.sitting = ReviewFlow.begin(session, reviewer, foils=foils)
                self._next()
        except SockgraphError as error:
            self._tell(str(error))

    def _next(self, said: str = "") -> None:
        """Show what is due."""
        if said:
            self._tell(said)
        due = self.sitting.due
        if due is None:
            self.sitting.session.settle()
            done = Markup("<b>{}</b>").format(say("All pairs are reviewed"))
            self.body.children = [w.HTML(done)]
            return
        task, step = due
        number = self.sitting.tasks.index(task) + 1
        pair = say("Pair {n} of {all}", n=number, all=len(self.sitting.tasks))
        head = Markup("<h3>{}</h3>").format(pair)
        if step == "judge":
            shown = self._reading(task)
        elif step == "finding":
            shown = self._finding(task)
        else:
            shown = self._evidence(task, step)
        self.body.children = [w.HTML(head), *shown]

    def _reading(self, task: ReviewTask) -> list[w.Widget]:
        """Show a pair's edits, blinded, and the form for what they point to."""
        sheet = self.sitting.sheet(task)
        views = {name: getattr(sheet, name) for name in words.VIEWS}
        unread = {name for name, pages in views.items() if pages}
        tabs = w.Tab(
            children=[Unkept(_pages(sheet, pages)) for pages in views.values()],
            titles=[f"{say(words.VIEWS[n])} ({len(pages)})" for n, pages in views.items()],
            selected_index=0,
        )

        def opened(change: dict[str, Any]) -> None:
            if change["new"] is not None:
                unread.discard(list(views)[change["new"]])

        tabs.observe(opened, "selected_index")
        opened({"new": tabs.selected_index})
        intro = w.HTML(Markup("<p>{}<br>{}</p>").format(say(words.READ), say(words.FIRST_PAGES)))
        beside = w.Box([tabs, self._judgement(task, sheet, unread)], layout=WIDE)
        return [intro, beside.add_class("sg-beside")]

    def _judgement(self, task: ReviewTask, sheet: Sheet, unread: set[str]) -> w.VBox:
        options = [(" - ".join(map(say, both)), j) for j, both in words.JUDGEMENTS.items()]
        choice = w.RadioButtons(options=self._turned(options), value=None, layout=WIDE)
        says = _area("says")
        other = _area("else", self.other)
        other.layout.display = "none"
        cites = Unkept(kind="text", placeholder=say("numbers of edits, such as 3, 7"))
        knows = w.Checkbox(description=say(words.QUESTIONS["knows"]), indent=False, layout=WIDE)

        def chosen(change: dict[str, Any]) -> None:
            other.layout.display = None if change["new"] == words.JOINS else "none"

        choice.observe(chosen, "value")

        def give() -> None:
            joins = choice.value == words.JOINS
            if joins and unread:
                names = say(", ").join(say(words.VIEWS[name]) for name in sorted(unread))
                self._tell(say("First read at least one page of: {views}.", views=names))
                return
            revs = list(sheet.cards)
            numbers = [int(n) for n in cites.value.replace(",", " ").split() if n.isdigit()]
            self.other = other.value if joins else self.other
            said = self.sitting.judge(
                task,
                choice.value or "",
                says=says.value,
                other=other.value if joins else "",
                knows=knows.value,
                cites=[revs[n - 1] for n in numbers if 0 < n <= len(revs)],
            )
            self._next(said)

        heads = [_heading("judgement"), choice, says, other, _heading("cites"), cites, knows]
        return w.VBox([*heads, self._button(say("Record my judgement"), give)], layout=WIDE)

    def _evidence(self, task: ReviewTask, step: str) -> list[w.Widget]:
        """Show what is read at a step; it is taken by hand."""
        blocks = Markup("").join(map(_block, self.sitting.exhibit(task).of(step)))
        page = Markup("<h3>{}</h3>{}").format(say(words.STEP_TITLES[step]), blocks)
        button = self._button(
            say("I have read it"), lambda: self._next(self.sitting.go_on(task, step))
        )
        return [Unkept(page), button]

    def _finding(self, task: ReviewTask) -> list[w.Widget]:
        options = [(say(words.FINDINGS[found]), found) for found in findings_of(task.kind)]
        found = w.RadioButtons(options=self._turned(options), value=None, layout=WIDE)
        why, other = _area("why"), _area("alternative")
        doubts = {
            doubt: w.RadioButtons(
                options=[(say(said), key) for key, said in words.DOUBTS[doubt].items()],
                value=None,
                layout=WIDE,
            )
            for doubt in self.sitting.exhibit(task).asked
        }

        def give() -> None:
            said = self.sitting.find(
                task,
                found.value or "",
                why=why.value,
                alternative=other.value,
                **{doubt: buttons.value or "" for doubt, buttons in doubts.items()},
            )
            self._next(said)

        rows = [_heading("finding"), found, why, other]
        for doubt, buttons in doubts.items():
            rows += [_heading(doubt), buttons]
        return [*rows, self._button(say("Record my finding"), give)]

    def _turned(self, options: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return list(reversed(options)) if self.sitting.turned else options

    def _button(self, said: str, act: Callable[[], None]) -> w.Button:
        def pressed(_: w.Button) -> None:
            self._tell("")
            try:
                with self.sitting.session.speaking():
                    act()
            except SockgraphError as error:
                self._tell(str(error))

        button = w.Button(description=said, layout=w.Layout(width="auto"))
        button.on_click(pressed)
        return button

    def _tell(self, said: str) -> None:
        self.said.value = str(Markup("<p><b>{}</b></p>").format(clean(said))) if said else ""


def _place(case: CaseResult | Path | str, data: Path) -> tuple[Path, Path]:
    """Return a case's file and its data folder."""
    if isinstance(case, CaseResult):
        return case.case.folder / f"{case.case.slug}.toml", case.folder.parent.parent
    return Path(case), data


def _pages(sheet: Sheet, pages: Sequence[SheetPage]) -> str:
    numbers = {rev: n for n, rev in enumerate(sheet.cards, 1)}
    return Markup("").join(_page(page, numbers) for page in pages)


def _page(page: SheetPage, numbers: Mapping[str, int]) -> Markup:
    rows = [
        (_card(row.a, numbers), f"{row.gap} {row.order}", _card(row.b, numbers))
        for row in page.rows
    ]
    left = page.left_out
    more = say("{n} more edits of this page are not shown.", n=left) if left else ""
    table = _table((say(LABELS["A"]), "", say(LABELS["B"])), rows, edits=True)
    return Markup("<h4>{}</h4>{}<small>{}</small>").format(_parts(page.title), table, more)


def _block(block: PageBlock) -> Markup:
    columns = (say(LABELS["A"]), "", say(LABELS["B"])) if block.edits else block.columns
    rows = [tuple(_cell(cell) for cell in row) for row in block.rows]
    table = _table(columns, rows, edits=block.edits) if rows else ""
    return Markup("<h4>{}</h4><p>{}</p>{}").format(block.head, clean(block.note), table)


def _table(columns: Sequence[str], rows: Sequence[tuple[Any, ...]], *, edits: bool) -> Markup:
    gap = Markup("<td class='gap'>{}</td>")
    head = Markup("").join(Markup("<th>{}</th>").format(name) for name in columns)
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(
                (gap if edits and i == 1 else Markup("<td>{}</td>")).format(cell)
                for i, cell in enumerate(row)
            )
        )
        for row in rows
    )
    return Markup("<table><tr>{}</tr>{}</table>").format(head, body)


def _cell(cell: Any) -> Markup:
    if isinstance(cell, EditCard):
        return _card(cell, {})
    if isinstance(cell, str):
        return Markup("{}").format(clean(cell))
    return _parts(cell or ())


def _card(card: EditCard | None, numbers: Mapping[str, int]) -> Markup:
    if card is None:
        return Markup("")
    number = f"{numbers[card.rev]}. " if card.rev in numbers else ""
    size = "" if card.size is None else f" ({card.size:+,d})"
    hidden = "comment" in card.hidden
    said = _parts(card.summary) if card.summary is not None else (
        say("summary hidden on the wiki" if hidden else "summary not known")
    )  # fmt: skip
    tags = {"ins": "ins", "del": "del", "same": "span"}
    changed = Markup("").join(
        Markup(f"<{tags[kind]}>{{}}</{tags[kind]}>").format(_parts(parts))  # noqa: S704 - our tags
        for kind, parts in card.diff or ()
    )
    return Markup("{}{}{}<br>{}<br>{}").format(number, card.date, size, said, changed)


def _parts(parts: Sequence[Part]) -> Markup:
    """Return blinded text: a name that was taken out is shown as its account's letter."""
    return Markup("").join(
        Markup("<bdi>{}</bdi>").format(clean(p))
        if isinstance(p, str)
        else Markup("<span class='who'>{}</span>").format(say(LABELS[p["who"]]))
        for p in parts
    )


def _heading(question: str) -> w.HTML:
    return w.HTML(Markup("<b>{}</b>").format(say(words.QUESTIONS[question])))


def _area(question: str, value: str = "") -> Unkept:
    """Return a question with room to answer."""
    return Unkept(value, kind="textarea", placeholder=say(words.QUESTIONS[question]))
