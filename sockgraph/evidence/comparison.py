"""The evidence stage's public functions: from edits to evidence on every pair."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.errors import SockgraphError
from sockgraph.evidence import tables
from sockgraph.evidence.calibration import CalibratedModel, calibrate
from sockgraph.evidence.leave_out import omit_parts, omit_weeks
from sockgraph.evidence.reliability import counted, held_out, transfer
from sockgraph.evidence.scoring import AccountIndex, NullTest, score_pairs, score_pairs_with
from sockgraph.evidence.settings import (
    Comparison,
    ComparisonInput,
    EvidenceSettings,
    KeptStore,
)
from sockgraph.evidence.similarity import (
    PARTS,
    Likeness,
    Similarity,
    measure,
    measured_on,
    normalize,
)
from sockgraph.evidence.training import PseudoPairs, cut_histories, history_key, no_cuts
from sockgraph.log_events import account_of, is_sitewide, params_of
from sockgraph.runtime import Progress, silent
from sockgraph.schema import empty
from sockgraph.signals import SIGNALS
from sockgraph.signals.bags import machine_texts
from sockgraph.signals.corpus import compile_edits, of_accounts
from sockgraph.signals.imitation import find_imitation
from sockgraph.signals.null_models import (
    coupled_absence,
    find_handovers,
    find_undoing,
    shared_sessions,
)
from sockgraph.signals.simultaneous import find_alibis
from sockgraph.signals.vectors import TermMatrix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from sockgraph.signals.corpus import Corpus, Histories
    from sockgraph.signals.null_models import NullTrace
    from sockgraph.signals.simultaneous import Alibi

_DEFAULT = EvidenceSettings()
RESULTS = "evidence", "links", "alibis", "reference", "omissions", "held_out"
BYTES = 2_000
"""Of a pair's rows, held as columns: of more pairs than there is room for, none are laid out."""


