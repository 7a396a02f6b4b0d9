"""The commands of review, and the review at the terminal: one question after the other."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sockgraph.case import load_case
from sockgraph.cli.terminal import (
    CaseFile,
    DataFolder,
    bar,
    example,
    hand_over,
    tell,
)
from sockgraph.cli.terminal import say as note
from sockgraph.errors import ReviewError
from sockgraph.names import normal_name, printable
from sockgraph.pipeline.results import DATA, LEDGER, open_store
from sockgraph.pipeline.review_session import ReviewFlow, ReviewSession, named
from sockgraph.reviews import words
from sockgraph.reviews.answers import SPARING, findings_of
from sockgraph.reviews.answers_file import read_answers, take_answers
from sockgraph.reviews.audit import agreements, calibrations, entry_line, reviewers_of, witnesses_in
from sockgraph.reviews.blinding import LABELS, without_hidden_names
from sockgraph.reviews.ledger import Ledger, LedgerHead
from sockgraph.reviews.packet import make_packet, wiki_address
from sockgraph.reviews.sheet import EditCard
from sockgraph.store.files import write_bytes
from sockgraph.strings import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sockgraph.reviews.blinding import Part
    from sockgraph.reviews.ledger import Entry
    from sockgraph.reviews.packet import PageBlock
    from sockgraph.reviews.rules import ReviewTask
    from sockgraph.reviews.sheet import Sheet, SheetPage


Reviewer = Annotated[str, typer.Option("--reviewer", metavar="NAME", help="Who reviews.")]
Lang = Annotated[
    str | None,
    typer.Option(
        "--lang", help="en, zh-hans or zh-hant; without it, the language of the case's wiki."
    ),
]
Foils = Annotated[
    int | None, typer.Option("--foils", min=0, help="Pairs known to be different people, mixed in.")
]


def open_session(file: Path, data: Path) -> ReviewSession:
    """Open a case for review at the terminal."""
    return ReviewSession.of(file, data, tell=note, listen=bar)


def ledger_of(case: Path, data: Path) -> Ledger:
    """Return the ledger of a case file."""
    given = load_case(case)
    return Ledger(open_store(given, data).path(LEDGER))


def shown_entries(case: Path, data: Path) -> tuple[Entry, ...]:
    """Return a case's ledger as it may be shown, without names that its wiki hides by now."""
    given = load_case(case)
    manifest = open_store(given, data).read_manifest(missing_ok=True) or {}
    hidden = manifest.get("source", {}).get("hidden", ())
    return without_hidden_names(ledger_of(case, data).entries(), given.id or given.slug, hidden)


def register(app: typer.Typer) -> None:
    """Put the commands of review on the app."""
    app.command(epilog=example("review", "--reviewer Ann"))(review)
    app.command(epilog=example("review-packet", "--reviewer Ann"))(review_packet)
    app.command(epilog=example("review-merge", "commitments.json findings.json"))(review_merge)
    app.command(epilog=example("reviewers"))(reviewers)
    app.command(epilog=example("audit", "--against report.html"))(audit)


def review(
    case: CaseFile,
    data: DataFolder = DATA,
    *,
    reviewer: Reviewer,
    link: Annotated[
        tuple[str, str] | None,
        typer.Option("--link", metavar="A B", help="Choose a pair by name: recorded as unblinded."),
    ] = None,
    foils: Foils = None,
    lang: Lang = None,
) -> None:
    """Review what waits: read the edits and judge. What spares a person closes in a minute.

    Clearly different, cannot tell, too few edits: the evidence against, and the link is closed. May
    be one operator: the full review, which a second person must share. Every pair is judged before
    the evidence on any is shown. Stop whenever you like; the next call goes on where you stopped.
    """
    session = open_session(case, data)
    language: Any = lang  # another one is refused where it is to be spoken
    with session.speaking(language):
        try:
            sitting = ReviewFlow.begin(session, reviewer, foils=foils or 0, link=link)
        except ReviewError:
            session.settle()  # where nothing waits, a killed call may have left something to do
            raise
        _review(session, sitting)


def _review(session: ReviewSession, sitting: ReviewFlow) -> None:
    before = session.ledger.head().length
    try:
        TerminalReview(sitting).go_through()
    except typer.Abort as stop:
        kept = session.ledger.head().length - before
        raise ReviewError(
            f"the review of {len(sitting.tasks)} pairs",
            f"its answers ended before its end; {kept} steps of it are in the ledger.",
            "The same command goes on with the question that was open.",
        ) from stop
    session.settle()


