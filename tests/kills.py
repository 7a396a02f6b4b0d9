"""Kill a command of sockgraph at some moment, look at what is left, and go on.

`tests/test_reliability_kills.py` does it some 40 times, `benchmarks/kills.py` 200 times.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import re
import shutil
import signal
import sys
import time
import traceback
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import kill_starts
import pandas as pd
import tiny
from fuzzing import history_rows

from sockgraph.case_template import write_notebooks
from sockgraph.pipeline.run import run_case
from sockgraph.reviews.ledger import NAMES_REMOVED, Ledger
from sockgraph.schema import TABLES
from sockgraph.store import Store
from sockgraph.store.raw_answers import SUFFIX

if TYPE_CHECKING:
    import random

SKIP = "j\na\nb\nj\n"
JUDGED = "cannot tell\nthe edits\n1 2\none project\nn\n"
FOUND = "\n\n\n{}\nbecause\ncolleagues\n"
REVIEWED = (SKIP + JUDGED + FOUND.format("upheld")) * 2
STEPS = ("read", "first judgement", "against", "for", "all", "finding")
A, C = tiny.NAMES[0], tiny.NAMES[2]
CASE = ("tiny.toml", "--data", "data")
SIGNED = ("--by", "Ash", "--reason", "a letter")
ANSWERS = [f"{who}-{what}.json" for what in ("commitments", "findings") for who in ("Ann", "Bea")]
WORDS = {
    "fetch": ("fetch", "dumped.toml", "--data", "data"),
    "run": ("run", *CASE),
    "screen": ("screen", *CASE, "--threads", "1"),
    "review": ("review", *CASE, "--reviewer", "Ann", "--foils", "0"),
    "reverse": ("reverse", *CASE, A, C, *SIGNED),
    "purge": ("purge", *CASE, "--yes"),
    "validate": ("validate", *CASE),
    "import-wiki": ("import-wiki", "edits.parquet", "data/raw/whole"),
    "evidence add": (
        "evidence", "add", *CASE, "--link", A, C, "--speaks", "for", "--authenticated-by", "Cass",
        "--summary", "a letter", "--document", "dumped.toml", "--by", "Ash",
    ),
    "reopen": ("reopen", *CASE, A, C, *SIGNED),
    "cannot-link export": ("cannot-link", "export", *CASE, "--by", "Ash", "--out", "out/back.json"),
    "cannot-link import": ("cannot-link", "import", "tiny.toml", "taken-back.json", "--by", "Ash"),
    "review-packet": ("review-packet", *CASE, "--reviewer", "Ann", "--out", "out/packet.html"),
    "review-merge": ("review-merge", "tiny.toml", *ANSWERS, "--data", "data"),
    "votes": ("votes", "election.toml", "--data", "data"),
    "concert": ("concert", "election.toml", "--data", "data"),
    "capture": ("capture", "election.toml", "--data", "data"),
    "refresh-hidden": ("refresh-hidden", "wiki.toml", "--data", "data"),
    "new-case": (
        "new-case", "spring", "--wiki", "fernwick.example", "--account", A, "--account", C,
        "--kind", "table", "--path", "edits.parquet", "--reason", "why", "--cases", "out",
        "--data", "data", "--no-ask",
    ),
    "demo": ("demo", "--data", "data"),
}  # fmt: skip
"""Every command that writes; `lab` writes as `new-case` does, `report` as `reverse`."""
COMMANDS = tuple(WORDS)
STARTS = {
    "reopen": kill_starts.taken_back,
    "cannot-link export": kill_starts.taken_back,
    "cannot-link import": kill_starts.carried,
    "review-merge": kill_starts.answered,
    "votes": kill_starts.election,
    "concert": kill_starts.election,
    "capture": kill_starts.election,
    "refresh-hidden": kill_starts.fetched,
}
FROM_NOTHING = ("fetch", "run", "import-wiki", "new-case", "demo")
RUN_AGAIN = ("run", "demo", "refresh-hidden", "reopen", "cannot-link import", "review-merge")
NOTHING_LEFT = {
    "reverse": "reversal in review",
    "review": "no link waits for this reviewer",
    "validate": "not calibrated",  # a page is written all the same
    "evidence add": "registered for this link already",
    "reopen": "nothing keeps it from being made",
    "new-case": "there is such a case already",
}
PRELOAD = [
    *(f"sockgraph.cli.{one}" for one in ("community", "filing", "review", "run")),
    "sockgraph.screening.candidates",
    "sklearn.linear_model",
    "encodings.utf_8_sig",
    "kills",
]
DRAWN = re.compile(r"[0-9a-f]{12,}|([0-9a-f]{4} ){3}[0-9a-f]{4}|\d{4}-\d\d-\d\dT[\d:]+Z")
"""Hashes over the clock, and its times."""
CHANGES = {"shutil.rmtree"} | {
    f"os.{one}" for one in ("link", "mkdir", "remove", "rename", "rmdir", "truncate")
}


@dataclass(frozen=True)
class Moment:
    """When the process dies: so many seconds after its start, or at its n-th change to a file."""

    seconds: float | None = None
    change: int | None = None


@dataclass
class Bench:
    """A folder with a case, and a command that is killed in it again and again.

    Attributes
    ----------
    home
        Holds the case files and `data/`.
    command
        One of `COMMANDS`.
    """

    home: Path
    command: str
    kills: int = 0
    log: list[str] = field(default_factory=list)

    def words(self) -> list[str]:
        words = list(WORDS[self.command])
        if self.command == "cannot-link import":
            words += ["--head", (self.home / "head").read_text(encoding="utf-8"), "--data", "data"]
        return words

    def start(self, moment: Moment | None = None) -> int:
        """Run the command, killed at the moment or not at all; return its exit code."""
        change = moment.change if moment else None
        process = started(_work, self.home, self.words(), change)
        process.join(moment.seconds if moment and moment.seconds is not None else 300)
        if process.is_alive():
            process.kill()
            process.join()
        killed = process.exitcode == -signal.SIGKILL
        self.kills += killed
        return process.exitcode

    def finish(self) -> None:
        """Run the command to its end; what was done before the last kill may need no more."""
        for _ in range(3):  # a review may take up where the typed answers do not fit: again then
            code = self.start()
            if self.command == "new-case" and code:
                write_notebooks(self.out / "spring.toml", self.data)  # as `lab` does
            said = (self.home / "said").read_text(encoding="utf-8")
            if code == 0 or NOTHING_LEFT.get(self.command, "\0") in " ".join(said.split()):
                return
        raise AssertionError(f"{self.command} ended with {code}: {said[-2000:]}")

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def out(self) -> Path:
        """Holds what is written outside the data folder."""
        return self.home / "out"

    def look(self) -> None:
        """See that every table is whole or absent, every answer too, and that the ledger holds."""
        for folder in sorted((self.data / "processed").glob("*")):
            case = Store(self.data).case(folder.name)
            for path in folder.glob("[!.]*.parquet"):
                if path.stem in TABLES:
                    case.read_table(path.stem)
                else:
                    pd.read_parquet(path)
            ends = {"report.html": "</html>", "graph.graphml": "</graphml>"}
            for name, end in ends.items():
                path = folder / name
                assert not path.exists() or path.read_text(encoding="utf-8").rstrip().endswith(end)
            Ledger(folder / "ledger.jsonl").verify()
            for path in folder.glob("unopened/[!.]*.json"):
                json.loads(path.read_text(encoding="utf-8"))
        for path in (self.data / "raw").rglob("[!.]*.parquet"):
            pd.read_parquet(path)
        for folder in (self.data / "raw").glob("*"):
            answers = Store(self.data).case(folder.name).answers()
            if any(folder.glob(f"[!.]*{SUFFIX}")):
                assert all(answers.body(entry) for entry in answers.entries())
        self._look_around()

    def _look_around(self) -> None:
        for path in (*self.data.rglob("*"), *self.out.rglob("*")):
            if path.suffix == ".ipynb":
                json.loads(path.read_text(encoding="utf-8"))
            wanted = 0o700 if path.is_dir() else 0o600
            assert path.stat().st_mode & 0o777 == wanted, f"{path} may be read by others"

    def outcome(self) -> dict[str, str]:
        """Return a hash of every file, without clock times and secret salts."""
        return {
            DRAWN.sub("#", path.relative_to(self.home).as_posix()): _hash(path)
            for path in sorted((*self.data.rglob("*"), *self.out.rglob("*")))
            if path.is_file() and path.name != ".lock"
        }


def started(target, *given):
    """Start a process with everything imported: the first to ask says what, so all ask here."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    process = context.Process(target=target, args=given)
    process.start()
    return process


