"""The flag rule, once: words for an interval, and what a link must have before people look at it.

Every number that the rule asks for, and every word that it gives, becomes a column of `links`:
`direction`, `band`, `families_for`, `eligible`, `flagged`, `reasons`. Reports, the desk, packets
and graph files read them; none decides again.

The promise behind a flag is that of a hundred innocent cases at most two carry any. A flag asks for
a standing (`model.standing`) that at most two of a hundred innocent cases of labelled
communities reach, where it is known who is who (`settings.STANDING`). The case's own reference is
then looked at: every reference account with as many others as were nominated, those whose pages are
most like its own, makes an innocent case, and it is said how many of them would carry a flag.
Nobody knows who is who there: the pairs behind those flags may be operators whom nobody has found.
Where there are more of them than of undetected operators anywhere (`settings.CROWDED`), people are
alike here, and the standing asked for rises until there are not.

Which case? An account that somebody asks about is laid beside operators who are known from earlier
cases, each by one account or several. An operator's likelihood ratio is the mean of those of its
accounts: were the account a further one of that operator, nobody knows which it would be like. It
is held at the bounds that its links are held at. An operator is named only where a link to one of
its accounts is flagged and that mean is no less than 1, which is "none of them"'s; else that is the
answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from sockgraph.errors import SockgraphError
from sockgraph.evidence.model import LN10
from sockgraph.evidence.settings import CROWDED, EXPECTED_FALSE, FEWEST_CASES, STANDING
from sockgraph.schema import WORDS, links_of, validate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from sockgraph.evidence.scoring import AccountIndex
    from sockgraph.schema import Scores

LEAST = float(np.log10(2))
"""ENFSI has no word for less: an LR from 1 to 2 does not separate."""
FAMILIES = 2
"""Families that must each speak for one operator: one habit alone may be a community's."""
REASONS = {
    "insufficient": "too few edits",
    "uncalibrated": "nothing is calibrated",
    "promise": "the reference is too small to promise anything of a flag",
    "declared": "declared by the accounts themselves",
    "alibi": "a reviewer accepted that both worked at the same time",
    "imitation": "one of the two may be imitating the other",
    "log10_lr": "log10 LR: {had}, asked {asked}",
    "families": "families that each speak for one operator: {had}, asked {asked}",
    "standing": "stands out by {had}, asked more than {asked}",
    "score": "score: {had}, asked more than {asked}",
    "outside": "an account outside the nominated is liker: score {asked}, here {had}",
    "apart": "the ledger keeps the two apart",
    "group": "not together in a group",
}
"""What `links.reasons` says of each condition that is not met, in this order."""


@dataclass(frozen=True)
class FlagRule:
    """The numbers that a flag asks of a link.

    Attributes
    ----------
    standing
        How far it must stand out; what it must exceed.
    log10_lr
        What the log10 LR must reach.
    score
        What the unbounded score must exceed; −∞ where nothing is asked of it.
    promised
        Whether the reference is large enough for `standing` to keep a promise.
    """

    standing: float
    log10_lr: float
    score: float = float("-inf")
    promised: bool = True


def band(low: float, high: float) -> str:
    """Return the words for an interval: those of its end nearer zero.

    >>> band(1.2, 2.5), band(-0.3, 1.0), band(-2.4, -0.4), band(0.2, 1.8)
    ('moderately for', 'does not separate', 'weakly against', 'does not separate')
    """
    near = max(low, -high)
    if not near >= LEAST:
        return "does not separate"
    word = WORDS[min(int(np.floor(near)), len(WORDS) - 1)]
    return f"{word} {'for' if low > 0 else 'against'}"


def bands(
    known: NDArray[np.bool_],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    *,
    calibrated: bool,
) -> list[str]:
    """Return the words for each pair's interval, or why there are none."""
    words = map(band, low, high) if calibrated else repeat("not calibrated", len(known))
    return [w if at else "insufficient" for at, w in zip(known, words, strict=True)]


def direction(words: str) -> str:
    """Return which way a band speaks: `for`, `against` or `neither`.

    >>> direction("weakly for"), direction("strongly against"), direction("does not separate")
    ('for', 'against', 'neither')
    """
    side = words.rpartition(" ")[2]
    return side if side in {"for", "against"} else "neither"


