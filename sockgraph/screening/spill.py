"""Blocks of rows sorted into parts: in memory up to a limit, beyond it in a file without a name."""

from __future__ import annotations

import os
import tempfile
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from sockgraph.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.generic]


class Parts:
    """Rows by part; the file, where one is needed, is gone with the process, however that ends.

    Parameters
    ----------
    limit
        Bytes to hold in memory before writing.
    folder
        Where to spill; None is the system's folder for temporary files.
    """

    def __init__(self, limit: int, folder: Path | None = None) -> None:
        self._left = limit
        self._folder = folder
        self._blocks: list[tuple[NDArray[np.int64], tuple[Array | tuple[int, Array], ...]]] = []
        self._file: IO[bytes] | None = None
        self.spilled = 0

    def add(self, starts: NDArray[np.int64], columns: tuple[Array, ...]) -> None:
        """Keep a block whose rows lie in parts that begin at `starts`.

        Raises
        ------
        StoreError
            If the block has to be written and cannot.
        """
        size = sum(column.nbytes for column in columns)
        if size <= self._left:
            self._left -= size
            self._blocks.append((starts, columns))
            return
        self._left = 0  # once one block is on disk, all later ones are: the order stays simple
        try:
            self._blocks.append((starts, tuple((self._write(c), c[:0]) for c in columns)))
        except OSError as error:
            raise StoreError(
                self._folder or tempfile.gettempdir(),
                f"edits cannot be set aside there ({error.strerror or error}).",
                "Free space, or allow more memory with --memory.",
            ) from error

    def take(self, part: int) -> tuple[NDArray[Any], ...]:
        """Return the columns of one part, rows in the order in which they were added."""
        pieces = [
            [self._piece(column, int(starts[part]), int(starts[part + 1])) for column in columns]
            for starts, columns in self._blocks
        ]
        return tuple(np.concatenate(column) for column in zip(*pieces, strict=True))

    def close(self) -> None:
        """Let go of everything."""
        self._blocks.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, column: Array) -> int:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed in close
        place = self._file.seek(0, 2)
        self._file.write(np.ascontiguousarray(column).data)
        self._file.flush()
        self.spilled += column.nbytes
        return place

    def _piece(self, column: Array | tuple[int, Array], low: int, high: int) -> Array:
        if isinstance(column, tuple):
            place, like = column
            assert self._file is not None  # noqa: S101 - a block on disk has a file
            width = like.dtype.itemsize
            out = np.empty(high - low, like.dtype)
            _fill(self._file.fileno(), out, place + low * width)
            return out
        return column[low:high]


def _fill(handle: int, out: NDArray[Any], place: int) -> None:
    """Fill an array from a file, from any thread."""
    view: Any = out.view(np.uint8)
    while view.size:
        got = os.preadv(handle, [view], place)
        view, place = view[got:], place + got
