"""Edits of three accounts, and what opens them as a table or a dump."""

import pandas as pd
import pytest

from sockgraph.case import load_case
from sockgraph.sources import DumpSource, TableSource

PEOPLE = ("Fern Alder", "Moss Birch", "Reed Cole")
PAGES = ((0, "Mill pond"), (0, "Old weir"), (1, "Mill pond"), (0, "Stone bridge"))


def rows(*people, each=12):
    """Edits of three accounts by turns, on four pages, two of which have one title."""
    names = people or PEOPLE
    start = pd.Timestamp("2024-03-01T00:00:00Z")
    made = []
    for n in range(each * len(names)):
        ns, title = PAGES[(n + n // 5) % 4]
        made.append(
            {
                "rev_id": 101 + n,
                "user": names[n % len(names)],
                "user_id": 1 + n % len(names),
                "title": f"Talk:{title}" if ns else title,
                "ns": ns,
                "page_id": 1 + (n + n // 5) % 4,
                "timestamp": f"{start + pd.Timedelta(minutes=137 * n):%Y-%m-%dT%H:%M:%SZ}",
                "comment": f"edit {n}",
                "size_diff": 5,
            }
        )
    return pd.DataFrame(made)


@pytest.fixture
def case(tmp_path):
    """Return what writes a case beside a file, and its path."""

    def write(path, kind="table", names=PEOPLE[:2], more="", wiki="wiki.example"):
        listed = ", ".join(f'"{name}"' for name in names)
        file = tmp_path / "case.toml"
        file.write_text(
            f'title = "t"\nreason = "r"\nwikis = ["{wiki}"]\n[source]\nkind = "{kind}"\n'
            f'path = "{path}"\n{more}\n[accounts]\nnominated = [{listed}]\nmin_edits = 2\n'
        )
        return file

    return write


@pytest.fixture
def table(case, tmp_path):
    """Return what opens a table of edits, written as a test wants it."""

    def open_one(content, path="edits.csv", **options):
        target = tmp_path / path
        if isinstance(content, bytes):
            target.write_bytes(content)
        elif path.endswith(".csv"):
            content.to_csv(target, index=False)
        else:
            content.to_parquet(target)
        return TableSource(load_case(case(path, **options)))

    return open_one


@pytest.fixture
def dump(case, tmp_path):
    def open_one(content, path="d.xml", kind="xml", **options):
        (tmp_path / path).write_text(content, encoding="utf-8")
        return DumpSource(load_case(case(path, kind, **options)), tmp_path / "raw")

    return open_one


def counts(source):
    return source._raw["user"].value_counts().to_dict()


EACH = dict.fromkeys(PEOPLE, 12)
