"""From a case that was run to its votes, and to who acts in concert."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from sockgraph.case import load_case
from sockgraph.concert import Concert, compare_hypotheses, weigh_concert
from sockgraph.errors import CaseError
from sockgraph.pipeline.folder import CONCERT_PAGE, DATA, read_case
from sockgraph.pipeline.keeping import open_store
from sockgraph.plot import DARK, LIGHT, arrivals_plot, bloc_plot, hours_plot
from sockgraph.progress import Progress, silent
from sockgraph.report import ConcertData, concert_page
from sockgraph.votes import (
    Votes,
    arrivals_after,
    cover_voters,
    messages,
    read_votes,
    usual_hours,
)

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from sockgraph.case import Case
    from sockgraph.pipeline.folder import CaseResult
    from sockgraph.plot import Style
    from sockgraph.store import CaseStore

FOUND = 0.05


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
    store = open_store(case, data)
    votes = _votes(read_case(path, data=data))
    store.write_table("votes", votes.table)
    return votes


def concert_of(path: Path, *, data: Path = DATA, progress: Progress = silent) -> ConcertResult:
    """Compare how a case's accounts came to its discussions; write tables and the private page.

    Raises
    ------
    CaseError
        If the case lists no discussions, or names no accounts.
    StoreError
        If it was not run since it lists them.
    """
    case = _with_discussions(path)
    store = open_store(case, data)
    result = read_case(path, data=data)
    votes = _votes(result)
    with threadpool_limits(1):
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
    covered = cover_voters(read.table, _nominated(result), case.id or case.slug)
    return Votes(covered, read.told)


def _data(result: CaseResult, votes: Votes, found: Concert) -> ConcertData:
    nominated = _nominated(result)
    edits = result.edits
    sent = messages(edits)
    return ConcertData(
        case=result.case,
        told=found.told,
        parsed=votes.told,
        concert=found.table,
        hypotheses=compare_hypotheses(found.table, result.links),
        traces=found.traces,
        same_way=found.same_way,
        hours=usual_hours(votes.table, edits[edits["user"].isin(nominated)]),
        arrivals=arrivals_after(votes.table, sent),
        figures=_figures(result, votes, found),
    )


def _figures(result: CaseResult, votes: Votes, found: Concert) -> dict[str, tuple[bytes, bytes]]:
    users = _in_order(found, _nominated(result))
    came = set(votes.table.loc[votes.table["parse"] == "ok", "user"])
    users = [user for user in users if user in came]
    if not users:
        return {}
    sent = messages(result.edits)

    def drawn(style: Style) -> list[Figure]:
        figures = [
            bloc_plot(votes.table, users, style=style),
            hours_plot(votes.table, result.edits, users, style=style),
        ]
        many = len(sent) > 0
        return [*figures, *([arrivals_plot(votes.table, sent, users, style=style)] if many else [])]

    titles = ("Who came with whom", "Votes against usual hours", "Arrivals around messages")
    pairs = zip(drawn(LIGHT), drawn(DARK), strict=True)
    return {
        title: (_png(light), _png(dark))
        for title, (light, dark) in zip(titles, pairs, strict=False)
    }


def _in_order(found: Concert, users: list[str]) -> list[str]:
    """Return accounts, those found together next to each other, first."""
    shown = found.table[found.table["p_adjusted"] <= FOUND].sort_values(["p_adjusted", "user_a"])
    pairs = shown[["user_a", "user_b"]].itertuples(index=False)
    return list(dict.fromkeys([*(user for pair in pairs for user in pair), *users]))


def _png(figure: Figure) -> bytes:
    target = io.BytesIO()
    figure.savefig(target, format="png", metadata={"Software": None})
    return target.getvalue()
