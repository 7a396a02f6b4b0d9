import logging
import warnings
from functools import cache
from xml.etree import ElementTree as ET

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from links_fixture import whole_links
from matplotlib.figure import Figure
from matplotlib.text import Text as Words

from sockgraph import charts
from sockgraph.charts import figure as look
from sockgraph.charts import network, placement
from sockgraph.charts.marks import HATCH, Dot, Shape, Text
from sockgraph.charts.svg import colours
from sockgraph.clustering import group_accounts
from sockgraph.concert.capture import measure_capture
from sockgraph.errors import SockgraphError
from sockgraph.evaluation.metrics import count_by_score, ece, tippett
from sockgraph.graph import layout, to_graph
from sockgraph.names import clean
from sockgraph.schema import empty, validate
from sockgraph.synthetic.election import Community, invent_election

USERS = ["Heron Wade", "Quillwort", "青石巷", "Lantern Moth", "Fen Orchid", "Tallow Jack"]
NUMBERS = {(0, 1): 2.6, (0, 2): 2.1, (1, 2): 1.7, (3, 4): 1.0, (0, 3): -1.4}


def links():
    rows = []
    for (i, a), (j, b) in (
        (x, y) for x in enumerate(USERS) for y in enumerate(USERS) if x[0] < y[0]
    ):
        first, second = sorted((a, b))
        value = None if "Tallow Jack" in (a, b) else NUMBERS.get((i, j), 0.1)
        given = value is not None
        rows.append(
            {
                "user_a": first,
                "user_b": second,
                "score": value + 0.5 if given and value > 2.5 else value,
                "log10_lr": value,
                "log10_lr_low": value - 0.4 if given else None,
                "log10_lr_high": value + 0.3 if given else None,
                "bound_low": -2.2 if given else None,
                "bound_high": 2.6 if given else None,
                "n_for": 2,
                "n_against": 1,
                "n_insufficient": 0,
                "alibi": False,
                "band": "moderately for" if given else "insufficient",
                "direction": "neither" if not given else "for" if value > 0.4 else "against",
                "eligible": True,
                "flagged": given and value > 2,
                "state": "asserted" if value == -1.4 else "none",
            }
        )
    return whole_links(pd.DataFrame(rows))


def link(a, b):
    table = links()
    return table[(table["user_a"] == a) & (table["user_b"] == b)].iloc[0]


def evidence(row, statuses=("ok", "ok", "ok", "insufficient")):
    adds = [1.6, 2.0, -0.7, None]
    families = ["text", "pages", "time", "interaction"]
    table = {
        "user_a": row["user_a"],
        "user_b": row["user_b"],
        "signal": ["phrases", "shared pages", "hours", "reverts"],
        "family": families,
        "contribution": [x if s == "ok" else None for x, s in zip(adds, statuses, strict=True)],
        "support": 9,
        "status": list(statuses),
        "rev_ids": [[] for _ in families],
    }
    return validate("evidence", pd.DataFrame(table))


def edits():
    random = np.random.default_rng(5)
    frames = []
    for user, n, first in (("Heron Wade", 400, 0), ("青石巷", 150, 200), ("Quillwort", 1, 10)):
        days = first + random.integers(0, 300, n)
        hours = random.normal(14, 3, n).astype(int) % 24
        start = pd.Timestamp("2023-01-02", tz="UTC")
        stamps = [
            start + pd.Timedelta(days=int(d), hours=int(h))
            for d, h in zip(days, hours, strict=True)
        ]
        titles = [f"Toll bridge {p}" if p > 1 else "盐码头" for p in random.zipf(1.5, n) % 40]
        frames.append(pd.DataFrame({"user": user, "timestamp": stamps, "title": titles}))
    table = pd.concat(frames, ignore_index=True)
    table = table.assign(wiki="fernwick.example", rev_id=range(len(table)))
    return validate("edits", table.assign(hidden=[[] for _ in range(len(table))]))


def graph(**options):
    groups = group_accounts(to_graph(links()), threshold=0.8).clusters
    accounts = pd.DataFrame({"user": USERS, "role": "nominated"})
    return to_graph(links(), accounts, groups, **options)


def pairs():
    random = np.random.default_rng(3)
    same = np.arange(4000) < 40
    return count_by_score(np.round(random.normal(-1, 0.6, 4000) + 2 * same, 2), same)


