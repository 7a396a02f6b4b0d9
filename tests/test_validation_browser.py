"""The validation page in real Chromium: no hostile name reaches it, and it fits."""

import html
import json

import hostile
import pandas as pd
import pytest
import tiny
from test_report_browser import CROSSED, FIGURES, HANDLERS, WIDE, visit  # noqa: F401
from typer.testing import CliRunner

from sockgraph.cli import app
from sockgraph.pipeline.run import run_case
from sockgraph.pipeline.validate import validate_case

pytest.importorskip("playwright")


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """Validate a case whose names, titles and summaries all attack, on labels that name them."""
    folder = tmp_path_factory.mktemp("hostile")
    frame = tiny.edits(hostile.NAMES, each=60)
    titles = {t: f"{hostile.TEXTS[i % 9]} {i}" for i, t in enumerate(sorted(set(frame["title"])))}
    frame = frame.assign(title=frame["title"].map(titles))
    given = {"names": hostile.NAMES, "title": hostile.ATTACK, "frame": frame}
    path = tiny.write(folder, reference=36, **given)
    result = run_case(path, data=folder / "data")
    users = sorted(set(result.links["user_a"]) | set(result.links["user_b"]))
    persons = [hostile.TEXTS[i // 2 % len(hostile.TEXTS)] + str(i // 2) for i in range(len(users))]
    labels = folder / "known.parquet"
    pd.DataFrame({"user": users, "person": persons}).to_parquet(labels)
    return path, labels, folder / "data", users


def test_no_hostile_name_reaches_the_page_the_figures_or_the_terminal(attacked):
    path, labels, data, users = attacked
    made = validate_case(path, labels, data=data)
    page = made.page.read_text()
    hostile.assert_inert_html(page)
    told = json.dumps(json.loads(made.figures.read_text()), ensure_ascii=False)
    whole = page + html.unescape(page) + told
    words = [u for u in users if len(u) > 4 and u not in ("NaN", "null")]
    assert [u for u in words if u in whole] == []
    said = CliRunner().invoke(app, ["validate", str(path), str(labels), "--data", str(data)])
    hostile.assert_calm_terminal(said.stdout)
    assert [u for u in words if u in said.stdout] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_inert_and_fits(attacked, visit, scheme):  # noqa: F811 - a fixture
    path, labels, data, _ = attacked
    page, heard = visit(validate_case(path, labels, data=data).page.read_text(), scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert heard == []
    assert page.locator("main script, main img, main iframe, main a").count() == 0
    assert page.evaluate(HANDLERS) == 0
    assert page.locator("main svg").count() == 4
    assert page.evaluate(WIDE) == 1080
    assert page.evaluate(FIGURES) == []
    assert page.evaluate(CROSSED) == []
    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate(WIDE) == 390
