"""The one public function of the evidence stage: from edits to evidence on every pair."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.evidence import tables
from sockgraph.evidence.extras import find_extras
from sockgraph.evidence.heldout import held_out
from sockgraph.evidence.judge import Cast, judge
from sockgraph.evidence.measure import Measured, Scene, measure
from sockgraph.evidence.settings import EvidenceSettings, Weighed
from sockgraph.evidence.splits import cut_histories
from sockgraph.evidence.weeks import omit_weeks
from sockgraph.progress import Progress, silent
from sockgraph.schema import empty
from sockgraph.signals import SIGNALS, compile_edits, of_accounts
from sockgraph.signals.alibi import find_alibis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sockgraph.signals import Bag, Corpus

_DEFAULT = EvidenceSettings()


def weigh_evidence(  # noqa: PLR0913 - two tables, and options by name
    edits: pd.DataFrame,
    accounts: pd.DataFrame,
    *,
    declared: Sequence[Sequence[str]] = (),
    settings: EvidenceSettings = _DEFAULT,
    background: pd.DataFrame | None = None,
    open_case: bool | None = None,
    incomplete: Sequence[str] = (),
    accepted_alibis: Sequence[tuple[str, str]] = (),
    log_events: pd.DataFrame | None = None,
    progress: Progress = silent,
) -> Weighed:
    """Weigh the evidence for and against one operator behind every pair of nominated accounts.

    H1: one operator. H2: two people of the same community, as the reference accounts are.

    Parameters
    ----------
    edits, accounts
        Contract tables. Accounts with role `nominated` are compared with each other; those with
        role `reference` say what different people look like.
    declared
        Groups of accounts that say themselves that they are one operator's: never flagged.
    settings
        How evidence is weighed.
    background
        Edits of other accounts of the source, if at hand: they tell how common a word or a page is,
        and nothing else.
    open_case
        Whether the nominated accounts are their own reference, cross-fitted by account. Default:
        where no account has the role `reference`.
    incomplete
        Accounts whose histories are not whole (capped, partly hidden): no alibi is read from them.
    accepted_alibis
        Pairs whose alibi a reviewer accepted: never flagged.
    log_events
        Contract table: blocks and thanks, if the source has them.
    progress
        Told of every step.

    Returns
    -------
    Weighed
        Scores only, with the reason, where the reference cannot calibrate.
    """
    everything = edits if background is None else pd.concat([edits, background])
    corpus = compile_edits(everything)
    cast, nominated = _cast(corpus, accounts, settings, open_case=open_case)
    histories = of_accounts(corpus, cast.users)
    which = np.flatnonzero(cast.reference)
    splits = cut_histories(histories, which, least=settings.min_edits, seed=settings.seed)
    measured = _measure_all(Scene(histories, cast.reference, splits), progress)
    alibi = find_alibis(histories, np.isin(np.asarray(cast.users, dtype=object), list(incomplete)))
    logs = empty("log_events") if log_events is None else log_events
    extras = find_extras(histories, alibi, cast, logs)
    verdict = judge(cast, measured, splits, settings, progress).with_extras(extras)
    case = tables.Case(nominated, declared, tuple(accepted_alibis), settings, cast)
    found = tables.Found(measured, extras, alibi)
    weighed = tables.assemble(case, histories, found, verdict)
    return replace(
        weighed,
        omissions=omit_weeks(weighed, (cast, histories, measured), verdict),
        held_out=held_out(case, histories, found, verdict),
    )


def _cast(
    corpus: Corpus, accounts: pd.DataFrame, settings: EvidenceSettings, *, open_case: bool | None
) -> tuple[Cast, tuple[str, ...]]:
    """Return who is compared, and every nominated account, those with too few edits included."""
    one = accounts.drop_duplicates("user")
    role = dict(zip(map(str, one["user"]), map(str, one["role"]), strict=True))
    saves = np.bincount(corpus.account, minlength=len(corpus.users))
    enough = {u for u, n in zip(corpus.users, saves, strict=True) if n >= settings.min_edits}
    nominated = tuple(sorted(u for u, r in role.items() if r == "nominated"))
    itself = "reference" not in role.values() if open_case is None else open_case
    compared = (u for u, r in role.items() if r in ("nominated", "reference"))
    users = tuple(sorted(u for u in compared if u in enough))
    named = np.array([role[u] == "nominated" for u in users], dtype=bool)
    return Cast(users, named, np.ones_like(named) if itself else ~named), nominated


def _measure_all(scene: Scene, progress: Progress) -> list[Measured]:
    found = []
    bags: dict[Any, Bag | None] = {}
    for step, signal in enumerate(SIGNALS):
        progress("signals", step, len(SIGNALS))
        if signal.bag not in bags:
            bags[signal.bag] = signal.bag(scene.accounts.corpus)
        found.append(measure(signal, bags[signal.bag], scene))
    progress("signals", len(SIGNALS), len(SIGNALS))
    return found
