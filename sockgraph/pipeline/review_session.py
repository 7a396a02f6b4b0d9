"""Where a case is reviewed: its tables, its ledger and its files, opened once."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sockgraph.case import load_case
from sockgraph.errors import FetchError, ReviewError
from sockgraph.pipeline.fetch import open_source
from sockgraph.pipeline.results import LEDGER, open_store, read_case
from sockgraph.pipeline.run import run_case
from sockgraph.report.wikitext import restoration_note
from sockgraph.reviews import Dossier, Ledger, cannot_links, histories
from sockgraph.reviews.answers import (
    kept_name,
    kept_text,
    open_findings,
    read_kept,
    still_closed,
    waiting,
    with_answer,
)
from sockgraph.reviews.diffs import HoldsDiffs, parse_diff, wanted_diffs
from sockgraph.reviews.dossier import refuse_everyone
from sockgraph.reviews.reversal import settle_reversals
from sockgraph.reviews.states import OPENED, RESTORATION
from sockgraph.runtime import silent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sockgraph.reviews import Entry, Sheet
    from sockgraph.reviews.answers import Kept
    from sockgraph.reviews.sheet import Diffs
    from sockgraph.runtime import Progress
    from sockgraph.store import CaseStore


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
                return source.diffs(rev_ids, wiki=wiki) if isinstance(source, HoldsDiffs) else {}
        except FetchError as error:
            self.tell(f"{error} Diffs that were read before are shown, the others are not.")
            source = open_source(case, self.store, offline=True)
            return source.diffs(rev_ids, wiki=wiki) if isinstance(source, HoldsDiffs) else {}

    def kept(self, reviewer: str) -> list[Kept]:
        """Return a reviewer's closed answers."""
        return read_kept(self.store.path(kept_name(reviewer)))

    def keep(self, kept: Kept) -> None:
        """Put one more closed answer away."""
        answers = with_answer(self.kept(kept.reviewer), kept)
        self.store.write_text(kept_name(kept.reviewer), kept_text(answers))

    def settle(self, given: Sequence[Kept] = ()) -> None:
        """Open every finding that is due, and draw what follows: groups, and restoration notes."""
        before = cannot_links(self.ledger.entries())
        folder = self.store.path(kept_name("")).parent
        kept = {path: read_kept(path) for path in sorted(folder.glob("*.json"))}
        answers = [one for ones in kept.values() for one in ones]
        opened = open_findings(self.ledger, [*answers, *given])
        for path, ones in kept.items():
            closed = still_closed(self.ledger.entries(), ones)
            if len(closed) < len(ones):
                self.store.write_text(f"{folder.name}/{path.name}", kept_text(closed))
        self._tell_states(opened)
        self._tell_waiting([*answers, *given])
        settle_reversals(self.ledger, self.dossier)
        if before != cannot_links(self.ledger.entries()):
            self.regroup()
        self._write_notes()

    def regroup(self) -> None:
        """Run the case again, without a question to any wiki, with what the ledger now says."""
        self.tell("Which accounts must stay apart has changed: the groups are computed again.")
        with self.listen() as progress:
            run_case(self.file, data=self.data, offline=True, many=True, progress=progress)

    def _write_notes(self) -> None:
        """Write every reversed link's restoration note that is not written yet."""
        head = self.ledger.head()
        for entry in self.ledger.entries():
            path = self.store.path(f"notes/restoration-{entry.hash[:12]}.wiki")
            if entry.kind == RESTORATION and not path.exists():
                text = restoration_note(self.dossier.case, entry, head)
                self.store.write_text(f"notes/{path.name}", text)
                self.tell(f"The link is taken back. The restoration note, ready to post: {path}")

    def _tell_states(self, opened: Sequence[Entry]) -> None:
        known = histories(self.ledger.entries())
        for pair in dict.fromkeys(e.pair for e in opened if e.kind == OPENED and e.pair):
            history = known[pair]
            if history.current and all(r.foil for r in history.current.records.values()):
                continue
            differ = history.current is not None and history.current.differ
            more = "; the reviewers differ, a third is needed" if differ else ""
            self.tell(f"{pair[0]} and {pair[1]}: {history.state}{more}")

    def _tell_waiting(self, kept: Sequence[Kept]) -> None:
        closed = waiting(self.ledger.entries(), [k for k in kept if "finding" in k.answers])
        if closed:
            self.tell(
                f"{len(set(closed))} findings stay closed until a second reviewer's are in."
                " Answers from a packet are to be given again then."
            )
