"""Links and groups against labels: discrimination, calibration, false links, groups.

Nothing here knows how a link was made: any table of pairs with a score can be judged. Labels say
which accounts are known to have one operator; every rule for what labels leave open (ties, nulls,
pairs that are missing) is stated where it is applied, and none of them flatters.
"""

from sockgraph.evaluate.calibration import calibrated_loss, cllr, cllr_min, ece, tippett
from sockgraph.evaluate.evaluation import Evaluation, evaluate_links, evaluation_table
from sockgraph.evaluate.grouping import GroupMetrics, group_metrics
from sockgraph.evaluate.judged import Judged, judge
from sockgraph.evaluate.ranking import average_precision, recall_at_fpr, roc_auc
from sockgraph.evaluate.reading import read_clusters, read_labels, read_links
from sockgraph.evaluate.tally import Tally, tally

__all__ = [
    "Evaluation",
    "GroupMetrics",
    "Judged",
    "Tally",
    "average_precision",
    "calibrated_loss",
    "cllr",
    "cllr_min",
    "ece",
    "evaluate_links",
    "evaluation_table",
    "group_metrics",
    "judge",
    "read_clusters",
    "read_labels",
    "read_links",
    "recall_at_fpr",
    "roc_auc",
    "tally",
    "tippett",
]
