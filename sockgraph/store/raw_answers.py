"""A case's answers as the wiki gave them: one file each, never changed; all tables come from them.

A file is gzip: its first line says what was asked and when (JSON), the rest is the answer, byte for
byte.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import shlex
import zlib
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sockgraph.errors import StoreError
from sockgraph.store.files import held, whole_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SUFFIX = ".json.gz"
WIKIS = "wikis"
"""The folder in a case's own that holds a folder for each of its several wikis."""
_OTHERS = ("*", f"*/{WIKIS}/*")
_DAMAGED = (EOFError, ValueError, KeyError, TypeError, gzip.BadGzipFile, zlib.error)


@dataclass(frozen=True, kw_only=True)
class StoredAnswer:
    """What was asked, and what is known of the answer without opening it.

    Attributes
    ----------
    api
        Address that was asked.
    params
        The request's parameters, continuation included.
    kind
        What sort of request it is, in a word: the manifest counts by it.
    question
        Identity of what is asked, whomever about: the same for every batch and every refresh.
    subjects
        Whom or what it was asked about.
    chain, number
        Answers that continue each other share `chain` and are numbered from 0.
    following
        The parameters that ask for the next answer of the chain; null after the last.
    round
        0 for the first reading, 1 for the first refresh, and so on.
    rows
        Rows in the answer.
    answered
        The wiki's own clock, ISO 8601, UTC; null where it does not say.
    fetched
        This machine's clock, ISO 8601, UTC.
    warnings
        What the wiki warned of.
    sha256
        Hash of the answer.
    redacted
        Rows removed or blanked since, because the wiki hid or deleted them.
    """

    api: str
    params: Mapping[str, str]
    kind: str
    question: str
    subjects: tuple[str, ...]
    chain: str
    number: int
    following: Mapping[str, str] | None
    round: int
    rows: int
    answered: str | None
    fetched: str
    warnings: tuple[str, ...] = ()
    sha256: str = ""
    redacted: int = 0

    @property
    def key(self) -> str:
        """Hash of the canonical request: the file's name."""
        return digest({"api": self.api, "params": dict(self.params), "round": self.round})

    @classmethod
    def parse(cls, line: bytes) -> StoredAnswer:
        """Read a file's first line back."""
        given: dict[str, Any] = json.loads(line)
        lists = {name: tuple(given[name]) for name in ("subjects", "warnings")}
        return cls(**{**given, **lists})


@dataclass(frozen=True)
class AnswerChain:
    """Answers that continue each other, in order from the first."""

    entries: tuple[StoredAnswer, ...]

    @property
    def subjects(self) -> tuple[str, ...]:
        """Whom or what the chain is about."""
        return self.entries[0].subjects

    @property
    def complete(self) -> bool:
        """Whether the wiki said that nothing follows."""
        return self.entries[-1].following is None

    @property
    def rows(self) -> int:
        """Rows in all answers together."""
        return sum(entry.rows for entry in self.entries)


