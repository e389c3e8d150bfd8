"""A guest's page, its frames and its load in a real JupyterLab, in both themes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.live, pytest.mark.browser, pytest.mark.slow]

TALL = 2600  # JupyterLab renders what can be seen
BOOT = """import os
import labkit
from labkit.ui import page
guest = labkit.boot("../images/web", capture=True)
guest.network.wait_for_address(60)"""


def test_a_guests_page_is_in_the_cell_wherever_the_browser_is(notebook: Callable[..., Any]) -> None:
    book = notebook(
        BOOT,
        "page(guest)",
        'os.environ["SSH_CONNECTION"] = "a browser on another machine"\npage(guest)',
        height=TALL,
    )
    book.run_all()
    for cell, through_jupyter in ((1, False), (2, True)):
        frame = book.outputs(cell).locator("iframe")
        assert ("/proxy/" in frame.get_attribute("src")) == through_jupyter
        inside = frame.content_frame
        inside.locator("h1").wait_for()
        assert inside.locator("h1").evaluate("h => getComputedStyle(h).fontSize") == "32px", "its style sheet"
        inside.locator("#status dd", has_text="0:").first.wait_for()  # its script, and what that asks for
        assert inside.locator("img").evaluate("image => image.naturalWidth") > 0
    book.picture("page")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_frames_and_loads_draw_themselves(notebook: Callable[..., Any], theme: str) -> None:
    book = notebook(
        BOOT,
        "with guest.network.capture() as capture:\n    load = labkit.load(guest, connections=2, seconds=1)\nload",
        "guest.network.captured",
        "guest.network.captured.frames[0]",
        "guest.network.check(81)",
        height=TALL,
    )
    book.theme(theme)
    book.run_all()
    assert "2 connections" in book.outputs(1).locator("img").get_attribute("alt")
    ladder = book.outputs(2).locator("img")
    assert "guest → everybody  DHCP  discover" in ladder.get_attribute("alt")
    assert ladder.evaluate("image => image.naturalWidth") > 0
    assert "ff ff ff ff ff ff" in book.outputs(3).inner_text()
    assert "nothing listens on port 81" in book.outputs(4).inner_text()
    book.page.locator(".jp-CodeCell").nth(2).scroll_into_view_if_needed()
    book.picture(f"frames-{theme.rpartition(' ')[2]}")
    book.page.locator(".jp-CodeCell").nth(3).scroll_into_view_if_needed()
    book.picture(f"frame-{theme.rpartition(' ')[2]}")
