"""Measure where people use it: small cases of real labelled communities, innocent ones first.

    python benchmarks/communities.py [COMMUNITY ...] [--cases 40] [--jobs 2] [--keep FOLDER]
                                     [--write docs/validation.md] [--texts]

Communities are folders of `$SOCKGRAPH_DATA` (or ../shared/data) that hold `edits.parquet` and
`labels.parquet`; default: all twenty. Of each: the open case (every account against every other),
innocent cases (a random labelled person's account and the 7 to 9 people whose pages are most like
its own; nobody is anybody's) and true cases (2 or 3 accounts of one person and the 5 nearest other
people). Cases and reference are drawn as a user's would be.

Likeness depends on the histories alone, so it is measured once a community and kept under --keep; a
case then costs about a second. What has run is kept too: the command resumes. After a change of the
evidence, delete `*/judged-*` there; after a change of the signals, all of it. --stable takes a
twentieth of the edits away, four times, and gives accounts the other role. --texts reads what edits
added, where a community has `texts.parquet`; give it a --keep of its own.
"""

# ruff: noqa: SLF001 - it goes through the product stage by stage, as a run does
from __future__ import annotations

import argparse
import copy
import itertools
import os
import pickle
import sys
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import binomtest

from sockgraph import reference
from sockgraph.case import load_case
from sockgraph.clustering import cluster
from sockgraph.evidence import flagging, tables
from sockgraph.evidence.null_tests import run_null_tests
from sockgraph.evidence.scoring import AccountIndex, NullTest, score_pairs
from sockgraph.evidence.settings import EvidenceSettings
from sockgraph.evidence.similarity import Likeness, measure, normalize
from sockgraph.evidence.training import cut_histories, history_key
from sockgraph.graph import to_graph
from sockgraph.runtime import silent
from sockgraph.schema import empty
from sockgraph.signals import SIGNALS, compile_edits, of_accounts
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
BEGIN, END = "<!-- begin communities -->", "<!-- end communities -->"
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
    bags: dict[Any, Any] = {}
    raw = []
    for signal in SIGNALS:
        if signal.bag not in bags:
            bags[signal.bag] = signal.bag(corpus)
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


def run_one(job: tuple[str, Path, int]) -> str:
    """Judge every case of a community, the open one too, and keep the links."""
    name, keep, count = job
    path = keep / name / f"judged-{count}.parquet"
    if path.exists():
        return name
    made = prepare(name, keep, count)
    person = dict(zip(made["users"], made["person"], strict=True))
    labelled = {u for u, known in zip(made["users"], made["labelled"], strict=True) if known}
    rows = []
    for kind, number, nominated, others in [*made["cases"], ("open", 0, made["users"], [])]:
        links, (groups, verdict) = judged(made, nominated, others)
        group = groups.set_index("user")["cluster_id"]
        together = links["user_a"].map(group).eq(links["user_b"].map(group)).fillna(value=False)
        frame = links[
            [
                "user_a",
                "user_b",
                "score",
                "standing",
                "log10_lr",
                "bound_high",
                "carrying",
                "imitation",
                "near",
                "eligible",
                "flagged",
            ]
        ].assign(
            set=name,
            kind=kind,
            case=number,
            together=together,
            promised=verdict.promise.threshold if verdict.promise else np.inf,
            same=[
                person[a] == person[b]
                for a, b in zip(links["user_a"], links["user_b"], strict=True)
            ],
        )
        rows.append(frame[links["user_a"].isin(labelled) & links["user_b"].isin(labelled)])
    pd.concat(rows, ignore_index=True).to_parquet(path, index=False)
    print(f"  {name}", file=sys.stderr, flush=True)
    return name


