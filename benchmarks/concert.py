"""How often concert is found where there is none, and where there is: the table of docs/concert.md.

    python benchmarks/concert.py [--worlds 200] [--samples 399]

Each world is invented anew (`synthetic.election.invent_election`): 12 compared accounts and a
crowd of 50, 24 discussions of a week. In null worlds nobody acts in concert; p_adjusted <= 0.05 for
any pair is a false finding of the family. In the others a bloc does.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy.stats import beta

from sockgraph.concert import ConcertSettings, weigh_concert
from sockgraph.synthetic.election import Community, invent_election

NULLS = {
    "independent": Community(),
    "two camps (log odds ±2)": Community(camps=2.0),
    "six accounts of the same two hours": Community(zones=True),
    "both": Community(camps=2.0, zones=True),
}
BLOCS = {
    "3 accounts, joining 3 of 10 times": Community(bloc=3, joins=0.3),
    "3 accounts, 6 of 10": Community(bloc=3, joins=0.6),
    "5 accounts, 6 of 10": Community(bloc=5, joins=0.6),
    "3 accounts, 6 of 10, in two camps": Community(bloc=3, joins=0.6, camps=2.0),
}
LEVEL = 0.05


def judged(community: Community, worlds: int, samples: int) -> tuple[int, list[float], list[int]]:
    """Return worlds with a false finding, the share of the bloc's pairs found, false pairs."""
    wrong, found, false = 0, [], []
    for seed in range(worlds):
        world = invent_election(community, seed=seed)
        settings = ConcertSettings(samples=samples, seed=seed)
        table = weigh_concert(world.votes, world.edits, world.compared, settings=settings).table
        ours = table["user_a"].isin(world.bloc) & table["user_b"].isin(world.bloc)
        shown = (table["p_adjusted"] <= LEVEL).fillna(value=False)
        wrong += bool((shown & ~ours).any())
        false.append(int((shown & ~ours).sum()))
        compared = ours & (table["status"] == "ok")
        if compared.any():
            found.append(float(shown[compared].mean()))
    return wrong, found, false


def main() -> None:
    """Print two Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--samples", type=int, default=399)
    asked = parser.parse_args()
    print("| null worlds | with any pair at 0.05 | share (95 %) |\n|---|---|---|")
    for name, community in NULLS.items():
        wrong, _, _ = judged(community, asked.worlds, asked.samples)
        low = beta.ppf(0.025, wrong, asked.worlds - wrong + 1) if wrong else 0.0
        high = beta.ppf(0.975, wrong + 1, asked.worlds - wrong)
        share = wrong / asked.worlds
        print(f"| {name} | {wrong} of {asked.worlds} | {share:.3f} ({low:.3f}–{high:.3f}) |")
    print("\n| bloc | worlds | its pairs found | worlds with a pair beyond it |\n|---|---|---|---|")
    worlds = max(asked.worlds // 5, 1)
    for name, community in BLOCS.items():
        wrong, found, _ = judged(community, worlds, asked.samples)
        print(f"| {name} | {worlds} | {np.mean(found):.2f} | {wrong} |")


if __name__ == "__main__":
    main()
