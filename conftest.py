"""What every test has: one thread of BLAS, and an invented case for the examples in docstrings."""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# Before NumPy is loaded, and for every process that a test starts: two threads wait for each other
# longer than they reckon, and a second worker wants the core.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

spark = "sockgraph/screening/spark.py"  # needs an extra that `test` does not install
collect_ignore = [] if importlib.util.find_spec("pyspark") else [spark]


@pytest.fixture(scope="session")
def example_case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a small invented case, and run it once."""
    import tiny  # and with it pandas, which not every test file needs

    from sockgraph.pipeline.run import run_case  # imported where it is used

    folder = tmp_path_factory.mktemp("example")
    case = tiny.write(folder, frame=tiny.edits(each=40))
    run_case(case, data=folder)
    return case


@pytest.fixture(autouse=True)
def example_names(request: pytest.FixtureRequest) -> None:
    """Give the example in a docstring the names that it asks for."""
    test = getattr(request.node, "dtest", None)
    if test is None:
        return
    asked = " ".join(example.source for example in test.examples)
    names: dict[str, Any] = request.getfixturevalue("doctest_namespace")
    if "edits" in asked:
        import tiny  # as above

        names["edits"] = tiny.edits(each=40)
    if "folder" in asked:
        case = request.getfixturevalue("example_case")
        files = {"case_file": case, "edits_file": case.with_name("edits.parquet")}
        names.update(files, folder=case.parent)
