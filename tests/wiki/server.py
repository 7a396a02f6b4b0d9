"""Bring up one of Debian's MediaWikis on loopback, fill it, and end it with all its processes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import mwclient
import requests
from filelock import FileLock
from wiki import history

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
CACHE = HERE / ".wiki_cache"
ROOTS = {  # install.sh puts them there
    "1.39": Path(os.environ.get("MEDIAWIKI_ROOT", "/usr/share/mediawiki")),
    "1.43": HERE / ".mediawiki_cache/1.43/usr/share/mediawiki",
}
PASSWORD = "sockgraph-admin-1"  # noqa: S105 - of a wiki that lives for minutes
SETTINGS = """
# --- test wiki ---
$wgServer = 'http://' . file_get_contents( __DIR__ . '/host' );
$wgMainCacheType = CACHE_DB;  # shared by every worker of PHP's own web server
$wgJobRunRate = 0;  # no jobs inside requests: they would lock the database
$wgEnableEmail = false;
$wgPasswordAttemptThrottle = [];
$wgGroupPermissions['sysop']['deleterevision'] = true;  # core gives it to nobody
$wgGroupPermissions['sysop']['noratelimit'] = true;
if ( version_compare( MW_VERSION, '1.40', '<' ) ) {
	wfLoadExtension( 'Renameuser' );  # part of core since
} else {
	$wgEnableMultiBlocks = true;
	$wgAutoCreateTempUser = [ 'enabled' => true ] + $wgAutoCreateTempUser;
	$wgTempAccountCreationThrottle = $wgTempAccountNameAcquisitionThrottle = [];
	$wgRateLimits = [];
}
if ( file_exists( __DIR__ . '/extra.php' ) ) { require __DIR__ . '/extra.php'; }
"""


class WikiMissingError(Exception):
    """MediaWiki or PHP is not installed and cannot be."""


@dataclass(frozen=True)
class TestWiki:
    """A running wiki.

    Attributes
    ----------
    host
        Address and port, as a case file names a wiki.
    folder
        Its files; what `extra.php` there says is added to its settings at once.
    version
        MediaWiki's, a key of `ROOTS`.
    """

    __test__ = False

    host: str
    folder: Path
    version: str

    @property
    def root(self) -> Path:
        return ROOTS[self.version]

    @property
    def api(self) -> str:
        return f"http://{self.host}/api.php"

    def admin(self) -> mwclient.Site:
        """Return a client logged in as the wiki's administrator, for changes during a test."""
        site = mwclient.Site(self.host, path="/", scheme="http", clients_useragent="test wiki")
        site.login("Admin", PASSWORD)
        return site

    def php(self, script: str | Path, *arguments: object, settings: bool = True) -> None:
        """Run a maintenance script; its output is shown only if it fails."""
        environment = {k: v for k, v in os.environ.items() if k != "MW_CONFIG_FILE"}
        if settings:
            environment["MW_CONFIG_FILE"] = str(self.folder / "LocalSettings.php")
        path = self.root / "maintenance" / script
        done = subprocess.run(
            ["php", path, *map(str, arguments)],
            env=environment | {"MEDIAWIKI_ROOT": str(self.root)},
            check=False, capture_output=True, text=True, timeout=600,
        )  # fmt: skip
        if done.returncode or "Error:" in done.stderr:
            message = f"{path.name} failed: {done.stdout[-1000:]} {done.stderr[-1000:]}"
            raise RuntimeError(message)

    def case_text(self, *nominated: str, **more: str) -> str:
        """Return a case file for this wiki; `more` are further sections, verbatim."""
        names = ", ".join(f'"{name}"' for name in nominated or default_nominated())
        return (
            'title = "A case on the test wiki"\n'
            'reason = "To try every step on a real MediaWiki"\n'
            f'wikis = ["{self.host}"]\n\n'
            '[source]\nkind = "mediawiki"\nscheme = "http"\napi_path = "/"\n'
            'contact = "tests@example.org"\n\n'
            f"[accounts]\nnominated = [{names}]\n{more.get('accounts', '')}\n"
            + "\n".join(text for name, text in more.items() if name != "accounts")
        )


def default_nominated() -> tuple[str, ...]:
    """The accounts of the sample case: one operator's three, and others of several communities."""
    return (*history.OPERATED, *history.NON_ASCII, "Amber Wren", "Dune Wren", history.SOCK_BLOCKED)


