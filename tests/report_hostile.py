"""The same tables with names, titles, summaries and addresses that an adversary would write."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pandas as pd
from hostile import ATTACK, HOSTILE, RUN
from report_fixture import case, plain_case

from sockgraph.schema import subject_of, validate


def hostile_case():
    """Return a case in which everything an account holder can write attacks the page."""
    data = plain_case(HOSTILE)
    edits = data.edits.assign(
        title=data.edits["title"].where(data.edits.index % 2 == 0, ATTACK),
        comment=[HOSTILE[i % len(HOSTILE)] for i in data.edits.index],
    )
    links = data.links.assign(flagged=[i < 2 for i in data.links.index])
    subject = subject_of(*links.loc[0, ["user_a", "user_b"]])
    omitted = [f"account:{HOSTILE[0]}", f"week:{ATTACK}", f"signal:{HOSTILE[4]}"]
    rows = pd.DataFrame(
        {"subject": subject, "omitted": omitted, "log10_lr": 1.0, "log10_lr_low": 0.2}
    )
    return dataclasses.replace(
        data,
        case=hostile_file(),
        edits=validate("edits", edits),
        links=links,
        omissions=validate("omissions", rows),
        trails=dict.fromkeys(_pairs(links), (f"Review: {ATTACK}: upheld.", *HOSTILE)),
        moved=frozenset(_pairs(links)),
        coverage=[{**row, "note": ATTACK, "renamed_from": [ATTACK]} for row in data.coverage],
    )


def _pairs(links):
    return list(links[["user_a", "user_b"]].itertuples(index=False, name=None))


def hostile_file():
    """Return the case file's part of the attack."""
    return case(
        title=ATTACK,
        reason=f"{ATTACK} javascript:{RUN}",
        accounts={"nominated": list(HOSTILE)},
        wikis=["zh.wikipedia.org"],
        declared=[{"accounts": list(HOSTILE[:2]), "url": f"javascript:{RUN}"}],
        earlier=[
            {
                "a": HOSTILE[2],
                "b": HOSTILE[3],
                "by": ATTACK,
                "date": dt.date(2024, 1, 1),
                "action": ATTACK,
                "url": f"data:text/html,<script>{RUN}</script>",
            }
        ],
    )
