"""Packages that can be called: `sockgraph.explore(case)`, `sockgraph.review(case, reviewer=…)`.

Both open a widget, and the widgets need the extra `notebook`; the packages themselves do not. So a
package's call is looked up in the desk when it is made, and says what is missing where it is.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

from sockgraph.errors import SockgraphError

WIDGETS = {"explore": ("widget", "Explorer"), "review": ("reviewing", "Reviewing")}


class Door(ModuleType):
    """A package that opens its widget when it is called."""

    def __call__(self, *args: Any, **given: Any) -> Any:
        """Open the widget; its class says what it takes."""
        name = self.__name__.rpartition(".")[2]
        module, widget = WIDGETS[name]
        try:
            desk = importlib.import_module(f"sockgraph.desk.{module}")
        except ModuleNotFoundError as error:
            raise SockgraphError(
                f"sockgraph.{name}()",
                f"it needs {error.name}, of the extra `notebook`.",
                "Install it: pip install 'sockgraph[notebook]'.",
            ) from error
        return getattr(desk, widget)(*args, **given)


def open_door(package: str) -> None:
    """Let a package be called."""
    sys.modules[package].__class__ = Door
