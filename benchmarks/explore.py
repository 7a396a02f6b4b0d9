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
from explore_case import write
from lab_fixture import Lab, open_notebook, wait_idle
from playwright.sync_api import sync_playwright

ACCOUNTS, LINKS, CLICKS = 400, 2_000, 30
CELLS = (
    "import sockgraph.desk.widget  # what a notebook has imported by the time that it opens a desk",
    'sockgraph.explore("{folder}/crowd.toml", data="{folder}")',
)


def main() -> None:
    """Open the desk once and click on thirty links; print what a person would wait."""
    folder, case = Path(tempfile.mkdtemp()), write(ACCOUNTS, LINKS)
    for name in ("notebooks", "home"):
        (folder / name).mkdir()
    cells = [nbformat.v4.new_code_cell(cell.format(folder=case)) for cell in CELLS]
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
    print(f"opens in {opened:.2f} s (asked: 2)")
    page.wait_for_selector(".sg .cell", timeout=120_000)
    told(page, "the matrix", ".sg .cell")
    page.get_by_role("button", name="Graph", exact=True).click()
    page.wait_for_selector(".sg .link", timeout=120_000)
    drawn, nodes = page.locator(".sg .link").count(), page.locator(".sg .node").count()
    told(page, f"the graph of {nodes} accounts and {drawn} links", ".sg .link")
    print(f"console errors or foreign requests: {len(heard)}")


def told(page, what: str, where: str) -> None:  # noqa: ANN001 - a Playwright page
    """Print how long clicks wait: for the mark on the page, and for the kernel's panels."""
    waits = [click(page, i, where) for i in range(CLICKS)]
    for name, times in zip(("marks it", "shows its edits"), zip(*waits, strict=True), strict=True):
        print(
            f"a click in {what} {name} in {statistics.median(times):.0f} ms, median of {CLICKS},"
            f" slowest {max(times):.0f} ms (asked: 100)"
        )


def click(page, i: int, where: str) -> tuple[float, float]:  # noqa: ANN001 - a Playwright page
    """Return the milliseconds from a click to the pair's names in the bar, and to its edits."""
    return page.evaluate(
        """async ([i, where]) => {
          const edges = document.querySelectorAll(where);
          const edge = edges[(7 * i + 1) % edges.length];
          const name = edge.dataset.a + ' – ' + edge.dataset.b;
          const start = performance.now();
          const target = edge.querySelector('.hit') ?? edge;
          target.dispatchEvent(new MouseEvent('click', {bubbles: true}));
          const marked = performance.now() - start;
          const there = () => document.querySelector('.sg').dataset.link === name
            && !document.querySelector('.sg .panel').hasAttribute('aria-busy');
          while (!there()) await new Promise(done => setTimeout(done, 2));
          return [marked, performance.now() - start];
        }""",
        [i, where],
    )


if __name__ == "__main__":
    main()
