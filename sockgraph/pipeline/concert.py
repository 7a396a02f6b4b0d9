"""From a case that was run to its votes, to who acts in concert, and to whose hands decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from sockgraph.case import load_case
from sockgraph.case_template import identify
from sockgraph.charts import arrivals, blocs, effective_hands
from sockgraph.charts import usual_hours as hours_chart
from sockgraph.concert import Concert, weigh_concert
from sockgraph.concert.capture import Capture, measure_capture
from sockgraph.concert.chance import arrivals_after, compare_hypotheses, mass_messages, usual_hours
from sockgraph.concert.history import Votes, pseudonymize_voters, read_votes
from sockgraph.errors import CaseError
from sockgraph.names import says_bot
from sockgraph.pipeline.results import CAPTURE_PAGE, CONCERT_PAGE, DATA, read_case, writing
from sockgraph.pipeline.run import open_source
from sockgraph.report.concert import ConcertData, capture_page, concert_page
from sockgraph.runtime import Progress, silent
from sockgraph.schema import IN_CONCERT
from sockgraph.signals.corpus import page_titles

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from sockgraph.case import Case
    from sockgraph.charts import Chart
    from sockgraph.pipeline.results import CaseResult
    from sockgraph.sources import Source
    from sockgraph.store import CaseStore


@dataclass(frozen=True)
class ConcertResult:
    """What `sockgraph concert` found and wrote.

    Attributes
    ----------
    votes
        The votes, everybody but the nominated accounts under a number.
    concert
        The comparison.
    page
        The private page.
    """

    votes: Votes
    concert: Concert
    page: Path


def votes_of(path: Path, *, data: Path = DATA) -> Votes:
    """Read the votes and comments of a case that was run, and write `votes.parquet`.

    Raises
    ------
    CaseError
        If the case lists no discussions, or names no accounts.
    StoreError
        If it was not run since it lists them.
    """
    case = _with_discussions(path)
    with writing(case, data, "read for votes") as store:
        votes = _votes(read_case(path, data=data))
        store.write_table("votes", votes.table)
    return votes


def concert_of(path: Path, *, data: Path = DATA, progress: Progress = silent) -> ConcertResult:
    """Compare how a case's accounts came to its discussions; write tables and the private page.

    Raises
    ------
    SockgraphError
        As `votes_of`.
    """
    case = _with_discussions(path)
    with writing(case, data, "compared in concert") as store, threadpool_limits(1):
        result = read_case(path, data=data)
        votes = _votes(result)
        found = weigh_concert(votes.table, result.edits, _nominated(result), progress=progress)
        page = concert_page(_data(result, votes, found))
        return ConcertResult(votes, found, _write(store, votes, found, page))


def _write(store: CaseStore, votes: Votes, found: Concert, page: str) -> Path:
    store.write_table("votes", votes.table)
    store.write_table("concert", found.table)
    return store.write_text(CONCERT_PAGE, page)


def _with_discussions(path: Path) -> Case:
    case = load_case(path)
    if case.discussions is None:
        raise CaseError(
            path,
            "it lists no discussions: votes are read only for a reason, from pages that it names.",
            "Add [discussions] with reason and pages, then run the case again.",
        )
    if case.everyone:
        raise CaseError(
            path,
            "votes are compared of accounts nominated by name only.",
            'Name them instead of nominated = ["*"].',
        )
    return case


def _nominated(result: CaseResult) -> list[str]:
    accounts = result.accounts
    return sorted(accounts.loc[accounts["role"] == "nominated", "user"])


def _votes(result: CaseResult) -> Votes:
    """Read the votes; everybody but the nominated accounts gets a number."""
    case = result.case
    profile = case.discussions.profile if case.discussions else ""
    former = {
        old: entry["user"]
        for entry in result.manifest["coverage"]
        for old in entry.get("renamed_from", ())
    }
    read = read_votes(result.discussion_edits, result.texts, profile=profile, former=former)
    covered = pseudonymize_voters(read.table, _nominated(result), case.id or case.slug)
    return Votes(covered, read.told)


def _data(result: CaseResult, votes: Votes, found: Concert) -> ConcertData:
    nominated = _nominated(result)
    edits = result.edits
    sent = mass_messages(edits)
    return ConcertData(
        case=result.case,
        found=found,
        parsed=votes.told,
        hypotheses=compare_hypotheses(found.table, result.links),
        hours=usual_hours(votes.table, edits[edits["user"].isin(nominated)]),
        arrivals=arrivals_after(votes.table, sent),
        figures=_figures(result, votes, found, sent),
    )


def _figures(result: CaseResult, votes: Votes, found: Concert, sent: pd.DataFrame) -> list[Chart]:
    users = _in_order(found, _nominated(result))
    came = set(votes.table.loc[votes.table["parse"] == "ok", "user"])
    users = [user for user in users if user in came]
    if not users:
        return []
    drawn = [blocs(votes.table, users), hours_chart(votes.table, result.edits, users)]
    return [*drawn, *([arrivals(votes.table, sent, users)] if len(sent) else [])]


def _in_order(found: Concert, users: list[str]) -> list[str]:
    """Return accounts, those found together next to each other, first."""
    shown = found.table[found.table["p_adjusted"] <= IN_CONCERT].sort_values(
        ["p_adjusted", "user_a"]
    )
    pairs = shown[["user_a", "user_b"]].itertuples(index=False)
    return list(dict.fromkeys([*(user for pair in pairs for user in pair), *users]))


@dataclass(frozen=True)
class CaptureResult:
    """What `sockgraph capture` measured and wrote.

    Attributes
    ----------
    capture
        The measures.
    told
        What was read and left out, in numbers.
    page
        The page.
    """

    capture: Capture
    told: dict[str, int]
    page: Path


def capture_of(
    path: Path, *, data: Path = DATA, every: str = "quarter", progress: Progress = silent
) -> CaptureResult:
    """Measure how concentrated the community of a case's source is, and write `capture.html`.

    Groups of a case that was run, and accounts that `sockgraph concert` found together, count once
    as accounts apart and once as one hand.

    Raises
    ------
    CaseError
        If the source does not hold everybody's edits.
    SockgraphError
        If the period is unknown, or the source cannot be read.
    """
    case = identify(path)
    with writing(case, data, "measured") as store:
        return _capture_of(case, store, every, progress)


def _capture_of(case: Case, store: CaseStore, every: str, progress: Progress) -> CaptureResult:
    source = open_source(case, store, progress=progress)
    edits = source.background([])
    if edits.empty:
        raise CaseError(
            case.slug,
            "its source does not hold everybody's edits, only those of accounts it is asked for.",
            "Give every edit of the wiki or topic: a table, a history dump or an XML dump.",
        )
    progress("concentration", 0, 1)
    people = _without_bots(edits, source)
    capture = measure_capture(
        people,
        log_events=source.log_events(sorted(edits["user"].unique())),
        votes=_written(store, "votes"),
        together=_together(store),
        every=every,
    )
    told = {
        "edits": len(people),
        "accounts": int(people["user"].nunique()),
        "pages": int(page_titles(people).nunique()),
        "edits of bots, left out": len(edits) - len(people),
    }
    figure = effective_hands(capture.table)
    page = capture_page(capture, wiki=case.wiki, every=every, told=told, figure=figure)
    progress("concentration", 1, 1)
    return CaptureResult(capture, told, store.write_text(CAPTURE_PAGE, page))


def _without_bots(edits: pd.DataFrame, source: Source) -> pd.DataFrame:
    names = sorted(edits["user"].unique())
    facts = source.account_facts(names)
    bots = set(facts.loc[["bot" in groups for groups in facts["groups"]], "user"])
    bots |= {name for name in names if says_bot(name)}
    return edits[~edits["user"].isin(bots)]


def _written(store: CaseStore, name: str) -> pd.DataFrame | None:
    return store.read_table(name) if store.path(f"{name}.parquet").exists() else None


def _together(store: CaseStore) -> list[tuple[str, str]]:
    """Return pairs that count as one hand: of stable groups, and in concert."""
    pairs: list[tuple[str, str]] = []
    clusters, concert = _written(store, "clusters"), _written(store, "concert")
    if clusters is not None:
        held = clusters[clusters["cluster_id"].notna() & (clusters["status"] == "stable")]
        for _, users in held.groupby("cluster_id")["user"]:
            first, *rest = users
            pairs += [(first, other) for other in rest]
    if concert is not None:
        found = concert[concert["p_adjusted"] <= IN_CONCERT]
        pairs += list(zip(found["user_a"], found["user_b"], strict=True))
    return pairs
