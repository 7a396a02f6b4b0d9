"""Measure how often the true operator is named where listed, and nobody where not.

    python benchmarks/which_case.py [COMMUNITY ...] --keep FOLDER [--cases 40] [--most 40]

Of every true case of `communities.py` (whose --keep it reads) one account is asked about. Known
operators are the person's other accounts, and the five nearest other people, each with all the
accounts labelled theirs (up to three). Then it is asked again without the true operator, of whom no
account is left anywhere. At most --most cases a community are asked about; figures are kept.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pandas as pd
from judging import NAMES, judged, prepare

import sockgraph as sg

MOST = 3
"""Accounts of one known operator."""


def answers(made: dict[str, Any], most: int) -> list[dict[str, Any]]:
    """Ask about one account of every true case, with and without its operator in the list."""
    person = dict(zip(made["users"], made["person"], strict=True))
    labelled = [u for u, known in zip(made["users"], made["labelled"], strict=True) if known]
    rows = []
    true_cases = [case for case in made["cases"] if case[0] == "true"]
    for _, _, nominated, reference in true_cases[:most]:
        asked, named = nominated[0], set(nominated)
        operators: dict[str, list[str]] = {}
        for user in [*nominated[1:], *labelled]:
            whose = operators.setdefault(str(person[user]), [])
            if user != asked and user not in whose and len(whose) < MOST:
                whose.append(user)
        true = str(person[asked])
        listed = {str(person[user]) for user in named}
        operators = {name: users for name, users in operators.items() if name in listed}
        gone = {user for user in made["users"] if str(person[user]) in listed}
        others = [user for user in reference if user not in gone]
        for present in (True, False):
            known = {k: users for k, users in operators.items() if present or k != true}
            compared = [asked, *(user for users in known.values() for user in users)]
            links, _ = judged(made, compared, others)
            found = sg.which_case(links, known)
            found = found[found["user"] == asked]
            ranked = found.dropna(subset=["operator"]).sort_values(
                ["log10_lr", "score"], ascending=False
            )
            rows.append(
                {
                    "present": present,
                    "operators": len(known),
                    "given": found["operator"].iloc[0] if found["given"].notna().any() else None,
                    "mean": found["log10_lr"].iloc[0],
                    "nearest": ranked["operator"].iloc[0] == true,
                    "several": int(found["given"].fillna(value=False).sum()) > 1,
                    "true": true,
                }
            )
    return rows


def figures(told: pd.DataFrame) -> dict[str, str]:
    """Return one row of the table."""
    here, gone = told[told["present"]], told[~told["present"]]
    right = (here["given"] == here["true"]).sum()
    none = here["given"].isna().sum()
    silent = gone["given"].isna().sum()
    return {
        "listed: right": f"{right}/{len(here)}",
        "none of them": f"{none}/{len(here)}",
        "wrong": f"{len(here) - right - none}/{len(here)}",
        "ranked first": f"{here['nearest'].sum()}/{len(here)}",
        "not listed: none of them": f"{silent}/{len(gone)}",
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--most", type=int, default=40)
    parser.add_argument("--keep", type=Path, required=True)
    args = parser.parse_args()
    every, table = [], {}
    for name in args.names:
        path = args.keep / name / f"which-{args.most}.parquet"
        if not path.exists():
            pd.DataFrame(answers(prepare(name, args.keep, args.cases), args.most)).to_parquet(path)
        every.append(pd.read_parquet(path))
        table[name] = figures(every[-1])
        print(name, table[name], flush=True)
    table["all"] = figures(pd.concat(every))
    print(pd.DataFrame(table).T.to_string())


if __name__ == "__main__":
    main()
