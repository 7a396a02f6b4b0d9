"""Small cases of labelled communities, drawn and judged as a user's would be: for the benchmarks.

Likeness is measured once a community and kept; a case then costs about a second.
"""

# ruff: noqa: SLF001 - it goes through the product stage by stage, as a run does
from __future__ import annotations

import copy
import itertools
import os
import pickle
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from sockgraph import reference
from sockgraph.case import load_case
from sockgraph.clustering import cluster
from sockgraph.evidence import flagging, tables
from sockgraph.evidence.comparison import all_terms, run_null_tests
from sockgraph.evidence.scoring import AccountIndex, NullTest, score_pairs
from sockgraph.evidence.settings import EvidenceSettings
from sockgraph.evidence.similarity import Likeness, measure, normalize
from sockgraph.evidence.training import cut_histories, history_key
from sockgraph.graph import to_graph
from sockgraph.runtime import silent
from sockgraph.schema import empty
from sockgraph.signals import SIGNALS
from sockgraph.signals.corpus import compile_edits, of_accounts
from sockgraph.signals.imitation import Imitation, find_imitation
from sockgraph.signals.simultaneous import find_alibis
from sockgraph.sources.table import TableSource

DATA = Path(os.environ.get("SOCKGRAPH_DATA", "../shared/data"))
NAMES = [
    "rust_wiki",
    "nodejs_wiki",
    "ghc_wiki",
    "ikiwiki_wiki",
    "peps",
    "gnome_docs",
    "puppet",
    "chef",
    "minetest",
    "crawl",
    "ansible",
    "gold_miner_zh",
    "aliases_ipython",
    "aliases_numpy",
    "aliases_scipy",
    "rdevel_list",
    "emacswiki",
    "lctt_zh",
    "coreboot",
    "rails",
]
WITH_TEXTS = "edits-with-texts.parquet"
CASE = """
id = "communities"
title = "Validation"
reason = "Validation on labelled histories"
wikis = ["{name}.example"]
[source]
kind = "table"
path = "{path}"
[accounts]
nominated = {nominated}
min_edits = 10
[reference]
accounts = 300
"""


def case_of(name: str, nominated: list[str], folder: Path, stem: str) -> Any:
    """Write a case file, and load it."""
    path = folder / f"{stem}.toml"
    own = folder / WITH_TEXTS
    text = CASE.format(
        name=name.replace("_", "-"),
        path=(own if own.exists() else DATA / name / "edits.parquet").absolute(),
        nominated="[" + ", ".join(f'"{n}"' for n in nominated) + "]",
    )
    path.write_text(text)
    return load_case(path)


def add_texts(name: str, folder: Path) -> None:
    """Write a community's edits with what they added, where that is known; names are blanked."""
    known = DATA / name / "texts.parquet"
    if known.exists() and not (folder / WITH_TEXTS).exists():
        folder.mkdir(parents=True, exist_ok=True)
        texts = pd.read_parquet(known).set_index("rev_id")["text"]
        edits = pd.read_parquet(DATA / name / "edits.parquet")
        said = edits["rev_id"].map(texts).str.replace("(name)", " ", regex=False)
        edits.assign(text=said).to_parquet(folder / WITH_TEXTS)


def draw_cases(
    name: str, edits: pd.DataFrame, users: list[str], count: int
) -> list[tuple[str, int, list[str]]]:
    """Return (kind, number, nominated) as `hard_cases.py` beside the data draws them."""
    labels = labels_of(name, users)
    known = np.array(sorted(set(users) & set(labels.index)))
    person = labels.reindex(known).to_numpy(object)
    person = np.array([u if pd.isna(p) else p for u, p in zip(known, person, strict=True)], object)
    near = page_cosine(edits, list(known))
    rng = np.random.default_rng([1, zlib.crc32(name.encode())])

    def others(mine: Any, k: int) -> list[int]:
        gone, found = set(person[mine]), []
        for c in np.argsort(-near[mine].max(0), kind="stable"):
            if len(found) == k:
                break
            if person[c] not in gone:
                found.append(int(c))
                gone.add(person[c])
        return found

    groups = [g for p in sorted(set(person)) if len(g := np.flatnonzero(person == p)) > 1]
    order, starts = rng.permutation(len(groups)), rng.permutation(len(known))
    drawn = []
    for k, i in enumerate(order[:count]):
        mine = rng.permutation(groups[i])[: min(len(groups[i]), int(rng.integers(2, 4)))]
        drawn.append(("true", k, [str(u) for u in known[[*mine, *others(mine, 5)]]]))
    for k, i in enumerate(starts[:count]):
        size = int(rng.integers(8, 11))
        drawn.append(("innocent", k, [str(u) for u in known[[i, *others([i], size - 1)]]]))
    return drawn


