"""Fixtures around the real wiki; conftest.py has `pytest_plugins = ["wiki_fixture"]`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from wiki.server import ROOTS, TestWiki, WikiMissingError, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Say on which MediaWikis a test runs: its marker says so, else SOCKGRAPH_WIKIS, else 1.39."""
    if "mediawiki" in metafunc.fixturenames:
        marked = metafunc.definition.get_closest_marker("mediawiki")
        default = tuple(ROOTS) if os.environ.get("SOCKGRAPH_WIKIS") == "all" else ("1.39",)
        metafunc.parametrize("mediawiki", marked.args if marked else default, scope="session")


@pytest.fixture(scope="session")
def wiki(mediawiki: str) -> Iterator[TestWiki]:
    """The filled wiki, one a session; SOCKGRAPH_REQUIRE_SERVICES=1 makes a skip a failure."""
    try:
        context = running(mediawiki)
        served = context.__enter__()
    except WikiMissingError as error:
        if os.environ.get("SOCKGRAPH_REQUIRE_SERVICES") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))
    try:
        yield served
    finally:
        context.__exit__(None, None, None)


@pytest.fixture
def wiki_case(wiki: TestWiki, tmp_path: Path) -> Callable[..., Path]:
    """Return what writes a case file for the wiki: `wiki_case("A", "B", accounts=…)`."""

    def write(*nominated: str, stem: str = "test-wiki", **more: str) -> Path:
        path = tmp_path / f"{stem}.toml"
        path.write_text(wiki.case_text(*nominated, **more), encoding="utf-8")
        return path

    return write
