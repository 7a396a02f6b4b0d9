"""A case's validation: everything that its page draws, from its own reference and from labels."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.evaluation.false_links import (
    Exculpation,
    OpenSet,
    Precision,
    PriorReading,
    Stratum,
    exculpation,
    false_link_strata,
    precision_at,
    prior_reading,
)
from sockgraph.evaluation.metrics import Separation, ece, ratios_of, separation, tippett_grid
from sockgraph.evidence.reliability import RATIOS

if TYPE_CHECKING:
    from collections.abc import Mapping

CUTS = {
    "successive": "halves cut at a time",
    "parallel": "halves of alternate fortnights",
}
ALL_CUTS, ON_LABELS = "cut histories", "labelled accounts"
COMPARED = ("auc", "recall_at_fpr_1e3", "cllr", "cllr_min", "loss")


@dataclass(frozen=True)
class CaseTerms:
    """What of a case its validation is measured against.

    Attributes
    ----------
    bound_low, bound_high
        The range of log10 LR that the reference supports; null where nothing is calibrated.
    flag_standing, flag_log10_lr
        How far a flag must stand out, and what its log10 LR must reach.
    per_pair
        The case's own prior; null where it states none.
    n_pairs
        Pairs of nominated accounts.
    """

    bound_low: float | None
    bound_high: float | None
    flag_standing: float | None
    flag_log10_lr: float
    per_pair: float | None
    n_pairs: int = 0


@dataclass(frozen=True)
class FlagCounts:
    """What the flag rule took.

    Attributes
    ----------
    flagged, true
        Pairs flagged, and those of them that have one operator (by label).
    n_same, n_different
        Pairs of each kind.
    """

    flagged: int
    true: int
    n_same: int
    n_different: int

    @property
    def precision(self) -> float | None:
        """Share of the flagged pairs that have one operator; null where none is flagged."""
        return self.true / self.flagged if self.flagged else None

    @property
    def recall(self) -> float | None:
        """Share of the pairs of one operator that are flagged; null where there is none."""
        return self.true / self.n_same if self.n_same else None


@dataclass(frozen=True)
class PairSetMeasures:
    """Everything measured on one set of pairs.

    Attributes
    ----------
    separations
        Of all pairs first; then, of cut histories, of each way to cut.
    tippett, ece
        Curves over all pairs; null where nothing is calibrated.
    strata
        False links by kind of pair.
    exculpation, open_set, flagged
        Null where they cannot be told.
    precisions
        What pairs beyond a threshold are worth at the case's prior; empty where it states none.
    """

    separations: tuple[Separation, ...]
    tippett: pd.DataFrame | None
    ece: pd.DataFrame | None
    strata: tuple[Stratum, ...]
    exculpation: Exculpation | None
    open_set: OpenSet | None
    flagged: FlagCounts | None
    precisions: tuple[Precision, ...]

    @property
    def whole(self) -> Separation:
        """The separation of all pairs."""
        return self.separations[0]


@dataclass(frozen=True)
class Validation:
    """What a case's numbers are worth.

    Attributes
    ----------
    own
        On the case's own reference; null where nothing is calibrated, `reason` says why.
    labels
        On labelled accounts; null without labels.
    prior
        What the case's prior leaves of evidence; null where it states none.
    n_unlabelled, n_uncompared
        Compared accounts without a label, and labelled accounts that were not compared: left out.
    facts
        Of the reference: accounts, pairs, cuts, bounds.
    """

    terms: CaseTerms
    facts: dict[str, Any]
    reason: str | None
    own: PairSetMeasures | None
    labels: PairSetMeasures | None
    prior: PriorReading | None
    n_unlabelled: int = 0
    n_uncompared: int = 0

    @property
    def flattery(self) -> dict[str, float]:
        """How much better cut histories look than labels: their figure less that on labels.

        Empty without both. Average precision is left out: it moves with how rare true pairs are.
        """
        if self.own is None or self.labels is None:
            return {}
        ours, theirs = self.own.whole, self.labels.whole
        both = {name: (getattr(ours, name), getattr(theirs, name)) for name in COMPARED}
        return {n: a - b for n, (a, b) in both.items() if a is not None and b is not None}

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON takes it; a number that is not defined is null."""
        told = asdict(replace(self, own=None, labels=None))
        for name in ("own", "labels"):
            side = getattr(self, name)
            told[name] = None if side is None else _side_dict(side)
        told["flattery"] = self.flattery
        return told


