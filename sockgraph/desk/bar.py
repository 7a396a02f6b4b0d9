"""A bar in a notebook's cell: what is done, how much of it, and nothing past its total."""

from __future__ import annotations

import ipywidgets as w
from markupsafe import Markup


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
