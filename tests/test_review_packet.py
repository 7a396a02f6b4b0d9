"""The packet: what is in the file, what comes back, and what is refused on the way in."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re

import pytest
from review_fixture import NOMINATED, A, B, C, evidence_table, make_dossier, tables
from review_work import answers

from sockgraph.errors import ReviewError
from sockgraph.reviews.answers import SealedAnswers, open_findings
from sockgraph.reviews.answers_file import AnswersFile, read_answers, take_answers
from sockgraph.reviews.audit import witnesses_in
from sockgraph.reviews.dossier import Dossier
from sockgraph.reviews.packet import ANSWERS_FORMAT, make_packet
from sockgraph.reviews.reversal import ask_reversal
from sockgraph.reviews.rules import changed_findings
from sockgraph.reviews.states import STEPS, histories
from sockgraph.reviews.words import history_lines


@pytest.fixture
def room(tmp_path):
    return make_dossier(tmp_path)


def issue(dossier, ledger, reviewer, **more):
    packet = make_packet(dossier, ledger.entries(), reviewer, **more)
    ledger.extend(lambda _: [packet.draft])
    return packet


def filled(
    packet, reviewer, found, *, manifest, closed=False, judgement="cannot tell", case="river"
):
    """Return what a packet saves once a reviewer is through; `found` may say what of each kind."""
    rows = []
    for number, task in enumerate(packet.tasks, 1):
        said = found if isinstance(found, str) else found[task.kind]
        sealed = answers(said, kind=task.kind, judgement=judgement)
        if task.foil:
            sealed.pop("finding")
        kept = SealedAnswers(task.pair, reviewer, sealed, (packet.id, number))
        steps = STEPS[:2] if task.foil else STEPS
        row = {
            "pair": number,
            "steps": [{"step": step, "at": "2026-01-01T10:00:00Z"} for step in steps],
            "wiki_opened": [],
            "commits": {step: kept.commit(step) for step in sealed},
        }
        if not closed:
            row["answers"] = {s: {"answer": v.answer, "salt": v.salt} for s, v in sealed.items()}
        rows.append(row)
    return {
        "format": ANSWERS_FORMAT,
        "packet": packet.id,
        "case": case,
        "reviewer": reviewer,
        "manifest": manifest,
        "head": "none:0",
        "answers": rows,
    }


def take(dossier, ledger, *given):
    taken = take_answers(ledger, dossier, [AnswersFile.model_validate(one) for one in given])
    open_findings(ledger, taken.kept)
    return taken


def without_answers(given):
    rows = [{k: v for k, v in row.items() if k != "answers"} for row in given["answers"]]
    return {**given, "answers": rows}


def test_a_packet_names_nobody_and_weighs_nothing(room):
    dossier, ledger = room
    html = make_packet(dossier, ledger.entries(), "Ann").html
    content = html.split('id="packet">')[1].split("</script>")[0]
    for name in (*NOMINATED, "Old Alder", "Real Reader", "reference-", "Marrow"):
        assert name.casefold() not in content.casefold()
    for word in ("log10", "score", "band", "flagged", "asserted", "upheld_by", "contribution"):
        assert word not in content
    assert "Returned text" not in html  # a case's title may name people


def test_a_packet_asks_no_network_and_runs_its_own_script_only(room):
    dossier, ledger = room
    html = make_packet(dossier, ledger.entries(), "Ann").html
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        inside = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        assert len(inside) == 1
        digest = base64.b64encode(hashlib.sha256(inside[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not re.findall(r'(?:src|href)="', html)
    assert "http" not in html.split("</style>")[1].split("<script")[0]


def test_hostile_text_and_reviewers_names_cannot_leave_their_element(room):
    dossier, ledger = room
    name = "</script><script>alert(1)</script>"
    html = make_packet(dossier, ledger.entries(), name).html
    assert html.count("<script") == 2
    assert html.count("</script>") == 2
    content = html.split('id="packet">')[1].split("</script>")[0]
    assert json.loads(content)["reviewer"] == name


def test_a_packet_is_a_witness_of_the_ledger(room, tmp_path):
    dossier, ledger = room
    path = tmp_path / "packet.html"
    path.write_text(make_packet(dossier, ledger.entries(), "Ann").html, encoding="utf-8")
    assert witnesses_in(path) == [ledger.head()]


def test_commitments_then_findings_of_two_reviewers_open_together(room):
    dossier, ledger = room
    ann, bea = issue(dossier, ledger, "Ann"), issue(dossier, ledger, "Bea")
    seal = dossier.seal
    given = {
        "Ann": filled(ann, "Ann", "upheld", manifest=seal),
        "Bea": filled(bea, "Bea", "upheld", manifest=seal, judgement="one operator"),
    }
    take(dossier, ledger, without_answers(given["Ann"]))
    assert histories(ledger.entries())[B, C].state == "in review"
    take(dossier, ledger, given["Ann"])
    assert "opened" not in [e.kind for e in ledger.entries()]  # Bea's are not in
    take(dossier, ledger, without_answers(given["Bea"]))
    taken = take(dossier, ledger, given["Bea"], given["Ann"])
    assert taken.drafts == ()
    known = histories(ledger.entries())
    assert known[B, C].state == known[A, C].state == "upheld"
    assert [e.kind for e in ledger.entries()].count("opened") == 2 * 5
    assert take(dossier, ledger, given["Ann"]).drafts == ()  # the same file again changes nothing


def test_a_findings_file_alone_commits_and_opens(room):
    dossier, ledger = room
    for who in ("Ann", "Bea"):
        packet = issue(dossier, ledger, who)
        taken = take(dossier, ledger, filled(packet, who, "not upheld", manifest=dossier.seal))
    assert histories(ledger.entries())[B, C].current.records["bea"].finding == "not upheld"
    assert histories(ledger.entries())[B, C].state == "in review"  # Ann's are not given again
    assert len(taken.kept) == 5


def test_an_edit_opened_on_the_wiki_before_the_judgement_is_recorded(room):
    dossier, ledger = room
    packet = issue(dossier, ledger, "Ann")
    given = filled(packet, "Ann", "upheld", manifest=dossier.seal)
    number = [t.pair for t in packet.tasks].index((B, C))
    opened = {"rev": "fernwick.example:1033", "at": "2026-01-01T10:00:00Z", "before": True}
    given["answers"][number]["wiki_opened"] = [opened]
    take(dossier, ledger, given)
    known = histories(ledger.entries())
    assert not known[B, C].current.records["ann"].blinded
    assert known[A, C].current.records["ann"].blinded


def refused(dossier, ledger, given, match):
    before = ledger.path.read_bytes()
    with pytest.raises(ReviewError, match=match):
        take(dossier, ledger, given)
    assert ledger.path.read_bytes() == before


def finding_first(given):
    given["answers"][0]["steps"].reverse()


def extra_pair(given):
    given["answers"][0]["pair"] = 99


def twice(given):
    given["answers"].append(given["answers"][0])


def changed_answer(given):
    first = given["answers"][0]["answers"]["first judgement"]["answer"]
    first["judgement"] = "different people"


def no_reason(given):
    row = given["answers"][0]
    row["answers"]["first judgement"]["answer"]["says"] = ""


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda g: g.update(packet="0" * 64, case="lake"), "of river knows no packet.*for lake"),
        (lambda g: g.update(reviewer="Bea"), "made for Ann"),
        (lambda g: g.update(manifest="0" * 64), "on other evidence"),
        (finding_first, "cannot come before"),
        (extra_pair, "pairs 1 to 5"),
        (twice, "answered twice"),
        (changed_answer, "does not match its commitment"),
        (no_reason, "does not match its commitment"),
        (lambda g: g["answers"][0]["commits"].clear(), "differ"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_whole(room, change, match):
    dossier, ledger = room
    packet = issue(dossier, ledger, "Ann")
    given = filled(packet, "Ann", "upheld", manifest=dossier.seal)
    change(given)
    refused(dossier, ledger, given, match)


def test_answers_on_what_is_shown_otherwise_now_are_left_out_and_counted(room):
    dossier, ledger = room
    packet = issue(dossier, ledger, "Ann")
    given = filled(packet, "Ann", "upheld", manifest=dossier.seal)
    files = {**dossier.manifest["files"], "evidence.parquet": "another"}
    new = Dossier(
        dossier.case,
        tables(evidence=evidence_table(pages_lr=1.1)),
        {**dossier.manifest, "files": files},
    )
    taken = take(new, ledger, given)
    assert set(taken.passed) == {(A, C), (B, C)}  # the known-different pairs are as they were
    assert {draft.body["user_a"][:9] for draft in taken.drafts} == {"reference"}


def test_a_packet_outlasts_what_changed_elsewhere(room):
    dossier, ledger = room
    packet = issue(dossier, ledger, "Ann")
    files = {**dossier.manifest["files"], "evidence.parquet": "another"}
    moved = evidence_table(pages_lr=1.4 + 9e-6)  # two edits of a third account were hidden
    new = dataclasses.replace(
        dossier,
        tables=tables(evidence=moved),
        manifest={**dossier.manifest, "files": files},
    )
    taken = take(new, ledger, filled(packet, "Ann", "upheld", manifest=dossier.seal))
    assert taken.passed == ()
    assert histories(ledger.entries())[B, C].current.records["ann"].committed


def test_a_reviewer_cannot_answer_twice_with_another_packet(room):
    dossier, ledger = room
    first, second = issue(dossier, ledger, "Ann"), issue(dossier, ledger, "Ann")
    take(dossier, ledger, filled(first, "Ann", "upheld", manifest=dossier.seal))
    given = filled(second, "Ann", "not upheld", manifest=dossier.seal)
    refused(dossier, ledger, given, "reviewed this link already")


def test_a_finding_on_a_link_with_an_alibi_answers_it(room):
    dossier, ledger = room
    links = dossier.tables["links"].assign(flagged=True)
    new = Dossier(dossier.case, {**dossier.tables, "links": links}, dossier.manifest)
    packet = issue(new, ledger, "Ann")
    refused(new, ledger, filled(packet, "Ann", "upheld", manifest=new.seal), "its alibi is left")


def test_answers_to_a_review_that_has_become_a_reversal_are_left_out_and_counted(room):
    dossier, ledger = room
    packet = issue(dossier, ledger, "Ann")
    ask_reversal(ledger, dossier, (A, C), author="Ash", reason="a letter")
    taken = take(dossier, ledger, filled(packet, "Ann", "upheld", manifest=dossier.seal))
    assert taken.passed == ((A, C),)
    known = histories(ledger.entries())
    assert known[A, C].state == "reversal in review"
    assert known[B, C].current.records["ann"].committed


def test_a_reviewer_for_whom_nothing_waits_is_told_why(room):
    dossier, ledger = room
    with pytest.raises(ReviewError, match="filed the case"):
        make_packet(dossier, ledger.entries(), "Filing Fern")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "not an answers file"),
        (b"[]", "not an answers file"),
        (b"\xff\xfe", "not an answers file"),
        (b"{}", "format: Field required"),
        (b"[" * 100_000, "not an answers file"),
    ],
)
def test_what_is_no_answers_file_is_named(tmp_path, content, match):
    path = tmp_path / "findings.json"
    path.write_bytes(content)
    with pytest.raises(ReviewError, match=match):
        read_answers(path)
    with pytest.raises(ReviewError, match="cannot be read"):
        read_answers(tmp_path / "missing.json")


def test_a_link_whose_evidence_moved_is_packed_and_reviewed_again(room):
    dossier, ledger = room
    packets = {who: issue(dossier, ledger, who) for who in ("Ann", "Bea")}
    given = [filled(p, who, "not upheld", manifest=dossier.seal) for who, p in packets.items()]
    take(dossier, ledger, *given)
    assert changed_findings(dossier, ledger.entries()) == []
    files = {**dossier.manifest["files"], "evidence.parquet": "another"}
    new = Dossier(
        dossier.case,
        tables(evidence=evidence_table(pages_lr=1.1)),
        {**dossier.manifest, "files": files},
    )
    assert changed_findings(new, ledger.entries()) == [(A, C), (B, C)]
    packets = {who: issue(new, ledger, who, foils=0) for who in ("Ann", "Bea")}
    given = [filled(p, who, "upheld", manifest=new.seal) for who, p in packets.items()]
    for one in given:
        take(new, ledger, without_answers(one))
    take(new, ledger, *given)
    assert histories(ledger.entries())[B, C].state == "upheld"
    assert changed_findings(new, ledger.entries()) == []
    assert len(histories(ledger.entries())[B, C].rounds) == 2
    lines = history_lines(histories(ledger.entries())[A, C], moved=True)
    assert lines[0] == "Asserted by Marrow Lintel the Clerk on 2025-02-10 (lock)."
    assert lines[1:3] == [
        "Review: Ann: not upheld; Bea: not upheld.",
        "Review: Ann: upheld; Bea: upheld.",
    ]
    assert "looked at again" in lines[-1]


def test_diffs_stand_in_the_packet_blinded(room):
    dossier, ledger = room
    asked = []

    def read(sheet):
        asked.append(len(sheet.cards))
        return {rev: [("del", C), ("ins", "new text")] for rev in sheet.cards}

    html = make_packet(dossier, ledger.entries(), "Ann", foils=1, read_diffs=read).html
    content = json.loads(html.split('id="packet">')[1].split("</script>")[0])
    assert content["diffs"] is True
    assert len(asked) == 3  # foils too: a pair without diffs would stand out
    for task in content["tasks"]:
        assert task["sheet"]["shared"][0]["rows"][0]["a"]["diff"][1] == ["ins", ["new text"]]
    assert C not in html


def test_a_packet_says_so_where_no_diff_could_be_read(room):
    dossier, ledger = room
    html = make_packet(dossier, ledger.entries(), "Ann", read_diffs=lambda _: {}).html
    assert '"diffs": false' in html
