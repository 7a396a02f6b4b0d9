"""When people vote: against their own usual hours, and after messages sent to many.

Beside it stands what chance alone would bring, and the three hypotheses that are compared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import binom

from sockgraph.schema import IN_CONCERT
from sockgraph.signals.corpus import of_wikis, revision_keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    from collections.abc import Mapping, Sequence

HOURS = 24
RARE = 0.10  # an account's quietest hours, that hold at most this share of its edits
ENOUGH_EDITS, ENOUGH_VOTES = 50, 5
RUN = pd.Timedelta(minutes=60)  # between one message of a run and the next
RECEIVERS = 3
AFTER = pd.Timedelta(hours=24)
USER_TALK = 3
STEPS = 5  # proposals an event and deal
CELLS = 4_000_000  # of one array, at most


def hour_shares(edits: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Return each account's share of edits by hour of the day, UTC; shape (24,).

    Hours are smoothed over their two neighbours (weights 1, 2, 1), and a 24th of one edit is added
    to each, so that no hour is impossible.
    """
    hours = edits["timestamp"].dt.hour.to_numpy()
    counts = {
        str(user): np.bincount(hours[rows], minlength=HOURS).astype(np.float64)
        for user, rows in edits.groupby("user").indices.items()
    }
    return {user: _smooth(count) for user, count in counts.items()}


