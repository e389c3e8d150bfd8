"""Cards, progress and drawings in a real JupyterLab."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.live, pytest.mark.browser, pytest.mark.slow]


def test_a_card_shows_its_guest_and_its_log_and_stops_it(notebook: Callable[..., Any]) -> None:
    book = notebook(
        'import labkit\nguest = labkit.boot("../images/echo")\nguest', "labkit.ui.timeline(guest)"
    )
    book.run_all()
    card = book.page.locator(".labkit-card")
    card.locator(".labkit-state", has_text="running").wait_for()
    assert "32 MiB" in card.inner_text()
    button = card.locator(".labkit-button", has_text="Log")
    button.focus()
    book.page.keyboard.press("Enter")
    card.locator(".labkit-log", has_text="stamp     start").wait_for()
    assert button.get_attribute("aria-expanded") == "true"
    card.locator(".labkit-button", has_text="Stop").click()
    card.locator(".labkit-state", has_text="stopped after").wait_for()
    card.locator(".labkit-log", has_text="was stopped").wait_for()
    assert card.locator(".labkit-button", has_text="Stop").is_disabled()
    drawing = book.page.locator(".labkit-picture img")
    for stage in ("firmware", "kernel", "OCaml runtime"):
        assert stage in drawing.get_attribute("alt")
    book.picture("card")


STEPS = """import time
from labkit.events import step
with step("build", "pretended") as this:
    for number in range(8):
        this.progress(f"part {number}", number / 8)
        time.sleep(0.12)
    with step("compile", "inner"):
        time.sleep(0.1)"""


def test_progress_is_shown_in_the_cell_that_began_it_and_again_after_a_reload(
    notebook: Callable[..., Any],
) -> None:
    book = notebook("import labkit", STEPS, "1 + 1")
    book.begin("notebook:run-all-cells")
    book.page.locator(".labkit-steps progress").wait_for()  # while it runs
    book.run_all()
    cell = book.page.locator(".jp-CodeCell").nth(1)
    for _ in ("as it ran", "after a reload"):
        done = cell.locator(".labkit-step[data-state='done']")
        done.nth(1).wait_for()
        assert [text.split()[1:3] for text in done.all_inner_texts()] == [
            ["building", "pretended"],
            ["compiling", "inner"],
        ]
        assert book.page.locator(".labkit-steps").count() == 1
        book.command("docmanager:save")
        book.page.reload()
        book.ready()


def test_an_image_shows_what_was_linked_in_and_why(notebook: Callable[..., Any]) -> None:
    book = notebook('import labkit\nlabkit.build("../images/hello")')
    book.run_all()
    figure = book.page.locator(".labkit-picture")
    assert "OCaml standard library" in figure.locator("img").get_attribute("alt")
    assert figure.locator("img").evaluate("image => image.naturalWidth") > 0
    figure.locator("summary").click()
    figure.locator("td", has_text="reads the boot arguments").wait_for()


BYTES = """from labkit import Disk
disk = Disk.create("disk.img", "1 MiB", replace=True)
before = disk.snapshot("before")
disk.write(7, b"still here".ljust(512, b"\\0"))
disk.write(9, bytes(range(256)) * 2)"""


CUT = """from labkit.guest.powercut import PowerCut
from labkit.host.writelog import Loss
PowerCut("some", 3, {"storage": Loss((7, 8, 9), (8,))})"""


@pytest.mark.parametrize("width", [800, 1280])
def test_bytes_and_what_changed_in_them(notebook: Callable[..., Any], width: int) -> None:
    book = notebook(BYTES, "disk.hex(7, 3)", "disk.diff(before)", CUT, width=width, height=1700)
    book.run_all()
    views = book.page.locator(".labkit-bytes table")
    views.nth(2).wait_for()
    assert views.nth(2).locator("td").all_inner_texts() == ["storage", "7 to 9", "8", "7, 9"]
    assert "still here" in views.nth(0).inner_text()
    changed = views.nth(1).locator("b").first
    assert changed.inner_text().startswith("[00 00")
    assert changed.evaluate("cell => getComputedStyle(cell).backgroundColor") == "rgba(250, 170, 0, 0.3)"
    row = views.nth(0).locator("tbody tr", has_text="still here")
    assert row.evaluate("row => row.getBoundingClientRect().height") < 25, "a row is one line"
    for theme in ("Light", "Dark"):
        book.theme(f"JupyterLab {theme}")
        book.picture(f"bytes-{theme}-{width}")
