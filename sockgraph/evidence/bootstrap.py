"""How much a score depends on who happens to be the reference: a bootstrap over accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sockgraph.evidence.fusion import Model, fit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.evidence.community import Community
    from sockgraph.progress import Progress

LEVEL = 0.95


def resampled_models(
    community: Community,
    extreme: NDArray[np.bool_],
    *,
    resamples: int,
    seed: int,
    progress: Progress,
) -> list[Model]:
    """Fit the model on resamples of the reference accounts.

    A resample draws accounts with replacement, with all their pairs and splits; it mixes the strata of
    splits in a random share, since nobody knows which of them an operator's accounts resemble; and
    every other one leaves out the most extreme different pairs, which may be undetected socks.

    Parameters
    ----------
    extreme
        (pairs,) the most extreme different pairs.
    """
    models = []
    n = community.n_accounts
    for turn in range(resamples):
        rng = np.random.default_rng([seed, 11, turn])
        times = np.bincount(rng.integers(0, n, n), minlength=n).astype(float)
        share = rng.uniform(0.25, 0.75)
        drop = extreme if turn % 2 else None
        models.append(fit(community.training(times, mix=(share, 1 - share), drop=drop)))
        progress("interval", turn + 1, resamples)
    return models


def spread(
    models: list[Model], surprise: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far below and above its median each pair's score lies in 95 % of the resamples."""
    if not models or not len(surprise):
        return np.zeros(len(surprise)), np.zeros(len(surprise))
    scores = np.stack([model.score(surprise) for model in models])
    tail = (1 - LEVEL) / 2
    low, middle, high = np.quantile(scores, [tail, 0.5, 1 - tail], axis=0)
    return middle - low, high - middle
