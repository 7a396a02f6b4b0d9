"""Traces with a null of their own, on every pair: told beside the calibrated signals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sockgraph.evidence.scoring import AccountIndex, NullTest
from sockgraph.log_events import account_of, is_sitewide, params_of
from sockgraph.schema import empty, validate
from sockgraph.signals.coactivity import coupled_absence, find_handovers, shared_sessions
from sockgraph.signals.imitation import FAMILY
from sockgraph.signals.reverts import find_undoing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.signals import Histories
    from sockgraph.signals.imitation import Imitation
    from sockgraph.signals.null_models import NullTrace
    from sockgraph.signals.simultaneous import Alibi


def run_null_tests(
    histories: Histories, alibi: Alibi, cast: AccountIndex, log_events: pd.DataFrame
) -> list[NullTest]:
    """Return the traces that are told from a null of their own, not from cut histories.

    Parameters
    ----------
    alibi
        Found before: its panel needs more than the trace.
    log_events
        The contract table; empty where the source has no logs.
    """
    whole = ~(alibi.incomplete[:, None] | alibi.incomplete[None, :])
    blocked = last_blocks(log_events, cast.users)
    handover = find_handovers(histories, cast.reference, blocked)
    return [
        NullTest("alibi", "time", alibi.log10_lr, alibi.changes, whole, alibi.turns.telling),
        _extra("hand-over", "time", handover, whole),
        _extra("coupled absence", "time", coupled_absence(histories), whole),
        _extra("sessions", "time", shared_sessions(histories), whole),
        _extra("undoing", "interaction", find_undoing(histories), np.ones_like(whole)),
    ]


def imitation_rows(
    found: Imitation | None, histories: Histories, cast: AccountIndex
) -> pd.DataFrame:
    """Return a row of `evidence` for each nominated pair that may be imitation, with its edits.

    It moves no number: `score` is the share of the later account's summaries that were taken over,
    `support` how many.
    """
    if found is None:
        return empty("evidence")
    marked = found.found & cast.nominated[:, None] & cast.nominated[None, :]
    rows = []
    for copy, origin in np.argwhere(marked):
        a, b = sorted((int(copy), int(origin)), key=lambda i: cast.users[i])
        edits = np.searchsorted(histories.corpus.save, found.telling(a, b))
        rows.append(
            {
                "user_a": cast.users[a],
                "user_b": cast.users[b],
                "signal": FAMILY,
                "family": FAMILY,
                "score": found.share[copy, origin],
                "log10_lr": np.nan,
                "contribution": np.nan,
                "support": found.taken[copy, origin],
                "status": "ok",
                "rev_ids": histories.corpus.rev_ids(edits),
            }
        )
    return validate("evidence", pd.DataFrame(rows)) if rows else empty("evidence")


def last_blocks(log_events: pd.DataFrame, users: tuple[str, ...]) -> NDArray[np.float64]:
    """Return when each user was last blocked, seconds since 1970; NaN: never, or not known.

    Blocks from parts of the wiki end nothing.
    """
    blocks = log_events[(log_events["type"] == "block") & (log_events["action"] != "unblock")]
    whole = [is_sitewide(params_of(text)) for text in blocks["params"]]
    blocks = blocks[np.array(whole, dtype=bool)]
    known = dict.fromkeys(users)
    names = pd.Series([account_of(target, known) for target in blocks["target"]], blocks.index)
    seconds = blocks["timestamp"].astype("datetime64[us, UTC]").astype("int64") / 1e6
    last = seconds.groupby(names).max()
    return np.asarray(last.reindex(list(users)), dtype=np.float64)


def _extra(name: str, family: str, trace: NullTrace | None, offered: NDArray[np.bool_]) -> NullTest:
    """Return the trace as it is told; None: the source does not offer what it needs."""
    if trace is not None:
        lr = np.where(offered, trace.log10_lr, np.nan)
        return NullTest(name, family, lr, trace.support, offered, trace.telling)
    nothing = np.zeros(offered.shape, dtype=np.int64)
    silent = np.full(offered.shape, np.nan)
    return NullTest(name, family, silent, nothing, np.zeros_like(offered), _nobody)


def _nobody(*_: int) -> NDArray[np.int64]:
    return np.zeros(0, dtype=np.int64)
