"""Where a case's files lie, and how its tables are written and read back."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sockgraph.errors import StaleArtifactError, StoreError
from sockgraph.schema import TABLES, validate
from sockgraph.store.files import make_folder, whole_file, write_bytes
from sockgraph.store.raw_answers import RawAnswers

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    import pandas as pd

SIGNIFICANT_DIGITS = 9
MANIFEST = "manifest.json"
WIKIS = "wikis"


class Store:
    """The data folder: `raw/` and `processed/`, one folder a case in each.

    Parameters
    ----------
    root
        The data folder (`--data`); created when first written to, readable by its owner only.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def case(self, slug: str, case_id: str | None = None) -> CaseStore:
        """Return the store of one case.

        Raises
        ------
        StaleArtifactError
            If the folder holds another case of the same name.
        """
        store = CaseStore(self.root / "raw" / slug, self.root / "processed" / slug)
        held = (store.read_manifest(missing_ok=True) or {}).get("case", {}).get("id")
        if held and case_id and held != case_id:
            raise StaleArtifactError(
                store.processed,
                f"it holds another case of that name (id {held}; this case file says {case_id}).",
                "Rename the case file, or choose another folder with --data.",
            )
        return store


class CaseStore:
    """One case's files.

    Attributes
    ----------
    raw, processed
        The two folders; neither need exist yet.
    """

    def __init__(self, raw: Path, processed: Path) -> None:
        self.raw = raw
        self.processed = processed

    def answers(self, wiki: str | None = None) -> RawAnswers:
        """Return what the wiki answered for this case, or one of its several wikis."""
        return RawAnswers(self.raw / WIKIS / wiki.replace(":", "_") if wiki else self.raw)

    def all_answers(self) -> list[RawAnswers]:
        """Return what is kept of the case's wiki, and of each of its several wikis."""
        several = sorted(p for p in (self.raw / WIKIS).glob("*") if p.is_dir())
        return [RawAnswers(folder) for folder in (self.raw, *several)]

    def path(self, name: str) -> Path:
        """Return where the processed file `name` lies or will lie."""
        return self.processed / name

    def write_table(self, name: str, frame: pd.DataFrame) -> Path:
        """Validate a table, round its floats to 9 significant digits, and write it as Parquet."""
        contract = TABLES[name]
        table = pa.Table.from_pandas(
            as_written(name, frame), schema=contract.arrow(), preserve_index=False
        ).replace_schema_metadata(None)
        target = self.path(f"{name}.parquet")
        with whole_file(target) as draft:
            pq.write_table(table, draft, compression="zstd")
        return target

    def remove_tables(self, names: Collection[str]) -> None:
        """Remove tables that a case no longer has."""
        self.remove_files([f"{name}.parquet" for name in names])

    def remove_files(self, names: Collection[str]) -> None:
        """Remove processed files that no longer fit the others."""
        for name in names:
            self.path(name).unlink(missing_ok=True)

    def read_table(self, name: str) -> pd.DataFrame:
        """Read a table back and hold it to its contract.

        Raises
        ------
        StoreError
            If it was never written, or the file is damaged.
        """
        path = self.path(f"{name}.parquet")
        try:
            frame = pq.read_table(path).to_pandas()
        except FileNotFoundError as error:
            raise StoreError(
                path, "this case was not run yet.", "Run `sockgraph run CASE` first."
            ) from error
        except (pa.ArrowException, OSError) as error:
            raise StoreError(
                path, f"it cannot be read ({error}).", "Run the case again; it will be rewritten."
            ) from error
        return validate(name, frame)

    def write_text(self, name: str, text: str) -> Path:
        """Write a processed text file, UTF-8."""
        write_bytes(self.path(name), text.encode())
        return self.path(name)

    def write_manifest(self, manifest: Mapping[str, Any]) -> Path:
        """Write `manifest.json`, adding the hash of every other processed file."""
        files = {
            path.name: sha256(path)
            for path in sorted(make_folder(self.processed).iterdir())
            if path.is_file() and not path.name.startswith(".") and path.name != MANIFEST
        }
        text = json.dumps(
            {**manifest, "files": files},
            ensure_ascii=False,
            indent=1,
            sort_keys=True,
            allow_nan=False,
        )
        return self.write_text(MANIFEST, text + "\n")

    def read_manifest(self, *, missing_ok: bool = False) -> dict[str, Any] | None:
        """Read `manifest.json`.

        Raises
        ------
        StoreError
            If it is damaged, or missing and `missing_ok` is not set.
        """
        path = self.path(MANIFEST)
        try:
            manifest: dict[str, Any] = _mapping(json.loads(path.read_text(encoding="utf-8")))
            _mapping(manifest.get("case", {}))
        except FileNotFoundError as error:
            if missing_ok:
                return None
            raise StoreError(
                path, "this case was not run yet.", "Run `sockgraph run CASE` first."
            ) from error
        except (OSError, ValueError, RecursionError) as error:
            raise StoreError(
                path,
                f"it cannot be read ({error}).",
                "Remove it, then run the case again.",
            ) from error
        return manifest


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("it is no manifest")  # noqa: TRY004 - one kind for all that is amiss
    return value


def sha256(path: Path) -> str:
    """Return a file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def as_written(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table as its file will have it: validated, floats to 9 significant digits.

    What is shown or sealed beside the file must be made from this, or it differs in the last bits.
    """
    frame = validate(name, frame)
    floats = [str(name) for name in frame.select_dtypes("float64")]
    return frame.assign(**{name: significant(frame[name].to_numpy()) for name in floats})


def significant(values: np.ndarray, digits: int = SIGNIFICANT_DIGITS) -> np.ndarray:
    """Round to significant digits, so that the last bits of a sum do not change a file.

    >>> significant(np.array([123456.7891234, 0.0, np.nan]), 4)
    array([123500.,     0.,     nan])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.power(10.0, digits - 1 - np.floor(np.log10(np.abs(values))))
        return np.where(
            (values == 0) | ~np.isfinite(values), values, np.round(values * scale) / scale
        )