def stable(name: str, keep: Path, count: int, seeds: int = 4) -> dict[str, Any]:
    """Return how many flags change without a twentieth of the edits, and what a role is worth."""
    made = prepare(name, keep, count)
    before = {}
    for kind, number, nominated, others in made["cases"]:
        links, (_, verdict) = judged(made, nominated, others)
        before[kind, number] = links.set_index(["user_a", "user_b"])["flagged"], verdict
    changed = flags = pairs = 0
    for seed in range(1, seeds + 1):
        again = prepare(name, keep, count, lost=seed)
        here = set(again["users"])
        for kind, number, nominated, others in made["cases"]:
            left = [u for u in nominated if u in here]
            if len(left) < 2:
                continue
            links, _ = judged(again, left, [u for u in others if u in here])
            now = links.set_index(["user_a", "user_b"])["flagged"]
            then = before[kind, number][0].reindex(now.index)
            changed, flags, pairs = (
                changed + int((then != now).sum()),
                flags + int(then.sum()),
                pairs + len(then),
            )
    worth = []
    for _, _, nominated, others in [c for c in made["cases"] if c[0] == "innocent"][:10]:
        other = others[:: max(1, len(others) // 8)][:8]
        links, _ = judged(made, nominated, others)
        _, (_, verdict) = judged(made, other, [*nominated, *(u for u in others if u not in other)])
        users = np.asarray(
            sorted({*nominated, *others}, key=lambda u: (made["keys"][made["users"].index(u)], u)),
            object,
        )
        at = {u: i for i, u in enumerate(users)}
        worth += [r.score - verdict.score[at[r.user_a], at[r.user_b]] for r in links.itertuples()]
    return {
        "flags": flags,
        "flags that change": changed,
        "pairs": pairs,
        "score nominated less reference, mean": float(np.nanmean(worth)),
        "its largest": float(np.nanmax(np.abs(worth))),
    }


def figures(links: pd.DataFrame) -> dict[str, Any]:
    """Return one row of the table."""
    small, opened = links[links["kind"] != "open"], links[links["kind"] == "open"]
    same, flagged = small["same"].to_numpy(bool), small["flagged"].to_numpy(bool)
    lr = small["log10_lr"].to_numpy(float)
    hit = small.assign(wrong=flagged & ~same).groupby(["set", "kind", "case"])["wrong"].any()
    innocent = hit[hit.index.get_level_values("kind") == "innocent"]
    low, high = (
        binomtest(int(innocent.sum()), len(innocent)).proportion_ci(0.95, "exact")
        if len(innocent)
        else (0, 1)
    )
    true_cases = small["kind"].eq("true").to_numpy()
    right, wrong = int((flagged & same).sum()), int((flagged & ~same & true_cases).sum())
    heard = ~np.isnan(lr)
    told: dict[str, Any] = {
        "innocent cases flagged": f"{int(innocent.sum())}/{len(innocent)}"
        f" ({100 * low:.1f} to {100 * high:.1f} %)",
        "true pairs flagged": f"{right}/{int(same.sum())}",
        "flags true": f"{right}/{right + wrong}",
        "P(LR>10)": 100 * (lr[heard & ~same] > 1).mean(),
        "P(LR>100)": 100 * (lr[heard & ~same] > 2).mean(),
    }
    told |= losses(lr[heard], same[heard])
    o_same = opened["same"].to_numpy(bool)
    o_lr = opened["log10_lr"].to_numpy(float)
    for share, words in ((0.01, "1 %"), (0.001, "0.1 %")):
        apart = opened[~o_same]
        near = apart["log10_lr"][
            apart["near"] >= apart.groupby("set")["near"].transform("quantile", 1 - share)
        ]
        told[f"nearest {words}: >10"] = 100 * float((near > 1).mean())
        told[f"nearest {words}: >100"] = 100 * float((near > 2).mean())
    if len(set(opened["set"])) == 1 and o_same.any():
        told["open: AP"] = average_precision(opened["score"].to_numpy(float), o_same)
    o_flag = opened["flagged"].to_numpy(bool)
    told["open: flags true"] = f"{int((o_flag & o_same).sum())}/{int(o_flag.sum())}"
    told["open: absorbed"] = absorbed(opened)
    told |= {
        f"open: {k}": v for k, v in losses(o_lr[~np.isnan(o_lr)], o_same[~np.isnan(o_lr)]).items()
    }
    return told


def absorbed(opened: pd.DataFrame) -> float:
    """Return the percentage of people with one account who are grouped with another's."""
    wrong, everyone = 0, 0
    for _, links in opened.groupby("set"):
        partners = set(links.loc[links["same"], ["user_a", "user_b"]].to_numpy().ravel())
        users = set(links[["user_a", "user_b"]].to_numpy().ravel()) - partners
        taken = set(
            links.loc[links["together"] & ~links["same"], ["user_a", "user_b"]].to_numpy().ravel()
        )
        wrong, everyone = wrong + len(users & taken), everyone + len(users)
    return 100 * wrong / max(everyone, 1)


def resampled(links: pd.DataFrame, draws: int = 4000) -> str:
    """Return 95 % intervals of both shares by a bootstrap of what belongs together.

    Innocent cases that are flagged on the same pair of accounts are drawn as one, true pairs of one
    person too: cases of one community share accounts.
    """
    small = links[links["kind"] != "open"]
    key = ["set", "kind", "case"]
    wrong = small[small["flagged"] & (small["kind"] == "innocent")].drop_duplicates(key)
    pair = wrong.set_index(key)[["user_a", "user_b"]].agg(" / ".join, axis=1)
    cases = small[small["kind"] == "innocent"].drop_duplicates(key).set_index(key).index
    flagged = pd.Series(cases.isin(pair.index), cases)
    one = [pair.get(case, str(case)) for case in cases]
    true = small[small["same"]]
    told = []
    for what, hit, unit in (
        ("innocent cases flagged", flagged.to_numpy(float), one),
        (
            "true pairs flagged",
            true["flagged"].to_numpy(float),
            list(zip(true["set"], true["case"], strict=True)),
        ),
    ):
        by_unit = pd.DataFrame({"hit": hit}).groupby(pd.factorize(pd.Series(unit))[0])["hit"]
        found = by_unit.agg(["sum", "size"]).to_numpy()
        rng = np.random.default_rng(1)
        drawn = rng.multinomial(len(found), np.full(len(found), 1 / len(found)), draws) @ found
        low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
        told.append(f"{what}: {100 * low:.1f} to {100 * high:.1f} %")
    return f"{'; '.join(told)}; wrong flags rest on {pair.nunique()} pairs"


def losses(lr: np.ndarray, same: np.ndarray) -> dict[str, float]:
    """Return Cllr and what of it is calibration."""
    if not same.any() or same.all():
        return {}
    from sklearn.isotonic import IsotonicRegression

    def cllr(q: np.ndarray) -> float:
        return float(
            (np.log2(1 + 10.0 ** -q[same]).mean() + np.log2(1 + 10.0 ** q[~same]).mean()) / 2
        )

    p = np.clip(IsotonicRegression().fit_transform(lr, same.astype(float)), 1e-9, 1 - 1e-9)
    best = np.log10(p / (1 - p)) - np.log10(same.mean() / (1 - same.mean()))
    return {"Cllr": cllr(lr), "loss": cllr(lr) - cllr(best)}


def average_precision(score: np.ndarray, same: np.ndarray) -> float:
    """Return average precision, missing scores last."""
    order = np.argsort(-np.nan_to_num(score, nan=-np.inf), kind="stable")
    y = same[order]
    return float((np.cumsum(y) / np.arange(1, len(y) + 1))[y].mean())


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path(".communities"))
    parser.add_argument("--write", type=Path)
    parser.add_argument("--texts", action="store_true", help="read what edits added")
    parser.add_argument(
        "--stable", action="store_true", help="take edits away and change roles instead"
    )
    args = parser.parse_args()
    for name in args.names if args.texts else ():
        add_texts(name, args.keep / name)
    if args.stable:
        told = pd.DataFrame({name: stable(name, args.keep, args.cases) for name in args.names}).T
        print(told.to_string())
        return
    jobs = [(name, args.keep, args.cases) for name in args.names]
    if args.jobs > 1:
        with ProcessPoolExecutor(args.jobs) as pool:
            done = list(pool.map(run_one, jobs))
    else:
        done = [run_one(job) for job in jobs]
    links = pd.concat(
        [pd.read_parquet(args.keep / name / f"judged-{args.cases}.parquet") for name in done],
        ignore_index=True,
    )
    rows = {name: figures(links[links["set"] == name]) for name in done} | {"all": figures(links)}
    table = pd.DataFrame(rows).T
    numbers = table.drop(index="all").apply(pd.to_numeric, errors="coerce")
    table.loc["mean"] = numbers.mean()
    shown = markdown(table)
    print(shown)
    print("bootstrap by account:", resampled(links))
    if args.write is not None:
        page = args.write.read_text(encoding="utf-8")
        before, _, rest = page.partition(BEGIN)
        after = rest.partition(END)[2]
        args.write.write_text(f"{before}{BEGIN}\n{shown}{END}{after}", encoding="utf-8")


def markdown(table: pd.DataFrame) -> str:
    """Return the table as Markdown: shares in per cent, losses and precision as they are."""
    lines = [["community", *table.columns], ["---"] * (len(table.columns) + 1)]
    for name, row in table.iterrows():
        lines.append([str(name), *(_cell(key, value) for key, value in row.items())])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(key: object, value: Any) -> str:
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return "\N{EN DASH}"
    return f"{value:.1f} %" if ">" in str(key) or "absorbed" in str(key) else f"{value:.2f}"


if __name__ == "__main__":
    main()
