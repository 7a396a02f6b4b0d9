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
from sockgraph.pipeline.fetch import traffic_of
from sockgraph.store import sha256

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sockgraph.evidence import Weighed
    from sockgraph.population import Population
    from sockgraph.sources import Source


def describe(
    population: Population, weighed: Weighed, provenance: dict[str, Any], file: Path
) -> dict[str, Any]:
    """Describe what went in; never the operator's contact."""
    case = population.case
    stated = case.model_dump(mode="json", exclude={"folder": True, "source": {"contact"}})
    return {
        "sockgraph": {"version": sockgraph.__version__, "code": _code_hash()},
        "case": stated | {"sha256": sha256(file)},
        "source": provenance,
        "population": population.recipe,
        "evidence": dict(weighed.calibration),
        "coverage": [c.as_dict() for c in population.coverage],
        "notices": list(_notices(population, weighed)),
    }


def _notices(population: Population, weighed: Weighed) -> Iterator[str]:
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
    capped = [c.user for c in population.coverage if c.capped and c.user in nominated]
    if capped:
        yield f"Older edits were left unread (max_edits): {', '.join(capped)}."
    for page in population.recipe.get("discussions", {}).get("missing pages", ()):
        yield f"Listed under [discussions], but not to be had: {page}."
    if population.case.everyone:
        yield "Every account was compared: for screening and validation; no link can be filed."


def _code_hash() -> str:
    """Hash the package's own source, so that an edited checkout is told from a release."""
    root = Path(sockgraph.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(p for p in root.rglob("*") if p.suffix in {".py", ".j2", ".css", ".js"}):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def run_facts(started: float, source: Source) -> dict[str, Any]:
    """Return what differs from run to run and from machine to machine."""
    needed = importlib.metadata.requires("sockgraph") or []
    names = sorted(re.split(r"[ ;<>=\[]", line)[0] for line in needed if "extra ==" not in line)
    return {
        "started": dt.datetime.fromtimestamp(started, dt.UTC).isoformat(timespec="seconds"),
        "seconds": round(time.time() - started, 1),
        "traffic": traffic_of(source),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: importlib.metadata.version(name) for name in names},
    }