def unmet(pairs: pd.DataFrame, rule: FlagRule | None) -> pd.DataFrame:
    """Return which conditions of a flag each pair misses, a column each, by itself: no group yet.

    Parameters
    ----------
    pairs
        `score`, `standing`, `log10_lr`, `n_families` (those that each speak for one operator),
        `declared`, `accepted` (its alibi), `imitation`, `outside` (the highest score that either
        account has with an account outside the nominated; null where there is none).
    rule
        What is asked; None where nothing is calibrated.
    """
    said = pairs["score"].notna().to_numpy()
    missed = {
        "insufficient": ~said,
        "uncalibrated": said & (rule is None),
        "declared": pairs["declared"].to_numpy(bool),
        "alibi": pairs["accepted"].to_numpy(bool),
        "imitation": pairs["imitation"].to_numpy(bool),
    }
    if rule is not None:
        score = pairs["score"].to_numpy(float)
        missed |= {
            "log10_lr": said & ~(pairs["log10_lr"].to_numpy(float) >= rule.log10_lr),
            "families": said & (pairs["n_families"].to_numpy() < FAMILIES),
            "promise": said & (not rule.promised),
            "standing": said & rule.promised & ~(pairs["standing"].to_numpy(float) > rule.standing),
            "score": said & rule.promised & ~(score > rule.score),
            "outside": said & (pairs["outside"].to_numpy(float) >= score),
        }
    return pd.DataFrame(missed)


def reasons(pairs: pd.DataFrame, missed: pd.DataFrame, rule: FlagRule | None) -> list[list[str]]:
    """Return each pair's unmet conditions in words, with what was asked and what was had."""
    asked: dict[str, tuple[str, Any]] = {
        "log10_lr": ("log10_lr", np.nan if rule is None else rule.log10_lr),
        "families": ("n_families", FAMILIES),
        "standing": ("standing", np.nan if rule is None else rule.standing),
        "score": ("score", np.nan if rule is None else rule.score),
        "outside": ("score", pairs["outside"]),
    }
    said: list[list[str]] = [[] for _ in range(len(pairs))]
    for name in map(str, missed):
        rows = np.flatnonzero(missed[name])
        words = REASONS[name]
        if name in asked:
            column, wanted = asked[name]
            had = pairs[column].to_numpy()[rows]
            needed = np.broadcast_to(wanted, len(pairs))[rows]
            for row, h, n in zip(rows, had, needed, strict=True):
                said[row].append(words.format(had=_said(h), asked=_said(n)))
        else:
            for row in rows:
                said[row].append(words)
    return said


def _said(number: float) -> str:
    """Write a number as people read it; a count as a count."""
    if pd.isna(number):
        return "none"
    whole = isinstance(number, (int, np.integer))
    return str(number) if whole else f"{number:.2f}".replace("-", "−")


def flag(
    scores: Scores | pd.DataFrame,
    groups: pd.DataFrame,
    *,
    cannot_links: Iterable[tuple[str, str]] = (),
) -> pd.DataFrame:
    """Say which links people should look at, and of every other one why not.

    A link is flagged if it is eligible by itself (`unmet` finds nothing) and a group of the
    clustering holds both accounts. A flag asks people to look; it says nothing else.

    Parameters
    ----------
    scores
        What `compare` returned, or its `links`.
    groups
        What `cluster` returned: `user, cluster_id`, null for whoever is alone.
    cannot_links
        Pairs that the ledger keeps apart.

    Returns
    -------
    DataFrame
        The `links` table with `flagged`, `reasons` (empty for a flagged link) and `state`.

    Raises
    ------
    SockgraphError
        If these are not links and groups.

    Examples
    --------
    >>> import sockgraph as sg
    >>> scores = sg.compare(edits, nominated=["Alder Tollgate", "Quillmoss", "芦汀客"])
    >>> links = sg.flag(scores, sg.cluster(sg.to_graph(scores)))
    >>> bool((links["flagged"] == (links["reasons"].map(len) == 0)).all())
    True
    """
    links = links_of(scores, ("user_a", "user_b", "log10_lr", "eligible", "reasons"))
    if not isinstance(groups, pd.DataFrame) or not {"user", "cluster_id"} <= set(groups):
        raise SockgraphError(
            f"groups ({type(groups).__name__})",
            "they are a table with the columns user and cluster_id.",
            "Give what sg.cluster(graph) returned.",
        )
    number = groups.set_index("user")["cluster_id"]
    of_a, of_b = (links[side].map(number) for side in ("user_a", "user_b"))
    together = (of_a == of_b).fillna(value=False).to_numpy(bool)
    kept = {tuple(sorted(pair)) for pair in cannot_links}
    apart = [pair in kept for pair in zip(links["user_a"], links["user_b"], strict=True)]
    flagged = links["eligible"].to_numpy(bool) & together & ~np.array(apart, dtype=bool)
    speaks = links["log10_lr"].notna().to_numpy()
    beside = [
        [REASONS[name] for name, holds in (("apart", a), ("group", s and not t)) if holds]
        for a, s, t in zip(apart, speaks, together, strict=True)
    ]
    own = [[r for r in said if r not in _OF_GROUPS] for said in links["reasons"]]
    state = np.where(flagged, "flagged", "none")
    told = [o + b for o, b in zip(own, beside, strict=True)]
    why = pd.Series(told, index=links.index, dtype=object)
    return validate("links", links.assign(flagged=flagged, reasons=why, state=state))


