"""The course's notebooks in a real JupyterLab: what a student sees."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.live, pytest.mark.browser, pytest.mark.slow]

NOTEBOOKS = sorted(path.name for path in (Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))

# A page holds only the cells in view unless it is told to hold all.
HOLD_ALL = """() => {
    const {content} = window.jupyterapp.shell.currentWidget;
    content.notebookConfig = {...content.notebookConfig, windowingMode: 'none'};
}"""

RUN_CELL = """async id => {
    const {content} = window.jupyterapp.shell.currentWidget;
    content.activeCellIndex = content.widgets.findIndex(cell => cell.model.id === id);
    await window.jupyterapp.commands.execute('notebook:run-cell');
}"""

TOO_WIDE = """() => [...document.querySelectorAll('.jp-OutputArea-output, .jp-RenderedMarkdown')]
    .filter(it => it.scrollWidth > it.clientWidth + 2).map(it => it.innerText)"""

NOT_SHOWN = """() => [...document.querySelectorAll('.jp-RenderedMarkdown img, .labkit-picture img')]
    .filter(it => !it.naturalWidth).map(it => it.outerHTML)"""


@pytest.fixture
def course(lab: Any, root: Path) -> Iterator[Path]:
    """A copy of the notebooks where JupyterLab finds them."""
    folder = lab.folder / "course"
    shutil.copytree(root / "notebooks", folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_twice_and_is_looked_at_and_reloaded(
    notebook: Callable[..., Any], course: Path, name: str
) -> None:
    book = notebook(file=f"course/{name}")
    page = book.page
    page.evaluate(HOLD_ALL)
    book.command("notebook:clear-all-cell-outputs")  # with the numbers that were saved
    # JupyterLab loses the first cell where a kernel is restarted that has only begun to start
    kernel = "window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel"
    page.wait_for_function(f"() => {kernel}?.status === 'idle'")
    page.evaluate(f"async () => {{ await {kernel}.info; await {kernel}.requestKernelInfo(); }}")
    book.begin("notebook:restart-run-all")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    page.wait_for_selector(".jp-Dialog", state="detached")
    book.all_ran()
    first = list(range(1, len(book.counts()) + 1))
    assert book.counts() == first, "in a new kernel"
    book.run_all()
    assert book.counts() == [count + len(first) for count in first], "once more, in the same kernel"

    said = page.inner_text(".jp-NotebookPanel")
    assert f"{Path(name).stem}: 0 of " in said
    verdicts = page.locator(".jp-OutputArea-output [role=status]", has_text=": not yet")
    judged = verdicts.count()
    assert judged
    assert page.locator(".jp-OutputArea details summary").count() >= judged, "each has hints to open"
    assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    assert page.locator(".jp-toast-message").count() == 0, "no question about news"
    book.command("application:toggle-left-area")  # a third of a narrow page
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        book.theme(theme)
        for width in (1280, 800):
            page.set_viewport_size({"width": width, "height": 1000})
            book.picture(f"{Path(name).stem}-{width}-{theme}")
            assert page.evaluate(TOO_WIDE) == []
            assert page.evaluate(NOT_SHOWN) == []

    book.command("docmanager:save")
    assert "widgets" not in json.loads((course / name).read_text())["metadata"]
    page.set_viewport_size({"width": 1280, "height": 16_000})  # all in view, and so all shown
    page.reload()
    book.ready()
    verdicts.nth(judged - 1).wait_for()
    assert "Error displaying widget" not in page.inner_text(".jp-NotebookPanel")


def test_the_guest_of_a_lesson_is_typed_to(notebook: Callable[..., Any], course: Path) -> None:
    book = notebook(file="course/01-console.ipynb")
    for cell in ("load", "dialogue", "terminal"):
        book.page.evaluate(RUN_CELL, cell)
    terminal = book.page.locator(".labkit-terminal")
    terminal.locator(".labkit-state", has_text="running").wait_for()
    terminal.locator(".labkit-screen").click()
    book.page.keyboard.type("Ada\n")
    terminal.locator(".xterm-rows", has_text="Hello, Ada!").wait_for()
    terminal.locator(".labkit-state", has_text="exited 0").wait_for()
