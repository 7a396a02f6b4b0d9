"""How often the alibi is wrong, how often it clears, and what it costs to buy one.

    python benchmarks/alibi.py

*Wrong*: real accounts are dealt into two at their own pace, by four rules, and the two parts are
looked at as if they were two accounts. *Clears*: pairs of different accounts. Histories are read
from `$SOCKGRAPH_DATA` (or ../shared/data): `webplatform`, the registered accounts of
`enwiki_contentious`, and the `aliases_*` with their labels. *Bought*: one of `webplatform`'s
accounts dealt session by session, then evenings on which both parts save in pairs, 5 to 20 seconds
apart.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sockgraph.schema import empty, validate
from sockgraph.signals.alternation import SESSION
from sockgraph.signals.corpus import Histories, compile_edits, of_accounts
from sockgraph.signals.simultaneous import find_alibis

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.signals.simultaneous import Alibi

DATA = Path(os.environ.get("SOCKGRAPH_DATA", "../shared/data"))
LEAST = 60
"""Edit times of an account that is dealt into two."""
STICKS = 0.85
SPEAKS = 0.5
BOUGHT = (8, 16, 24)
"""Edits of a bought evening."""
RULES = {
    "save by save": "each save to either, by a coin",
    "page by page": "each run of saves on one page, by a coin",
    "now and then": f"the other one after {1 - STICKS:.0%} of the saves",
    "session by session": "each session, by a coin",
}


def read(name: str) -> Histories:
    """Return the histories of the accounts with ten edit times; bots left out."""
    edits = pd.read_parquet(DATA / name / "edits.parquet").assign(wiki="wiki")
    edits = edits[edits["user"].notna()]
    if name == "enwiki_contentious":
        edits = edits[edits["user_id"].fillna(0) > 0]
    edits = edits[~edits["user"].str.contains("bot", case=False)]
    table = validate("edits", edits[[c for c in empty("edits").columns if c in edits]])
    times = table.groupby("user")["timestamp"].nunique()
    return of_accounts(compile_edits(table), sorted(times.index[times >= 10]))


def deal(histories: Histories, rule: str, rng: np.random.Generator) -> Histories:
    """Return every account as two units, 2i and 2i + 1."""
    at = histories.corpus.seconds[histories.saves]
    page = histories.corpus.page[np.searchsorted(histories.corpus.save, histories.saves)]
    other = np.diff(histories.unit, prepend=-1) != 0
    session = other | (np.diff(at, prepend=-np.inf) > SESSION)
    begins = {
        "save by save": np.ones(len(at), dtype=bool),
        "page by page": session | (np.diff(page, prepend=-2) != 0),
        "now and then": other | (rng.random(len(at)) > STICKS),
        "session by session": session,
    }[rule]
    run = np.cumsum(begins) - 1
    side = run % 2 if rule == "now and then" else rng.integers(0, 2, run[-1] + 1)[run]
    unit = 2 * histories.unit + side
    order = np.argsort(unit, kind="stable")
    owner = np.repeat(histories.owner, 2)
    return Histories(histories.corpus, histories.saves[order], unit[order], owner)


def users_of(histories: Histories) -> list[str]:
    """Return the account behind each unit."""
    corpus = histories.corpus
    first = histories.saves[np.searchsorted(histories.unit, np.arange(histories.n_units))]
    return [corpus.users[code] for code in corpus.account[first]]


def told(log10_lr: NDArray[np.float64], significant: NDArray[np.bool_]) -> str:
    """Return the table's last four cells."""
    heard = log10_lr[~np.isnan(log10_lr)]
    least = f"{np.median(heard):+.2f}" if len(heard) else "–"
    return f"{len(heard)} | {least} | {(heard <= -SPEAKS).sum()} | {significant.sum()} |"


def dealt(name: str, histories: Histories) -> None:
    """Print how often one real account, dealt into two, has an alibi against itself."""
    long = histories.take(np.flatnonzero(histories.n_saves >= LEAST))
    for rule in RULES:
        parts = deal(long, rule, np.random.default_rng(1))
        found = find_alibis(parts, np.zeros(parts.n_units, dtype=bool))
        own = np.arange(0, parts.n_units, 2), np.arange(1, parts.n_units, 2)
        row = told(found.log10_lr[own], found.significant[own])
        print(f"| {name} | one account, dealt {rule} | {long.n_units} | {row}", flush=True)


