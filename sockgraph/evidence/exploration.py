"""What if: a case judged again without something, to see what its numbers lean on.

Likenesses depend on the edits alone. They are measured once and kept in memory under a hash of what
they were measured on; without a signal, a family or an account the pairs are judged again by what
was kept. A week, a page or another window changes the edits, everybody's, so likeness is measured
anew, and kept too. An account that is left out still tells how common a word or a page is.

The result is an exploration: it names no edits, is written to no file, and says so.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd

from sockgraph.errors import SockgraphError
from sockgraph.evidence import tables
from sockgraph.evidence.comparison import CompiledCase, compile_case, find_traces, measure_all
from sockgraph.evidence.leave_out import omit_parts
from sockgraph.evidence.reliability import transfer
from sockgraph.evidence.scoring import score_pairs
from sockgraph.evidence.similarity import Likeness, normalize
from sockgraph.evidence.training import PseudoPairs
from sockgraph.runtime import Progress, silent
from sockgraph.signals import FAMILIES
from sockgraph.signals.corpus import page_titles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sockgraph.evidence.scoring import NullTest
    from sockgraph.evidence.settings import Comparison, ComparisonInput, KeptStore
    from sockgraph.signals import Signal

    Window = tuple[str | pd.Timestamp | None, str | pd.Timestamp | None]

KINDS = ("signal", "family", "account", "week", "page")
"""What can be left out: `signal:hours`, `family:text`, `account:NAME`, `week:2024-W05`."""
KEPT = 2
"""Cases, or windows of one, whose likenesses are held, the latest used."""
_kept: OrderedDict[str, _Seen] = OrderedDict()
_DAY, _WEEK = re.compile(r"\d{4}-\d{2}-\d{2}"), re.compile(r"\d{4}-W\d{2}")
T = TypeVar("T")


@dataclass(frozen=True)
class _Seen:
    """What the histories alone say; of `found`, only what has a null of its own."""

    ready: CompiledCase
    likenesses: tuple[Likeness, ...]
    found: tables.PairMeasurements


def what_if(
    given: ComparisonInput,
    *,
    without: Sequence[str] = (),
    window: Window | None = None,
    kept: KeptStore | None = None,
    progress: Progress = silent,
) -> Comparison:
    """Weigh a case's evidence without something, or within another window.

    Parameters
    ----------
    given, kept, progress
        As `compare` has them.
    without
        Things to leave out, as `omissions.omitted` writes them: see `KINDS`.
    window
        First and last day (whole) or moment of the edits to look at; None: no end.

    Returns
    -------
    Comparison
        Its `exploration` says what was left out; without edits, weeks and `held_out`.

    Raises
    ------
    SockgraphError
        If something to leave out is not in the case, or nothing would be left.
    """
    asked = _asked(without)
    accounts, background = given.accounts, given.background
    named = set(accounts.loc[accounts["role"] == "nominated", "user"])
    _refuse_unknown(asked, "family", set(FAMILIES))
    _refuse_unknown(asked, "account", named)
    _refuse_unknown(asked, "page", set(page_titles(given.edits)) if asked["page"] else set())
    _refuse_unknown(asked, "week", set(_weeks(given.edits)) if asked["week"] else set())
    given = replace(
        given,
        edits=_narrowed(given.edits, asked, window),
        background=None if background is None else _narrowed(background, asked, window),
    )
    key = replace(given, accepted_alibis=(), operators=()).digest()  # which histories do not tell
    if key not in _kept:
        _kept[key] = _seen(given, kept, progress)
    _kept.move_to_end(key)
    while len(_kept) > KEPT:
        _kept.popitem(last=False)
    left = _without_accounts(_kept[key], asked["account"])
    traces = left.found.extras
    signals: list[Signal | NullTest] = [*(one.signal for one in left.likenesses), *traces]
    _refuse_unknown(asked, "signal", {one.name for one in signals})
    gone = {s.name for s in signals if s.name in asked["signal"] or s.family in asked["family"]}
    if all(one.signal.name in gone for one in left.likenesses if one.support.any()):
        left_out = f"{window[0] or ''}/{window[1] or ''}" if window else ", ".join(without)
        said = "nothing is left to compare."
        raise SockgraphError(left_out, said, "Leave out less, or look at more days.")
    measured = [
        normalize(_muted(one) if one.signal.name in gone else one) for one in left.likenesses
    ]
    extras = [trace for trace in traces if trace.name not in gone]
    cast, found = left.ready.cast, replace(left.found, measured=measured, extras=extras)
    verdict = score_pairs(cast, measured, left.ready.splits, given.settings, progress)
    verdict = verdict.with_extras(extras).with_transfer(transfer(cast, left.ready.histories))
    case = tables.ComparedCase(
        left.ready.nominated, tuple(given.accepted_alibis), given.settings, cast
    )
    weighed = tables.build_tables(case, left.ready.histories, found, verdict)
    weighed = omit_parts(weighed, case, found, verdict)
    omitted = (
        *without,
        *([] if window is None else [f"window:{window[0] or ''}/{window[1] or ''}"]),
    )
    weighed.links.attrs["exploration"] = omitted
    return replace(weighed, exploration=omitted)


def _asked(without: Sequence[str]) -> dict[str, set[str]]:
    """Return what is left out, by kind."""
    asked: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for one in without:
        kind, _, name = one.partition(":")
        if kind not in KINDS or (kind == "week" and not _WEEK.fullmatch(name)):
            raise SockgraphError(
                one,
                f"what can be left out is one of {', '.join(KINDS)}, a colon, and its name.",
                "Write for example signal:hours, account:NAME or week:2024-W05.",
            )
        asked[kind].add(name)
    return asked


def _refuse_unknown(asked: dict[str, set[str]], kind: str, known: set[str]) -> None:
    for name in sorted(asked[kind] - known):
        some = ", ".join(sorted(known)[:8])
        raise SockgraphError(f"{kind}:{name}", f"the case has no such {kind}.", f"It has: {some}.")


def _narrowed(
    edits: pd.DataFrame, asked: dict[str, set[str]], window: Window | None
) -> pd.DataFrame:
    """Leave out pages, weeks, and what is outside a window."""
    kept = np.ones(len(edits), dtype=bool)
    if asked["page"]:
        kept &= ~page_titles(edits).isin(asked["page"]).to_numpy(dtype=bool)
    if asked["week"]:
        kept &= ~_weeks(edits).isin(asked["week"]).to_numpy(dtype=bool)
    first, last = window or (None, None)
    if first is not None:
        kept &= (edits["timestamp"] >= _moment(first)).to_numpy(dtype=bool)
    if last is not None:
        end = _moment(last)
        end += pd.Timedelta(days=1) if _DAY.fullmatch(str(last)) else pd.Timedelta(microseconds=1)
        kept &= (edits["timestamp"] < end).to_numpy(dtype=bool)
    return edits if kept.all() else edits[kept]


def _weeks(edits: pd.DataFrame) -> pd.Series:
    when = edits["timestamp"].dt.isocalendar()
    year, number = (when[part].astype("string") for part in ("year", "week"))
    weeks: pd.Series = year + "-W" + number.str.zfill(2)
    return weeks


def _moment(given: str | pd.Timestamp) -> pd.Timestamp:
    moment = pd.to_datetime(given, utc=True, errors="coerce")
    if pd.isna(moment):
        raise SockgraphError(
            given, "a window begins and ends with a time.", "Write it as 2024-05-31."
        )
    return pd.Timestamp(moment)


def _seen(given: ComparisonInput, kept: KeptStore | None, progress: Progress) -> _Seen:
    ready = compile_case(given)
    likenesses = measure_all(ready.histories, ready.splits, progress, kept, bags=False)
    raw = [replace(one, bag=None) for one in likenesses]
    everyone = np.ones(len(ready.cast.users), dtype=bool)
    found = find_traces(
        ready.histories, ready.cast, (given.incomplete, everyone), given.log_events, []
    )
    return _Seen(ready, tuple(raw), found)


def _muted(one: Likeness) -> Likeness:
    """Return a signal that says nothing of anybody."""
    return replace(
        one,
        pairs=np.full_like(one.pairs, np.nan),
        support=np.zeros_like(one.support),
        siblings=np.full_like(one.siblings, np.nan),
        halves=np.full_like(one.halves, np.nan),
    )


def _without_accounts(seen: _Seen, names: set[str]) -> _Seen:
    """Return the same without some accounts, in all arrays of pairs."""
    ready, n = seen.ready, len(seen.ready.cast.users)
    kept = np.flatnonzero(~np.isin(np.asarray(ready.cast.users, dtype=object), list(names)))
    nominated = tuple(user for user in ready.nominated if user not in names)
    if len(kept) == n:
        return replace(seen, ready=replace(ready, nominated=nominated))
    place = np.full(n, -1)
    place[kept] = np.arange(len(kept))
    splits = np.flatnonzero(place[ready.splits.owner] >= 0)
    first, second = (
        replace(half, owner=place[half.owner])
        for half in (side.take(splits) for side in (ready.splits.first, ready.splits.second))
    )
    cast = replace(
        _of_some(ready.cast, kept, n),
        users=tuple(ready.cast.users[i] for i in kept),
        person=np.unique(ready.cast.person[kept], return_inverse=True)[1],
    )
    imitation = seen.found.imitation
    nobody = np.zeros(0, dtype=np.int64)
    if imitation is not None:
        imitation = replace(_of_some(imitation, kept, n), pair=nobody, saves=nobody.reshape(0, 2))
    extras = [
        replace(_of_some(extra, kept, n), telling=lambda *_: nobody) for extra in seen.found.extras
    ]
    return _Seen(
        CompiledCase(
            cast,
            nominated,
            ready.histories.take(kept),
            PseudoPairs(first, second, ready.splits.stratum[splits]),
        ),
        tuple(one.among(kept, splits) for one in seen.likenesses),
        tables.PairMeasurements([], extras, _of_some(seen.found.alibi, kept, n), imitation),
    )


def _of_some(whole: T, kept: NDArray[np.int64], n: int) -> T:
    """Return a record of some accounts: its arrays of all of them, and of all pairs, cut."""
    cut = {}
    for name, value in vars(whole).items():
        if isinstance(value, np.ndarray) and value.shape == (n, n):
            cut[name] = value[np.ix_(kept, kept)]
        elif isinstance(value, np.ndarray) and value.shape == (n,):
            cut[name] = value[kept]
    return replace(whole, **cut)  # type: ignore[type-var]