def forked(target, *given):
    """Start a copy of this process, which costs no import; for what calls no native code."""
    process = multiprocessing.get_context("fork").Process(target=target, args=given)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 warns of threads, none of which is needed
        process.start()
    return process


def _hash(path: Path) -> str:
    """Hash what two runs must have in common: of a ledger, who did what; of answers, which."""
    content = path.read_bytes()
    if path.name == "manifest.json":
        told = {**json.loads(content), "run": 0}
        told.get("files", {}).pop("report.html", None)  # which is hashed here without its head
        content = json.dumps(told, sort_keys=True).encode()
    elif path.name == "ledger.jsonl":
        lines = [json.loads(line) for line in content.splitlines()]
        said = [(e["kind"], e["author"], e["body"].get("user_a")) for e in lines]
        kinds = {e["kind"] for e in lines}
        if NAMES_REMOVED in kinds:  # its names are hashes under a key that is thrown away
            said = [(kind, "", "") for kind in kinds]
        content = repr(sorted(map(str, said))).encode()
    elif path.name == "removed.json":
        content = b"it is there"
    elif path.parent.name == "unopened":
        content = repr(sorted(str(one["pair"]) for one in json.loads(content))).encode()
    elif path.name == "packet.html":  # its salts and its number are drawn
        content = content[-8:]
    elif path.name in {"report.html", "back.json"} or path.parent.name == "notes":
        content = DRAWN.sub("#", content.decode()).encode()
    return hashlib.sha256(content).hexdigest()


