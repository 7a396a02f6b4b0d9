"""A wiki's answers and a case's keys: of whatever shape, they are read, or refused in our words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockgraph.case import Case
from sockgraph.errors import FetchError, SockgraphError
from sockgraph.names import cell, from_cell, printable
from sockgraph.sources.mediawiki import client as connection
from sockgraph.sources.mediawiki.tables import accounts_table, edits_table, log_table

leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=5)
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("code", "info", "users", "name")), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = ("error", "query", "continue", "batchcomplete", "curtimestamp")
ROWS = {
    edits_table: {"revid": 5, "user": "Heron", "timestamp": "2024-01-01T00:00:00Z", "title": "x"},
    accounts_table: {"name": "Heron", "userid": 5, "editcount": 9, "groups": ["user"]},
    log_table: {
        "logid": 5,
        "type": "block",
        "action": "block",
        "timestamp": "2024-01-01T00:00:00Z",
        "title": "User:Heron",
        "ns": 2,
    },
}


def _wiki():
    return connection.Connection(
        host="w.example", scheme="https", path="/w/", contact="c", sleep=lambda _: None
    )


@given(st.dictionaries(st.sampled_from(KEYS), values, max_size=3) | values)
def test_an_answer_of_any_shape_is_used_or_refused(answer):
    wiki = _wiki()
    wiki._call = lambda _: json.dumps(answer)
    try:
        wiki.ask({}, kind="accounts", what="accounts", found=("users",))
    except FetchError as error:
        printable(str(error))


@pytest.mark.parametrize("make", ROWS)
def test_rows_of_any_shape_are_read_or_refused(make):
    whole = ROWS[make]

    @given(st.sampled_from(sorted(whole)), values, st.booleans())
    def held(key, value, drop):
        row = {k: v for k, v in whole.items() if k != key} | ({} if drop else {key: value})
        try:
            make("w.example", [row, whole])
        except SockgraphError as error:
            printable(str(error))

    held()


@given(st.sampled_from(sorted(Case.model_fields)), values)
def test_a_case_of_any_shape_is_read_or_refused(key, value):
    from pydantic import ValidationError

    given = {
        "title": "t",
        "reason": "r",
        "wikis": ["w.example"],
        "source": {"kind": "table", "path": "edits.csv"},
        "accounts": {"nominated": ["Heron", "Moth"]},
        "slug": "c",
        "folder": ".",
    }
    try:
        Case.model_validate({**given, key: value})
    except ValidationError as error:
        error.errors()


@given(st.text())
def test_a_cell_comes_back_and_is_no_formula(text):
    assert from_cell(cell(text)) == text
    assert not cell(text).startswith(("=", "+", "-", "@", "\t", "\r"))


@given(st.text(st.characters(exclude_categories=[])))
def test_what_is_printed_is_printable(text):
    assert printable(text).replace("\n", "").isprintable()