def review_packet(
    case: CaseFile,
    data: DataFolder = DATA,
    *,
    reviewer: Reviewer,
    foils: Foils = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write the packet.")
    ] = None,
    lang: Lang = None,
) -> None:
    """Write one HTML file for a reviewer on a machine of their own: no names, no LR, no network."""
    session = open_session(case, data).with_names()
    reviewer = named(reviewer)
    entries, diffs = session.ledger.entries(), session.diff_reader()
    language: Any = lang  # another one is refused where it is to be spoken
    packet = make_packet(
        session.dossier, entries, reviewer, foils=foils, read_diffs=diffs, language=language
    )
    path = out or Path(f"{session.dossier.case.slug}-packet-{packet.id[:8]}.html")
    write_bytes(path, packet.html.encode())
    session.ledger.extend(lambda _: [packet.draft])
    with session.speaking(language):
        tell(say("{n} pairs for {who}: {path}", n=len(packet.tasks), who=reviewer, path=path))
        tell(say("Hand it over; take back the commitments first, then the findings."))


def review_merge(
    case: CaseFile,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Commitments or findings, as saved.")
    ],
    data: DataFolder = DATA,
) -> None:
    """Verify reviewers' answers, enter them, and open the findings that are due.

    Findings on a link are opened once as many reviewers' commitments are in as it needs.
    """
    session = open_session(case, data)
    taken = take_answers(session.ledger, session.dossier, [read_answers(path) for path in files])
    left = (
        "Left out: {a} and {b}; since the packet was made their review has gone on, or what it"
        " showed has changed."
    )
    with session.speaking():
        tell(say("{n} new entries from {files} files.", n=len(taken.drafts), files=len(files)))
        for a, b in taken.passed:
            tell(say(left, a=a, b=b))
        session.settle(taken.kept)


