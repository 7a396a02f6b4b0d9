import logging
import warnings

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from links_fixture import whole_links
from matplotlib.figure import Figure
from matplotlib.text import Text

from sockgraph import plot
from sockgraph.clustering import group_accounts
from sockgraph.concert.capture import measure_capture
from sockgraph.errors import SockgraphError
from sockgraph.evaluation import ece, tippett
from sockgraph.evaluation.metrics import tally
from sockgraph.graph import to_graph
from sockgraph.plot import style as look
from sockgraph.schema import empty, validate
from sockgraph.synthetic import Community, invent_election

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
    return tally(np.round(random.normal(-1, 0.6, 4000) + 2 * same, 2), same)


def every_figure(style):
    counts = pairs()
    n = {"n_same": counts.n_same, "n_different": counts.n_different, "style": style}
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
        "concert": plot.case_graph(together, style=style),
        "bloc": plot.bloc_plot(world.votes, world.compared, style=style),
        "hours": plot.hours_plot(world.votes, world.edits, world.compared, style=style),
        "arrivals": plot.arrivals_plot(world.votes, sent, world.compared, style=style),
        "capture": plot.capture_plot(
            measure_capture(world.edits, votes=world.votes, every="month").table, style=style
        ),
        "graph": plot.case_graph(graph(cannot_links=[("Fen Orchid", "Quillwort")]), style=style),
        "waterfall": plot.waterfall(row, evidence(row), style=style),
        "timecards": plot.timecards(edits(), *pair, style=style),
        "timeline": plot.timeline(
            edits(), *pair, events=[("青石巷", when, "registered")], style=style
        ),
        "pages": plot.shared_pages(edits(), *pair, style=style),
        "dendrogram": plot.dendrogram(groups, style=style),
        "stability": plot.stability(groups.clusters, style=style),
        "tippett": plot.tippett_plot(tippett(counts), **n),
        "ece": plot.ece_plot(ece(counts), **n),
    }


def words(figure):
    return [t.get_text() for t in figure.findobj(Text) if t.get_text()]


def hidden(figure):
    """Texts that reach beyond the figure."""
    figure.draw_without_rendering()
    frame = figure.bbox
    outside = []
    for text in figure.findobj(Text):
        if not text.get_text().strip() or not text.get_visible():
            continue
        box = text.get_window_extent()
        if box.x0 < -1 or box.y0 < -1 or box.x1 > frame.x1 + 1 or box.y1 > frame.y1 + 1:
            outside.append(text.get_text())
    return outside


def overlaps(figure):
    """Pairs of texts that cover each other by more than a hair."""
    figure.draw_without_rendering()
    texts = [t for t in figure.findobj(Text) if t.get_text().strip() and t.get_visible()]
    boxes = [(t.get_text(), t.get_window_extent().padded(-2)) for t in texts]
    return [
        (a, b)
        for i, (a, here) in enumerate(boxes)
        for b, there in boxes[i + 1 :]
        if here.width > 0 and there.width > 0 and here.overlaps(there)
    ]


@pytest.mark.parametrize("style", [plot.LIGHT, plot.DARK], ids=["light", "dark"])
def test_every_figure_is_whole_and_no_text_covers_another(style, monkeypatch):
    monkeypatch.setattr(look, "_tell", lambda *_: None)  # a machine without Chinese fonts
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        for name, figure in every_figure(style).items():
            assert isinstance(figure, Figure), name
            assert hidden(figure) == [], name
            assert overlaps(figure) == [], name


def test_no_global_state_is_touched():
    import matplotlib.pyplot as plt

    before = dict(plt.rcParams)
    every_figure(plot.LIGHT)
    assert plt.get_fignums() == []
    assert dict(plt.rcParams) == before


def test_the_graph_is_left_as_it_was():
    made = graph()
    before = nx.to_dict_of_dicts(made), dict(made.nodes(data=True))
    plot.case_graph(made)
    assert (nx.to_dict_of_dicts(made), dict(made.nodes(data=True))) == before


@pytest.mark.parametrize("n", [0, 1, 3, 31, 400])
def test_graphs_of_any_size_are_whole(n):
    made = nx.Graph()
    names = [f"Account {i:03}" for i in range(n)]
    made.add_nodes_from(names, role="nominated", insufficient=False)
    for a, b in zip(names[::3], names[1::3], strict=False):
        made.add_edge(a, b, weight=1.5, log10_lr=1.5, drawn=True, direction="for", state="none")
    from sockgraph.graph import layout

    for node, (x, y) in layout(made).items():
        made.nodes[node].update(x=x, y=y)
    figure = plot.case_graph(made)
    assert hidden(figure) == []
    assert overlaps(figure) == []


def test_hue_means_direction_only():
    row = link("Heron Wade", "Lantern Moth")
    figure = plot.waterfall(row, evidence(row))
    told = {t.get_text(): t.get_color() for t in figure.findobj(Text)}
    assert told["\N{MINUS SIGN}1.4"] == plot.LIGHT.evidence_against
    assert told["+1.6"] == plot.LIGHT.evidence_for
    for name in ("Text", "Pages", "Time"):
        assert told[name] == plot.LIGHT.ink