def pairs(name: str, histories: Histories) -> None:
    """Print how often pairs of accounts have one, by what their labels say."""
    found: Alibi = find_alibis(histories, np.zeros(histories.n_units, dtype=bool))
    a, b = np.triu_indices(histories.n_units, 1)
    labels = DATA / name / "labels.parquet"
    same = np.zeros(len(a), dtype=bool)
    if labels.exists():
        person = pd.read_parquet(labels).dropna().set_index("user")["person"]
        mine = pd.Series(users_of(histories)).map(person).to_numpy(dtype=object)
        same = (mine[a] == mine[b]) & ~pd.isna(mine[a])
    together = found.changes[a, b] > 0
    for words, here in (("one person's", same), ("different", ~same)):
        if here.any():
            these = here & together
            row = told(found.log10_lr[a, b][these], found.significant[a, b][these])
            print(f"| {name} | {words} accounts that meet | {these.sum()} | {row}", flush=True)


def bought(histories: Histories, evenings: int, edits: int, seed: int) -> Alibi:
    """Return the alibi of one account dealt session by session after evenings of paired saves."""
    rng = np.random.default_rng([seed, evenings, edits])
    parts = deal(histories, "session by session", rng)
    corpus = parts.corpus
    rows = corpus.frame.iloc[np.searchsorted(corpus.save, parts.saves)]
    rows = rows[["timestamp", "title"]].assign(user=np.where(parts.unit % 2, "B", "A"))
    new = []
    for evening in range(evenings):
        at = rows["timestamp"].max() + pd.Timedelta(days=2 * evening + 1)
        for i in range(edits // 2):
            at += pd.Timedelta(seconds=float(rng.uniform(120, 400)))
            behind = at + pd.Timedelta(seconds=float(rng.uniform(5, 20)))
            new += [(at, f"P{i}", "A"), (behind, f"Q{i}", "B")]
    whole = pd.concat([rows, pd.DataFrame(new, columns=["timestamp", "title", "user"])])
    table = whole.assign(wiki="wiki", rev_id=np.arange(1, len(whole) + 1), comment="c")
    table["hidden"] = [[] for _ in range(len(table))]
    units = of_accounts(compile_edits(validate("edits", table)), ["A", "B"])
    return find_alibis(units, np.zeros(2, dtype=bool))


def prices(histories: Histories) -> None:
    """Print what evenings of paired saves buy: the median of eight accounts, and how many all."""
    long = np.flatnonzero(histories.n_saves >= LEAST)[:8]
    print("\n| evenings | " + " | ".join(f"{n} edits each" for n in BOUGHT) + " |")
    print("|---|" + "---|" * len(BOUGHT))
    for evenings in (1, 3, 5, 7, 10, 14, 20):
        cells = []
        for edits in BOUGHT:
            found = [
                bought(histories.take(np.array([unit])), evenings, edits, i)
                for i, unit in enumerate(long)
            ]
            lr = np.nan_to_num([one.log10_lr[0, 1] for one in found])
            whole = sum(one.significant[0, 1] for one in found)
            cells.append(f"{np.median(lr):+.2f}, {whole} of {len(found)}")
        print(f"| {evenings} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    """Print two Markdown tables."""
    if not DATA.exists():
        sys.exit(f"no {DATA}: set SOCKGRAPH_DATA")
    print("| histories | pairs | n | heard | median log10 LR | ≤ −0.5 | ≤ −0.95 |")
    print("|---|---|---|---|---|---|---|")
    for name in ("webplatform", "enwiki_contentious"):
        histories = read(name)
        dealt(name, histories)
        pairs(name, histories)
    for folder in sorted(DATA.glob("aliases_*")):
        pairs(folder.name, read(folder.name))
    prices(read("webplatform"))


if __name__ == "__main__":
    main()
