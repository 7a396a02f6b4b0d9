"""Known operators, where a case names them: LR calibration on them beside that on cut histories."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import pandas as pd

from sockgraph.evaluate import cllr, cllr_min, read_labels
from sockgraph.evaluate.tally import tally

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.case import Case
    from sockgraph.evidence import Weighed

KINDS = {
    "cut histories": ("successive", "parallel"),
    "labelled reference accounts": ("labelled",),
}


def known_operators(case: Case) -> pd.DataFrame | None:
    """Read the case's `reference.labels`; None where it names none.

    Raises
    ------
    EvaluationError
        If the file cannot be used.
    """
    named = case.reference.labels
    return None if named is None else read_labels(case.beside(named))


def calibration_on(labels: pd.DataFrame, weighed: Weighed) -> dict[str, Any]:
    """Return what the LRs are worth on known operators, and on cut histories.

    Known operators are those of compared accounts, and those of reference accounts, from which the
    model learns; it judges none by what it learnt from the same person. Each is Cllr, and Cllr less
    the least that its ranking allows, in bits; null where there are not both kinds of pairs, or no
    LRs. What labels show beyond cut histories is how much the cuts flatter.

    Parameters
    ----------
    labels
        `user, person`; a null person is a person of their own.
    """
    links = weighed.links
    compared = sorted(set(links["user_a"]) | set(links["user_b"]))
    known = labels[labels["user"].isin(compared)].set_index("user")["person"]
    alone = known.isna()
    themselves = pd.Series([("alone", user) for user in known.index], known.index, dtype=object)
    person = known.astype(object).where(~alone, themselves)
    lr = dict(
        zip(zip(links["user_a"], links["user_b"], strict=True), links["log10_lr"], strict=True)
    )
    pairs = list(combinations(sorted(person.index), 2))
    same = [person[a] == person[b] for a, b in pairs]
    told = _cost([lr[pair] for pair in pairs], same) if weighed.calibration["calibrated"] else {}
    held = weighed.held_out
    kinds = {
        kind: held[held["truth"].isin(["different", *truths])] for kind, truths in KINDS.items()
    }
    return {
        "labelled": len(labels),
        "labelled, not compared": len(labels) - len(known),
        "same": sum(same),
        "different": len(same) - sum(same),
        "on labels": told or None,
        **{
            f"on {kind}": _cost(rows["log10_lr"], rows["truth"] != "different") or None
            for kind, rows in kinds.items()
        },
    }


def _cost(
    log10_lr: NDArray[Any] | pd.Series | list[float], same: list[bool] | pd.Series
) -> dict[str, float]:
    counts = tally(log10_lr, same, null=0.0)
    if not counts.n_same or not counts.n_different:
        return {}
    whole, least = cllr(counts), cllr_min(counts)
    return {"cllr": whole, "calibration loss": whole - least}
