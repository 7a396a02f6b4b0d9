"""Every dependency is accounted for in docs/dependencies.md."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import advisories

ROOT = Path(__file__).parent.parent


def rows():
    """Return, of every row of the tables of packages, its cells."""
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    tables = [part for part in text.split("\n\n") if part.startswith("| package |")]
    lines = [line for table in tables for line in table.strip().splitlines()[2:]]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {name: rest for name, *rest in cells}


def bounds():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    listed = dict.fromkeys(project["dependencies"], "")
    listed |= {line: name for name, lines in extras.items() for line in lines}
    return dict(re.split(">=", line) for line in listed)


def test_every_dependency_has_a_row_with_its_bound_and_reason():
    found, wanted = rows(), bounds()
    assert set(found) == set(wanted)
    for name, cells in found.items():
        assert wanted[name] in cells, f"{name}: the table gives another lowest version"
        assert all(cells), f"{name}: a cell is empty"
        assert max(map(len, cells)) > 4, f"{name}: no reason is given"


def test_no_licence_forbids_what_ours_allows():
    for name, cells in rows().items():
        assert not re.search(r"\bA?GPL", " ".join(cells)), name


def test_no_answer_about_advisories_is_not_taken_for_none():
    unknown = {"name": "a", "skip_reason": "not found"}
    clean = {"name": "b", "version": "1", "vulns": []}
    fault = {"id": "PYSEC-1", "fix_versions": ["2"]}
    said, code = advisories.summary([unknown])
    assert (code, "nothing is known of any of the 1 packages" in said) == (0, True)
    assert advisories.summary([unknown, clean]) == ("advisories: 0; 1 of 2 packages looked up", 0)
    said, code = advisories.summary([clean | {"vulns": [fault]}])
    assert code == 1
    assert said.splitlines()[0] == "b 1: PYSEC-1, mended in 2"
