"""What chaining and density would have grouped: shown for contrast only, never written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

from sockgraph.cluster.matrix import pair_evidence
from sockgraph.cluster.tables import cluster_frame
from sockgraph.cluster.trees import THRESHOLD

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from sockgraph.cluster.matrix import PairEvidence


def component_clusters(links: pd.DataFrame, *, threshold: float = THRESHOLD) -> pd.DataFrame:
    """Return the connected components of the pairs at or above a log10 LR.

    They put A and C together because of A-B and B-C, even where A-C is contradicted.

    Returns
    -------
    DataFrame
        `user, cluster_id`; null where an account is alone.
    """
    known = pair_evidence(links)
    return _named(known, nx.connected_components(_graph(known, threshold)))


def louvain_clusters(
    links: pd.DataFrame, *, threshold: float = THRESHOLD, seed: int = 0
) -> pd.DataFrame:
    """Return Louvain communities of the pairs at or above a log10 LR, weighted by it.

    Modularity seeks density, which in a wiki is a topic's regulars (Blondel et al. 2008, J. Stat.
    Mech. P10008).

    Returns
    -------
    DataFrame
        `user, cluster_id`; null where an account is alone.
    """
    known = pair_evidence(links)
    return _named(known, nx.community.louvain_communities(_graph(known, threshold), seed=seed))


def _graph(known: PairEvidence, threshold: float) -> nx.Graph:
    a, b = np.nonzero(np.triu(known.weights >= threshold, 1))
    graph = nx.Graph()
    graph.add_nodes_from(range(len(known.users)))
    graph.add_weighted_edges_from(
        zip(a.tolist(), b.tolist(), known.weights[a, b].tolist(), strict=True)
    )
    return graph


def _named(known: PairEvidence, parts: Iterable[set[int]]) -> pd.DataFrame:
    group = np.arange(len(known.users))
    for part in parts:
        group[list(part)] = min(part)
    return cluster_frame(known.users, group)
