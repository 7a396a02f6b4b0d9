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

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from judging import NAMES, add_texts, judged, prepare
from scipy.stats import binomtest

BEGIN, END = "<!-- begin communities -->", "<!-- end communities -->"


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
