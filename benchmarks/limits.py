"""How far it goes: time and memory of cases at the edge, each in a process of its own.

python benchmarks/limits.py                  # everything
python benchmarks/limits.py ledger accounts  # some of it
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
STARTS = ("ba", "te", "ri", "mo", "lu", "ska", "ven", "dor")
MIDDLES = ("n", "rt", "lo", "mi", "se", "ga", "pu", "wi")
STAGES = ("accounts' edits", "signals", "weeks left out")
"""Stages in which a run of the longest history is stopped, half a minute into the last two."""


def _accounts(folder: Path, number: int) -> str:
    """Compare every account of a table, 20 edits each."""
    import tiny

    frame = tiny.edits((), others=number, each=20)
    text = tiny.write(folder, frame=frame).read_text(encoding="utf-8")
    start, end = text.index("nominated"), text.index("[reference]")
    text = text[:start] + 'nominated = ["*"]\n' + text[end : text.index("[[earlier]]")]
    (folder / "tiny.toml").write_text(text, encoding="utf-8")
    return _run(folder)


def _edits(folder: Path, number: int) -> str:
    """Read one account of so many edits, with 36 different summaries; none of them left out."""
    _long(folder, number)
    return _run(folder)


def _varied(folder: Path, number: int) -> str:
    """Read one account of so many edits, a quarter as many summaries, and many pages."""
    _long(folder, number, varied=True)
    return _run(folder)


def _long(folder: Path, number: int, *, varied: bool = False) -> None:
    import pandas as pd
    import tiny

    parts = [tiny.edits(others=60), tiny.edits(tiny.NAMES[:1], others=0, each=number)]
    if varied:
        parts = [_talkative(part, len(part) // 4 + 1) for part in parts]
    frame = pd.concat(parts)
    frame = frame.assign(rev_id=range(1, len(frame) + 1))
    case = tiny.write(folder, frame=frame, reference=60)
    text = case.read_text(encoding="utf-8").replace(
        "[reference]", "max_edits = 9000000\n[reference]"
    )
    case.write_text(text, encoding="utf-8")


def _talkative(frame: pd.DataFrame, different: int) -> pd.DataFrame:
    """Give edits so many summaries of seven words, and pages, some words and pages far oftener."""
    import numpy as np

    dice = np.random.default_rng(3)
    ends = ("er", "al", "is", "on", "et", "um", "a", "y")
    words = np.array([f"{a}{b}{c}" for a in STARTS for b in MIDDLES for c in ends])
    summaries = [" ".join(row) for row in words[dice.zipf(1.3, (different, 7)) % len(words)]]
    return frame.assign(
        comment=np.asarray(summaries, dtype=object)[dice.integers(0, different, len(frame))],
        title=[f"Toll {page}" for page in dice.zipf(1.2, len(frame)) % 400_000],
    )


def _editors(folder: Path, number: int) -> str:
    """Compare accounts that edited a page of so many editors."""
    import pandas as pd
    import tiny

    frame = tiny.edits()
    crowd = frame.iloc[[0] * number].assign(
        user=[f"Passer-by {n}" for n in range(number)], title="Toll 5"
    )
    whole = pd.concat([frame, crowd])
    tiny.write(folder, frame=whole.assign(rev_id=range(1, len(whole) + 1)))
    return _run(folder)


def _ledger(folder: Path, number: int) -> str:
    """Check, read and add to a ledger of so many entries."""
    from sockgraph.reviews.ledger import Draft, Ledger
    from sockgraph.reviews.states import histories

    day = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    ledger = Ledger(folder / "ledger.jsonl")
    ledger.extend(
        lambda _: [
            Draft("read", "Ann", {"user_a": f"A{n % 900}", "user_b": f"B{n % 700}"}, "m" * 64, day)
            for n in range(number)
        ]
    )
    ledger = Ledger(ledger.path)
    took = []
    for what in (ledger.verify, ledger.entries, lambda: histories(ledger.entries())):
        started = time.monotonic()
        what()
        took.append(time.monotonic() - started)
    started = time.monotonic()
    ledger.append("read", author="Ann")
    took.append(time.monotonic() - started)
    size = ledger.path.stat().st_size / 2**20
    return (
        "{:.1f} s first reading, {:.3f} again, {:.1f} histories, {:.3f} append; ".format(*took)
        + f"{size:.0f} MiB"
    )


def _run(folder: Path) -> str:
    from sockgraph.pipeline.run import run_case

    seen: dict[str, float] = {}
    gaps: list[float] = [0.0]
    last = [time.monotonic()]

    def listen(stage: str, _done: int, _total: int | None) -> None:
        now = time.monotonic()
        gaps.append(now - last[0])
        seen[stage] = seen.get(stage, 0.0) + now - last[0]
        last[0] = now

    started = time.monotonic()
    result = run_case(folder / "tiny.toml", data=folder / "data", progress=listen)
    took = time.monotonic() - started
    page = result.report.stat().st_size / 2**20
    return (
        f"{took:.1f} s, {len(result.links)} pairs, page {page:.1f} MiB, "
        f"longest without a sign of life {max(gaps):.1f} s"
    )


def _interrupted(folder: Path, number: int) -> str:
    """Stop a run with Ctrl-C after a few seconds: how long it takes, what is left."""
    import tiny

    frame = tiny.edits(tiny.NAMES, others=300, each=number // 300)
    tiny.write(folder, frame=frame, reference=300)
    return _stopped(folder, "", 12)


def _stopped_long(folder: Path, number: int) -> str:
    """Stop a run of one very long, varied history in each of its stages."""
    _long(folder, number, varied=True)
    return "; ".join(
        f"{stage}: {_stopped(folder, stage, 1 + 29 * (place > 0))}"
        for place, stage in enumerate(STAGES)
    )


def _stopped(folder: Path, stage: str, seconds: float) -> str:
    """Run a case, wait for a stage, and so many seconds more; stop it, and say what came of it."""
    run = subprocess.Popen(
        [sys.executable, "-m", "sockgraph", "run", "tiny.toml"], cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    said = ""
    while run.stderr and stage and not said.startswith(stage):
        said = run.stderr.readline()
    time.sleep(seconds)
    run.send_signal(signal.SIGINT)
    started = time.monotonic()
    _, rest = run.communicate()
    left = [p.name for p in (folder / "data").rglob("*") if p.is_file()]
    words = rest.strip().splitlines()[-1]
    return f"{time.monotonic() - started:.1f} s to stop, exit {run.returncode}, {left}: {words}"


SIZES = {
    "ledger": (_ledger, (10_000, 100_000)),
    "editors": (_editors, (10_000, 40_000)),
    "edits": (_edits, (500_000, 2_000_000)),
    "varied": (_varied, (500_000, 2_000_000)),
    "accounts": (_accounts, (250, 500, 1_000, 5_000)),
    "interrupted": (_interrupted, (300_000,)),
    "stopped": (_stopped_long, (2_000_000,)),
}


def main() -> None:
    """Print a line a size: what it took, and the most memory it held."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--minutes", type=float, default=10, help="for each size, at most")
    given = parser.parse_args()
    if given.one is not None:
        with tempfile.TemporaryDirectory() as folder:
            told = SIZES[given.names[0]][0](Path(folder), given.one)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        cpu = sum(os.times()[:2])
        print(f"{told}, {cpu:.0f} s CPU with set-up, peak {peak:.2f} GiB")
        return
    for name in given.names or SIZES:
        for number in SIZES[name][1]:
            print(f"{name} {number:,}: {_apart(name, number, given.minutes)}", flush=True)


def _apart(name: str, number: int, minutes: float) -> str:
    try:
        run = subprocess.run(
            [sys.executable, __file__, name, "--one", str(number)],
            capture_output=True, text=True, check=False, timeout=60 * minutes,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"not done in {minutes:.0f} minutes"
    return (run.stdout.strip() or run.stderr.strip().splitlines()[-1])[:900]


if __name__ == "__main__":
    main()
