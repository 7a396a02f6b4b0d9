"""The reference as it is judged by what was learnt from it: what validation counts.

A row is a pair of different reference accounts, one account's history cut in two, or a pair that
labels give to one person. Its accounts are among those that the model was fitted on: a handful of
numbers (a weight a family, a line, the correction of near pairs, the bounds), none of which a pair
moves noticeably. The traces that have a null of their own are left out, since a cut fixes their
value. Accounts are numbers here, never names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from sockgraph.clustering import THRESHOLD, PairEvidence, partition
from sockgraph.evidence import flagging
from sockgraph.evidence.reliability import STRATA, most_alike, newcomers
from sockgraph.evidence.settings import LEAD
from sockgraph.evidence.training import KINDS
from sockgraph.schema import empty, validate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.evidence.model import Bounds
    from sockgraph.evidence.scoring import AccountIndex, PairScores
    from sockgraph.evidence.similarity import Similarity
    from sockgraph.evidence.tables import ComparedCase, PairMeasurements
    from sockgraph.signals import Histories

COLUMNS = {"same pages": "same_pages", "same hours": "same_hours", "same tools": "same_tools"}


def held_out(
    case: ComparedCase, histories: Histories, found: PairMeasurements, verdict: PairScores
) -> pd.DataFrame:
    """Lay out the reference's pairs and cuts; no row where nothing is calibrated.

    Parameters
    ----------
    case
        Who is compared, and what a flag needs.
    histories, found
        Of the cast.
    verdict
        What the models say.

    Returns
    -------
    DataFrame
        The contract table `held_out`.
    """
    if verdict.bounds is None or verdict.sample is None or verdict.scores is None:
        return empty("held_out")
    worthy = _worthy(case, verdict)
    a, b = verdict.community.a, verdict.community.b
    shared = shared_pages(histories)[a, b]
    different = {
        "truth": "different",
        "a": a,
        "b": b,
        "cut": 0,
        "score": verdict.scores.different,
        "standing": verdict.standing[a, b],
        "shared_pages": shared,
        "newcomers": newcomers(verdict, histories) & (shared > 0),
        "worthy": worthy,
        "flagged": _flagged(case.cast, verdict, verdict.bounds, worthy),
        **_alike(verdict, found.measured),
    }
    owner = verdict.community.owner
    same = {
        "truth": np.asarray(KINDS, dtype=object)[verdict.community.stratum],
        "a": owner,
        "b": verdict.community.partner,
        "cut": np.arange(len(owner)),
        "score": verdict.scores.same,
        "standing": _standing_of_cuts(verdict, verdict.scores.same),
    }
    whole = pd.concat([pd.DataFrame(different), pd.DataFrame(same)], ignore_index=True)
    said = np.concatenate([verdict.sample.different, verdict.sample.same])
    whole["log10_lr"] = verdict.bounds.clip(said)
    return validate("held_out", whole)


def _standing_of_cuts(verdict: PairScores, score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (cuts,) how far halves stand out of all others that their account is compared with."""
    known = verdict.community
    off = verdict.taken_off(known.same)
    apart = np.where(verdict.cast.one, -np.inf, np.nan_to_num(verdict.carrying, nan=-np.inf))
    best = apart.max(axis=1)
    rival = np.maximum(best[known.owner], best[known.partner])
    return np.asarray(score - off + LEAD * np.where(np.isfinite(rival), score - rival, 0.0))


def _alike(verdict: PairScores, measured: list[Similarity]) -> dict[str, NDArray[np.bool_]]:
    """Return which different pairs are among the most alike in each respect."""
    names = [m.signal.name for m in measured]
    values = verdict.community.different
    return {
        COLUMNS[stratum]: most_alike(values[:, names.index(signal)])
        for stratum, signal in STRATA.items()
        if signal in names
    }


def shared_pages(histories: Histories) -> NDArray[np.int64]:
    """Return the (accounts, accounts) number of pages that both edited."""
    corpus = histories.corpus
    place = np.full(len(corpus.users), -1)
    place[histories.owner] = np.arange(histories.n_units)
    who, page = place[corpus.account[corpus.save]], corpus.page
    known = (who >= 0) & (page >= 0)
    shape = (histories.n_units, len(corpus.pages))
    ones = np.ones(int(known.sum()), dtype=np.int64)
    edited = sparse.csr_matrix((ones, (who[known], page[known])), shape=shape)
    edited.data[:] = 1
    return np.asarray((edited @ edited.T).toarray())


def _worthy(case: ComparedCase, verdict: PairScores) -> NDArray[np.bool_]:
    """Return (pairs,): whether a pair has all that a flag asks of it by itself."""
    a, b = verdict.community.a, verdict.community.b
    pairs = verdict.flag_inputs(a, b).assign(
        declared=flagging.declared_pairs(case.cast.users, case.cast.declared)[a, b],
        accepted=flagging.declared_pairs(case.cast.users, case.accepted)[a, b],
    )
    return np.asarray(~flagging.unmet(pairs, verdict.rule).to_numpy().any(axis=1))


def _flagged(
    cast: AccountIndex, verdict: PairScores, bounds: Bounds, worthy: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return (pairs,): which reference pairs would be flagged, were they nominated."""
    a, b = verdict.community.a, verdict.community.b
    bears = np.zeros(verdict.score.shape, dtype=bool)
    bears[a, b] = bears[b, a] = worthy
    both = cast.reference[:, None] & cast.reference[None, :]
    among = np.where(both, verdict.log10_lr, np.nan)
    ranked = np.where(both, verdict.score, np.nan)
    known = PairEvidence(
        pd.Index(cast.users),
        bounds.clip(among),
        np.nan_to_num(ranked),
        np.zeros_like(bears),
        bears,
    )
    group = partition(known, threshold=THRESHOLD, linkage="average")
    return np.asarray(worthy & (group[a] == group[b]))
