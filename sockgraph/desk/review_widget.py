"""A review in the notebook: the order, the rules and the ledger are those of every other review.

Nothing that biases is sent to the page before the first judgement: each step is made when the one
before it is in the ledger.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as w
from markupsafe import Markup

from sockgraph.errors import ReviewError, SockgraphError
from sockgraph.names import clean
from sockgraph.pipeline import DATA, CaseResult, ReviewSession
from sockgraph.report.wording import signed
from sockgraph.reviews import Task, histories, queue
from sockgraph.reviews.answers import (
    ALIBI_ANSWERS,
    JUDGEMENTS,
    Kept,
    finding,
    findings_of,
    first_judgement,
    seal,
    step_draft,
    take_steps,
)
from sockgraph.reviews.blinding import LABELS
from sockgraph.reviews.dossier import make_exhibit
from sockgraph.reviews.queue import FOILS, why_nothing
from sockgraph.reviews.rules import live_record
from sockgraph.reviews.sheet import make_sheet, seed_of, sides
from sockgraph.reviews.states import History

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sockgraph.reviews.blinding import Part
    from sockgraph.reviews.dossier import Exhibit, Item
    from sockgraph.reviews.sheet import Card, Page, Sheet

VIEWS = {
    "shared": "Pages that both edited",
    "only_a": "Only Account A",
    "only_b": "Only Account B",
}
WIDE = w.Layout(width="100%")
STYLE = """<style>
.sg-review table { border-collapse: collapse; width: 100%; font-size: 13px; }
.sg-review td, .sg-review th { text-align: left; vertical-align: top; padding: 4px 12px 4px 0;
  border-bottom: 1px solid var(--jp-border-color2, #dbd8cf); background: none; }
.sg-review td { width: 45%; } .sg-review td.gap { width: 10%; white-space: nowrap; }
.sg-review .lm-TabBar-tab { flex: 0 0 auto !important; max-width: none !important; }
.sg-review .who { border: 1px solid; padding: 0 4px; } .sg-review h4 { margin: 14px 0 4px; }
</style>"""


class Reviewing(w.VBox):  # type: ignore[misc] # ipywidgets has no types
    """One reviewer's review of what waits, pair by pair.

    Parameters
    ----------
    case
        The path of a case file that was run, or what `run_case` or `read_case` returned.
    reviewer
        Who reviews; stands in the ledger.
    data
        The data folder.
    foils
        Pairs known to be different people, mixed in.
    """

    def __init__(
        self, case: CaseResult | Path | str, *, reviewer: str, data: Path = DATA, foils: int = FOILS
    ) -> None:
        self.said = w.HTML(layout=WIDE)
        self.body = w.VBox(layout=WIDE)
        super().__init__([w.HTML(STYLE), self.said, self.body], layout=WIDE)
        self.add_class("sg-review")
        try:
            self._begin(*_place(case, data), reviewer, foils)
        except SockgraphError as error:
            self._tell(str(error))

    def _begin(self, case: Path, data: Path, reviewer: str, foils: int) -> None:
        if not reviewer.strip():
            raise ReviewError(repr(reviewer), "a review needs its reviewer.", "Give reviewer=….")
        self.reviewer = reviewer.strip()
        self.room = ReviewSession.of(case, data, tell=self._tell)
        entries = self.room.ledger.entries()
        self.tasks = queue(self.room.dossier, entries, self.reviewer, foils=foils)
        if all(task.foil for task in self.tasks):
            raise why_nothing(self.room.dossier, entries, self.reviewer)
        self._next()

    def _next(self) -> None:
        """Go on: every pair is judged from its edits before the evidence on any is shown."""
        for task in self.tasks:
            if "first judgement" not in self._steps(task):
                return self._show(task, self._reading(task))
        for task in self.tasks:
            steps = self._steps(task)
            if not task.foil and "finding" not in steps:
                return self._show(task, self._evidence(task, steps))
        self.room.settle()
        self.body.children = [w.HTML("<b>Done.</b> Every pair that waited for you is reviewed.")]
        return None

    def _show(self, task: Task, children: Sequence[w.Widget]) -> None:
        number = self.tasks.index(task) + 1
        head = f"<h3>Pair {number} of {len(self.tasks)}</h3>"
        self.body.children = [w.HTML(head), *children]

    # the first judgement

    def _reading(self, task: Task) -> list[w.Widget]:
        """Show a pair's edits, blinded, in time order; the judgement opens once every view was."""
        sheet = make_sheet(self.room.dossier, *self._shown(task), diffs=self._diffs(task))
        views = {name: getattr(sheet, name) for name in VIEWS}
        unread = {name for name, pages in views.items() if pages}
        tabs = w.Tab(
            children=[w.HTML(_pages(sheet, pages), layout=WIDE) for pages in views.values()],
            titles=[f"{VIEWS[n]} ({len(pages)})" for n, pages in views.items()],
            selected_index=0,
        )
        form = self._judgement(task, sheet)

        def opened(change: dict[str, Any]) -> None:
            if change["new"] is not None:
                unread.discard(list(VIEWS)[change["new"]])
            if not unread and form.layout.display == "none":
                form.layout.display = None
                if "read" not in self._steps(task):
                    self._take(task, "read")

        form.layout.display = "none"
        tabs.observe(opened, "selected_index")
        opened({"new": tabs.selected_index})
        words = "<p>Read both accounts' edits, every view at least once; then say what you see.</p>"
        return [w.HTML(words), tabs, form]

    def _judgement(self, task: Task, sheet: Sheet) -> w.VBox:
        choice = w.RadioButtons(options=self._turned(JUDGEMENTS), value=None, layout=WIDE)
        says, other = _area("What in the edits says so?"), _area("What else could explain it?")
        cites = w.Text(placeholder="numbers of edits, such as 3, 7", layout=WIDE)
        knows = w.RadioButtons(options=[("no", False), ("yes", True)], value=None)

        def give() -> None:
            if knows.value is None:
                rule = "it is not answered whether you recognise either account."
                raise ReviewError("first judgement", rule, "Choose yes or no.")
            revs = list(sheet.cards)
            named = [int(n) for n in cites.value.replace(",", " ").split() if n.isdigit()]
            answer = first_judgement(
                judgement=choice.value or "",
                says=says.value,
                other=other.value,
                knows=knows.value,
                cites=[revs[n - 1] for n in named if 0 < n <= len(revs)],
            )
            self._answer(task, "first judgement", answer)

        rows = [
            _heading("First judgement: what do these edits point to?"), choice, says, other,
            _heading("Which edits?"), cites,
            _heading("Do you think you recognise either account?"), knows,
            self._button("Seal the first judgement", give),
        ]  # fmt: skip
        return w.VBox(rows, layout=w.Layout(width="100%"))

    # the evidence and the finding

    def _evidence(self, task: Task, steps: Sequence[str]) -> list[w.Widget]:
        """Show against, then for, then all of it with the LR last; each step is taken by hand."""
        history = self._history(task)
        exhibit = make_exhibit(
            self.room.dossier, self._shown(task), history, diffs=self._diffs(task)
        )
        shown: list[w.Widget] = []
        for step, page in _STEPS.items():
            shown.append(w.HTML(page(self, task, exhibit), layout=WIDE))
            if step not in steps:
                return [*shown, self._button("Go on", partial(self._go, task, step))]
        return [*shown, self._finding(task, exhibit)]

    def _go(self, task: Task, step: str) -> None:
        self._take(task, step)
        self._next()

    def _finding(self, task: Task, exhibit: Exhibit) -> w.VBox:
        found = w.RadioButtons(options=self._turned(findings_of(task.kind)), value=None)
        why, other = _area("Why?"), _area("What is the strongest other explanation?")
        alibi = w.RadioButtons(options=list(ALIBI_ANSWERS), value=None)

        def give() -> None:
            answer = finding(
                task.kind,
                found=found.value or "",
                why=why.value,
                alternative=other.value,
                alibi=alibi.value if exhibit.alibi_asked else None,
            )
            self._answer(task, "finding", answer)

        asked = [_heading("The simultaneous work: accepted as showing two people?"), alibi]
        rows = [_heading("What do you find?"), found, why, other]
        rows += asked if exhibit.alibi_asked else []
        return w.VBox([*rows, self._button("Seal the finding", give)], layout=WIDE)

    def _against(self, _: Task, exhibit: Exhibit) -> str:
        stretches = [
            f"{row['date']}: {row['n_edits']} edits by turns on different pages"
            for row in exhibit.alibis
        ]
        return _exhibited("What speaks against one operator", exhibit.against, stretches)

    def _towards(self, _: Task, exhibit: Exhibit) -> str:
        return _exhibited("What speaks for one operator", exhibit.towards, [])

    def _all(self, task: Task, exhibit: Exhibit) -> str:
        weights = {row["signal"]: row for row in self.room.dossier.signals(task.pair)}
        rows = [
            Markup("<tr><td>{} ({})</td><td>{}</td><td class='gap'>{}</td></tr>").format(
                i.signal, i.family, i.direction, signed(weights[i.signal]["log10_lr"])
            )
            for i in (*exhibit.against, *exhibit.towards, *exhibit.silent)
        ]
        link = self.room.dossier.link(task.pair)
        number = "no log10 LR is given"
        if link["log10_lr"] is not None:
            ends = [signed(link[k]) for k in ("log10_lr", "log10_lr_low", "log10_lr_high")]
            number = f"log10 LR {ends[0]} [{ends[1]}, {ends[2]}]"
        received = [
            Markup("<p>Received {}, speaks {}, authenticated by {}: {}</p>").format(
                one["date"], one["speaks"], one["authenticated_by"], _parts(one["summary"])
            )
            for one in exhibit.received
        ]
        table = Markup("<table>{}</table>").format(Markup("").join(rows))
        return Markup("<h4>All evidence</h4>{}{}<p><b>{}: {}</b></p>").format(
            table, Markup("").join(received), link["band"], number
        )

    # what every step needs

    def _history(self, task: Task) -> History:
        return histories(self.room.ledger.entries()).get(task.pair, History(task.pair))

    def _steps(self, task: Task) -> tuple[str, ...]:
        return live_record(self.room.dossier, self._history(task), self.reviewer).steps

    def _shown(self, task: Task) -> tuple[str, str]:
        return sides(task.pair, self.room.dossier.seal)

    def _diffs(self, task: Task) -> dict[str, list[tuple[str, str]]]:
        read = self.room.diff_reader()
        return read(make_sheet(self.room.dossier, *self._shown(task))) if read else {}

    def _take(self, task: Task, step: str) -> None:
        kept = Kept(task.pair, self.reviewer)
        draft = step_draft(self.room.dossier, kept, step, blinded=True)
        take_steps(self.room.ledger, self.room.dossier, [draft])

    def _answer(self, task: Task, step: str, answer: dict[str, Any]) -> None:
        kept = Kept(task.pair, self.reviewer, {step: seal(answer)})
        self.room.keep(kept)
        draft = step_draft(self.room.dossier, kept, step, blinded=True)
        take_steps(self.room.ledger, self.room.dossier, [draft])
        self._tell(f"The {step} is in the ledger as a salted hash, and cannot be changed.")
        self._next()

    def _turned(self, offered: Sequence[str]) -> list[str]:
        """Turn the order of the answers round for half of the reviewers."""
        turned = seed_of(self.room.dossier.case.slug, self.reviewer) % 2
        return list(reversed(offered)) if turned else list(offered)

    def _button(self, words: str, act: Callable[[], None]) -> w.Button:
        def pressed(_: w.Button) -> None:
            self._tell("")
            try:
                act()
            except SockgraphError as error:
                self._tell(str(error))

        button = w.Button(description=words, layout=w.Layout(width="auto"))
        button.on_click(pressed)
        return button

    def _tell(self, words: str) -> None:
        self.said.value = str(Markup("<p><b>{}</b></p>").format(clean(words))) if words else ""


_STEPS: dict[str, Callable[[Reviewing, Task, Exhibit], str]] = {
    "against": Reviewing._against,  # noqa: SLF001 - the steps of this very class, in their order
    "for": Reviewing._towards,  # noqa: SLF001
    "all": Reviewing._all,  # noqa: SLF001
}


def _place(case: CaseResult | Path | str, data: Path) -> tuple[Path, Path]:
    """Return a case's file and its data folder."""
    if isinstance(case, CaseResult):
        return case.case.folder / f"{case.case.slug}.toml", case.folder.parent.parent
    return Path(case), data


def _pages(sheet: Sheet, pages: Sequence[Page]) -> str:
    numbers = {rev: n for n, rev in enumerate(sheet.cards, 1)}
    return Markup("").join(_page(page, numbers) for page in pages)


def _page(page: Page, numbers: dict[str, int]) -> Markup:
    rows = Markup("").join(
        Markup("<tr><td>{}</td><td class='gap'>{} {}</td><td>{}</td></tr>").format(
            _card(row.a, numbers), row.gap, row.order, _card(row.b, numbers)
        )
        for row in page.rows
    )
    more = f"{page.left_out} more edits of this page are not shown." if page.left_out else ""
    head = Markup("<tr><th>{}</th><th></th><th>{}</th></tr>").format(LABELS["A"], LABELS["B"])
    whole = Markup("<h4>{}</h4><table>{}{}</table><small>{}</small>")
    return whole.format(_parts(page.title), head, rows, more)


def _card(card: Card | None, numbers: dict[str, int]) -> Markup:
    if card is None:
        return Markup("")
    number = f"{numbers[card.rev]}. " if card.rev in numbers else ""
    size = "" if card.size is None else f" ({card.size:+,d})"
    hidden = "comment" in card.hidden
    said = _parts(card.summary) if card.summary is not None else (
        "summary hidden on the wiki" if hidden else "no summary"
    )  # fmt: skip
    tags = {"ins": "ins", "del": "del", "same": "span"}
    changed = Markup("").join(
        Markup(f"<{tags[kind]}>{{}}</{tags[kind]}>").format(_parts(parts))  # noqa: S704
        for kind, parts in card.diff or ()
    )
    return Markup("{}{}{}<br>{}<br>{}").format(number, card.date, size, said, changed)


def _exhibited(title: str, items: Sequence[Item], more: Sequence[str]) -> str:
    parts = [
        Markup("<p><b>{}</b> ({}), rests on {:,}</p><table>{}</table>").format(
            item.signal, item.family, item.support,
            Markup("").join(
                Markup("<tr><td>{}</td><td>{}</td></tr>").format(
                    *(_card(card, {}) if card.who == who else "" for who in "AB")
                )
                for card in item.edits
            ),
        )
        for item in items
    ]  # fmt: skip
    parts += [Markup("<p>{}</p>").format(line) for line in more]
    body = Markup("").join(parts) or Markup("<p>No signal says so.</p>")
    return Markup("<h4>{}</h4>{}").format(title, body)


def _parts(parts: Sequence[Part]) -> Markup:
    """Return blinded text: a name that was taken out is shown as its account's letter."""
    return Markup("").join(
        Markup("<bdi>{}</bdi>").format(clean(p))
        if isinstance(p, str)
        else Markup("<span class='who'>{}</span>").format(LABELS[p["who"]])
        for p in parts
    )


def _heading(words: str) -> w.HTML:
    return w.HTML(Markup("<b>{}</b>").format(words))


def _area(question: str) -> w.VBox:
    """Return a question with room to answer; its `value` is the text."""
    return w.Textarea(placeholder=question, layout=WIDE, rows=2)
