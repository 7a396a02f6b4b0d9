"""The manifest: what went in, by which code, and what a person must know before reading it."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import platform
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sockgraph
from sockgraph.names import name_notes
from sockgraph.screening.definition import expected_false_links
from sockgraph.store import sha256

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockgraph.evidence import Comparison
    from sockgraph.reference import Population


def describe(
    population: Population, weighed: Comparison, provenance: dict[str, Any], file: Path
) -> dict[str, Any]:
    """Describe what went in; never the operator's contact."""
    case = population.case
    stated = case.model_dump(mode="json", exclude={"folder": True, "source": {"contact"}})
    return {
        "sockgraph": {"version": sockgraph.__version__, "code": code_hash()},
        "case": stated | {"sha256": sha256(file)},
        "source": provenance,
        "population": population.recipe,
        "evidence": dict(weighed.calibration),
        "coverage": [c.as_dict() for c in population.covered],
        "screened": list(_screened(population, weighed)),
        "names": list(name_notes(_shown(population))),
        "notices": [*provenance.get("notices", ()), *_notices(population, weighed)],
    }


def _shown(population: Population) -> list[str]:
    """Return the names that pages show: no account of the reference has one."""
    accounts = population.accounts
    shown = accounts.loc[accounts["role"] != "reference", "user"].tolist()
    return [*shown, *(() if population.case.everyone else population.case.named)]


def _notices(population: Population, weighed: Comparison) -> Iterator[str]:
    """Say what a person must know before reading any number."""
    if not weighed.calibration["calibrated"]:
        yield f"Not calibrated: {weighed.calibration['reason']}"
    reference = population.recipe.get("reference", {})
    if reference.get("drawn", 0) < reference.get("wanted", 0):
        yield (
            f"{reference['drawn']} reference accounts could be had; {reference['wanted']} were "
            f"asked for ({reference['candidates']} others edited the same pages)."
        )
    accounts = population.accounts
    nominated = set(accounts.loc[accounts["role"] == "nominated", "user"])
    capped = [c.user for c in population.covered if c.capped and c.user in nominated]
    if capped:
        yield f"Older edits were left unread (max_edits): {', '.join(capped)}."
    yield from name_notes(_shown(population))
    for page in population.recipe.get("discussions", {}).get("missing pages", ()):
        yield f"Listed under [discussions], but not to be had: {page}."
    if population.case.everyone:
        whole = "screening" not in population.recipe
        compared = "Every account was compared" if whole else "Accounts were chosen by screening"
        yield f"{compared}: for screening and validation; no link can be filed."
        yield from _screened(population, weighed)
        yield from _expected(weighed)


def _screened(population: Population, weighed: Comparison) -> Iterator[str]:
    """Say whom a screening left out, and that nothing is said about them."""
    facts = population.recipe.get("screening")
    if not facts:
        return
    compared = len(weighed.links)
    beyond = facts["candidate pairs"] - facts["candidate pairs compared"]
    yield (
        f"{facts['accounts']:,} accounts make {facts['pairs']:,} pairs. The {compared:,} pairs of "
        f"{facts['chosen accounts']:,} accounts were compared: those of the candidate pairs with a "
        f"weighted overlap of {facts['least weighted overlap']:.3f} or more."
    )
    yield (
        f"{max(0, facts['pairs'] - compared):,} pairs were not compared, {beyond:,} candidates "
        "among them, and nothing is said about these. Nominate accounts by name to compare them, "
        "or raise accounts.compare_at_most."
    )


def _expected(weighed: Comparison) -> Iterator[str]:
    """Say how many links of different people the threshold lets through among so many pairs."""
    measured = weighed.calibration.get("threshold")
    if not measured:
        return
    n, level = len(weighed.links), measured["log10_lr"]
    alike = measured["share_same_pages"]
    more = "" if alike is None else f"; {alike * n:,.0f} at the rate of those most alike in pages"
    yield (
        f"Expected false links: were all compared accounts different people, about "
        f"{measured['share'] * n:,.0f} of the {n:,} pairs would reach log10 LR {level:g} all the "
        f"same, at the rate of {measured['pairs']:,} pairs of different reference accounts{more}. "
        f"Calibrated LRs allow {expected_false_links(n, level):,.0f} at most."
    )


def code_hash() -> str:
    """Hash the package's own source, so that an edited checkout is told from a release."""
    root = Path(sockgraph.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(p for p in root.rglob("*") if p.suffix in {".py", ".j2", ".css", ".js"}):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def run_facts(started: float, traffic: dict[str, dict[str, int]]) -> dict[str, Any]:
    """Return what differs from run to run and from machine to machine."""
    needed = importlib.metadata.requires("sockgraph") or []
    names = sorted(re.split(r"[ ;<>=\[]", line)[0] for line in needed if "extra ==" not in line)
    return {
        "started": dt.datetime.fromtimestamp(started, dt.UTC).isoformat(timespec="seconds"),
        "seconds": round(time.time() - started, 1),
        "traffic": traffic,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: importlib.metadata.version(name) for name in names},
    }
