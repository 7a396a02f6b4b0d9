"""Fixtures that several test files share."""

from __future__ import annotations

import shutil

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

pytest_plugins = ["wiki_fixture", "chromium_fixture", "lab_fixture", "files_fixture"]

SERVICES = {"mediawiki", "browser", "lab"}
WHOLE = {"demo_ran", "size_s"}

# The same examples each time, so that a failure is the change's: more of them would find the same
# again. `make soak` draws others, and many. A busy machine is no failure.
settings.register_profile(
    "drawn",
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.register_profile(
    "same", settings.get_profile("drawn"), max_examples=25, derandomize=True, database=None
)
settings.load_profile("same")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items):
    """Mark what needs a service, and what runs a whole demo or wiki: neither is a unit test.

    What needs one service goes to one worker, so that it starts once; else a file goes to one.
    """
    for item in items:
        marked = item.get_closest_marker("wiki") or item.get_closest_marker("notebook")
        needs = SERVICES & set(item.fixturenames)
        if marked or needs:
            item.add_marker("service")
        if WHOLE & set(item.fixturenames):
            item.add_marker("whole")
        if not item.get_closest_marker("xdist_group"):
            wiki = item.callspec.params.get("mediawiki") if "mediawiki" in needs else None
            pages = "browser" if needs - {"mediawiki"} else None
            file = item.path.stem if isinstance(item, pytest.Function) else "examples"
            item.add_marker(pytest.mark.xdist_group(wiki or pages or file))


def made_once(tmp_path_factory, name, make):
    """Return a folder that is made once for all workers: look, do not touch."""
    shared = tmp_path_factory.getbasetemp()
    if shared.name.startswith("popen-"):  # a worker's own folder lies in everybody's
        shared = shared.parent
    whole = shared / name
    with FileLock(shared / f"{name}.lock"):
        if not whole.exists():
            draft = shared / f"{name}.draft"
            shutil.rmtree(draft, ignore_errors=True)
            make(draft)
            draft.rename(whole)
    return whole


@pytest.fixture(scope="session")
def demo_ran(tmp_path_factory):
    """Run the demo case, and give its data folder."""
    from sockgraph.pipeline.run import demo_case, run_case  # with all that it imports

    return made_once(
        tmp_path_factory, "demo-data", lambda data: run_case(demo_case(data), data=data)
    )


@pytest.fixture(scope="session")
def tiny_ran(tmp_path_factory):
    """Write and run the small case, what commands that are killed or watched start from."""
    from kills import made  # which imports what only some tests need

    return made_once(tmp_path_factory, "tiny-ran", made)


@pytest.fixture(scope="module")
def demo_copy(demo_ran, tmp_path_factory):
    """Give a module a copy of the demo case that was run, as its data folder, to work in."""
    return shutil.copytree(demo_ran, tmp_path_factory.mktemp("demo") / "data")


@pytest.fixture(scope="module")
def desk(demo_copy):
    """Open the demo case as the desk does."""
    from sockgraph.desk.state import Desk  # with all that it imports

    return Desk.of(demo_copy / "raw" / "demo" / "demo.toml", data=demo_copy, by="Ann")


@pytest.fixture(scope="module")
def shown(browser, desk):
    """Show the demo case in Chromium, where no script may fail."""
    from desk_fixture import DeskPage

    stands = DeskPage(browser, desk)
    yield stands
    assert stands.heard == []
    stands.page.close()


@pytest.fixture
def opened(shown):
    """Go back to the first pair, its edits and the graph."""
    shown.pair(*next(link.pair for link in shown.desk.links.values() if link.flagged))
    shown.view("Graph")
    shown.open("Edits")
    return shown
