"""A case chosen or made in the notebook, run with a bar in the cell, and its desk opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import ipywidgets as w
from markupsafe import Markup

from sockgraph.case import load_case
from sockgraph.case_template import new_case
from sockgraph.desk.widget import WIDE, Explorer, Unkept
from sockgraph.errors import SockgraphError
from sockgraph.names import clean, name_on_page
from sockgraph.pipeline.results import open_store
from sockgraph.pipeline.run import demo_case, run_case
from sockgraph.store.case_store import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Callable

DEMO = "the demo: an invented wiki"
NEW = "a new case …"
ASKED = {
    "name": "Short name, a-z, 0-9 and -",
    "reason": "Why are these accounts compared?",
    "wiki": "Wiki, such as zh.wikipedia.org",
    "accounts": "Accounts, one a line",
    "contact": "Your own address or user page: every request to the wiki names it",
}


class Bar(w.VBox):  # type: ignore[misc] # ipywidgets has no types
    """Words and a bar; `heard` is told of every step, as `Progress` says.

    Examples
    --------
    >>> bar = Bar()
    >>> bar.heard("accounts", 3, 4)
    >>> bar.bar.value, bar.bar.max, bar.said.value
    (3, 4, '<p>accounts: 3 of 4</p>')
    """

    def __init__(self) -> None:
        self.said = w.HTML(layout=w.Layout(width="100%"))
        self.bar = w.IntProgress(layout=w.Layout(width="100%", display="none"))
        super().__init__([self.said, self.bar], layout=w.Layout(width="100%"))

    def heard(self, stage: str, done: int, total: int | None) -> None:
        """Move the bar: a count of which the total is not known moves none, and is said."""
        self.bar.layout.display = None
        self.bar.max = total or 1
        self.bar.value = min(done, total) if total else 0
        of = f"{done:,} of {total:,}" if total else f"{done:,}" if done else "…"
        self.say(f"{stage}: {of}")

    def say(self, words: str) -> None:
        """Say something above the bar."""
        self.said.value = str(Markup("<p>{}</p>").format(words))

    def end(self) -> None:
        """Take the bar away; the last words stay."""
        self.bar.layout.display = "none"


def case_files(folder: Path, data: Path) -> list[Path]:
    """Return the case files of a folder and those that lie beside imported edits."""
    found = [*folder.glob("*.toml"), *(data / "raw").glob("*/*.toml")]
    return sorted(path for path in found if "[accounts]" in path.read_text("utf-8", "replace"))


class StartWidget(w.VBox):  # type: ignore[misc] # ipywidgets has no types
    """Which case, then a bar, then the desk.

    Parameters
    ----------
    data
        The data folder.
    by
        Who writes notes on the desk.
    folder
        Where case files lie, and new ones go.
    """

    def __init__(self, *, data: Path, by: str = "", folder: Path = Path("cases")) -> None:
        self.data, self.by, self.folder = data, by, folder
        files = case_files(folder, data)
        named = [(f"{path.stem} ({path.parent})", path) for path in files]
        self.which = w.Dropdown(
            options=[*named, (DEMO, DEMO), (NEW, NEW)], description="Case", layout=WIDE
        )
        self.asked = {key: self._field(key, words) for key, words in ASKED.items()}
        self.form = w.VBox(list(self.asked.values()), layout=w.Layout(display="none"))
        self.go = self._button("Open", self._open)
        self.again = self._button("Run again", lambda: self._show(self._chosen(), run=True))
        self.bar = Bar()
        self.said = Unkept()
        self.room = w.VBox(layout=WIDE)
        self.which.observe(self._asks, "value")
        buttons = w.HBox([self.go, self.again])
        super().__init__([self.which, self.form, buttons, self.said, self.bar, self.room])
        self._asks()

    def _field(self, key: str, words: str) -> Unkept:
        return Unkept(kind="textarea" if key == "accounts" else "text", placeholder=words)

    def _button(self, words: str, act: Callable[[], None]) -> w.Button:
        def pressed(_: w.Button) -> None:
            self.said.value = ""
            self.go.disabled = self.again.disabled = True
            try:
                act()
            except SockgraphError as error:
                self.said.value = str(
                    Markup("<p><b>{}</b>: {} {}</p>").format(
                        clean(error.value), error.rule, error.remedy
                    )
                )
            finally:
                self.go.disabled = self.again.disabled = False
                self.bar.end()

        button = w.Button(description=words, layout=w.Layout(width="auto"))
        button.on_click(pressed)
        return button

    def _asks(self, _: object = None) -> None:
        """Show the questions of a new case where one is to be made."""
        new = self.which.value == NEW
        self.form.layout.display = None if new else "none"
        self.go.description = "Make, run and open" if new else "Open"

    def _chosen(self) -> Path:
        """Return the case file that was chosen; one that is to be made is made now."""
        if self.which.value == DEMO:
            return demo_case(self.data)
        if self.which.value != NEW:
            return Path(self.which.value)
        given = {key: field.value.strip() for key, field in self.asked.items()}
        accounts = [name_on_page(line) for line in given["accounts"].splitlines() if line.strip()]
        made = new_case(
            given["name"],
            reason=given["reason"],
            wikis=(given["wiki"],),
            accounts=accounts,
            contact=given["contact"] or None,
            folder=self.folder,
        )
        self.which.options = [(f"{made.stem} ({made.parent})", made), *self.which.options]
        self.which.value = made
        return made

    def _open(self) -> None:
        path = self._chosen()
        ran = open_store(load_case(path), self.data).path(MANIFEST).exists()
        self._show(path, run=not ran)

    def _show(self, path: Path, *, run: bool) -> None:
        """Run a case if it must, and put its desk below."""
        if run:
            self.room.children = []
            run_case(path, data=self.data, progress=self.bar.heard)
        self.room.children = [Explorer(path, data=self.data, by=self.by)]
