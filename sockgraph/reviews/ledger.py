"""The ledger: append-only JSON lines, each carrying the hash of the line before.

The chain shows accidents: a line edited, lost, moved or added out of turn. Whoever can write the
file can also write a whole new chain; only a *witness*, a head noted elsewhere (every report,
packet, filing and note prints one), shows that. See docs/running-a-review.md.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from sockgraph.errors import ReviewError
from sockgraph.store.files import make_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from io import FileIO
    from pathlib import Path

NONE = "none"
NAMES_REMOVED = "names removed"
LONGEST_WAIT = 60  # seconds; an entry takes milliseconds
RESTORE = "Restore the ledger from a copy whose head a report or packet printed."
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True)
class LedgerHead:
    """The last entry's hash and the number of entries; `none` and 0 of an empty ledger."""

    hash: str
    length: int

    def __str__(self) -> str:
        """Return `HASH:LENGTH`, as `sockgraph audit --head` takes it."""
        return f"{self.hash}:{self.length}"

    @classmethod
    def parse(cls, text: str) -> LedgerHead:
        """Read `HASH:LENGTH`.

        Raises
        ------
        ReviewError
            If the text has another form.
        """
        digest, _, length = text.strip().partition(":")
        empty = digest == NONE and length == "0"
        if not empty and not (_SHA256.fullmatch(digest) and re.fullmatch(r"[1-9]\d*", length)):
            raise ReviewError(
                repr(text),
                "a ledger head is 64 hexadecimal digits, a colon and the number of entries.",
                "Copy it from a report's header, a packet, a filing or a note.",
            )
        return cls(digest, int(length))


EMPTY = LedgerHead(NONE, 0)


@dataclass(frozen=True)
class Draft:
    """An entry that is still to be written.

    Attributes
    ----------
    kind
        What happened; the kinds are in `sockgraph.reviews.states`.
    author
        Who did it.
    body
        What belongs to the kind; JSON values only.
    manifest
        The seal of the evidence that the author saw, see `reviews.dossier.evidence_seal`.
    time
        When; None is now.
    """

    kind: str
    author: str
    body: Mapping[str, Any] = field(default_factory=dict)
    manifest: str | None = None
    time: dt.datetime | None = None


@dataclass(frozen=True)
class Entry:
    """One line of the ledger.

    Attributes
    ----------
    time
        UTC, to the second, as `2026-01-31T12:00:00Z`.
    previous
        The hash of the entry before, `none` in the first.
    hash
        SHA-256 of the canonical JSON of everything else in the line.
    """

    kind: str
    author: str
    time: str
    manifest: str | None
    body: Mapping[str, Any]
    previous: str
    hash: str

    @property
    def pair(self) -> tuple[str, str] | None:
        """The link that the entry is about, names in order; None if it is about none."""
        a, b = self.body.get("user_a"), self.body.get("user_b")
        return (a, b) if isinstance(a, str) and isinstance(b, str) else None

    def line(self) -> bytes:
        """Return the entry as its line of the file."""
        return canonical(asdict(self)) + b"\n"


def canonical(value: object) -> bytes:
    """Return a value's one JSON spelling: keys sorted, no spaces, UTF-8, no NaN.

    >>> canonical({"b": 1, "a": "é"}).decode()
    '{"a":"é","b":1}'

    Raises
    ------
    ReviewError
        If the value cannot be written as JSON.
    """
    try:
        text = json.dumps(
            value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
        )
        return text.encode()
    except (TypeError, ValueError) as error:
        raise ReviewError(
            repr(value)[:200], f"it cannot be written as JSON ({error}).", "Correct the text."
        ) from error


