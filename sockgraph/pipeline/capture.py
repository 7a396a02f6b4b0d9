"""From a case's source to the page on how concentrated its community is."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sockgraph.capture import Capture, measure_capture
from sockgraph.case import identify
from sockgraph.errors import CaseError
from sockgraph.pipeline.fetch import open_source
from sockgraph.pipeline.folder import CAPTURE_PAGE, DATA
from sockgraph.pipeline.keeping import open_store
from sockgraph.plot import DARK, LIGHT, capture_plot
from sockgraph.progress import Progress, silent
from sockgraph.report import CaptureData, capture_page
from sockgraph.sources.table import SAYS_BOT

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from sockgraph.plot import Style
    from sockgraph.sources import Source
    from sockgraph.store import CaseStore

FOUND = 0.05


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
    store = open_store(case, data, progress=progress)
    source = open_source(case, store, progress=progress)
    edits = source.background([])
    if edits.empty:
        raise CaseError(
            path,
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
        "pages": int(people["title"].nunique()),
        "edits of bots, left out": len(edits) - len(people),
    }
    figure = (_png(capture, LIGHT), _png(capture, DARK))
    page = capture_page(CaptureData(case.wiki, every, capture.table, capture.merged, told, figure))
    progress("concentration", 1, 1)
    return CaptureResult(capture, told, store.write_text(CAPTURE_PAGE, page))


def _without_bots(edits: pd.DataFrame, source: Source) -> pd.DataFrame:
    names = sorted(edits["user"].unique())
    facts = source.account_facts(names)
    bots = set(facts.loc[["bot" in groups for groups in facts["groups"]], "user"])
    bots |= {name for name in names if SAYS_BOT.search(name)}
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
        found = concert[concert["p_adjusted"] <= FOUND]
        pairs += list(zip(found["user_a"], found["user_b"], strict=True))
    return pairs


def _png(capture: Capture, style: Style) -> bytes:
    target = io.BytesIO()
    figure = capture_plot(capture.table, style=style)
    figure.savefig(target, format="png", metadata={"Software": None})
    return target.getvalue()
