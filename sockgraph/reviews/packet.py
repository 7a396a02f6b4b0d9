"""What a reviewer is shown, and the packet that carries it: a file for their own machine.

Once the edits are judged, an exhibit says what speaks against, for, and all of it, as blocks: a
heading, a paragraph or a table of cells. Packet, notebook and terminal draw the same blocks, and
none of them decides what stands in them.

A packet holds blinded sheets and the evidence in words; no LR, no name, nobody's finding. It needs
no network. The reviewer's answers come back in two files: the commitments first, the findings once
both reviewers' are in.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment
from markupsafe import Markup

from sockgraph.names import clean_all
from sockgraph.reviews import words
from sockgraph.reviews.answers import findings_of
from sockgraph.reviews.blinding import LABELS
from sockgraph.reviews.dossier import (
    THE_SUM,
    direction,
    link_words,
    read_of,
    rested_on,
    side_by_side,
)
from sockgraph.reviews.ledger import Draft, LedgerHead, digest, head_of
from sockgraph.reviews.rules import (
    ReviewTask,
    changes_shown,
    live_record,
    queue,
    round_number,
    why_nothing,
)
from sockgraph.reviews.sheet import (
    EditCard,
    case_blinder,
    case_key,
    make_cards,
    make_sheet,
    seed_of,
    sides,
)
from sockgraph.reviews.states import PACKET, RECEIVED, LinkHistory, Pair, histories, person_key
from sockgraph.strings import language_of, said_by, say, speaking, spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sockgraph.case import Case
    from sockgraph.reviews.blinding import Blinder
    from sockgraph.reviews.dossier import Change, Dossier
    from sockgraph.reviews.ledger import Entry
    from sockgraph.reviews.sheet import Diffs, Sheet
    from sockgraph.strings import Language

EDITS_SHOWN = 8
DAYS_SHOWN = 12


@dataclass(frozen=True)
class PageBlock:
    """A piece of a page.

    Attributes
    ----------
    head
        Its heading; empty where it has none.
    note
        What stands below the heading.
    columns, rows
        A table: cells are texts, blinded parts, edits, or nothing.
    edits
        Whether it is a table of edits, Account A left and Account B right.
    """

    head: str = ""
    note: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    edits: bool = False


@dataclass(frozen=True)
class Exhibit:
    """The evidence on one link, as it is read, step by step.

    Attributes
    ----------
    against, towards, everything
        What is shown at the steps `against`, `for` and `all`.
    asked
        Which of `words.DOUBTS` the link has, so that the finding must answer it.
    """

    against: tuple[PageBlock, ...]
    towards: tuple[PageBlock, ...]
    everything: tuple[PageBlock, ...]
    asked: tuple[str, ...]

    def of(self, step: str) -> tuple[PageBlock, ...]:
        """Return what is shown at a step."""
        return {"against": self.against, "for": self.towards, "all": self.everything}[step]

    def as_dict(self) -> dict[str, Any]:
        """Return the exhibit as JSON has it."""
        return asdict(self)


def make_exhibit(
    dossier: Dossier,
    shown: Pair,
    history: LinkHistory,
    *,
    diffs: Diffs | None = None,
    numbers: bool = False,
) -> Exhibit:
    """Lay out the evidence on one link.

    Parameters
    ----------
    shown
        Who is shown as Account A, and who as B.
    history
        What the ledger says of the link.
    numbers
        Whether the step `all` ends with each signal's log10 LR and the link's: not in a packet,
        whose file can be read from its end.
    """
    received = history.of(RECEIVED)
    said = [e.body["summary"] for e in received]
    blind = case_blinder(dossier, *shown, diffs=diffs, texts=said)
    rows = sorted(dossier.signals(history.pair), key=lambda r: (r["family"], r["signal"]))
    cards = _Cards(dossier, shown, blind, diffs or {})
    spoken = {
        way: tuple(cards.signal(row) for row in rows if direction(row) == way)
        for way in ("may be copied", "against", "for")
    }
    snapshot = dossier.snapshot(history.pair)
    last = [PageBlock(note=link_words(snapshot["link"]))] if numbers else []
    return Exhibit(
        (
            *_alibis(dossier.alibis(history.pair)),  # first, see docs/adr/0014
            *spoken["may be copied"],
            *(spoken["against"] or _nothing("against")),
        ),
        spoken["for"] or _nothing("for"),
        (
            _table(rows, numbers=numbers),
            *_received(received, blind),
            *_changed(dossier, shown, history, numbers=numbers),
            *last,
        ),
        tuple(doubt for doubt in words.DOUBTS if dossier.link(history.pair)[doubt]),
    )


def _nothing(way: str) -> tuple[PageBlock, ...]:
    return (PageBlock(note=say(words.NOTHING[way])),)


@dataclass(frozen=True)
class _Cards:
    """Draws the edits of signals."""

    dossier: Dossier
    shown: Pair
    blind: Blinder
    diffs: Diffs

    def signal(self, row: dict[str, Any]) -> PageBlock:
        """Return a signal with the edits that moved it most, in time order."""
        cards = make_cards(
            self.dossier, self.shown, row["rev_ids"], blind=self.blind, diffs=self.diffs
        )
        left = len(cards) - EDITS_SHOWN
        about = words.signal_about(row["signal"])
        rests_on = words.support_words(row["signal"], row["support"])
        more = say("; and {edits}", edits=words.counted(left, "more edit")) if left > 0 else ""
        return PageBlock(
            say(row["signal"]),
            f"{about + say(': ') if about else ''}{rests_on}{more}",
            rows=tuple(_sided(card) for card in cards[:EDITS_SHOWN]),
            edits=True,
        )


def _sided(card: EditCard) -> tuple[EditCard | None, str, EditCard | None]:
    return (card, "", None) if card.who == "A" else (None, "", card)


def _alibis(stretches: Sequence[dict[str, Any]]) -> tuple[PageBlock, ...]:
    """Return the days of simultaneous work: they come first among what speaks against."""
    rows = tuple(
        (
            row["start"][:10],
            str(row["n_edits"]),
            words.DASH if row["expected"] is None else f"{row['expected']:.2g}",
        )
        for row in stretches
        if not row["excluded"]
    )
    if not rows:
        return ()
    left = len(rows) - DAYS_SHOWN
    note = say("The first {n}; and {left} more.", n=DAYS_SHOWN, left=left) if left > 0 else ""
    columns = tuple(map(say, words.ALIBI_COLUMNS))
    return (PageBlock(say(words.SIMULTANEOUS), note, columns=columns, rows=rows[:DAYS_SHOWN]),)


def _table(rows: Sequence[dict[str, Any]], *, numbers: bool) -> PageBlock:
    """Return every signal with which way it speaks and on what it rests."""
    cells = tuple(
        (
            say(row["signal"]),
            say(row["family"]),
            say(direction(row)),
            words.support_words(row["signal"], row["support"], enough=row["status"] == "ok"),
            *((words.signed(row["log10_lr"]),) if numbers else ()),
        )
        for row in rows
    )
    columns = (*words.SIGNAL_COLUMNS, *(("log10 LR alone",) if numbers else ()))
    return PageBlock(say("Every signal"), columns=tuple(map(say, columns)), rows=cells)


def _received(entries: Sequence[Entry], blind: Blinder) -> tuple[PageBlock, ...]:
    if not entries:
        return ()
    rows = tuple(
        (
            e.time[:10],
            say(e.body["speaks"]),
            e.body["authenticated_by"],
            blind.parts(e.body["summary"]),
        )
        for e in entries
    )
    columns = tuple(map(say, words.RECEIVED_COLUMNS))
    return (PageBlock(say("Evidence received"), columns=columns, rows=rows),)


def _changed(
    dossier: Dossier, shown: Pair, history: LinkHistory, *, numbers: bool
) -> tuple[PageBlock, ...]:
    """Return then beside now: in a reversal all of it, on another look what moved."""
    now = history.current
    if now and now.kind == "reversal":
        then = rested_on(history)
        if then is None:
            return (PageBlock(say("What the link rested on"), say(words.MADE_ELSEWHERE)),)
        rows = side_by_side(then, dossier.snapshot(history.pair))
        title = say("What the link rested on, and rests on now")
        return (_beside(title, rows, shown, numbers=numbers),)
    moved = changes_shown(dossier, history)
    title = say("What has changed since the finding before")
    return (_beside(title, moved, shown, numbers=numbers),) if moved else ()


def _beside(title: str, rows: Sequence[Change], shown: Pair, *, numbers: bool) -> PageBlock:
    """Return changes as a table; without numbers and names where a packet shows them."""
    labels = {read_of(user): say(LABELS[who]) for user, who in zip(shown, "AB", strict=True)}
    told = [(labels.get(r.what, r.what), r.then, r.now) for r in rows]
    if not numbers:
        told = [
            (what, words.without_number(then), words.without_number(now))
            for what, then, now in told
            if what != say(THE_SUM)
        ]
    return PageBlock(title, columns=tuple(map(say, ("Shown", "Then", "Now"))), rows=tuple(told))


ANSWERS_FORMAT = "sockgraph answers 2"
_RESERVED = ("example", "test", "invalid")


@dataclass(frozen=True)
class Packet:
    """A packet that is ready to be handed over.

    Attributes
    ----------
    html
        The file.
    draft
        The ledger's entry: who got which pairs. It must be in the ledger before answers are.
    """

    id: str
    html: str
    tasks: tuple[ReviewTask, ...]
    draft: Draft


def make_packet(
    dossier: Dossier,
    entries: Sequence[Entry],
    reviewer: str,
    *,
    foils: int | None = None,
    read_diffs: Callable[[Sheet], Diffs] | None = None,
    language: Language | None = None,
) -> Packet:
    """Make a reviewer's packet; links that they have begun elsewhere are left out.

    Parameters
    ----------
    entries
        The ledger's; the packet prints its head.
    foils
        Known-different pairs to mix in; None as many as the case asks for.
    read_diffs
        Returns what the diffs of a sheet's edits show, where the source can tell.
    language
        What the page is written in; None for that of the case's wiki.

    Raises
    ------
    ReviewError
        If nothing waits for the reviewer, or the case compares everyone.
    """
    language = language or language_of(dossier.case.wiki)
    known = histories(entries)
    asked = dossier.case.review.foils if foils is None else foils
    served = queue(dossier, entries, reviewer, foils=asked)
    tasks = tuple(
        task for task in served if not live_record(dossier, known[task.pair], reviewer).steps
    )
    if not any(not task.foil for task in tasks):
        raise why_nothing(dossier, entries, reviewer)
    with speaking(language):
        shown = [_shown(dossier, task, known, read_diffs) for task in tasks]
        said = page_words()
    held = any(diffs for _, diffs in shown)
    content = {
        "case": dossier.case.slug,
        "reviewer": reviewer,
        "reviewer_key": person_key(reviewer),
        "manifest": dossier.seal,
        "head": str(head_of(entries)),
        "answers_format": ANSWERS_FORMAT,
        "answers_reversed": answers_turned(dossier, reviewer),
        "words": said,
        "wiki": wiki_address(dossier.case),
        "diffs": held,
        "tasks": [{"number": i, **clean_all(task)} for i, (task, _) in enumerate(shown, 1)],
    }
    name = digest(content)
    rounds = [round_number(known[task.pair]) for task in tasks]
    body = {
        "packet": name,
        "pairs": [list(task.pair) for task in tasks],
        "rounds": rounds,
        "evidence": [dossier.evidence_hash(task.pair) for task in tasks],
    }
    draft = Draft(PACKET, reviewer, body, dossier.seal)
    with speaking(language):
        page = _page({**content, "packet": name}, head_of(entries))
    return Packet(name, page, tasks, draft)


def answers_turned(dossier: Dossier, reviewer: str) -> bool:
    """Tell whether a reviewer, one of each two, is offered the answers in the other order."""
    return bool(seed_of(case_key(dossier.case), reviewer) % 2)


def page_words() -> dict[str, Any]:
    """Return every word that the packet's page says, from the one place that has them."""
    return {
        "labels": _said(LABELS),
        "judgements": [[key, *map(say, said)] for key, said in words.JUDGEMENTS.items()],
        "findings": {
            kind: [[key, say(words.FINDINGS[key])] for key in findings_of(kind)]
            for kind in ("review", "reversal")
        },
        "doubts": {
            doubt: list(map(list, _said(said).items())) for doubt, said in words.DOUBTS.items()
        },
        "questions": _said(words.QUESTIONS),
        "hints": _said(words.HINTS),
        "read": say(words.READ),
        "steps": _said(words.STEP_TITLES),
        "views": _said(words.VIEWS),
        "order": say(words.FIRST_PAGES),
        "strings": {text: say(text) for text in sorted(said_by(_resource("packet.js")))},
    }


