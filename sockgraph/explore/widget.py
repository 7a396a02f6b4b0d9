"""The widget: sends the graph once, and every panel when it is asked for."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import anywidget
import traitlets

from sockgraph.errors import SockgraphError
from sockgraph.explore.answers import Answer, answer, problem_of
from sockgraph.explore.desk import Desk
from sockgraph.explore.scene import scene_of
from sockgraph.pipeline import DATA

if TYPE_CHECKING:
    from sockgraph.pipeline import CaseResult

STATIC = Path(__file__).parent / "static"
TOKENS = resources.files("sockgraph.report") / "templates" / "tokens.css"


def scoped_tokens() -> str:
    """Return the report's colours and type for this widget alone: the page around has its own."""
    text = TOKENS.read_text(encoding="utf-8").replace(":root", ".sg")
    return re.sub(r'(\[data-jp-theme-light="\w+"\])', r"\1 .sg", text)


class Explorer(anywidget.AnyWidget):
    """The investigator's desk: a graph of a case's links, and the evidence behind each.

    Parameters
    ----------
    case
        The path of a case file that was run, or what `run_case` or `read_case` returned.
    data
        The data folder, where a path is given.
    by
        Who writes notes; without it, notes can be read only.
    """

    _esm = STATIC / "explorer.js"
    _css = scoped_tokens() + (STATIC / "explorer.css").read_text(encoding="utf-8")
    scene = traitlets.Dict().tag(sync=True)
    problem = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)

    def __init__(self, case: CaseResult | Path | str, *, data: Path = DATA, by: str = "") -> None:
        super().__init__()
        self.desk: Desk | None = None
        try:
            desk = Desk.of(case, data=data, by=by)
            self.scene = scene_of(desk)
            self.desk = desk
        except SockgraphError as error:
            self.problem = problem_of(error)
        self.on_msg(self._asked)

    def _asked(self, _: object, content: Answer, __: object) -> None:
        if self.desk is not None:
            self.send({"re": content.get("re"), **answer(self.desk, content)})
