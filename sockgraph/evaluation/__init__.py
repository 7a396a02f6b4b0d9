"""Links and groups against labels: discrimination, calibration, false links, groups.

Nothing here knows how a link was made: any table of pairs with a score can be judged. Labels say
which accounts are known to have one operator; every rule for what labels leave open (ties, nulls,
pairs that are missing) is stated where it is applied, and none of them flatters.
"""

from sockgraph.evaluation.false_links import (
    Exculpation,
    Limit,
    OpenSet,
    Precision,
    PriorReading,
    Stratum,
    exculpation,
    false_link_strata,
    open_set,
    precision_at,
    prior_reading,
)
from sockgraph.evaluation.labelled_pairs import LabelledPairs, labelled_pairs, match_labels
from sockgraph.evaluation.links import (
    Evaluation,
    GroupMetrics,
    evaluate,
    evaluation_table,
    group_metrics,
)
from sockgraph.evaluation.metrics import (
    ScoreCounts,
    Separation,
    average_precision,
    calibrated_loss,
    cllr,
    cllr_min,
    count_by_score,
    ece,
    recall_at_fpr,
    roc_auc,
    separation,
    tippett,
    tippett_grid,
)
from sockgraph.evaluation.reading import read_clusters, read_labels, read_links
from sockgraph.evaluation.validation import (
    CaseTerms,
    FlagCounts,
    PairSetMeasures,
    Validation,
    reading_of,
    validate_labels,
    validate_reference,
)

__all__ = [
    "CaseTerms",
    "Evaluation",
    "Exculpation",
    "FlagCounts",
    "GroupMetrics",
    "LabelledPairs",
    "Limit",
    "OpenSet",
    "PairSetMeasures",
    "Precision",
    "PriorReading",
    "ScoreCounts",
    "Separation",
    "Stratum",
    "Validation",
    "average_precision",
    "calibrated_loss",
    "cllr",
    "cllr_min",
    "count_by_score",
    "ece",
    "evaluate",
    "evaluation_table",
    "exculpation",
    "false_link_strata",
    "group_metrics",
    "labelled_pairs",
    "match_labels",
    "open_set",
    "precision_at",
    "prior_reading",
    "read_clusters",
    "read_labels",
    "read_links",
    "reading_of",
    "recall_at_fpr",
    "roc_auc",
    "separation",
    "tippett",
    "tippett_grid",
    "validate_labels",
    "validate_reference",
]
