"""Who is compared, and with whom as reference.

The nominated accounts are compared with each other. The reference accounts, people of the same
community, say what two different people look like there; they are drawn by seed from those who
edited the same pages, and appear outside this module as `reference-017` only.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.errors import CaseError
from sockgraph.names import normal_name
from sockgraph.runtime import Progress, silent
from sockgraph.schema import empty, validate
from sockgraph.sources.base import Discussion, activity_of, match

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from sockgraph.case import Case
    from sockgraph.sources.base import Coverage, ReadResult, Source

LEAST_BATCH = 50  # names a query: asking for fewer saves the wiki nothing
SPARE = 4  # thirds of the places: so many are read where only edits show who matches
RULE = (
    "drawn by seed without replacement from those who edited the same pages; weight = pages shared "
    "with the nominated x likeness of activity x of hours of the day x of period; no bots, "
    "nominated, declared, or blocked as a sock"
)


@dataclass(frozen=True, repr=False)
class Population:
    """The tables that the analysis starts from.

    Attributes
    ----------
    case
        The case, with every account written as the source writes it.
    accounts, edits, log_events
        Contract tables; reference accounts under their cover names.
    discussion_edits, texts
        Every revision of the pages under [discussions], whoever made it; no rows without that.
    histories
        Every edit of pages that the compared accounts share, as far as the case asks for them.
    background
        Edits of everybody else, where the source holds them; they only tell what is common there.
    covered
        What was read of each account, reference accounts under their cover names.
    known
        `user, person`: the accounts' operators, as far as labels name them.
    recipe
        How the reference was drawn, and what was left out, for the manifest.
    covers
        From reference accounts' true names to their cover names; in memory, never written.
    """

    case: Case
    accounts: pd.DataFrame
    edits: pd.DataFrame
    log_events: pd.DataFrame
    background: pd.DataFrame
    discussion_edits: pd.DataFrame
    texts: pd.DataFrame
    histories: pd.DataFrame
    covered: tuple[Coverage, ...]
    known: pd.DataFrame
    recipe: dict[str, Any]
    covers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def coverage(self) -> pd.DataFrame:
        """What was read of each account, as a table."""
        return pd.DataFrame([one.as_dict() for one in self.covered])

    def __repr__(self) -> str:
        """Say how much there is; the tables are attributes."""
        roles = self.accounts["role"].value_counts().to_dict()
        told = ", ".join(f"{n} {role}" for role, n in roles.items())
        return f"<{self.case.slug}: {told} accounts, {len(self.edits):,} edits>"


def read_population(
    case: Case,
    source: Source,
    *,
    chosen: Sequence[str] | None = None,
    labels: pd.DataFrame | None = None,
    progress: Progress = silent,
) -> Population:
    """Read everything that a case compares.

    Parameters
    ----------
    chosen
        Accounts that a screening chose from a case that nominates everyone: they are compared, and
        their reference is drawn from the others.
    labels
        `user, person`: known operators. Labelled accounts of the same pages are drawn as reference
        before others, and are no less welcome where they were blocked as socks.

    Raises
    ------
    CaseError
        If a nominated account is a bot, or two nominated names are one account.
    SourceError
        If accounts are unknown, or the source fails.
    """
    case = _resolved(case, source)
    nominated = _nominated(case, source) if chosen is None else list(chosen)
    nominated += [n for link in case.earlier for n in (link.a, link.b)]
    compared = list(dict.fromkeys((*nominated, *case.named)))
    progress("accounts", 0, len(compared))
    facts = source.account_facts(compared)
    progress("accounts", len(compared), len(compared))
    _refuse_bots(facts[facts["user"].isin(nominated)])
    _refuse_temporary(facts[facts["user"].isin(case.accounts.nominated)])
    progress("accounts' edits", 0, len(compared))
    reading = source.read(compared)
    progress("accounts' edits", len(compared), len(compared))
    said, discussed = _discussions(case, source)
    roles = np.where(facts["user"].isin(nominated), "nominated", "declared")
    here = Population(
        case,
        validate("accounts", facts.assign(role=roles)),
        source.with_sha1(reading.edits),
        source.log_events(compared),
        source.background(compared),
        said.edits,
        said.texts,
        source.shared_histories(reading.edits),
        reading.coverage,
        _known(labels, facts["user"]),
        {"left out": _counted(reading.dropped), **discussed},
    )
    if case.everyone and chosen is None:
        return replace(here, edits=source.with_texts(here.edits))
    return _with_reference(here, source, labels, progress)


def _known(labels: pd.DataFrame | None, users: Iterable[str]) -> pd.DataFrame:
    """Return what labels say of these users, as these are written."""
    told = (
        {}
        if labels is None
        else dict(zip(map(normal_name, labels["user"]), labels["person"], strict=True))
    )
    here = [user for user in dict.fromkeys(users) if normal_name(user) in told]
    persons = [told[normal_name(user)] for user in here]
    return pd.DataFrame({"user": here, "person": pd.Series(persons, dtype=object)})


def _nominated(case: Case, source: Source) -> list[str]:
    return source.everyone() if case.everyone else list(case.accounts.nominated)


def _discussions(case: Case, source: Source) -> tuple[Discussion, dict[str, Any]]:
    """Read the pages that the case lists, and say what was read of each."""
    listed = case.discussions
    if listed is None:
        return Discussion(empty("discussion_edits"), empty("texts"), {}), {}
    said = source.discussions(listed.pages)
    told = {"reason": listed.reason, "pages": said.pages, "missing pages": list(said.missing)}
    return said, {"discussions": told}


def _resolved(case: Case, source: Source) -> Case:
    """Write every account of the case as the source writes it; who is hidden by now is left out."""
    case = without(case, source.vanished(case.named))
    if not case.everyone:
        meant = tuple(source.nominees(case.accounts.nominated))
        case = case.model_copy(
            update={"accounts": case.accounts.model_copy(update={"nominated": meant})}
        )
    case = with_names(case, source.resolve(case.named))
    names = case.accounts.nominated
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise CaseError(
            ", ".join(twice), "two nominated names are this one account.", "Keep one of them."
        )
    return case


def _refuse_bots(facts: pd.DataFrame) -> None:
    bots = facts["user"][["bot" in groups for groups in facts["groups"]]]
    if len(bots):
        raise CaseError(
            ", ".join(bots),
            "a bot account cannot be nominated: a program's habits are nobody's.",
            "Remove it, or list it with its operator under [[declared]].",
        )


def _refuse_temporary(facts: pd.DataFrame) -> None:
    temporary = facts["user"][["temp" in groups for groups in facts["groups"]]]
    if len(temporary):
        raise CaseError(
            ", ".join(temporary),
            "a temporary account cannot be nominated: it is a browser's for 90 days, and one "
            "person has several of them.",
            "Remove it; a link found elsewhere can name it under [[earlier]].",
        )


def _with_reference(
    here: Population, source: Source, labels: pd.DataFrame | None, progress: Progress
) -> Population:
    """Add accounts of the same pages as reference, under cover names."""
    pool = source.neighbours(here.edits)
    pool = pool[~pool["user"].isin(set(here.accounts["user"]))].reset_index(drop=True)
    known = _known(labels, pool["user"])
    drawn, readings, told = _draw(here, source, pool, frozenset(known["user"]), progress)
    covers = pseudonyms(here.case, drawn["user"])
    accounts = drawn.assign(user=drawn["user"].map(covers), user_id=None, role="reference")
    edits = pd.concat([r.edits for r in readings]) if readings else here.edits.iloc[:0]
    edits = edits[edits["user"].isin(covers)]
    whole = source.with_texts(pd.concat([here.edits, edits]))
    named = whole["user"].isin(covers)
    edits = whole[named].assign(user=whole["user"][named].map(covers), user_id=None)
    coverage = [c for r in readings for c in r.coverage if c.user in covers]
    known = known[known["user"].isin(covers)]
    known = known.assign(user=known["user"].map(covers)).sort_values("user")
    return replace(
        here,
        accounts=validate("accounts", pd.concat([here.accounts, accounts])),
        edits=validate("edits", pd.concat([whole[~named], edits])),
        background=source.background([*here.accounts["user"], *covers]),
        covered=(
            *here.covered,
            *sorted(
                (replace(c, user=covers[c.user], renamed_from=()) for c in coverage),
                key=lambda c: c.user,
            ),
        ),
        known=pd.concat([here.known, known], ignore_index=True),
        covers=covers,
        recipe={
            **here.recipe,
            "reference": {
                "rule": RULE,
                "seed": here.case.reference.seed,
                "wanted": here.case.places,
                "candidates": len(pool),
                "drawn": int(drawn["user"].nunique()),
                **told,
                **({} if labels is None else {"labelled": len(known)}),
            },
        },
    )


def _draw(  # noqa: PLR0917 - one step's parts
    here: Population,
    source: Source,
    pool: pd.DataFrame,
    labelled: frozenset[str],
    progress: Progress,
) -> tuple[pd.DataFrame, list[ReadResult], dict[str, Any]]:
    """Draw reference accounts until the places are filled or nobody is left.

    Candidates come in a seeded order that favours those who match (the exponential keys of
    Efraimidis and Spirakis 2006, "Weighted random sampling with a reservoir"). Where it shows only
    in their edits when somebody is active, a third more are read than there are places, and the
    same keys, with all that is known by then, say who stays. Labelled accounts come first. A wiki
    tells one at a time who was ever blocked: only those who stay are asked about, and replaced.
    """
    case = here.case
    named = here.accounts.loc[here.accounts["role"] == "nominated", "user"]
    own = activity_of(here.edits[here.edits["user"].isin(named)])
    ranking = _Ranking.of(pool, own, case.reference.seed)
    order = _first(labelled, ranking.order(known := source.activity(list(pool["user"]))))
    wanted = case.places
    to_read = wanted if known["h00"].notna().all() else -(-wanted * SPARE // 3)
    chosen: list[pd.DataFrame] = []
    readings: list[ReadResult] = []
    left_out = {"bots": 0, "blocked as a sock": 0, "too few edit times": 0, "matched less": 0}
    start, needed = 0, to_read
    asked, socks = set[str](), set[str]()
    while True:
        while (have := _people(chosen) - len(socks)) < needed and start < len(order):
            batch = order[start : start + max(needed - have, LEAST_BATCH)]
            start += len(batch)
            facts, reading = _suitable(case, source, batch, left_out)
            chosen.append(facts)
            readings.append(reading)
            progress("reference accounts", min(_people(chosen) - len(socks), wanted), wanted)
        suited = pd.concat(chosen) if chosen else source.account_facts([])
        seen = [r.edits for r in readings if len(r.edits)]
        activity = activity_of(pd.concat(seen)) if seen else known.iloc[:0]
        ranked = _first(labelled, ranking.order(activity.reindex(pd.unique(suited["user"]))))
        names = [name for name in ranked if name not in socks][:wanted]
        new = [name for name in names if name not in asked | labelled]
        if not new:
            break
        asked |= set(new)
        socks |= source.blocked_as_sock(new)
        needed = wanted
    left_out["blocked as a sock"] = len(socks)
    left_out["matched less"] = len(ranked) - len(socks) - len(names)
    drawn = suited[suited["user"].isin(names)].sort_values(["user", "wiki"], ignore_index=True)
    balance = _balance(own, known, activity.loc[names])
    return drawn, readings, {"left out": _counted(left_out), "matched on": balance}


def _people(chosen: Sequence[pd.DataFrame]) -> int:
    return sum(facts["user"].nunique() for facts in chosen)


def _first(these: frozenset[str], order: list[str]) -> list[str]:
    return sorted(order, key=lambda name: name not in these)


@dataclass(frozen=True)
class _Ranking:
    """Who comes first, by seed, by shared pages, and by how well they match the nominated."""

    shared: pd.Series
    dice: pd.Series
    own: pd.DataFrame

    @classmethod
    def of(cls, pool: pd.DataFrame, own: pd.DataFrame, seed: int) -> _Ranking:
        dice = np.random.default_rng(seed).exponential(size=len(pool))
        shared = pd.Series(pool["shared_pages"].to_numpy(dtype=float), index=list(pool["user"]))
        return cls(shared, pd.Series(dice, index=shared.index), own)

    def order(self, activity: pd.DataFrame) -> list[str]:
        """Return the names of those whose activity is given, first drawn first."""
        weight = self.shared[activity.index] * match(activity, self.own).prod(axis=1)
        keys = self.dice[activity.index] / weight
        return [str(name) for name in keys.sort_values(kind="stable").index]


def _balance(
    own: pd.DataFrame, pool: pd.DataFrame, drawn: pd.DataFrame
) -> dict[str, dict[str, float | None]]:
    """Return medians of the nominated, the candidates and the drawn, and how alike they are."""
    told = {
        "edits of the nominated": own["edits"],
        "edits of the candidates": pool["edits"],
        "edits of the drawn": drawn["edits"],
    }
    medians: dict[str, dict[str, float | None]]
    medians = {name: {"median": _median(values)} for name, values in told.items()}
    factors = match(drawn, own) if len(drawn) else pd.DataFrame()
    for name in factors:
        medians[f"likeness of the drawn: {name}"] = {"mean": _rounded(factors[name].mean())}
    return medians


def _median(values: pd.Series) -> float | None:
    return _rounded(values.median()) if values.notna().any() else None


def _rounded(value: float) -> float:
    return round(float(value), 3)


def _suitable(
    case: Case, source: Source, batch: list[str], left_out: dict[str, int]
) -> tuple[pd.DataFrame, ReadResult]:
    """Keep those of a batch who can stand for different people, counting the others."""
    facts = source.account_facts(batch)
    bots = pd.Series([("bot" in g) for g in facts["groups"]], index=facts.index, dtype=bool)
    few = (facts["edit_count"] < case.accounts.min_edits).fillna(value=False).astype(bool)
    worth_reading = facts[~bots & ~few]
    reading = source.read(list(worth_reading["user"]))
    times = reading.edits.groupby("user")["timestamp"].nunique()
    enough = set(times.index[times >= case.accounts.min_edits])
    kept = worth_reading[worth_reading["user"].isin(enough)]
    left_out["bots"] += int(bots.sum())
    left_out["too few edit times"] += len(facts) - int(bots.sum()) - len(kept)
    return kept, reading


def pseudonyms(case: Case, users: Sequence[str] | pd.Series) -> dict[str, str]:
    """Return `reference-001`, `reference-002`, … for users, in an order salted by the case's id."""
    salt = (case.id or case.slug).encode()
    digest = {u: hmac.new(salt, u.encode(), hashlib.sha256).hexdigest() for u in users}
    ordered = sorted(digest, key=lambda user: digest[user])
    return {user: f"reference-{place:03d}" for place, user in enumerate(ordered, 1)}


