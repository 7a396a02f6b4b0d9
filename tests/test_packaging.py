"""What pyproject.toml and environment.yml promise is one promise."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONDA_NAMES = {"duckdb": "python-duckdb", "matplotlib": "matplotlib-base"}
REQUIREMENT = re.compile(r"^([A-Za-z0-9_.-]+)\s*>=\s*([0-9.]+(?:,<[0-9.]+)?)$")


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


STRAY = (
    "fern-packet-0123abcd.html",
    "fern-0123abcd-findings.json",
    "fern-0123abcd-commitments.json",
    "restoration.wiki",
    "Untitled.ipynb",
    "notebooks/05_mine.ipynb",
    "notebooks/.ipynb_checkpoints/01_fetch_case-checkpoint.ipynb",
    "sockgraph/fern-packet-0123abcd.html",
    "cases/fern.toml",
    "data/processed/fern/links.parquet",
)


def test_no_archive_and_no_commit_holds_what_lies_about(tmp_path):
    """Built from a copy with a packet, findings and notebooks in it, by hatchling itself."""
    build = pytest.importorskip("hatchling.builders.sdist", reason="hatchling is not installed")
    from hatchling.builders.wheel import WheelBuilder

    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=False, capture_output=True, text=True
    ).stdout.split("\n")[:-1]
    if not tracked:
        pytest.skip("this is no checkout")
    copy = tmp_path / "copy"
    for name in (*tracked, *STRAY):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        if name in tracked and (ROOT / name).exists():
            shutil.copyfile(ROOT / name, copy / name)
        else:
            (copy / name).write_text("someone's", encoding="utf-8")
    for builder in (build.SdistBuilder, WheelBuilder):
        made = builder(str(copy))
        names = {file.distribution_path for file in made.recurse_included_files()}
        forced = made.config.get_force_include()
        names |= {file.distribution_path for file in made.recurse_forced_files(forced)}
        assert not [n for n in names for stray in STRAY if n.endswith(stray.rpartition("/")[2])]
        for needed in (
            "packet.js",
            "packet.html.j2",
            "tokens.css",
            "py.typed",
            "04_validate.ipynb",
        ):
            assert any(name.endswith(needed) for name in names), (builder, needed)
        if builder is build.SdistBuilder:  # what is committed, and nothing else
            kept = {n for n in tracked if not n.startswith((".ci/", ".gitignore"))}
            assert names | {"pyproject.toml"} == kept
    subprocess.run(["git", "init", "-q"], cwd=copy, check=True)
    seen = subprocess.run(
        ["git", "status", "--porcelain", "-uall"],
        cwd=copy,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert not [stray for stray in STRAY if stray in seen]


def test_a_file_of_tests_goes_to_one_worker(request):
    """Else what a file shares is made, and a service started, once a worker."""
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("there is one worker")
    assert request.node.nodeid.endswith("@test_packaging")