def _work(home: Path, words: list[str], change: int | None) -> None:
    """Be the process of a command; with `change`, die at that change to a file."""
    os.chdir(home)
    Path("typed").write_text(REVIEWED, encoding="utf-8")
    for number, name in ((0, "typed"), (1, "said"), (2, "said")):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND
        os.dup2(os.open(name, flags), number)
    sys.stdin = os.fdopen(0, closefd=False)
    if change is not None:
        sys.addaudithook(_dying(change))
    command(words)


def command(words):
    """Be the command line."""
    from sockgraph.cli import main

    sys.argv = ["sockgraph", *words]
    try:
        main()
    except SystemExit:
        raise
    except BaseException:
        traceback.print_exc()
        raise


def _dying(change: int):
    """Return an audit hook that kills its process at the n-th change to a file."""
    seen = [0]

    def hook(event: str, given: tuple[object, ...]) -> None:
        writes = event == "open" and isinstance(given[2], int) and given[2] & os.O_ACCMODE
        if event in CHANGES or writes:
            seen[0] += 1
            if seen[0] == change:
                os.kill(os.getpid(), signal.SIGKILL)

    return hook


def made(folder: Path) -> Path:
    """Write the case, its dump, and the case as a run leaves it: what every bench starts from."""
    folder.mkdir(parents=True)
    case = tiny.write(folder)
    rows = tiny.edits(others=4)
    (folder / "dump.tsv").write_bytes(history_rows(rows))
    text = case.read_text(encoding="utf-8").replace('"table"', '"history"')
    text = text.replace('"edits.parquet"', '"dump.tsv"').replace('"tiny-1"', '"dumped-1"')
    (folder / "dumped.toml").write_text(text, encoding="utf-8")
    run_case(case, data=folder / "data")
    return folder


def bench(made_in: Path, home: Path, command: str) -> Bench:
    """Return a fresh bench, as the command's start leaves it; some start from nothing."""
    start, prepare = made_in, STARTS.get(command)
    if prepare:
        start = made_in.parent / prepare.__name__ / "home"
        if not start.exists():
            shutil.copytree(made_in, start)
            prepare(start)
    shutil.copytree(start, home)
    if command in FROM_NOTHING:
        shutil.rmtree(home / "data")
    (home / "said").unlink(missing_ok=True)
    return Bench(home, command)


@dataclass
class Similarity:
    """What an undisturbed command does: its files, its seconds, its changes to files."""

    outcome: dict[str, str]
    seconds: float
    changes: int


def measure(made_in: Path, home: Path, command: str) -> Similarity:
    """Run a command undisturbed, twice: for its seconds, and for its changes to files."""
    whole = bench(made_in, home, command)
    started = time.monotonic()
    whole.finish()
    seconds = time.monotonic() - started
    return Similarity(whole.outcome(), seconds, 60 if command in RUN_AGAIN else 12)


def moments(dice: random.Random, known: Similarity, number: int) -> list[Moment]:
    """Draw moments: half by the clock, half at a change to a file."""
    return [
        Moment(seconds=dice.uniform(0.02, known.seconds))
        if i % 2
        else Moment(change=dice.randint(1, known.changes))
        for i in range(number)
    ]
