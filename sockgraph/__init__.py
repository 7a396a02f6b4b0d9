"""Two-sided evidence on links between wiki accounts, for people to review before any lock.

>>> import sockgraph as sg
>>> scores = sg.compare(edits)              # a DataFrame of edits, or what sg.fetch(case) returned
>>> graph = sg.to_graph(scores)             # a networkx.Graph
>>> groups = sg.cluster(graph)              # by scikit-learn; estimator= takes another
>>> links = sg.flag(scores, groups)         # which links people should look at, and why not others

The modules follow the data: `case`, `sources`, `store`, `reference`, `signals`, `evidence`,
`graph`, `clustering`, `reviews`, `report`, `desk`; `pipeline` puts them together. `dir(sockgraph)`
lists the public names; each is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sockgraph.api import (
        compare,
        explore,
        fetch,
        read,
        review,
        run,
        validate,
    )
    from sockgraph.case import load_case
    from sockgraph.case_template import new_case
    from sockgraph.clustering import cluster
    from sockgraph.evaluation import evaluate
    from sockgraph.evidence.flagging import flag, which_case
    from sockgraph.graph import to_graph
    from sockgraph.screening.candidates import screen

__version__ = "0.2.0"
__all__ = [
    "cluster",
    "compare",
    "evaluate",
    "explore",
    "fetch",
    "flag",
    "load_case",
    "new_case",
    "read",
    "review",
    "run",
    "screen",
    "to_graph",
    "validate",
    "which_case",
]
_HOMES = {
    "cluster": "sockgraph.clustering",
    "evaluate": "sockgraph.evaluation",
    "flag": "sockgraph.evidence.flagging",
    "load_case": "sockgraph.case",
    "new_case": "sockgraph.case_template",
    "screen": "sockgraph.screening.candidates",
    "to_graph": "sockgraph.graph",
    "which_case": "sockgraph.evidence.flagging",
}


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    found = getattr(importlib.import_module(_HOMES.get(name, "sockgraph.api")), name)
    globals()[name] = found
    return found
