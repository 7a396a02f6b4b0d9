"""The commands on a whole community: screening a wiki, who voted how, and who acts in concert."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sockgraph.case_template import identify
from sockgraph.cli.terminal import CaseFile, DataFolder, bar, say
from sockgraph.pipeline.concert import capture_of, concert_of, votes_of
from sockgraph.pipeline.results import DATA, writing
from sockgraph.pipeline.screen import CANDIDATES, seconds_of, table_of, weigh_candidates
from sockgraph.schema import IN_CONCERT
from sockgraph.screening import TOP, expected_false_links
from sockgraph.screening.candidates import MEMORY, THREADS, screen
from sockgraph.screening.wiki import ABOUT, EDITS, import_wiki

if TYPE_CHECKING:
    from sockgraph.pipeline.screen import CandidateComparison
    from sockgraph.screening.candidates import ScreeningResult

GIB = 2**30
SHOWN = 15
PRIVATE = "Private: it names people beside what they voted. Do not pass it on."
WikiEdits = Annotated[
    Path, typer.Argument(help="Every edit of a wiki: a Parquet or CSV file, or a folder.")
]
WikiFolder = Annotated[Path, typer.Argument(help="Where the wiki goes, for many cases to share.")]


class Period(enum.StrEnum):
    """The length of a period."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


def register(app: typer.Typer) -> None:
    """Put the commands on the app."""
    app.command("screen", epilog="Example: sockgraph screen cases/wiki.toml --top 50")(screen_case)
    app.command("import-wiki", epilog="Example: sockgraph import-wiki edits.parquet wiki")(
        import_whole_wiki
    )
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
        f"{int((table['p_adjusted'] <= IN_CONCERT).sum())} came together beyond chance "
        f"(at {IN_CONCERT} for all of them together)."
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


class Engine(enum.StrEnum):
    """Where to compute."""

    LOCAL = "local"
    SPARK = "spark"


def import_whole_wiki(
    edits: WikiEdits,
    folder: WikiFolder,
    *,
    memory: Annotated[
        float, typer.Option("--memory", metavar="GIB", help="What sorting may take, in GiB.")
    ] = 1.0,
) -> None:
    """Sort a whole wiki's edits once, so that cases find an account's without reading the rest.

    A case names the folder as its table: kind = "table", path = "wiki".
    """
    with bar() as progress:
        wiki = import_wiki(edits, folder, memory=int(memory * GIB), progress=progress)
    about = wiki.about
    say(f"{about['edits']} edits of {about['accounts']} accounts in {folder}")


def screen_case(
    case: CaseFile,
    data: DataFolder = DATA,
    *,
    top: Annotated[int, typer.Option("--top", min=1, help="Partners an account, at most.")] = TOP,
    engine: Annotated[
        Engine, typer.Option("--engine", help="This machine, or a Spark cluster; same rows.")
    ] = Engine.LOCAL,
    memory: Annotated[
        float,
        typer.Option("--memory", metavar="GIB", help="What the local engine may take, in GiB."),
    ] = round(MEMORY / GIB, 2),
    threads: Annotated[int, typer.Option("--threads", min=1, help="Of the local engine.")] = (
        THREADS
    ),
    evidence: Annotated[
        str | None,
        typer.Option(
            "--evidence",
            metavar="ACCOUNT",
            help="Of a case that was screened: weigh this account's candidates.",
        ),
    ] = None,
) -> None:
    """Find which pairs of accounts are worth asking about at all; it flags nobody.

    For every account of the case's table of edits: its partners by the pages that both edited,
    rare pages weighing more, with their co-edits within an hour and the likeness of their hours.
    What it writes is the case's: it ends with the case's retention, and `purge` removes it.

    With --evidence ACCOUNT, a first look at that account's candidates, on the newest edits of each:
    log10 LRs by a reference of the whole wiki, learnt once and kept with it. To have links that can
    be reviewed, nominate the accounts by name and run the case.
    """
    if evidence is not None:
        with bar() as progress:
            look = weigh_candidates(case, evidence, top=top, data=data, progress=progress)
        _tell_evidence(look)
        return
    given = identify(case)
    with bar() as progress, writing(given, data, "screened") as store:
        table, _, _ = table_of(given, store, progress=progress)
        found = screen(
            table / EDITS if (table / ABOUT).exists() else table,
            store.path(CANDIDATES),
            engine=engine.value,
            top=top,
            window=seconds_of(given),
            threads=threads,
            memory=int(memory * GIB),
            progress=progress,
        )
    _tell(found)


def _tell_evidence(look: CandidateComparison) -> None:
    facts, reference = look.facts, look.facts["reference"]
    say(f"{facts['account']} and {len(look.links)} candidates in {look.path}")
    strongest = look.links.sort_values("score", ascending=False, kind="stable")
    for row in strongest.head(SHOWN).itertuples():
        lr = f"{row.log10_lr:+.2f} [{row.log10_lr_low:+.2f}, {row.log10_lr_high:+.2f}]"
        told = "" if row.band == "insufficient" else f"{lr}  "
        say(f"  {told}{row.band}: {row.user_b} ({row.shared_pages} shared pages)")
    say(
        f"Reference: {reference['accounts']} accounts of the whole wiki, {reference['edits']} "
        f"edits, digest {reference['digest'][:16]}; calibration {reference['calibrated']}."
    )
    say(
        "A first look: it flags nobody. For links that can be reviewed, nominate the accounts by "
        "name and run the case."
    )


def _tell(found: ScreeningResult) -> None:
    say(
        f"{found.rows} rows, {found.accounts} accounts: {found.candidates} candidates in "
        f"{found.path}"
    )
    for why, n in found.dropped.items():
        say(f"Left out: {n} {why}.")
    say(
        f"A candidate is a question, not a link. Were all of these pairs compared, up to "
        f"{expected_false_links(found.candidates, 1.0):.0f} links of different people "
        "would reach a likelihood ratio of 10."
    )
