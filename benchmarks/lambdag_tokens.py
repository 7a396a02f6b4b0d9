"""Measure from how many tokens on lambdaG tells one writer from two, beside our own number.

    pip install lambdag
    SOCKGRAPH_DATA=... python benchmarks/lambdag_tokens.py [COMMUNITY ...] --write FILE.parquet

lambdaG (Nini et al. 2026, Humanities and Social Sciences Communications 13:450) asks how much
better one text is foretold by a language model of the other than by models of others' sentences. Of
each community with `texts.parquet`, up to --pairs pairs of one person (a person each), and of each
of their first accounts two pairs with others: the one whose writing our number finds nearest, and
one by lot. Both numbers read the newest N tokens of either side, of text as our own family cleans
it; Chinese is cut into characters. lambdaG: tokens, square-root calibration, the mean of both
directions.
"""

# ruff: noqa: SLF001 - text is read as the product reads it
from __future__ import annotations

import argparse
import itertools
import os
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from judging import labels_of

from sockgraph.evaluation.metrics import cllr, count_by_score, roc_auc
from sockgraph.evidence.similarity import surprise
from sockgraph.schema import validate
from sockgraph.signals import SIGNALS
from sockgraph.signals.bags import _own_texts, writing_bag
from sockgraph.signals.corpus import compile_edits, of_accounts, tokens
from sockgraph.signals.vectors import similarity, term_vectors

DATA = Path(os.environ["SOCKGRAPH_DATA"])
NAMES = ("ghc_wiki", "gold_miner_zh", "ikiwiki_wiki", "lctt_zh", "rdevel_list", "rust_wiki")
SIZES = 125, 250, 500, 1_000
REFERENCES, ORDER = 5, 10
OTHERS = 30
"""Accounts whose sentences the reference models are drawn from."""
WRITING = next(signal for signal in SIGNALS if signal.bag is writing_bag)


def own_texts(name: str) -> dict[str, list[str]]:
    """Return each account's own lines, the newest last, as the writing family reads them."""
    edits = pd.read_parquet(DATA / name / "edits.parquet")
    texts = pd.read_parquet(DATA / name / "texts.parquet").set_index("rev_id")["text"]
    said = edits["rev_id"].map(texts).str.replace("(name)", " ", regex=False)
    return _lines_of(_table(edits["user"], edits["timestamp"], said))


def _table(user: Any, timestamp: Any, text: Any) -> pd.DataFrame:
    frame = pd.DataFrame({"user": user, "timestamp": timestamp, "text": text})
    rest = {"wiki": "x", "rev_id": range(1, len(frame) + 1), "title": "X", "ns": 0}
    return validate("edits", frame.assign(**rest))


def _lines_of(edits: pd.DataFrame) -> dict[str, list[str]]:
    corpus = compile_edits(edits)
    saves, texts = _own_texts(corpus)
    found: dict[str, list[str]] = {}
    for save, text in zip(saves, texts, strict=True):
        found.setdefault(corpus.users[corpus.account[save]], []).extend(text.splitlines())
    return found


def newest(lines: list[str], n: int) -> list[str]:
    """Return the newest lines of n tokens in all, tokens apart by spaces; the first is cut."""
    kept: list[str] = []
    for line in reversed(lines):
        cut = tokens(line)[-n:] if n > 0 else []
        n -= len(cut)
        kept += [" ".join(cut)] if cut else []
    return kept[::-1]


def ours(texts: dict[str, str]) -> pd.DataFrame:
    """Return our own surprise on every pair of these texts."""
    users = sorted(texts)
    when = pd.date_range("2020-01-01", periods=len(users), freq="D", tz="UTC").as_unit("us")
    corpus = compile_edits(_table(users, when, [texts[user] for user in users]))
    histories = of_accounts(corpus, users)
    bag = WRITING.bag(corpus)
    if bag is None:  # too few characters, as 250 tokens of Chinese are
        return pd.DataFrame(np.nan, users, users)
    vectors = term_vectors(bag, histories, WRITING.weighting)
    cells = similarity(vectors, vectors)
    np.fill_diagonal(cells, np.nan)
    seen = surprise(cells, cells, ~np.isnan(cells))
    return pd.DataFrame((seen + seen.T) / 2, users, users)


