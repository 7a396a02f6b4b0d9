"""Whole files or none, private under any umask, and one writer at a time."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sockgraph.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

OWNER_ONLY_FOLDER, OWNER_ONLY_FILE = 0o700, 0o600
LOCK, HOLDER = ".lock", ".lock-holder"
DRAFT = ".*.[0-9]*-????????"  # as `whole_file` names them: file, process, what mkstemp adds
DAY = 86_400


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