def make_ready(version: str) -> None:
    """See that this MediaWiki, and PHP, are there.

    Raises
    ------
    WikiMissingError
        If they are not; it names the packages and the command.
    """
    done = subprocess.run(
        ["sh", HERE / "install.sh", "--check", version],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if done.returncode:
        raise WikiMissingError(done.stderr.strip())


@contextlib.contextmanager
def running(
    version: str = "1.39", *, port: int | None = None, workers: int = 2
) -> Iterator[TestWiki]:
    """Yield a filled wiki; when the block ends, its processes end and its files are removed.

    The first time takes some ten seconds; what was filled then is kept, and copied from then on.
    """
    make_ready(version)
    memory = Path("/dev/shm")  # noqa: S108 - tmpfs: six times faster than a disk
    place = memory if os.access(memory, os.W_OK) else None
    kept = _kept_at(version)
    with tempfile.TemporaryDirectory(prefix="sockgraph-wiki-", dir=place) as name:
        CACHE.mkdir(exist_ok=True)
        with FileLock(CACHE / f"{version}.lock"):  # whoever comes second waits for the first's
            if not kept.is_dir():
                _fill(TestWiki(f"127.0.0.1:{free_port()}", Path(name) / "filled", version), kept)
        wiki = TestWiki(f"127.0.0.1:{port or free_port()}", Path(name) / "wiki", version)
        shutil.copytree(kept, wiki.folder)
        (wiki.folder / "host").write_text(wiki.host)
        with _served(wiki, workers):
            yield wiki


def _fill(wiki: TestWiki, kept: Path) -> None:
    """Fill a wiki and keep it, whole or not at all; older ones go.

    It is copied once its processes have ended: a database in use is more than its file.
    """
    wiki.folder.mkdir()
    _install(wiki)
    _bring_in(wiki)
    with _served(wiki, 2):
        _hide_and_delete(wiki)
    for older in CACHE.glob(f"{wiki.version}-*"):
        shutil.rmtree(older, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        shutil.copytree(wiki.folder, Path(name) / "wiki").rename(kept)


def _kept_at(version: str) -> Path:
    """Where this very wiki is kept: other scripts, content or software make another one."""
    parts = [HERE / name for name in ("history.py", "seed.php", "server.py")]
    software = (ROOTS[version] / "includes/Defines.php").stat().st_mtime_ns
    text = b"".join(part.read_bytes() for part in parts) + str(software).encode()
    return CACHE / f"{version}-{hashlib.sha256(text).hexdigest()[:16]}"


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _install(wiki: TestWiki) -> None:
    wiki.php(
        "install.php", "--dbtype", "sqlite", "--dbname", "wiki", "--dbpath", wiki.folder / "db",
        "--server", f"http://{wiki.host}", "--scriptpath", "", "--confpath", wiki.folder,
        "--lang", "en", "--pass", PASSWORD, "Test wiki", "Admin", settings=False,
    )  # fmt: skip
    (wiki.folder / "host").write_text(wiki.host)
    settings = wiki.folder / "LocalSettings.php"
    text = settings.read_text().replace(f'"{wiki.folder}/db"', "__DIR__ . '/db'")  # may be copied
    settings.write_text(text + SETTINGS)


def _bring_in(wiki: TestWiki) -> None:
    past = history.build()
    events, pages = wiki.folder / "history.json", wiki.folder / "history.xml"
    events.write_text(past.as_json())
    pages.write_text(past.as_xml())
    wiki.php(HERE / "seed.php", "accounts", events)
    wiki.php("importDump.php", "--no-updates", pages)
    wiki.php(HERE / "seed.php", "after", events)
    wiki.php("initEditCount.php", "--quick")


@contextlib.contextmanager
def _served(wiki: TestWiki, workers: int) -> Iterator[None]:
    environment = os.environ | {
        "MW_CONFIG_FILE": str(wiki.folder / "LocalSettings.php"),
        "PHP_CLI_SERVER_WORKERS": str(workers),
    }
    options = ["-d", "opcache.enable_cli=1", "-d", "opcache.revalidate_freq=0"]
    with (wiki.folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            ["php", *options, "-S", wiki.host, "-t", wiki.root],
            env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        _await(wiki, process)
        yield
    finally:
        _end_group(process)


def _await(wiki: TestWiki, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        with contextlib.suppress(requests.ConnectionError, requests.Timeout):  # a busy machine
            if requests.get(wiki.api, timeout=30).ok:
                return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    message = f"the wiki did not start: {(wiki.folder / 'server.log').read_text()[-1000:]}"
    raise RuntimeError(message)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End the server and its workers: the parent alone would leave them behind."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _hide_and_delete(wiki: TestWiki) -> None:
    """Hide comments, texts and a user name, and delete a page, through the wiki's own API."""
    site = wiki.admin()
    hidden = _rev_ids(site, history.HIDES)
    _hide(site, hidden[:5], "comment")
    _hide(site, hidden[5:7], "content")
    _hide(site, _rev_ids(site, history.HIDDEN_FROM)[:3], "user")
    site.api(
        "delete", title=history.DELETED_PAGE, reason="not needed", token=site.get_token("delete")
    )


def _rev_ids(site: mwclient.Site, user: str) -> list[int]:
    rows = site.api("query", "GET", list="usercontribs", ucuser=user, uclimit=20, ucdir="newer")
    return [row["revid"] for row in rows["query"]["usercontribs"] if not _is_newest(row)]


def _is_newest(row: dict[str, object]) -> bool:
    return "top" in row  # a page's newest revision cannot be hidden


def _hide(site: mwclient.Site, rev_ids: list[int], what: str) -> None:
    for rev_id in rev_ids:  # one call hides revisions of one page only
        site.api(
            "revisiondelete", type="revision", ids=rev_id, hide=what, reason="privacy",
            token=site.get_token("csrf"),
        )  # fmt: skip
