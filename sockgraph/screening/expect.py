"""How many links of different people a threshold lets through, when very many pairs are asked."""

from __future__ import annotations

from sockgraph.errors import ScreeningError


def expected_false_links(pairs: int, flag_log10_lr: float) -> float:
    """Return the most links of different people to expect among `pairs` at a threshold.

    A calibrated likelihood ratio reaches t for different people with a probability of 1/t at most
    (Good 1950, "Probability and the weighing of evidence", after Turing; Royall 2000, "On the
    probability of observing misleading statistical evidence"). It is a bound, reached by no
    sensible method, and it grows with the pairs: that is the price of asking about everybody.

    Parameters
    ----------
    pairs
        Pairs that are compared.
    flag_log10_lr
        log10 of the likelihood ratio from which on a link is flagged.

    >>> expected_false_links(1000, 2.0)
    10.0
    """
    if pairs < 0:
        raise ScreeningError(pairs, "pairs are 0 or more.", "Give how many are compared.")
    return float(min(pairs, pairs * 10.0**-flag_log10_lr))
