"""Compressed files, unpacked in threads a few pieces ahead of who reads them."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import queue
import shutil
import subprocess
import threading
import zlib
from typing import IO, TYPE_CHECKING, TypeVar, cast

from sockgraph.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path


T = TypeVar("T")
_END = object()


def read_ahead(items: Iterator[T], depth: int = 4) -> Generator[T]:
    """Yield the items in their order, made in a thread of their own, at most `depth` ahead.

    Unpacking and parsing leave Python's lock free, so that two cores work at once; memory stays at
    a few pieces. Whatever making them raises is raised here, in its place. If nobody wants the
    rest, the thread ends.
    """
    made: queue.Queue[object] = queue.Queue(maxsize=depth)
    unwanted = threading.Event()
    thread = threading.Thread(target=_make, args=(items, made, unwanted), daemon=True)
    thread.start()
    try:
        while (item := made.get()) is not _END:
            if isinstance(item, _Raised):
                raise item.error
            yield cast("T", item)
    finally:
        unwanted.set()
        while thread.is_alive():  # it may be waiting for a place
            _empty(made)
            thread.join(0.05)


class _Raised:
    def __init__(self, error: BaseException) -> None:
        self.error = error


def _make(items: Iterator[T], made: queue.Queue[object], unwanted: threading.Event) -> None:
    try:
        for item in items:
            made.put(item)
            if unwanted.is_set():
                return
        made.put(_END)
    except BaseException as error:  # noqa: BLE001 - handed over, and raised where it is wanted
        made.put(_Raised(error))


def _empty(made: queue.Queue[object]) -> None:
    while not made.empty():
        made.get_nowait()


CHUNK = 1 << 20
PACKED = frozenset({".bz2", ".gz", ".7z"})  # unpacked in a thread of its own
SEVEN_ZIP = ("7z", "7zz", "7za", "7zr")
MENDED = "\ufffd"
_BREAKS = (EOFError, OSError, zlib.error)


class DecompressedFile(io.RawIOBase):
    """A file's content, unpacked as it is read.

    Parameters
    ----------
    path
        `.gz`, `.bz2`, `.7z`, or anything else as it is.
    lines
        Give whole lines of UTF-8 only: a last one that is cut is left out, and what is no UTF-8
        is replaced by U+FFFD.

    Attributes
    ----------
    broken
        How the file breaks off; empty while it does not.
    last
        The last bytes that were given.
    mended
        Stretches that were no UTF-8.
    """

    def __init__(self, path: Path, *, lines: bool = False) -> None:
        self._file = _open(path)
        self._pieces = read_ahead(self._read(), depth=8) if path.suffix in PACKED else self._read()
        self._lines = lines
        self._rest = bytearray()  # unpacked, and not given yet
        self._cut = b""  # the beginning of a character whose end is not unpacked yet
        self._ended = False
        self.broken = ""
        self.last = b""
        self.mended = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer as far as there is something whole."""
        while not self._ended and len(self._rest) <= len(buffer):
            self._fetch()
        size = min(len(buffer), self._ready())
        buffer[:size] = self._rest[:size]
        del self._rest[:size]
        if size:
            self.last = bytes(buffer[max(0, size - 64) : size])
        return size

    def close(self) -> None:
        """Close the file beneath, if it could be opened: what is thrown away is closed, too."""
        if hasattr(self, "_pieces"):
            self._pieces.close()
            self._file.close()
        super().close()

    def _ready(self) -> int:
        """Return how many bytes can be given."""
        if self._lines and (not self._ended or self.broken):
            return self._rest.rfind(b"\n") + 1
        return len(self._rest)

    def _fetch(self) -> None:
        try:
            piece = next(self._pieces, b"")
        except _BREAKS as error:
            self.broken, piece = str(error) or type(error).__name__, b""
        self._ended = not piece
        self._rest += self._mend(piece) if self._lines else piece

    def _read(self) -> Generator[bytes]:
        read = self._file.read if self._plain else self._file.read1  # type: ignore[attr-defined]
        while piece := read(CHUNK):
            yield piece

    def _mend(self, piece: bytes) -> bytes:
        """Return what is UTF-8: a reader of text is not asked what it makes of the rest."""
        given, last = self._cut + piece, not piece
        try:
            consumed = codecs.utf_8_decode(given, "strict", last)[1]
            whole = given[:consumed]
        except UnicodeDecodeError:
            text, consumed = codecs.utf_8_decode(given, "replace", last)
            whole = text.encode()
            self.mended += text.count(MENDED) - given[:consumed].count(MENDED.encode())
        self._cut = given[consumed:]
        return whole

    @property
    def _plain(self) -> bool:
        return not hasattr(self._file, "read1")


def _open(path: Path) -> IO[bytes]:
    if path.suffix == ".7z":
        return _seven_zip(path)
    if path.suffix == ".bz2":
        return bz2.open(path, "rb")
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb")


def _seven_zip(path: Path) -> IO[bytes]:
    tool = seven_zip()
    if tool is None:
        raise SourceError(
            path,
            f"unpacking .7z needs one of the tools {', '.join(SEVEN_ZIP)}, and none is installed.",
            "Install 7zip (or p7zip), or take the dump's .bz2.",
        )
    return cast("IO[bytes]", _Piped(tool, path))


def seven_zip() -> str | None:
    """Return the tool that unpacks .7z; null where there is none."""
    return next((found for name in SEVEN_ZIP if (found := shutil.which(name))), None)


class _Piped:
    """What a tool unpacks; an error of the tool is one of the file."""

    def __init__(self, tool: str, path: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the tool found above, on the user's own file
            [tool, "x", "-so", str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def read(self, size: int) -> bytes:
        stream = self._process.stdout
        piece = stream.read(size) if stream else b""
        if not piece and (code := self._process.wait()):
            raise EOFError(f"7z cannot unpack the rest, exit code {code}")
        return piece

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
