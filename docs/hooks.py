"""What the site shows beside its pages: the demo's report, packet and desk, and the decisions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "site-demo"
"""Where `make docs` puts the pages of the demo."""
SHOWN = ("report.html", "packet.html", "desk.html")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the demo's pages as they are, and one page that lists the decisions."""
    for name in SHOWN:
        if not (DEMO / name).is_file():
            raise PluginError(f"{DEMO / name} is missing. Run `make docs`, which makes it first.")
        files.append(File.generated(config, f"demo/{name}", content=(DEMO / name).read_bytes()))
    decisions = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
    rows = [f"- [{_title(page)}]({page.name})" for page in decisions]
    text = "# Decisions\n\nWhat was decided, why, and what it was measured to do.\n\n"
    files.append(File.generated(config, "adr/index.md", content=text + "\n".join(rows) + "\n"))
    return files


def on_post_build(config: MkDocsConfig) -> None:
    """Leave no map of the site for search engines: it has no address."""
    for name in ("sitemap.xml", "sitemap.xml.gz"):
        (Path(config.site_dir) / name).unlink(missing_ok=True)


def _title(page: Path) -> str:
    return page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
