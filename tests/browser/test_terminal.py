"""The terminal in a cell: a real guest, typed to in a real JupyterLab."""

from __future__ import annotations

import re
from collections.abc import Callable
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
        timeout=20_000,
    )


def wait_for_state(book: Any, words: str) -> None:
    book.page.locator(".labkit-state", has_text=re.compile(words)).wait_for(timeout=20_000)


def type_line(book: Any, text: str) -> None:
    book.page.locator(".labkit-terminal textarea").focus()
    book.page.keyboard.type(text + "\n")


def test_what_is_typed_is_answered_before_and_after_a_reload(notebook: Callable[..., Any]) -> None:
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
    type_line(book, "still there")
    wait_for(book, "you said: still there")
    type_line(book, "bye")
    wait_for_state(book, r"exited 0 after \d+\.\d s")
    book.page.wait_for_selector(".labkit-button:text('Stop'):disabled")


def test_answers_are_quick(notebook: Callable[..., Any]) -> None:
    book = notebook(ECHO)
    book.run_all()
    wait_for(book, "ready")
    taken = []
    for number in range(7):
        book.page.locator(".labkit-terminal textarea").focus()
        book.page.keyboard.type(f"line {number}")
        taken.append(book.page.evaluate(ANSWER_MS, f"you said: line {number}"))
    print("ms from Enter to the answer:", [round(ms) for ms in taken])
    assert min(taken) > 0
    assert sorted(taken)[len(taken) // 2] <= 100, taken
