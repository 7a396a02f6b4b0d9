"""The main job on a real wiki, from the case file to the report, as a user runs it."""

from __future__ import annotations

import json

import pytest
import terminal
from wiki import history

pytestmark = pytest.mark.wiki
REFERENCE = "[reference]\naccounts = 30\n"
NAMES = [history.RENAMED[0], *history.OPERATED[:2], history.HIDES, "مستخدم تجربة", "Amber Wren"]


def sockgraph(*words, data):
    return terminal.sockgraph(*words, "--data", data)


def test_a_case_runs_and_runs_again_without_the_wiki(wiki_case, tmp_path):
    case, data = wiki_case(*NAMES, reference=REFERENCE), tmp_path / "data"
    code, _, said = sockgraph("fetch", case, data=data)
    assert code == 0, said
    code, _, said = sockgraph("run", case, data=data)
    assert code == 0, said
    folder = data / "processed" / "test-wiki"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["run"]["traffic"]["requests"] == {}  # all of it had been fetched
    told = json.dumps(manifest, ensure_ascii=False)
    for name in (*history.RENAMED, history.HIDES, "مستخدم تجربة"):
        assert name in told
    assert "Kelp Wren" not in told  # a reference account
    page = (folder / "report.html").read_text()
    assert history.HIDES in page
    first = {p.name: p.read_bytes() for p in folder.iterdir() if p.suffix != ".json"}

    code, _, said = sockgraph("run", case, "--offline", data=data)
    assert code == 0, said
    assert {p.name: p.read_bytes() for p in folder.iterdir() if p.suffix != ".json"} == first
    again = json.loads((folder / "manifest.json").read_text())
    manifest.pop("run")
    again.pop("run")
    assert again == manifest


def test_a_first_look_takes_few_requests_and_asks_for_blocks_of_the_drawn_alone(
    wiki_case, tmp_path
):
    asked = {}
    for stem, more in {"first": "", "five": "[reference]\naccounts = 5\n"}.items():
        case = wiki_case("Amber Wren", stem=stem, reference=more)
        code, _, said = sockgraph("fetch", case, data=tmp_path / stem)
        assert code == 0, said
        told = sockgraph("run", case, "--offline", data=tmp_path / stem)
        assert told[0] == 0, told[2]
        manifest = json.loads((tmp_path / stem / "processed" / stem / "manifest.json").read_text())
        asked[stem] = manifest["source"]["requests"], manifest["population"]["reference"]
    requests, reference = asked["first"]
    assert sum(requests.values()) <= 150
    assert reference["wanted"] == 40
    requests, reference = asked["five"]
    socks = reference["left out"].get("blocked as a sock", 0)
    assert requests["blocks of accounts"] == 5 + socks < reference["candidates"]


@pytest.mark.parametrize(
    "bad",
    [
        (("Amber Wren", history.MISSING), history.MISSING),
        (("Amber Wren", history.BOT), "bot"),
        (('api_path = "/"', 'api_path = "/wrong/"'), "api_path"),
        (("HOST", "127.0.0.1:9"), "cannot be reached"),
        (("HOST", "zh.wikipedai.invalid"), "spelling"),
        (("Amber Wren", history.RENAMED[1]), "one account"),
    ],
    ids=["unknown account", "bot", "path", "unreachable", "misspelt", "twice"],
)
def test_bad_input_is_one_line_and_nothing_is_written(wiki, wiki_case, tmp_path, bad):
    case, data = wiki_case(*NAMES, reference=REFERENCE), tmp_path / "data"
    (old, new), said = bad
    case.write_text(case.read_text().replace(wiki.host if old == "HOST" else old, new))
    code, _, error = sockgraph("run", case, data=data)
    assert code == 2
    assert said in error.splitlines()[-1]
    assert "Traceback" not in error
    processed = data / "processed"
    assert not processed.exists() or not any(processed.rglob("*.*"))
