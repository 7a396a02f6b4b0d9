"""Kill every command at random moments, look at what is left, go on, and compare with no kill.

    python benchmarks/kills.py --kills 200 --seed 1 [--seconds 600]

Half of the moments are drawn by the clock, half are the n-th change to a file. After each kill
everything on disk is looked at; after every tenth the command runs to its end, and every file must
be what an undisturbed run leaves.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from kills import COMMANDS, bench, made, measure, moments

SHARES = dict.fromkeys(COMMANDS, 0.03) | {"run": 0.1, "fetch": 0.1, "screen": 0.1, "review": 0.1}
ROUND = 10


def main() -> None:
    """Print a line a command; stop with an error at the first file that is not whole."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="kill nothing after")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = made(folder / "made")
        total = 0
        until = time.monotonic() + given.seconds
        order = random.Random(given.seed).sample(COMMANDS, len(COMMANDS))  # noqa: S311 - no secret
        for number, command in enumerate(order):
            now = time.monotonic()
            mine = now + (until - now) / (len(order) - number)  # of what is left; one kill at least
            dice = random.Random(f"{command} {given.seed}")  # noqa: S311 - no secret
            wanted = max(1, round(given.kills * SHARES[command]))
            total += _command(command, wanted, dice, (start, folder), until=mine)
        print(f"{total} kills; every file whole after each, every rerun the same bytes")


def _command(
    command: str, wanted: int, dice: random.Random, where: tuple[Path, Path], *, until: float
) -> int:
    started = time.monotonic()
    start, folder = where
    known = measure(start, folder / f"{command}-whole", command)
    kills = tries = rounds = 0
    while kills < wanted and (not kills or time.monotonic() < until):
        rounds += 1
        killed = bench(start, folder / f"{command}-{rounds}", command)
        for moment in moments(dice, known, min(ROUND, wanted - kills)):
            if killed.kills and time.monotonic() > until:
                break
            tries += 1
            killed.start(moment)
            killed.look()
        killed.finish()
        killed.look()
        if killed.outcome() != known.outcome:
            print(sorted(set(killed.outcome().items()) ^ set(known.outcome.items())))
            sys.exit(f"{command}: the rerun ended with other files")
        kills += killed.kills
    took = time.monotonic() - started
    print(
        f"{command:<18} {kills:>4} kills in {tries} starts, {rounds} reruns to the end, "
        f"{known.seconds:.1f} s undisturbed, {took:.0f} s in all",
        flush=True,
    )
    return kills


if __name__ == "__main__":
    main()