_OF_GROUPS = (REASONS["apart"], REASONS["group"])


def declared_pairs(users: Sequence[str], declared: Sequence[Sequence[str]]) -> NDArray[np.bool_]:
    """Return which pairs are declared to be one operator's, (users, users)."""
    same = np.zeros((len(users), len(users)), dtype=bool)
    for names in declared:
        listed = np.isin(np.asarray(users, dtype=object), list(names))
        same |= listed[:, None] & listed[None, :]
    return same


def families_for(
    contributions: NDArray[np.float64], families: Sequence[str], least: float
) -> dict[str, NDArray[np.bool_]]:
    """Return, of each family, for which pairs it speaks for one operator.

    Parameters
    ----------
    contributions
        (…, signals) of those signals that may carry a flag: none with a null of its own.
    families
        (signals,).
    least
        What the family's contributions must add up to, beside being above zero.
    """
    names = np.asarray(families, dtype=object)
    summed = {f: contributions[..., names == f].sum(axis=-1) for f in dict.fromkeys(families)}
    return {f: (total > 0) & (total >= least) for f, total in summed.items()}


def high_quantile(values: NDArray[np.float64], share: float) -> float:
    """Return the value that only `share` of the different pairs exceed, by an exponential tail.

    The tail is fitted between the 95th and the 99th hundredth, so that a few undetected socks
    beyond do not lift it.
    """
    if not len(values):
        return float("nan")
    near, far = np.quantile(values, [0.95, 0.99])
    scale = max(far - near, 1e-9) / np.log(5)
    return float(far + scale * np.log(0.01 / share))


@dataclass(frozen=True)
class FlagThreshold:
    """What a flag of this case rests on.

    Attributes
    ----------
    threshold
        The standing that a flag must exceed; null where no promise can be kept.
    cases, flagged
        Innocent cases drawn from the reference, and those of them that would carry a flag; none in
        an open case.
    pairs
        The pairs behind these flags: people who are alike, or operators whom nobody has found.
    score, expected
        In an open case: the score that a flag must exceed too, and how many false flags are then
        expected; null in any other.
    reason
        Why nothing can be flagged; null where something can.
    """

    threshold: float | None
    cases: int = 0
    flagged: int = 0
    pairs: int = 0
    score: float | None = None
    expected: float | None = None
    reason: str | None = None


def flag_threshold(
    standing: NDArray[np.float64],
    near: NDArray[np.float64],
    cast: AccountIndex,
    different: NDArray[np.float64],
) -> FlagThreshold:
    """Find the standing that a flag must exceed, and in an open case the score.

    Parameters
    ----------
    standing
        (users, users) of pairs that have all else that a flag asks of a number, −∞ of others; see
        `model.standing`.
    near
        (users, users) how alike their pages are.
    cast
        Who is nominated, and who is reference.
    different
        (pairs,) scores of different reference pairs.
    """
    named = int(cast.nominated.sum())
    if (cast.nominated == cast.reference).all():  # an open case: everybody with everybody
        share = EXPECTED_FALSE / max(named * (named - 1) / 2, 1)
        asked = high_quantile(different, share)
        return FlagThreshold(STANDING, score=asked, expected=EXPECTED_FALSE)
    members = np.flatnonzero(cast.reference)
    if len(members) < FEWEST_CASES:
        return FlagThreshold(
            None,
            reason=f"{len(members)} reference accounts make as many innocent cases; at least"
            f" {FEWEST_CASES} are needed to promise anything of a flag",
        )
    cells = np.ix_(members, members)
    among = np.where(np.isnan(standing[cells]), -np.inf, standing[cells])
    person = cast.person[members]
    among[person[:, None] == person[None, :]] = -np.inf
    best, pair = highest_innocent(among, near[cells], min(max(named, 2), len(members)))
    of_pair = np.sort(best[np.unique(pair, return_index=True)[1]])[::-1]
    enough = int(CROWDED * len(members))
    threshold = max([STANDING, *of_pair[enough : enough + 1].tolist()])
    passed = best > threshold
    return FlagThreshold(threshold, len(members), int(passed.sum()), len(np.unique(pair[passed])))