def lambdag(a: list[str], b: list[str], others: dict[str, list[str]], seed: int) -> float:
    """Return lambdaG's log10 LR, the mean of both directions."""
    from lambdag import LambdaGMethod

    method = LambdaGMethod(
        basis="tokens", order=ORDER, smoothing="kneser_ney", lowercasing=True, sentenize=True,
        num_references=REFERENCES, calibration="square_root", random_seed=seed,
    )  # fmt: skip
    known = [method._preprocess_text("\n".join(side)) for side in (a, b)]
    crowd = [s for lines in others.values() for s in method._preprocess_text("\n".join(lines))]
    scores = []
    for one, other in itertools.permutations(range(2)):
        raw = method._lambdag_score(known[one], known[other], crowd)
        scores.append(raw / np.sqrt(sum(map(len, known[other]))))
    return float(np.mean(scores)) * float(np.log10(2))  # calibrated as 2 to the power of it


def pairs_of(name: str, texts: dict[str, str], n: int) -> list[tuple[str, str, bool]]:
    """Return (a, b, whether one person's): see above."""
    labels = labels_of(name, sorted(texts))
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    persons = [list(users) for _, users in labels.groupby(labels).groups.items() if len(users) > 1]
    persons = [persons[i] for i in rng.permutation(len(persons))[:n]]
    number = ours(texts)
    found = []
    for a, b, *_ in persons:
        found.append((a, b, True))
        strange = [u for u in labels.index if labels[u] != labels[a]]
        nearest = number.loc[a, strange].idxmax()
        found += [(a, nearest, False), (a, str(rng.choice(strange)), False)]
    return found


def measure(name: str, n_pairs: int) -> pd.DataFrame:
    """Return one row a pair and size."""
    lines, rows = own_texts(name), []
    long = {user: newest(said, SIZES[-1]) for user, said in lines.items()}
    enough = {u: said for u, said in long.items() if sum(len(x.split()) for x in said) >= SIZES[-1]}
    pairs = pairs_of(name, {u: "\n".join(said) for u, said in enough.items()}, n_pairs)
    drawn = sorted(set(enough) - {user for a, b, _ in pairs for user in (a, b)})
    rng = np.random.default_rng(1)
    drawn = [drawn[i] for i in rng.permutation(len(drawn))[:OTHERS]]
    for size in SIZES:
        cut = {user: newest(said, size) for user, said in enough.items()}
        number = ours({user: "\n".join(said) for user, said in cut.items()})
        others = {user: enough[user] for user in drawn}
        for place, (a, b, same) in enumerate(pairs):
            began = time.process_time()
            said = lambdag(cut[a], cut[b], others, place)
            spent = time.process_time() - began
            rows.append((name, size, place % 3, same, said, number.loc[a, b], spent))
    columns = ["community", "tokens", "kind", "same", "lambdag", "ours", "seconds"]
    return pd.DataFrame(rows, columns=columns)


def _auc(scores: pd.Series, same: pd.Series) -> float:
    if scores.isna().any():
        return float("nan")
    return roc_auc(count_by_score(scores, list(same), null=0.0))


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return, by tokens, what either number tells; each AUC is the mean of the communities'."""
    told = []
    for size, here in rows.groupby("tokens"):
        found: dict[str, Any] = {
            "tokens": size,
            "true": here["same"].sum(),
            "other": (~here["same"]).sum(),
        }
        for others, left_out in (("by lot", 1), ("nearest", 2)):  # kinds, as `pairs_of` gives them
            asked = here[here["kind"] != left_out].groupby("community")
            for name in ("lambdag", "ours"):
                aucs = [_auc(rows[name], rows["same"]) for _, rows in asked]
                found[f"{others}, {name}"] = np.nanmean(aucs)
        found["Cllr"] = cllr(count_by_score(here["lambdag"], list(here["same"]), null=0.0))
        strange = here[~here["same"]]
        found["other > 10"] = int((strange["lambdag"] > 1).sum())
        found["true > 10"] = int((here.loc[here["same"], "lambdag"] > 1).sum())
        found["CPU-s"] = here["seconds"].mean()
        told.append(found)
    return pd.DataFrame(told).round(3)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--write", type=Path, required=True, help="kept rows; measured ones stay")
    asked = parser.parse_args()
    rows = pd.read_parquet(asked.write) if asked.write.exists() else pd.DataFrame()
    for name in asked.names:
        if rows.empty or name not in set(rows["community"]):
            rows = pd.concat([rows, measure(name, asked.pairs)], ignore_index=True)
            rows.to_parquet(asked.write)
        print(name)
        print(table(rows[rows["community"] == name]).to_string(index=False), flush=True)
    print(table(rows).to_string(index=False))


if __name__ == "__main__":
    main()
