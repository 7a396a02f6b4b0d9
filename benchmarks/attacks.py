"""Count what an attack gets through the whole flag rule.

    python benchmarks/attacks.py [COMMUNITY ...] [--each 12] [--keep FOLDER] [--jobs 2]

Joe jobs: into a labelled community of `$SOCKGRAPH_DATA` new accounts of ten edits are put, each of
which replays ten edits of a victim at the victim's hours (`imitation.py`): page and summary, or the
summary alone on other pages. Frames: `make_framing.py` of the same folder, impostors who copy 20 to
80 % of a victim's rows. Each impostor is nominated with its victim and the six accounts whose pages
are most like the victim's; no other impostor is in the reference. Counted is who is flagged: the
victim, anybody else, and how many would be without the mark of imitation.
"""

# ruff: noqa: SLF001 - it goes through the product stage by stage, as a run does
from __future__ import annotations

import argparse
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import judging
import numpy as np
import pandas as pd
from imitation import KINDS, joe_jobs, read
from judging import DATA, case_of, judged, likeness, page_cosine, with_reference

from sockgraph.sources.table import TableSource

NAMES = ["ghc_wiki", "ikiwiki_wiki", "peps", "gnome_docs", "puppet", "chef", "minetest", "crawl"]
NAMES += ["gold_miner_zh", "aliases_ipython", "rdevel_list"]
FRAMED = "enwiki_contentious"
PAIR = ("user_a", "user_b")
BESIDE = 6
"""Accounts nominated beside impostor and victim."""


def written(folder: Path, edits: pd.DataFrame) -> None:
    """Write a table that the product reads, everybody a person of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    edits[["rev_id", "timestamp", "user", "title", "comment"]].to_parquet(folder / "edits.parquet")
    users = edits["user"].unique()
    pd.DataFrame({"user": users, "person": users}).to_parquet(folder / "labels.parquet")


def joes(name: str, kind: str, each: int, folder: Path) -> pd.DataFrame:
    """Put joe jobs into a community; return `impostor, victim, share`."""
    edits = read(DATA / name)
    edits["user"] = edits["user"].str.replace("_", " ")
    times = edits.groupby("user")["timestamp"].nunique()
    able = np.sort(times.index[times >= 15].to_numpy(object))
    rng = np.random.default_rng(7)
    victims = [str(v) for v in rng.choice(able, min(each, len(able)), replace=False)]
    written(folder, joe_jobs(edits, victims, kind))
    return pd.DataFrame(
        {"impostor": [f"joe {i}" for i in range(len(victims))], "victim": victims, "share": kind}
    )


def frames(each: int, folder: Path) -> pd.DataFrame:
    """Make impostors; return `impostor, victim, share`."""
    given = [DATA / "make_framing.py", DATA / FRAMED / "edits.parquet", folder]
    command = [sys.executable, *map(str, given), "--seed", "3", "--each", str(each)]
    subprocess.run(command, check=True, capture_output=True)
    found = pd.read_parquet(folder / "frames.parquet")
    return found.assign(
        impostor=found["impostor"].str.replace("_", " "),
        victim=found["victim"].str.replace("_", " "),
        share=found["share"].map("{:.0%} of the rows".format),
    )


def attack(job: tuple[str, str, int, Path]) -> pd.DataFrame:
    """Judge every impostor beside its victim."""
    name, kind, each, keep = job
    stem = f"{name}-{kind}".replace(" ", "-").replace("_", "-")
    folder = keep / "attacks" / stem
    done = folder / f"judged-{each}.parquet"
    if done.exists():
        return pd.read_parquet(done)
    folder.mkdir(parents=True, exist_ok=True)
    made = frames(each, folder) if name == FRAMED else joes(name, kind, each, folder)
    judging.DATA = folder.parent
    source = TableSource(case_of(stem, ["*"], folder, "whole"))
    users = source.everyone()
    written_as = {u.replace("_", " "): u for u in users}
    made = made.assign(**{c: made[c].map(written_as) for c in ("impostor", "victim")}).dropna()
    measured = likeness(stem, source)
    near = page_cosine(source._raw, users)
    place = {user: i for i, user in enumerate(users)}
    impostors = set(made["impostor"])
    rows: list[dict[str, Any]] = []
    for one in made.itertuples():
        order = [users[i] for i in np.argsort(-near[place[one.victim]], kind="stable")]
        beside = [u for u in order if u not in impostors and u != one.victim][:BESIDE]
        nominated = [one.impostor, one.victim, *beside]
        drawn = with_reference(stem, source, folder, [("framed", 0, nominated)])[0][3]
        links, _ = judged(measured, nominated, [u for u in drawn if u not in impostors])
        counted = _counted(links, one.impostor, one.victim, person_of(name))
        rows.append(counted | {"of": name, "copied": one.share})
    found = pd.DataFrame(rows)
    found.to_parquet(done)
    return found


def person_of(name: str) -> dict[str, str]:
    """Return who owns which account of a community, where labels say it."""
    known = DATA / name / "labels.parquet"
    if not known.exists():
        return {}
    told = pd.read_parquet(known).dropna(subset="person")
    return dict(zip(told["user"].str.replace("_", " "), told["person"], strict=True))


def _counted(
    links: pd.DataFrame, impostor: str, victim: str, person: dict[str, str]
) -> dict[str, bool]:
    """Return who is flagged, and whether the victim would be but for the mark."""
    pair = {impostor, victim}
    this = [{a, b} == pair for a, b in zip(links["user_a"], links["user_b"], strict=True)]
    framed = links[this].iloc[0]
    sides = (links[c].str.replace("_", " ").map(lambda u: person.get(u, u)) for c in PAIR)
    others = links["flagged"].to_numpy(bool) & ~np.array(this)
    strangers = np.not_equal(*(side.to_numpy(object) for side in sides))
    alone = all("imitating" in reason or "group" in reason for reason in framed["reasons"])
    return {
        "marked": bool(framed["imitation"]),
        "flagged": bool(framed["flagged"]),
        "but for the mark": bool(framed["imitation"] and alone),
        "one person's flagged": bool((others & ~strangers).any()),
        "strangers flagged": bool((others & strangers).any()),
    }


def main() -> None:
    """Attack, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=[*NAMES, FRAMED])
    parser.add_argument("--each", type=int, default=12)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path(".communities"))
    args = parser.parse_args()
    kinds = {name: ("framing",) if name == FRAMED else KINDS for name in args.names}
    jobs = [(name, kind, args.each, args.keep) for name in args.names for kind in kinds[name]]
    with ProcessPoolExecutor(args.jobs) as pool:
        table = pd.concat(pool.map(attack, jobs), ignore_index=True)
    counts = table.drop(columns="of").groupby("copied").agg(["sum"])
    counts.columns = [name for name, _ in counts.columns]
    print(counts.assign(attacks=table.groupby("copied").size()).to_string())


if __name__ == "__main__":
    main()