def _smooth(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = (np.roll(counts, 1) + 2 * counts + np.roll(counts, -1)) / 4 + 1 / HOURS
    shares: NDArray[np.float64] = spread / spread.sum()
    return shares


def usual_hours(votes: pd.DataFrame, edits: pd.DataFrame) -> pd.DataFrame:
    """Compare when accounts vote with when they edit otherwise.

    Parameters
    ----------
    votes
        The table `votes`; only well-formed rows count, one a discussion.
    edits
        The accounts' edits; those of the same revisions are left out.

    Returns
    -------
    DataFrame
        `user, n_votes, n_edits, in_quiet_hours` (votes in the account's quietest hours, which hold
        at most a tenth of its edits), `expected` (of them), `p` (binomial, that many or more, not
        adjusted), `status` (insufficient below 5 votes or 50 edits; p is null then).
    """
    counted = votes[votes["parse"] == "ok"].sort_values(["timestamp", "rev_id"])
    first = counted.drop_duplicates(["wiki", "page", "user"])
    others = edits[~revision_keys(edits).isin(revision_keys(votes))]
    rows = [
        {"user": user, **_quiet(_hours(first, user), _hours(others, user))}
        for user in sorted(set(first["user"]) & set(edits["user"]))
    ]
    columns = ["user", "n_votes", "n_edits", "in_quiet_hours", "expected", "p", "status"]
    return pd.DataFrame(rows, columns=columns)


def _hours(table: pd.DataFrame, user: str) -> NDArray[np.int64]:
    hours: NDArray[np.int64] = table.loc[table["user"] == user, "timestamp"].dt.hour.to_numpy()
    return hours


def _quiet(voted: NDArray[np.int64], edited: NDArray[np.int64]) -> dict[str, object]:
    shares = _smooth(np.bincount(edited, minlength=HOURS).astype(np.float64))
    order = np.argsort(shares, kind="stable")
    quiet = order[np.cumsum(shares[order]) <= RARE]
    share = float(shares[quiet].sum())
    seen = int(np.isin(voted, quiet).sum())
    enough = len(voted) >= ENOUGH_VOTES and len(edited) >= ENOUGH_EDITS
    return {
        "n_votes": len(voted),
        "n_edits": len(edited),
        "in_quiet_hours": seen,
        "expected": share * len(voted),
        "p": float(binom.sf(seen - 1, len(voted), share)) if enough else np.nan,
        "status": "ok" if enough else "insufficient",
    }


def mass_messages(edits: pd.DataFrame) -> pd.DataFrame:
    """Return runs of messages: one account to three or more others' talk pages, an hour apart.

    Parameters
    ----------
    edits
        The table `edits`: only what its accounts sent is seen.

    Returns
    -------
    DataFrame
        `sender, start, end, receivers` (list), `rev_ids` (list of "wiki:rev_id"), by time.
    """
    talk = edits[(edits["ns"] == USER_TALK) & edits["title"].notna()]
    titles = (
        talk["title"].str.replace(r"^[^:]*:", "", regex=True).str.replace(r"/.*", "", regex=True)
    )
    sent = talk.assign(receiver=titles).sort_values(["user", "timestamp", "rev_id"])
    sent = sent[(sent["receiver"] != sent["user"]) & (sent["receiver"] != "")]
    rows = []
    for sender, theirs in sent.groupby("user"):
        run = (theirs["timestamp"].diff() > RUN).cumsum()
        for _, part in theirs.groupby(run):
            if part["receiver"].nunique() >= RECEIVERS:
                rows.append({"sender": sender, **_run(part)})
    columns = ["sender", "start", "end", "receivers", "rev_ids"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(["start", "sender"], ignore_index=True)


def _run(part: pd.DataFrame) -> dict[str, object]:
    return {
        "start": part["timestamp"].iloc[0],
        "end": part["timestamp"].iloc[-1],
        "receivers": sorted(set(part["receiver"])),
        "rev_ids": revision_keys(part).tolist(),
    }


def arrivals_after(votes: pd.DataFrame, sent: pd.DataFrame) -> pd.DataFrame:
    """Count who came to a discussion within a day of a message, of its receivers and of others.

    Parameters
    ----------
    votes
        The table `votes`.
    sent
        What `mass_messages` returns.

    Returns
    -------
    DataFrame
        A row for each run of messages and discussion that was open then and to which a receiver
        came: `sender, start, page, receivers` (not there before), `came` (of them, within 24 hours
        of the run's start), `others`, `others_came` (the same of everybody else who ever came).
    """
    came = votes[votes["parse"] == "ok"].assign(page=of_wikis(votes["page"], votes["wiki"]))
    first = came.groupby(["page", "user"])["timestamp"].min()
    rows = [
        {"sender": sender, "start": start, "page": page, **counts}
        for sender, start, receivers in sent[["sender", "start", "receivers"]].itertuples(
            index=False
        )
        for page, arrived in first.groupby("page")
        if (counts := _came(arrived.droplevel("page"), start, receivers))
    ]
    columns = ["sender", "start", "page", "receivers", "came", "others", "others_came"]
    return pd.DataFrame(rows, columns=columns)


def _came(
    arrived: pd.Series, start: pd.Timestamp, receivers: Sequence[str]
) -> dict[str, int] | None:
    later = arrived[arrived >= start]
    if len(later) == len(arrived) or later.empty:  # not open yet, or over
        return None
    soon = later < start + AFTER
    told = later.index.isin(list(receivers))
    if not told.any():
        return None
    return {
        "receivers": int(told.sum()),
        "came": int((soon & told).sum()),
        "others": int((~told).sum()),
        "others_came": int((soon & ~told).sum()),
    }


@dataclass(frozen=True)
class SlotFit:
    """How well each event fits each slot.

    Attributes
    ----------
    log_fit : ndarray of float, shape (n, n_kinds)
        Of each event, the log of how well it fits a slot of each kind, up to a constant.
    kind : ndarray of int, shape (n,)
        The kind of each slot.
    """

    log_fit: NDArray[np.float64]
    kind: Ints

    def gain(self, a: Ints, there: Ints, b: Ints, here: Ints) -> NDArray[np.float64]:
        """Return by how much the log fit grows if a goes there and b comes here."""
        to, back = self.kind[there], self.kind[here]
        fit = self.log_fit
        gain: NDArray[np.float64] = fit[a, to] + fit[b, back] - fit[a, back] - fit[b, to]
        return gain


def permute(
    stratum: Ints,
    *,
    samples: int,
    rng: np.random.Generator,
    fits: SlotFit | None = None,
) -> Ints:
    """Deal the events of each stratum anew among its slots.

    Event e stands at slot e as observed. A deal puts another event of the same stratum there: who
    came, how often, and which moments of a discussion drew people all stay as they are. Where
    `fits` are given, deals have probability proportional to their product, sampled by Metropolis
    swaps after Besag & Clifford (1989, Biometrika 76:633): one chain runs back from what
    was observed, and every sample forward again from where it ended, so that what was observed and
    the samples are exchangeable under the null, however slowly the chain mixes.

    Parameters
    ----------
    stratum : ndarray of int, shape (n,)
        Within which events may be exchanged.
    samples
        How many deals.
    rng
        Where chance comes from.
    fits
        How well events fit slots; None where all fit alike.

    Returns
    -------
    ndarray of int, shape (samples + 1, n)
        The slot of each event; row 0 is as observed.
    """
    n = len(stratum)
    observed = np.arange(n)
    movable = _movable(stratum)
    if not movable:
        return np.tile(observed, (samples + 1, 1))
    if fits is None:
        dealt = _shuffled(movable, n, samples, rng)
    else:
        start = _swapped(observed[None], movable, fits, rng)
        batch = max(1, CELLS // n)
        parts = [
            _swapped(np.repeat(start, min(batch, samples - at), axis=0), movable, fits, rng)
            for at in range(0, samples, batch)
        ]
        dealt = np.concatenate(parts)
    return np.concatenate([observed[None], _places(dealt)])


def _movable(stratum: Ints) -> list[Ints]:
    """Return the strata of two and more events, the largest first."""
    order = np.argsort(stratum, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(stratum[order])) + 1)
    return sorted((part for part in parts if len(part) > 1), key=len, reverse=True)


def _shuffled(strata: list[Ints], n: int, samples: int, rng: np.random.Generator) -> Ints:
    held = np.tile(np.arange(n), (samples, 1))
    for members in strata:
        held[:, members] = rng.permuted(held[:, members], axis=1)
    return held


def _swapped(held: Ints, strata: list[Ints], fits: SlotFit, rng: np.random.Generator) -> Ints:
    """Return chains after swaps proposed in every stratum, five for each of its events."""
    held = held.copy()
    sizes = np.array([len(members) for members in strata])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    members = np.concatenate(strata)
    rows = np.arange(len(held))[:, None]
    for step in range(STEPS * int(sizes[0])):
        active = int(np.searchsorted(-sizes, -(step // STEPS), side="left"))
        shape = (len(held), active)
        first = rng.integers(0, sizes[:active], shape)
        second = rng.integers(0, sizes[:active] - 1, shape)
        second += second >= first
        here, there = members[starts[:active] + first], members[starts[:active] + second]
        a, b = held[rows, here], held[rows, there]
        gain = fits.gain(a, there, b, here)
        swap = np.log(rng.random(shape)) < gain
        held[rows, here] = np.where(swap, b, a)
        held[rows, there] = np.where(swap, a, b)
    return held


def _places(held: Ints) -> Ints:
    """Return the slot of each event, from the event of each slot."""
    places = np.empty_like(held)
    np.put_along_axis(places, held, np.arange(held.shape[1])[None], axis=1)
    return places


HYPOTHESES = ("one operator", "concert of different people", "independent people")
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


def max_log10_lr(p: float) -> float:
    """Return log10 of the greatest likelihood ratio that a p permits against independence.

    1 / (-e p ln p) for p < 1/e (Sellke, Bayarri & Berger 2001, The American Statistician 55:62),
    else 1. It is a bound, not an LR: what is really there may be worth much less.

    >>> round(max_log10_lr(0.05), 2), max_log10_lr(0.5)
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
    return math.nan if math.isnan(p) else max_log10_lr(p)


def _case(row: Mapping[Any, Any]) -> str:
    """Return which of the texts fits."""
    band = "" if pd.isna(row["band"]) else str(row["band"])
    one, apart = band.endswith(" for"), band.endswith(" against")
    if row["status"] != "ok":
        return "one insufficient" if one and not row["alibi"] else "insufficient"
    if row["p_adjusted"] > IN_CONCERT:
        if one:
            return "one alibi" if row["alibi"] else "one alone"
        return "none"
    if row["alibi"]:
        return "concert alibi"
    if one:
        return "one"
    return "concert" if apart else "either"
