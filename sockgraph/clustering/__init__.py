"""Groups of accounts: what holds together, what does not, and what each group leans on.

Evidence is the bounded log10 LR of each pair; too little evidence is 0, which speaks neither way.
Groups come from average or complete linkage, never from chains: that A goes with B and B with C
asserts nothing about A and C. By default a group rests on flagged links alone: what may not be
flagged may not hold a group together. Pairs that must stay apart never share a group, at any
remove.
"""

from sockgraph.clustering.groups import (
    Clusters,
    cluster_accounts,
    component_clusters,
    louvain_clusters,
)
from sockgraph.clustering.linkage import THRESHOLD, PairEvidence, RestsOn, pair_evidence

__all__ = [
    "THRESHOLD",
    "Clusters",
    "PairEvidence",
    "RestsOn",
    "cluster_accounts",
    "component_clusters",
    "louvain_clusters",
    "pair_evidence",
]
