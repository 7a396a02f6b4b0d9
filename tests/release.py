"""Check what would be released: built twice the same, holding nothing else, working when installed.

Run by `make release`. The wheel is installed into a bare environment for each Python that is here.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYTHONS = ("3.11", "3.12", "3.13")
FORBIDDEN = re.compile(
    r"(packet|findings|commitments|ledger)[^/]*\.(html|json|jsonl)$|\.parquet$|ipynb_checkpoints|/data/|/cases/(?!demo)"
)
ALLOWED = re.compile(r"reviews/page/packet|README\.md$")


def build(into: Path) -> dict[str, str]:
    """Build both archives from what is committed; return the SHA-256 of each."""
    date = _said("git", "log", "-1", "--format=%ct")
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", str(into), str(ROOT)],
        check=True,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"SOURCE_DATE_EPOCH": date},
    )
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(into.iterdir())}


def names_in(archive: Path) -> list[str]:
    """List an archive's files."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.namelist()
    with tarfile.open(archive) as sdist:
        return sdist.getnames()


def try_wheel(wheel: Path, python: str, scratch: Path) -> str:
    """Install the wheel alone, and run the demo with it; say what happened."""
    command = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    home = scratch / python
    shims = {}  # pyenv's stand in the way of what they do not choose
    if shutil.which("pyenv"):
        shims["PYENV_VERSION"] = ":".join(_said("pyenv", "versions", "--bare").split())
    made = subprocess.run(
        [command, "venv", "--quiet", "--python", python, str(home)],
        check=False,
        capture_output=True,
        env=os.environ | shims,
    )
    if made.returncode:
        return "no interpreter here"
    own = home / "bin" / "python"
    subprocess.run([command, "pip", "install", "--quiet", "--python", own, wheel], check=True)
    run = subprocess.run(
        [home / "bin" / "sockgraph", "demo", "--data", scratch / f"data-{python}"],
        check=True,
        capture_output=True,
        text=True,
        cwd=scratch,
    )
    return next(line for line in (run.stdout + run.stderr).splitlines() if " pairs: " in line)


def _said(*command: str) -> str:
    return subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=ROOT
    ).stdout.strip()


def check_words() -> str:
    """Hold the version, its day and the Pythons to be the same wherever they are said."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    version = re.search(
        r'__version__ = "(.+)"', (ROOT / "sockgraph/__init__.py").read_text("utf-8")
    )
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    dated = re.search(
        r"^## (\S+) \S (\S+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    )
    cited = re.search(r"^version: (\S+)\ndate-released: (\S+)$", citation, re.MULTILINE)
    if not version or not dated or not cited:
        sys.exit("The version or its day is missing in __init__, CHANGELOG.md or CITATION.cff.")
    if dated.groups() != cited.groups() or version[1] != cited[1]:
        sys.exit(
            f"__init__, CHANGELOG.md, CITATION.cff: {version[1]}, {dated[0]}, {cited.groups()}."
        )
    named = {c.rpartition(" ")[2] for c in project["classifiers"] if ":: 3." in c}
    if named != set(PYTHONS) or "Typing :: Typed" not in project["classifiers"]:
        sys.exit(f"Classifiers name {sorted(named)}, tried are {PYTHONS}.")
    promised = [
        str(page.relative_to(ROOT))
        for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
        if re.search(r"pip install '?sockgraph\b(?!-)", page.read_text("utf-8"))
    ]
    if promised:
        sys.exit(f"The package is on no index, and these say so: {', '.join(promised)}")
    return f"{version[1]} of {dated[2]}: said alike everywhere"


def main() -> None:
    """Check, and leave the archives in dist/."""
    print(check_words())
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        first, second = build(scratch / "one"), build(scratch / "two")
        if first != second:
            sys.exit(f"Two builds differ: {first} and {second}.")
        for name in first:
            stray = [
                n
                for n in names_in(scratch / "one" / name)
                if FORBIDDEN.search(n) and not ALLOWED.search(n)
            ]
            if stray:
                sys.exit(f"{name} holds what it must not: {', '.join(stray)}")
            print(f"{name}: built twice the same, sha256 {first[name]}")
        wheel = next((scratch / "one").glob("*.whl"))
        if "sockgraph/py.typed" not in names_in(wheel):
            sys.exit(f"{wheel.name} lacks py.typed.")
        for python in PYTHONS:
            print(f"Python {python}: {try_wheel(wheel, python, scratch)}")
        shutil.copytree(scratch / "one", ROOT / "dist", dirs_exist_ok=True)


if __name__ == "__main__":
    main()
