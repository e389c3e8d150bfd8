"""What the lab adds to JupyterLab itself: OCaml in cells, and words for outputs whose kernel has ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.live, pytest.mark.browser, pytest.mark.slow]

# How the piece of a cell's text looks that is just this word: colour and style.
LOOK = """word => {
    const piece = [...document.querySelectorAll('.jp-CodeCell .cm-line span')].find(it => it.innerText === word);
    return piece && [getComputedStyle(piece).color, getComputedStyle(piece).fontStyle].join();
}"""

KIND = """source => {
    const {model} = window.jupyterapp.shell.currentWidget.content.activeCell;
    model.sharedModel.setSource(source);
    return model.mimeType;
}"""


def test_a_cell_is_ocaml_as_soon_as_its_first_line_says_so(notebook: Callable[..., Any]) -> None:
    book = notebook("1")
    editor = book.page.locator(".jp-CodeCell .cm-content")
    editor.click()
    book.page.keyboard.press("Control+a")
    book.page.keyboard.type("%%ocaml\nlet it's = (* 'tis *) \"x\"\nin 2")
    looks = set()
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        book.theme(theme)
        book.page.wait_for_function(f"() => ({LOOK})('let')")
        keyword, comment, text, magic = (
            book.page.evaluate(LOOK, word) for word in ("let", "(* 'tis *)", '"x"', "%%ocaml")
        )
        assert book.page.evaluate(LOOK, "in") == keyword
        assert len({keyword, comment, text, magic}) == 4
        assert "italic" in comment
        looks.add((keyword, text))
        book.picture(f"ocaml-{theme}")
    assert len(looks) == 2, "each theme has its own colours"
    book.page.keyboard.press("Control+/")
    assert "(* in 2 *)" in editor.inner_text()

    python = book.page.evaluate(KIND, "let")
    for source, kind in {
        "\n%%ocaml --restart": "text/x-ocaml-cell",
        "%%unikernel hello mine": "text/x-ocaml-cell",
        "%%unikernel hello/config.ml": "text/x-ocaml-cell",
        "%%unikernel hello/lib/dune --as it": "text/plain",
        "%%unikernel hello/page.html": "text/plain",
        "%%ocamlet": python,
        "%unikernel diff hello": python,
        "x = 1\n%%ocaml": python,
    }.items():
        assert book.page.evaluate(KIND, source) == kind, source


def test_what_went_with_its_kernel_says_so(notebook: Callable[..., Any]) -> None:
    book = notebook(
        'import labkit\nfrom labkit.ui import terminal\nguest = labkit.boot("../images/echo")\nterminal(guest)',
        "guest",
        "import time\nfrom labkit.events import step\nwith step('build', 'it'):\n    time.sleep(0.6)",
        "import ipywidgets\nipywidgets.Button()",
    )
    gone = "the notebook's kernel has ended: run this cell again"
    for end in ("session.kernel.restart()", "shutdown()"):
        book.run_all(anew=True)
        states = book.page.locator(".labkit-terminal .labkit-state, .labkit-card .labkit-state")
        states.filter(has_text="running").nth(1).wait_for()
        book.command("docmanager:save")
        book.page.evaluate(f"() => window.jupyterapp.shell.currentWidget.sessionContext.{end}")
        states.filter(has_text=gone).nth(1).wait_for()
        assert book.page.locator(".labkit-button", has_text="Stop").first.is_disabled()
        book.page.reload()
        book.ready()
        notes = book.page.locator(".jp-OutputArea-output [role=note]")
        notes.nth(2).wait_for()
        assert [text.split(" went ")[0] for text in notes.all_inner_texts()] == [
            "The terminal of echo",
            "The guest echo",
            "What was shown here",
        ]
        assert not book.page.locator(".jp-OutputArea", has_text="Error displaying").count()
        assert not book.outputs(2).filter(visible=True).count(), "progress is not missed"