def labels_of(name: str, users: list[str]) -> pd.Series:
    """Return person by user, as the product writes users."""
    table = pd.read_parquet(DATA / name / "labels.parquet")
    written = {u.replace("_", " "): u for u in users}
    known = table.assign(user=table["user"].str.replace("_", " ").map(written)).dropna(
        subset="user"
    )
    return known.set_index("user")["person"]


def page_cosine(edits: pd.DataFrame, users: list[str]) -> np.ndarray:
    """Return how alike accounts' pages are: tf-idf cosine over pages."""
    place = {u: i for i, u in enumerate(users)}
    one = edits[edits["user"].isin(place)][["user", "title"]].drop_duplicates()
    code, pages = pd.factorize(one["title"])
    rows = one["user"].map(place).to_numpy()
    m = sparse.csr_matrix((np.ones(len(one)), (rows, code)), shape=(len(users), len(pages)))
    m = m @ sparse.diags(np.log((1 + len(users)) / np.asarray(m.sum(0)).ravel()))
    length = np.sqrt(np.asarray(m.multiply(m).sum(1)).ravel())
    length[length == 0] = 1
    m = sparse.diags(1 / length) @ m
    return np.asarray((m @ m.T).todense())


def prepare(name: str, keep: Path, count: int, lost: int = 0) -> dict[str, Any]:
    """Measure a community's likeness once, draw its cases, and keep both.

    `lost`: seed of the twentieth of all edits that is taken away first; 0: none.
    """
    folder = keep / name
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / f"likeness-{lost}.pickle", folder / f"cases-{count}.pickle"
    if not all(path.exists() for path in (paths if not lost else paths[:1])):
        case = case_of(name, ["*"], folder, name.replace("_", "-"))
        source = TableSource(case)
        if lost:
            source._raw = source._raw.sample(frac=0.95, random_state=lost).sort_index()
        if not paths[0].exists():
            paths[0].write_bytes(pickle.dumps(likeness(name, source)))
        if not lost:
            drawn = draw_cases(name, source._raw, source.everyone(), count)
            paths[1].write_bytes(pickle.dumps(with_reference(name, source, folder, drawn)))
    found: dict[str, Any] = pickle.loads(paths[0].read_bytes())  # noqa: S301 - our own file
    cases = [] if lost else pickle.loads(paths[1].read_bytes())  # noqa: S301 - our own file
    return found | {"cases": cases}


def likeness(name: str, source: Any) -> dict[str, Any]:
    """Measure all that a case needs and that no choice of nominated changes."""
    users = source.everyone()
    corpus = compile_edits(source._raw)
    histories = of_accounts(corpus, users)
    starts = np.searchsorted(histories.unit, np.arange(len(users) + 1))
    keys = [
        history_key(corpus.seconds[histories.saves[a:b]]) for a, b in itertools.pairwise(starts)
    ]
    splits = cut_histories(histories, np.arange(len(users)), least=10)
    bags = all_terms(corpus, None)
    raw = []
    for signal in SIGNALS:
        one = measure(signal, bags[signal.bag], histories, splits)
        raw.append((one.pairs.astype("f4"), one.support, one.siblings, one.halves.astype("f4")))
    everyone = np.ones(len(users), dtype=bool)
    cast = AccountIndex(tuple(users), everyone, everyone, np.arange(len(users)))
    alibi = find_alibis(histories, np.full(len(users), not getattr(corpus, "timed", True)))
    extras = [
        (e.name, e.family, e.log10_lr, e.support, e.available)
        for e in run_null_tests(histories, alibi, cast, empty("log_events"))
    ]
    labels = labels_of(name, users)
    person = [labels[u] if u in labels.index and not pd.isna(labels[u]) else u for u in users]
    return {
        "users": users,
        "keys": keys,
        "raw": raw,
        "owner": splits.owner,
        "stratum": splits.stratum,
        "extras": extras,
        "alibi": (alibi.log10_lr, alibi.significant, alibi.changes, alibi.expected),
        "imitation": find_imitation(histories, everyone),
        "person": person,
        "labelled": [u in labels.index for u in users],
    }


