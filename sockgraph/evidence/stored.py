"""What a reference taught, as plain arrays by name: for a file, and taken back exactly."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from sockgraph.evidence.adjustment import CommunityAdjustment
from sockgraph.evidence.calibration import CalibratedModel, Line, Resample
from sockgraph.evidence.model import Bounds, Model, Sample
from sockgraph.evidence.training import TrainingPairs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

Arrays = dict[str, "NDArray[Any]"]


def pack(learnt: CalibratedModel) -> Arrays:
    """Return everything as arrays, none of them of objects."""
    return {
        "users": np.array(learnt.users, dtype=np.str_),
        "fold": learnt.fold,
        "folds": np.array(list(learnt.models)),
        **_models("fold_models", list(learnt.models.values())),
        **_models("whole", [learnt.whole]),
        **_models("resamples", [one.model for one in learnt.resampled]),
        "lines": np.array([_numbers(one.line) for one in learnt.resampled]).reshape(-1, 4),
        "line": np.array(_numbers(learnt.line)),
        "usual": np.array(learnt.usual),
        "bounds": np.array([learnt.bounds.low, learnt.bounds.high]),
        **_of("sample", learnt.sample),
        **_of("community", learnt.community),
    }


def unpack(arrays: Mapping[str, NDArray[Any]]) -> CalibratedModel:
    """Return what was packed.

    Raises
    ------
    KeyError, ValueError
        If these arrays were not packed here.
    """
    community: dict[str, Any] = {
        field.name: arrays[f"community.{field.name}"] for field in fields(TrainingPairs)
    }
    community["n_accounts"] = int(community["n_accounts"])
    models = _taken("fold_models", arrays)
    resampled = zip(_taken("resamples", arrays), arrays["lines"], strict=True)
    low, high = map(float, arrays["bounds"])
    return CalibratedModel(
        users=tuple(map(str, arrays["users"])),
        fold=arrays["fold"],
        models={
            (int(p), int(q)): model for (p, q), model in zip(arrays["folds"], models, strict=True)
        },
        whole=_taken("whole", arrays)[0],
        line=_line(arrays["line"]),
        usual=float(arrays["usual"]),
        resampled=tuple(Resample(model, _line(numbers)) for model, numbers in resampled),
        bounds=Bounds(low, high),
        sample=Sample(*(arrays[f"sample.{field.name}"] for field in fields(Sample))),
        community=TrainingPairs(**community),
    )


def _of(name: str, whole: Sample | TrainingPairs) -> Arrays:
    return {
        f"{name}.{field.name}": np.asarray(getattr(whole, field.name)) for field in fields(whole)
    }


def _models(name: str, models: Sequence[Model]) -> Arrays:
    return {
        f"{name}.{field.name}": np.array([getattr(model, field.name) for model in models])
        for field in fields(Model)
    }


def _taken(name: str, arrays: Mapping[str, NDArray[Any]]) -> list[Model]:
    columns = [arrays[f"{name}.{field.name}"] for field in fields(Model)]
    return [
        Model(intercepts, slopes, weights, float(baseline))
        for intercepts, slopes, weights, baseline in zip(*columns, strict=True)
    ]


def _numbers(line: Line) -> tuple[float, float, float, float]:
    return line.lift, line.scale, line.tilt.shift, line.tilt.slope


def _line(numbers: NDArray[np.float64]) -> Line:
    lift, scale, shift, slope = map(float, numbers)
    return Line(lift, scale, CommunityAdjustment(shift, slope))
