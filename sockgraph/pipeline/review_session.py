"""Where a case is reviewed: its tables, its ledger and its files, opened once."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sockgraph.case import load_case
from sockgraph.errors import FetchError, ReviewError, SockgraphError
from sockgraph.pipeline.other_cases import kept_apart, share_cannot_links
from sockgraph.pipeline.results import APART, LEDGER, hash_of_pairs, open_store, read_case
from sockgraph.pipeline.run import known_operators, open_source, read_case_population, run_case
from sockgraph.report.filing import restoration_note
from sockgraph.reviews import words
from sockgraph.reviews.answers import (
    SPARING,
    SealedAnswers,
    finding,
    first_judgement,
    kind_of,
    light_judgement,
    open_findings,
    read_sealed,
    seal,
    sealed_file_name,
    sealed_text,
    step_draft,
    take_steps,
    unopened,
    waiting,
    wiki_opened,
    with_answer,
)
from sockgraph.reviews.blinding import words as in_words
from sockgraph.reviews.dossier import Dossier, refuse_everyone
from sockgraph.reviews.ledger import Ledger
from sockgraph.reviews.packet import answers_turned, judged_in_full, make_exhibit, wiki_address
from sockgraph.reviews.reversal import settle_reversals
from sockgraph.reviews.rules import ReviewTask, live_record, queue, refuse_barred, why_nothing
from sockgraph.reviews.sheet import case_key, make_sheet, sides, wanted_diffs
from sockgraph.reviews.states import (
    LIGHT,
    OPENED,
    RESTORATION,
    LinkHistory,
    cannot_links,
    histories,
    state_of,
)
from sockgraph.runtime import silent
from sockgraph.sources.mediawiki.revisions import DiffSource, parse_diff
from sockgraph.strings import language_of, say, speaking

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sockgraph.reviews.ledger import Entry
    from sockgraph.reviews.packet import Exhibit
    from sockgraph.reviews.sheet import Diffs, Sheet
    from sockgraph.reviews.states import Pair, ReviewerRecord
    from sockgraph.runtime import Progress
    from sockgraph.store import CaseStore
    from sockgraph.strings import Language


def _unheard(_: str) -> None:
    """Tell nobody."""


def _unseen() -> AbstractContextManager[Progress]:
    return contextlib.nullcontext(silent)


@dataclass(frozen=True)
class ReviewSession:
    """A case that was run, open for review.

    Attributes
    ----------
    tell
        Is given every sentence that the people at work should read.
    listen
        Opens a listener to the progress of long work.
    """

    file: Path
    data: Path
    dossier: Dossier
    ledger: Ledger
    store: CaseStore
    tell: Callable[[str], None] = _unheard
    listen: Callable[[], AbstractContextManager[Progress]] = _unseen

    @classmethod
    def of(
        cls,
        file: Path,
        data: Path,
        *,
        tell: Callable[[str], None] = _unheard,
        listen: Callable[[], AbstractContextManager[Progress]] = _unseen,
    ) -> ReviewSession:
        """Open a case that was run.

        Raises
        ------
        SockgraphError
            If it was not run, its files or the case file changed since, or it compares everyone.
        """
        refuse_everyone(load_case(file))
        result = read_case(file, data=data)
        stated = result.manifest.get("case", {}).get("sha256")
        if stated and stated != hashlib.sha256(file.read_bytes()).hexdigest():
            raise ReviewError(
                file, "the case file has changed since the case was run.", "Run the case again."
            )
        store = open_store(result.case, data)
        dossier = Dossier(result.case, result.tables, result.manifest)
        return cls(file, data, dossier, Ledger(store.path(LEDGER)), store, tell, listen)

    def speaking(self, language: Language | None = None) -> AbstractContextManager[None]:
        """Make what is said to those at work be in a language, or in that of the case's wiki."""
        return speaking(language or language_of(self.dossier.case.wiki))

    def with_names(self) -> ReviewSession:
        """Return the session with the reference's true names at hand, so that they can be hidden.

        They stand in no file: the accounts are read again, from the source or what it answered
        before, without a question to any wiki. Where that fails they stay unknown, and no
        known-different pair is shown.
        """
        accounts = self.dossier.tables["accounts"]
        covers = set(accounts.loc[accounts["role"] == "reference", "user"])
        if not covers:
            return self
        case = load_case(self.file)
        try:
            with self.listen() as progress:
                _, population = read_case_population(
                    case, self.store, labels=known_operators(case), offline=True, progress=progress
                )
        except SockgraphError as error:
            why = "No known-different pairs: the reference cannot be read again. {error}"
            self.tell(say(why, error=error))
            return self
        names = {cover: user for user, cover in population.covers.items() if cover in covers}
        if covers - names.keys():
            self.tell(say("No known-different pairs: the source is not the one that was run."))
            return self
        known = population.known.dropna(subset=["person"])
        persons = dict(zip(known["user"], known["person"], strict=True))
        return replace(self, dossier=replace(self.dossier, names=names, persons=persons))

    def diff_reader(self) -> Callable[[Sheet], Diffs] | None:
        """Return what reads the diffs of a sheet from the case's source; None if that has none."""
        case = self.dossier.case
        if case.source.kind != "mediawiki":  # to open any other source is to read all of it
            return None

        def read(sheet: Sheet) -> Diffs:
            return {
                f"{wiki}:{rev}": parse_diff(html)
                for wiki, wanted in wanted_diffs(sheet).items()
                for rev, html in self._diffs(wiki, wanted).items()
            }

        return read

    def _diffs(self, wiki: str, rev_ids: Sequence[int]) -> dict[int, str]:
        """Return diffs from the case's source; a wiki that fails keeps nobody from reviewing."""
        case = self.dossier.case
        try:
            with self.listen() as progress:
                source = open_source(case, self.store, progress=progress)
                return source.diffs(rev_ids, wiki=wiki) if isinstance(source, DiffSource) else {}
        except FetchError as error:
            shown = "{error} Diffs that were read before are shown, the others are not."
            self.tell(say(shown, error=error))
            source = open_source(case, self.store, offline=True)
            return source.diffs(rev_ids, wiki=wiki) if isinstance(source, DiffSource) else {}

    def kept(self, reviewer: str) -> list[SealedAnswers]:
        """Return a reviewer's closed answers."""
        return read_sealed(self.store.path(sealed_file_name(reviewer)))

    def keep(self, kept: SealedAnswers) -> None:
        """Put one more closed answer away."""
        answers = with_answer(self.kept(kept.reviewer), kept)
        self.store.write_text(sealed_file_name(kept.reviewer), sealed_text(answers))

    def settle(self, given: Sequence[SealedAnswers] = ()) -> None:
        """Open every finding that is due, and draw what follows: groups, and restoration notes."""
        folder = self.store.path(sealed_file_name("")).parent
        kept = {path: read_sealed(path) for path in sorted(folder.glob("*.json"))}
        answers = [one for ones in kept.values() for one in ones]
        opened = open_findings(self.ledger, [*answers, *given])
        for path, ones in kept.items():
            closed = unopened(self.ledger.entries(), ones)
            if len(closed) < len(ones):
                self.store.write_text(f"{folder.name}/{path.name}", sealed_text(closed))
        self._tell_states(opened)
        self._tell_waiting([*answers, *given])
        settle_reversals(self.ledger, self.dossier)
        told = kept_apart(self.dossier.case.slug, self.ledger.entries())
        for said in share_cannot_links(self.dossier.case, self.store, told):
            self.tell(said)
        self.regroup()
        self._write_notes()

    def regroup(self) -> None:
        """Run the case again if the ledger keeps others apart than its groups were made with.

        No wiki is asked. The manifest says what they were made with, so that a process that was
        killed after an entry of the ledger is caught up with by the next call.
        """
        apart = hash_of_pairs(cannot_links(self.ledger.entries()))
        if apart == (self.store.read_manifest() or {}).get(APART, hash_of_pairs(())):
            return
        self.tell(say("Which accounts must stay apart has changed: the groups are computed again."))
        with self.listen() as progress:
            run_case(self.file, data=self.data, offline=True, many=True, progress=progress)

    def _write_notes(self) -> None:
        """Write every reversed link's restoration note that is not written yet."""
        head = self.ledger.head()
        for entry in self.ledger.entries():
            path = self.store.path(f"notes/restoration-{entry.hash[:12]}.wiki")
            if entry.kind == RESTORATION and not path.exists():
                text = restoration_note(self.dossier, entry, head)
                self.store.write_text(f"notes/{path.name}", text)
                note = "The link is taken back. The restoration note, ready to post: {path}"
                self.tell(say(note, path=path))

    def _tell_states(self, opened: Sequence[Entry]) -> None:
        known = histories(self.ledger.entries())
        for pair in dict.fromkeys(e.pair for e in opened if e.kind == OPENED and e.pair):
            history = known[pair]
            if history.current and all(r.foil for r in history.current.records.values()):
                continue
            self.tell(words.state_of_pair(history))
            if history.current and history.current.differ and not history.current.outcome:
                third = "The reviewers differ, a third is needed: {command}"
                command = f"sockgraph review-packet {self.file} --reviewer NAME"
                self.tell(say(third, command=command))

    def _tell_waiting(self, kept: Sequence[SealedAnswers]) -> None:
        closed = waiting(self.ledger.entries(), kept)
        if closed:
            self.tell(
                say(
                    "{n} findings stay closed until those of {all} reviewers are in. Answers from"
                    " a packet are to be given again then.",
                    n=len(set(closed)),
                    all=self.dossier.case.review.reviewers,
                )
            )


