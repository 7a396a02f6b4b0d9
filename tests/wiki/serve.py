"""Bring the test wiki up by hand: `PYTHONPATH=tests python -m wiki.serve [PORT [VERSION]]`."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path

from wiki.server import WikiMissingError, running


def main() -> int:
    """Serve until interrupted; print where the wiki is and a case file to run on it."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else None
    version = sys.argv[2] if len(sys.argv) > 2 else "1.39"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    _say("bringing up MediaWiki, about ten seconds …")
    try:
        with running(version, port=port) as wiki, tempfile.TemporaryDirectory() as folder:
            case = Path(folder) / "test-wiki.toml"
            case.write_text(wiki.case_text(), encoding="utf-8")
            _say(f"wiki:  http://{wiki.host}/index.php?title=Special:ListUsers")
            _say(f"case:  {case}\ntry:   sockgraph run {case}\nend:   Ctrl-C")
            signal.pause()
    except WikiMissingError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        _say("\nended, nothing left behind")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
