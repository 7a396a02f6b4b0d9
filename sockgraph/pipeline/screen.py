"""Screening: the candidates of a whole wiki, and which accounts of a case to compare."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow.dataset
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from sockgraph.case_template import identify
from sockgraph.errors import ScreeningError
from sockgraph.evidence import EvidenceSettings, compare_with
from sockgraph.names import normal_name
from sockgraph.pipeline.results import DATA, writing
from sockgraph.pipeline.stored_calibration import StoredCalibration, calibration_of
from sockgraph.runtime import Progress, silent
from sockgraph.schema import TABLES
from sockgraph.screening.candidates import screen, strongest_accounts
from sockgraph.screening.edits import files_of
from sockgraph.screening.wiki import ABOUT, EDITS, WholeWiki, WikiSource, import_wiki
from sockgraph.sources.dump import import_dump
from sockgraph.store import as_written

if TYPE_CHECKING:
    from pathlib import Path

    from sockgraph.case import Case
    from sockgraph.evidence import Comparison
    from sockgraph.sources import Source
    from sockgraph.store import CaseStore


CANDIDATES = "candidates.parquet"
WIKI = "wiki"
RULE = "accounts of the candidate pairs with the highest weighted overlap"
DUMPS = ("history", "xml")


@dataclass(frozen=True)
class Shortlist:
    """Whom a screening leaves to be compared.

    Attributes
    ----------
    source
        Looks their edits up in the imported wiki; the rest is not read.
    users
        The accounts, in alphabetical order.
    facts
        For the manifest: accounts and pairs there are, candidate pairs, and the rule.
    """

    source: Source
    users: tuple[str, ...]
    facts: dict[str, Any]


def shortlist(case: Case, store: CaseStore, *, progress: Progress = silent) -> Shortlist | None:
    """Screen a case that nominates everyone, where they are too many to compare all.

    Returns
    -------
    Shortlist or None
        None where the accounts are `compare_at_most` or fewer, where the case names accounts, and
        where its source is a wiki's API, which cannot list everyone.

    Raises
    ------
    SockgraphError
        If the table cannot be used, memory or disk do not do, or the extra is not installed.
    """
    if not case.everyone or case.source.kind == "mediawiki":
        return None
    most = case.accounts.compare_at_most
    path, here, story = table_of(case, store, progress=progress)
    if not _more_accounts(path, here.accounts.min_edits, most):
        return None
    wiki = imported_wiki(path, store, progress)
    source = WikiSource(here, wiki.folder, story=story or _origin(wiki, path))
    eligible = source.everyone()
    if len(eligible) <= most:
        return None
    read = path / EDITS if (path / ABOUT).exists() else path
    target = store.path(CANDIDATES)
    screened = screen(read, target, window=seconds_of(case), progress=progress)
    chosen = strongest_accounts(target, eligible, most)
    n = len(eligible)
    facts = {
        "rule": RULE,
        "accounts": n,
        "pairs": n * (n - 1) // 2,
        "candidate pairs": chosen.candidates,
        "candidate pairs compared": chosen.among,
        "chosen accounts": len(chosen.users),
        "least weighted overlap": chosen.least,
        "left out": screened.dropped,
    }
    return Shortlist(source, chosen.users, facts)


def table_of(
    case: Case, store: CaseStore, *, progress: Progress = silent
) -> tuple[Path, Case, dict[str, Any]]:
    """Return the table of edits that a case names, the case with it as its source, and its story.

    A dump is made into a table first; the story is what its import told, empty for a table.

    Raises
    ------
    ScreeningError
        If the source is a wiki's API.
    """
    if case.source.kind in DUMPS:
        story = import_dump(case, store.raw, progress=progress)
        place = store.raw.absolute() / story.pop("key")
        files = {"path": place / "edits.parquet", "accounts": place / "accounts.parquet"}
        source = case.source.model_copy(update={"kind": "table", **files})
        return files["path"], case.model_copy(update={"source": source}), story
    if case.source.kind != "table" or case.source.path is None:
        raise ScreeningError(
            f'source.kind = "{case.source.kind}"',
            "screening reads a table or a dump with the edits of every account.",
            'Import the wiki with `sockgraph import-wiki`, then name its folder: kind = "table".',
        )
    return case.beside(case.source.path), case, {}


def _more_accounts(path: Path, least: int, most: int) -> bool:
    """Whether more than `most` users have `least` rows, by one column of the table."""
    if (path / ABOUT).exists():
        return int(WholeWiki(path).about["accounts"]) > most
    files = files_of(path)
    rows = pyarrow.dataset.dataset(files, format=files[0].suffix.lower()[1:])
    name = "user" if "user" in rows.schema.names else "user_id"
    counts = rows.to_table(columns=[name])[name].value_counts().field("counts")
    return int((np.asarray(counts) >= least).sum()) > most


def imported_wiki(path: Path, store: CaseStore, progress: Progress) -> WholeWiki:
    """Return the table as an imported wiki: itself, the case's earlier import, or a new one."""
    if (path / ABOUT).exists():
        return WholeWiki(path)
    wiki = WholeWiki(store.raw / WIKI)
    if wiki.made_of(path):
        return wiki
    return import_wiki(path, wiki.folder, progress=progress)


