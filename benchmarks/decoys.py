"""Count how often an account that cannot have a partner is flagged.

    python benchmarks/decoys.py [COMMUNITY ...] [--each 40] [--keep FOLDER] [--jobs 2]

A decoy is the earlier half of one labelled person's edits and the later half of another's, each
the person's only account; it takes the place of both. Whoever is flagged with it is flagged
wrongly, and no label is needed to know it (after Robach, Hof & van de Wiel 2025,
doi:10.1002/sim.70292). Each is nominated with the seven labelled accounts whose pages are most like
its own, and with a reference drawn as a user's would be. Half of the people stay whole.
"""

# ruff: noqa: SLF001 - it goes through the product stage by stage, as a run does
from __future__ import annotations

import argparse
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import judging
import numpy as np
import pandas as pd
from judging import DATA, NAMES, case_of, judged, likeness, page_cosine, with_reference

from sockgraph.sources.table import TableSource

DECOY = "Decoy "
LEAST = 20
"""Edit times of an account that is stitched: ten of each half."""
BESIDE = 7
"""Accounts nominated with a decoy."""


def stitch(edits: pd.DataFrame, single: np.ndarray, each: int) -> pd.DataFrame:
    """Return the edits in which decoys take the place of two accounts each.

    Parameters
    ----------
    edits
        Contract table.
    single
        Accounts to stitch from, in the order in which they are paired.
    each
        Decoys at most; half of the accounts stay as they are.
    """
    first = edits["timestamp"] <= edits.groupby("user")["timestamp"].transform("median")
    count = min(each, len(single) // 4)
    early = edits["user"].map({user: k for k, user in enumerate(single[:count])})
    late = edits["user"].map({user: k for k, user in enumerate(single[count : 2 * count])})
    kept = (early.notna() & first) | (late.notna() & ~first)
    gone = (early.notna() | late.notna()) & ~kept
    name = DECOY + early.fillna(late).where(kept).astype("Int64").astype("string")
    return edits.assign(user=name.fillna(edits["user"]).astype(object))[~gone]


def count(job: tuple[str, int, Path]) -> pd.DataFrame:
    """Judge every decoy of a community among its nearest."""
    name, each, keep = job
    folder = keep / "decoys" / name
    done = folder / f"judged-{each}.parquet"
    if done.exists():
        return pd.read_parquet(done)
    folder.mkdir(parents=True, exist_ok=True)
    edits = pd.read_parquet(DATA / name / "edits.parquet")
    person = pd.read_parquet(DATA / name / "labels.parquet").set_index("user")["person"].dropna()
    times = edits.groupby("user")["timestamp"].nunique()
    alone = person[~person.duplicated(keep=False)].index.intersection(times.index[times >= LEAST])
    rng = np.random.default_rng([2, zlib.crc32(name.encode())])
    stitched = stitch(edits, rng.permutation(np.sort(alone.to_numpy(object))), each)
    stitched.to_parquet(folder / "edits.parquet")
    users = stitched["user"].unique()
    pd.DataFrame({"user": users, "person": users}).to_parquet(folder / "labels.parquet")
    judging.DATA = folder.parent
    source = TableSource(case_of(name, ["*"], folder, name.replace("_", "-")))
    names = source.everyone()
    known = {str(u).replace("_", " ") for u in person.index}
    measured = likeness(name, source)
    near = page_cosine(source._raw, names)
    cases = []
    for k, at in enumerate(i for i, user in enumerate(names) if user.startswith(DECOY)):
        order = [names[i] for i in np.argsort(-near[at], kind="stable")]
        whole = [u for u in order if u.replace("_", " ") in known]
        cases.append(("decoy", k, [names[at], *whole[:BESIDE]]))
    rows = []
    for _, _, nominated, others in with_reference(name, source, folder, cases):
        links, _ = judged(measured, nominated, others)
        of_decoy = (links[["user_a", "user_b"]] == nominated[0]).any(axis=1)
        flagged = links["flagged"].to_numpy(bool)
        rows.append(
            {"set": name, "flagged": flagged[of_decoy].any(), "others": flagged[~of_decoy].any()}
        )
    found = pd.DataFrame(rows, columns=["set", "flagged", "others"])
    found.to_parquet(done)
    return found


def main() -> None:
    """Count, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--each", type=int, default=40)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path(".communities"))
    args = parser.parse_args()
    jobs = [(name, args.each, args.keep) for name in args.names]
    with ProcessPoolExecutor(args.jobs) as pool:
        table = pd.concat(pool.map(count, jobs), ignore_index=True)
    told = table.groupby("set").agg(
        cases=("set", "size"), decoys=("flagged", "sum"), others=("others", "sum")
    )
    told.loc["all"] = told.sum()
    print(told.to_string())


if __name__ == "__main__":
    main()
