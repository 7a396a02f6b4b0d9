"""A review at the terminal: it asks and shows what the sitting gives, and decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sockgraph.names import printable
from sockgraph.reviews import words
from sockgraph.reviews.answers import SPARING, findings_of
from sockgraph.reviews.blinding import LABELS
from sockgraph.reviews.packet import wiki_address
from sockgraph.reviews.sheet import Card

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sockgraph.pipeline.review_session import Sitting
    from sockgraph.reviews import Task
    from sockgraph.reviews.blinding import Part
    from sockgraph.reviews.exhibit import Block
    from sockgraph.reviews.sheet import Page, Sheet

PAGES = 10
VIEWS = {"s": "shared", "a": "only_a", "b": "only_b"}
JOINS = "may be one operator"


@dataclass
class Terminal:
    """One reviewer's sitting at the terminal.

    Attributes
    ----------
    other
        What else could explain it, as last written: it is offered for the next pair.
    """

    sitting: Sitting
    console: Console = field(default_factory=lambda: Console(highlight=False, width=120))
    other: str = ""

    def go_through(self) -> None:
        """Ask until nothing is due."""
        while due := self.sitting.due:
            task, step = due
            number = self.sitting.tasks.index(task) + 1
            self.say(f"Pair {number} of {len(self.sitting.tasks)}")
            if step == "judge":
                self._judge(task)
            elif step == "finding":
                self._find(task)
            else:
                self._show(task, step)

    def _judge(self, task: Task) -> None:
        sheet = self.sitting.sheet(task)
        numbers = {rev: n for n, rev in enumerate(sheet.cards, 1)}
        judgement = _Reading(self, task, sheet, numbers).read()
        joins = judgement == JOINS
        revs = {str(n): rev for rev, n in numbers.items()}
        question = words.QUESTIONS["says"] if joins else words.JUDGEMENTS[judgement][1]
        cited = str(typer.prompt("Which edits? Numbers, or Enter", default="", show_default=False))
        cites = [revs[n] for n in cited.replace(",", " ").split() if n in revs]
        says = _write(question, needed=joins or judgement == "cannot tell" or not cites)
        if joins:
            self.other = _write(words.QUESTIONS["else"], offered=self.other)
        knows = typer.confirm(f"{words.QUESTIONS['knows']}?", default=False)
        other = self.other if joins else ""
        self.say(
            self.sitting.judge(task, judgement, says=says, other=other, knows=knows, cites=cites)
        )

    def _show(self, task: Task, step: str) -> None:
        """Show what is read at a step, then go on once it was."""
        self.say(words.STEP_TITLES[step], bold=True)
        for block in self.sitting.exhibit(task).of(step):
            self._block(block)
        typer.prompt("Enter to go on", default="", show_default=False)
        self.say(self.sitting.go_on(task, step))

    def _find(self, task: Task) -> None:
        offered = {found: words.FINDINGS[found] for found in findings_of(task.kind)}
        found = _choose(words.QUESTIONS["finding"], self.turned(offered))
        why = _write(words.QUESTIONS["why"])
        alternative = _write(words.QUESTIONS["alternative"])
        asked = self.sitting.exhibit(task).alibi_asked
        alibi = _choose(words.QUESTIONS["alibi"], words.ALIBI_ANSWERS) if asked else None
        self.say(self.sitting.find(task, found, why=why, alternative=alternative, alibi=alibi))

    def turned(self, offered: Mapping[str, str]) -> dict[str, str]:
        """Return answers in the order in which this reviewer is offered them."""
        return {key: offered[key] for key in self.sitting.offered(list(offered))}

    def _block(self, block: Block) -> None:
        if block.head:
            self.say(block.head, bold=True)
        if block.note:
            self.say(block.note)
        if not block.rows:
            return
        columns = (LABELS["A"], "", LABELS["B"]) if block.edits else block.columns
        table = Table(*columns, expand=True)
        for row in block.rows:
            table.add_row(*(_cell(cell) for cell in row))
        self.console.print(table)

    def say(self, said: str, *, bold: bool = False) -> None:
        """Print a sentence, whatever is in it made safe to show."""
        if said:
            text = Text(printable(said), style="bold" if bold else "")
            self.console.print(text, soft_wrap=True)


@dataclass
class _Reading:
    """The edits of one pair, page by page, until the reviewer judges."""

    terminal: Terminal
    task: Task
    sheet: Sheet
    numbers: Mapping[str, int]

    def read(self) -> str:
        """Show pages as asked for; return the judgement that is given."""
        self.places = dict.fromkeys(VIEWS.values(), 0)
        say = self.terminal.say
        say(words.READ, bold=True)
        if not self.terminal.sitting.blinded:
            say("You chose this pair by name: the review is recorded as unblinded.")
        self._next("shared")
        while True:
            said = typer.prompt(self._offer()).strip().lower()
            if said in VIEWS:
                self._next(VIEWS[said])
            elif said.startswith("o "):
                self._open(said[2:])
            elif said == "j":
                offered = {key: " - ".join(two) for key, two in words.JUDGEMENTS.items()}
                judgement = _choose(
                    words.QUESTIONS["judgement"],
                    self.terminal.turned(offered),
                )
                if judgement in SPARING or not self._unread():
                    return judgement
                say(f"First read at least one page of: {self._unread()}.")

    def _offer(self) -> str:
        views = [
            f"[{key}] {words.VIEWS[view].lower()}"
            f" ({self.places[view]} of {self.sheet.totals[view]} read)"
            for key, view in VIEWS.items()
        ]
        case = self.terminal.sitting.room.dossier.case
        wiki = "[o NUMBER] open on the wiki" if wiki_address(case) else ""
        return "  ".join(filter(None, [*views, wiki, "[j] judge"]))

    def _unread(self) -> str:
        views = {view: getattr(self.sheet, view) for view in VIEWS.values()}
        unread = [v for v, pages in views.items() if pages and not self.places[v]]
        return ", ".join(words.VIEWS[view].lower() for view in unread)

    def _next(self, view: str) -> None:
        pages: list[Page] = getattr(self.sheet, view)
        at = self.places[view]
        for page in pages[at : at + PAGES]:
            self._page(page)
        self.places[view] = min(at + PAGES, len(pages))
        order = words.FIRST_PAGES if view == "shared" else "in time order"
        said = f"{words.VIEWS[view]}: {self.places[view]} of {self.sheet.totals[view]}; {order}."
        self.terminal.say(said)

    def _page(self, page: Page) -> None:
        heads = [
            f"{LABELS[who]}, {side.edits:,} edits read"
            for who, side in (("A", self.sheet.a), ("B", self.sheet.b))
        ]
        table = Table(title=_text(page.title), title_justify="left", expand=True)
        table.add_column(heads[0], ratio=4)
        table.add_column("gap", ratio=1, justify="center")
        table.add_column(heads[1], ratio=4)
        for row in page.rows:
            gap = f"{row.gap}\n{row.order}".strip()
            table.add_row(_card(row.a, self.numbers), gap, _card(row.b, self.numbers))
        self.terminal.console.print(table)
        if page.left_out:
            left = words.counted(page.left_out, "more edit")
            self.terminal.say(f"{left} of this page not shown.")

    def _open(self, number: str) -> None:
        """Give an edit's address on the wiki; from here on names are seen, and it is recorded."""
        say = self.terminal.say
        sitting = self.terminal.sitting
        rev = {str(n): rev for rev, n in self.numbers.items()}.get(number.strip())
        if wiki_address(sitting.room.dossier.case) is None:
            say("This case has no wiki.")
        elif rev is None:
            say("There is no such edit to open.")
        elif typer.confirm("The wiki shows names: this ends the blinding. Open it?"):
            say(sitting.open_on_wiki(self.task, rev) or "")


