"""What a reference of a whole wiki taught, kept in the wiki's folder for every case to use.

One file for each way to draw and to weigh, whole or absent. It says what it was made of: the wiki's
files, the settings, and sockgraph's own code. Where any of these differs by now, or the file is
damaged, it is not used but made again, and the answer says so.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sockgraph.errors import ScreeningError, StoreError
from sockgraph.evidence import fit_calibration
from sockgraph.evidence.calibration import CalibratedModel, LogisticCalibration, Resample
from sockgraph.evidence.model import Bounds, Model, NearPairs, Sample
from sockgraph.evidence.training import TrainingPairs
from sockgraph.pipeline.results import code_hash
from sockgraph.schema import TABLES, validate
from sockgraph.screening.wiki import ABOUT, DRAWN, EDITS, LEARNT, PAGES, draw_reference
from sockgraph.store import sha256
from sockgraph.store.files import whole_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from sockgraph.case import Case
    from sockgraph.evidence import EvidenceSettings
    from sockgraph.runtime import Progress
    from sockgraph.screening.wiki import WikiSource


NUMBERS, TABLE, STATED = "numbers.npz", "edits.parquet", "about.json"
NOT_YET = "none was kept yet"
STALE = "the kept one is of another wiki, other settings or another sockgraph"
DAMAGED = "the kept one is damaged"
BAD_FILE = (zipfile.BadZipFile, zlib.error, KeyError, ValueError, OSError, pa.ArrowException)


@dataclass(frozen=True)
class StoredCalibration:
    """What a reference taught, and the edits that likeness to it is measured on.

    Attributes
    ----------
    calibrated
        The fitted numbers.
    edits
        Contract table: the reference's, under their own names.
    facts
        For whoever reads the numbers: rule, accounts, edits, and their digest.
    """

    calibrated: CalibratedModel
    edits: pd.DataFrame
    facts: dict[str, Any]


def calibration_of(
    case: Case,
    source: WikiSource,
    settings: EvidenceSettings,
    *,
    folder: Path,
    progress: Progress,
) -> StoredCalibration:
    """Return what is kept with the wiki; learn and keep it where that cannot be used.

    Parameters
    ----------
    case
        Says how many accounts, from which seed, and of which days.
    source
        The wiki.
    settings
        How evidence is weighed.
    folder
        The wiki's.
    progress
        Told of every step.

    Raises
    ------
    ScreeningError
        If the wiki's accounts cannot calibrate anything.
    """
    made_of = _made_of(case, settings, folder)
    key = hashlib.sha256(_text(made_of["settings"])).hexdigest()[:16]
    path = folder / f"{LEARNT}{key}.zip"
    kept = _read(path, made_of)
    if not isinstance(kept, str):
        return kept
    made = _learn(case, source, settings, progress)
    try:
        _write(path, made, made_of)
    except StoreError:  # a folder that others own: it serves this once
        kept += "; it could not be kept"
    return StoredCalibration(
        made.calibrated, made.edits, {**made.facts, "calibrated": f"anew: {kept}"}
    )


def _made_of(case: Case, settings: EvidenceSettings, folder: Path) -> dict[str, Any]:
    """Return all that the fitted numbers depend on."""
    given = case.source.accounts, case.source.log_events
    beside = [None if file is None else sha256(case.beside(file)) for file in given]
    parts = [footer_hash(folder / name) for name in (EDITS, PAGES)]
    return {
        "settings": {
            "wiki": case.wiki,
            "rule": DRAWN,
            "accounts": case.reference.accounts,
            "seed": case.reference.seed,
            "newest": case.accounts.max_edits,
            "window": [str(case.window.start), str(case.window.end)],
            "evidence": asdict(settings),
        },
        "wiki": [sha256(folder / ABOUT), *beside, *parts],
        "code": code_hash(),
    }


def footer_hash(file: Path) -> str:
    """Return the SHA-256 of what a Parquet file says of itself.

    Its footer holds every column's size, place, least and greatest value of every row group. It is
    read in a millisecond, and is the same wherever the file is copied to.
    """
    with file.open("rb") as data:
        size = data.seek(0, io.SEEK_END)
        data.seek(max(0, size - 8))
        length = int.from_bytes(data.read(4), "little")
        data.seek(max(0, size - 8 - length))
        return hashlib.sha256(data.read()).hexdigest()


def _learn(
    case: Case, source: WikiSource, settings: EvidenceSettings, progress: Progress
) -> StoredCalibration:
    progress("drawing the wiki's reference", 0, None)
    users = draw_reference(source, case.reference.accounts, case.reference.seed)
    edits = source.newest(users) if users else None
    calibrated = (
        f"no account has {settings.min_edits} edit times"
        if edits is None
        else fit_calibration(edits, users, settings=settings, progress=progress)
    )
    if edits is None or isinstance(calibrated, str):
        raise ScreeningError(
            "the wiki's reference",
            f"{calibrated}.",
            "Nominate the accounts by name and `sockgraph run` the case: it scores them all the "
            "same, uncalibrated.",
        )
    edits = edits[edits["user"].isin(calibrated.users)].reset_index(drop=True)
    facts = {
        "rule": DRAWN,
        "accounts": len(calibrated.users),
        "edits": len(edits),
        "newest edits of each": case.accounts.max_edits,
        "digest": hashlib.sha256(_parquet(edits)).hexdigest(),
    }
    return StoredCalibration(calibrated, edits, facts)


def _parquet(edits: pd.DataFrame) -> bytes:
    table = pa.Table.from_pandas(edits, schema=TABLES["edits"].arrow(), preserve_index=False)
    sink = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(None), sink, compression="zstd")
    return sink.getvalue()


def _text(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode()


def _write(path: Path, made: StoredCalibration, made_of: dict[str, Any]) -> None:
    numbers = io.BytesIO()
    np.savez_compressed(numbers, **pack(made.calibrated))  # type: ignore[arg-type]
    with whole_file(path) as draft, zipfile.ZipFile(draft, "w") as file:
        file.writestr(STATED, _text({"made_of": made_of, "facts": made.facts}))
        file.writestr(NUMBERS, numbers.getvalue())
        file.writestr(TABLE, _parquet(made.edits))


def _read(path: Path, made_of: dict[str, Any]) -> StoredCalibration | str:
    """Return what is kept, or why it cannot be used."""
    if not path.exists():
        return NOT_YET
    try:
        with zipfile.ZipFile(path) as file:
            stated = json.loads(file.read(STATED))
            if stated["made_of"] != made_of:
                return STALE
            table, packed = file.read(TABLE), file.read(NUMBERS)
        with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
            calibrated = unpack(arrays)
        edits = validate("edits", pq.read_table(io.BytesIO(table)).to_pandas())
        return StoredCalibration(
            calibrated, edits, {**stated["facts"], "calibrated": f"kept in {path.name}"}
        )
    except BAD_FILE:
        return DAMAGED


Arrays = dict[str, "NDArray[Any]"]


def pack(stored: CalibratedModel) -> Arrays:
    """Return everything as arrays, none of them of objects."""
    taught = [
        Resample(stored.model, stored.line, stored.bounds),
        *stored.resampled,
    ]
    packed: Arrays = {
        "users": np.array(stored.users, dtype=np.str_),
        "usual": np.array(stored.usual),
        "ends": np.array([(b.low, b.high) for b in (stored.narrow, stored.wide)]),
        "resamples": np.array(len(stored.resampled)),
        **_of("sample", stored.sample),
        **_of("scores", stored.scores),
        **_of("community", stored.community),
    }
    for i, one in enumerate(taught):
        packed |= _of(f"model{i}", one.model) | _of(f"near{i}", one.line.near)
        packed[f"line{i}"] = np.array(
            [one.line.lift, one.line.scale, one.bounds.low, one.bounds.high]
        )
    return packed


def unpack(arrays: Mapping[str, NDArray[Any]]) -> CalibratedModel:
    """Return what was packed.

    Raises
    ------
    KeyError, ValueError
        If these arrays were not packed here.
    """
    community = _taken("community", TrainingPairs, arrays)
    community["n_accounts"] = int(community["n_accounts"])
    first, *others = (_resample(i, arrays) for i in range(int(arrays["resamples"]) + 1))
    narrow, wide = (Bounds(float(low), float(high)) for low, high in arrays["ends"])
    return CalibratedModel(
        users=tuple(map(str, arrays["users"])),
        model=first.model,
        line=first.line,
        usual=float(arrays["usual"]),
        resampled=tuple(others),
        bounds=first.bounds,
        narrow=narrow,
        wide=wide,
        sample=Sample(**_taken("sample", Sample, arrays)),
        scores=Sample(**_taken("scores", Sample, arrays)),
        community=TrainingPairs(**community),
    )


def _resample(number: int, arrays: Mapping[str, NDArray[Any]]) -> Resample:
    model = _taken(f"model{number}", Model, arrays)
    model["baseline"] = float(model["baseline"])
    lift, scale, low, high = map(float, arrays[f"line{number}"])
    near = NearPairs(**_taken(f"near{number}", NearPairs, arrays))
    return Resample(Model(**model), LogisticCalibration(lift, scale, near), Bounds(low, high))


def _of(name: str, whole: Sample | TrainingPairs | Model | NearPairs) -> Arrays:
    return {
        f"{name}.{field.name}": np.asarray(getattr(whole, field.name)) for field in fields(whole)
    }


def _taken(name: str, of: type[Any], arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    return {field.name: arrays[f"{name}.{field.name}"] for field in fields(of)}
