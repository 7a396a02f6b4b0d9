"""Interaction: talking to each other, and thanking each other.

Two people of one community talk; an operator seldom talks to their own other account, and sometimes
stages it. Days on which either writes on the other's talk page, k, are set against what follows
from how much each writes on others' talk pages and is written to, e:

    LR = times^k · exp((1 − times) · e),  times = `RARER`.

No source at hand has both talk pages and known operators: held at log10 LR `trace.UNPROVEN`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sockgraph.signals.corpus import DAY
from sockgraph.signals.nulls import UNPROVEN, Trace, first_of, held, poisson_lr

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from sockgraph.signals.corpus import Histories

USER_TALK = 3
RARER = 0.5
LEAST, SEEN = 1.0, 2
"""Expected days, or days seen, from which on something is said."""
TOLD = 4


def find_talk(histories: Histories, users: Sequence[str]) -> Trace | None:
    """Count days on which units write on each other's talk pages; None where there are none.

    Parameters
    ----------
    users
        (units,) the accounts' names.
    """
    corpus = histories.corpus
    edits = np.flatnonzero(corpus.namespace == USER_TALK)
    if not len(edits):
        return None
    unit = np.full(corpus.n_saves, -1)
    unit[histories.saves] = histories.unit
    whose = corpus.frame["title"].iloc[edits].astype("string").str.split(":", n=1).str[-1]
    to = _places(whose.str.split("/", n=1).str[0].str.replace("_", " "), users)
    save = corpus.save[edits]
    day = np.floor(corpus.seconds[save] / DAY).astype(np.int64)
    return _trace(np.column_stack([unit[save], to, day]), save, len(users))


def find_thanks(
    histories: Histories, users: Sequence[str], log_events: pd.DataFrame
) -> Trace | None:
    """Count days on which units thank each other; None where the source has no thanks."""
    thanks = log_events[log_events["type"] == "thanks"]
    if thanks.empty:
        return None
    target = thanks["target"].astype("string").str.split(":", n=1).str[-1].str.replace("_", " ")
    at = thanks["timestamp"].astype("datetime64[us, UTC]").astype("int64").to_numpy() / 1e6
    day = np.floor(at / DAY).astype(np.int64)
    who, to = _places(thanks["actor"].astype("string"), users), _places(target, users)
    return _trace(np.column_stack([who, to, day]), None, histories.n_units)


def _places(names: pd.Series, users: Sequence[str]) -> NDArray[np.int64]:
    place = {user: i for i, user in enumerate(users)}
    return np.asarray(names.map(place).fillna(-1), dtype=np.int64)


def _trace(said: NDArray[np.int64], save: NDArray[np.int64] | None, n: int) -> Trace:
    """Weigh (entries, 3) who addressed whom on which day; -1: somebody else."""
    keep = (said[:, 0] >= 0) & (said[:, 0] != said[:, 1])
    once = np.unique(said[keep], axis=0)
    seen = np.zeros((n, n))
    known = once[once[:, 1] >= 0]
    np.add.at(seen, (known[:, 0], known[:, 1]), 1)
    writes = np.bincount(once[:, 0], minlength=n)
    expected = writes[:, None] * seen.sum(axis=0)[None, :] / max(len(once), 1)
    seen, expected = seen + seen.T, expected + expected.T
    lr = poisson_lr(seen, expected, RARER) / np.log(10)
    heard = (expected >= LEAST) | (seen >= SEEN)
    between = np.flatnonzero(keep & (said[:, 1] >= 0) & (save is not None))
    low, high = np.sort(said[between, :2], axis=1).T
    saves = between if save is None else save[between]
    told = first_of(low * n + high, saves, n, TOLD)
    return Trace(held(lr, heard, UNPROVEN), seen.astype(np.int64), told)
