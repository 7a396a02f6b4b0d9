"""Which case, and who else: one account against known operators, and everybody else counted.

Which case? An account that somebody asks about is laid beside operators who are known from earlier
cases, each by one account or several. An operator's likelihood ratio is the mean of those of its
accounts: were the account a further one of that operator, nobody knows which it would be like. It
is held at the bounds that its links are held at. An operator is named only where a link to one of
its accounts is flagged and that mean is no less than 1, which is "none of them"'s; else that is the
answer.

Who else? Accounts of the same pages are laid beside the nominated by the flag's own conditions.
They are counted; nobody is named who was not nominated. The same count says how often an account of
the same pages, known to be nobody's, would be given to one of these operators.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from sockgraph.errors import SockgraphError
from sockgraph.evidence.flagging import unmet
from sockgraph.evidence.model import LN10
from sockgraph.schema import links_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from sockgraph.evidence.scoring import PairScores
    from sockgraph.evidence.tables import ComparedCase, PairMeasurements


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


def counted(
    case: ComparedCase,
    found: PairMeasurements,
    verdict: PairScores,
    operators: Iterable[Sequence[str]] = (),
) -> dict[str, int] | None:
    """Count the reference accounts that stand as near to one of the nominated as a flag asks.

    By all that a flag asks of a link by itself, but for what groups say.

    Returns
    -------
    dict or None
        `reference` (accounts), `nominated` (those of them as near to any nominated account),
        `operators` (to any account of these). None in an open case, or where nothing is promised
        of a flag.
    """
    rows = np.flatnonzero(case.cast.nominated)
    columns = np.flatnonzero(case.cast.reference & ~case.cast.nominated)
    rule = verdict.rule
    if rule is None or not rule.promised or not len(rows) or not len(columns):
        return None
    near = _near(found, verdict, np.ix_(rows, columns))
    known = {user for users in operators for user in users}
    theirs = np.array([case.cast.users[row] in known for row in rows], dtype=bool)
    return {
        "reference": len(columns),
        "nominated": int(near.any(axis=0).sum()),
        "operators": int(near[theirs].any(axis=0).sum()),
    }


def _near(
    found: PairMeasurements,
    verdict: PairScores,
    cells: tuple[NDArray[np.int64], ...],
) -> NDArray[np.bool_]:
    """Return which of these pairs meet the conditions of a flag, groups apart."""
    rows, columns = np.broadcast_arrays(*cells)
    asked = verdict.flag_inputs(rows.ravel(), columns.ravel())
    if found.imitation is not None:
        copied = found.imitation.found | found.imitation.found.T
        asked["imitation"] = copied[rows, columns].ravel()
    missed = unmet(asked, verdict.rule).to_numpy(dtype=bool)
    return np.asarray(~missed.any(axis=1).reshape(rows.shape))
