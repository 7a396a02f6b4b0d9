"""What pyproject.toml and environment.yml promise is one promise."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
CONDA_NAMES = {"duckdb": "python-duckdb", "matplotlib": "matplotlib-base"}
REQUIREMENT = re.compile(r"^([A-Za-z0-9_.-]+)\s*>=\s*([0-9.]+)$")


def _pyproject() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    listed = [*project["dependencies"], *(line for extra in extras for line in extra)]
    found = [REQUIREMENT.match(line) for line in listed]
    assert all(found), "a dependency without a plain lower bound"
    return {CONDA_NAMES.get(m[1], m[1]): m[2] for m in found}


def _environment() -> dict[str, str]:
    lines = (ROOT / "environment.yml").read_text().splitlines()
    items = [line.split("- ", 1)[1].strip() for line in lines if line.lstrip().startswith("- ")]
    found = [REQUIREMENT.match(item) for item in items]
    return {m[1]: m[2] for m in found if m and m[1] != "python"}


def test_environment_and_pyproject_name_the_same_packages_and_bounds():
    assert _environment() == _pyproject()


def test_data_folders_are_there_and_otherwise_ignored():
    for folder in ("raw", "processed"):
        assert (ROOT / "data" / folder / "README.md").is_file()
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {"data/raw/*", "data/processed/*"} <= set(ignored)
