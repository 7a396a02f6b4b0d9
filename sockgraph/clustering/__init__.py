"""Groups of accounts: what holds together, what does not, and what each group leans on.

Evidence is the bounded log10 LR on the graph's edges; too little evidence is 0, which speaks
neither way. Groups come from average or complete linkage, never from chains: that A goes with B and
B with C asserts nothing about A and C. A group rests on links that are eligible for a flag: what
may not be flagged may not hold a group together. Pairs that must stay apart never share a group, at
any remove.
"""

from sockgraph.clustering.groups import Clusters, cluster, component_clusters, group_accounts
from sockgraph.clustering.linkage import THRESHOLD, PairEvidence, pair_evidence, partition

__all__ = [
    "THRESHOLD",
    "Clusters",
    "PairEvidence",
    "cluster",
    "component_clusters",
    "group_accounts",
    "pair_evidence",
    "partition",
]
