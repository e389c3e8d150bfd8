"""The terminal in a cell: a real guest, typed to in a real JupyterLab."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.live, pytest.mark.browser, pytest.mark.slow]

ECHO = """import labkit
from labkit.ui import terminal
guest = labkit.boot("../images/echo")
terminal(guest)"""

# Milliseconds from a key's way into the page to the answer's letters in it, seen before they are painted.
ANSWER_MS = """async (answer) => {
    const rows = document.querySelector('.labkit-terminal .xterm-rows');
    const input = document.querySelector('.labkit-terminal textarea');
    const before = performance.now();
    input.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', keyCode: 13, bubbles: true}));
    while (!rows.innerText.replaceAll('\\u00a0', ' ').includes(answer)) {
        if (performance.now() - before > 10000) return -1;
        await new Promise(requestAnimationFrame);
    }
    return performance.now() - before;
}"""


def screen(book: Any) -> str:
    return str(book.page.locator(".labkit-terminal .xterm-rows").inner_text()).replace("\u00a0", " ")


def wait_for(book: Any, text: str) -> None:
    book.page.wait_for_function(
        """text => document.querySelector('.labkit-terminal .xterm-rows')?.innerText
            .replaceAll('\\u00a0', ' ').includes(text)""",
        arg=text,
        timeout=30_000,
    )


def wait_for_state(book: Any, words: str) -> None:
    book.page.locator(".labkit-terminal .labkit-state", has_text=re.compile(words)).wait_for(timeout=30_000)


def type_line(book: Any, text: str) -> None:
    book.page.locator(".labkit-terminal textarea").focus()
    book.page.keyboard.type(text + "\n")


def test_what_is_typed_is_answered_before_and_after_a_reload(notebook: Callable[..., Any], lab: Any) -> None:
    book = notebook(ECHO)
    book.run_all()
    wait_for(book, "ready")
    wait_for_state(book, "running")
    type_line(book, "good day")
    wait_for(book, "you said: good day")
    book.command("docmanager:save")
    book.page.reload()
    book.ready()
    wait_for(book, "you said: good day")
    wait_for_state(book, "running")
    assert re.search(r"ready\s+good day\s+you said: good day", screen(book)), "what was typed comes back too"
    type_line(book, "still there")
    wait_for(book, "you said: still there")
    type_line(book, "bye")
    wait_for_state(book, r"exited 0 after \d+\.\d s")
    book.page.wait_for_selector(".labkit-terminal .labkit-button:text('Stop'):disabled")
    book.command("docmanager:save")
    saved = max(Path(lab.folder).glob("*.ipynb"), key=lambda path: path.stat().st_mtime).read_text()
    assert "you said" not in saved
    assert "widgets" not in json.loads(saved)["metadata"]


def test_answers_are_quick(notebook: Callable[..., Any]) -> None:
    book = notebook(ECHO)
    book.run_all()
    wait_for(book, "ready")
    taken = []
    for number in range(9):
        book.page.locator(".labkit-terminal textarea").focus()
        book.page.keyboard.type(f"line {number}")
        taken.append(book.page.evaluate(ANSWER_MS, f"you said: line {number}"))
    print("ms from Enter to the answer:", [round(ms) for ms in taken])
    assert min(taken) > 0
    assert sorted(taken)[len(taken) // 2] <= 100, taken


def test_a_line_can_be_mended_and_called_back_and_output_goes_before_it(notebook: Callable[..., Any]) -> None:
    book = notebook(ECHO, "guest.console.send('from the cell\\n')")
    book.page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell')")
    wait_for(book, "ready")
    keys = book.page.keyboard
    book.page.locator(".labkit-terminal textarea").focus()
    keys.type("héllx")
    keys.press("Backspace")
    keys.type("o\n")
    wait_for(book, "you said: héllo")
    keys.press("ArrowUp")
    keys.type(" again")
    wait_for(book, "héllo again")
    # What the guest prints meanwhile comes before the line that is being typed, which stays whole.
    book.page.evaluate(
        """async () => {
            const panel = window.jupyterapp.shell.currentWidget;
            panel.content.activeCellIndex = 1;
            await window.jupyterapp.commands.execute('notebook:run-cell');
        }"""
    )
    wait_for(book, "you said: from the cell")
    assert re.search(r"you said: from the cell\s+héllo again\s*$", screen(book))
    book.page.locator(".labkit-terminal textarea").focus()
    keys.press("Enter")
    wait_for(book, "you said: héllo again")
    # A line longer than the terminal is wide is taken back whole.
    long = "x" * 200
    keys.type(long)
    keys.press("Control+u")
    keys.type("short\n")
    wait_for(book, "you said: short")
    assert "xxx" not in screen(book)


def test_keys_go_to_the_guest_and_escape_leaves(notebook: Callable[..., Any]) -> None:
    book = notebook(ECHO)
    book.run_all()
    wait_for(book, "ready")
    book.page.locator(".labkit-terminal textarea").focus()
    book.page.keyboard.type("ddmyb1")  # each of them is a shortcut of JupyterLab's in command mode
    book.page.keyboard.press("Shift+Enter")
    wait_for(book, "ddmyb1")
    assert book.page.locator(".jp-Cell").count() == 1
    book.page.keyboard.press("Escape")
    inside = "() => document.querySelector('.labkit-screen').contains(document.activeElement)"
    assert not book.page.evaluate(inside)
    book.page.keyboard.press("b")  # JupyterLab's again: a new cell below
    book.page.wait_for_function("() => document.querySelectorAll('.jp-Cell').length === 2")


def test_a_guest_can_be_typed_to_while_a_cell_is_busy_and_nothing_lands_in_it(
    notebook: Callable[..., Any],
) -> None:
    book = notebook(ECHO, "guest.wait(60)\nprint('the cell is done')")
    book.begin("notebook:run-all-cells")
    wait_for(book, "ready")
    type_line(book, "busy?")
    wait_for(book, "you said: busy?")
    assert book.page.locator(".jp-InputPrompt", has_text="[*]").count() == 1, "the cell is busy still"
    type_line(book, "bye")
    wait_for_state(book, "exited 0")
    book.outputs(1).first.wait_for()
    assert book.outputs(1).all_inner_texts() == ["the cell is done\n"]


def test_the_stop_and_copy_buttons(notebook: Callable[..., Any]) -> None:
    book = notebook(ECHO)
    book.run_all()
    wait_for_state(book, "running")
    book.page.locator(".labkit-terminal .labkit-button", has_text="Stop").click()
    wait_for_state(book, "stopped after")
    book.page.locator(".labkit-terminal .labkit-button", has_text="Copy").click()
    book.page.locator(".labkit-hint", has_text="Copied").wait_for(timeout=10_000)
    assert book.page.evaluate("() => navigator.clipboard.readText()") == "ready\n"


@pytest.mark.parametrize(
    ("image", "how", "words"),
    [("trip", "null", "^crashed: .*null|^crashed: .*page"), ("ending", "raise", r"^exited 2 after")],
)
def test_why_it_ended_is_said(notebook: Callable[..., Any], image: str, how: str, words: str) -> None:
    book = notebook(
        "import labkit\nfrom labkit.ui import terminal\n"
        f'terminal(labkit.boot("../images/{image}", arguments=["--how={how}"], timeout=60))'
    )
    book.run_all()
    wait_for_state(book, words)
    assert book.page.locator(".labkit-terminal .labkit-bar").get_attribute("data-phase") == "failed"
    book.picture(f"ended-{how}")


def test_a_flood_leaves_the_page_alive_and_the_cut_is_said(notebook: Callable[..., Any]) -> None:
    book = notebook(
        "import labkit\nfrom labkit.ui import terminal\n"
        'guest = labkit.boot("../images/flood", arguments=["--lines=300000"], timeout=100)\n'
        "terminal(guest)",
        "1 + 1",
    )
    book.run_all()  # the cell after it is run at once
    wait_for_state(book, "exited 0")
    book.page.wait_for_function(
        """() => document.querySelector('.xterm-rows').innerText.replaceAll('\\u00a0', ' ').trim().length > 0"""
    )
    wait_for(book, "00300000")
    assert re.search(r"[\d,]{7,} bytes came too fast and were cut", book.page.inner_text(".labkit-hint"))


@pytest.mark.parametrize("width", [1280, 800])
def test_it_fits_its_page_in_both_themes(notebook: Callable[..., Any], width: int) -> None:
    book = notebook(ECHO, "guest", 'image = labkit.build("../images/hello")\nimage', width=width, height=1100)
    book.run_all()
    wait_for(book, "ready")
    type_line(book, "good day")
    wait_for(book, "you said: good day")
    book.page.locator(".labkit-card .labkit-state", has_text="running").wait_for()
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        book.theme(theme)
        dark = "Dark" in theme
        book.page.wait_for_selector(f'.labkit-terminal[data-theme="{"dark" if dark else "light"}"]')
        book.picture(f"lab-{width}-{'dark' if dark else 'light'}")
        for name in (".labkit-terminal", ".labkit-card", ".labkit-picture img"):
            box = book.page.locator(name).bounding_box()
            around = book.page.locator(".jp-OutputArea-child").first.bounding_box()
            assert box["x"] + box["width"] <= around["x"] + around["width"] + 1, name
        wide = book.page.evaluate(
            """() => [...document.querySelectorAll('.jp-OutputArea')]
                .filter(area => area.scrollWidth > area.clientWidth + 1).length"""
        )
        assert wide == 0
        faint = book.page.evaluate(FAINT)
        assert faint == [], faint


# Texts of ours with less than 4.5:1 between letters and what is behind them.
FAINT = """() => {
    const parse = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
        .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (node) => {
        for (; node; node = node.parentElement) {
            const colour = parse(getComputedStyle(node).backgroundColor);
            if (colour.length === 3 || colour[3] > 0.99) return colour;
        }
        return [255, 255, 255];
    };
    const found = [];
    const ours = '.labkit-terminal *, .labkit-card *, .labkit-picture *';
    for (const node of document.querySelectorAll(ours)) {
        const own = [...node.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
        if (!own || node.disabled || !node.offsetParent || node.closest('.xterm-accessibility')) continue;
        const one = light(parse(getComputedStyle(node).color));
        const other = light(behind(node));
        const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        if (ratio < 4.5) found.push([node.className || node.tagName, node.textContent.slice(0, 40), ratio]);
    }
    return found;
}"""
