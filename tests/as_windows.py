"""Run and review a case in a process that finds no more of the system than Windows has.

    python as_windows.py CASE DATA

Modules and functions that Windows lacks are missing, `os.name` is "nt" to sockgraph, a text opened
without its encoding is an error, and a name is not given to a file while another has it.
"""

from __future__ import annotations

import builtins
import os
import sys
import types
import warnings
from pathlib import Path

MISSING = {"fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"}
LACKS = {
    *("chown", "fchdir", "fchmod", "fchown", "fork", "getegid", "geteuid", "getgid"),
    *("getgroups", "getloadavg", "getpgid", "getuid", "killpg", "lchown", "lockf", "mkfifo"),
    *("nice", "pipe2", "posix_fadvise", "pread", "pwrite", "sched_getaffinity", "sendfile"),
    *("setgid", "setpgid", "setsid", "setuid", "statvfs", "sync", "sysconf", "uname", "wait"),
    *("O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_SYNC", "WIFEXITED"),
    "WIFSIGNALED",
}
FORBIDDEN = '<>:"|?*\\'


def be_windows() -> None:
    """Take from every import of sockgraph what Windows does not have."""
    windows = types.ModuleType("os")
    windows.__dict__.update({k: v for k, v in vars(os).items() if k not in LACKS}, name="nt")
    windows.kill = _refuse  # type: ignore[attr-defined] - there, number 0 ends a process
    before = builtins.__import__

    def imported(name, globals=None, *rest, **more):  # noqa: A002 - as Python calls it
        ours = (globals or {}).get("__name__", "").startswith("sockgraph")
        return windows if ours and name == "os" else before(name, globals, *rest, **more)

    for name in MISSING:
        sys.modules[name] = None  # type: ignore[assignment]
    builtins.__import__ = imported
    warnings.filterwarnings("error", category=EncodingWarning, module="sockgraph")
    Path.rename = _renamed  # type: ignore[method-assign]


def _refuse(*_):
    raise AssertionError("os.kill was called")


def _renamed(path, target):
    if Path(target).exists():
        raise FileExistsError(target)
    os.rename(path, target)  # noqa: PTH104 - the method itself is replaced
    return Path(target)


def main(case: Path, data: Path) -> None:
    """Run the case, review its first flagged link to the end, and print what was found."""
    from review_work import review
    from terminal import sockgraph

    from sockgraph.pipeline.review_session import ReviewSession

    code, _, said = sockgraph("run", case, "--data", data)
    assert code == 0, said
    session = ReviewSession.of(case, data)
    links = session.dossier.tables["links"].sort_values("flagged", ascending=False)
    pair = tuple(links[["user_a", "user_b"]].iloc[0])
    print(review(session.dossier, session.ledger, pair, Ann="not upheld", Bea="not upheld"))
    session.settle()
    names = [path.relative_to(data).as_posix() for path in data.rglob("*")]
    bad = [name for name in names if set(name) & set(FORBIDDEN) or name.endswith((".", " "))]
    assert not bad, bad
    assert len({name.casefold() for name in names}) == len(names)
    assert any(name.endswith("manifest.json") for name in names), names


if __name__ == "__main__":
    be_windows()
    main(*map(Path, sys.argv[1:]))
