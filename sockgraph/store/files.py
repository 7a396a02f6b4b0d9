"""Whole files or none, private under any umask, one writer at a time; and unpacking."""

from __future__ import annotations

import bz2
import codecs
import contextlib
import gzip
import io
import os
import queue
import shutil
import stat
import subprocess
import tempfile
import threading
import time
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar, cast

from sockgraph.errors import SourceError, StoreError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

OWNER_ONLY_FOLDER, OWNER_ONLY_FILE = 0o700, 0o600
LOCK, HOLDER = ".lock", ".lock-holder"
DRAFT = ".*.[0-9]*-????????"  # as `whole_file` names them: file, process, what mkstemp adds
DAY = 86_400
CHUNK = 1 << 20
PACKED = frozenset({".bz2", ".gz", ".7z"})  # unpacked in a thread of its own
SEVEN_ZIP = ("7z", "7zz", "7za", "7zr")
MENDED = "\ufffd"
_BREAKS = (EOFError, OSError, zlib.error)
T = TypeVar("T")
_END = object()


def make_folder(folder: Path) -> Path:
    """Create a folder, and what is missing above it, readable by its owner only; return it."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        for path in reversed(missing):
            with contextlib.suppress(FileExistsError):  # another process was faster
                path.mkdir(mode=OWNER_ONLY_FOLDER)
                path.chmod(OWNER_ONLY_FOLDER)  # a umask may take the owner's own rights
        if not folder.is_dir():
            raise NotADirectoryError(20, "Not a directory", str(folder))
    except OSError as error:
        raise _refused(folder, error) from error
    return folder


@contextlib.contextmanager
def whole_file(target: Path, *, new: bool = False) -> Iterator[Path]:
    """Yield a path to write to; it becomes `target` only if the block succeeds.

    Parameters
    ----------
    new
        Nothing of that name may be there by then.

    Raises
    ------
    StoreError
        If the folder cannot be written: nothing is left behind, `target` is as it was.
    """
    make_folder(target.parent)
    _sweep(target)
    try:
        handle, name = tempfile.mkstemp(
            prefix=f"{_prefix(target)}{os.getpid()}-", dir=target.parent
        )
    except OSError as error:
        raise _refused(target.parent, error) from error
    draft = Path(name)
    try:
        os.close(handle)
        draft.chmod(OWNER_ONLY_FILE)
        yield draft
        _flush(draft)
        (_name if new else Path.replace)(draft, target)
        flush_folder(target.parent)
    except OSError as error:
        raise _refused(target, error) from error
    finally:
        with contextlib.suppress(OSError):  # the folder may be gone, or closed to us by now
            draft.unlink(missing_ok=True)


def _name(draft: Path, target: Path) -> None:
    """Give a draft its name if nobody has it: a rename would replace what is there."""
    try:
        os.link(draft, target)
    except OSError as error:
        if os.path.lexists(target):
            raise FileExistsError(17, "File exists", str(target)) from error
        draft.replace(target)  # on a disk without hard links


def write_bytes(target: Path, content: bytes) -> None:
    """Write a whole file or none."""
    with whole_file(target) as draft:
        draft.write_bytes(content)


@contextlib.contextmanager
def held(folder: Path, doing: str) -> Iterator[None]:
    """Hold a folder for one writer; the lock ends with the process, however that ends.

    Parameters
    ----------
    doing
        What is being done to the case, as an error of another process says it: "fetched".

    Raises
    ------
    StoreError
        If somebody else holds it, in this process or another, or the folder cannot be written.
    """
    import filelock  # takes a tenth of a second, and few commands write

    new = [place for place in (folder, *folder.parents) if not place.exists()]
    path = make_folder(folder) / LOCK
    try:
        lock = filelock.FileLock(path, mode=OWNER_ONLY_FILE)
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise StoreError(
            folder,
            f"this case is being {_holder(folder, doing)}.",
            "Wait for it to end, or end it, then run again.",
        ) from error
    except (OSError, NotImplementedError) as error:
        raise _refused(folder, error) from error
    try:
        with contextlib.suppress(OSError):
            (folder / HOLDER).write_text(f"{doing} {os.getpid()}", encoding="utf-8")
            (folder / HOLDER).chmod(OWNER_ONLY_FILE)
        yield
    finally:
        for left in (folder / HOLDER, path):  # a waiter on the old file notices, and opens anew
            with contextlib.suppress(OSError):
                left.unlink(missing_ok=True)
        lock.release()
        with contextlib.suppress(OSError):  # something was written: it stays
            for place in new:
                place.rmdir()


def open_to_others(folder: Path) -> str | None:
    """Say why others than its owner can write into a folder; None if they cannot.

    A group with the owner's own number is the owner alone, as Linux sets users up.
    """
    if os.name != "posix" or not folder.is_dir():
        return None
    seen = folder.stat()
    if seen.st_uid not in {os.geteuid(), 0}:
        return "it belongs to another user"
    if seen.st_mode & stat.S_IWOTH:
        return "everybody can write into it"
    if seen.st_mode & stat.S_IWGRP and seen.st_gid not in {seen.st_uid, 0}:
        return "its group can write into it"
    return None


def is_held(folder: Path) -> bool:
    """Tell whether a process says that it holds a folder; one that was killed is not believed."""
    try:
        _, number = (folder / HOLDER).read_text(encoding="utf-8").rsplit(" ", 1)
        return _alive(int(number))
    except (OSError, ValueError):
        return False


def _holder(folder: Path, doing: str) -> str:
    try:
        doing, number = (folder / HOLDER).read_text(encoding="utf-8").rsplit(" ", 1)
    except (OSError, ValueError):
        number = "?"
    return f"{doing} already (process {number})"


def sweep_drafts(folder: Path) -> None:
    """Remove every draft that a killed process left in a folder."""
    for draft in folder.glob(DRAFT):
        _remove_if_left(draft)


def _sweep(target: Path) -> None:
    """Remove drafts of this file that a killed process left."""
    prefix = _prefix(target)
    with contextlib.suppress(OSError):
        for draft in target.parent.iterdir():
            if draft.name.startswith(prefix):
                _remove_if_left(draft)


def _remove_if_left(draft: Path) -> None:
    number = draft.name.rpartition(".")[2].partition("-")[0]
    with contextlib.suppress(OSError):
        if number.isdecimal() and not draft.is_symlink():
            old = time.time() - draft.stat().st_mtime > DAY
            if old or not _alive(int(number)):
                draft.unlink()


def _alive(process: int) -> bool:
    """Tell whether a process lives on this machine; where that cannot be asked, it may."""
    if os.name != "posix":  # there, to ask would be to end it
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _prefix(target: Path) -> str:
    return f".{target.name}."


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Let a folder's names reach the disk, where the system can be asked for that."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _refused(path: Path, error: Exception) -> StoreError:
    return StoreError(
        path,
        f"it cannot be written ({getattr(error, 'strerror', None) or error}).",
        "Free space or correct the permissions, or choose another folder with --data.",
    )


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
