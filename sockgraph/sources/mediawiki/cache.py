"""Asks only for what is not stored yet, and files every answer before anything is made of it."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sockgraph.errors import FetchError
from sockgraph.names import TEMPORARY, kind_of
from sockgraph.runtime import silent
from sockgraph.sources.mediawiki import answer_models
from sockgraph.sources.mediawiki.queries import SITE
from sockgraph.store.raw_answers import AnswerChain, RawAnswers, StoredAnswer, digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sockgraph.runtime import Progress
    from sockgraph.sources.mediawiki.client import Connection
    from sockgraph.sources.mediawiki.queries import Query

OVERLAP = dt.timedelta(minutes=10)  # a refresh reads this much twice: replicas lag
SHARED = dt.timedelta(days=1)
"""What another case of the data folder was answered so lately is not asked again for this one."""
EVERYTHING = ("*",)
MOST_BARREN = 50  # answers on end that bring nothing new; a busy wiki searches in portions


def _whole(chain: AnswerChain) -> bool:
    return chain.complete


@dataclass(frozen=True)
class CachedClient:
    """A wiki's API and the answers already had from it.

    Attributes
    ----------
    offline
        Ask nothing; what is missing is an error.
    page_size
        Rows an answer; null for as many as the wiki gives.
    round
        The round that a missing answer belongs to.
    """

    connection: Connection
    raw: RawAnswers
    offline: bool = False
    page_size: int | None = None
    round: int = 0
    progress: Progress = silent
    clock: Callable[[], dt.datetime] = field(default=lambda: dt.datetime.now(dt.UTC))

    @contextlib.contextmanager
    def session(self) -> Iterator[None]:
        """Hold the case while answers are added to it; offline nothing is added."""
        with contextlib.nullcontext() if self.offline else self.raw.locked():
            yield

    def ensure(
        self,
        question: Query,
        subjects: Sequence[str] = EVERYTHING,
        *,
        enough: Callable[[AnswerChain], bool] = _whole,
        expected: int | None = None,
    ) -> None:
        """See to it that answers about all subjects are stored.

        Parameters
        ----------
        enough
            Tells of a chain whether it need not be continued, though the wiki has more.
        expected
            Rows that the missing answers will hold, for the progress.

        Raises
        ------
        FetchError
            If the wiki does not answer, or if it would have to be asked and `offline` is set.
        """
        since = self._since(question, enough)
        missing = [s for s in dict.fromkeys(subjects) if self._wanted(question, since.get(s))]
        if missing and self.offline:
            raise _offline(self.connection.host, question, missing)
        new = [s for s in missing if s not in since]
        known = sorted((s for s in missing if s in since), key=lambda s: since[s][1])
        batches = [*_batches(new, question.batch), *_batches(known, question.batch)]
        before = self.connection.rows[question.kind]
        for number, batch in enumerate(batches):
            start = since[batch[0]][1] if batch[0] in since else ""
            for _ in self._follow(question, batch, start, enough):
                self._tell(question, (number, len(batches)), before, expected)
        if batches and expected is None:
            self.progress(question.kind, len(batches), len(batches))

    def _tell(
        self, question: Query, batches: tuple[int, int], before: int, expected: int | None
    ) -> None:
        """Tell of one answer: rows where it is known how many there will be, else batches."""
        rows = self.connection.rows[question.kind] - before
        if expected is None:
            self.progress(question.kind, *batches)
        else:
            self.progress("edits", rows, max(rows, expected))
        self.progress("requests", self.connection.requests.total(), None)

    @cached_property
    def temporary_names(self) -> tuple[str, ...]:
        """What the wiki says that its temporary accounts are called; nothing where it has none."""
        given = self.whole(SITE).get("autocreatetempuser", {})
        told = given.get("matchPatterns") or given.get("matchPattern") or given.get("genPattern")
        return tuple([told] if isinstance(told, str) else told or ())

    def _is_temporary(self, name: str) -> bool:
        return kind_of(name, self.temporary_names) == TEMPORARY

    def rows(
        self,
        question: Query,
        subjects: Sequence[str] = EVERYTHING,
        *,
        enough: Callable[[AnswerChain], bool] = _whole,
    ) -> Iterator[dict[str, Any]]:
        """Yield every stored row asked about any of the subjects, oldest round first."""
        wanted = set(subjects)
        for chain in self.raw.chains(question.identity):
            if enough(chain) and not wanted.isdisjoint(chain.subjects):
                for entry in chain.entries:
                    yield from self._rows_of(question, entry)

    def whole(self, question: Query) -> dict[str, Any]:
        """Return all that stands under `query` in the answer to a question about nobody."""
        self.ensure(question)
        entry = self.raw.chains(question.identity)[-1].entries[0]
        return dict(self._stored(entry)["query"])

    def _stored(self, entry: StoredAnswer) -> dict[str, Any]:
        """Return a stored answer: earlier versions stored some that this one would refuse."""
        try:
            answer: dict[str, Any] = json.loads(self.raw.body(entry))
            answer_models.check(answer, entry.params)
        except (answer_models.AnswerError, ValueError, RecursionError) as error:
            raise self.raw.unusable(entry, str(error)) from error
        return answer

    def _rows_of(self, question: Query, entry: StoredAnswer) -> list[dict[str, Any]]:
        found = self._stored(entry)["query"].get(question.found, [])
        return [found] if isinstance(found, dict) else list(found)

    def _since(
        self, question: Query, enough: Callable[[AnswerChain], bool]
    ) -> dict[str, tuple[int, str]]:
        """Return, of every subject read, the latest round and the wiki's time then."""
        known: dict[str, tuple[int, str]] = {}
        for chain in self.raw.chains(question.identity):
            if enough(chain):
                first = chain.entries[0]
                known |= dict.fromkeys(
                    chain.subjects, (first.round, first.answered or first.fetched)
                )
        return known

    def _wanted(self, question: Query, known: tuple[int, str] | None) -> bool:
        return known is None or (question.refreshed and known[0] < self.round)

    def _follow(
        self, question: Query, batch: list[str], since: str, enough: Callable[[AnswerChain], bool]
    ) -> Iterator[StoredAnswer]:
        """Ask until nothing follows, from where an earlier fetch left off; yield what is new."""
        base = question.params(batch, self.page_size)
        if since and question.since:
            base[question.since] = max(_earlier(since), base.get(question.since, ""))
        name = digest([self.connection.api, base, self.round])
        stored = [c for c in self.raw.chains(question.identity) if c.entries[0].chain == name]
        entries = list(stored[0].entries) if stored else []
        barren, before = 0, None
        while not entries or (entries[-1].following and not enough(AnswerChain(tuple(entries)))):
            following = dict(entries[-1].following or {}) if entries else {}
            params, place = {**base, **following}, (name, len(entries))
            entry, body = self._shared(params) or self._ask(question, batch, params, place)
            if entry.following and entry.following in [e.following for e in entries]:
                why = "it sends the same continuation again and again"
                raise _going_round(self.connection.host, question, batch, why)
            found = json.loads(body).get("query", {}).get(question.found)
            barren, before = barren + 1 if not found or found == before else 0, found
            if entry.following and barren >= MOST_BARREN:
                why = f"its last {barren} answers brought nothing new, and it has more"
                raise _going_round(self.connection.host, question, batch, why)
            entries.append(self.raw.put(entry, body))
            yield entries[-1]

    def _shared(self, params: dict[str, str]) -> tuple[StoredAnswer, bytes] | None:
        """Return what another case was answered to this very request in the last `SHARED`."""
        if self.round:  # a refresh asks for what is new
            return None
        key = digest({"api": self.connection.api, "params": params, "round": self.round})
        for entry, body in self.raw.of_others(key):
            if self.clock() - dt.datetime.fromisoformat(entry.fetched) <= SHARED:
                self.connection.shared[entry.kind] += 1
                self.connection.rows[entry.kind] += entry.rows
                return entry, body
        return None

    def _ask(
        self, question: Query, batch: list[str], params: dict[str, str], place: tuple[str, int]
    ) -> tuple[StoredAnswer, bytes]:
        body = self.connection.ask(
            params, kind=question.kind, what=_spoken(question, batch), found=question.keys
        )
        answer = json.loads(body)
        kept = question.filed(answer, self._is_temporary)
        if kept != answer:
            answer, body = kept, json.dumps(kept, ensure_ascii=False).encode()
        following = answer.get("continue")
        entry = StoredAnswer(
            api=self.connection.api, params=params, kind=question.kind, question=question.identity,
            subjects=tuple(batch), chain=place[0], number=place[1],
            following={k: str(v) for k, v in following.items()} if following else None,
            round=self.round, rows=question.count(answer["query"].get(question.found, [])),
            answered=answer.get("curtimestamp"), fetched=f"{self.clock():%Y-%m-%dT%H:%M:%SZ}",
            warnings=_warnings(answer),
        )  # fmt: skip
        self.connection.rows[question.kind] += entry.rows
        return entry, body


