"""What imitation costs whom: true pairs that are marked, and copies that are found.

    python benchmarks/imitation.py [COMMUNITY …]

Every labelled community of `$SOCKGRAPH_DATA` (or ../shared/data): how many pairs of one person's
accounts carry the mark, how many of different people's; and joe jobs, each looked for alone: a new
account of ten edits replays ten edits of a victim, at the victim's hours, page and summary, or the
summary alone on other pages. Then `make_framing.py` of the same folder: impostors who copy 20 to
80 % of a victim's rows, three seeds. Last, the rule's two numbers, chosen with the community left
out: the variant that finds most joe jobs of the others while it marks at most `PRICE` of their true
pairs.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from alibi import DATA

from sockgraph.schema import empty, validate
from sockgraph.signals import imitation
from sockgraph.signals.corpus import compile_edits, of_accounts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.signals.imitation import Imitation

EACH, EDITS = 40, 10
PRICE = 0.02
SEEDS = (3, 4, 5)
KINDS = ("page and summary", "summary alone")
USED = (imitation.LEAST, imitation.SHARE)
VARIANTS = tuple(product((2, 3, 5), (0.02, 0.05, 0.1, 0.2)))


@dataclass(frozen=True)
class Seen:
    """One community: marks among its pairs and its joe jobs, by variant."""

    name: str
    true: int
    marked: dict[tuple[int, float], int]
    pairs: int
    wrong: dict[tuple[int, float], int]
    jobs: int
    found: dict[tuple[int, float], tuple[int, ...]]


def read(folder: Path) -> pd.DataFrame:
    """Return a folder's edits as the contract has them."""
    edits = pd.read_parquet(folder / "edits.parquet").assign(wiki="wiki")
    edits = edits[edits["user"].notna()]
    return validate("edits", edits[[c for c in empty("edits").columns if c in edits]])


def look(edits: pd.DataFrame, users: list[str], reference: NDArray[np.bool_]) -> Imitation | None:
    """Look for imitation between these accounts."""
    return imitation.find_imitation(of_accounts(compile_edits(edits), users), reference)


def marks(found: Imitation, least: int, share: float) -> NDArray[np.bool_]:
    """Return what a variant of the rule marks; what is rare stays."""
    enough = (found.taken >= least) & (
        np.nan_to_num(found.share) >= np.maximum(share, found.rare)[None, :]
    )
    return np.asarray(enough & (found.taken > imitation.ONE_WAY * found.taken.T))


def joe_jobs(edits: pd.DataFrame, victims: list[str], kind: str) -> pd.DataFrame:
    """Return the edits of one new account a victim, `joe 0`, `joe 1`, …, made after its last."""
    rng = np.random.default_rng([len(victims), KINDS.index(kind)])
    pages = edits["title"].unique()
    made = []
    for i, victim in enumerate(victims):
        own = edits[edits["user"] == victim].drop_duplicates("timestamp")
        rows = own.iloc[np.sort(rng.choice(len(own), EDITS, replace=False))].copy()
        days = pd.to_timedelta(np.arange(1, EDITS + 1), unit="D")
        hour = rows["timestamp"] - rows["timestamp"].dt.floor("D")
        rows["timestamp"] = own["timestamp"].max().floor("D") + days + hour
        if kind == "summary alone":
            rows["title"] = rng.choice(pages, EDITS)
        made.append(rows.assign(user=f"joe {i}"))
    whole = pd.concat([edits, *made])
    return validate("edits", whole.assign(rev_id=np.arange(1, len(whole) + 1)))