def _side_dict(side: PairSetMeasures) -> dict[str, Any]:
    told = asdict(replace(side, tippett=None, ece=None))
    for name in ("tippett", "ece"):
        curve = getattr(side, name)
        told[name] = None if curve is None else curve.to_dict(orient="list")
    for made, one in zip(told["separations"], side.separations, strict=True):
        made |= {"loss": one.loss, "allowed": one.allowed}
    if side.open_set is not None:
        told["open_set"]["nobody"] = side.open_set.nobody
        told["open_set"]["bereft_nobody"] = side.open_set.bereft_nobody
    if side.flagged is not None:
        told["flagged"] |= {"precision": side.flagged.precision, "recall": side.flagged.recall}
    return told


def validate_reference(held_out: pd.DataFrame, terms: CaseTerms) -> PairSetMeasures | None:
    """Measure a case on its own reference: cut histories against pairs of different accounts.

    Parameters
    ----------
    held_out
        The contract table.
    terms
        Of the case.

    Returns
    -------
    PairSetMeasures or None
        None where nothing is calibrated.
    """
    if held_out.empty or terms.bound_high is None:
        return None
    cuts = held_out[held_out["truth"] != "labelled"]
    pairs = cuts.assign(same=(cuts["truth"] != "different").to_numpy())
    different = pairs[~pairs["same"]]
    of = {name: pd.concat([pairs[pairs["truth"] == cut], different]) for cut, name in CUTS.items()}
    separations = [separation(ALL_CUTS, pairs)]
    separations += [separation(name, part) for name, part in of.items() if part["same"].any()]
    side = _side(pairs, tuple(separations), terms)
    flagged = different[different["flagged"].fillna(value=False).to_numpy(bool)]
    accounts = pd.unique(pd.concat([different["a"], different["b"]]))
    somebody = pd.unique(pd.concat([flagged["a"], flagged["b"]]))
    worthy = different["worthy"].fillna(value=False).to_numpy(bool)
    return replace(
        side,
        open_set=OpenSet(len(accounts), len(somebody), expected=worthy.mean() * terms.n_pairs),
        flagged=FlagCounts(len(flagged), 0, 0, len(different)),
    )


def validate_labels(
    pairs: pd.DataFrame, terms: CaseTerms, open_set: OpenSet | None = None
) -> PairSetMeasures:
    """Measure a case on labelled accounts.

    Parameters
    ----------
    pairs
        What `labelled_pairs` returns.
    terms
        Of the case.
    open_set
        What `open_set` found, where it was tried.
    """
    calibrated = terms.bound_high is not None
    side = _side(pairs, (separation(ON_LABELS, pairs, calibrated=calibrated),), terms)
    flagged, same = pairs["flagged"].to_numpy(bool), pairs["same"].to_numpy(bool)
    counted = FlagCounts(
        int(flagged.sum()), int((flagged & same).sum()), int(same.sum()), int((~same).sum())
    )
    worth = _worth(pairs, {"flagged": flagged}, terms) if calibrated else ()
    return replace(side, open_set=open_set, flagged=counted, precisions=(*side.precisions, *worth))


def _side(
    pairs: pd.DataFrame, separations: tuple[Separation, ...], terms: CaseTerms
) -> PairSetMeasures:
    different = pairs[~pairs["same"].to_numpy(bool)]
    if terms.bound_high is None:
        return PairSetMeasures(separations, None, None, (), None, None, None, ())
    counts = ratios_of(pairs)
    lr = pairs["log10_lr"].to_numpy(float)
    rules = {f"LR above {x:,}": lr > np.log10(x) for x in RATIOS if np.log10(x) < terms.bound_high}
    if terms.flag_standing is not None:
        rules["stands out as a flag"] = pairs["standing"].to_numpy(float) > terms.flag_standing
    return PairSetMeasures(
        separations=separations,
        tippett=tippett_grid(counts),
        ece=ece(counts),
        strata=false_link_strata(different, terms.bound_high),
        exculpation=exculpation(different),
        open_set=None,
        flagged=None,
        precisions=_worth(pairs, rules, terms),
    )


def _worth(
    pairs: pd.DataFrame, rules: Mapping[str, np.ndarray], terms: CaseTerms
) -> tuple[Precision, ...]:
    if terms.per_pair is None:
        return ()
    same = pairs["same"].to_numpy(bool)
    n, m = int(same.sum()), int((~same).sum())
    return tuple(
        precision_at(
            terms.per_pair,
            rule,
            (int((taken & same).sum()), n),
            (int((taken & ~same).sum()), m),
        )
        for rule, taken in rules.items()
    )


def reading_of(terms: CaseTerms) -> PriorReading | None:
    """Return what the case's prior leaves of evidence; None where it states none, or no bound."""
    if terms.per_pair is None or terms.bound_high is None:
        return None
    return prior_reading(terms.per_pair, terms.bound_high, terms.flag_log10_lr)
