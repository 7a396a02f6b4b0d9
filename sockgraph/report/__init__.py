"""A case's report: one HTML file, text out, nothing estimated.

`case_report` lays out what the stages wrote; `ReportData` is everything it reads.
"""

from __future__ import annotations

from sockgraph.report.data import ReportData
from sockgraph.report.page import case_report

__all__ = ["ReportData", "case_report"]