def community(folder: Path) -> Seen:
    """Count marks of every variant in one community."""
    edits = read(folder)
    person = pd.read_parquet(folder / "labels.parquet").dropna().set_index("user")["person"]
    times = edits.groupby("user")["timestamp"].nunique()
    users = sorted(set(times.index[times >= 10]) & set(person.index))
    found = look(edits, users, np.ones(len(users), dtype=bool))
    mine = person.reindex(users).to_numpy(dtype=object)
    same = (mine[:, None] == mine[None, :]) & ~np.eye(len(users), dtype=bool)
    able = [u for u in users if times[u] >= 15]
    rng = np.random.default_rng(1)
    victims = [str(v) for v in rng.choice(able, min(EACH, len(able)), replace=False)]
    jobs = [copied(edits, users, victims, kind) for kind in KINDS]
    marked, wrong, caught = {}, {}, {}
    for variant in VARIANTS:
        here = marks(found, *variant) if found else np.zeros_like(same)
        marked[variant] = int(((here | here.T) & same).sum()) // 2
        wrong[variant] = int(((here | here.T) & ~same).sum()) // 2
        caught[variant] = tuple(int(job[variant]) for job in jobs)
    true, n = int(same.sum()) // 2, len(users)
    return Seen(folder.name, true, marked, n * (n - 1) // 2 - true, wrong, len(victims), caught)


def copied(
    edits: pd.DataFrame, users: list[str], victims: list[str], kind: str
) -> dict[tuple[int, float], int]:
    """Return how many joe jobs of one kind each variant marks; the reference is the community."""
    joes = [f"joe {i}" for i in range(len(victims))]
    found = look(
        joe_jobs(edits, victims, kind),
        [*users, *joes],
        np.arange(len(users) + len(joes)) < len(users),
    )
    at = {user: i for i, user in enumerate([*users, *joes])}
    pairs = [at[j] for j in joes], [at[v] for v in victims]
    return {v: int(marks(found, *v)[pairs].sum()) if found else 0 for v in VARIANTS}


def framed() -> pd.DataFrame:
    """Return impostors by the share they copied, and whether they are marked with their victim."""
    rows = []
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as name:
            given = [DATA / "make_framing.py", DATA / "enwiki_contentious/edits.parquet", name]
            command = [sys.executable, *map(str, given), "--seed", str(seed)]
            subprocess.run(command, check=True, capture_output=True)
            edits, frames = read(Path(name)), pd.read_parquet(Path(name) / "frames.parquet")
        users = sorted(edits["user"].unique())
        found = look(edits, users, ~np.isin(users, frames["impostor"]))
        at = {user: i for i, user in enumerate(users)}
        here = found.found if found else np.zeros((len(users),) * 2, dtype=bool)
        hit = [here[at[f.impostor], at[f.victim]] for f in frames.itertuples()]
        rows.append(frames.assign(marked=hit, seed=seed))
    return pd.concat(rows)


def left_out(seen: list[Seen], name: str) -> tuple[int, float]:
    """Return the variant that the other communities choose."""
    others = [s for s in seen if s.name != name]
    able = [
        v
        for v in VARIANTS
        if sum(s.marked[v] for s in others) <= PRICE * sum(s.true for s in others)
    ]
    return max(able, key=lambda v: (sum(sum(s.found[v]) for s in others), v))


def counts(name: str, seen: list[Seen], of: dict[str, tuple[int, float]]) -> list[str]:
    """Return a row's cells but the last: communities together, each by its own variant."""
    true = sum(s.marked[of[s.name]] for s in seen), sum(s.true for s in seen)
    different = sum(s.wrong[of[s.name]] for s in seen), sum(s.pairs for s in seen)
    jobs = sum(s.jobs for s in seen)
    found = [(sum(s.found[of[s.name]][k] for s in seen), jobs) for k in range(len(KINDS))]
    return [name, *(f"{some} of {every}" for some, every in (true, different, *found))]


def main() -> None:
    """Print the tables."""
    if not DATA.exists():
        sys.exit(f"no {DATA}: set SOCKGRAPH_DATA")
    folders = sorted(p.parent for p in DATA.glob("*/labels.parquet"))
    wanted = sys.argv[1:] or [f.name for f in folders if f.name != "enwiki_socks"]
    seen = [community(folder) for folder in folders if folder.name in wanted]
    of = {s.name: left_out(seen, s.name) if len(seen) > 1 else USED for s in seen}
    head = ["community", "true pairs marked", "different pairs marked"]
    head += [f"joe jobs found: {kind}" for kind in KINDS] + ["least, share chosen by the others"]
    rows = [[*counts(s.name, [s], of), ", ".join(map(str, of[s.name]))] for s in seen]
    rows.append([*counts("all", seen, of), ""])
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    table = framed().groupby("share")["marked"].agg(["sum", "size"])
    print("\n| share copied | impostors marked |\n|---|---|")
    for row in table.itertuples():
        print(f"| {row.Index:.0%} | {row[1]} of {row[2]} |")


if __name__ == "__main__":
    main()
