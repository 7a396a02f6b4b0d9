"""What the page of concert is drawn from, for the tests that draw it."""

from __future__ import annotations

from sockgraph.concert.chance import arrivals_after, compare_hypotheses, mass_messages, usual_hours
from sockgraph.report.concert import ConcertData


def concert_data(case, found, *, votes, edits, figures=None):
    """Put together what was found in a case's votes, nothing parsed beside it."""
    return ConcertData(
        case=case,
        found=found,
        parsed={},
        hypotheses=compare_hypotheses(found.table),
        hours=usual_hours(votes, edits),
        arrivals=arrivals_after(votes, mass_messages(edits)),
        figures=figures or [],
    )
