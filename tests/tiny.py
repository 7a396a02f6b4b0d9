"""A case of a few accounts that runs in a second or two, from its tables to its report."""

from __future__ import annotations

import numpy as np
import pandas as pd

WIKI = "fernwick.example"
NAMES = ("Alder Tollgate", "Quillmoss", "Weir Lantern", "芦汀客")
CASE = """\
id = "tiny-1"
title = {title}
reason = "Three pages were returned to one wording"
by = "Filing Fern"
wikis = ["fernwick.example"]
[source]
kind = "table"
path = "edits.parquet"
[accounts]
nominated = [{names}]
[reference]
accounts = {reference}
[[earlier]]
a = {a}
b = {b}
by = "Marrow Lintel"
date = 2025-02-10
action = "lock"
"""


def toml(text):
    """Write a text as a TOML string."""
    escaped = "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in text)
    return f'"{escaped}"'


def edits(names=NAMES, *, others=36, each=90, seed=1):
    """Invent edits: the first two names share pages, hours and words."""
    dice = np.random.default_rng(seed)
    users = [*names, *(f"Reader {n:02d}" for n in range(others))]
    start = pd.Timestamp("2024-01-01", tz="UTC")
    tables = []
    for number, user in enumerate(users):
        own = 0 if number < 2 else number
        days = np.sort(dice.integers(0, 400, each))
        hours = (8 + own % 9 + dice.integers(0, 5, each)) % 24
        pages = dice.integers(0, 12, each) + (own * 3) % 12
        words = ["rv", "typo", "source", "wording", "ce", "toll"]
        said = [f"{words[(own + k) % 6]} {words[k]}" for k in dice.integers(0, 6, each)]
        tables.append(
            pd.DataFrame(
                {
                    "user": user,
                    "title": [f"Toll {page}" for page in pages],
                    "timestamp": start
                    + pd.to_timedelta(days, unit="D")
                    + pd.to_timedelta(hours * 3600 + dice.integers(0, 3600, each), unit="s"),
                    "comment": said,
                    "ns": 0,
                    "minor": dice.random(each) < (0.2 + own % 5 / 8),
                    "size_diff": dice.integers(-50, 400, each),
                }
            )
        )
    frame = pd.concat(tables, ignore_index=True)
    return frame.assign(rev_id=np.arange(1000, 1000 + len(frame)))


def write(folder, *, names=NAMES, title="Returned text", stem="tiny", reference=12, frame=None):
    """Write the case and its table of edits; return the case file."""
    (edits(names) if frame is None else frame).to_parquet(folder / "edits.parquet")
    path = folder / f"{stem}.toml"
    text = CASE.format(
        title=toml(title),
        names=", ".join(map(toml, names)),
        reference=reference,
        a=toml(names[0]),
        b=toml(names[2]),
    )
    path.write_text(text, encoding="utf-8")
    return path