def compare(
    given: ComparisonInput, *, kept: KeptStore | None = None, progress: Progress = silent
) -> Comparison:
    """Weigh the evidence for and against one operator behind every pair of nominated accounts.

    H1: one operator. H2: two people of the same community, as the reference accounts are.

    Parameters
    ----------
    given
        The case's tables, and how they are weighed.
    kept
        Where what is measured and found is kept from one time to the next, if anywhere.
    progress
        Told of every step.

    Returns
    -------
    Comparison
        Scores only, with the reason, where the reference cannot calibrate.

    Raises
    ------
    SockgraphError
        If `known` gives one account to two persons.
    """
    if kept is None:
        return _weigh(given, kept, progress)
    key = given.digest()
    found = kept.read_tables("comparison", key)
    if found is not None:
        frames, calibration = found
        return Comparison(
            evidence=frames["evidence"],
            links=frames["links"],
            alibis=frames["alibis"],
            reference=frames["reference"],
            omissions=frames["omissions"],
            calibration=calibration,
            declared=tuple(map(tuple, given.declared)),
            held_out=frames["held_out"],
        )
    n_nominated = int((given.accounts["role"] == "nominated").sum())
    room = kept.room("comparison", n_nominated**2 // 2 * BYTES)
    weighed = _weigh(given, kept, progress)
    if room:
        kept.write_tables(
            "comparison",
            key,
            {n: getattr(weighed, n) for n in RESULTS},
            weighed.calibration,
        )
    return weighed


def _weigh(given: ComparisonInput, kept: KeptStore | None, progress: Progress) -> Comparison:
    ready = compile_case(given)
    cast, histories, splits = ready.cast, ready.histories, ready.splits
    everyone = np.ones(len(cast.users), dtype=bool)
    measured = list(map(normalize, measure_all(histories, splits, progress, kept)))
    found = find_traces(histories, cast, (given.incomplete, everyone), given.log_events, measured)
    verdict = score_pairs(cast, measured, splits, given.settings, progress)
    verdict = verdict.with_extras(found.extras).with_transfer(transfer(cast, histories))
    case = tables.ComparedCase(ready.nominated, tuple(given.accepted_alibis), given.settings, cast)
    weighed = tables.build_tables(case, histories, found, verdict)
    weighed = omit_parts(weighed, case, found, verdict)
    written = zip(cast.users, cast.nominated, machine_texts(histories), strict=True)
    facts = {
        "as_near": counted(case, found, verdict, given.operators),
        "machine_writing": {user: int(n) for user, named, n in written if named and n},
    }
    return replace(
        weighed,
        calibration=weighed.calibration | facts,
        omissions=omit_weeks(weighed, case, (histories, found.measured), verdict, kept, progress),
        held_out=held_out(case, histories, found, verdict),
    )


@dataclass(frozen=True)
class CompiledCase:
    """Who is compared, and by what histories.

    Attributes
    ----------
    cast
        Those with enough edits.
    nominated
        Every nominated account.
    histories, splits
        The cast's histories, and its reference's cut in two.
    """

    cast: AccountIndex
    nominated: tuple[str, ...]
    histories: Histories
    splits: PseudoPairs


def compile_case(given: ComparisonInput) -> CompiledCase:
    """Compile a case's edits."""
    edits, background = _of_lasting_accounts(given.edits, given.accounts), given.background
    corpus = compile_edits(edits if background is None else pd.concat([edits, background]))
    cast, nominated = _cast(corpus, given)
    histories = of_accounts(corpus, cast.users)
    return CompiledCase(cast, nominated, histories, _cut(histories, cast, given.settings))


def fit_calibration(
    edits: pd.DataFrame,
    users: Sequence[str],
    *,
    settings: EvidenceSettings = _DEFAULT,
    progress: Progress = silent,
) -> CalibratedModel | str:
    """Learn from a reference what any pair's likeness is worth, to be kept for `compare_with`.

    Parameters
    ----------
    edits
        Contract table: the reference's edits.
    users
        Accounts of the reference; those with too few edits are left out.
    settings
        How evidence is weighed.
    progress
        Told of every step.

    Returns
    -------
    CalibratedModel or str
        Why nothing can be calibrated, if so.
    """
    corpus = compile_edits(edits)
    cast = _together(corpus, (), users, settings)
    histories = of_accounts(corpus, cast.users)
    splits = _cut(histories, cast, settings)
    measured = list(map(normalize, measure_all(histories, splits, progress)))
    return calibrate(cast, measured, splits, settings, progress)


def compare_with(
    learnt: CalibratedModel,
    edits: pd.DataFrame,
    nominated: Sequence[str],
    *,
    settings: EvidenceSettings = _DEFAULT,
    incomplete: Sequence[str] = (),
    progress: Progress = silent,
) -> Comparison:
    """Weigh the evidence behind every pair of nominated accounts by what was learnt before.

    Likeness is measured anew, on these accounts and on the reference's. A nominated account may be
    the reference's own.

    Parameters
    ----------
    learnt
        What `fit_calibration` returned.
    edits
        Contract table: edits of the nominated accounts, and those that `learnt` was learnt from.
    nominated
        Accounts to compare.
    settings
        Those of `fit_calibration`.
    incomplete
        Accounts whose histories are not whole: no alibi is read from them.
    progress
        Told of every step.

    Returns
    -------
    Comparison
        Without omitted weeks, and without `held_out`.
    """
    corpus = compile_edits(edits)
    cast = _together(corpus, nominated, learnt.users, settings)
    histories = of_accounts(corpus, cast.users)
    measured = list(map(normalize, measure_all(histories, no_cuts(histories), progress)))
    found = find_traces(histories, cast, (incomplete, cast.nominated), None, measured)
    verdict = score_pairs_with(learnt, cast, found.measured, settings).with_extras(found.extras)
    verdict = verdict.with_transfer(transfer(cast, histories))
    case = tables.ComparedCase(tuple(sorted(nominated)), (), settings, cast)
    return omit_parts(tables.build_tables(case, histories, found, verdict), case, found, verdict)


def _of_lasting_accounts(edits: pd.DataFrame, accounts: pd.DataFrame) -> pd.DataFrame:
    """Leave out what temporary accounts did: a browser's of 90 days is insufficient by rule."""
    temporary = accounts["user"][["temp" in groups for groups in accounts["groups"]]]
    return edits[~edits["user"].isin(set(temporary))] if len(temporary) else edits


def _cut(histories: Histories, cast: AccountIndex, settings: EvidenceSettings) -> PseudoPairs:
    which = np.flatnonzero(cast.reference)
    return cut_histories(histories, which, least=settings.min_edits)


def find_traces(  # noqa: PLR0917 - one stage's parts
    histories: Histories,
    cast: AccountIndex,
    alibis_of: tuple[Sequence[str], NDArray[np.bool_]],
    log_events: pd.DataFrame | None,
    measured: list[Similarity],
) -> tables.PairMeasurements:
    """Find the traces that have a null of their own, and put them beside the calibrated ones.

    Parameters
    ----------
    alibis_of
        Accounts whose histories are not whole; (users,) whose alibis are looked for.
    """
    incomplete, alibis = alibis_of
    partial = np.isin(np.asarray(cast.users, dtype=object), list(incomplete))
    partial |= not histories.corpus.timed
    alibi = find_alibis(histories.only(alibis), partial)
    logs = empty("log_events") if log_events is None else log_events
    extras = run_null_tests(histories, alibi, cast, logs)
    return tables.PairMeasurements(
        measured, extras, alibi, find_imitation(histories, cast.reference)
    )


def _enough(corpus: Corpus, settings: EvidenceSettings) -> set[str]:
    """Return the accounts with enough edits."""
    saves = np.bincount(corpus.account, minlength=len(corpus.users))
    return {u for u, n in zip(corpus.users, saves, strict=True) if n >= settings.min_edits}


def _in_order(corpus: Corpus, users: Iterable[str]) -> tuple[str, ...]:
    """Return users in an order that their own edit times decide, so that no name moves a number."""
    starts = np.searchsorted(corpus.account, np.arange(len(corpus.users) + 1))
    code = {user: i for i, user in enumerate(corpus.users)}

    def key(user: str) -> tuple[int, int]:
        here = slice(starts[code[user]], starts[code[user] + 1])
        return history_key(corpus.seconds[here]), code[user]

    return tuple(sorted(users, key=key))


def _together(
    corpus: Corpus, nominated: Sequence[str], reference: Sequence[str], settings: EvidenceSettings
) -> AccountIndex:
    """Return these accounts, in both roles where they are named twice."""
    users = _in_order(corpus, _enough(corpus, settings) & {*nominated, *reference})
    names = np.asarray(users, dtype=object)
    named, others = (np.isin(names, list(group)) for group in (nominated, reference))
    return AccountIndex(users, named, others, np.arange(len(users)))


def _persons(users: tuple[str, ...], known: pd.DataFrame | None) -> NDArray[np.int64]:
    """Return a number for each user, the same for those whom labels give to one person."""
    given = pd.DataFrame({"user": [], "person": []}) if known is None else known
    given = given.dropna().drop_duplicates(["user", "person"])
    twice = given["user"][given["user"].duplicated()]
    if len(twice):
        raise SockgraphError(
            f"labels of {twice.iloc[0]!r}",
            "they give one account to two persons.",
            "Give each account once.",
        )
    told = given.set_index("user")["person"].to_dict()
    first: dict[object, int] = {}
    of = (first.setdefault(("one", told[u]) if u in told else u, i) for i, u in enumerate(users))
    return np.fromiter(of, dtype=np.int64, count=len(users))


def _cast(corpus: Corpus, given: ComparisonInput) -> tuple[AccountIndex, tuple[str, ...]]:
    """Return who is compared, and every nominated account, those with too few edits included."""
    one = given.accounts.drop_duplicates("user")
    role = dict(zip(map(str, one["user"]), map(str, one["role"]), strict=True))
    enough = _enough(corpus, given.settings)
    nominated = tuple(sorted(u for u, r in role.items() if r == "nominated"))
    itself = given.open_case
    if itself is None:
        itself = "reference" not in role.values()
    compared = (u for u, r in role.items() if r in ("nominated", "reference"))
    users = _in_order(corpus, (u for u in compared if u in enough))
    named = np.array([role[u] == "nominated" for u in users], dtype=bool)
    others = np.ones_like(named) if itself else ~named
    people = _persons(users, given.known)
    return AccountIndex(users, named, others, people, given.declared), nominated


def measure_all(
    histories: Histories,
    splits: PseudoPairs,
    progress: Progress,
    kept: KeptStore | None = None,
    *,
    bags: bool = True,
) -> Iterator[Likeness]:
    """Yield every calibrated signal, raw, on every pair and every account cut in two.

    Parameters
    ----------
    kept
        Where it may have been kept, and is kept where it was not.
    bags
        Whether to make what it was measured on, where it was kept.
    """
    key = "" if kept is None else measured_on(histories, splits)
    found = None if kept is None else kept.read("likeness", key)
    new: dict[str, NDArray[Any]] = {}
    n, m = histories.n_units, len(splits.stratum)
    each = 8 * (2 * n * n + m * (2 * n + 1))  # bytes of a signal's `PARTS`
    keep = kept is not None and found is None and kept.room("likeness", each * len(SIGNALS))
    progress("signals", 0, len(SIGNALS))
    terms = all_terms(histories.corpus, kept) if bags or found is None else {}
    for step, signal in enumerate(SIGNALS):
        progress("signals", step, len(SIGNALS))
        bag = terms.get(signal.bag)
        if found is None:
            one = measure(signal, bag, histories, splits)
        else:
            one = Likeness(signal, bag, *(found[f"{signal.name}.{part}"] for part in PARTS))
        if keep:
            new |= {f"{signal.name}.{part}": getattr(one, part) for part in PARTS}
        yield one
    if kept is not None and keep:
        kept.write("likeness", key, new)
    progress("signals", len(SIGNALS), len(SIGNALS))


def all_terms(
    corpus: Corpus, kept: KeptStore | None
) -> dict[Callable[[Corpus], TermMatrix | None], TermMatrix | None]:
    """Return every signal's bag, by what makes it, as it was kept, or made and kept.

    None, or nothing, where the source does not offer what it needs, or no two share a term.
    """
    bags = {signal.bag.__name__: signal.bag for signal in SIGNALS}
    found = None if kept is None else kept.read("terms", corpus.digest)
    if found is not None:
        parts: dict[str, dict[str, NDArray[Any]]] = {}
        for name, array in found.items():
            bag, _, part = name.partition(".")
            parts.setdefault(bag, {})[part] = array
        return {bags[name]: TermMatrix.of_arrays(arrays) for name, arrays in parts.items()}
    made = {bag: bag(corpus) for bag in bags.values()}
    made = {bag: one if one and one.rows.nnz else None for bag, one in made.items()}
    new = {
        f"{bag.__name__}.{part}": array
        for bag, one in made.items()
        if one is not None
        for part, array in one.arrays().items()
    }
    if kept is not None and kept.room("terms", sum(array.nbytes for array in new.values())):
        kept.write("terms", corpus.digest, new)
    return made


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
    silent, nobody = np.full(offered.shape, np.nan), np.zeros(0, dtype=np.int64)
    return NullTest(name, family, silent, nothing, np.zeros_like(offered), lambda *_: nobody)
