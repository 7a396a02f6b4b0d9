"""One thread makes what another uses: in order, no further ahead than allowed, errors in place."""

from __future__ import annotations

import threading
import time

import pytest

from sockgraph.store.files import read_ahead


def test_everything_comes_once_and_in_order():
    assert list(read_ahead(iter(range(1000)), depth=3)) == list(range(1000))


def test_no_more_is_made_than_there_is_room_for():
    made = []

    def items():
        for number in range(100):
            made.append(number)
            yield number

    pieces = read_ahead(items(), depth=2)
    assert next(pieces) == 0
    time.sleep(0.1)
    assert len(made) <= 5
    pieces.close()


def test_an_error_comes_where_it_belongs():
    def items():
        yield 1
        raise EOFError("cut")

    pieces = read_ahead(items())
    assert next(pieces) == 1
    with pytest.raises(EOFError, match="cut"):
        next(pieces)


def test_the_thread_ends_with_whoever_wants_no_more():
    before = threading.active_count()
    pieces = read_ahead(iter(range(10**9)), depth=2)
    next(pieces)
    assert threading.active_count() == before + 1
    pieces.close()
    assert threading.active_count() == before