def test_a_waterfall_says_what_could_not_speak_and_what_is_held_at_the_bound():
    row = link("Heron Wade", "Quillwort")
    told = words(plot.waterfall(row, evidence(row)))
    assert "insufficient" in told
    assert "Held at the bound" in told
    assert "log10 LR 2.6 [2.2, 2.9], bound 2.6: moderately for" in told
    gone = evidence(row, ["ok", "ok", "ok", "not_available"])
    assert "not available" in words(plot.waterfall(row, gone))


def test_without_a_number_nothing_is_drawn_as_zero():
    row = link("Heron Wade", "Tallow Jack")
    told = words(plot.waterfall(row, evidence(row, ["insufficient"] * 4)))
    assert "Evidence is insufficient: no log10 LR." in told
    assert "Baseline" not in told
    assert not any("0.0" in word for word in told)


def test_a_pair_without_evidence_is_refused():
    row = link("Heron Wade", "Quillwort")
    with pytest.raises(SockgraphError, match="no row of this pair"):
        plot.waterfall(link("Fen Orchid", "Heron Wade"), evidence(row))


def test_shared_pictures_turn_the_week_and_name_no_day():
    own = words(plot.timecards(edits(), "Heron Wade", "青石巷"))
    shared = words(plot.timecards(edits(), "Heron Wade", "青石巷", offset=40))
    assert "Mon" in own
    assert any("UTC" in word for word in own)
    assert not any(word in ("Mon", "Wed", "00") or "UTC" in word for word in shared)
    with pytest.raises(SockgraphError, match="0 to 167"):
        plot.timecards(edits(), "Heron Wade", "青石巷", offset=168)


def test_a_batch_saved_at_once_counts_once():
    table = edits()
    twice = pd.concat([table, table.assign(rev_id=table["rev_id"] + 10_000)])
    assert words(plot.timecards(twice, "Heron Wade", "青石巷")) == words(
        plot.timecards(table, "Heron Wade", "青石巷")
    )


def test_an_account_without_edits_is_refused():
    for draw in (plot.timecards, plot.timeline):
        with pytest.raises(SockgraphError, match="Nobody Here"):
            draw(edits(), "Heron Wade", "Nobody Here")


def test_no_shared_page_and_a_single_edit_draw_all_the_same():
    assert any("0 pages" in w for w in words(plot.shared_pages(edits(), "Heron Wade", "Nobody")))
    assert hidden(plot.timeline(edits(), "Heron Wade", "Quillwort")) == []


def test_excluded_stretches_are_not_counted():
    starts = pd.to_datetime(["2023-03-01", "2023-04-01"], utc=True)
    table = {"user_a": "Heron Wade", "user_b": "青石巷", "start": starts, "n_edits": 9}
    alibis = pd.DataFrame(table).assign(end=starts, excluded=["mass edits", None])
    told = words(plot.timeline(edits(), "青石巷", "Heron Wade", alibis=validate("alibis", alibis)))
    assert "Simultaneous stretches: 1, marked between the two." in told
    without = words(plot.timeline(edits(), "青石巷", "Heron Wade"))
    assert "Simultaneous work: not looked for." in without


def test_nothing_grouped_is_said():
    nothing = group_accounts(to_graph(links()), threshold=9.0)
    assert "No two accounts hold together." in words(plot.dendrogram(nothing))
    assert "No two accounts hold together." in words(plot.stability(empty("clusters")))


def test_figures_are_written_the_same_each_time(tmp_path):
    paths = [tmp_path / name for name in ("a.png", "b.png")]
    for path in paths:
        plot.case_graph(graph()).savefig(path, metadata={"Software": None})
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_characters_that_no_font_has_are_told_with_a_remedy(caplog):
    look._tell.cache_clear()
    with caplog.at_level(logging.WARNING, logger="sockgraph.plot.style"):
        assert plot.fonts_for(["abc"])
        assert not caplog.records
        plot.fonts_for(["\U000f0000"])
    (record,) = caplog.records
    assert "1 characters" in record.getMessage()
    assert "fonts-noto-cjk" in record.getMessage()


def test_in_a_large_case_no_name_covers_a_mark():
    random = np.random.default_rng(2)
    large = nx.Graph()
    for i, (x, y) in enumerate(random.uniform(0.3, 0.7, (90, 2))):
        large.add_node(f"Account {i:03d}", x=x, y=y, role="nominated")
    for i in range(89):
        known = {"drawn": True, "log10_lr": 1.0, "state": "none"}
        large.add_edge(f"Account {i:03d}", f"Account {i + 1:03d}", **known)
    figure = plot.case_graph(large)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    marks = axes.transData.transform([(d["x"], d["y"]) for _, d in large.nodes(data=True)])
    boxes = [t.get_window_extent() for t in axes.texts]
    assert 10 < len(boxes) < 90
    assert not [b for b in boxes if any(b.contains(*mark) for mark in marks)]