def _said(table: Mapping[str, str]) -> dict[str, str]:
    return {key: say(text) for key, text in table.items()}


def is_reserved(wiki: str) -> bool:
    """Tell whether a wiki's host is one that cannot exist, see RFC 2606."""
    return wiki.partition(":")[0].lower().rpartition(".")[2] in _RESERVED


def wiki_address(case: Case) -> str | None:
    """Return what an edit's number is put behind to open its diff; None where there is no wiki.

    Of several wikis, `{wiki}` stands for the edit's.
    """
    if case.source.kind != "mediawiki" or is_reserved(case.wiki):
        return None
    place = case.wiki if len(case.wikis) == 1 else "{wiki}"
    return f"{case.source.scheme}://{place}{case.source.api_path}index.php?diff="


def _shown(
    dossier: Dossier,
    task: ReviewTask,
    known: Mapping[Any, LinkHistory],
    read_diffs: Callable[[Sheet], Diffs] | None,
) -> tuple[dict[str, Any], Diffs]:
    """Return what a packet shows of a pair, and the diffs in it."""
    shown = sides(task.pair, case_key(dossier.case))
    history = known[task.pair]
    sheet = make_sheet(dossier, *shown)
    diffs = read_diffs(sheet) if read_diffs else {}
    sheet = make_sheet(dossier, *shown, diffs=diffs) if diffs else sheet
    exhibit = None if task.foil else make_exhibit(dossier, shown, history, diffs=diffs).as_dict()
    light = dossier.case.review.light and task.kind == "review" and not judged_in_full(history)
    return {"kind": task.kind, "light": light, "sheet": sheet.as_dict(), "exhibit": exhibit}, diffs


def judged_in_full(history: LinkHistory) -> bool:
    """Tell whether somebody judged the link on the full path, which then decides."""
    return history.current is not None and any(
        r.judged and not r.light for r in history.current.records.values()
    )


def _page(content: Mapping[str, Any], head: LedgerHead) -> str:
    tokens = files("sockgraph") / "charts" / "tokens.css"  # one look for every page
    style = tokens.read_text(encoding="utf-8") + _resource("packet.css")
    script = _resource("packet.js")
    template = Environment(autoescape=True).from_string(_resource("packet.html.j2"))
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, sort_keys=True)
    for char in "<>&\u2028\u2029":  # so that no text can end the element that holds it
        text = text.replace(char, f"\\u{ord(char):04x}")
    return template.render(
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        style_hash=_csp_hash(style),
        script_hash=_csp_hash(script),
        language=spoken(),
        say=say,
        data=Markup(text),  # noqa: S704 - JSON without a character that HTML reads
        packet=content["packet"],
        reviewer=content["reviewer"],
        head=str(head),
    )


def _resource(name: str) -> str:
    return (files("sockgraph.reviews") / "page" / name).read_text(encoding="utf-8")


def _csp_hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
