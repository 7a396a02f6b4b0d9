"""What a case's last run measured and found, kept for the next one.

One file a kind beside the case's edits, readable by its owner only. Its first line is a hash of
what it rests on, of what made it, and of the rest: whatever does not fit is made anew.
"""

from __future__ import annotations

import hashlib
import io
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sockgraph.errors import StoreError
from sockgraph.schema import TABLES, read_back
from sockgraph.store.files import whole_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

KEPT = "likeness.bin", "terms.bin", "weeks.bin", "comparison.bin"
LARGEST = 1 << 28
"""Bytes that are kept at most of a kind: the likenesses of some 700 accounts."""
FACTS = "facts"


class KeptFiles:
    """What is kept of a case, by kind (`likeness`, `terms`, `weeks`, `comparison`) and by a key.

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
        self._folder = folder
        self._made_by = made_by
        self._keep = keep

    def read(self, kind: str, key: str) -> dict[str, NDArray[Any]] | None:
        """Return what was made of this; None where it is not kept, or the file is damaged."""
        path = self._path(kind)
        try:
            digest, _, body = path.read_bytes().partition(b"\n")
        except OSError:
            return None
        found = self._hash(key)
        found.update(body)
        if path.is_symlink() or digest != found.hexdigest().encode():
            return None
        content = io.BytesIO(body)
        names = json.loads(content.readline())
        return {name: np.load(content, allow_pickle=False) for name in names}

    def room(self, kind: str, n_bytes: int) -> bool:
        """Return whether so much would be kept; where new ones are, what was kept is removed."""
        if self._keep:
            self._path(kind).unlink(missing_ok=True)  # of edits that may be hidden by now
        return self._keep and n_bytes <= LARGEST

    def write(self, kind: str, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep these, for which there is `room`; on a full disk, nothing."""
        found = self._hash(key)
        _lay_out(arrays, SimpleNamespace(write=found.update))
        try:
            with whole_file(self._path(kind)) as draft, draft.open("wb") as out:
                out.write(found.hexdigest().encode() + b"\n")
                _lay_out(arrays, out)
        except StoreError:  # the run goes on without
            return

    def read_tables(self, kind: str, key: str) -> tuple[dict[str, pd.DataFrame], Any] | None:
        """Return the contract tables that are kept, and the facts beside them, as `read` does."""
        found = self.read(kind, key)
        if found is None:
            return None
        facts = json.loads(found.pop(FACTS).tobytes())
        tables = {
            name: read_back(name, pq.read_table(pa.BufferReader(content)).to_pandas())
            for name, content in found.items()
        }
        return tables, facts

    def write_tables(
        self, kind: str, key: str, tables: Mapping[str, pd.DataFrame], facts: Any
    ) -> None:
        """Keep contract tables, to the last bit, and facts that JSON can hold."""
        arrays = {FACTS: np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8)}
        for name, frame in tables.items():
            content = pa.BufferOutputStream()
            pq.write_table(as_arrow(name, frame), content, compression="zstd")
            arrays[name] = np.frombuffer(content.getvalue(), dtype=np.uint8)
        self.write(kind, key, arrays)

    def _path(self, kind: str) -> Path:
        return self._folder / f"{kind}.bin"

    def _hash(self, key: str) -> Any:
        return hashlib.sha256(f"{self._made_by}\n{key}\n".encode())


def as_arrow(name: str, frame: pd.DataFrame) -> pa.Table:
    """Return a contract table as its Parquet file holds it."""
    table = pa.Table.from_pandas(frame, schema=TABLES[name].arrow(), preserve_index=False)
    return table.replace_schema_metadata(None)


def _lay_out(arrays: Mapping[str, NDArray[Any]], out: Any) -> None:
    out.write(json.dumps(list(arrays)).encode() + b"\n")
    for array in arrays.values():
        np.save(out, array, allow_pickle=False)
