"""The page on a community's health: of groups only, and without a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from sockgraph.report.page import environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sockgraph.charts import Chart

DASH = "\N{EN DASH}"


@dataclass(frozen=True)
class CaptureData:
    """What the page shows; it computes nothing.

    Attributes
    ----------
    wiki
        The wiki's host.
    every
        month, quarter or year.
    table
        `Capture.table`.
    merged
        Accounts that share a hand with another, and the hands that hold them.
    told
        What was read and left out, in numbers.
    figure
        What is drawn.
    """

    wiki: str
    every: str
    table: pd.DataFrame
    merged: tuple[int, int]
    told: Mapping[str, int]
    figure: Chart


def capture_page(data: CaptureData) -> str:
    """Return the page as one HTML file: no script, no network, no account's name."""
    shown = data.table[data.table["status"] == "ok"]
    activities = [(name, _lines(rows)) for name, rows in shown.groupby("activity", sort=False)]
    page: str = (
        environment()
        .get_template("capture.html.j2")
        .render(
            wiki=data.wiki,
            every=data.every,
            activities=activities,
            insufficient=int((data.table["status"] != "ok").sum()),
            merged=data.merged,
            told=dict(data.told),
            figure=data.figure,
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
