"""From candidates to evidence: a first look at an account's best partners in a whole wiki.

Everything is looked up: the candidates in their table, the accounts' edits in the imported wiki,
and what likeness is worth in what the wiki's reference taught. It flags nobody: a case that
nominates the accounts draws a reference that matches them, and reads more of their edits.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from sockgraph.case import Case, identify, normal_name
from sockgraph.errors import ScreeningError
from sockgraph.evidence import EvidenceSettings, weigh_by
from sockgraph.pipeline.folder import DATA
from sockgraph.pipeline.keeping import open_store
from sockgraph.pipeline.learnt import Learnt, learnt_of
from sockgraph.pipeline.screen import CANDIDATES, imported, table_of
from sockgraph.progress import Progress, silent
from sockgraph.screening.source import WikiSource
from sockgraph.store import as_written

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from sockgraph.evidence import Weighed

NEWEST = 500
"""Edits of an account that a first look reads, at most; a case may ask for fewer."""
LINKS, FACTS = "candidate_links", "candidate_links.json"


@dataclass(frozen=True)
class FirstLook:
    """The evidence on an account's candidates.

    Attributes
    ----------
    links
        The contract table `candidate_links`, as written.
    facts
        What the numbers rest on; as written beside it.
    path
        Where the table is.
    """

    links: pd.DataFrame
    facts: dict[str, Any]
    path: Path


def weigh_candidates(
    path: Path, account: str, *, top: int, data: Path = DATA, progress: Progress = silent
) -> FirstLook:
    """Weigh the evidence on an account and its best candidates.

    Parameters
    ----------
    path
        The case file; it was screened before.
    account
        Whom to look at.
    top
        Candidates, at most.
    data
        The data folder.
    progress
        Told of every step.

    Raises
    ------
    ScreeningError
        If the case was not screened, the account is a bot or has no candidates but bots, or nothing
        can be calibrated.
    """
    given = identify(path)
    store = open_store(given, data, progress=progress)
    table, case, _ = table_of(given, store, progress=progress)
    candidates = _candidates(store.path(CANDIDATES), account, top)
    wiki = imported(table, store, progress)
    most = min(NEWEST, case.accounts.max_edits)
    accounts = case.accounts.model_copy(update={"max_edits": most})
    case = case.model_copy(update={"accounts": accounts})
    settings = EvidenceSettings(
        flag_log10_lr=case.evidence.flag_log10_lr,
        min_edits=case.accounts.min_edits,
        seed=case.reference.seed,
    )
    source = WikiSource(case, wiki.folder)
    candidates, bots = _people(source, candidates)
    with threadpool_limits(1):
        learnt = learnt_of(case, source, settings, folder=wiki.folder, progress=progress)
        weighed, facts = _weigh(case, source, learnt, candidates, settings)
    facts = {**facts, "bots left out of the candidates": bots}
    links = _laid_out(candidates, weighed)
    written = store.write_table(LINKS, links)
    store.write_text(FACTS, json.dumps(facts, ensure_ascii=False, indent=1) + "\n")
    return FirstLook(as_written(LINKS, links), facts, written)


def _candidates(path: Path, account: str, top: int) -> pd.DataFrame:
    """Return the account's rows of `candidates.parquet`."""
    if not path.exists():
        raise ScreeningError(
            path, "this case was not screened yet.", "Run `sockgraph screen CASE` first."
        )
    for name in dict.fromkeys((account, normal_name(account))):
        asked = [("user_a", "==", name), ("rank", "<=", top)]
        found: pd.DataFrame = pq.read_table(path, filters=asked).to_pandas()
        if len(found):
            return found
    raise ScreeningError(
        account,
        "it has no candidates: no edits under this name, or no other account that edited two of "
        "its pages.",
        "Check the spelling; to compare it with accounts of your choice, nominate them by name.",
    )


def _people(source: WikiSource, candidates: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the candidates that are people's, and how many are not."""
    account = str(candidates["user_a"].iloc[0])
    bots = set(source.bots([account, *map(str, candidates["user_b"])]))
    people = candidates[~candidates["user_b"].isin(bots)].reset_index(drop=True)
    if account in bots or people.empty:
        raise ScreeningError(
            account,
            "a program's habits are nobody's: it is a bot, or all of its candidates are.",
            "Ask about a person's account.",
        )
    return people, len(candidates) - len(people)


def _weigh(  # noqa: PLR0917 - one look's parts
    case: Case,
    source: WikiSource,
    learnt: Learnt,
    candidates: pd.DataFrame,
    settings: EvidenceSettings,
) -> tuple[Weighed, dict[str, Any]]:
    import pandas as pd  # noqa: PLC0415 - the command line starts without it

    account = str(candidates["user_a"].iloc[0])
    users = [account, *map(str, candidates["user_b"])]
    own = sorted(set(users) - set(learnt.calibrated.users))
    read = [learnt.edits, source.newest(own)] if own else [learnt.edits]
    edits = pd.concat(read, ignore_index=True)
    most = case.accounts.max_edits
    counts = edits["user"].value_counts()
    capped = sorted(str(user) for user in users if counts.get(user, 0) >= most)
    incomplete = [str(user) for user in counts.index[counts >= most]]
    weighed = weigh_by(learnt.calibrated, edits, users, settings=settings, incomplete=incomplete)
    told = weighed.calibration
    return weighed, {
        "account": account,
        "candidates": len(candidates),
        "reference": learnt.facts,
        "in the reference themselves": sorted(set(users) & set(learnt.calibrated.users)),
        "newest edits of each": most,
        "accounts with so many, older ones unread": capped,
        "evidence": {name: told[name] for name in ("h1", "h2", "n_reference", "bounds")},
        "expected": told["threshold"],
    }


def _laid_out(candidates: pd.DataFrame, weighed: Weighed) -> pd.DataFrame:
    """Return the account's pairs, by rank."""
    links = weighed.links
    account = candidates["user_a"].iloc[0]
    of_pair = links.assign(
        user_b=links["user_b"].where(links["user_a"] == account, links["user_a"])
    )
    asked = of_pair[(links["user_a"] == account) | (links["user_b"] == account)]
    asked = asked.drop(columns=["user_a", "flagged", "alibi", "log10_lr_naive"])
    return candidates.drop(columns=["coedits_1h", "hours_cosine"]).merge(asked, on="user_b")
