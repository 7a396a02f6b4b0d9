"""A case's report: one HTML file, text out, nothing estimated.

`case_report` lays out what the stages wrote; `ReportData` is everything it reads.
`validation_page` lays out how often the numbers would be wrong; it names nobody. `concert_page` is
for one desk only, and never shared. `capture_page` is of a community, without a name.
"""

from __future__ import annotations

from sockgraph.report.concert import CaptureData, ConcertData, capture_page, concert_page
from sockgraph.report.data import ReportData
from sockgraph.report.page import case_report
from sockgraph.report.validation import CaseSummary, validation_page

__all__ = [
    "CaptureData",
    "CaseSummary",
    "ConcertData",
    "ReportData",
    "capture_page",
    "case_report",
    "concert_page",
    "validation_page",
]
