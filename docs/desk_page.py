"""Write the demo's desk as one page that needs no kernel: what it may ask was asked beforehand.

    python docs/desk_page.py data/raw/demo/demo.toml site-demo/desk.html

Run by `make docs`. What was not asked, or would be kept, is answered by saying so.
"""

from __future__ import annotations

import json
import sys
from itertools import permutations, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sockgraph.desk.messages import ORDERS, SORTS, handle_message
from sockgraph.desk.state import Desk
from sockgraph.desk.widget import LANGUAGES, STATIC, graph_payload, page_script, scoped_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

PANELS = ("head", "card", "evidence", "timecards", "timeline", "summaries")
ABOUT = ("ask", "a", "b", "number", "order", "user", "sort", "falling", "start", "lang")
"""What tells questions apart; panels are asked one by one, and all are in a link's answer."""
ONCE = ("edits", "notes", "basket", "numbers")
"""Answers without a word of the desk: what people wrote."""
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>The demo's desk</title>
<meta name="viewport" content="width=device-width"><style>{css}
body {{ margin: 0 1rem; font: 1rem system-ui, sans-serif }}</style>
<body data-jp-theme-light="true"><p>The demo's desk as a page: everybody in it is invented. In a
notebook it also shows the edits of every pair, and keeps notes and edits to be filed.
<a href="../index.html">Back</a></p><div id="desk"></div>
<script type="module">{script}
const said = {data}, keys = {about}, once = {once};
const key = (question) => JSON.stringify(keys.map((name) =>
  (name === "lang" && once.includes(question.ask) ? null : question[name] ?? null)));
const kernel = {{ value: "This page", rule: "has no kernel: it shows what was asked beforehand.",
  remedy: "Open the case in a notebook." }};
let heard = () => undefined;
const model = {{
  get: (name) => (name === "scene" ? said.scene : null),
  on: (event, listener) => {{ if (event === "msg:custom") heard = listener; }},
  off: () => undefined,
  send: (question) => setTimeout(() => heard({{ re: question.re,
    ...(said.answers[key(question)] ?? {{ problem: kernel }}) }})),
}};
render({{ model, el: document.getElementById("desk") }});
</script></body></html>
"""


def main() -> None:
    """Ask the desk of a case everything that the page can ask, and write both into one file."""
    case, out = Path(sys.argv[1]), Path(sys.argv[2])
    desk = Desk.of(case, data=case.parent.parent.parent)
    scene = graph_payload(desk)
    asked = (_in(lang, question) for question in _questions(scene) for lang in LANGUAGES)
    answers = {_key(question): question for question in asked}
    answers = {key: handle_message(desk, question) for key, question in answers.items()}
    for answer in answers.values():
        if "edits" in answer:
            del answer["head"]  # it has words, and is asked for in each language
    data = json.dumps({"scene": scene, "answers": answers}, ensure_ascii=False, default=str)
    script = page_script().replace("export default { render };", "")
    page = PAGE.format(
        css=scoped_tokens() + (STATIC / "explorer.css").read_text(encoding="utf-8"),
        script=script,
        data=data.replace("<", "\\u003c"),
        about=json.dumps(ABOUT),
        once=json.dumps(ONCE),
    )
    out.write_text(page, encoding="utf-8")


def _questions(scene: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for link in scene["links"]:
        for a, b in permutations((link["a"], link["b"])):  # either account may stand first
            pair = {"a": a, "b": b}
            yield {"ask": "panels", **pair, "panels": PANELS}
            yield {"ask": "notes", **pair}
            if link["drawn"]:  # a pair's edits are a third of a megabyte
                yield {"ask": "edits", **pair}
    yield from ({"ask": "group", "number": group["number"]} for group in scene["groups"])
    yield from ({"ask": "matrix", "order": order} for order in ORDERS)
    yield from ({"ask": "numbers", "user": user} for user in _users(scene))
    for sort, falling in product(SORTS, (True, False)):
        yield from (
            {"ask": "pairs", "user": user, "sort": sort, "falling": falling, "start": 0}
            for user in (None, *_users(scene))
        )
    yield {"ask": "basket"}


def _in(language: str, question: dict[str, Any]) -> dict[str, Any]:
    return question if question["ask"] in ONCE else {**question, "lang": language}


def _users(scene: dict[str, Any]) -> list[str]:
    return [node["user"] for node in scene["nodes"]]


def _key(question: dict[str, Any]) -> str:
    """Return the key as the page's script writes it."""
    told = [question.get(name) for name in ABOUT]
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    main()
