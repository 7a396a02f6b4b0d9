"""Measure on real data what docs/open-cases.md says, and write its tables between its markers.

    python benchmarks/validation.py [TABLE …] [--write docs/open-cases.md]

Tables: aliases, told, flattery, strata, length, open, socks; default: all. Data is
read from `$SOCKGRAPH_DATA` (or ../shared/data). Every account with ten edit times is compared with
every other; but for `told`, no label is used until the links are written.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from sockgraph.evaluation import evaluate
from sockgraph.evaluation.labelled_pairs import read_labels
from sockgraph.evidence import ComparisonInput, EvidenceSettings, compare
from sockgraph.pipeline.run import run_case
from sockgraph.pipeline.validate import validate_case
from sockgraph.schema import empty, validate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sockgraph.evaluation.false_links import Limit
    from sockgraph.evaluation.validation import PairSetMeasures, Validation
    from sockgraph.pipeline.results import CaseResult

DATA = Path(os.environ.get("SOCKGRAPH_DATA", "../shared/data"))
ALIASES = ("aliases_ipython", "aliases_numpy", "aliases_scipy")
CASE = """
id = "{name}"
title = "Validation on {name}"
reason = "Validation on published histories"
wikis = ["{name}.example"]
[source]
kind = "table"
path = "{path}"
[accounts]
nominated = ["*"]
min_edits = {least}
"""
LEAST = {"enwiki_contentious": 40}
DASH = "\N{EN DASH}"


@dataclass(frozen=True)
class Ran:
    """A data set that was run as a case, and its validation."""

    result: CaseResult
    validation: Validation


PLACE = tempfile.TemporaryDirectory()


@cache
def ran(name: str, *, told: bool = False) -> Ran:
    """Run one data set, every account against every other, and validate it.

    `told`: labels are learnt from, as a case that names them has it.
    """
    folder = DATA / name
    place = Path(PLACE.name) / ("told" if told else "alone")
    place.mkdir(exist_ok=True)
    edits, least = folder / "edits.parquet", LEAST.get(name, 10)
    labels = folder / "labels.parquet"
    path = place / f"{name.replace('_', '-')}.toml"
    more = f'[reference]\nlabels = "{labels.absolute()}"\n' if told else ""
    path.write_text(CASE.format(name=path.stem, path=edits.absolute(), least=least) + more)
    print(f"  {name}{', told' if told else ''}", file=sys.stderr, flush=True)
    result = run_case(path, data=place / "data")
    calibrated = result.manifest["evidence"]["calibrated"]
    given = labels if labels.exists() and calibrated else None
    return Ran(result, validate_case(path, given, data=place / "data").validation)


def aliases() -> Iterator[str]:
    """Discrimination, calibration, flags and groups on labelled accounts."""
    table = pd.DataFrame({name: _figures(name) for name in ALIASES})
    table["mean"] = table.mean(axis=1)
    yield from _rows(["", *(n.removeprefix("aliases_") for n in ALIASES), "mean"])
    for row, values in table.iterrows():
        yield _line([str(row), *(_number(v, counted=str(row) in COUNTED) for v in values)])


def _figures(name: str) -> dict[str, float]:
    found = ran(name)
    side = found.validation.labels
    labels = read_labels(DATA / name / "labels.parquet")
    told = evaluate(
        found.result.links, labels, clusters=found.result.clusters, compared_only=True
    ).as_dict()
    above = {f"different pairs with LR > {x.ratio:,}": x.above for x in side.strata[0].limits}
    return {
        "true pairs": side.whole.n_same,
        "different pairs": side.whole.n_different,
        "AUC": side.whole.auc,
        "average precision": side.whole.average_precision,
        "recall at 10⁻³": side.whole.recall_at_fpr_1e3,
        "Cllr": side.whole.cllr,
        "Cllr_min": side.whole.cllr_min,
        "calibration loss": side.whole.loss,
        "… of perfectly calibrated LRs": side.whole.calibrated_loss,
        "highest LR that the reference bears (log10)": found.validation.terms.bound_high,
        **above,
        "flagged": side.flagged.flagged,
        "flagged that are true": side.flagged.precision,
        "true that are flagged": side.flagged.recall,
        "pairs in a group that are true": told["pair_precision"],
        "true pairs in a group": told["pair_recall"],
        "B³ precision": told["b3_precision"],
        "B³ recall": told["b3_recall"],
        "innocents absorbed": told["innocents_absorbed"],
    }


def told() -> Iterator[str]:
    """Compare models that labels were given to, cross-fitted by person, with those without."""
    yield from _rows(["set", "learnt from", *TOLD])
    for name in ALIASES:
        for given, words in ((False, "cut histories"), (True, "and labels")):
            side, bound = _told(name, given=given)
            figures = [getattr(side.whole, key) for key in TOLD.values() if key]
            flags = [side.flagged.precision, side.flagged.recall, bound]
            cells = map(_number, (*figures, *flags))
            yield _line([name.removeprefix("aliases_"), words, *cells])


TOLD = {
    "AUC": "auc",
    "average precision": "average_precision",
    "recall at 10⁻³": "recall_at_fpr_1e3",
    "calibration loss": "loss",
    "flagged that are true": None,
    "true that are flagged": None,
    "highest LR (log10)": None,
}


def _told(name: str, *, given: bool) -> tuple[PairSetMeasures, float]:
    found = ran(name, told=given).validation
    return found.labels, found.terms.bound_high


def flattery() -> Iterator[str]:
    """How much better cut histories look than labelled accounts."""
    yield from _rows(["set", "measure", "cut histories", "labels", "difference"])
    names = {"auc": "AUC", "recall_at_fpr_1e3": "recall at 10⁻³", "cllr": "Cllr"}
    names |= {"loss": "calibration loss"}
    for name in ALIASES:
        found = ran(name).validation
        for key, words in names.items():
            ours, theirs = getattr(found.own.whole, key), getattr(found.labels.whole, key)
            cells = [_number(ours), _number(theirs), f"{ours - theirs:+.3f}".replace("-", "−")]
            yield _line([name.removeprefix("aliases_"), words, *cells])


def strata() -> Iterator[str]:
    """Count false links by kind of pair, on labels, with and without the most extreme pairs."""
    heads = ["LR > 10", "LR > 100", "LR > 1,000"]
    yield from _rows(["set", "different pairs", "n", *heads, "log10 LR < −1"])
    for name in ALIASES:
        for one in ran(name).validation.labels.strata:
            cells = [_limit(*both) for both in zip(one.limits, one.limits_without, strict=True)]
            row = [name.removeprefix("aliases_"), one.name, f"{one.pairs:,}", *cells]
            yield _line([*row, _percent(one.against)])


def _limit(whole: Limit, without: Limit) -> str:
    if whole.untested:
        return "not testable"
    over = "" if whole.kept else "**over:** "
    return f"{over}{whole.above:,} = {_percent(whole.share)} ({without.above:,})"


def length() -> Iterator[str]:
    """Say what is found, and what is wrongly found, by how much there is to compare."""
    pairs = pd.concat([_pairs(name) for name in ALIASES])
    heads = ["true pairs", "found at 10⁻³", "flagged", "median log10 LR"]
    heads += ["different pairs", "LR > 10", "flagged, of 10,000", "log10 LR < −1"]
    yield from _rows(["edit times of the shorter", *heads])
    for span, some in pairs.groupby(pd.cut(pairs["times"], LENGTHS, right=False), observed=True):
        true, different = some[some["same"]], some[~some["same"]]
        last = np.isinf(span.right)
        yield _line(
            [
                f"{span.left:.0f} or more" if last else f"{span.left:.0f} to {span.right - 1:.0f}",
                f"{len(true):,}",
                _percent(true["found"].mean()),
                _percent(true["flagged"].mean()),
                f"{true['log10_lr'].median():.2f}".replace("-", "−"),
                f"{len(different):,}",
                _percent((different["log10_lr"] > 1).mean()),
                f"{10_000 * different['flagged'].mean():.1f}",
                _percent((different["log10_lr"] < -1).mean()),
            ]
        )


LENGTHS = [10, 15, 25, 50, 100, np.inf]


def _pairs(name: str) -> pd.DataFrame:
    """Return a set's compared pairs: of one person or not, found at 10⁻³ or not, how long."""
    labels = read_labels(DATA / name / "labels.parquet").set_index("user")["person"]
    edits = pd.read_parquet(DATA / name / "edits.parquet", columns=["user", "timestamp"])
    times = edits.groupby("user")["timestamp"].nunique()
    links = ran(name).result.links.dropna(subset="score")
    links = links[links["user_a"].isin(labels.index) & links["user_b"].isin(labels.index)]
    ends = [links[column] for column in ("user_a", "user_b")]
    persons, lengths = ([end.map(of) for end in ends] for of in (labels, times))
    same = (persons[0] == persons[1]).fillna(value=False)
    others = np.sort(links["score"][~same])[::-1]
    return pd.DataFrame(
        {
            "times": np.minimum(*lengths),
            "same": same.astype(bool),
            "found": links["score"] > others[len(others) // 1000],
            "flagged": links["flagged"].astype(bool),
            "log10_lr": links["log10_lr"],
        }
    )


def open_() -> Iterator[str]:
    """Flag accounts whose partners are away, and clear different people who share pages."""
    heads = ["true flagged", "accounts", "nobody, scores kept", "lost a partner"]
    heads += ["nobody, scores kept", "nobody, fitted again"]
    heads += ["different pairs, ≥ 5 shared pages", "log10 LR < −1", "log10 LR > 1"]
    yield from _rows(["set", *heads])
    for name in ALIASES:
        side = ran(name).validation.labels
        held, cleared = side.open_set, side.exculpation
        alone, flagged = _fitted_again(name)
        again = f"{_percent(1 - flagged / alone)} of {alone:,}"
        yield _line(
            [
                name.removeprefix("aliases_"),
                _percent(side.flagged.recall),
                f"{held.accounts:,}",
                _percent(held.nobody),
                f"{held.bereft:,}",
                _percent(held.bereft_nobody),
                again,
                f"{cleared.pairs:,}",
                _percent(cleared.cleared),
                _percent(cleared.towards),
            ]
        )


def _fitted_again(name: str, turns: int = 2) -> tuple[int, int]:
    """Keep one account of each person, fit all anew, and count accounts flagged all the same.

    Returns
    -------
    tuple of int
        Accounts, over all turns, and those of them that are flagged with somebody. Each turn keeps
        another account of a person who has several.
    """
    result = ran(name).result
    labels = read_labels(DATA / name / "labels.parquet")
    edits = pd.read_parquet(DATA / name / "edits.parquet").assign(wiki=f"{name}.example")
    columns = [c for c in empty("edits").columns if c in edits]
    table = validate("edits", edits.loc[edits["user"].notna(), columns])
    known = labels[labels["user"].isin(result.accounts["user"])].sort_values("user")
    person = known["person"].fillna(known["user"].radd("alone: "))
    place, size = person.groupby(person).cumcount(), person.groupby(person).transform("size")
    tried, flagged = 0, 0
    for turn in range(turns):
        kept = known.loc[(place == turn % size).to_numpy(), "user"]
        here = table["user"].isin(kept)
        accounts = pd.DataFrame({"wiki": f"{name}.example", "user": kept, "role": "nominated"})
        away = known["user"][~known["user"].isin(kept)]
        with threadpool_limits(1):
            links = compare(
                ComparisonInput(
                    table[here],
                    validate("accounts", accounts),
                    background=table[~here & ~table["user"].isin(away)],
                    open_case=True,
                    settings=EvidenceSettings(),
                )
            ).links
        named = links.loc[links["flagged"].astype(bool), ["user_a", "user_b"]].to_numpy().ravel()
        tried, flagged = tried + len(kept), flagged + len(np.unique(named))
    return tried, flagged


def socks() -> Iterator[str]:
    """Six small investigations: how many accounts have enough edits at all."""
    found = ran("enwiki_socks")
    edits = pd.read_parquet(DATA / "enwiki_socks" / "edits.parquet")
    times = edits.groupby("user")["timestamp"].nunique()
    yield (
        f"{len(times)} accounts with {len(edits)} edits; {(times >= 10).sum()} have ten edit times,"
        f" the median is {times.median():.0f}. {found.validation.reason}."
    )


TABLES: dict[str, Callable[[], Iterator[str]]] = {
    "aliases": aliases,
    "told": told,
    "flattery": flattery,
    "strata": strata,
    "length": length,
    "open": open_,
    "socks": socks,
}


def _rows(heads: Sequence[str]) -> Iterator[str]:
    yield _line(heads)
    yield "|" + "---|" * len(heads)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


COUNTED = {"true pairs", "different pairs", "flagged"}
COUNTED |= {f"different pairs with LR > {x:,}" for x in (10, 100, 1000)}


def _number(value: float, *, counted: bool = False) -> str:
    if pd.isna(value):
        return DASH
    if counted:
        return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
    return f"{value:.3f}"


def _percent(share: float | None) -> str:
    if share is None:
        return DASH
    return f"{100 * share:.1f} %" if share >= 0.01 or share == 0 else f"{100 * share:.2g} %"


def put(text: str, name: str, table: str) -> str:
    """Return the page with what stands between a table's markers replaced."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    if begin not in text:
        sys.exit(f"no {begin} in the page")
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    return pattern.sub(lambda _: f"{begin}\n{table}\n{end}", text)


def main() -> None:
    """Print the tables, or write them where they belong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=", ".join(TABLES))
    parser.add_argument("--write", type=Path, help="the page to write them into")
    given = parser.parse_args()
    if not DATA.exists():
        sys.exit(f"no {DATA}: set SOCKGRAPH_DATA")
    for name in given.tables or TABLES:
        table = "\n".join(TABLES[name]())
        if given.write is None:
            print(f"{name}\n\n{table}\n", flush=True)
        else:
            given.write.write_text(put(given.write.read_text(), name, table))
            print(f"{name} written", flush=True)


if __name__ == "__main__":
    main()