@dataclass
class RawAnswers:
    """Every answer of one case.

    Parameters
    ----------
    folder
        Where they lie; need not exist yet.
    others
        Where the data folder's other cases keep theirs; none are looked at by default.
    """

    folder: Path
    others: Path | None = None
    _entries: dict[str, StoredAnswer] | None = field(default=None, repr=False)
    _held: bool = field(default=False, repr=False)

    def put(self, entry: StoredAnswer, body: bytes) -> StoredAnswer:
        """Keep an answer: written beside, read back, compared, then given its name.

        Raises
        ------
        StoreError
            If it cannot be written whole, or an answer to the same request is already there.
        """
        entry = replace(entry, sha256=hashlib.sha256(body).hexdigest())
        target = self._path(entry.key)
        if entry.key in self._index():
            raise StoreError(target, "it is there already, and is never rewritten.", "Report this.")
        self._write(target, entry, body)
        self._index()[entry.key] = entry
        return entry

    def of_others(self, key: str) -> Iterator[tuple[StoredAnswer, bytes]]:
        """Yield what other cases were answered to the same request, whole and nothing taken out.

        Whoever uses it keeps a copy: what is purged there stays here, and the other way round.
        """
        root = self.others
        found = (
            [] if root is None else [p for o in _OTHERS for p in root.glob(f"{o}/{key}{SUFFIX}")]
        )
        for path in sorted(found):
            with contextlib.suppress(StoreError):  # damaged, or removed meanwhile: it is asked for
                entry, body = _open(path)
                if not entry.redacted and hashlib.sha256(body).hexdigest() == entry.sha256:
                    yield entry, body

    def redact(self, entry: StoredAnswer, body: bytes, *, rows: int) -> StoredAnswer:
        """Put an answer in the place of one that holds what the wiki shows no more.

        Parameters
        ----------
        rows
            How many of its rows were removed or blanked.
        """
        changed = replace(
            entry, sha256=hashlib.sha256(body).hexdigest(), redacted=entry.redacted + rows
        )
        self._write(self._path(entry.key), changed, body)
        self._index()[entry.key] = changed
        return changed

    def rewrite(self, entry: StoredAnswer, changed: StoredAnswer, body: bytes) -> None:
        """Put an answer that was asked for in other words in the place of one, and remove that."""
        changed = replace(changed, sha256=hashlib.sha256(body).hexdigest())
        self._write(self._path(changed.key), changed, body)
        self._index()[changed.key] = changed
        if changed.key != entry.key:
            self._path(entry.key).unlink()
            del self._index()[entry.key]

    def body(self, entry: StoredAnswer) -> bytes:
        """Return an answer, byte for byte.

        Raises
        ------
        StoreError
            If the file is damaged or was changed.
        """
        path = self._path(entry.key)
        body = _open(path)[1]
        if hashlib.sha256(body).hexdigest() != entry.sha256:
            raise _damaged(path, "its content does not match its hash")
        return body

    def unusable(self, entry: StoredAnswer, why: str) -> StoreError:
        """Return the error that names an answer that cannot be used, and what removes it."""
        return _damaged(self._path(entry.key), why)

    def entries(self) -> list[StoredAnswer]:
        """Return what is kept, in a fixed order."""
        return sorted(self._index().values(), key=lambda e: (e.round, e.kind, e.chain, e.number))

    def chains(self, question: str) -> list[AnswerChain]:
        """Return the answers to a question, oldest round first, each chain up to its first gap."""
        chains: dict[str, list[StoredAnswer]] = {}
        asked = [entry for entry in self._index().values() if entry.question == question]
        for entry in sorted(asked, key=lambda e: (e.round, e.chain, e.number)):
            chains.setdefault(entry.chain, []).append(entry)
        return [chain for entries in chains.values() if (chain := _unbroken(entries)) is not None]

    @property
    def round(self) -> int:
        """The latest round that anything was read in."""
        return max((entry.round for entry in self._index().values()), default=0)

    def read_on(self) -> str | None:
        """Return when the newest answer was given, by the wiki's clock where it says."""
        return max((e.answered or e.fetched for e in self._index().values()), default=None)

    def sha256(self) -> str:
        """Return one hash over every request and answer, whenever they were fetched."""
        return digest(sorted((e.key, e.sha256) for e in self._index().values()))

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the case for one fetch; the lock ends with the process, however that ends.

        Raises
        ------
        StoreError
            If another process is fetching the case.
        """
        if self._held:
            yield
            return
        with held(self.folder, "fetched"):
            self._held = True
            try:
                self._look_again()
                yield
            finally:
                self._held = False

    def _look_again(self) -> None:
        """Remove what a killed fetch left half-written; notice what another fetch has added."""
        for draft in self.folder.glob(f".*{SUFFIX}.*"):  # nobody else writes here now
            draft.unlink(missing_ok=True)
        if self._entries is not None and len(self._files()) != len(self._entries):
            self._entries = None

    def _write(self, target: Path, entry: StoredAnswer, body: bytes) -> None:
        fields = {**asdict(entry), "params": dict(entry.params)}
        head = json.dumps(fields, ensure_ascii=False, sort_keys=True).encode()
        with whole_file(target) as draft:
            draft.write_bytes(gzip.compress(head + b"\n" + body, compresslevel=6, mtime=0))
            if _open(draft) != (entry, body):
                raise _damaged(draft, "what was written does not read back")

    def _index(self) -> dict[str, StoredAnswer]:
        if self._entries is None:
            self._entries = {}
            for path in self._files():
                self._entries[path.name.removesuffix(SUFFIX)] = _head(path)
        return self._entries

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob(f"[!.]*{SUFFIX}"))

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{SUFFIX}"


def digest(value: object) -> str:
    """Return the SHA-256 of a value's canonical JSON, in hexadecimal."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _unbroken(entries: list[StoredAnswer]) -> AnswerChain | None:
    whole = [entry for place, entry in enumerate(entries) if entry.number == place]
    return AnswerChain(tuple(whole)) if whole else None


def _head(path: Path) -> StoredAnswer:
    try:
        with gzip.open(path, "rb") as file:
            return StoredAnswer.parse(file.readline())
    except _DAMAGED as error:
        raise _damaged(path, str(error) or "it ends too early") from error
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from error


def _open(path: Path) -> tuple[StoredAnswer, bytes]:
    try:
        with gzip.open(path, "rb") as file:
            return StoredAnswer.parse(file.readline()), file.read()
    except _DAMAGED as error:
        raise _damaged(path, str(error) or "it ends too early") from error
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from error


def _damaged(path: Path, how: str) -> StoreError:
    return StoreError(
        path,
        f"this stored answer is damaged ({how}).",
        f"Remove it with `rm {shlex.quote(str(path))}`, and run again to fetch it.",
    )
