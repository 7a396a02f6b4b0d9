"""The validation page: how often a case's numbers would be wrong. Counts only, and no name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

import sockgraph
from sockgraph.charts import Chart, ece, tippett
from sockgraph.evaluation.false_links import SHARED, SURE
from sockgraph.report.page import environment
from sockgraph.report.wording import DASH, NBSP, counted, listed, one_in, plain, spelled, thousands

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sockgraph.evaluation.false_links import (
        Exculpation,
        Limit,
        OpenSet,
        Precision,
        PriorReading,
        Stratum,
    )
    from sockgraph.evaluation.metrics import Separation
    from sockgraph.evaluation.validation import CaseTerms, FlagCounts, PairSetMeasures, Validation

UNTESTED = "not testable"
MEASURES = (
    ("AUC", "auc", "chance that a pair of one operator scores above a pair of different people"),
    ("Recall at 10⁻³", "recall_at_fpr_1e3", "found while one different pair in 1,000 gets through"),
    ("Average precision", "average_precision", "moves with how rare pairs of one operator are"),
    ("Cllr", "cllr", "cost of the LRs in bits: 0 is perfect, 1 says nothing"),
    ("Cllr_min", "cllr_min", "of which the ranking’s own"),
    ("Calibration loss", "loss", "Cllr − Cllr_min: numbers that say too much or too little"),
    (
        "… of perfect LRs",
        "calibrated_loss",
        "the loss that perfectly calibrated LRs of this separation and size show",
    ),
)


@dataclass(frozen=True)
class CaseSummary:
    """What of a case its validation page says: nothing that a person wrote.

    Attributes
    ----------
    slug, wiki
        The case file's stem, and the wiki.
    everyone
        Whether the compared accounts are their own reference.
    run
        SHA-256 of the hashes of the tables that were measured.
    """

    slug: str
    wiki: str
    everyone: bool
    run: str


def validation_page(found: Validation, about: CaseSummary) -> str:
    """Return a case's validation as one HTML file: no script, no network, no account's name."""
    sides = [side for side in (found.own, found.labels) if side is not None]
    context = {
        "about": about,
        "version": sockgraph.__version__,
        "found": found,
        "reference": _reference(found, about),
        "lede": lead_paragraph(found, about),
        "columns": [one for side in sides for one in side.separations],
        "measures": measures(found, sides),
        "panels": [_panel(side, found.terms, about, own=side is found.own) for side in sides],
        "prior": prior_words(found.prior, found.terms),
        "flattery": flattery_words(found),
        "percent": percent,
    }
    return environment().get_template("validation.html.j2").render(context)


def percent(share: float | None) -> str:
    """Write a share in per cent with two digits.

    >>> percent(0.00312) == "0.31" + NBSP + "%", percent(0.0), percent(0.987) == "98.7" + NBSP + "%"
    (True, 'none', True)
    """
    if share is None:
        return DASH
    if share == 0:
        return "none"
    digits = f"{100 * share:.1f}" if share >= 0.1 else f"{100 * share:.2g}"
    return f"{digits.removesuffix('.0')}{NBSP}%"


def lead_paragraph(found: Validation, about: CaseSummary) -> Markup:
    """Say in a few sentences what the page found."""
    if found.own is None:
        return Markup("<b>Not calibrated:</b> {}. No link of this case has a number.").format(
            found.reason or "the evidence stage gives no reason"
        )
    said = [_false_words(found.own, "this case’s own reference")]
    if about.everyone:
        said.append(
            Markup(
                "The accounts compared are that reference: pairs of one operator among them count"
                " as wrong."
            )
        )
    if found.labels is not None:
        said.append(_false_words(found.labels, "labelled accounts"))
    return Markup(" ").join(said)


def _false_words(side: PairSetMeasures, where: str) -> Markup:
    """Say how different people fare: all of them, and which stratum passes its limit."""
    first = side.strata[0]
    tested = [x for x in first.limits if x.kept is not None]
    if not tested:
        return Markup("On {} there are too few pairs of different people to test any LR.").format(
            where
        )
    one = tested[-1]
    over = [s.name for s in side.strata if any(x.kept is False for x in s.limits)]
    told = Markup("none") if not over else Markup(", ").join(over)
    return Markup(
        "On {}, <b>{} of {}</b> pairs of different people have an LR above {}; numbers that"
        " mean what they say allow {}. Kinds of pair that exceed their limit: <b>{}</b>."
    ).format(
        where,
        thousands(one.above),
        thousands(first.pairs),
        thousands(one.ratio),
        thousands(first.pairs // one.ratio),
        told,
    )


def _reference(found: Validation, about: CaseSummary) -> str:
    facts = found.facts
    n = facts.get("n_reference") or 0
    who = "the compared accounts themselves" if about.everyone else "accounts of the same pages"
    cuts = facts.get("splits") or {}
    made = sum(int(kind["cuts"]) for name, kind in cuts.items() if name != "labelled")
    told = int(cuts.get("labelled", {"cuts": 0})["cuts"])
    labelled = f", {counted(told, 'labelled pair')} of one person" if told else ""
    return (
        f"{counted(n, 'account')}, {who}; {thousands(facts.get('n_different_pairs') or 0)} pairs,"
        f" {counted(made, 'cut history', 'cut histories')}{labelled}"
    )


@dataclass(frozen=True)
class MeasureRow:
    """One measure in every column, and how much cut histories flatter it."""

    name: str
    meaning: str
    values: tuple[str, ...]
    difference: str


def measures(found: Validation, sides: Sequence[PairSetMeasures]) -> list[MeasureRow]:
    """Lay out what tells pairs of one operator from others, column by column."""
    columns = [one for side in sides for one in side.separations]
    return [
        MeasureRow(
            name,
            meaning,
            tuple(_figure(one, key) for one in columns),
            _signed(found.flattery.get(key)),
        )
        for name, key, meaning in MEASURES
    ]


def _figure(one: Separation, key: str) -> str:
    value = getattr(one, key)
    return DASH if value is None else f"{value:.3f}"


def _signed(value: float | None) -> str:
    if value is None:
        return DASH
    return f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")


FEW = 30
"""Labelled pairs of one operator below which a difference says little."""


BETTER = {"recall_at_fpr_1e3": 1, "cllr": -1, "loss": -1}
"""Which way is better: 1 the higher, -1 the lower."""
CALLED = {"recall_at_fpr_1e3": "recall at 10⁻³", "cllr": "Cllr", "loss": "calibration loss"}


def flattery_words(found: Validation) -> str:
    """Say what cut histories flatter, and by how much, against what labels show."""
    given = {name: value for name, value in found.flattery.items() if name in BETTER}
    if not given or found.labels is None:
        return ""
    flattered = [name for name, value in given.items() if value * BETTER[name] > 0]
    honest = [name for name in given if name not in flattered]
    said = []
    if flattered:
        said.append(f"Cut histories flatter the {listed([_by(n, given[n]) for n in flattered])}.")
    if honest:
        said.append(f"They do not flatter the {listed([_than(n, given[n]) for n in honest])}.")
    n = found.labels.whole.n_same
    if n < FEW:
        said.append(f"With {counted(n, 'labelled pair')} of one operator that says little.")
    return " ".join(said)


def _by(name: str, difference: float) -> str:
    return f"{CALLED[name]} by {abs(difference):.3f}"


def _than(name: str, difference: float) -> str:
    way = "higher" if difference > 0 else "lower"
    return f"{CALLED[name]} ({abs(difference):.3f} {way} than on labels)"


@dataclass(frozen=True)
class PairSetPanel:
    """Everything drawn of one side.

    Attributes
    ----------
    anchor, title, same
        Its place, its heading, and what its pairs of one operator are.
    tippett, ece
        Drawings; none where nothing is calibrated.
    numbers
        The curves' numbers, thinned.
    strata
        Lines of the table of false links.
    clearing, flags
        Sentences.
    worth
        Lines of the table at the case's prior.
    """

    anchor: str
    title: str
    same: str
    tippett: Chart | None
    ece: Chart | None
    numbers: tuple[tuple[str, str, str], ...]
    strata: tuple[StratumRow, ...]
    clearing: str
    flags: str
    worth: tuple[tuple[str, str, str, str], ...]


@dataclass(frozen=True)
class StratumRow:
    """One kind of different pair: all of them, and less the most extreme."""

    name: str
    pairs: str
    cells: tuple[LimitCell, ...]
    against: str
    pairs_without: str
    cells_without: tuple[LimitCell, ...]


@dataclass(frozen=True)
class LimitCell:
    """How many pairs exceed an LR, whether that passes the limit, and why it cannot be told."""

    words: str
    over: bool
    why: str


def _panel(
    side: PairSetMeasures, terms: CaseTerms, about: CaseSummary, *, own: bool
) -> PairSetPanel:
    where = "on this case’s own reference" if own else "on labelled accounts"
    first = side.whole
    n = first.n_different
    return PairSetPanel(
        anchor="own" if own else "labels",
        title=where,
        same=f"{thousands(first.n_same)} {'cut histories' if own else 'pairs of one operator'}"
        f" against {thousands(n)} pairs of different people",
        tippett=None
        if side.tippett is None
        else tippett(side.tippett, n_same=first.n_same, n_different=n),
        ece=None if side.ece is None else ece(side.ece, n_same=first.n_same, n_different=n),
        numbers=_numbers(side),
        strata=tuple(_stratum(s) for s in side.strata),
        clearing=_clearing(side.exculpation),
        flags=_flags(side, terms, about, own=own),
        worth=tuple(_worth(one) for one in side.precisions),
    )


def _numbers(side: PairSetMeasures) -> tuple[tuple[str, str, str], ...]:
    if side.tippett is None:
        return ()
    thin = side.tippett.iloc[:: max(len(side.tippett) // 16, 1)]
    columns = (thin[name].tolist() for name in ("log10_lr", "same", "different"))
    return tuple((plain(x), percent(a), percent(b)) for x, a, b in zip(*columns, strict=True))


def _stratum(one: Stratum) -> StratumRow:
    return StratumRow(
        name=one.name,
        pairs=thousands(one.pairs),
        cells=tuple(map(_cell, one.limits)),
        against=percent(one.against),
        pairs_without=thousands(one.pairs_without),
        cells_without=tuple(map(_cell, one.limits_without)),
    )


def _cell(limit: Limit) -> LimitCell:
    if limit.untested is not None:
        above = f"{thousands(limit.above)} above; " if limit.above else ""
        return LimitCell(UNTESTED, over=False, why=f"{above}{limit.untested}")
    if not limit.above:
        return LimitCell("none", over=False, why="")
    return LimitCell(f"{thousands(limit.above)} = {percent(limit.share)}", not limit.kept, "")


def _clearing(found: Exculpation | None) -> str:
    if found is None or found.cleared is None:
        return f"No two different people here share {SHARED} pages and have enough edits."
    return (
        f"Of {counted(found.pairs, 'pair')} of different people with at least {spelled(SHARED)}"
        f" pages in common and enough edits, {percent(found.cleared)} have log10{NBSP}LR below"
        f" −1: it tells them apart; {percent(found.towards)} have it above 1: it misleads."
    )


def _flags(side: PairSetMeasures, terms: CaseTerms, about: CaseSummary, *, own: bool) -> str:
    """Say what is flagged, and who while their partner is away."""
    if side.flagged is None:
        return ""
    if own:
        return _themselves(side) if about.everyone else _were_nominated(side, terms)
    return f"{_right(side.flagged)} {_away(side.open_set)}"


def _were_nominated(side: PairSetMeasures, terms: CaseTerms) -> str:
    """Say what would be flagged in a case of the reference alone."""
    found, held = side.flagged, side.open_set
    if found is None or held is None or held.expected is None:
        return ""
    return (
        f"Were the {counted(held.accounts, 'reference account')} nominated themselves,"
        f" {counted(found.flagged, 'pair')} of {thousands(found.n_different)} would be flagged, and"
        f" {percent(held.nobody)} of the accounts with nobody; none of them is known to have a"
        f" partner here. Among as many pairs as this case compares ({thousands(terms.n_pairs)}),"
        f" all of different people, {held.expected:.2g} would meet a flag’s conditions."
    )


def _themselves(side: PairSetMeasures) -> str:
    """Say what is flagged where the compared accounts are their own reference."""
    found, held = side.flagged, side.open_set
    if found is None or held is None:
        return ""
    return (
        f"{counted(found.flagged, 'pair')} of {thousands(found.n_different)} flagged;"
        f" {percent(held.nobody)} of {counted(held.accounts, 'account')} with nobody. The accounts"
        " are their own reference, so a flag may well be true."
    )


def _right(found: FlagCounts) -> str:
    if not found.flagged:
        return f"No pair is flagged, of {counted(found.n_same, 'pair')} of one operator."
    return (
        f"{counted(found.flagged, 'pair')} flagged, {thousands(found.true)} of them of one"
        f" operator: {percent(found.precision)}. That is {percent(found.recall)} of the"
        f" {counted(found.n_same, 'pair')} of one operator."
    )


def _away(found: OpenSet | None) -> str:
    if found is None or found.nobody is None:
        return ""
    said = f"{percent(found.nobody)} of {counted(found.accounts, 'account')} flagged with nobody"
    told = f"With true partners taken away, one account at a time: {said}"
    if found.bereft_nobody is None or found.bereft is None:
        return f"{told}."
    lost = counted(found.bereft, "account")
    return f"{told}; of the {lost} that lost a partner, {percent(found.bereft_nobody)}."


def _worth(one: Precision) -> tuple[str, str, str, str]:
    true = f"{thousands(one.true)} of {thousands(one.n_true)}"
    false = f"{thousands(one.false)} of {thousands(one.n_false)}"
    worth = percent(one.precision)
    if one.with_one_more and one.precision is not None:
        worth = f"{worth}, one false pair added"
    return one.rule, true, false, worth


def prior_words(prior: PriorReading | None, terms: CaseTerms) -> tuple[Markup, str]:
    """Say what the case's prior leaves of evidence, and what follows from it."""
    if prior is None and terms.bound_high is None:
        return Markup("Without a calibration there is no LR to set beside a prior."), ""
    if prior is None:
        return Markup(
            "This case states no prior. A likelihood ratio becomes a probability only with one:"
            " give the case file <code>[prior] per_pair</code>."
        ), ""
    said = Markup(
        "The case’s prior is {} a pair. A flagged link has a log10&nbsp;LR of {} or"
        " more: that much leaves <b>{}</b>. Evidence at the bound, {}, leaves <b>{}</b>. {} would"
        " take {}."
    ).format(
        one_in(prior.per_pair),
        plain(terms.flag_log10_lr),
        percent(prior.at_flag),
        plain(prior.bound),
        percent(prior.at_bound),
        percent(SURE),
        plain(prior.needed),
    )
    if prior.carries:
        return said, ""
    return said, "The evidence alone cannot carry a finding in this case."