@dataclass(frozen=True)
class ReviewFlow:
    """One reviewer at what waits: which question is open, and what an answer to it does.

    Terminal and notebook show what it gives and hand it what was answered; the order, the rules and
    the ledger are here, and in the packet's page the same.

    Attributes
    ----------
    tasks
        The pairs, in the order in which they are served.
    blinded
        Whether names are hidden: not where the reviewer chose the pair by name.
    """

    session: ReviewSession
    reviewer: str
    tasks: tuple[ReviewTask, ...]
    blinded: bool = True
    _sheets: dict[Pair, Sheet] = field(default_factory=dict, repr=False)

    @classmethod
    def begin(
        cls,
        session: ReviewSession,
        reviewer: str,
        *,
        foils: int = 0,
        link: Pair | None = None,
    ) -> ReviewFlow:
        """Sit a reviewer down at what waits for them, or at a link that they name.

        Raises
        ------
        ReviewError
            If they give no name, have a part in the link, or nothing waits for them.
        """
        reviewer = named(reviewer)
        session = session.with_names()
        entries = session.ledger.entries()
        if link:
            return cls(session, reviewer, (_chosen(session, link, reviewer),), blinded=False)
        served = tuple(queue(session.dossier, entries, reviewer, foils=foils))
        if all(task.foil for task in served):
            raise why_nothing(session.dossier, entries, reviewer)
        return cls(session, reviewer, served)

    @property
    def due(self) -> tuple[ReviewTask, str] | None:
        """The pair and the step that come next; None where everything is done.

        Every pair is judged from its edits before the evidence on any is shown.
        """
        for task in self.tasks:
            if not self.record(task).judged:
                return task, "judge"
        for task in self.tasks:
            record = self.record(task)
            if not task.foil and not record.committed:
                return task, record.path[len(record.steps)]
        return None

    @cached_property
    def turned(self) -> bool:
        """Whether this reviewer is offered the answers in the other order."""
        return answers_turned(self.session.dossier, self.reviewer)

    def offered(self, answers: Sequence[str]) -> list[str]:
        """Return answers in the order in which this reviewer is offered them."""
        return list(reversed(answers)) if self.turned else list(answers)

    def history(self, task: ReviewTask) -> LinkHistory:
        """Return what the ledger says of a pair now."""
        return histories(self.session.ledger.entries())[task.pair]

    def record(self, task: ReviewTask) -> ReviewerRecord:
        """Return what this reviewer has done with a pair, on the evidence at hand."""
        return live_record(self.session.dossier, self.history(task), self.reviewer)

    def sheet(self, task: ReviewTask) -> Sheet:
        """Return both accounts' edits, blinded, with their diffs."""
        if task.pair not in self._sheets:
            sheet = make_sheet(self.session.dossier, *self._shown(task))
            read = self.session.diff_reader()
            diffs = read(sheet) if read else {}
            if diffs:
                sheet = make_sheet(self.session.dossier, *self._shown(task), diffs=diffs)
            self._sheets[task.pair] = sheet
        return self._sheets[task.pair]

    def exhibit(self, task: ReviewTask) -> Exhibit:
        """Return the evidence, its numbers at the end."""
        diffs = {
            rev: [(kind, "".join(in_words(parts))) for kind, parts in card.diff]
            for rev, card in self.sheet(task).cards.items()
            if card.diff
        }
        return make_exhibit(
            self.session.dossier, self._shown(task), self.history(task), diffs=diffs, numbers=True
        )

    def judge(
        self,
        task: ReviewTask,
        judgement: str,
        *,
        says: str,
        other: str = "",
        knows: bool = False,
        cites: Sequence[str] = (),
    ) -> str:
        """Enter what a reviewer sees in the edits, and say what was entered.

        What spares the person is entered openly and closes the link once the evidence against was
        read; anything else is entered as a salted hash, and the full path begins.
        """
        given: dict[str, Any] = {"says": says, "knows": knows, "cites": cites}
        if judgement in SPARING and self._light(task):
            step, answer = LIGHT, light_judgement(judgement=judgement, **given)
        else:
            step, answer = (
                "first judgement",
                first_judgement(judgement=judgement, other=other, **given),
            )
        if "read" not in self.record(task).steps:
            self.go_on(task, "read")
        return self._enter(task, step, answer)

    def go_on(self, task: ReviewTask, step: str) -> str:
        """Enter that a step was read; return what follows from it, in a sentence, or nothing."""
        self._take(SealedAnswers(task.pair, self.reviewer), step)
        record = self.record(task)
        closed = record.light and record.committed
        return say(words.CLOSED[record.light["finding"]]) if closed else ""

    def find(
        self, task: ReviewTask, found: str, *, why: str, alternative: str, **doubts: str | None
    ) -> str:
        """Enter a finding as a salted hash, with an answer to each of `Exhibit.asked`."""
        answer = finding(task.kind, found=found, why=why, alternative=alternative, **doubts)
        return self._enter(task, "finding", answer)

    def open_on_wiki(self, task: ReviewTask, rev: str) -> str | None:
        """Give an edit's address on the wiki, having entered that names are seen from here on."""
        address = wiki_address(self.session.dossier.case)
        if address is None:
            return None
        kept = SealedAnswers(task.pair, self.reviewer)
        draft = wiki_opened(kept, rev, self.session.dossier)
        take_steps(self.session.ledger, self.session.dossier, [draft])
        wiki, _, number = rev.rpartition(":")
        return address.replace("{wiki}", wiki) + number

    def _light(self, task: ReviewTask) -> bool:
        may = self.session.dossier.case.review.light and task.kind == "review" and not task.foil
        return may and not judged_in_full(self.history(task))

    def _shown(self, task: ReviewTask) -> Pair:
        return sides(task.pair, case_key(self.session.dossier.case))

    def _enter(self, task: ReviewTask, step: str, answer: dict[str, Any]) -> str:
        kept = SealedAnswers(task.pair, self.reviewer, {step: seal(answer)})
        if step != LIGHT:
            self.session.keep(kept)
        self._take(kept, step)
        return "" if step == LIGHT else say(words.SEALED, step=say(step))

    def _take(self, kept: SealedAnswers, step: str) -> None:
        draft = step_draft(self.session.dossier, kept, step, blinded=self.blinded)
        take_steps(self.session.ledger, self.session.dossier, [draft])


def named(reviewer: str) -> str:
    """Return a reviewer's name, stripped.

    Raises
    ------
    ReviewError
        If it is empty.
    """
    if not reviewer.strip():
        raise ReviewError(repr(reviewer), "a review needs its reviewer.", "Give their name.")
    return reviewer.strip()


def _chosen(session: ReviewSession, link: Pair, reviewer: str) -> ReviewTask:
    """Return the pair that a reviewer chose by name, if it can be reviewed by them."""
    pair = session.dossier.pair(*link)
    history = histories(session.ledger.entries())[pair]
    refuse_barred(session.dossier.case, history, reviewer)
    if state_of(history, flagged=bool(session.dossier.link(pair)["flagged"])) == "none":
        raise ReviewError(
            " and ".join(pair),
            "nobody has made this link: it is neither flagged nor asserted.",
            "Review a link in question; `sockgraph report CASE --format csv` lists their states.",
        )
    if live_record(session.dossier, history, reviewer).committed:
        raise ReviewError(
            f"{reviewer}, {' and '.join(pair)}",
            "this reviewer has reviewed this link already.",
            "Ask another reviewer.",
        )
    return ReviewTask(pair, kind_of(history))
