"""Three hypotheses, side by side: one operator, concert of different people, independence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

HYPOTHESES = ("one operator", "concert of different people", "independent people")
LEVEL = 0.05
_SAID = {
    "one": "The edits support one operator. Timing in discussions fits that as well as concert.",
    "concert": "The traces support concert of different people.",
    "concert alibi": (
        "The two were at work on different pages at once: that speaks against one operator, and "
        "what they do together then for concert of different people."
    ),
    "either": (
        "The traces support acting in concert; the edits do not separate one operator from two "
        "people."
    ),
    "one alibi": (
        "The edits support one operator, work at the same time on different pages contradicts it: "
        "the two have to be weighed by people."
    ),
    "one alone": "The edits support one operator; the discussions show nothing beyond chance.",
    "none": "Nothing beyond what independent people show.",
    "insufficient": "Insufficient: too few shared discussions to tell concert from chance.",
    "one insufficient": (
        "The edits support one operator. Insufficient: too few shared discussions to tell concert "
        "from chance."
    ),
}


def most_it_can_say(p: float) -> float:
    """Return log10 of the greatest likelihood ratio that a p permits against independence.

    1 / (-e p ln p) for p < 1/e (Sellke, Bayarri & Berger 2001, The American Statistician 55:62),
    else 1. It is a bound, not an LR: what is really there may be worth much less.

    >>> round(most_it_can_say(0.05), 2), most_it_can_say(0.5)
    (0.39, 0.0)
    """
    return -math.log10(-math.e * p * math.log(p)) if 0 < p < 1 / math.e else 0.0


def compare_hypotheses(concert: pd.DataFrame, links: pd.DataFrame | None = None) -> pd.DataFrame:
    """Set the three hypotheses beside each other for every pair.

    Parameters
    ----------
    concert
        The table `concert`.
    links
        The table `links`, where the case was run.

    Returns
    -------
    DataFrame
        `user_a, user_b, log10_lr, log10_lr_low, log10_lr_high, band` (one operator against
        different people, by the edits; null where not known), `alibi`, `p_adjusted`,
        `concert_at_most` (log10 of the greatest LR for concert against independence that p permits;
        null where insufficient), `said` (which of the three the evidence supports, in words). An
        alibi never speaks for concert by itself: it moves what is shown together from one operator
        to two people.
    """
    key = ["user_a", "user_b"]
    numbers = ["log10_lr", "log10_lr_low", "log10_lr_high"]
    known = pd.DataFrame(columns=[*key, *numbers, "band", "alibi"])
    if links is not None:
        known = links[[*key, *numbers, "band", "alibi"]]
    table = concert[[*key, "p_adjusted", "status"]].merge(known, how="left", on=key)
    table["alibi"] = table["alibi"].astype("boolean").fillna(value=False).astype(bool)
    rows = table.to_dict("records")
    table["concert_at_most"] = [_bound(row["p_adjusted"]) for row in rows]
    table["said"] = [_SAID[_case(row)] for row in rows]
    table["band"] = table["band"].astype("str")
    columns = [*key, *numbers, "band", "alibi", "p_adjusted", "concert_at_most", "said"]
    return table[columns].astype(dict.fromkeys(numbers, "float64"))


def _bound(p: float) -> float:
    return math.nan if math.isnan(p) else most_it_can_say(p)


def _case(row: Mapping[Any, Any]) -> str:
    """Return which of the texts fits."""
    band = "" if pd.isna(row["band"]) else str(row["band"])
    one, apart = band.endswith(" for"), band.endswith(" against")
    if row["status"] != "ok":
        return "one insufficient" if one and not row["alibi"] else "insufficient"
    if row["p_adjusted"] > LEVEL:
        if one:
            return "one alibi" if row["alibi"] else "one alone"
        return "none"
    if row["alibi"]:
        return "concert alibi"
    if one:
        return "one"
    return "concert" if apart else "either"
