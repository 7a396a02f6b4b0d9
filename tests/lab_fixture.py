"""A JupyterLab on loopback, with settings of its own, and a page on one of its notebooks."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

TOKEN = secrets.token_hex(8)
NEWS = "@jupyterlab/apputils-extension/notification.jupyterlab-settings"
WIDGETS = "@jupyter-widgets/jupyterlab-manager/plugin.jupyterlab-settings"


class Lab:
    """A running server.

    Attributes
    ----------
    url
        Its address, with the port.
    root
        The folder whose notebooks it serves.
    """

    def __init__(self, root, home, data):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.root, self.url = root, f"http://127.0.0.1:{port}"
        settings = home / "settings"
        (settings / NEWS).parent.mkdir(parents=True)
        (settings / NEWS).write_text('{"fetchNews": "false"}')
        (settings / WIDGETS).parent.mkdir(parents=True)
        (settings / WIDGETS).write_text('{"saveState": true}')
        own = {f"JUPYTER_{n}_DIR": str(home / n.lower()) for n in ("CONFIG", "DATA", "RUNTIME")}
        lab = {"JUPYTERLAB_SETTINGS_DIR": settings, "JUPYTERLAB_WORKSPACES_DIR": home / "spaces"}
        own |= {k: str(v) for k, v in lab.items()} | {"IPYTHONDIR": str(home / "ipython")}
        self.log = (home / "log").open("w")
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
                *(f"--port={port}", "--ip=127.0.0.1", f"--IdentityProvider.token={TOKEN}"),
                f"--ServerApp.root_dir={root}",
            ],
            env=os.environ | own | {"SOCKGRAPH_DATA_DIR": str(data), "OMP_NUM_THREADS": "1"},
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        self._wait()

    def _wait(self):
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{self.url}/api?token={TOKEN}", timeout=5):  # noqa: S310
                    return
            except OSError:
                time.sleep(0.1)
        pytest.fail("JupyterLab did not start")

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.log.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory, demo_ran):
    pytest.importorskip("jupyterlab")
    root, home = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("jupyter")
    data = shutil.copytree(
        demo_ran, tmp_path_factory.mktemp("lab-data") / "data"
    )  # it is written to
    running = Lab(root, home, data)
    yield running
    running.close()


def open_notebook(browser, lab, name, *, scheme="light", size=(1440, 1000)):
    """Open a notebook; return the page, and everything that went wrong or left the machine."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, device_scale_factor=2
    )
    page, heard = context.new_page(), []
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("console", lambda said: said.type == "error" and heard.append(said.text))
    page.on("request", lambda asked: leaves(asked.url, lab) and heard.append(asked.url))
    page.goto(f"{lab.url}/lab/tree/{name}?token={TOKEN}&reset", timeout=90_000)
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
    wait_idle(page)
    return page, heard


def wait_idle(page):
    """Wait until the kernel has nothing left to run."""
    page.get_by_text(re.compile(r"Python 3.*\| Idle")).wait_for(timeout=180_000)


def leaves(url, lab):
    """Tell whether a request goes anywhere but to the server."""
    return not url.startswith((lab.url, lab.url.replace("http", "ws"), "data:", "blob:"))


def run_all(page):
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator('[data-command="runmenu:run-all"]').click()
