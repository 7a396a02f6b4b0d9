"""Invented histories with known truth, for the demo, the tests and the benchmarks."""

from __future__ import annotations

from sockgraph.synthetic.demo import demo_case_text, write_demo
from sockgraph.synthetic.election import (
    Community,
    Election,
    discussion_revisions,
    invent_election,
    write_election,
)
from sockgraph.synthetic.wiki import SyntheticWiki, small_wiki

__all__ = [
    "Community",
    "Election",
    "SyntheticWiki",
    "demo_case_text",
    "discussion_revisions",
    "invent_election",
    "small_wiki",
    "write_demo",
    "write_election",
]
