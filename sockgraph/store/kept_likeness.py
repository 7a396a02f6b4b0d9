"""Likenesses kept beside a case's edits: found again by what they were measured on.

One file a case, readable by its owner only. Its first line is a hash of what it was measured on, of
what measured it, and of the rest: whatever does not fit is measured anew. It holds numbers only.
"""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from sockgraph.errors import StoreError
from sockgraph.store.files import write_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

LIKENESS = "likeness.bin"
LARGEST = 1 << 28
"""Bytes that are kept at most: those of some 700 accounts."""


class KeptLikeness:
    """The likenesses of a case's last run.

    Parameters
    ----------
    folder
        The case's processed folder.
    made_by
        What measures: the hash of the code, and versions of packages.
    keep
        Whether new ones are written; whoever only reads the case leaves its files as they are.
    """

    def __init__(self, folder: Path, made_by: str, *, keep: bool = False) -> None:
        self._path = folder / LIKENESS
        self._made_by = made_by
        self._keep = keep

    def read(self, key: str) -> dict[str, NDArray[Any]] | None:
        """Return what was measured on this; None where it is not kept, or the file is damaged."""
        try:
            digest, _, body = self._path.read_bytes().partition(b"\n")
        except OSError:
            return None
        if self._path.is_symlink() or digest != self._digest(key, body):
            return None
        content = io.BytesIO(body)
        names = json.loads(content.readline())
        return {name: np.load(content, allow_pickle=False) for name in names}

    def write(self, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep these instead of what was kept; too large ones, and on a full disk, nothing."""
        if not self._keep:
            return
        self._path.unlink(missing_ok=True)  # of edits that may be hidden by now
        if sum(array.nbytes for array in arrays.values()) > LARGEST:
            return
        content = io.BytesIO()
        content.write(json.dumps(list(arrays)).encode() + b"\n")
        for array in arrays.values():
            np.save(content, array, allow_pickle=False)
        body = content.getvalue()
        try:
            write_bytes(self._path, self._digest(key, body) + b"\n" + body)
        except StoreError:  # the run goes on without
            return

    def _digest(self, key: str, body: bytes) -> bytes:
        found = hashlib.sha256(f"{self._made_by}\n{key}\n".encode())
        found.update(body)
        return found.hexdigest().encode()
