"""What the page may ask the kernel, and the answer to each question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from sockgraph.desk import panels
from sockgraph.desk.facts import each, shared_edits
from sockgraph.errors import FetchError, ReviewError, SockgraphError
from sockgraph.names import clean
from sockgraph.pipeline import open_source
from sockgraph.report.markup import diff_url
from sockgraph.report.wikitext import diff_lines
from sockgraph.reviews.diffs import HoldsDiffs, parse_diff

if TYPE_CHECKING:
    from collections.abc import Callable

    from sockgraph.desk.state import Desk
    from sockgraph.report.data import Link

Answer = dict[str, Any]


def answer(desk: Desk, content: Answer) -> Answer:
    """Answer one question of the page; what cannot be had is said in the answer."""
    try:
        return _ANSWERS[content["ask"]](desk, content)
    except SockgraphError as error:
        return {"problem": problem_of(error)}


def problem_of(error: SockgraphError) -> dict[str, str]:
    """Return an error as the page says it."""
    return {"value": clean(error.value), "rule": error.rule, "remedy": error.remedy}


def give_panels(desk: Desk, content: Answer) -> Answer:
    """Return some panels of a link as HTML."""
    link = desk.link(content["a"], content["b"])
    made: dict[str, Callable[[Desk, Link], str]] = {
        "head": panels.head,
        "evidence": panels.evidence,
        "timecards": panels.timecards,
        "timeline": panels.timeline,
        "summaries": panels.summaries,
    }
    return {name: str(made[name](desk, link)) for name in content["panels"]}


def give_edits(desk: Desk, content: Answer) -> Answer:
    """Return both accounts' edits on shared pages."""
    pair = desk.pair(content["a"], content["b"])
    case = desk.result.case
    return {
        "edits": [
            {
                "rev": row.rev,
                "at": f"{row.timestamp:%Y-%m-%d %H:%M}",
                "second": row.user == pair[1],
                "page": clean(str(row.page)),
                "ns": None if pd.isna(row.ns) else int(row.ns),
                "summary": None if pd.isna(row.comment) else clean(str(row.comment)),
                "hidden": "comment" in row.hidden,
                "gap": None if pd.isna(row.gap) else float(row.gap),
                "url": diff_url(case, row.rev),
            }
            for row in each(shared_edits(desk.tables, *pair))
        ]
    }


def give_diff(desk: Desk, content: Answer) -> Answer:
    """Return what one edit changed: as stored, else asked of the case's own wiki."""
    wiki, _, rev_id = str(content["rev"]).rpartition(":")
    case = desk.result.case
    if case.source.kind != "mediawiki":
        said = "only a wiki holds diffs; this case's edits come from a file."
        raise FetchError(content["rev"], said, "Open the edit on its wiki.")
    source = open_source(case, desk.store)
    held = source.diffs([int(rev_id)], wiki=wiki) if isinstance(source, HoldsDiffs) else {}
    if int(rev_id) not in held:
        raise FetchError(content["rev"], "the wiki shows no diff of it.", "It may be hidden.")
    return {"diff": [[kind, clean(text)] for kind, text in parse_diff(held[int(rev_id)])]}


def give_wikitext(desk: Desk, content: Answer) -> Answer:
    """Return the chosen edits as `{{diff}}` lines."""
    edits = desk.tables["edits"]
    keys = edits["wiki"].astype("string") + ":" + edits["rev_id"].astype("string")
    chosen = edits[keys.isin(content["revs"]).to_numpy()]
    return {"wikitext": diff_lines(desk.result.case, chosen, profile="enwiki")}


def give_notes(desk: Desk, content: Answer) -> Answer:
    """Return what was noted of a link."""
    entries = desk.notes(content["a"], content["b"])
    said = [{"time": e.time, "by": clean(e.author), "text": clean(e.body["text"])} for e in entries]
    return {"notes": said, "head": str(desk.head), "by": clean(desk.by)}


def take_note(desk: Desk, content: Answer) -> Answer:
    """Enter a note into the ledger."""
    text = str(content["text"]).strip()
    if not desk.by:
        said = "a note in the ledger needs its author."
        raise ReviewError("by", said, 'Open it as sockgraph.explore(case, by="your name").')
    if not text:
        raise ReviewError("note", "it is empty.", "Write a sentence.")
    desk.write_note(content["a"], content["b"], text)
    return give_notes(desk, content)


def give_group(desk: Desk, content: Answer) -> Answer:
    """Return what a group rests on."""
    found = next((g for g in desk.groups if g.number == content["number"]), None)
    if found is None:
        raise ReviewError(content["number"], "there is no such group.", "Choose another.")
    return {"group": str(panels.group(desk, found))}


_ANSWERS: dict[str, Callable[[Desk, Answer], Answer]] = {
    "panels": give_panels,
    "edits": give_edits,
    "diff": give_diff,
    "wikitext": give_wikitext,
    "notes": give_notes,
    "note": take_note,
    "group": give_group,
}