def highest_innocent(
    standing: NDArray[np.float64], alike: NDArray[np.float64], size: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the highest standing in each account's innocent case of `size`, and whose it is.

    Returns
    -------
    best, pair
        (accounts,) the standing, and a number of the pair that has it.
    """
    order = alike.copy()
    np.fill_diagonal(order, np.inf)
    apart = np.triu(standing, 1) + np.tril(np.full(standing.shape, -np.inf))
    n = len(standing)
    cases = np.sort(np.argsort(-order, axis=1, kind="stable")[:, :size], axis=1)
    best, pair = np.empty(n), np.empty(n, dtype=np.int64)
    for i, case in enumerate(cases):  # one at a time: of 200 accounts each holds 40,000 numbers
        cells = apart[np.ix_(case, case)]
        first, second = np.unravel_index(cells.argmax(), cells.shape)
        best[i], pair[i] = cells[first, second], case[first] * n + case[second]
    return best, pair


def which_case(links: pd.DataFrame, operators: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Say of every account that is no known operator's which of them it may be, or none of them.

    Parameters
    ----------
    links
        What `flag` returned.
    operators
        By a name for each operator, its accounts; all of them were compared. Their order says
        nothing.

    Returns
    -------
    DataFrame
        `user`, `operator` (null: none of them), `log10_lr` (against none of them, whose own is 0;
        null where nothing can be said), `score` (ranks where bounds are reached; no LR), `given`
        (whether this is the answer; null where there are too few edits, or nothing is calibrated).
        The answer comes first, then the others, the nearest first. More than one operator may be
        given.

    Raises
    ------
    SockgraphError
        If these are not flagged links, or an account was not compared or is two operators'.

    Examples
    --------
    >>> import sockgraph as sg
    >>> scores = sg.compare(edits, nominated=["Alder Tollgate", "Quillmoss", "芦汀客"])
    >>> links = sg.flag(scores, sg.cluster(sg.to_graph(scores)))
    >>> found = sg.which_case(links, {"the toll case": ["Quillmoss"]})
    >>> found.groupby("user").size().to_dict()
    {'Alder Tollgate': 2, '芦汀客': 2}
    """
    links = links_of(links, ("user_a", "user_b", "score", "log10_lr", "flagged"))
    compared = {*links["user_a"], *links["user_b"]}
    _refuse(operators, compared)
    owner = {user: name for name, users in operators.items() for user in users}
    columns = ["user", "operator", "log10_lr", "score", "given"]
    sides = [
        links.assign(user=links[here], operator=links[there].map(owner))
        for here, there in (("user_a", "user_b"), ("user_b", "user_a"))
    ]
    met = pd.concat(sides).dropna(subset="operator")
    met = met[~met["user"].isin(owner)]
    if met.empty:
        return pd.DataFrame(columns=columns)
    by = met.groupby(["user", "operator"])
    found = pd.DataFrame(
        {name: by[name].agg(_mean_ratio) for name in ("log10_lr", "score")}
        | {"given": by["flagged"].any().astype("boolean")}
    ).reset_index()
    found["given"] &= ~(found["log10_lr"] < 0)  # one flagged link among many that contradict
    none = found.groupby("user").agg(lr=("log10_lr", "max"), given=("given", "any")).reset_index()
    heard = none["lr"].notna()  # without a number nobody is "none of them"
    none = none.assign(
        operator=None,
        log10_lr=np.where(heard, 0.0, np.nan),
        given=(~none["given"]).where(heard),
        score=np.nan,
    )
    silent = found["user"].isin(none.loc[~heard, "user"])
    found["given"] = found["given"].mask(silent)
    every = pd.concat([found.astype({"operator": object}), none[columns]], ignore_index=True)
    order = ["user", "given", "log10_lr", "score", "operator"]
    up = [True, False, False, False, True]
    return every.sort_values(order, ascending=up, ignore_index=True)[columns]


def _mean_ratio(values: pd.Series) -> float:
    """Return log10 of the mean of what these are the log10 of; NaN where none is known."""
    known = values.dropna().to_numpy(dtype=float) * LN10
    return float(logsumexp(known) - np.log(len(known))) / LN10 if len(known) else float("nan")


def _refuse(operators: Mapping[str, Sequence[str]], compared: set[str]) -> None:
    named = [user for users in operators.values() for user in users]
    for user in named:
        if user not in compared:
            raise SockgraphError(user, "it was not compared.", "Nominate it, and compare again.")
        if named.count(user) > 1:
            raise SockgraphError(user, "it is given twice to an operator.", "Give it once.")