def reviewers(
    case: CaseFile,
    data: DataFolder = DATA,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say how far reviewers agree, and how often they join people who are not one.

    The second over every case in the data folder, since one case has too few such pairs: those
    known to be different, and links of which somebody else found that one imitates the other.
    """
    entries = ledger_of(case, data).entries()
    people, pairs = reviewers_of(entries), agreements(entries)
    folders = sorted((data / "processed").glob(f"*/{LEDGER}"))
    register = calibrations([Ledger(path).entries() for path in folders])
    if as_json:
        found = {
            "reviewers": [asdict(p) for p in people],
            "agreement": [vars(a) for a in pairs],
            "over cases": [asdict(c) for c in register],
        }
        hand_over(json.dumps(found, ensure_ascii=False, indent=1))
        return
    for one in people:
        tell(
            f"{one.name}: {one.open} findings open, {one.closed} closed, {one.unblinded} unblinded;"
            f" {one.changed} turned from their own first judgement"
        )
    for pair in pairs:
        kappa = "not defined" if pair.kappa is None else f"{pair.kappa:.2f}"
        tell(f"{' and '.join(pair.reviewers)}: {pair.same} of {pair.n} equal, kappa {kappa}")
    for calibration in register:
        tell(str(calibration))
    if not people:
        tell("Nobody has reviewed anything yet.")


def audit(
    case: CaseFile,
    data: DataFolder = DATA,
    *,
    head: Annotated[
        list[str] | None,
        typer.Option("--head", metavar="HASH:LENGTH", help="A head noted earlier; repeatable."),
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            "--against", metavar="FILE", help="A report, packet, filing or note that prints a head."
        ),
    ] = None,
    link: Annotated[
        tuple[str, str] | None, typer.Option("--link", metavar="A B", help="One link's history.")
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", help="The history of every link of one account.")
    ] = None,
) -> None:
    """Verify the ledger's chain and print its history; with a witness, show any rewriting.

    Without a witness (--head or --against) only accidents are found: whoever can write the file
    can write a whole new chain.
    """
    ledger = ledger_of(case, data)
    witnesses = [LedgerHead.parse(text) for text in head or ()]
    witnesses += [found for path in against or () for found in witnesses_in(path)]
    now = ledger.verify(witnesses=witnesses)
    wanted = {normal_name(name) for name in (*(link or ()), *([account] if account else ()))}
    chosen = [e for e in shown_entries(case, data) if not wanted or wanted <= set(e.pair or ())]
    if wanted and not chosen:
        raise ReviewError(
            " and ".join(sorted(wanted)),
            "the ledger says nothing of it.",
            "Check the name; `sockgraph audit CASE` prints every entry.",
        )
    for entry in chosen:
        tell(entry_line(entry))
    tell(f"The chain is whole: {now.length} entries, head {now}")
    tell(
        f"It passes through {len(witnesses)} witnesses."
        if witnesses
        else "No witness was given: a ledger that was rewritten as a whole would not be noticed."
    )
    if ledger.torn():
        tell("A crash cut the last line short; the next entry will set it aside.")


PAGES = 10
VIEWS = {"s": "shared", "a": "only_a", "b": "only_b"}


@dataclass
class TerminalReview:
    """One reviewer's sitting at the terminal."""

    sitting: ReviewFlow
    console: Console = field(default_factory=lambda: Console(highlight=False, width=120))
    other: str = ""  # what else could explain it, as last written: offered for the next pair

    def go_through(self) -> None:
        """Ask until nothing is due."""
        while due := self.sitting.due:
            task, step = due
            number = self.sitting.tasks.index(task) + 1
            self.say(say("Pair {n} of {all}", n=number, all=len(self.sitting.tasks)))
            if step == "judge":
                self._judge(task)
            elif step == "finding":
                self._find(task)
            else:
                self._show(task, step)

    def _judge(self, task: ReviewTask) -> None:
        sheet = self.sitting.sheet(task)
        numbers = {rev: n for n, rev in enumerate(sheet.cards, 1)}
        judgement = _Reading(self, task, sheet, numbers).read()
        joins = judgement == words.JOINS
        revs = {str(n): rev for rev, n in numbers.items()}
        question = words.QUESTIONS["says"] if joins else words.JUDGEMENTS[judgement][1]
        numbered = say("Which edits? Numbers, or Enter")
        cited = str(typer.prompt(numbered, default="", show_default=False))
        cites = [revs[n] for n in cited.replace(",", " ").split() if n in revs]
        says = _write(question, needed=joins or judgement == "cannot tell" or not cites)
        if joins:
            self.other = _write(words.QUESTIONS["else"], offered=self.other)
        knows = typer.confirm(say(words.QUESTIONS["knows"]), default=False)
        other = self.other if joins else ""
        self.say(
            self.sitting.judge(task, judgement, says=says, other=other, knows=knows, cites=cites)
        )

    def _show(self, task: ReviewTask, step: str) -> None:
        """Show what is read at a step, then go on once it was."""
        self.say(say(words.STEP_TITLES[step]), bold=True)
        for block in self.sitting.exhibit(task).of(step):
            self._block(block)
        typer.prompt(say("Enter to go on"), default="", show_default=False)
        self.say(self.sitting.go_on(task, step))

    def _find(self, task: ReviewTask) -> None:
        offered = {found: words.FINDINGS[found] for found in findings_of(task.kind)}
        found = _choose(words.QUESTIONS["finding"], self.turned(offered))
        why = _write(words.QUESTIONS["why"])
        alternative = _write(words.QUESTIONS["alternative"])
        doubts = {
            doubt: _choose(words.QUESTIONS[doubt], words.DOUBTS[doubt])
            for doubt in self.sitting.exhibit(task).asked
        }
        self.say(self.sitting.find(task, found, why=why, alternative=alternative, **doubts))

    def turned(self, offered: Mapping[str, str]) -> dict[str, str]:
        """Return answers in the order in which this reviewer is offered them."""
        return {key: offered[key] for key in self.sitting.offered(list(offered))}

    def _block(self, block: PageBlock) -> None:
        if block.head:
            self.say(block.head, bold=True)
        if block.note:
            self.say(block.note)
        if not block.rows:
            return
        columns = (say(LABELS["A"]), "", say(LABELS["B"])) if block.edits else block.columns
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

    terminal: TerminalReview
    task: ReviewTask
    sheet: Sheet
    numbers: Mapping[str, int]

    def read(self) -> str:
        """Show pages as asked for; return the judgement that is given."""
        self.places = dict.fromkeys(VIEWS.values(), 0)
        tell = self.terminal.say
        tell(say(words.READ), bold=True)
        if not self.terminal.sitting.blinded:
            tell(say("You chose this pair by name: the review is recorded as unblinded."))
        self._next("shared")
        while True:
            said = typer.prompt(self._offer()).strip().lower()
            if said in VIEWS:
                self._next(VIEWS[said])
            elif said.startswith("o "):
                self._open(said[2:])
            elif said == "j":
                offered = {k: " - ".join(map(say, two)) for k, two in words.JUDGEMENTS.items()}
                judgement = _choose(
                    words.QUESTIONS["judgement"],
                    self.terminal.turned(offered),
                )
                if judgement in SPARING or not self._unread():
                    return judgement
                tell(say("First read at least one page of: {views}.", views=self._unread()))

    def _offer(self) -> str:
        views = [f"[{key}] {self._of(VIEWS[key], '{view} ({n} of {all} read)')}" for key in VIEWS]
        case = self.terminal.sitting.session.dossier.case
        wiki = say("[o NUMBER] open on the wiki") if wiki_address(case) else ""
        return "  ".join(filter(None, [*views, wiki, say("[j] judge")]))

    def _of(self, view: str, told: str, **more: str) -> str:
        """Say how far a view is read."""
        n, of = self.places[view], self.sheet.totals[view]
        return say(told, view=say(words.VIEWS[view]), n=n, all=of, **more)

    def _unread(self) -> str:
        views = {view: getattr(self.sheet, view) for view in VIEWS.values()}
        unread = [v for v, pages in views.items() if pages and not self.places[v]]
        return say(", ").join(say(words.VIEWS[view]) for view in unread)

    def _next(self, view: str) -> None:
        pages: list[SheetPage] = getattr(self.sheet, view)
        at = self.places[view]
        for page in pages[at : at + PAGES]:
            self._page(page)
        self.places[view] = min(at + PAGES, len(pages))
        order = say(words.FIRST_PAGES) if view == "shared" else say("in time order")
        self.terminal.say(self._of(view, "{view}: {n} of {all}; {order}.", order=order))

    def _page(self, page: SheetPage) -> None:
        heads = [
            say("{who}, {n} edits read", who=say(LABELS[who]), n=words.thousands(side.edits))
            for who, side in (("A", self.sheet.a), ("B", self.sheet.b))
        ]
        table = Table(title=_text(page.title), title_justify="left", expand=True)
        table.add_column(heads[0], ratio=4)
        table.add_column(say("gap"), ratio=1, justify="center")
        table.add_column(heads[1], ratio=4)
        for row in page.rows:
            gap = f"{row.gap}\n{row.order}".strip()
            table.add_row(_card(row.a, self.numbers), gap, _card(row.b, self.numbers))
        self.terminal.console.print(table)
        if page.left_out:
            told = say("{n} more edits of this page are not shown.", n=page.left_out)
            self.terminal.say(told)

    def _open(self, number: str) -> None:
        """Give an edit's address on the wiki; from here on names are seen, and it is recorded."""
        tell = self.terminal.say
        sitting = self.terminal.sitting
        rev = {str(n): rev for rev, n in self.numbers.items()}.get(number.strip())
        if wiki_address(sitting.session.dossier.case) is None:
            tell(say("This case has no wiki."))
        elif rev is None:
            tell(say("There is no such edit to open."))
        elif typer.confirm(say("The wiki shows names: this ends the blinding. Open it?")):
            tell(sitting.open_on_wiki(self.task, rev) or "")


def _cell(cell: Any) -> Text:
    if isinstance(cell, EditCard):
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
            found.append(say(LABELS[part["who"]]), style="reverse")
    return found


def _card(card: EditCard | None, numbers: Mapping[str, int]) -> Text:
    if card is None:
        return Text()
    size = "" if card.size is None else f" · {card.size:+d}"
    number = f"{numbers[card.rev]}. " if card.rev in numbers else ""
    said = Text(f"{number}{card.date}{size}\n")
    if card.summary is None:
        hides = "comment" in card.hidden
        said.append(say("summary hidden on the wiki" if hides else "summary not known"))
    else:
        said.append_text(_text(card.summary))
    for kind, parts in card.diff or ():
        style = {"ins": "underline", "del": "strike"}.get(kind, "")
        said.append_text(Text("\n") + Text(_text(parts).plain, style=style))
    return said


def _choose(question: str, offered: Mapping[str, str]) -> str:
    """Ask until one of the answers is given, by its number or its key; none is preset."""
    lines = [f"  {n} {say(said)}" for n, said in enumerate(offered.values(), 1)]
    typer.echo("\n".join([say(question), *lines]))
    keys = {str(n): key for n, key in enumerate(offered, 1)}
    while True:
        said = str(typer.prompt(say("Your answer"))).strip()
        if said in offered or said in keys:
            return keys.get(said, said)
        typer.echo(say("Give a number from 1 to {n}.", n=len(keys)))


def _write(question: str, *, needed: bool = True, offered: str = "") -> str:
    """Ask until something is written, where it must be; Enter takes what is offered."""
    shown: dict[str, Any] = {"default": offered, "show_default": bool(offered)}
    while True:
        said = str(typer.prompt(say(question), **(shown if offered or not needed else {}))).strip()
        if said or not needed:
            return said
