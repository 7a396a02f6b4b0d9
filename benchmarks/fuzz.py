"""Coverage-guided fuzzing of every reader of bytes that somebody else wrote.

    python benchmarks/fuzz.py --seconds 60            # each reader in turn, a process each
    python benchmarks/fuzz.py ledger --seconds 600

What breaks a reader is kept as `crash-<hash>` in --keep, and the last line counts executions.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).parent.parent / "tests"


def _fuzz(name: str, seconds: int, keep: Path) -> None:
    """Fuzz one reader in this process; never returns."""
    import atheris

    sys.path.insert(0, str(TESTS))
    with atheris.instrument_imports(include=["sockgraph", "tomllib", "json", "csv"]):
        from fuzzing import TARGETS
    target = TARGETS[name]
    corpus = keep / f"corpus-{name}"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = (f"-max_total_time={seconds}", f"-artifact_prefix={keep}/{name}-", "-timeout=20")
    atheris.Setup(
        [sys.argv[0], str(corpus), *options, "-max_len=4096", "-rss_limit_mb=3000"], target
    )
    atheris.Fuzz()


def _all(names: list[str], seconds: int, keep: Path) -> int:
    failed = 0
    for name in names:
        started = time.monotonic()
        run = subprocess.run(
            [sys.executable, __file__, name, f"--seconds={seconds}", f"--keep={keep}", "--here"],
            capture_output=True,
            text=True,
            check=False,
        )
        took = time.monotonic() - started
        done = re.findall(r"Done (\d+) runs", run.stderr) or re.findall(r"#(\d+)\t", run.stderr)
        reached = re.findall(r"cov: (\d+)", run.stderr)
        failed += run.returncode != 0
        outcome = "held" if run.returncode == 0 else f"BROKE ({run.returncode})"
        print(
            f"{name:<12} {outcome:<6} {done[-1] if done else '?':>9} inputs in {took:5.0f} s, "
            f"{reached[-1] if reached else '?'} branches reached",
            flush=True,
        )
        if run.returncode:
            print((run.stdout + run.stderr).split("INFO: ")[-1][-1500:] + run.stdout[-2500:])
    return failed


def main() -> int:
    """Fuzz the readers named, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seconds", type=int, default=60, help="for each")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "sockgraph-fuzz")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        _fuzz(given.names[0], given.seconds, given.keep)
    if not given.names:
        sys.path.insert(0, str(TESTS))
        from fuzzing import TARGETS

        given.names = list(TARGETS)
    given.keep.mkdir(parents=True, exist_ok=True)
    return _all(given.names, given.seconds, given.keep)


if __name__ == "__main__":
    sys.exit(main())
