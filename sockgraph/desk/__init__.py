"""The investigator's desk in JupyterLab, and the tables behind everything it shows."""

from sockgraph.desk.facts import (
    group_facts,
    hours_in_common,
    link_evidence,
    shared_edits,
    timeline,
)
from sockgraph.desk.tables import shared_phrases

__all__ = [
    "group_facts",
    "hours_in_common",
    "link_evidence",
    "shared_edits",
    "shared_phrases",
    "timeline",
]
