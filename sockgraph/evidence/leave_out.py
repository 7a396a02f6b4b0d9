"""What a pair's log10 LR would be without a signal, a family, or what both did in one week.

Without a week, calibrated signals are measured again on both histories, against the same community.
Models, rivals, the place among the community, traces with a null of their own and the
width of the interval stay as they were: a week changes them little. Looked at are the `PAIRS` pairs
that are eligible for a flag, then those that score highest, and of each the `WEEKS` weeks that hold
most of the edits that moved it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sockgraph.evidence import tables
from sockgraph.evidence.flagging import families_for, unmet
from sockgraph.evidence.scoring import at_pairs
from sockgraph.evidence.similarity import surprise
from sockgraph.runtime import Progress, silent
from sockgraph.schema import subject_of, validate
from sockgraph.signals.corpus import DAY, Histories, hash_arrays, revision_keys
from sockgraph.signals.vectors import TermVectors, similarity, term_vectors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from sockgraph.evidence.scoring import AccountIndex, PairScores
    from sockgraph.evidence.settings import Comparison, KeptStore
    from sockgraph.evidence.similarity import Similarity
    from sockgraph.evidence.tables import ComparedCase, PairMeasurements

PAIRS, WEEKS = 40, 5
SAVES = 1 << 20
"""Saves that are looked at together: each pair's histories are held once a week."""
WEEK = 7 * DAY
NEVER = 1 << 32
"""No week: so many are some eighty million years."""
MONDAY = 3 * DAY
"""1970 began on a Thursday: so many seconds before it, its ISO week did."""


@dataclass(frozen=True)
class _Left:
    """Pairs without a week: places of the accounts in the cast, and the week."""

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    week: NDArray[np.int64]


def omit_parts(
    weighed: Comparison, case: ComparedCase, found: PairMeasurements, verdict: PairScores
) -> Comparison:
    """Add what the shown pairs' log10 LR would be without each signal and each family.

    And whether they would still be eligible: rivals are looked at without it too.
    """
    pairs, shown = tables.nominated_pairs(case), tables.shown_pairs(weighed.links)
    if verdict.bounds is None or not len(shown):
        return weighed
    links = weighed.links.iloc[shown]
    a, b = pairs.row[shown], pairs.column[shown]
    some = tables.NominatedPairs(pairs.a[shown], pairs.b[shown], a, b)
    asked, rule = tables.flag_inputs(case, links, verdict), verdict.rule
    families = [m.signal.family for m in found.measured]
    added = np.nan_to_num(verdict.contributions)
    traces = np.zeros((len(found.extras), *added.shape[:-1]))  # none where a question omits them
    for trace, extra in zip(traces, found.extras, strict=True):
        trace[...] = np.nan_to_num(extra.log10_lr)
    own = np.moveaxis(traces, 0, -1)
    ends = at_pairs(verdict.below, a, b), at_pairs(verdict.above, a, b)
    subject = [subject_of(*pair) for pair in zip(links["user_a"], links["user_b"], strict=True)]
    rows = []
    for omitted, here in _left_out(found):
        seen, told = here[here < len(families)], here[here >= len(families)] - len(families)
        less = added[..., seen].sum(axis=-1)
        carrying = verdict.carrying - less - np.minimum(own[..., told], 0).sum(axis=-1)
        plain = at_pairs(verdict.plain - less, a, b)
        left = verdict.log10_lr_at(plain, a, b)
        left -= at_pairs(own[..., told].sum(axis=-1), a, b)
        low, middle, _ = verdict.interval(left, *ends)
        kept = np.setdiff1d(np.arange(len(families)), seen)
        speak = families_for(
            at_pairs(added, a, b)[:, kept],
            [families[j] for j in kept],
            case.settings.family_log10_lr,
        )
        positive = np.maximum(np.delete(own, told, axis=-1), 0).sum(axis=-1)
        changed = asked.assign(
            score=at_pairs(carrying, a, b),
            outside=tables.outside(case, some, carrying),
            standing=at_pairs(verdict.stand_out(carrying), a, b),
            log10_lr=verdict.bounds.clip(left - at_pairs(positive, a, b)),
            n_families=np.sum(list(speak.values()), axis=0) if speak else 0,
        )
        rows.append(
            pd.DataFrame(
                {
                    "subject": subject,
                    "omitted": omitted,
                    "log10_lr": middle,
                    "log10_lr_low": low,
                    "eligible": ~unmet(changed, rule).to_numpy().any(axis=1),
                    "co_membership": np.nan,
                }
            )
        )
    return replace(weighed, omissions=validate("omissions", pd.concat(rows, ignore_index=True)))


