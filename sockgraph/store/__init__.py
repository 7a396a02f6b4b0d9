"""The only writer under data/: where a case's files lie, how tables are written and read back."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import shutil
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sockgraph.errors import SockgraphError, StaleArtifactError, StoreError
from sockgraph.schema import read_back, validate
from sockgraph.store.files import (
    flush_folder,
    held,
    is_held,
    make_folder,
    sweep_drafts,
    whole_file,
)
from sockgraph.store.kept import as_arrow
from sockgraph.store.raw_answers import WIKIS, RawAnswers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    import pandas as pd

SIGNIFICANT_DIGITS = 9
MANIFEST = "manifest.json"
LEDGER = "ledger.jsonl"
BASKET = "basket.json"  # edits picked for a filing
REPORT, GRAPH = "report.html", "graph.graphml"
HELD_OUT = "held_out"  # a table that only validation reads
CASE_TABLES = (
    "accounts",
    "edits",
    "log_events",
    "evidence",
    "links",
    "clusters",
    "omissions",
    "alibis",
    "reference",
)
OPTIONAL = ("discussion_edits", "texts", "histories")  # only of a case that asks for them
OF_A_RUN = frozenset(
    {REPORT, GRAPH, *(f"{name}.parquet" for name in (*CASE_TABLES, *OPTIONAL, HELD_OUT))}
)
VALIDATION = "validation.html", "validation.json"
CONCERT_PAGE, CAPTURE_PAGE = "concert.html", "capture.html"
CONCERT = "votes.parquet", "concert.parquet", CONCERT_PAGE
CANDIDATES = "candidates.parquet", "candidate_links.parquet", "candidate_links.json"
DIFFS = "diffs"  # beside the answers of a wiki, what single edits changed
NEW_SET = ".new"  # a whole new set of a run's files, on its way to their places
PATIENCE = 10.0  # seconds that a reader waits for a new set to take its places


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
        for folder in (store.raw, store.processed):
            if folder.is_symlink():
                raise StoreError(
                    folder,
                    "a case's folder may not be a link: what lies behind it is not the case's.",
                    "Remove the link, or choose another folder with --data.",
                )
        store.settle()
        known = (store.read_manifest(missing_ok=True) or {}).get("case", {}).get("id")
        if known and case_id and known != case_id:
            raise StaleArtifactError(
                store.processed,
                f"it holds another case of that name (id {known}; this case file says {case_id}).",
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
        self._writing = False

    def answers(self, wiki: str | None = None) -> RawAnswers:
        """Return what the wiki answered for this case, or one of its several wikis."""
        folder = self.raw / WIKIS / wiki.replace(":", "_") if wiki else self.raw
        return RawAnswers(folder, others=self.raw.parent)

    def all_answers(self) -> list[RawAnswers]:
        """Return what is kept of the case's wiki, and of each of its several wikis."""
        several = sorted(p for p in (self.raw / WIKIS).glob("*") if p.is_dir())
        return [RawAnswers(folder) for folder in (self.raw, *several)]

    def path(self, name: str) -> Path:
        """Return where the processed file `name` lies or will lie."""
        return self.processed / name

    def write_table(self, name: str, frame: pd.DataFrame, *, ready: bool = False) -> Path:
        """Write a table as Parquet: `as_written`, which one that is `ready` has gone through."""
        table = as_arrow(name, frame if ready else as_written(name, frame))
        target = self.path(f"{name}.parquet")
        with whole_file(target) as draft:
            pq.write_table(table, draft, compression="zstd")
        return target

    @contextlib.contextmanager
    def writing(self, doing: str) -> Iterator[None]:
        """Hold the case for one writer; `doing` is what is done to it, such as "run".

        Whoever holds it by this object can hold it again.

        Raises
        ------
        StoreError
            If somebody else holds it, or the folder cannot be written.
        """
        if self._writing:
            yield
            return
        with held(self.processed, doing):
            self._writing = True
            try:
                self._take_places()
                sweep_drafts(self.processed)
                yield
            finally:
                self._writing = False

    @contextlib.contextmanager
    def new_set(self) -> Iterator[CaseStore]:
        """Yield a store for a whole new set of a run's files: it takes its places, or nothing does.

        The set is complete once its manifest is written. From then on it will take its places: if
        the process is killed before that, the next command on the case sees to it. The case must
        be held, see `writing`.
        """
        place = self.path(NEW_SET)
        shutil.rmtree(place, ignore_errors=True)
        try:
            yield CaseStore(self.raw, make_folder(place))
            self._take_places()
        finally:
            if not (place / MANIFEST).exists():
                shutil.rmtree(place, ignore_errors=True)

    def settle(self) -> None:
        """Let a complete new set that a killed process left take its places.

        Where the folder cannot be written, or somebody is writing, it is left to them.
        """
        if (self.path(NEW_SET) / MANIFEST).exists():
            with contextlib.suppress(StoreError), held(self.processed, "run"):
                self._take_places()

    def _take_places(self) -> None:
        new = CaseStore(self.raw, self.path(NEW_SET))
        manifest = new.read_manifest(missing_ok=True)
        if manifest is None:
            return
        for name in sorted(OF_A_RUN & set(manifest["files"])):
            if new.path(name).exists():  # else it is in its place since before a kill
                new.path(name).replace(self.path(name))
        for name in (OF_A_RUN | set(CONCERT)) - set(manifest["files"]):
            self.path(name).unlink(missing_ok=True)  # made from what was there before
        new.path(MANIFEST).replace(self.path(MANIFEST))
        flush_folder(self.processed)
        shutil.rmtree(new.processed, ignore_errors=True)

    def read_table(self, name: str, *, sha256: str | None = None) -> pd.DataFrame:
        """Read a table back and hold it to its contract.

        Parameters
        ----------
        sha256
            Hash that the file must have.

        Raises
        ------
        StoreError
            If it was never written, or the file is damaged.
        StaleArtifactError
            If it has another hash.
        """
        path = self.path(f"{name}.parquet")
        try:
            content = path.read_bytes()
            if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
                raise _stale(path)
            frame = pq.read_table(pa.BufferReader(content)).to_pandas()
        except FileNotFoundError as error:
            raise StoreError(
                path, "this case was not run yet.", "Run `sockgraph run CASE` first."
            ) from error
        except (pa.ArrowException, OSError) as error:
            raise StoreError(
                path, f"it cannot be read ({error}).", "Run the case again; it will be rewritten."
            ) from error
        return validate(name, frame) if sha256 is None else read_back(name, frame)

    def read_set(self, names: Collection[str]) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
        """Return tables and the manifest that describes them, all of one run.

        Raises
        ------
        StoreError
            If the case was not run yet, or a file is damaged.
        StaleArtifactError
            If a file is not the one that the manifest describes, and nobody is writing it.
        """
        until = time.monotonic() + PATIENCE
        while True:
            manifest = self.read_manifest() or {}
            files = manifest.get("files", {})
            try:
                for name in sorted(OF_A_RUN & set(files)):
                    self._refuse_stale(name, files[name])
                with _no_garbage():
                    return {
                        n: self.read_table(n, sha256=files.get(f"{n}.parquet")) for n in names
                    }, manifest
            except StoreError:
                if not is_held(self.processed) or time.monotonic() > until:
                    raise
            time.sleep(0.1)

    def _refuse_stale(self, name: str, digest: str) -> None:
        path = self.path(name)
        if not path.exists() or sha256(path) != digest:
            raise _stale(path)

    def write_text(self, name: str, text: str) -> Path:
        """Write a processed text file, UTF-8."""
        return self.write_lines(name, [text])

    def write_lines(self, name: str, lines: Iterable[str]) -> Path:
        """Write a processed text file, UTF-8, some of it at a time: a large one is not held."""
        target = self.path(name)
        with whole_file(target) as draft, draft.open("w", encoding="utf-8", newline="") as out:
            out.writelines(lines)
        return target

    def write_manifest(self, manifest: Mapping[str, Any]) -> Path:
        """Write `manifest.json`, adding the hash of every file that this run wrote."""
        files = {
            name: sha256(self.path(name))
            for name in sorted(OF_A_RUN)
            if make_folder(self.processed) and self.path(name).is_file()
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
            _mapping(manifest.get("files", {}))
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


def _stale(path: Path) -> StaleArtifactError:
    return StaleArtifactError(
        path, "it is not the file that the manifest describes.", "Run the case again."
    )


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

    Raises
    ------
    SockgraphError
        If the table is of an exploration, which no file and no finding rests on.
    """
    explored = frame.attrs.get("exploration")
    if explored:
        raise SockgraphError(
            f"table {name}",
            f"it is an exploration ({', '.join(explored)}), and those are not written.",
            "Change the case file and run it, if this is what the case should say.",
        )
    frame = validate(name, frame)
    floats = [str(name) for name in frame.select_dtypes("float64")]
    return frame.assign(**{name: significant(frame[name].to_numpy()) for name in floats})


def significant(values: np.ndarray, digits: int = SIGNIFICANT_DIGITS) -> np.ndarray:
    """Round to significant digits, so that the last bits of a sum do not change a file.

    >>> significant(np.array([123456.7891234, 0.0, np.nan]), 4)
    array([123500.,      0.,     nan])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.power(10.0, digits - 1 - np.floor(np.log10(np.abs(values))))
        return np.where(
            (values == 0) | ~np.isfinite(values), values, np.round(values * scale) / scale
        )


@contextlib.contextmanager
def _no_garbage() -> Iterator[None]:
    """Look for no garbage: where all that is made is kept, the search took half of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
