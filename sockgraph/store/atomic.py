"""Whole files or none: write beside the target, flush to disk, then rename."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sockgraph.errors import StoreError

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
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)  # mkstemp made it readable by the owner only
    except OSError as error:
        raise _refused(target.parent, error) from error
    draft = Path(name)
    try:
        yield draft
        _flush(draft)
        draft.replace(target)
        _flush(target.parent)
    except OSError as error:
        raise _refused(target, error) from error
    finally:
        draft.unlink(missing_ok=True)


def write_bytes(target: Path, content: bytes) -> None:
    """Write a whole file or none."""
    with whole_file(target) as draft:
        draft.write_bytes(content)


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
