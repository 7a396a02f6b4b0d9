"""A small invented case as `run` leaves it, with every kind of link, for the tests of review."""

from __future__ import annotations

import functools

import pandas as pd
from links_fixture import whole_links

from sockgraph.case import load_case
from sockgraph.pipeline.results import TABLES as CASE_TABLES
from sockgraph.reviews.dossier import Dossier
from sockgraph.reviews.ledger import Ledger
from sockgraph.reviews.states import assert_earlier
from sockgraph.schema import TABLES, empty, validate
from sockgraph.store import Store

WIKI = "fernwick.example"
A, B, C, D = "Alder Tollgate", "Quillmoss", "Weir Lantern", "芦汀客"
NOMINATED = (A, B, C, D)
CASE = f"""
id = "river-1"
title = "Returned text on river pages"
reason = "Three pages were returned to one wording"
by = "Filing Fern"
wikis = ["{WIKI}"]
[source]
kind = "table"
path = "edits.parquet"
[accounts]
nominated = ["{A}", "{B}", "{C}", "{D}"]
[[earlier]]
a = "{C}"
b = "{A}"
by = "Marrow Lintel the Clerk"
date = 2025-02-10
action = "lock"
url = "https://fernwick.example/wiki/Special:Log/block"
"""
NAMES = {f"reference-{number:03d}": f"Real Reader {number}" for number in range(12)}
START = pd.Timestamp("2024-01-01T08:00", tz="UTC")
LINKS = {  # score, low, high, flagged, alibi, band
    (A, C): (-0.9, -1.4, -0.4, False, False, "weakly against"),
    (B, C): (2.4, 1.9, 2.8, True, False, "moderately for"),
    (A, B): (-0.2, -0.8, 0.3, False, True, "does not separate"),
    (A, D): (None, None, None, False, False, "insufficient"),
    (B, D): (None, None, None, False, False, "insufficient"),
    (C, D): (None, None, None, False, False, "insufficient"),
}
COMMENTS = {
    A: f"reply to [[User:{B}|Q<i>u</i>ill]], see [[User talk:{C}#Tolls]]",
    B: "rv to sourced wording",
    C: f"thanks {A.replace(' ', '_')}; <script>alert(1)</script> {{{{delete}}}}",
    D: "补充来源",
}


@functools.cache
def edits_table():
    rows = []
    for number, user in enumerate(NOMINATED):
        for i in range(30 if user != D else 4):
            shared = i % 3 == 0
            title = f"Toll bridges {i % 5}" if shared else f"Own page {user} {i}"
            title = f"User talk:{user}" if i == 7 else title
            rows.append((user, title, 3 if i == 7 else 0, i * 24 + number, COMMENTS[user]))
    for number in range(12):
        user = f"reference-{number:03d}"
        own = NAMES[user]
        rows += [(user, f"Toll bridges {i}", 0, i * 24 + 5, f"{own} was here") for i in range(3)]
        rows += [(user, f"User:{own}/draft", 2, 200 + number, "draft")]
    frame = pd.DataFrame(rows, columns=["user", "title", "ns", "hours", "comment"])
    return validate(
        "edits",
        frame.drop(columns="hours").assign(
            wiki=WIKI,
            rev_id=range(1000, 1000 + len(frame)),
            timestamp=START + pd.to_timedelta(frame["hours"], unit="h"),
            size_diff=11,
            minor=False,
            hidden=[[]] * len(frame),
        ),
    )


@functools.cache
def accounts_table():
    reference = [f"reference-{number:03d}" for number in range(12)]
    users = [*NOMINATED, *reference]
    roles = ["nominated"] * len(NOMINATED) + ["reference"] * len(reference)
    return validate("accounts", pd.DataFrame({"wiki": WIKI, "user": users, "role": roles}))


@functools.cache
def evidence_table(pages_lr=1.4):
    rows = []
    for (a, b), (score, *_rest) in LINKS.items():
        first = [f"{WIKI}:1000", f"{WIKI}:1033"]
        for signal, family, lr in (
            ("shared pages", "pages", pages_lr if score is not None else None),
            ("words", "text", score),
            ("hours", "time", -0.3 if score is not None else None),
        ):
            status = "ok" if lr is not None else "insufficient"
            rows.append((a, b, signal, family, lr, lr, lr, 5 if lr else 2, status, first))
    columns = [c for c in TABLES["evidence"].columns if c != "none"]
    return validate("evidence", pd.DataFrame(rows, columns=columns))


@functools.cache
def links_table():
    rows = [
        {
            "user_a": a,
            "user_b": b,
            "score": score,
            "log10_lr": score,
            "log10_lr_low": low,
            "log10_lr_high": high,
            "n_for": 2,
            "n_against": 1,
            "n_insufficient": 0,
            "alibi": alibi,
            "band": band,
            "flagged": flagged,
            "state": "flagged" if flagged else "none",
        }
        for (a, b), (score, low, high, flagged, alibi, band) in LINKS.items()
    ]
    return whole_links(pd.DataFrame(rows))


@functools.cache
def clusters_table(first=None):
    ids = {A: first, B: 1, C: 1, D: None}
    rows = [{"user": u, "cluster_id": i, "status": "stable"} for u, i in ids.items()]
    return validate("clusters", pd.DataFrame(rows))


@functools.cache
def alibis_table():
    row = {"user_a": A, "user_b": B, "start": START, "end": START + pd.Timedelta(hours=2)}
    return validate("alibis", pd.DataFrame([{**row, "n_edits": 40, "expected": 1.5}]))


@functools.cache
def _empty_tables():
    return {name: empty(name) for name in CASE_TABLES}


def tables(**other):
    return _empty_tables() | {
        "accounts": accounts_table(),
        "edits": edits_table(),
        "evidence": evidence_table(),
        "links": links_table(),
        "clusters": clusters_table(),
        "alibis": alibis_table(),
        **other,
    }


def write_case(folder, *, text=CASE, data="data", **other):
    """Write a case as `run` leaves it; return the case file and the data folder."""
    path = folder / "river.toml"
    path.write_text(text, encoding="utf-8")
    edits_table().to_parquet(folder / "edits.parquet")
    case = load_case(path)
    store = Store(folder / data).case(case.slug, case.id)
    for name, frame in tables(**other).items():
        store.write_table(name, frame)
    assert_earlier(Ledger(store.path("ledger.jsonl")), case)
    store.write_manifest(_manifest(case))
    return path, folder / data


def make_dossier(folder, *, text=CASE, **other):
    """Return the case as the review stage reads it, and its ledger; no table is written."""
    path = folder / "river.toml"
    path.write_text(text, encoding="utf-8")
    case = load_case(path)
    ledger = Ledger(folder / "ledger.jsonl")
    assert_earlier(ledger, case)
    files = {f"{name}.parquet": f"hash of {name}" for name in TABLES}
    return Dossier(case, tables(**other), {**_manifest(case), "files": files}, NAMES), ledger


def _manifest(case):
    coverage = [{"user": user, "renamed_from": []} for user in NOMINATED]
    coverage[0]["renamed_from"] = ["Old Alder"]
    stated = {
        "id": case.id,
        "title": case.title,
        "wikis": list(case.wikis),
        "accounts": {"nominated": list(case.accounts.nominated)},
    }
    return {"case": stated, "coverage": coverage, "run": {"started": "2026-03-01T10:00:00+00:00"}}
