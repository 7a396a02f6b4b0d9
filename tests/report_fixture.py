"""Invented tables with the shape of a run's: eight accounts of a river-trade wiki, seeded."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from functools import cache
from itertools import combinations
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
from links_fixture import whole_links

from sockgraph.case import Case
from sockgraph.graph import to_graph
from sockgraph.report.data import ReportData
from sockgraph.schema import TABLES, empty, subject_of, validate

WIKI = "fernwick.example"
USERS = (
    "Heron Wade",
    "Quillwort",
    "青石巷",
    "Lantern Moth",
    "Fen Orchid",
    "渡口灯",
    "Sedge Warbler",
    "Tallow Jack",
)
SIGNALS = (
    ("shared pages", "pages"),
    ("hours", "time"),
    ("phrases", "text"),
    ("characters", "text"),
    ("added text", "text"),
    ("openings", "text"),
    ("tools", "mechanics"),
    ("interaction", "interaction"),
)
NUMBERS = {  # log10 LR, low, high, band
    (0, 1): (2.6, 1.9, 2.6, "moderately for"),
    (0, 2): (2.1, 1.6, 2.4, "moderately for"),
    (1, 2): (1.7, 1.1, 2.1, "moderately for"),
    (3, 4): (1.0, 0.4, 1.5, "weakly for"),
    (0, 3): (-1.4, -1.9, -1.0, "moderately against"),
    (5, 6): (-0.9, -1.5, -0.3, "weakly against"),
}
STATED = {(0, 1): "in review", (0, 2): "flagged", (0, 3): "asserted", (5, 6): "not upheld"}
START = np.datetime64("2023-01-02T00:00:00", "us")
SPANS = ((0, 540), (0, 540), (260, 542), (0, 497), (30, 520), (0, 442), (10, 536), (525, 530))
COUNTS = (900, 500, 402, 800, 330, 500, 467, 12)
SUMMARIES = ("cite the 1911 toll act, again", "rv to sourced wording", "+ferry fares (1908)", None)


def case(**changes):
    given = {
        "slug": "river-trade",
        "folder": Path(),
        "id": "0f3a",
        "title": "Repeated additions to river-trade articles, spring 2024",
        "reason": "Three articles were returned to one wording eleven times in April 2024",
        "wikis": [WIKI],
        "source": {"kind": "table", "path": "edits.parquet"},
        "accounts": {"nominated": list(USERS)},
        "prior": {"per_pair": 0.005},
        "declared": [
            {"accounts": ["Heron Wade", "Heron Wade (AWB)"], "url": "https://fernwick.example/d"}
        ],
        "earlier": [
            {
                "a": "Heron Wade",
                "b": "Lantern Moth",
                "by": "Ford Meta, its stewards",
                "date": dt.date(2024, 5, 13),
                "action": "lock",
                "url": "https://fordmeta.example/finding",
            }
        ],
        "window": {"start": dt.date(2023, 1, 2), "end": dt.date(2024, 6, 30)},
    }
    return Case.model_validate(given | changes)


def accounts(users=USERS, role="nominated"):
    rows = [
        {
            "wiki": WIKI,
            "user": user,
            "user_id": i,
            "registered": pd.Timestamp(START, tz="UTC") + pd.Timedelta(days=SPANS[i % 8][0] - 4),
            "groups": [],
            "role": role,
        }
        for i, user in enumerate(users)
    ]
    rows += [
        {"wiki": WIKI, "user": f"reference-{i:03d}", "groups": [], "role": "reference"}
        for i in range(30)
    ]
    return validate(
        "accounts",
        pd.DataFrame(rows).assign(
            user_id=pd.array([r.get("user_id") for r in rows], dtype="Int64")
        ),
    )


def edits(users=USERS, counts=COUNTS):
    rng = np.random.default_rng(7)
    frames = [_edits_of(rng, i, user, counts[i % 8]) for i, user in enumerate(users)]
    frames += [_edits_of(rng, i, f"reference-{i:03d}", 40) for i in range(30)]
    whole = pd.concat(frames, ignore_index=True)
    whole["rev_id"] = np.arange(1000, 1000 + len(whole))
    return validate("edits", whole)


def _edits_of(rng, i, user, n):
    first, last = SPANS[i % 8]
    days = np.sort(rng.integers(first, last, n))
    hours = (rng.normal(14 + (i % 3), 3, n) % 24 * 3600).astype(int)
    stamps = START + days.astype("timedelta64[D]") + hours.astype("timedelta64[s]")
    pages = rng.zipf(1.4, n) % 60
    titles = [f"Toll bridges of the Wend {p}" if p else "盐码头" for p in pages]
    return pd.DataFrame(
        {
            "wiki": WIKI,
            "user": user,
            "title": titles,
            "timestamp": pd.to_datetime(np.sort(stamps), utc=True).as_unit("us"),
            "comment": [SUMMARIES[k] for k in rng.integers(0, 4, n)],
            "hidden": [[] for _ in range(n)],
        }
    )


EVENTS = (
    ("block", "block", "2024-05-02", "User:Heron Wade", {"duration": "31 hours"}),
    ("globalauth", "setstatus", "2024-05-14", "User:Lantern Moth@global", {"added": ["locked"]}),
    ("block", "block", "2023-10-02", "User:渡口灯", {"duration": "7 days"}),
    (
        "renameuser",
        "renameuser",
        "2023-04-05",
        "User:Reed Singer 7",
        {"olduser": "Reed Singer 7", "newuser": "Sedge Warbler"},
    ),
)


def log_events():
    names = ["type", "action", "timestamp", "target", "params"]
    rows = pd.DataFrame(EVENTS, columns=names).assign(
        wiki=WIKI, log_id=range(1, len(EVENTS) + 1), actor="An Admin"
    )
    stamps = pd.to_datetime(rows["timestamp"], utc=True).dt.as_unit("us")
    return validate(
        "log_events", rows.assign(timestamp=stamps, params=[json.dumps(p) for p in rows["params"]])
    )


def links_and_evidence(all_edits, users=USERS, numbers=NUMBERS, alone=("Tallow Jack",)):
    rng = np.random.default_rng(11)
    by_user = {u: list(g["rev_id"]) for u, g in all_edits.groupby("user")}
    links, evidence = [], []
    for i, j in combinations(range(len(users)), 2):
        a, b = sorted((users[i], users[j]))
        if a in alone or b in alone:
            links.append(_insufficient(a, b))
            evidence += [_row(a, b, s, status="insufficient", support=2) for s in SIGNALS]
            continue
        lr, low, high, band = numbers.get((i, j), _undecided(rng))
        score = lr + 0.5 if (i, j) == (0, 1) else lr
        parts = _split(rng, score + 0.3)
        links.append(
            {
                "user_a": a, "user_b": b, "score": score, "log10_lr": lr,
                "log10_lr_low": low, "log10_lr_high": high, "log10_lr_naive": lr * 2.1,
                "bound_low": -2.2, "bound_high": 2.6,
                "n_for": sum(p > 0 for p in parts), "n_against": sum(p < 0 for p in parts),
                "n_insufficient": 1, "alibi": (i, j) == (0, 3), "band": band,
                "flagged": (i, j) in {(0, 1), (0, 2)},
                "state": STATED.get((i, j), "none"),
            }
        )  # fmt: skip
        near = [*by_user[a][10:13], *by_user[b][10:12]]
        for signal, part in zip(SIGNALS, [*parts, None], strict=True):
            ok = part is not None
            evidence.append(_row(a, b, signal, status="ok" if ok else "insufficient",
                                 contribution=part, log10_lr=part * 1.6 if ok else None,
                                 score=float(rng.gamma(2, 0.8)) if ok else None,
                                 support=int(rng.integers(5, 900)) if ok else 2,
                                 rev_ids=[f"{WIKI}:{r}" for r in near] if ok else []))  # fmt: skip
    return whole_links(pd.DataFrame(links)), validate("evidence", pd.DataFrame(evidence))


def _undecided(rng):
    lr = round(float(rng.uniform(-1.2, 0.5)), 2)
    if lr < -0.5:
        return lr, lr - 0.5, lr + 0.4, "weakly against"
    return lr, lr - 0.6, lr + 0.7, "does not separate"


def _split(rng, total):
    weights = rng.normal(0.5, 1.0, 7)
    return [float(w) for w in weights - weights.mean() + total / 7]


def _insufficient(a, b):
    return {
        "user_a": a, "user_b": b, "n_for": 0, "n_against": 0, "n_insufficient": len(SIGNALS),
        "alibi": False, "band": "insufficient", "flagged": False, "state": "none",
    }  # fmt: skip


def _row(a, b, signal, **values):
    row = {"score": None, "log10_lr": None, "contribution": None, "support": 0, "rev_ids": []}
    return {"user_a": a, "user_b": b, "signal": signal[0], "family": signal[1], **row, **values}


def clusters(users=USERS):
    of = {"Heron Wade": (1, 0.98), "Quillwort": (1, 0.97), "青石巷": (1, 0.93),
          "Lantern Moth": (2, 0.71), "Fen Orchid": (2, 0.71)}  # fmt: skip
    rows = [
        {
            "user": u,
            "cluster_id": of.get(u, (None, None))[0],
            "membership": of.get(u, (None, None))[1],
            "weakest_link": 1.7 if u in of else None,
            "status": "unresolved" if of.get(u, (1,))[0] == 2 else "stable",
        }
        for u in users
    ]
    return validate(
        "clusters",
        pd.DataFrame(rows, columns=list(TABLES["clusters"].columns)).astype(
            {"cluster_id": "Int32"}
        ),
    )


def omissions():
    pair, against = subject_of(USERS[0], USERS[2]), subject_of(USERS[0], USERS[3])
    group = subject_of(*USERS[:3])
    rows = [
        (pair, "top-0.1%", 2.3, 1.8, True, None), (pair, "week:2024-W15", 1.8, 1.3, True, None),
        (pair, "family:time", 1.7, 1.2, True, None), (pair, "family:pages", 1.3, 0.8, True, None),
        (pair, "family:text", 1.2, 0.7, False, None),
        (pair, "signal:openings", 1.6, 1.1, True, None),
        (against, "family:time", -0.4, -0.9, False, None),
        (against, "family:text", -0.7, -1.2, False, None),
        (group, "family:text", None, None, None, 0.67),
        (group, "account:Quillwort", None, None, None, 1.0),
    ]  # fmt: skip
    names = ["subject", "omitted", "log10_lr", "log10_lr_low", "eligible", "co_membership"]
    return validate("omissions", pd.DataFrame(rows, columns=names))


def alibis():
    a, b = sorted((USERS[0], USERS[3]))
    days = pd.to_datetime([f"2023-{m:02d}-09 14:00" for m in range(2, 13)], utc=True)
    rows = [
        {"user_a": a, "user_b": b, "start": day, "end": day + pd.Timedelta(hours=2), "n_edits": 9,
         "expected": 2.1, "excluded": "mass edits" if i == 5 else None}
        for i, day in enumerate(days)
    ]  # fmt: skip
    return validate("alibis", pd.DataFrame(rows))


def reference():
    grid = np.array((0.001, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99, 0.999))
    values = -np.log(1 - grid)  # an exponential of mean 1, as surprise is for different people
    frames = [
        pd.DataFrame({"signal": "hours", "stratum": "different", "quantile": grid, "value": values})
    ]
    return validate("reference", pd.concat(frames))


def coverage(all_edits, users=USERS):
    counts = all_edits["user"].value_counts()
    return [
        {
            "user": u,
            "edits_read": int(counts.get(u, 0)),
            "edit_count": int(counts.get(u, 0)) + 3 * i,
            "outside_window": 0,
            "hidden_comments": i % 3,
            "hidden_texts": 0,
            "capped": False,
            "not_listed": 3 * i,
            "renamed_from": ["Reed Singer 7"] if u == "Sedge Warbler" else [],
            "note": "",
            "full": True,
        }
        for i, u in enumerate(users)
    ]


def graph(users=USERS):
    made = nx.Graph()
    spots = (
        (0.2, 0.2),
        (0.55, 0.1),
        (0.45, 0.45),
        (0.1, 0.75),
        (0.4, 0.85),
        (0.8, 0.7),
        (0.95, 0.4),
        (0.9, 0.05),
    )
    for i, user in enumerate(users):
        x, y = spots[i] if i < 8 else ((i * 0.37) % 1, (i * 0.61) % 1)
        made.add_node(user, x=x, y=y)
    return made


def whole_graph(links, users=USERS, groups=None):
    """Return the graph that a run draws, its accounts at the places of `graph`."""
    apart = [tuple(sorted((USERS[5], USERS[6])))] if users == USERS else []
    held = clusters(users) if groups is None else groups
    made = to_graph(links, accounts(users), held, cannot_links=apart)
    for user, at in graph(users).nodes(data=True):
        made.nodes[user].update(at)
    return made


CALIBRATED = {
    "calibrated": True,
    "reason": None,
    "baseline": -0.3,
    "n_reference": 30,
}


@cache
def _river_trade():
    all_edits = edits()
    links, evidence = links_and_evidence(all_edits)
    return ReportData(
        case=case(),
        accounts=accounts(),
        edits=all_edits,
        log_events=log_events(),
        evidence=evidence,
        links=links,
        clusters=clusters(),
        omissions=omissions(),
        alibis=alibis(),
        reference=reference(),
        graph=whole_graph(links),
        coverage=coverage(all_edits),
        calibration=CALIBRATED,
        read_on=dt.date(2024, 7, 1),
        version="0.1.0",
        ledger_head=("9c41e7d03b8a5f26" * 4, 17),
        cannot_links=frozenset({tuple(sorted((USERS[5], USERS[6])))}),
    )


def river_trade(**changes):
    """Return the whole fixture: flagged, asserted and insufficient links, two groups, an alibi."""
    return dataclasses.replace(_river_trade(), **changes)


def plain_case(users, **changes):
    """Return a case of any accounts, with nothing flagged or asserted and no omissions."""
    all_edits = edits(users)
    links, evidence = (
        links_and_evidence(all_edits, users, numbers={}, alone=())
        if len(users) > 1
        else (empty("links"), empty("evidence"))
    )
    links = links.assign(flagged=False, state="none", alibi=False)
    given = {
        "case": case(accounts={"nominated": list(users) or ["*"]}, declared=[], earlier=[]),
        "accounts": accounts(users),
        "edits": all_edits,
        "log_events": empty("log_events"),
        "links": links,
        "evidence": evidence,
        "clusters": clusters(users).assign(
            cluster_id=pd.array([None] * len(users), dtype="Int32"), membership=np.nan
        ),
        "omissions": empty("omissions"),
        "alibis": empty("alibis"),
        "graph": whole_graph(links, users, empty("clusters")),
        "coverage": coverage(all_edits, users),
        "cannot_links": frozenset(),
        "ledger_head": None,
    }
    return river_trade(**{**given, **changes})


def linked_case(users, n_links):
    """Return a case in which so many links speak for one operator, half of them flagged."""
    data = plain_case(users)
    rng, links = np.random.default_rng(3), data.links.copy()
    rows = rng.choice(len(links), n_links, replace=False)
    lr = rng.uniform(0.8, 2.6, n_links)
    given = {"score": lr, "log10_lr": lr, "log10_lr_low": lr - 0.6, "log10_lr_high": lr}
    for column, values in given.items():
        links.loc[rows, column] = values
    links.loc[rows, ["band", "direction"]] = ["moderately for", "for"]
    links.loc[rows[::2], ["flagged", "state"]] = [True, "flagged"]
    return dataclasses.replace(
        data, links=links, graph=to_graph(links, data.accounts, empty("clusters"))
    )
