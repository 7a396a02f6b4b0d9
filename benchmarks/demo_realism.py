"""Is the invented wiki as easy, or as hard, as a real one? The same plain measures on both.

No part of sockgraph is judged here: histories are cut in two by simple rules, and plain cosines of
summaries, pages and hours say how far the halves of one account stand out among those of others.
If the invented wiki gave much higher figures than public histories, its people were caricatures.

    python benchmarks/demo_realism.py [--seed 1]

Real histories are read from `$SOCKGRAPH_DATA` (or ../shared/data); what is not there is named.
"""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import normalize

from sockgraph.synthetic.wiki import small_wiki

if TYPE_CHECKING:
    from collections.abc import Callable

MIN_TIMES = 40
NEAR = 0.05  # the different pairs with most pages in common: people of one community
FPR = 1e-2
WORDS = re.compile(r"\w+|[^\w\s]")
REAL = {"35 contested articles": "enwiki_contentious", "a complete small wiki": "webplatform"}
FORTNIGHT = 14 * 86400


def main() -> None:
    """Print one line a wiki, cut and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1, help="of the invented wiki")
    seed = parser.parse_args().seed
    print("| wiki | cut | accounts | measure | AUC | recall at 10⁻² |")
    print("|---|---|---|---|---|---|")
    report("invented", small_wiki(seed).edits)
    folder = Path(os.environ.get("SOCKGRAPH_DATA", "../shared/data"))
    for name, place in REAL.items():
        path = folder / place / "edits.parquet"
        if path.exists():
            report(name, pd.read_parquet(path))
        else:
            print(f"{path}: not there, so it is not measured.")


def report(name: str, edits: pd.DataFrame) -> None:
    """Print how far halves of one account stand out, by cut and measure."""
    edits = edits[~edits["user"].str.contains("bot", case=False)]
    edits = edits[~edits["user"].str.match(r"ip-|\d+\.")]
    for cut, rule in (("successive", _successive), ("parallel", _parallel)):
        halves = edits.groupby("user")["timestamp"].transform(rule)
        times = (
            edits.groupby(["user", halves.rename("half")])["timestamp"]
            .nunique()
            .reset_index(name="n")
        )
        times = times.groupby("user")["n"].agg(["sum", "min", "size"])
        enough = (times["sum"] >= MIN_TIMES) & (times["min"] >= MIN_TIMES / 4)
        users = times.index[enough & (times["size"] == 2)]
        first, second = (_of(edits[halves == side], users) for side in (0, 1))
        alike = {name: _alike(profile(first + second)) for name, profile in MEASURES.items()}
        near = _nearest(alike["pages"])
        for measure, table in alike.items():
            print(_line(f"{name} | {cut} | {len(users)} | {measure}", table, near=None))
        line = f"{name} | {cut} | {len(users)} | summaries, people of the same pages"
        print(_line(line, alike["summaries"], near=near))


def _alike(profiles: np.ndarray) -> np.ndarray:
    """Return the cosines of first halves (rows) with second halves (columns)."""
    n = profiles.shape[0] // 2
    alike = profiles[:n] @ profiles[n:].T
    return np.asarray(alike.todense() if hasattr(alike, "todense") else alike)


def _nearest(pages: np.ndarray) -> np.ndarray:
    """Return which different pairs have most pages in common."""
    different = ~np.eye(len(pages), dtype=bool)
    return different & (pages >= np.quantile(pages[different], 1 - NEAR))


def _successive(times: pd.Series) -> pd.Series:
    return (times > times.median()).astype(int)


def _parallel(times: pd.Series) -> pd.Series:
    return (times.astype("int64") // 10**6 // FORTNIGHT) % 2


def _of(edits: pd.DataFrame, users: pd.Index) -> list[pd.DataFrame]:
    groups = dict(tuple(edits.groupby("user")))
    return [groups[user] for user in users]


def _summaries(halves: list[pd.DataFrame]) -> np.ndarray:
    texts = [" \n ".join(half["comment"].fillna("(none)").replace("", "(none)")) for half in halves]
    words = TfidfVectorizer(
        lowercase=False,
        tokenizer=WORDS.findall,
        token_pattern=None,
        ngram_range=(1, 2),
        sublinear_tf=True,
    )
    return words.fit_transform(texts)


def _pages(halves: list[pd.DataFrame]) -> np.ndarray:
    titles = ["\n".join(half["title"].astype(str).unique()) for half in halves]
    return TfidfVectorizer(tokenizer=str.splitlines, token_pattern=None).fit_transform(titles)


def _hours(halves: list[pd.DataFrame]) -> np.ndarray:
    clock = [
        np.bincount(h["timestamp"].dt.day_of_week * 24 + h["timestamp"].dt.hour, minlength=168)
        for h in halves
    ]
    return normalize(np.sqrt(np.array(clock)))


MEASURES: dict[str, Callable[[list[pd.DataFrame]], np.ndarray]] = {
    "summaries": _summaries,
    "pages": _pages,
    "hours": _hours,
}


def _line(said: str, alike: np.ndarray, *, near: np.ndarray | None) -> str:
    """Return AUC and recall at 10⁻² of an account's two halves among halves of different ones."""
    same = np.eye(len(alike), dtype=bool)
    different = ~same if near is None else near
    values = np.concatenate([alike[same], alike[different]])
    truth = np.arange(len(values)) < same.sum()
    recall = float((alike[same] > np.quantile(alike[different], 1 - FPR)).mean())
    return f"| {said} | {roc_auc_score(truth, values):.3f} | {recall:.2f} |"


if __name__ == "__main__":
    main()
