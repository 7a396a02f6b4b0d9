"""The garbage collector rests while numba loads and while a wiki is screened, and no longer."""

import gc
import subprocess
import sys

import pytest

from sockgraph.runtime import uncollected
from sockgraph.screening.reading import ahead


def test_the_collector_rests_within_and_works_again_behind_even_after_an_error():
    @uncollected()
    def work():
        assert not gc.isenabled()
        raise ValueError("within")

    with pytest.raises(ValueError, match="within"):
        work()
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize("also", ["", "import duckdb; duckdb.sql('select 1');"])
def test_a_command_ends_without_a_word(also):
    if also:
        pytest.importorskip("duckdb")
    code = f"from sockgraph.runtime import end_at_once; end_at_once(); {also} print('done')"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("done\n", "")


def test_no_more_batches_are_read_ahead_than_asked_for():
    made = []

    def items():
        for i in range(20):
            made.append(i)
            yield i

    reading = ahead(items(), depth=3)
    assert next(reading) == 0
    assert len(made) <= 4
    assert list(reading) == list(range(1, 20))