@cache
def every_chart():
    counts = pairs()
    n = {"n_same": counts.n_same, "n_different": counts.n_different}
    groups = group_accounts(to_graph(links()), threshold=0.8)
    pair = ("Heron Wade", "青石巷")
    row = link(*pair)
    when = pd.Timestamp("2023-09-18", tz="UTC")
    world = invent_election(Community(compared=8, crowd=20, discussions=12, bloc=3), seed=2)
    sent = pd.DataFrame(
        {
            "start": world.votes.groupby("page")["timestamp"].min() + pd.Timedelta(hours=20),
            "receivers": [list(world.compared)] * 12,
        }
    )
    together = graph()
    for a, b in [("Heron Wade", "青石巷"), ("Fen Orchid", "Heron Wade")]:
        together.add_edge(a, b, concert=True)
    return {
        "concert": charts.graph(together),
        "bloc": charts.blocs(world.votes, world.compared),
        "usual hours": charts.usual_hours(world.votes, world.edits, world.compared),
        "arrivals": charts.arrivals(world.votes, sent, world.compared),
        "capture": charts.effective_hands(
            measure_capture(world.edits, votes=world.votes, every="month").table
        ),
        "graph": charts.graph(graph(cannot_links=[("Fen Orchid", "Quillwort")])),
        "waterfall": charts.waterfall(row, evidence(row)),
        "narrow waterfall": charts.waterfall(row, evidence(row), width=358),
        "hours": charts.hours(edits(), *pair),
        "timeline": charts.timeline(
            edits(), *pair, events=[("青石巷", when, "renamed 2023-09-18")]
        ),
        "pages": charts.shared_pages(edits(), *pair),
        "dendrogram": charts.dendrogram(groups),
        "memberships": charts.memberships(groups.clusters),
        "matrix": charts.matrix({user: user for user in USERS}, links()),
        "leave one out": charts.leave_one_out(
            [("All evidence", 2.1, 1.6, 2.4, True), ("Without text", 1.0, 0.4, None, False)]
        ),
        "tippett": charts.tippett(tippett(counts), **n),
        "ece": charts.ece(ece(counts), **n),
    }


def words(chart):
    figure = chart.figure()
    return [t.get_text() for t in figure.findobj(Words) if t.get_text()]


def hidden(figure):
    """Texts that reach beyond the figure."""
    figure.draw_without_rendering()
    frame = figure.bbox
    outside = []
    for text in figure.findobj(Words):
        if not text.get_text().strip() or not text.get_visible():
            continue
        box = text.get_window_extent()
        if box.x0 < -1 or box.y0 < -1 or box.x1 > frame.x1 + 1 or box.y1 > frame.y1 + 1:
            outside.append(text.get_text())
    return outside


