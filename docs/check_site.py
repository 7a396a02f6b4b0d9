"""Check a built site: every link leads somewhere, and no page asks another host for anything."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
"""What a browser fetches by itself; links that people follow may lead elsewhere."""


class Page(HTMLParser):
    """A page's own anchors, the links it offers, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what one element names, loads or leads to."""
        given = dict(attrs)
        self.anchors |= {value for key in ("id", "name") if (value := given.get(key))}
        if tag == "a" and (target := given.get("href")):
            self.links.append(target)
        if (target := given.get(LOADS.get(tag, ""))) and given.get("rel") != "canonical":
            self.loads.append(target)


def faults(site: Path) -> list[str]:
    """Return what is wrong, one line a fault."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    found = [] if site / "index.html" in pages else [f"{site} has no index.html"]
    for path, page in pages.items():
        here = path.relative_to(site)
        found += [f"{here} loads {x}" for x in page.loads if urlsplit(x).netloc]
        for link in page.links + page.loads:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or path.name == "404.html":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                found.append(f"{here} leads to {link}, which is not there")
            elif (
                parts.fragment
                and target in pages
                and unquote(parts.fragment) not in pages[target].anchors
            ):
                found.append(f"{here} leads to {link}, which has no such place")
    return found


if __name__ == "__main__":
    wrong = faults(Path(sys.argv[1]).resolve())
    sys.exit("\n".join(wrong) if wrong else None)