def with_reference(
    name: str, source: Any, folder: Path, drawn_cases: list[tuple[str, int, list[str]]]
) -> list[tuple[str, int, list[str], list[str]]]:
    """Return (kind, number, nominated, reference): drawn as a user's would be."""
    reference.pseudonyms = lambda _, names: {u: u for u in names}  # names stay in this process
    cases = []
    for kind, number, nominated in drawn_cases:
        mine = copy.copy(source)
        mine._case = case_of(name, nominated, folder, "drawn")
        drawn = reference.read_population(mine._case, mine).accounts
        cases.append(
            (kind, number, nominated, sorted(drawn.loc[drawn["role"] == "reference", "user"]))
        )
    return cases


def judged(
    made: dict[str, Any], nominated: list[str], others: list[str]
) -> tuple[pd.DataFrame, Any]:
    """Judge one case by the product's own functions on what was measured before.

    No others: an open case.
    """
    place = {u: i for i, u in enumerate(made["users"])}
    both = {place[u] for u in (*nominated, *others)}
    at = np.array(sorted(both, key=lambda i: (made["keys"][i], made["users"][i])), dtype=np.int64)
    users = tuple(made["users"][i] for i in at)
    named = np.isin(np.asarray(users, object), nominated)
    cast = AccountIndex(users, named, ~named if others else named, np.arange(len(users)))
    inside = np.full(len(made["users"]), -1)
    inside[at[cast.reference]] = np.flatnonzero(cast.reference)
    which = np.flatnonzero(inside[made["owner"]] >= 0)
    order = np.argsort(inside[made["owner"][which]], kind="stable")
    which = which[order]
    owner = inside[made["owner"][which]]
    splits = SimpleNamespace(owner=owner, stratum=made["stratum"][which])
    measured = []
    for signal, (pairs, support, siblings, halves) in zip(SIGNALS, made["raw"], strict=True):
        bag = SimpleNamespace() if support.any() else None
        whole = Likeness(signal, bag, pairs, support, siblings, halves)
        measured.append(normalize(whole.among(at, which)))
    cells = np.ix_(at, at)
    extras = [
        NullTest(n, f, lr[cells], s[cells], a[cells], lambda *_: np.zeros(0, int))
        for n, f, lr, s, a in made["extras"]
    ]
    settings = EvidenceSettings(resamples=0)  # no figure here is an interval's
    verdict = score_pairs(cast, measured, splits, settings, silent).with_extras(extras)
    lr, significant, changes, expected = (x[cells] for x in made["alibi"])
    alibi = SimpleNamespace(
        log10_lr=lr, significant=significant, changes=changes, expected=expected
    )
    case = tables.ComparedCase(tuple(sorted(nominated)), (), settings, cast)
    copied = made["imitation"] and copying(made["imitation"], cells)
    found = tables.PairMeasurements(measured, extras, alibi, copied)
    links = tables._links(case, tables.nominated_pairs(case), found, verdict)
    groups = cluster(to_graph(links))
    return flagging.flag(links, groups).merge(carried(case, verdict), on=["user_a", "user_b"]), (
        groups,
        verdict,
    )


def copying(of: Imitation, cells: tuple[np.ndarray, ...]) -> Imitation:
    """Return the imitation among some accounts; what is rare stays that of the community."""
    return Imitation(of.taken[cells], of.share[cells], of.rare[cells[1][0]], of.pair, of.saves)


def carried(case: tables.ComparedCase, verdict: Any) -> pd.DataFrame:
    """Return what of each link's score may carry a flag, and how near its pages are."""
    pairs = tables.nominated_pairs(case)
    names = np.asarray(case.nominated, object)
    return pd.DataFrame(
        {
            "user_a": names[pairs.a],
            "user_b": names[pairs.b],
            "carrying": tables._at(verdict.carrying, pairs),
            "near": tables._at(verdict.near, pairs),
        }
    )
