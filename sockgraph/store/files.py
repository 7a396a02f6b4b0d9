"""Whole files or none: write beside the target, flush to disk, then rename."""

from __future__ import annotations

import contextlib
import glob
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sockgraph.errors import StoreError

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows: what a killed process left stays there
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator

OWNER_ONLY_FOLDER = 0o700


def make_folder(folder: Path) -> Path:
    """Create a folder, and what is missing above it, readable by its owner only; return it."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        for path in reversed(missing):
            path.mkdir(mode=OWNER_ONLY_FOLDER, exist_ok=True)
    except OSError as error:
        raise _refused(folder, error) from error
    return folder


@contextlib.contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Yield a path to write to; it becomes `target` only if the block succeeds.

    Raises
    ------
    StoreError
        If the folder cannot be written: nothing is left behind, `target` is as it was.
    """
    make_folder(target.parent)
    _sweep(target)
    try:  # mkstemp makes it readable by the owner only
        handle, name = tempfile.mkstemp(prefix=_prefix(target), dir=target.parent)
    except OSError as error:
        raise _refused(target.parent, error) from error
    draft = Path(name)
    try:
        _hold(handle)
        yield draft
        _flush(draft)
        draft.replace(target)
        _flush(target.parent)
    except OSError as error:
        raise _refused(target, error) from error
    finally:
        os.close(handle)
        with contextlib.suppress(OSError):  # the folder may be gone, or closed to us by now
            draft.unlink(missing_ok=True)


def write_bytes(target: Path, content: bytes) -> None:
    """Write a whole file or none."""
    with whole_file(target) as draft:
        draft.write_bytes(content)


def _prefix(target: Path) -> str:
    return f".{target.name}."


def _hold(handle: int) -> None:
    """Lock a draft for as long as its process lives."""
    if fcntl is not None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sweep(target: Path) -> None:
    """Remove drafts of this file that a killed process left: nobody holds them any more."""
    if fcntl is None:  # pragma: no cover
        return
    for draft in target.parent.glob(f"{glob.escape(_prefix(target))}*"):
        with contextlib.suppress(OSError), draft.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            draft.unlink()


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refused(path: Path, error: OSError) -> StoreError:
    return StoreError(
        path,
        f"it cannot be written ({error.strerror or error}).",
        "Free space or correct the permissions, or choose another folder with --data.",
    )