def overlaps(figure):
    """Pairs of texts that cover each other by more than a hair."""
    figure.draw_without_rendering()
    texts = [t for t in figure.findobj(Words) if t.get_text().strip() and t.get_visible()]
    boxes = [(t.get_text(), t.get_window_extent().padded(-2)) for t in texts]
    return [
        (a, b)
        for i, (a, here) in enumerate(boxes)
        for b, there in boxes[i + 1 :]
        if here.width > 0 and there.width > 0 and here.overlaps(there)
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_figure_is_whole_and_no_text_covers_another(dark, monkeypatch):
    monkeypatch.setattr(look, "_tell", lambda *_: None)  # a machine without Chinese fonts
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        for name, chart in every_chart().items():
            figure = chart.figure(dark=dark)
            assert isinstance(figure, Figure), name
            assert hidden(figure) == [], name
            assert overlaps(figure) == [], name


def test_both_renderers_draw_every_mark_and_every_word_of_a_chart():
    for name, chart in every_chart().items():
        page = ET.fromstring(str(chart.__html__()))  # noqa: S314 - our own drawing
        texts = [m for m in chart.marks if isinstance(m, Text)]
        said = [found.text for found in page.iter("text")]
        assert said == [clean(m.text) for m in texts], name
        shapes = [m for m in chart.marks if isinstance(m, Shape | Dot)]
        dots = [m for m in shapes if isinstance(m, Dot)]
        assert len(list(page.iter("circle"))) == len(dots), name
        strokes = "".join(e.get("d") for e in page.iter("path"))
        outlines = [one for m in shapes if isinstance(m, Shape) for one in m.outlines]
        assert strokes.count("M") == len(outlines), name
        figure = chart.figure()
        assert len(figure.axes[0].patches) == len(shapes), name
        written = [t.get_text() for t in figure.axes[0].texts]
        assert written[: len(texts)] == said, name
        assert isinstance(chart.data, pd.DataFrame), name


def test_every_colour_of_a_mark_is_one_of_the_design():
    known = {*colours(), HATCH}
    assert colours().keys() == colours(dark=True).keys()
    for chart in every_chart().values():
        for mark in chart.marks:
            if isinstance(mark, Shape | Dot):
                assert {mark.fill, mark.stroke} - {None} <= known


def test_no_global_state_is_touched():
    import matplotlib.pyplot as plt

    before = dict(plt.rcParams)
    [chart.figure() for chart in every_chart().values()]
    assert plt.get_fignums() == []
    assert dict(plt.rcParams) == before


def test_the_graph_is_left_as_it_was():
    made = graph()
    before = nx.to_dict_of_dicts(made), dict(made.nodes(data=True))
    charts.graph(made)
    assert (nx.to_dict_of_dicts(made), dict(made.nodes(data=True))) == before


@pytest.mark.parametrize("n", [0, 1, 3, 31, 400])
def test_graphs_of_any_size_are_whole(n):
    made = nx.Graph()
    names = [f"Account {i:03}" for i in range(n)]
    made.add_nodes_from(names, role="nominated", insufficient=False)
    for a, b in zip(names[::3], names[1::3], strict=False):
        made.add_edge(a, b, weight=1.5, log10_lr=1.5, drawn=True, direction="for", state="none")
    for node, (x, y) in layout(made).items():
        made.nodes[node].update(x=x, y=y)
    figure = charts.graph(made).figure()
    assert hidden(figure) == []
    assert overlaps(figure) == []


def test_hue_means_direction_only():
    row = link("Heron Wade", "Lantern Moth")
    figure = charts.waterfall(row, evidence(row)).figure()
    told = {t.get_text(): t.get_color() for t in figure.findobj(Words)}
    assert told["\N{MINUS SIGN}1.4"] == colours()["against"]
    assert told["+1.6"] == colours()["for"]
    for name in ("Text", "Pages", "Time"):
        assert told[name] == colours()["ink"]


def test_a_waterfall_says_what_could_not_speak_and_what_is_held_at_the_bound():
    row = link("Heron Wade", "Quillwort")
    told = words(charts.waterfall(row, evidence(row)))
    assert "insufficient" in told
    assert "Held at the bound" in told
    assert "log10 LR ≥ 2.6 [2.2, ≥ 2.6], bound 2.6: moderately for" in told
    gone = evidence(row, ["ok", "ok", "ok", "not_available"])
    assert "not available" in words(charts.waterfall(row, gone))


def test_without_a_number_nothing_is_drawn_as_zero():
    row = link("Heron Wade", "Tallow Jack")
    told = words(charts.waterfall(row, evidence(row, ["insufficient"] * 4)))
    assert "Evidence is insufficient: no log10 LR." in told
    assert "Baseline" not in told
    assert not any("0.0" in word for word in told)


def test_a_pair_without_evidence_is_refused():
    row = link("Heron Wade", "Quillwort")
    with pytest.raises(SockgraphError, match="no row of this pair"):
        charts.waterfall(link("Fen Orchid", "Heron Wade"), evidence(row))


def test_shared_pictures_turn_the_week_and_name_no_day():
    own = words(charts.hours(edits(), "Heron Wade", "青石巷"))
    shared = words(charts.hours(edits(), "Heron Wade", "青石巷", offset=40))
    assert "Mon" in own
    assert any("UTC" in word for word in own)
    assert not any(word in ("Mon", "Wed", "00") or "UTC" in word for word in shared)
    with pytest.raises(SockgraphError, match="0 to 167"):
        charts.hours(edits(), "Heron Wade", "青石巷", offset=168)


def test_a_batch_saved_at_once_counts_once():
    table = edits()
    twice = pd.concat([table, table.assign(rev_id=table["rev_id"] + 10_000)])
    assert words(charts.hours(twice, "Heron Wade", "青石巷")) == words(
        charts.hours(table, "Heron Wade", "青石巷")
    )


def test_an_account_without_edits_is_refused():
    for draw in (charts.hours, charts.timeline):
        with pytest.raises(SockgraphError, match="Nobody Here"):
            draw(edits(), "Heron Wade", "Nobody Here")


def test_no_shared_page_and_a_single_edit_draw_all_the_same():
    assert any("0 pages" in w for w in words(charts.shared_pages(edits(), "Heron Wade", "Nobody")))
    assert hidden(charts.timeline(edits(), "Heron Wade", "Quillwort").figure()) == []


def test_excluded_stretches_are_not_counted():
    starts = pd.to_datetime(["2023-03-01", "2023-04-01"], utc=True)
    table = {"user_a": "Heron Wade", "user_b": "青石巷", "start": starts, "n_edits": 9}
    alibis = pd.DataFrame(table).assign(end=starts, excluded=["mass edits", None])
    told = words(
        charts.timeline(edits(), "青石巷", "Heron Wade", alibis=validate("alibis", alibis))
    )
    assert "Simultaneous stretches: 1, marked between the two." in told
    without = words(charts.timeline(edits(), "青石巷", "Heron Wade"))
    assert "Simultaneous work: not looked for." in without


def test_nothing_grouped_is_said():
    nothing = group_accounts(to_graph(links()), threshold=9.0)
    assert "No two accounts hold together." in words(charts.dendrogram(nothing))
    assert "No two accounts hold together." in words(charts.memberships(empty("clusters")))


def test_figures_are_written_the_same_each_time(tmp_path):
    paths = [tmp_path / name for name in ("a.png", "b.png")]
    for path in paths:
        path.write_bytes(charts.graph(graph()).png())
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_characters_that_no_font_has_are_told_with_a_remedy(caplog):
    look._tell.cache_clear()
    with caplog.at_level(logging.WARNING, logger="sockgraph.charts.figure"):
        assert look.fonts_for(["abc"])
        assert not caplog.records
        look.fonts_for(["\U000f0000"])
    (record,) = caplog.records
    assert "1 characters" in record.getMessage()
    assert "fonts-noto-cjk" in record.getMessage()


def crowd(n, n_links, seed=2):
    """Accounts in groups of up to five, links for and against among all of them."""
    random = np.random.default_rng(seed)
    made = nx.Graph()
    for i in range(n):
        held = {"group": i // 5, "status": "stable"} if i % 25 < 10 else {}
        made.add_node(f"Account {i:03d}", role="nominated", **held)
    for _ in range(n_links):
        a, b = sorted(random.choice(n, 2, replace=False))
        value = float(random.choice([-1.8, 1.2, 2.4]))
        known = {"log10_lr": value, "weight": max(value, 0.0), "flagged": False, "state": "none"}
        known |= {"direction": "for" if value > 0 else "against", "drawn": True}
        known["cannot_link"] = bool(random.random() < 0.1)
        made.add_edge(f"Account {a:03d}", f"Account {b:03d}", **known)
    for node, (x, y) in layout(made).items():
        made.nodes[node].update(x=x, y=y)
    return made


@pytest.mark.parametrize(("n", "n_links"), [(15, 30), (50, 120), (400, 300)])
def test_a_graph_says_nothing_that_is_not_so(n, n_links):
    """No line, cross or outline touches an account that it is not about."""
    made = crowd(n, n_links)
    sheet = network._sheet(made, network.drawn_links(made), {}, 760.0)
    row = {user: i for i, user in enumerate(sheet.users)}
    for link, path in zip(sheet.links.itertuples(), sheet.paths, strict=True):
        others = np.delete(sheet.at, [row[link.user_a], row[link.user_b]], axis=0)
        assert placement.clearance(path, others) > network.MARK + 1, link
        if link.cannot_link:
            cross = np.array([placement.clear_point(path, sheet.at)] * 2)
            assert placement.clearance(cross, sheet.at) > network.MARK + 8, link
    outlines, unboxed = sheet._outlines()
    assert len(outlines) + len(unboxed) == len(sheet.members)
    for number, outline in outlines.items():
        strangers = np.delete(sheet.at, sheet.members[number], axis=0)
        assert not placement.within(np.array(outline.outlines[0]), strangers).any()


def test_a_link_that_speaks_for_is_never_dropped_for_one_that_speaks_against():
    made = crowd(50, 200)
    for most in (10, 60, 120):
        kept = network.drawn_links(made, most)
        gone = network.drawn_links(made)[most:]
        stated = kept["cannot_link"]
        unsaid = (kept["direction"] == "against") & ~stated
        assert not unsaid.any() or not (gone["direction"] == "for").any()
