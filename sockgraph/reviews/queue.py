"""The queue: which pairs a reviewer is served, shuffled by seed, foils mixed in.

A foil is a pair of reference accounts, drawn independently and so taken to be different people,
that shares about as many pages as the links in question. Reviewers are told that there are foils,
never which. Every reviewer of a case gets the same ones, so that their error can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from sockgraph.errors import ReviewError
from sockgraph.reviews.dossier import refuse_everyone
from sockgraph.reviews.rules import OPEN_STATES, barred, evidence_changed, live_record
from sockgraph.reviews.sheet import case_key, page_keys, seed_of
from sockgraph.reviews.states import LinkHistory, Pair, histories, link_states, ordered

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sockgraph.reviews.dossier import Dossier
    from sockgraph.reviews.ledger import Entry

FOILS = 3
_NEAREST = 20  # a foil is drawn from this many reference pairs that share about as many pages


@dataclass(frozen=True)
class ReviewTask:
    """A pair that waits for a reviewer.

    Attributes
    ----------
    kind
        `review` or `reversal`.
    foil
        Whether the two are known to be different people; never shown before the finding.
    """

    pair: Pair
    kind: str = "review"
    foil: bool = False


def open_links(dossier: Dossier, entries: Iterable[Entry]) -> list[ReviewTask]:
    """Return every link that waits for people: in question, or decided on evidence that changed."""
    links = dossier.tables["links"]
    known = histories(entries)
    states = link_states(links, [e for h in known.values() for e in h.entries])
    tasks = []
    for a, b, state in zip(links["user_a"], links["user_b"], states, strict=True):
        history = known.get((a, b), LinkHistory((a, b)))
        if state in OPEN_STATES or (state != "reversed" and evidence_changed(dossier, history)):
            kind = "reversal" if state == "reversal in review" else "review"
            tasks.append(ReviewTask((a, b), kind))
    return tasks


def queue(
    dossier: Dossier, entries: Sequence[Entry], reviewer: str, *, foils: int = FOILS
) -> list[ReviewTask]:
    """Return what waits for a reviewer, in the order in which it is served.

    Every pair is judged from its edits before the evidence on any is shown: so no foil, which has
    no evidence to show, is known for one while others wait, and no pair's numbers colour the
    next judgement. Within that, the order is shuffled by a seed made of the case and the
    reviewer. Links in which the reviewer has a part, and those reviewed, are left out.

    Parameters
    ----------
    foils
        Known-different pairs to mix in; fewer where the reference is too small.

    Raises
    ------
    ReviewError
        If the case compares everyone.
    """
    refuse_everyone(dossier.case)
    known = histories(entries)
    tasks = [*open_links(dossier, entries), *draw_foils(dossier, foils)]

    def of(task: ReviewTask) -> LinkHistory:
        return known.get(task.pair, LinkHistory(task.pair))

    due = [task for task in tasks if _waits(dossier, of(task), reviewer)]
    rng = np.random.default_rng(seed_of(case_key(dossier.case), reviewer))
    shuffled = [due[i] for i in rng.permutation(len(due))]
    return sorted(shuffled, key=lambda t: _judged(dossier, of(t), reviewer))


def why_nothing(dossier: Dossier, entries: Sequence[Entry], reviewer: str) -> ReviewError:
    """Return the error that says why no link waits for a reviewer."""
    known = histories(entries)
    waiting = [known.get(t.pair, LinkHistory(t.pair)) for t in open_links(dossier, entries)]
    parts = dict.fromkeys(filter(None, (barred(dossier.case, h, reviewer) for h in waiting)))
    remedy = "Ask another reviewer." if waiting else "Nothing to do."
    rule = (
        f"no link waits for this reviewer: {'; '.join(parts)}."
        if parts
        else "no link waits for this reviewer: each is reviewed by them, or none is in question."
    )
    return ReviewError(reviewer, rule, remedy)


def draw_foils(dossier: Dossier, n: int) -> list[ReviewTask]:
    """Draw pairs of reference accounts that share about as many pages as the links in question.

    No account is in two foils. A pair is used only where both true names are known, so that they
    can be hidden wherever they occur.
    """
    pairs, shared = _reference_pairs(dossier)
    targets = _shared_by_links(dossier)
    rng = np.random.default_rng(seed_of(case_key(dossier.case), "foils"))
    taken: set[str] = set()
    tasks: list[ReviewTask] = []
    for _ in range(n):
        free = [i for i, pair in enumerate(pairs) if not taken & set(pair)]
        if not free or not len(targets):
            break
        off = np.abs(np.log1p(shared[free]) - np.log1p(rng.choice(targets)))
        nearest = np.argsort(off, kind="stable")[:_NEAREST]
        pair = pairs[free[int(rng.choice(nearest))]]
        taken |= set(pair)
        tasks.append(ReviewTask(pair, foil=True))
    return tasks


def is_foil(dossier: Dossier, pair: Pair) -> bool:
    """Tell whether a pair is of the reference, and so known to be different people."""
    accounts = dossier.tables["accounts"]
    reference = set(accounts.loc[accounts["role"] == "reference", "user"])
    return set(pair) <= reference


def _waits(dossier: Dossier, history: LinkHistory, reviewer: str) -> bool:
    if barred(dossier.case, history, reviewer):
        return False
    return not live_record(dossier, history, reviewer).committed


def _judged(dossier: Dossier, history: LinkHistory, reviewer: str) -> bool:
    return live_record(dossier, history, reviewer).judged


def _shared_by_links(dossier: Dossier) -> np.ndarray:
    """Return how many pages each flagged or asserted link shares; of all links if there is none."""
    links = dossier.tables["links"]
    asserted = {ordered(e.a, e.b) for e in dossier.case.earlier}
    pairs = list(zip(links["user_a"], links["user_b"], strict=True))
    chosen = [p for p, f in zip(pairs, links["flagged"], strict=True) if f or p in asserted]
    edits = dossier.tables["edits"]
    users = sorted({user for pair in chosen or pairs for user in pair})
    common = _common_pages(edits, users)
    at = {user: i for i, user in enumerate(users)}
    return np.array([common[at[a], at[b]] for a, b in chosen or pairs])


def _reference_pairs(dossier: Dossier) -> tuple[list[Pair], np.ndarray]:
    """Return pairs of reference accounts that share a page, and how many pages they share.

    Two accounts that the case's labels give to one person are no pair of different people.
    """
    accounts = dossier.tables["accounts"]
    reference = accounts.loc[accounts["role"] == "reference", "user"]
    users = sorted(user for user in map(str, reference) if user in dossier.names)
    common = _common_pages(dossier.tables["edits"], users)
    person = [dossier.persons.get(user, user) for user in users]
    met = [
        (i, j)
        for i, j in combinations(range(len(users)), 2)
        if common[i, j] and person[i] != person[j]
    ]
    pairs = [(users[i], users[j]) for i, j in met]
    return pairs, np.array([common[i, j] for i, j in met], dtype=float)


def _common_pages(edits: pd.DataFrame, users: Sequence[str]) -> np.ndarray:
    """Return how many pages each two of some accounts share, as a matrix in their order."""
    mine = edits[edits["user"].isin(users)]
    rows = pd.Index(users).get_indexer(pd.Index(mine["user"]))
    columns, _ = pd.factorize(page_keys(mine))
    there = sparse.coo_array(
        (np.ones(len(mine)), (rows, columns)), shape=(len(users), int(columns.max(initial=-1)) + 1)
    ).tocsr()
    there.data[:] = 1.0
    found: np.ndarray = (there @ there.T).toarray()
    return found