def _left_out(found: PairMeasurements) -> list[tuple[str, NDArray[np.int64]]]:
    named = [(m.signal.name, m.signal.family) for m in found.measured]
    named += [(e.name, e.family) for e in found.extras]
    parts = [(f"signal:{name}", np.array([j])) for j, (name, _) in enumerate(named)]
    for family in dict.fromkeys(family for _, family in named):
        here = np.array([j for j, (_, other) in enumerate(named) if other == family])
        parts.append((f"family:{family}", here))
    return parts


def omit_weeks(  # noqa: PLR0917 - one stage's parts
    weighed: Comparison,
    case: ComparedCase,
    seen: tuple[Histories, list[Similarity]],
    verdict: PairScores,
    kept: KeptStore | None = None,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Return `omissions` with rows for weeks added, `week:2024-W05`.

    Parameters
    ----------
    weighed
        Its `links` say which pairs are looked at, its `evidence` which edits moved them.
    case
        Who is compared, and what a flag needs.
    seen
        Histories of the cast, and the calibrated signals on them.
    kept
        Where what is measured without a week is kept, if anywhere.
    progress
        Told of every step.
    """
    histories, measured = seen
    asked = _asked(weighed, case.cast)
    if verdict.bounds is None:
        asked = asked[:0]
    which, week = _telling_weeks(histories, asked["rev_ids"])
    if not len(which):
        if kept is not None:
            kept.room("weeks", 0)  # what was kept is of other edits
        return weighed.omissions
    chosen = asked.iloc[which]
    left = _Left(chosen["row"].to_numpy(), chosen["column"].to_numpy(), week)
    then = _without_weeks(histories, measured, left, kept, progress)
    added = _contributions_without(then, measured, verdict, left)
    before = np.nan_to_num(verdict.contributions[left.a, left.b])
    changed = added.sum(axis=1) - before.sum(axis=1)
    said = verdict.log10_lr_at(verdict.plain[left.a, left.b] + changed, left.a, left.b)
    ends = verdict.below[left.a, left.b], verdict.above[left.a, left.b]
    low, middle, _ = verdict.interval(said, *ends)
    subjects = zip(chosen["user_a"], chosen["user_b"], strict=True)
    frame = pd.DataFrame(
        {
            "subject": [subject_of(*pair) for pair in subjects],
            "omitted": [f"week:{_label(w)}" for w in week],
            "log10_lr": middle,
            "log10_lr_low": low,
            "eligible": _eligible(weighed, case, (chosen, measured), verdict, (added, changed)),
            "co_membership": np.nan,
        }
    )
    return validate("omissions", pd.concat([weighed.omissions, frame], ignore_index=True))


def _eligible(  # noqa: PLR0917 - one question's parts
    weighed: Comparison,
    case: ComparedCase,
    of: tuple[pd.DataFrame, list[Similarity]],
    verdict: PairScores,
    now: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> pd.Series:
    """Return which pairs would be eligible still; what other pairs score stays as it was.

    Null of pairs that are not eligible anyway: it is not asked of them.
    """
    chosen, measured = of
    added, changed = now
    pair = ["user_a", "user_b"]
    links = chosen[pair].merge(weighed.links, on=pair, how="left")
    asked = tables.flag_inputs(case, links, verdict)
    speak = families_for(
        np.nan_to_num(added), [m.signal.family for m in measured], case.settings.family_log10_lr
    )
    a, b = chosen["row"].to_numpy(), chosen["column"].to_numpy()
    said = verdict.log10_lr_at(verdict.plain[a, b] + changed, a, b)
    beside = verdict.score[a, b] - verdict.carrying[a, b]
    stake = links["eligible"].to_numpy(bool)
    standing = [
        _standing(verdict, *of) if at else np.nan
        for at, *of in zip(stake, a, b, changed, strict=True)
    ]
    again = asked.assign(
        score=asked["score"] + changed,
        standing=standing,
        log10_lr=said - beside if verdict.bounds is None else verdict.bounds.clip(said - beside),
        n_families=np.sum(list(speak.values()), axis=0),
    )
    met = ~unmet(again, verdict.rule).to_numpy().any(axis=1)
    return pd.Series(met, dtype="boolean").where(stake)


def _standing(verdict: PairScores, a: int, b: int, changed: float) -> float:
    """Return how far a pair stands out with its own score changed: its group changes with it."""
    scores = verdict.carrying.copy()
    scores[a, b] += changed
    scores[b, a] = scores[a, b]
    return float(verdict.stand_out(scores)[a, b])


def _asked(weighed: Comparison, cast: AccountIndex) -> pd.DataFrame:
    """Return the pairs that are looked at: `user_a, user_b, row, column, rev_ids`."""
    place = {user: i for i, user in enumerate(cast.users)}
    pair = ["user_a", "user_b"]
    links = weighed.links.dropna(subset=["score"])
    first = links.sort_values(["eligible", "score", *pair], ascending=[False, False, True, True])
    first = first.head(PAIRS)[pair]
    near = weighed.evidence[weighed.evidence["user_a"].isin(first["user_a"])]
    moved = near.merge(first, on=pair).groupby(pair)["rev_ids"].sum()
    return first.assign(
        row=first["user_a"].map(place),
        column=first["user_b"].map(place),
        rev_ids=moved.reindex(pd.MultiIndex.from_frame(first)).to_numpy(),
    ).reset_index(drop=True)


def _telling_weeks(
    histories: Histories, rev_ids: pd.Series
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs and weeks: of each pair those that hold most of its edits."""
    corpus = histories.corpus
    named = pd.DataFrame({"pair": np.arange(len(rev_ids)), "edit": rev_ids.tolist()})
    named = named.explode("edit").dropna()
    key = revision_keys(corpus.frame)
    here = key.isin(set(named["edit"])).to_numpy()
    week_of = dict(zip(key[here], _week(corpus.seconds[corpus.save[here]]), strict=True))
    named["week"] = named["edit"].map(week_of)
    counts = named.groupby(["pair", "week"]).size().rename("n").reset_index()
    counts = counts.sort_values(["pair", "n", "week"], ascending=[True, False, True])
    kept = counts.groupby("pair").head(WEEKS)
    return kept["pair"].to_numpy(dtype=np.int64), kept["week"].to_numpy(dtype=np.int64)


def _parts(left: _Left, histories: Histories) -> Iterator[_Left]:
    """Cut the rows into stretches of at most `SAVES` saves, or of one row."""
    saves = histories.n_saves[left.a] + histories.n_saves[left.b]
    part = np.zeros(len(saves), dtype=np.int64)
    held = 0
    for row, more in enumerate(saves.tolist()):
        new = held > 0 and held + more > SAVES
        held = more if new else held + more
        part[row:] += new
    for rows in (part == n for n in range(part[-1] + 1)):
        yield _Left(left.a[rows], left.b[rows], left.week[rows])


def _week(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.floor((seconds + MONDAY) / WEEK).astype(np.int64)


def _label(week: int) -> str:
    year, number, _ = pd.Timestamp(week * WEEK - MONDAY, unit="s").isocalendar()
    return f"{year}-W{number:02d}"


def _leave_out(
    histories: Histories, left: _Left
) -> tuple[Histories, NDArray[np.int64], NDArray[np.int64]]:
    """Return the histories without a week, each once, and which of them are each row's sides.

    Who did nothing in a week is the same without it: one history for all such weeks.
    """
    starts = np.searchsorted(histories.unit, np.arange(histories.n_units + 1))
    of_save = _week(histories.corpus.seconds[histories.saves])
    side, week = np.concatenate([left.a, left.b]), np.tile(left.week, 2)
    worked = np.isin(side * NEVER + week, histories.unit * NEVER + of_save)
    sides = np.stack([side, np.where(worked, week, NEVER)])
    (units, weeks), which = np.unique(sides, axis=1, return_inverse=True)
    rows = [np.arange(starts[u], starts[u + 1]) for u in units]
    kept = [r[of_save[r] != w] for r, w in zip(rows, weeks, strict=True)]
    unit = np.repeat(np.arange(len(units)), [len(r) for r in kept])
    shortened = Histories(histories.corpus, histories.saves[np.concatenate(kept)], unit, units)
    first, second = which.reshape(2, -1)
    return shortened, first, second


def _without_weeks(  # noqa: PLR0917 - one question's parts
    histories: Histories,
    measured: list[Similarity],
    left: _Left,
    kept: KeptStore | None,
    progress: Progress,
) -> NDArray[np.float64]:
    """Return, (rows, signals), the surprises without the weeks, measured or kept."""
    sides = [histories.saves, histories.unit, left.a, left.b, left.week]
    key = "" if kept is None else hash_arrays(histories.corpus.digest, sides)
    found = None if kept is None else kept.read("weeks", key)
    if found is not None:
        return found["surprise"]
    again = []
    for step, one in enumerate(measured):
        progress("weeks left out", step, len(measured))
        again.append(_measured_again(one, histories, left))
    progress("weeks left out", len(measured), len(measured))
    then = np.column_stack(again)
    if kept is not None and kept.room("weeks", then.nbytes):
        kept.write("weeks", key, {"surprise": then})
    return then


def _contributions_without(
    then: NDArray[np.float64], measured: list[Similarity], verdict: PairScores, left: _Left
) -> NDArray[np.float64]:
    """Return, (rows, signals), what signals add without the weeks; NaN: nothing can be said."""
    model = verdict.facts["model"]
    now = np.column_stack([m.pairs[left.a, left.b] for m in measured])
    told = model.contributions(now)
    fused = verdict.contributions[left.a, left.b]
    slope = (fused * told).sum(axis=1) / np.maximum((told**2).sum(axis=1), 1e-12)
    added = slope[:, None] * model.contributions(then)
    added[np.isnan(then).all(axis=1)] = np.nan
    return np.asarray(added)


def _measured_again(one: Similarity, histories: Histories, left: _Left) -> NDArray[np.float64]:
    """Return the surprise between the two shortened histories, as `measure` finds a pair's."""
    if one.bag is None:
        return np.full(len(left.week), np.nan)
    weighting, needed = one.signal.weighting, one.signal.needed
    crowd = term_vectors(one.bag, histories, weighting)
    counts = crowd.amount >= needed
    everyone = np.arange(histories.n_units)
    alone = np.zeros((len(left.week), 1), dtype=bool)
    found = []
    for part in _parts(left, histories):
        shortened, *sides = _leave_out(histories, part)
        less = term_vectors(one.bag, shortened, weighting)
        heard = less.amount >= needed
        sibling = _siblings(less, part, sides)
        sibling[~(heard[sides[0]] & heard[sides[1]])] = np.nan
        known = np.where(counts, similarity(less, crowd), np.nan)
        pair = (everyone == part.a[:, None]) | (everyone == part.b[:, None])
        told = [
            surprise(sibling[:, None], np.where(pair, np.nan, known[side]), alone[: len(sibling)])
            for side in sides
        ]
        found.append((told[0] + told[1])[:, 0] / 2)
    return np.concatenate(found)


def _siblings(
    less: TermVectors, left: _Left, sides: Sequence[NDArray[np.int64]]
) -> NDArray[np.float64]:
    """Return each row's similarity between its two sides, those of one pair compared together."""
    new = np.flatnonzero(np.diff(left.a, prepend=-1) | np.diff(left.b, prepend=-1))
    found = []
    for rows in np.split(np.arange(len(left.a)), new[1:]):
        units, place = zip(
            *(np.unique(side[rows], return_inverse=True) for side in sides), strict=True
        )
        found.append(similarity(*map(less.take, units))[place])
    return np.concatenate(found)
