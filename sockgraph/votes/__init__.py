"""Votes and comments on discussion pages: who said what, when, in which revision.

What people support and oppose is political data. It is read only from pages that a case lists, with
a reason, and only nominated accounts keep their names in it.
"""

from sockgraph.votes.cover import cover_voters
from sockgraph.votes.history import Votes, read_votes
from sockgraph.votes.page import Statement, read_page
from sockgraph.votes.profiles import PROFILES, Profile, profile_of
from sockgraph.votes.timing import arrivals_after, messages, usual_hours

__all__ = [
    "PROFILES",
    "Profile",
    "Statement",
    "Votes",
    "arrivals_after",
    "cover_voters",
    "messages",
    "profile_of",
    "read_page",
    "read_votes",
    "usual_hours",
]