def _counted(counts: dict[str, int]) -> dict[str, int]:
    return {why: n for why, n in counts.items() if n}


def without(case: Case, gone: Collection[str]) -> Case:
    """Return the case without accounts that are there no more.

    Raises
    ------
    CaseError
        If none of the nominated is left.
    """
    if not gone:
        return case
    left = _rewritten(case, lambda name: None if name in gone else name)
    if not left.accounts.nominated:
        raise CaseError(
            case.slug, "every nominated account is hidden on the wiki by now.", "Purge the case."
        )
    return left


def with_names(case: Case, canonical: dict[str, str]) -> Case:
    """Return the case with every account written as the source writes it.

    Parameters
    ----------
    canonical
        From a name as the case file has it to the name as the source has it.
    """
    return _rewritten(case, lambda name: canonical.get(name, name))


def _rewritten(case: Case, written: Callable[[str], str | None]) -> Case:
    """Return the case with names as they are to be written; null for one that is left out."""

    def some(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in map(written, names) if name is not None)

    def groups(given: tuple[Any, ...], least: int) -> tuple[Any, ...]:
        new = (one.model_copy(update={"accounts": some(one.accounts)}) for one in given)
        return tuple(one for one in new if len(one.accounts) >= least)

    ends = ((link, written(link.a), written(link.b)) for link in case.earlier)
    nominated = some(case.accounts.nominated)
    return case.model_copy(
        update={
            "accounts": case.accounts.model_copy(update={"nominated": nominated}),
            "declared": groups(case.declared, 2),
            "operators": groups(case.operators, 1),
            "earlier": tuple(
                link.model_copy(update={"a": a, "b": b}) for link, a, b in ends if a and b
            ),
        }
    )
