"""Two pages: on concert, private, with names beside votes; on a community's health, without names.

The first is for one desk only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from sockgraph.report.page import environment
from sockgraph.reviews.words import DASH, signed
from sockgraph.schema import IN_CONCERT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sockgraph.case import Case
    from sockgraph.charts import Chart
    from sockgraph.concert import Concert
    from sockgraph.concert.capture import Capture


MOST_PAIRS = 40
TRACES = {
    "succession": "arrived at the same discussions, on one side, in quick succession",
    "trigger": "arrived within a day of a message that one account sent to both",
    "joining": "joined the same pages within about a day",
    "leaving": "left the same pages within about a day",
    "reverting": "restored each other's versions",
}


@dataclass(frozen=True)
class ConcertData:
    """What the page shows; it computes nothing.

    Attributes
    ----------
    case
        The case.
    found
        The comparison.
    parsed
        What the votes rest on, in numbers.
    hypotheses
        The three, beside each other for every pair.
    hours, arrivals
        What `sockgraph.concert.chance` returns: usual hours, and arrivals after messages.
    figures
        What is drawn.
    """

    case: Case
    found: Concert
    parsed: Mapping[str, int]
    hypotheses: pd.DataFrame
    hours: pd.DataFrame
    arrivals: pd.DataFrame
    figures: Sequence[Chart]


def concert_page(data: ConcertData) -> str:
    """Return the page as one HTML file: no script, no network, the same bytes every time."""
    whole = data.found.table.merge(
        data.hypotheses.drop(columns="p_adjusted"), on=["user_a", "user_b"]
    )
    whole = whole.sort_values(
        ["p_adjusted", "support", "user_a", "user_b"], ascending=[True, False, True, True]
    )
    compared = whole[whole["status"] == "ok"]
    page: str = (
        environment()
        .get_template("concert.html.j2")
        .render(
            p=_p,
            case=data.case,
            reason=data.case.discussions.reason if data.case.discussions else "",
            told=data.found.told,
            parsed=data.parsed,
            pairs=[_pair(row, data) for row in compared.head(MOST_PAIRS).to_dict("records")],
            n_compared=len(compared),
            n_found=int((compared["p_adjusted"] <= IN_CONCERT).sum()),
            n_pairs=len(whole),
            n_insufficient=len(whole) - len(compared),
            hours=data.hours.to_dict("records"),
            arrivals=data.arrivals.to_dict("records"),
            figures=data.figures,
            level=IN_CONCERT,
            most=MOST_PAIRS,
        )
    )
    return page


def _pair(row: dict[Any, Any], data: ConcertData) -> dict[str, Any]:
    def of(table: pd.DataFrame) -> list[dict[Any, Any]]:
        ours = (table["user_a"] == row["user_a"]) & (table["user_b"] == row["user_b"])
        rows: list[dict[Any, Any]] = table[ours].to_dict("records")
        return rows

    traces = [{**trace, "words": TRACES[trace["trace"]]} for trace in of(data.found.traces)]
    alike = of(data.found.same_way)
    return {
        **row,
        "found": row["p_adjusted"] <= IN_CONCERT,
        "traces": sorted(traces, key=lambda trace: trace["p_adjusted"]),
        "alike": alike[0] if alike else None,
        "one": _interval(row),
    }


def _interval(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["log10_lr"]):
        return "not known: run the case, or too few edits"
    low, high = _signed(row["log10_lr_low"]), _signed(row["log10_lr_high"])
    return f"{row['band']}: log10 LR {_signed(row['log10_lr'])} ({low} to {high})"


def _signed(value: float) -> str:
    return signed(None if pd.isna(value) else value)


def _p(value: float) -> str:
    return DASH if pd.isna(value) else f"{value:.3f}" if value >= 0.001 else "< 0.001"


def capture_page(
    capture: Capture, *, wiki: str, every: str, told: Mapping[str, int], figure: Chart
) -> str:
    """Return the page as one HTML file: no script, no network, no account's name.

    Parameters
    ----------
    wiki, every
        The wiki's host, and the length of a period.
    told
        What was read and left out, in numbers.
    """
    shown = capture.table[capture.table["status"] == "ok"]
    activities = [(name, _lines(rows)) for name, rows in shown.groupby("activity", sort=False)]
    page: str = (
        environment()
        .get_template("capture.html.j2")
        .render(
            wiki=wiki,
            every=every,
            activities=activities,
            insufficient=len(capture.table) - len(shown),
            merged=capture.merged,
            told=told,
            figure=figure,
        )
    )
    return page


def _lines(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "period": f"{row['period']:%Y-%m}",
            "counted": row["counted"],
            "events": f"{row['events']:,}",
            "hands": f"{row['hands']:,}",
            "effective": _number(row["effective"]),
            "interval": f"{_number(row['low'])} to {_number(row['high'])}",
            "expected": _number(row["expected"]),
            "coverage": f"{row['coverage']:.0%}",
            "largest": f"{row['largest']:.0%}",
        }
        for row in rows.to_dict("records")
    ]


def _number(value: float) -> str:
    return DASH if pd.isna(value) else f"{value:,.1f}"
