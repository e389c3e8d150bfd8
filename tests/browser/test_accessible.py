"""What widgets and pictures say can be read: contrast as WCAG 2 computes it, and names for what has no words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.live, pytest.mark.browser, pytest.mark.slow]

LEAST = 4.5  # WCAG 2.1, success criterion 1.4.3, level AA

CELLS = (
    """import time
import labkit
from labkit.events import step
from labkit.ui import open_lesson, show, terminal, timeline
lesson = open_lesson("01-console")
guest = labkit.boot("../images/ending", arguments=["--how=exit"])
terminal(guest)""",
    "show(guest)",
    """with step("build", "it"):
    time.sleep(0.6)
    with step("compile", "a part"):
        time.sleep(0.1)""",
    """try:
    with step("build", "it"):
        time.sleep(0.6)
        raise ValueError("a reason")
except ValueError:
    pass""",
    'running = labkit.boot("../images/echo")\nshow(running)',
    "show(labkit.build('../images/hello'))",
    "timeline(running)",
    "lesson.check('status')",
    "lesson.progress()",
)

# Every element in the page or drawing that holds letters itself, with its contrast where that is too little.
FAINT = """least => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const over = (paint, below) => {
        canvas.fillStyle = '#000';
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = paint;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        return [r, g, b].map((part, at) => (part * a + below[at] * (255 - a)) / 255);
    };
    const light = rgb => {
        const [r, g, b] = rgb.map(part => part / 255).map(
            part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const backs = node => {
        const found = [];
        for (let it = node; it; it = it.parentElement) found.push(getComputedStyle(it).backgroundColor);
        return found.reverse().reduce((below, paint) => over(paint, below), [255, 255, 255]);
    };
    const drawn = text => { // in a drawing: what lies below the middle of the letters
        const box = text.getBoundingClientRect();
        const below = document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2)
            .filter(it => it.tagName === 'rect').map(it => getComputedStyle(it).fill);
        return below.reverse().reduce((under, paint) => over(paint, under), backs(text.closest('svg')));
    };
    const faint = [];
    let seen = 0;
    for (const node of document.querySelectorAll(
        '[class^=labkit] *, [class^=labkit], .jp-OutputArea-output [role=status] *, svg.drawing text')) {
        const letters = [...node.childNodes].some(it => it.nodeType === 3 && it.data.trim());
        if (!letters || node.disabled || !node.getClientRects().length) continue;
        if (node.closest('.xterm-accessibility')) continue; // for screen readers only
        const drawing = node.tagName === 'text';
        const back = drawing ? drawn(node) : backs(node);
        const style = getComputedStyle(node);
        const letter = over(drawing ? style.fill : style.color, back);
        const [one, two] = [light(letter), light(back)].sort((a, b) => b - a);
        const ratio = (one + 0.05) / (two + 0.05);
        seen += 1;
        if (ratio < least) faint.push(`${ratio.toFixed(2)} ${node.tagName}.${node.className} ${node.textContent}`);
    }
    return [seen, faint];
}"""

NAMELESS = """() => [...document.querySelectorAll(
    '[class^=labkit] :is(button, textarea, progress, [tabindex]:not([role=listitem])), .labkit-picture img')]
    .filter(it => !(it.ariaLabel || it.alt || it.innerText?.trim())).map(it => it.outerHTML)"""


def test_all_that_is_said_has_contrast_in_both_themes(notebook: Callable[..., Any], root: Path) -> None:
    book = notebook(*CELLS, height=4000)
    book.run_all()
    book.page.locator(".labkit-terminal .labkit-state", has_text="exited 3").wait_for()
    for button in book.page.locator(".labkit-card .labkit-button", has_text="Log").all():
        button.click()
    for summary in book.page.locator(".labkit-picture summary, .jp-OutputArea-output summary").all():
        summary.click()
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        book.theme(theme)
        seen, faint = book.page.evaluate(FAINT, LEAST)
        book.picture(f"contrast-{theme}")
        assert seen > 60
        assert faint == []
    drawings = book.page.evaluate(
        """() => [...document.querySelectorAll('.labkit-picture img')].map(
            it => atob(it.src.split(',')[1]))"""
    )
    assert len(drawings) == 2
    assert book.page.evaluate(NAMELESS) == []
    book.page.goto("about:blank")
    for drawing in [*drawings, *(file.read_text() for file in root.glob("notebooks/pictures/*.svg"))]:
        book.page.set_content(drawing.replace("<svg ", "<svg class='drawing' ", 1))
        seen, faint = book.page.evaluate(FAINT, LEAST)
        assert seen
        assert faint == [], drawing[:200]
