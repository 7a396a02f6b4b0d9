"""The commands on discussions: who voted how, and who acts in concert."""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from sockgraph.cli.terminal import CaseFile, DataFolder, bar, say
from sockgraph.pipeline.concert import FOUND, capture_of, concert_of, votes_of
from sockgraph.pipeline.results import DATA


class Period(enum.StrEnum):
    """The length of a period."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


PRIVATE = "Private: it names people beside what they voted. Do not pass it on."


def register(app: typer.Typer) -> None:
    """Put the commands on the app."""
    app.command("votes", epilog="Example: sockgraph votes cases/spring.toml")(votes)
    app.command("concert", epilog="Example: sockgraph concert cases/spring.toml")(concert)
    app.command("capture", epilog="Example: sockgraph capture cases/wiki.toml --every year")(
        capture
    )


def votes(case: CaseFile, data: DataFolder = DATA) -> None:
    """Read who said what on the pages under [discussions]; only nominated accounts keep names.

    The case must have been run. Writes votes.parquet: political data on named people, for your own
    desk; no report and no filing shows any of it.
    """
    found = votes_of(case, data=data)
    table = found.table
    say(
        f"{table['page'].nunique()} discussions, {table['user'].nunique()} people: "
        f"{found.told['votes']} votes, {int(table['side'].isna().sum())} comments and withdrawals; "
        f"{found.told['malformed']} malformed, kept and counted for nothing."
    )
    for what, number in sorted(found.told.items()):
        if what not in {"votes", "malformed"}:
            say(f"  {what}: {number:,}")
    say(f"votes.parquet is written. {PRIVATE}")
    say(f"Next: sockgraph concert {case}")


def concert(case: CaseFile, data: DataFolder = DATA) -> None:
    """Compare how nominated accounts came to discussions with what chance would bring.

    Three hypotheses stand beside each other: one operator, concert of different people, independent
    people. Writes votes.parquet, concert.parquet and concert.html, a private page.
    """
    with bar() as progress:
        found = concert_of(case, data=data, progress=progress)
    table = found.concert.table
    enough = table["status"] == "ok"
    say(
        f"{found.concert.told['votes']} votes in {found.concert.told['discussions']} discussions; "
        f"{int(enough.sum())} pairs compared, {int((~enough).sum())} insufficient: "
        f"{int((table['p_adjusted'] <= FOUND).sum())} came together beyond chance "
        f"(at {FOUND} for all of them together)."
    )
    say(f"Open {found.page}. {PRIVATE}")


def capture(
    case: CaseFile,
    data: DataFolder = DATA,
    *,
    every: Annotated[Period, typer.Option("--every", help="The length of a period.")] = (
        Period.QUARTER
    ),
) -> None:
    """Measure how concentrated a community's work and decisions are; no person is named.

    Reads every edit of the case's source, which is a table or a dump of a whole wiki or topic, and
    writes capture.html: in how many effective hands editing, reverting, voting and administering
    are, period by period.
    """
    with bar() as progress:
        found = capture_of(case, data=data, every=every.value, progress=progress)
    table = found.capture.table
    enough = int((table["status"] == "ok").sum())
    say(", ".join(f"{number:,} {what}" for what, number in found.told.items()) + ".")
    say(f"{enough} measures; {len(table) - enough} insufficient (under 50 events or 10 days).")
    say(f"Open {found.page}")
