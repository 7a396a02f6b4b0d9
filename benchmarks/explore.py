"""How fast the desk opens and answers a click, with 400 accounts and 2,000 links, in real Chromium.

Run with: python benchmarks/explore.py
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import nbformat

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from chromium_fixture import CHROMIUM, FLAGS
from lab_fixture import Lab, open_notebook, wait_idle
from playwright.sync_api import sync_playwright

ACCOUNTS, LINKS, CLICKS = 400, 2_000, 30
CELLS = (
    "from explore_case import write, warm\nfolder = write({accounts}, {links})\nwarm(folder)",
    "import sockgraph\nsockgraph.explore(folder / 'crowd.toml', data=folder)",
)


def main() -> None:
    """Open the desk once and click on thirty links; print what a person would wait."""
    folder = Path(tempfile.mkdtemp())
    for name in ("notebooks", "home"):
        (folder / name).mkdir()
    cells = [
        nbformat.v4.new_code_cell(c.format(accounts=ACCOUNTS, links=LINKS).replace("'", '"'))
        for c in CELLS
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, folder / "notebooks" / "crowd.ipynb")
    lab = Lab(folder / "notebooks", folder / "home", folder)
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
            measure(*open_notebook(browser, lab, "crowd.ipynb"))
    finally:
        lab.close()


def measure(page, heard) -> None:  # noqa: ANN001 - a Playwright page
    """Print the time to open and to answer."""
    page.locator(".jp-CodeCell").first.click()
    page.keyboard.press("Shift+Enter")
    time.sleep(2)
    wait_idle(page)
    started = time.perf_counter()
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector(".sg .panel[data-shows]", timeout=120_000)
    opened = time.perf_counter() - started
    drawn = page.locator(".sg .link").count()
    nodes = page.locator(".sg .node").count()
    waits = [click(page, i) for i in range(CLICKS)]
    print(
        f"{nodes} accounts, {drawn} links drawn; console errors or foreign requests: {len(heard)}"
    )
    print(f"opens in {opened:.2f} s (asked: under 3)")
    print(
        f"answers a click in {statistics.median(waits):.0f} ms, median of {CLICKS}, "
        f"slowest {max(waits):.0f} ms (asked: under 200)"
    )


def click(page, i: int) -> float:  # noqa: ANN001 - a Playwright page
    """Return the milliseconds from a click on a link to its evidence on the page."""
    return page.evaluate(
        """async i => {
          const edges = document.querySelectorAll('.sg .link');
          const edge = edges[(7 * i + 1) % edges.length];
          const name = edge.dataset.a + ' – ' + edge.dataset.b;
          const start = performance.now();
          edge.querySelector('.hit').dispatchEvent(new MouseEvent('click', {bubbles: true}));
          const there = () => document.querySelector('.sg').dataset.link === name
            && !document.querySelector('.sg .panel').hasAttribute('aria-busy');
          while (!there()) await new Promise(done => setTimeout(done, 2));
          return performance.now() - start;
        }""",
        i,
    )


if __name__ == "__main__":
    main()
