"""The first notebook in a real JupyterLab, in headless Chromium: what a student sees."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.live, pytest.mark.browser, pytest.mark.slow]

RUN_ALL = """async () => {
    const panel = window.jupyterapp.shell.currentWidget;
    await panel.context.ready;
    await panel.sessionContext.ready;
    await window.jupyterapp.commands.execute('notebook:run-all-cells');
}"""

ALL_RAN = """() => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]
    .every(prompt => /\\[\\d+\\]/.test(prompt.innerText))"""


@pytest.fixture
def lab(root: Path, tmp_path: Path) -> Iterator[str]:
    """A JupyterLab over a copy of the notebooks; gives its address, with the token."""
    folder = tmp_path / "notebooks"
    shutil.copytree(root / "notebooks", folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "my-*"))
    shutil.copytree(root / "images" / "hello", tmp_path / "images" / "hello")
    # A page holds only the cells in view unless it is told to hold all.
    tracker = tmp_path / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    tracker.parent.mkdir(parents=True)
    tracker.write_text('{"windowingMode": "none"}')
    log = tmp_path / "jupyter.log"
    env = os.environ | {
        "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces"),
        "JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
    }
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", "--port=0"),
        *("--ServerApp.port_retries=0", "--expose-app-in-browser"),
        f"--ServerApp.root_dir={folder}",
        *(["--allow-root"] if os.getuid() == 0 else []),
    ]
    with log.open("wb") as out:
        server = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + 60
        while not (found := re.search(r"http://127\.0\.0\.1:\d+/lab\?token=\w+", log.read_text())):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield found[0]
    finally:
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGKILL):
            server.send_signal(number)
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                continue
            break


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 1300, "height": 9000})
    yield page
    page.close()


def test_run_all_in_jupyterlab(lab: str, page: Any, tmp_path: Path) -> None:
    address, token = lab.split("/lab?")
    page.goto(f"{address}/lab/tree/01-console.ipynb?{token}")
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=60_000)
    page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.sessionContext", timeout=60_000)
    page.evaluate(RUN_ALL)
    page.wait_for_function(ALL_RAN, timeout=120_000)
    keep = os.environ.get("LABKIT_TEST_SCREENSHOT") or str(tmp_path / "page.png")
    page.screenshot(path=keep)
    said = page.inner_text(".jp-NotebookPanel")
    assert said.count("[INFO] [application] Hello, world!") >= 4
    assert "\u2717 greeting: not yet" in said
    assert page.locator(".jp-OutputArea details summary").count() > 5, "hints to open"
    assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    assert (
        page.locator(".jp-RenderedMarkdown pre code .cm-keyword, .jp-RenderedMarkdown pre span").count() > 0
    )
    width = page.evaluate(
        "() => document.querySelector('img[src*=\"01-console\"], .jp-RenderedMarkdown img').naturalWidth"
    )
    assert width > 0, "the picture is shown"
    assert page.locator(".jp-toast-message").count() == 0, "no question about news"
