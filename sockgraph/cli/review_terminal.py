"""A review at the terminal: the same order as in a packet, each step an entry of the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sockgraph.errors import ReviewError
from sockgraph.names import printable
from sockgraph.reviews.answers import (
    ALIBI_ANSWERS,
    JUDGEMENTS,
    Kept,
    Sealed,
    finding,
    findings_of,
    first_judgement,
    seal,
    step_draft,
    take_steps,
    wiki_opened,
)
from sockgraph.reviews.blinding import LABELS
from sockgraph.reviews.dossier import Exhibit, Item, make_exhibit
from sockgraph.reviews.packet import wiki_address
from sockgraph.reviews.rules import live_record
from sockgraph.reviews.sheet import make_sheet, seed_of, sides
from sockgraph.reviews.states import History, histories

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sockgraph.pipeline import ReviewSession
    from sockgraph.reviews import Dossier, Ledger, Task
    from sockgraph.reviews.blinding import Part
    from sockgraph.reviews.sheet import Card, Diffs, Page, Sheet

PAGES = 5
VIEWS = {"s": "shared", "a": "only_a", "b": "only_b"}
TITLES = {
    "shared": "On shared pages",
    "only_a": "Only Account A",
    "only_b": "Only Account B",
}


@dataclass(frozen=True)
class Desk:
    """One reviewer at one pair.

    Attributes
    ----------
    room
        The case, open for review.
    blinded
        Whether names are hidden: not where the reviewer chose the pair by name.
    """

    room: ReviewSession
    task: Task
    reviewer: str
    blinded: bool
    console: Console = field(default_factory=lambda: Console(highlight=False, width=120))

    @property
    def dossier(self) -> Dossier:
        """The case's tables."""
        return self.room.dossier

    @property
    def ledger(self) -> Ledger:
        """The case's ledger."""
        return self.room.ledger

    @property
    def history(self) -> History:
        """What the ledger says of the pair now."""
        return histories(self.ledger.entries()).get(self.task.pair, History(self.task.pair))

    def judge(self) -> None:
        """Show the edits, then take the first judgement."""
        steps = self._steps
        if "first judgement" in steps:
            return
        sheet = make_sheet(self.dossier, *self._shown, diffs=self._diffs())
        self._read(sheet)
        if "read" not in steps:
            self._take("read")
        answer = self._ask_judgement(sheet)
        self._answer("first judgement", answer)

    def _diffs(self) -> Diffs:
        """Return what the diffs of the pair's edits show; nothing where the source has none."""
        read = self.room.diff_reader()
        return read(make_sheet(self.dossier, *self._shown)) if read else {}

    def find(self) -> None:
        """Show the evidence against, for, and all of it; then take the finding."""
        diffs = self._diffs()
        exhibit = make_exhibit(self.dossier, self._shown, self.history, diffs=diffs)
        shows = {"against": self._against, "for": self._towards, "all": self._all}
        for step, show in shows.items():
            if step not in self._steps:
                show(exhibit)
                self._take(step)
                typer.prompt("Enter to go on", default="", show_default=False)
        self._answer("finding", self._ask_finding(exhibit))

    @property
    def _steps(self) -> tuple[str, ...]:
        return live_record(self.dossier, self.history, self.reviewer).steps

    @property
    def _shown(self) -> tuple[str, str]:
        return sides(self.task.pair, self.dossier.seal)

    def _take(self, step: str) -> None:
        kept = Kept(self.task.pair, self.reviewer)
        draft = step_draft(self.dossier, kept, step, blinded=self.blinded)
        take_steps(self.ledger, self.dossier, [draft])

    def _answer(self, step: str, answer: Mapping[str, Any]) -> None:
        sealed: dict[str, Sealed] = {step: seal(answer)}
        kept = Kept(self.task.pair, self.reviewer, sealed)
        self.room.keep(kept)
        draft = step_draft(self.dossier, kept, step, blinded=self.blinded)
        take_steps(self.ledger, self.dossier, [draft])
        self._say(f"The {step} is in the ledger as a salted hash, and cannot be changed.")

    # the edits

    def _read(self, sheet: Sheet) -> None:
        """Show pages as asked for, until every view was opened and the reviewer wants to judge."""
        numbers = {rev: n for n, rev in enumerate(sheet.cards, 1)}
        places = dict.fromkeys(VIEWS.values(), 0)
        self._say("Read both accounts' edits, then say what you see.", bold=True)
        if not self.blinded:
            self._say("You chose this pair by name: the review is recorded as unblinded.")
        self._next_pages(sheet, "shared", places, numbers)
        while True:
            said = typer.prompt(self._offer(sheet, places)).strip().lower()
            if said in VIEWS:
                self._next_pages(sheet, VIEWS[said], places, numbers)
            elif said.startswith("o "):
                self._open(said[2:], {str(n): rev for rev, n in numbers.items()})
            elif said == "j" and self._unread(sheet, places):
                self._say(f"First read at least one page of: {self._unread(sheet, places)}.")
            elif said == "j":
                return

    def _offer(self, sheet: Sheet, places: Mapping[str, int]) -> str:
        views = [
            f"[{key}] {TITLES[view].lower()} ({places[view]} of {sheet.totals[view]} read)"
            for key, view in VIEWS.items()
        ]
        wiki = "[o NUMBER] open on the wiki" if wiki_address(self.dossier.case) else ""
        return "  ".join(filter(None, [*views, wiki, "[j] judge"]))

    def _unread(self, sheet: Sheet, places: Mapping[str, int]) -> str:
        views = {view: getattr(sheet, view) for view in VIEWS.values()}
        return ", ".join(TITLES[v].lower() for v, pages in views.items() if pages and not places[v])

    def _next_pages(
        self, sheet: Sheet, view: str, places: dict[str, int], numbers: Mapping[str, int]
    ) -> None:
        pages: list[Page] = getattr(sheet, view)
        for page in pages[places[view] : places[view] + PAGES]:
            self._page(sheet, page, numbers)
        places[view] = min(places[view] + PAGES, len(pages))
        self._say(f"{TITLES[view]}: {places[view]} of {sheet.totals[view]}, in time order.")

    def _page(self, sheet: Sheet, page: Page, numbers: Mapping[str, int]) -> None:
        heads = [
            f"{LABELS[who]}, {side.edits:,} edits read"
            for who, side in (("A", sheet.a), ("B", sheet.b))
        ]
        table = Table(
            title=_text(page.title), title_justify="left", expand=True, title_style="bold"
        )
        table.add_column(heads[0], ratio=4)
        table.add_column("gap", ratio=1, justify="center")
        table.add_column(heads[1], ratio=4)
        for row in page.rows:
            table.add_row(
                _card(row.a, numbers), f"{row.gap}\n{row.order}".strip(), _card(row.b, numbers)
            )
        self.console.print(table)
        if page.left_out:
            self._say(f"{page.left_out} more edits of this page are not shown.")

    def _open(self, number: str, revs: Mapping[str, str]) -> None:
        """Give an edit's address on the wiki, having recorded that names are seen from here on."""
        address = wiki_address(self.dossier.case)
        rev = revs.get(number.strip())
        if address is None or rev is None:
            self._say("There is no such edit to open." if address else "This case has no wiki.")
            return
        if not typer.confirm("The wiki shows names: this ends the blinding. Open it?"):
            return
        kept = Kept(self.task.pair, self.reviewer)
        take_steps(self.ledger, self.dossier, [wiki_opened(kept, rev, self.dossier)])
        self._say(address + rev.rpartition(":")[2])

    # the evidence

    def _against(self, exhibit: Exhibit) -> None:
        self._say("What speaks against one operator", bold=True)
        self._items(exhibit.against, "No signal speaks against one operator.")
        for row in exhibit.alibis:
            expected = (
                "" if row["expected"] is None else f", {row['expected']:.2g} expected by chance"
            )
            self._say(
                f"Simultaneous work on different pages: {row['date']},"
                f" {row['n_edits']} edits by turns{expected}."
            )

    def _towards(self, exhibit: Exhibit) -> None:
        self._say("What speaks for one operator", bold=True)
        self._items(exhibit.towards, "No signal speaks for one operator.")

    def _all(self, exhibit: Exhibit) -> None:
        """Show every signal with its number, what was received, and the LR last."""
        self._say("All evidence", bold=True)
        weights = {row["signal"]: row for row in self.dossier.signals(self.task.pair)}
        table = Table("signal", "family", "speaks", "rests on", "log10 LR alone", expand=True)
        for item in (*exhibit.against, *exhibit.towards, *exhibit.silent):
            number = signed(weights[item.signal]["log10_lr"])
            table.add_row(item.signal, item.family, item.direction, rests_on(item.support), number)
        self.console.print(table)
        for one in exhibit.received:
            said = _plain(one["summary"])
            self._say(
                f"Received {one['date']}, speaks {one['speaks']},"
                f" authenticated by {one['authenticated_by']}: {said}"
            )
        if self.task.kind == "reversal" and not exhibit.changes:
            self._say("The link was made elsewhere: what it rested on then is not held here.")
        for one in exhibit.changes:
            self._say(f"{one['signal']}: then {one['then']}, now {one['now']}.")
        self._say(link_words(self.dossier.link(self.task.pair)), bold=True)

    def _items(self, items: Sequence[Item], none: str) -> None:
        if not items:
            self._say(none)
        for item in items:
            self._say(
                f"{item.signal} ({item.family}), rests on {rests_on(item.support)}", bold=True
            )
            table = Table(LABELS["A"], LABELS["B"], expand=True)
            for card in item.edits:
                cells = [_card(card, {}) if card.who == who else Text() for who in "AB"]
                table.add_row(*cells)
            if item.edits:
                self.console.print(table)
            if item.left_out:
                self._say(f"and {item.left_out} more edits")

    # the questions

    def _ask_judgement(self, sheet: Sheet) -> dict[str, Any]:
        offered = self._turned(JUDGEMENTS)
        judgement = _choose("First judgement: what do these edits point to?", offered)
        says = _write("What in the edits says so?")
        cites = typer.prompt("Which edits? Their numbers", default="", show_default=False)
        other = _write("What else could explain it?")
        knows = typer.confirm("Do you think you recognise either account?", default=None)
        revs = list(sheet.cards)
        chosen = [int(n) for n in cites.replace(",", " ").split() if n.isdigit()]
        return first_judgement(
            judgement=judgement,
            says=says,
            other=other,
            knows=knows,
            cites=[revs[n - 1] for n in chosen if 0 < n <= len(revs)],
        )

    def _ask_finding(self, exhibit: Exhibit) -> dict[str, Any]:
        offered = self._turned(findings_of(self.task.kind))
        found = _choose("What do you find?", offered)
        why = _write("Why?")
        alternative = _write("What is the strongest other explanation?")
        alibi = None
        if exhibit.alibi_asked:
            alibi = _choose("The simultaneous work: accepted as showing two people?", ALIBI_ANSWERS)
        return finding(self.task.kind, found=found, why=why, alternative=alternative, alibi=alibi)

    def _turned(self, offered: Sequence[str]) -> list[str]:
        """Turn the order of the answers round for half of the reviewers."""
        turned = seed_of(self.dossier.case.slug, self.reviewer) % 2
        return list(reversed(offered)) if turned else list(offered)

    def _say(self, words: str, *, bold: bool = False) -> None:
        self.console.print(Text(printable(words), style="bold" if bold else ""), soft_wrap=True)