def _cell(cell: Any) -> Text:
    if isinstance(cell, Card):
        return _card(cell, {})
    if isinstance(cell, str):
        return Text(printable(cell))
    return _text(cell or ())


def _text(parts: Sequence[Part]) -> Text:
    found = Text()
    for part in parts:
        if isinstance(part, str):
            found.append(printable(part))
        else:
            found.append(LABELS[part["who"]], style="reverse")
    return found


def _card(card: Card | None, numbers: Mapping[str, int]) -> Text:
    if card is None:
        return Text()
    size = "" if card.size is None else f" · {card.size:+d}"
    number = f"{numbers[card.rev]}. " if card.rev in numbers else ""
    said = Text(f"{number}{card.date}{size}\n")
    if card.summary is None:
        hidden = "comment" in card.hidden
        said.append("summary hidden on the wiki" if hidden else "summary not known")
    else:
        said.append_text(_text(card.summary))
    for kind, parts in card.diff or ():
        style = {"ins": "underline", "del": "strike"}.get(kind, "")
        said.append_text(Text("\n") + Text(_text(parts).plain, style=style))
    return said


def _choose(question: str, offered: Mapping[str, str]) -> str:
    """Ask until one of the answers is given, by its number or its key; none is preset."""
    lines = [f"  {n} {said}" for n, said in enumerate(offered.values(), 1)]
    typer.echo("\n".join([question, *lines]))
    keys = list(offered)
    while True:
        said = str(typer.prompt("Your answer")).strip()
        if said in offered:
            return said
        if said.isdigit() and 0 < int(said) <= len(keys):
            return keys[int(said) - 1]
        typer.echo(f"Give a number from 1 to {len(keys)}.")


def _write(question: str, *, needed: bool = True, offered: str = "") -> str:
    """Ask until something is written, where it must be; Enter takes what is offered."""
    while True:
        if needed and not offered:
            said = str(typer.prompt(question)).strip()
        else:
            said = str(typer.prompt(question, default=offered, show_default=bool(offered))).strip()
        if said or not needed:
            return said
