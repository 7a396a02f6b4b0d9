"""What a reference taught, as plain arrays by name: for a file, and taken back exactly."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from sockgraph.evidence.adjustment import NearPairs
from sockgraph.evidence.calibration import CalibratedModel, Line, Resample
from sockgraph.evidence.model import Bounds, Model, Sample
from sockgraph.evidence.training import TrainingPairs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

Arrays = dict[str, "NDArray[Any]"]


def pack(learnt: CalibratedModel) -> Arrays:
    """Return everything as arrays, none of them of objects."""
    taught = [
        Resample(learnt.model, learnt.line, learnt.bounds),
        *learnt.resampled,
    ]
    packed: Arrays = {
        "users": np.array(learnt.users, dtype=np.str_),
        "usual": np.array(learnt.usual),
        "ends": np.array([(b.low, b.high) for b in (learnt.narrow, learnt.wide)]),
        "resamples": np.array(len(learnt.resampled)),
        **_of("sample", learnt.sample),
        **_of("scores", learnt.scores),
        **_of("community", learnt.community),
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
    return Resample(Model(**model), Line(lift, scale, near), Bounds(low, high))


def _of(name: str, whole: Sample | TrainingPairs | Model | NearPairs) -> Arrays:
    return {
        f"{name}.{field.name}": np.asarray(getattr(whole, field.name)) for field in fields(whole)
    }


def _taken(name: str, of: type[Any], arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    return {field.name: arrays[f"{name}.{field.name}"] for field in fields(of)}