def link_words(link: Mapping[str, Any]) -> str:
    """Say a link's fused number with its interval, or why there is none."""
    if link["log10_lr"] is None:
        return f"{link['band'].capitalize()}: no log10 LR is given."
    numbers = [signed(link[k]) for k in ("log10_lr", "log10_lr_low", "log10_lr_high")]
    band = link["band"]
    says = (
        f"speaks {band} one operator" if "separate" not in band else f"{band} the two explanations"
    )
    return f"The evidence {says}: log10 LR {numbers[0]} [{numbers[1]}, {numbers[2]}]."


def signed(value: float | None) -> str:
    """Write a log10 LR with one decimal and its sign; a dash where there is none.

    >>> signed(1.24), signed(-0.31), signed(None)
    ('+1.2', '\u22120.3', '\u2013')
    """
    return "\u2013" if value is None else f"{value:+.1f}".replace("-", "\u2212")


def rests_on(support: int) -> str:
    """Say what a signal rests on: edits of the account that has fewer of them.

    >>> rests_on(1), rests_on(2160)
    ('1 edit or more each', '2,160 edits or more each')
    """
    return f"{support:,} {'edit' if support == 1 else 'edits'} or more each"


def _plain(parts: Sequence[Part]) -> str:
    return "".join(p if isinstance(p, str) else LABELS[p["who"]] for p in parts)


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


def _choose(question: str, offered: Sequence[str]) -> str:
    """Ask until one of the answers is given, by its number or its words; none is preset."""
    lines = [f"  {n} {word}" for n, word in enumerate(offered, 1)]
    typer.echo("\n".join([question, *lines]))
    while True:
        said = str(typer.prompt("Your answer")).strip()
        if said in offered:
            return said
        if said.isdigit() and 0 < int(said) <= len(offered):
            return offered[int(said) - 1]
        typer.echo(f"Give a number from 1 to {len(offered)}.")


def _write(question: str) -> str:
    """Ask until something is written."""
    while True:
        said = str(typer.prompt(question)).strip()
        if said:
            return said


def refuse_unknown_reviewer(reviewer: str) -> str:
    """Return a reviewer's name, stripped; refuse an empty one.

    Raises
    ------
    ReviewError
        If it is empty.
    """
    if not reviewer.strip():
        raise ReviewError(repr(reviewer), "a review needs its reviewer.", "Give --reviewer NAME.")
    return reviewer.strip()
