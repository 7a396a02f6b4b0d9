"""Words shown and fields to write in that no notebook keeps: they go by message, not as state.

What a widget synchronises, a notebook may hold when its outputs are cleared (nbclient always does,
JupyterLab where it saves the widgets' state), and with it the accounts that are named there.
"""

from __future__ import annotations

from typing import Any

import anywidget
import ipywidgets as w
import traitlets

WIDE = w.Layout(width="100%")


class Unkept(anywidget.AnyWidget):
    """One value that the page asks for when it is drawn.

    Attributes
    ----------
    kind
        `html`: the value is shown, and must be safe HTML; `text` and `textarea`: it is written.
    value
        What is shown, or was written.
    placeholder
        What a field asks for.

    Examples
    --------
    >>> field = Unkept(kind="text", value="Heron", placeholder="Account")
    >>> field.value, "Heron" in str(field.get_state())
    ('Heron', False)
    """

    _esm = """
    function render({ model, el }) {
      const kind = model.get("kind"), written = kind !== "html";
      const tag = { html: "div", text: "input", textarea: "textarea" }[kind];
      const held = document.createElement(tag), asks = model.get("placeholder");
      if (written) {
        el.classList.add("jupyter-widgets", "widget-" + kind);
        Object.assign(held, { placeholder: asks, title: asks });
        if (kind === "textarea") held.rows = 2;
        held.dataset.lmSuppressShortcuts = "true"; // JupyterLab keeps its own keys out
        held.addEventListener("input", () => model.send({ value: held.value }));
      }
      const heard = ({ value }) => { held[written ? "value" : "innerHTML"] = value; };
      model.on("msg:custom", heard);
      el.append(held);
      model.send({ ask: "value" });
      return () => model.off("msg:custom", heard);
    }
    export default { render };
    """
    kind = traitlets.Enum(["html", "text", "textarea"], default_value="html").tag(sync=True)
    placeholder = traitlets.Unicode().tag(sync=True)
    value = traitlets.Unicode()

    def __init__(self, value: str = "", **more: Any) -> None:
        self._from_page = False
        super().__init__(value=value, layout=w.Layout(width="100%"), **more)
        self.on_msg(self._heard)
        self.observe(self._tell, "value")

    def _heard(self, _: object, content: dict[str, Any], __: object) -> None:
        if "value" not in content:
            self._tell()
            return
        self._from_page = True
        self.value = content["value"]
        self._from_page = False

    def _tell(self, _: object = None) -> None:
        if not self._from_page:  # the page has what was written there
            self.send({"value": self.value})
