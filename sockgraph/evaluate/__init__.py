"""Links and groups against labels: discrimination, calibration, false links, groups.

Nothing here knows how a link was made: any table of pairs with a score can be judged. Labels say
which accounts are known to have one operator; every rule for what labels leave open (ties, nulls,
pairs that are missing) is stated where it is applied, and none of them flatters.
"""

from sockgraph.evaluate.calibration import calibrated_loss, cllr, cllr_min, ece, tippett
from sockgraph.evaluate.evaluation import Evaluation, evaluate_links, evaluation_table
from sockgraph.evaluate.grouping import GroupMetrics, group_metrics
from sockgraph.evaluate.judged import Judged, judge
from sockgraph.evaluate.labelled import labelled_pairs
from sockgraph.evaluate.limits import Exculpation, Limit, Stratum, exculpation, false_link_strata
from sockgraph.evaluate.openset import OpenSet, flags_of, open_set
from sockgraph.evaluate.prior import Precision, PriorReading, precision_at, prior_reading
from sockgraph.evaluate.ranking import average_precision, recall_at_fpr, roc_auc
from sockgraph.evaluate.reading import read_clusters, read_labels, read_links
from sockgraph.evaluate.separation import Separation, separation, tippett_grid
from sockgraph.evaluate.tally import Tally, tally
from sockgraph.evaluate.validation import (
    Flagged,
    Side,
    Terms,
    Validation,
    reading_of,
    validate_labels,
    validate_reference,
)

__all__ = [
    "Evaluation",
    "Exculpation",
    "Flagged",
    "GroupMetrics",
    "Judged",
    "Limit",
    "OpenSet",
    "Precision",
    "PriorReading",
    "Separation",
    "Side",
    "Stratum",
    "Tally",
    "Terms",
    "Validation",
    "average_precision",
    "calibrated_loss",
    "cllr",
    "cllr_min",
    "ece",
    "evaluate_links",
    "evaluation_table",
    "exculpation",
    "false_link_strata",
    "flags_of",
    "group_metrics",
    "judge",
    "labelled_pairs",
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
    "tally",
    "tippett",
    "tippett_grid",
    "validate_labels",
    "validate_reference",
]