def digest(value: object) -> str:
    """Return the SHA-256 of a value's canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


@dataclass(frozen=True)
class _Known:
    """Whole lines that were checked, and the entries they are."""

    lines: bytes
    entries: tuple[Entry, ...]


class Ledger:
    """One case's ledger.

    Parameters
    ----------
    path
        `ledger.jsonl` in the case's processed folder; created when first written to.

    Notes
    -----
    A writer holds a lock (`.ledger.jsonl.lock`, by filelock) from reading the chain to writing its
    entry, and every entry is flushed to the disk before the lock is released. The lock holds
    between processes of one machine; on a shared network drive it may not. A reader needs none:
    what it sees of a line that is being written is left out like one that a crash cut short.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known = _Known(b"", ())

    def entries(self) -> tuple[Entry, ...]:
        """Return every entry, oldest first, having checked the chain.

        A last line that a crash cut short is left out; the next writer sets it aside.

        Raises
        ------
        ReviewError
            If the chain is broken; the first broken line is named.
        """
        return self._parse(self._read())[0]

    def torn(self) -> bytes:
        """Return the last line if a crash cut it short, else nothing."""
        return self._parse(self._read())[1]

    def head(self) -> LedgerHead:
        """Return the hash of the last entry and the number of entries."""
        return head_of(self.entries())

    def append(
        self,
        kind: str,
        *,
        author: str,
        time: dt.datetime | None = None,
        manifest: str | None = None,
        **payload: Any,
    ) -> Entry:
        """Write one entry and return it.

        Raises
        ------
        ReviewError
            If the ledger is broken or cannot be written; it is then as it was.
        """
        draft = Draft(kind, author, payload, manifest, time)
        return self.extend(lambda _: [draft])[0]

    def extend(self, rule: Callable[[tuple[Entry, ...]], Sequence[Draft]]) -> tuple[Entry, ...]:
        """Write the entries that a rule decides on, all or none, and return them.

        Parameters
        ----------
        rule
            Given every entry so far, returns what to add, or raises. No other writer comes
            between what it is given and what it adds.

        Raises
        ------
        ReviewError
            If the rule refuses, or the ledger is broken or cannot be written; it is then as it was.
        """
        try:
            make_folder(self.path.parent)
            with (
                self._only_writer(),
                open(self.path, "a+b", buffering=0, opener=_owner_only) as file,
            ):
                return self._extend(file, rule)
        except OSError as error:
            raise self._unusable(error) from error

    def verify(self, *, witnesses: Iterable[LedgerHead] = ()) -> LedgerHead:
        """Check the chain, and that it passes through every witness; return the head.

        Raises
        ------
        ReviewError
            Naming the first broken line, or the witness that the ledger does not pass through.
        """
        entries = self.entries()
        before = head_before_removal(entries)
        for witness in witnesses:
            if before and witness.length < before.length:
                raise ReviewError(
                    self.path,
                    f"its names were removed at {before}; {witness} was noted before that.",
                    "Nothing is left to hold it against; the head of the removal can be checked.",
                )
            if witness != before:
                self._meet(entries, witness)
        return head_of(entries)

    def replace(self, rule: Callable[[tuple[Entry, ...]], Sequence[Entry]]) -> None:
        """Put another chain in the place of this one, whole or not at all: when names are removed.

        Raises
        ------
        ReviewError
            If the ledger is broken or cannot be written; it is then as it was.
        """
        draft = self.path.with_name(f".{self.path.name}.draft")
        try:
            with self._only_writer():
                held, _ = self._parse(self._read())
                with open(draft, "wb", buffering=0, opener=_owner_only) as new:
                    _write(new, b"".join(entry.line() for entry in rule(held)))
                draft.replace(self.path)
        except OSError as error:
            raise self._unusable(error) from error
        finally:
            draft.unlink(missing_ok=True)

    def _meet(self, entries: Sequence[Entry], witness: LedgerHead) -> None:
        if witness.length > len(entries):
            raise ReviewError(
                self.path,
                f"it has {len(entries)} entries, but {witness.length} when {witness} was noted:"
                " entries are gone.",
                RESTORE,
            )
        if witness != head_of(entries[: witness.length]):
            raise ReviewError(
                f"{self.path}, line {witness.length}",
                f"its hash is not the one noted in {witness}: the ledger was rewritten.",
                RESTORE,
            )

    @contextlib.contextmanager
    def _only_writer(self) -> Iterator[None]:
        """Keep every other writer out; the lock's file stays: nobody waits on a lost one."""
        lock = FileLock(self.path.with_name(f".{self.path.name}.lock"), LONGEST_WAIT, mode=0o600)
        try:
            with lock:
                yield
        except Timeout as error:
            raise ReviewError(
                self.path,
                f"another process has been writing to it for {LONGEST_WAIT} seconds.",
                "Let it finish, or end it, then try again.",
            ) from error

    def _read(self) -> bytes:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise self._unusable(error) from error

    def _extend(
        self, file: FileIO, rule: Callable[[tuple[Entry, ...]], Sequence[Draft]]
    ) -> tuple[Entry, ...]:
        file.seek(0)
        content = file.readall()
        entries, torn = self._parse(content)
        added = chain_entries(rule(entries), head_of(entries).hash)
        if not added:
            return ()
        new = b"".join(entry.line() for entry in added)
        if torn:
            self._set_aside(torn)
            file.truncate(len(content) - len(torn))
        elif content and not content.endswith(b"\n"):
            new = b"\n" + new  # a crash took the last entry's line end only
        _write(file, new)
        return added

    def _set_aside(self, torn: bytes) -> None:
        """Keep what a crash left of a line, beside the ledger."""
        name = f"{self.path.name}.torn-{hashlib.sha256(torn).hexdigest()[:12]}"
        with open(self.path.with_name(name), "wb", opener=_owner_only) as aside:
            aside.write(torn)
            aside.flush()
            os.fsync(aside.fileno())

    def _parse(self, content: bytes) -> tuple[tuple[Entry, ...], bytes]:
        """Return the entries and what a crash left of a last line.

        Lines that this object has checked before, and that are the same to the byte, are not
        checked again: a command asks for the entries many times.
        """
        known = self._known if content.startswith(self._known.lines) else _Known(b"", ())
        *lines, tail = content[len(known.lines) :].split(b"\n")
        entries = list(known.entries)
        for line in lines:
            entries.append(self._entry(line, len(entries) + 1, head_of(entries).hash))
        self._known = _Known(content[: len(content) - len(tail)], tuple(entries))
        if not tail:
            return tuple(entries), b""
        with contextlib.suppress(ReviewError):
            entries.append(self._entry(tail, len(entries) + 1, head_of(entries).hash))
            return tuple(entries), b""
        return tuple(entries), tail

    def _entry(self, line: bytes, number: int, previous: str) -> Entry:
        entry = _read(line)
        if entry is None:
            raise self._broken(number, "it is not an entry as this tool writes them.")
        if entry.previous != previous:
            raise self._broken(number, "it does not follow the line before it.")
        if entry.hash != entry_hash(entry):
            raise self._broken(number, "its content does not match its hash.")
        return entry

    def _broken(self, number: int, rule: str) -> ReviewError:
        return ReviewError(f"{self.path}, line {number}", rule, RESTORE)

    def _unusable(self, error: OSError) -> ReviewError:
        return ReviewError(
            self.path,
            f"the ledger cannot be read or written ({error.strerror or error}).",
            "Run the case first, free space or correct the permissions.",
        )