def _origin(wiki: WholeWiki, path: Path) -> dict[str, Any]:
    return {} if (path / ABOUT).exists() else {"files": wiki.about["files"]}


def seconds_of(case: Case) -> tuple[int, int] | None:
    """Return the case's window as its first second and the first after it; None is all."""
    if case.window.start is None and case.window.end is None:
        return None
    start, end = case.window.start, case.window.end
    first = 0 if start is None else _midnight(start)
    return first, (1 << 32) if end is None else _midnight(end + dt.timedelta(days=1))


def _midnight(day: dt.date) -> int:
    return int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())


NEWEST = 500
"""Edits of an account that a first look reads, at most; a case may ask for fewer."""
LINKS, FACTS = "candidate_links", "candidate_links.json"


@dataclass(frozen=True)
class CandidateComparison:
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
) -> CandidateComparison:
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
    with writing(given, data, "screened") as store:
        return _first_look(given, account, top, store=store, progress=progress)


def _first_look(
    given: Case, account: str, top: int, *, store: CaseStore, progress: Progress
) -> CandidateComparison:
    table, case, _ = table_of(given, store, progress=progress)
    candidates = _candidates(store.path(CANDIDATES), account, top)
    wiki = imported_wiki(table, store, progress)
    most = min(NEWEST, case.accounts.max_edits)
    accounts = case.accounts.model_copy(update={"max_edits": most})
    case = case.model_copy(update={"accounts": accounts})
    settings = EvidenceSettings(
        flag_log10_lr=case.evidence.flag_log10_lr,
        min_edits=case.accounts.min_edits,
    )
    source = WikiSource(case, wiki.folder)
    candidates, bots = _people(source, candidates)
    with threadpool_limits(1):
        stored = calibration_of(case, source, settings, folder=wiki.folder, progress=progress)
        weighed, facts = _weigh(case, source, stored, candidates, settings)
    facts = {**facts, "bots left out of the candidates": bots}
    links = _laid_out(candidates, weighed)
    written = store.write_table(LINKS, links)
    store.write_text(FACTS, json.dumps(facts, ensure_ascii=False, indent=1) + "\n")
    return CandidateComparison(as_written(LINKS, links), facts, written)


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
    stored: StoredCalibration,
    candidates: pd.DataFrame,
    settings: EvidenceSettings,
) -> tuple[Comparison, dict[str, Any]]:
    account = str(candidates["user_a"].iloc[0])
    users = [account, *map(str, candidates["user_b"])]
    own = sorted(set(users) - set(stored.calibrated.users))
    read = [stored.edits, source.newest(own)] if own else [stored.edits]
    edits = pd.concat(read, ignore_index=True)
    most = case.accounts.max_edits
    counts = edits["user"].value_counts()
    capped = sorted(str(user) for user in users if counts.get(user, 0) >= most)
    incomplete = [str(user) for user in counts.index[counts >= most]]
    weighed = compare_with(
        stored.calibrated, edits, users, settings=settings, incomplete=incomplete
    )
    told = weighed.calibration
    return weighed, {
        "account": account,
        "candidates": len(candidates),
        "reference": stored.facts,
        "in the reference themselves": sorted(set(users) & set(stored.calibrated.users)),
        "newest edits of each": most,
        "accounts with so many, older ones unread": capped,
        "evidence": {name: told[name] for name in ("h1", "h2", "n_reference", "bounds")},
        "expected": told["threshold"],
    }


def _laid_out(candidates: pd.DataFrame, weighed: Comparison) -> pd.DataFrame:
    """Return the account's pairs, by rank."""
    links = weighed.links
    account = candidates["user_a"].iloc[0]
    of_pair = links.assign(
        user_b=links["user_b"].where(links["user_a"] == account, links["user_a"])
    )
    asked = of_pair[(links["user_a"] == account) | (links["user_b"] == account)]
    asked = asked[[c for c in TABLES["candidate_links"].columns if c in asked and c != "user_a"]]
    return candidates.drop(columns=["coedits_1h", "hours_cosine"]).merge(asked, on="user_b")
