"""What a case's numbers are worth: measured on its own reference, and on labels where given."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

import sockgraph
from sockgraph.case import load_case
from sockgraph.errors import EvaluationError
from sockgraph.evaluation.false_links import open_set
from sockgraph.evaluation.labelled_pairs import labelled_pairs, match_labels, read_labels
from sockgraph.evaluation.validation import (
    CaseTerms,
    Validation,
    reading_of,
    validate_labels,
    validate_reference,
)
from sockgraph.pipeline.results import DATA, HELD_OUT, VALIDATION, CaseResult, read_case, writing
from sockgraph.report.validation import CaseSummary, validation_page
from sockgraph.runtime import Progress, page_link, silent
from sockgraph.store import significant

if TYPE_CHECKING:
    from pathlib import Path

    from sockgraph.evaluation.false_links import OpenSet
    from sockgraph.evaluation.labelled_pairs import LabelledPairs
    from sockgraph.store import CaseStore

PAGE, FIGURES = VALIDATION
MEASURED = ("edits.parquet", "evidence.parquet", "held_out.parquet", "links.parquet")
FACTS = ("n_reference", "n_different_pairs", "splits", "h1", "h2")


@dataclass(frozen=True, repr=False)
class ValidationResult:
    """A case's validation, and where it was written.

    Attributes
    ----------
    validation
        Every figure.
    page, figures
        `validation.html` and `validation.json` in the case's folder.
    """

    validation: Validation
    page: Path
    figures: Path

    def __repr__(self) -> str:
        """Say where the page lies."""
        return f"<validation, {self.page}>"

    def _repr_html_(self) -> str:
        return page_link(self.page)


def validate_case(
    path: Path, labels: Path | None = None, *, data: Path = DATA, progress: Progress = silent
) -> ValidationResult:
    """Measure a case, as `sockgraph.validate` says it."""
    with writing(load_case(path), data, "validated") as store:
        return _validated(read_case(path, data=data), labels, store, progress)


def _validated(
    result: CaseResult, labels: Path | None, store: CaseStore, progress: Progress
) -> ValidationResult:
    held_out = store.read_table(HELD_OUT)
    named = result.case.reference.labels
    given = labels or (None if named is None else result.case.beside(named))
    known = None if given is None else _labels(given, result)
    terms = _terms(result)
    with threadpool_limits(1):  # the same bytes on every machine
        progress("reference", 0, 1)
        own = validate_reference(held_out, terms)
        progress("reference", 1, 1)
        found = Validation(
            terms=terms,
            facts={k: result.manifest["evidence"].get(k) for k in FACTS},
            reason=result.manifest["evidence"].get("reason"),
            own=own,
            labels=None,
            prior=reading_of(terms),
        )
        if known is not None:
            progress("labels", 0, 1)
            found = _with_labels(found, result, known)
            progress("labels", 1, 1)
    return _written(store, found, result)


def _terms(result: CaseResult) -> CaseTerms:
    made = result.manifest["evidence"]
    low, high = made.get("bounds") or (None, None)
    prior = result.case.prior
    return CaseTerms(
        bound_low=low,
        bound_high=high,
        flag_standing=made.get("flag_standing"),
        flag_log10_lr=result.case.evidence.flag_log10_lr,
        per_pair=None if prior is None else prior.per_pair,
        n_pairs=len(result.links),
    )


def _labels(path: Path, result: CaseResult) -> pd.DataFrame:
    found = read_labels(path)
    compared = set(result.links["user_a"]) | set(result.links["user_b"])
    if not set(found["user"]) & compared:
        raise EvaluationError(
            path,
            f"it names none of the {len(compared)} accounts that were compared.",
            "Spell accounts as links.parquet does; reference accounts have no name to be labelled.",
        )
    return found


def _with_labels(found: Validation, result: CaseResult, labels: pd.DataFrame) -> Validation:
    """Measure on labels too."""
    judged = match_labels(result.links, labels, compared_only=True)
    pairs = labelled_pairs(judged, result.evidence, result.edits)
    alone = _open_set(found.terms, result, judged)
    return replace(
        found,
        labels=validate_labels(pairs, found.terms, alone),
        n_unlabelled=judged.n_unlabelled,
        n_uncompared=judged.n_uncompared,
    )


def _open_set(terms: CaseTerms, result: CaseResult, judged: LabelledPairs) -> OpenSet | None:
    """Take labelled accounts' partners away in turn; None where nothing can be flagged."""
    if terms.flag_standing is None:
        return None
    declared = [d.accounts for d in result.case.declared]
    return open_set(result.links, pd.Series(judged.person, judged.users), declared=declared)


def _written(store: CaseStore, found: Validation, result: CaseResult) -> ValidationResult:
    """Write the page and the figures, both with the hash of the run they are about."""
    run = _seal(result.manifest)
    told = {
        "sockgraph": sockgraph.__version__,
        "case": result.case.slug,
        "tables_sha256": run,
        **_rounded(found.as_dict()),
    }
    text = json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
    about = CaseSummary(result.case.slug, result.case.wiki, result.case.everyone, run)
    page = store.write_text(PAGE, validation_page(found, about))
    return ValidationResult(found, page, store.write_text(FIGURES, text + "\n"))


def _seal(manifest: dict[str, Any]) -> str:
    """Return the hash of the tables that were measured; the same for the same run anywhere."""
    files = manifest.get("files", {})
    told = "".join(f"{name}: {files.get(name)}\n" for name in MEASURED)
    return hashlib.sha256(told.encode()).hexdigest()


def _rounded(value: Any) -> Any:
    """Round floats as tables are rounded, a number that is none being null."""
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(v) for v in value]
    if isinstance(value, float):
        return float(significant(np.array([value]))[0]) if math.isfinite(value) else None
    return value
