"""A JupyterLab of the tests' own, one for a whole run, and pages in headless Chromium."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

from labkit.guest import gc

PATIENCE = 60_000  # milliseconds; the machine may be busy with other tests


COUNTS = """() => window.jupyterapp.shell.currentWidget.content.widgets
    .filter(cell => cell.model.type === 'code')
    .map(({node, model}) =>
        node.querySelector('.jp-InputPrompt')?.innerText.includes('*') ? null : model.executionCount)"""

ERROR = '.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.error"]'


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its address, its token, and the folder it serves."""

    address: str
    token: str
    folder: Path

    def notebook(self, name: str, *cells: str) -> str:
        """Write a notebook; returns the address that opens it."""
        book = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={
                "kernelspec": {
                    "name": "python3",
                    "display_name": "Python 3 (ipykernel)",
                    "language": "python",
                }
            },
        )
        nbformat.write(book, self.folder / f"{name}.ipynb")
        return self.at(f"{name}.ipynb")

    def end_kernels(self) -> None:
        """End all of its kernels, and their guests with them, however the pages are."""
        found = json.loads(self._ask("GET", "kernels"))
        for kernel in found:
            self._ask("DELETE", f"kernels/{kernel['id']}")

    def _ask(self, method: str, what: str) -> bytes:
        request = urllib.request.Request(  # noqa: S310  our own server
            f"{self.address}/api/{what}", method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE / 1000) as answer:  # noqa: S310
            said: bytes = answer.read()
        return said

    def at(self, file: str) -> str:
        """The address that opens a notebook of the folder."""
        # a workspace of its own: JupyterLab would open the last test's notebook too
        workspace = file.replace("/", "-").removesuffix(".ipynb")
        return f"{self.address}/lab/workspaces/{workspace}/tree/{file}?token={self.token}"


@pytest.fixture(scope="session")
def lab(root: Path, run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab over an empty folder, beside copies of the images that notebooks here boot."""
    base = tmp_path_factory.mktemp("lab")
    folder = base / "notebooks"
    folder.mkdir()
    for image in (
        "images/hello",
        "images/web",
        "tests/images/echo",
        "tests/images/flood",
        "tests/images/ending",
        "tests/images/trip",
    ):
        shutil.copytree(root / image, base / "images" / Path(image).name)
    log = base / "jupyter.log"
    env = os.environ | {
        "JUPYTERLAB_WORKSPACES_DIR": str(base / "workspaces"),
        "JUPYTERLAB_SETTINGS_DIR": str(base / "settings"),
        "JUPYTER_RUNTIME_DIR": str(base / "runtime"),
        "JUPYTER_CONFIG_DIR": str(base / "config"),
        "JUPYTER_DATA_DIR": str(base / "data"),
        "LABKIT_RUN": str(run_folder),
        "LABKIT_LAB": str(base / "my-lab"),
    }
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", "--port=0"),
        *("--ServerApp.port_retries=0", "--expose-app-in-browser", f"--ServerApp.root_dir={folder}"),
        *(["--allow-root"] if os.getuid() == 0 else []),
    ]
    with log.open("wb") as out:
        server = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + 60
        while not (found := re.search(r"(http://127\.0\.0\.1:\d+)/lab\?token=(\w+)", log.read_text())):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield Lab(found[1], found[2], folder)
    finally:
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGKILL):
            server.send_signal(number)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                continue
            break
        gc()  # the run folders of guests that went with their kernels


@dataclass
class Notebook:
    """A notebook that is open in a page."""

    page: Any

    def open(self, address: str) -> None:
        self.page.goto(address)
        self.ready()

    def ready(self) -> None:
        self.page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=PATIENCE)
        self.page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.sessionContext", timeout=PATIENCE
        )
        self.page.evaluate(
            """async () => {
                const panel = window.jupyterapp.shell.currentWidget;
                await panel.context.ready;
                await panel.sessionContext.ready;
            }"""
        )

    def command(self, name: str, **arguments: Any) -> None:
        self.page.evaluate(
            "([name, args]) => window.jupyterapp.commands.execute(name, args)", [name, arguments]
        )

    def begin(self, name: str) -> None:
        """Give a command and do not wait for it: those that run cells wait for their ends."""
        self.page.evaluate("name => { void window.jupyterapp.commands.execute(name); }", name)

    def run_all(self, *, anew: bool = False) -> None:
        """Run all cells; returns when the last one has run.

        Args:
            anew: the kernel is another one than the numbers are from that the cells show: forget these.
        """
        if anew:
            self.command("notebook:clear-all-cell-outputs")
        (before,) = self.counts()[-1:]
        self.begin("notebook:run-all-cells")
        self.all_ran(beyond=before or 0)

    def all_ran(self, beyond: int = 0) -> None:
        """Wait until every cell has run, with higher numbers than ``beyond``."""
        self.page.wait_for_function(
            f"beyond => ({COUNTS})().every(count => count > beyond) || document.querySelector('{ERROR}')",
            arg=beyond,
            timeout=5 * PATIENCE,  # a lesson may boot some twenty guests
        )
        assert self.page.locator(ERROR).all_inner_texts() == [], "after an error no other cell runs"

    def counts(self) -> list[int | None]:
        """The numbers of the cells that have run, in the order of the cells; None where one has not, or runs."""
        counts: list[int | None] = self.page.evaluate(COUNTS)
        return counts

    def outputs(self, cell: int) -> Any:
        return self.page.locator(".jp-CodeCell").nth(cell).locator(".jp-OutputArea-output")

    def theme(self, name: str) -> None:
        self.command("apputils:change-theme", theme=name)
        light = "false" if "Dark" in name else "true"
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")
        self.page.wait_for_selector(f'body[data-jp-theme-light="{light}"]', state="attached")

    def picture(self, name: str) -> None:
        """A screenshot, where LABKIT_TEST_SCREENSHOTS names a folder to keep it in."""
        if folder := os.environ.get("LABKIT_TEST_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{folder}/{name}.png")


@pytest.fixture
def notebook(browser: Any, lab: Lab, request: pytest.FixtureRequest) -> Iterator[Callable[..., Notebook]]:
    """Opens a notebook of the given cells, or of the lab's folder, in a page of the given size."""
    contexts = []
    numbers = iter(range(100))

    def open_it(*cells: str, file: str = "", width: int = 1280, height: int = 900) -> Notebook:
        context = browser.new_context(viewport={"width": width, "height": height})
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        contexts.append(context)
        opened = Notebook(context.new_page())
        opened.open(
            lab.at(file) if file else lab.notebook(f"test-{next(numbers)}-{time.monotonic_ns()}", *cells)
        )
        return opened

    yield open_it
    for context in contexts:
        for number, page in enumerate(context.pages):
            Notebook(page).picture(f"{request.node.name}-end-{number}")
        context.close()
    lab.end_kernels()
