"""What must stay where it is: credentials, contacts, documents; and nobody else is talked to."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tiny
from faulty import error, faulty_wiki, say, status
from kills import command, started
from terminal import sockgraph

from sockgraph.sources.mediawiki.client import Connection

CANARY = "canary7f3a"
SECRETS = (
    {"SOCKGRAPH_OAUTH_TOKEN": f"{CANARY}t"},
    {"SOCKGRAPH_BOT_USER": f"Operator {CANARY}u@tool", "SOCKGRAPH_BOT_PASSWORD": f"{CANARY}p"},
)


@pytest.fixture(scope="module")
def start(tiny_ran, tmp_path_factory):
    return shutil.copytree(tiny_ran, tmp_path_factory.mktemp("private") / "made")


def _watched(home, words, allowed):
    """Be a command that notes every address it looks up or calls, and is kept from all but some."""
    os.chdir(home)
    said = os.open("said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for number in (1, 2):
        os.dup2(said, number)

    def hook(event, given):
        if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname"}:
            where = given[1] if event == "socket.connect" else given[:2]
            with Path("called").open("a", encoding="utf-8") as file:
                file.write(f"{where}\n")
            host = ":".join(map(str, where)) if isinstance(where, tuple) else str(where)
            if host not in allowed:
                message = f"blocked: {host}"
                raise ConnectionError(message)

    sys.addaudithook(hook)
    command(words)


def watched(home, *words, allowed=()):
    """Run a command; return its exit code, and every address that it tried to reach."""
    (home / "called").write_text("", encoding="utf-8")
    process = started(_watched, home, words, allowed)
    process.join(120)
    return process.exitcode, set((home / "called").read_text(encoding="utf-8").split("\n")) - {""}


@pytest.mark.parametrize(
    "words",
    [
        ("run", "tiny.toml"),
        ("fetch", "dumped.toml"),
        ("screen", "tiny.toml"),
        ("review-packet", "tiny.toml", "--reviewer", "Ann", "--out", "p.html"),
        ("report", "tiny.toml", "--format", "json"),
        ("audit", "tiny.toml"),
    ],
)
def test_a_case_of_files_talks_to_nobody(start, words):
    code, called = watched(start, *words)
    assert code == 0, (start / "said").read_text(encoding="utf-8")
    assert called == set()


@pytest.mark.wiki
def test_a_case_of_a_wiki_talks_to_that_wiki_alone(wiki, tmp_path):
    (tmp_path / "wiki.toml").write_text(
        wiki.case_text("Amber Wren", "Dune Wren", reference="[reference]\naccounts = 2\n"),
        encoding="utf-8",
    )
    code, called = watched(tmp_path, "run", "wiki.toml", allowed=(wiki.host,))
    assert code == 0, (tmp_path / "said").read_text(encoding="utf-8")
    name, port = wiki.host.split(":")
    assert called == {str((name, int(port)))} | {str((name, port))} & called


def found(folder, canary=CANARY):
    """Return the files under a folder that hold the canary, names and packed content included."""
    import gzip

    holding = []
    for path in folder.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        with contextlib.suppress(OSError, EOFError):
            content += gzip.decompress(content) if content[:2] == b"\x1f\x8b" else b""
        if canary.encode() in content or canary in path.name:
            holding.append(path.relative_to(folder).as_posix())
    return holding


ANSWERS = [
    status(503),
    status(403),
    status(200),
    error("mwoauth-invalid-authorization"),
    say({"login": {"result": "Failed", "reason": "Incorrect password"}}),
]


@pytest.mark.parametrize("secrets", SECRETS)
@pytest.mark.parametrize("answer", ANSWERS)
def test_no_secret_is_in_errors_or_files(tmp_path, monkeypatch, answer, secrets):
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(Connection.__init__.__kwdefaults__, "sleep", lambda _: None)
    with faulty_wiki() as wiki:
        wiki.otherwise = lambda _: answer
        (tmp_path / "c.toml").write_text(
            f'title = "t"\nreason = "r"\nwikis = ["{wiki.host}"]\n[source]\nkind = "mediawiki"\n'
            f'scheme = "http"\napi_path = "/"\ncontact = "{CANARY}@example.org"\n'
            '[accounts]\nnominated = ["Heron", "Moth"]\n',
            encoding="utf-8",
        )
        code, out, err = sockgraph("run", "c.toml", cwd=tmp_path)
    assert code == 2
    assert wiki.asked
    assert any(f"{CANARY}@example.org" in str(h.get("User-Agent")) for h in wiki.headers)
    assert CANARY not in out + err
    assert found(tmp_path) == ["c.toml"]  # the operator's own file


@pytest.mark.wiki
def test_the_contact_is_in_no_file_of_a_case(wiki, tmp_path):
    text = wiki.case_text("Amber Wren", "Dune Wren", reference="[reference]\naccounts = 2\n")
    text = text.replace("tests@example.org", f"{CANARY}@example.org")
    (tmp_path / "wiki.toml").write_text(text, encoding="utf-8")
    code, out, err = sockgraph("run", "wiki.toml", cwd=tmp_path)
    assert code == 0, err
    assert CANARY not in out + err
    assert found(tmp_path) == ["wiki.toml"]


def test_a_document_received_is_hashed_and_never_kept(start, tmp_path):
    letter = tmp_path / f"{CANARY}.txt"
    letter.write_text(f"{CANARY}: in confidence", encoding="utf-8")
    words = ("--speaks", "against", "--authenticated-by", "Cass", "--summary", "a letter")
    pair = ("--link", tiny.NAMES[0], tiny.NAMES[2])
    code, out, err = sockgraph(
        "evidence",
        "add",
        "tiny.toml",
        *pair,
        *words,
        "--document",
        letter,
        "--by",
        "Ash",
        cwd=start,
    )
    assert code == 0, err
    assert found(start) == []
    assert "in confidence" not in out + err


def test_everything_is_its_owner_s_only(start):
    for path in (start / "data").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_network_is_not_even_needed(start):
    """In a network namespace of its own there is nobody to talk to, for native code neither."""
    root = Path(__file__).parent.parent
    given = ["unshare", "-n", sys.executable, "-m", "sockgraph", "run", "tiny.toml"]
    run = subprocess.run(
        given, cwd=start, env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "unshare" in run.stderr:
        pytest.skip(f"no network namespaces here: {run.stderr.strip()}")
    assert run.returncode == 0, run.stderr