def head_of(entries: Sequence[Entry]) -> LedgerHead:
    """Return the head of a ledger that holds these entries."""
    return LedgerHead(entries[-1].hash, len(entries)) if entries else EMPTY


def head_before_removal(entries: Sequence[Entry]) -> LedgerHead | None:
    """Return the head that a ledger had before its names were removed; None if it has them."""
    if not entries or entries[0].kind != NAMES_REMOVED:
        return None
    return LedgerHead.parse(entries[0].body["head"])


def utc(time: dt.datetime) -> str:
    """Write a time as the ledger does: UTC, to the second.

    >>> utc(dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC))
    '2026-01-31T12:00:00Z'
    """
    return time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _write(file: FileIO, content: bytes) -> None:
    """Append to the file and flush it to the disk; on failure leave it as it was."""
    size = file.seek(0, os.SEEK_END)
    rest = memoryview(content)
    try:
        while rest:
            rest = rest[file.write(rest) :]
        os.fsync(file.fileno())
    except OSError:
        file.truncate(size)
        raise


def chain_entries(drafts: Sequence[Draft], previous: str) -> tuple[Entry, ...]:
    """Return drafts as the entries they become after the entry with the hash `previous`."""
    added: list[Entry] = []
    for draft in drafts:
        added.append(_forged(draft, added[-1].hash if added else previous))
    return tuple(added)


def _forged(draft: Draft, previous: str) -> Entry:
    author = draft.author.strip()
    if not author:
        raise ReviewError(repr(draft.author), "an entry needs its author.", "Give your name.")
    time = utc(draft.time or dt.datetime.now(dt.UTC))
    body = json.loads(canonical(dict(draft.body)))  # a copy, and as it will be read back
    entry = Entry(draft.kind, author, time, draft.manifest, body, previous, "")
    return Entry(draft.kind, author, time, draft.manifest, body, previous, entry_hash(entry))


def entry_hash(entry: Entry) -> str:
    """Return the hash that an entry must carry: of everything else in its line."""
    content = asdict(entry)
    content.pop("hash")
    return digest(content)


def _read(line: bytes) -> Entry | None:
    """Return the entry that a line spells exactly as this tool would, else None."""
    try:
        given = json.loads(line)
        entry = Entry(**given)
        exact = entry.line() == line + b"\n"
    except (TypeError, ValueError, RecursionError, ReviewError):
        return None
    texts = (entry.kind, entry.author, entry.time, entry.previous, entry.hash)
    typed = all(isinstance(text, str) for text in texts) and isinstance(entry.body, dict)
    sealed = entry.manifest is None or isinstance(entry.manifest, str)
    return entry if exact and typed and sealed and _TIME.fullmatch(entry.time) else None