def _batches(values: Sequence[str], size: int) -> list[list[str]]:
    return [list(values[at : at + size]) for at in range(0, len(values), size)]


def _earlier(stamp: str) -> str:
    return f"{dt.datetime.fromisoformat(stamp) - OVERLAP:%Y-%m-%dT%H:%M:%SZ}"


def _warnings(answer: dict[str, Any]) -> tuple[str, ...]:
    given = answer.get("warnings", {})
    return tuple(sorted(f"{where}: {said.get('warnings', said)}" for where, said in given.items()))


def _spoken(question: Query, subjects: Sequence[str]) -> str:
    if tuple(subjects) == EVERYTHING:
        return question.kind
    others = f" and {len(subjects) - 1} more" if len(subjects) > 1 else ""
    return f"{question.kind} of {subjects[0]}{others}"


def _offline(host: str, question: Query, missing: Sequence[str]) -> FetchError:
    return FetchError(
        host,
        f"{_spoken(question, missing)} were never fetched, and nothing is asked offline.",
        "Run without --offline.",
    )


def _going_round(host: str, question: Query, batch: Sequence[str], why: str) -> FetchError:
    return FetchError(
        host,
        f"asked for {_spoken(question, batch)}: {why}.",
        "Report this to the wiki's operators; nothing is lost by running again.",
    )
