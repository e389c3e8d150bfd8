"""A guest's page for a cell: from where the browser gets it. How it looks there is tests/browser's business."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit.build.builder import build
from labkit.errors import GuestError, UsageError
from labkit.guest import Guest, boot
from labkit.ui import page
from labkit.ui.page import _elsewhere

LOCAL = {"url": "http://127.0.0.1:8888/", "base_url": "/", "pid": 1}


@pytest.mark.parametrize(
    ("server", "variables", "elsewhere"),
    [
        (None, {}, False),
        (LOCAL, {}, False),
        ({**LOCAL, "url": "http://localhost:8888/lab/"}, {}, False),
        ({**LOCAL, "url": "http://[::1]:8888/"}, {}, False),
        ({**LOCAL, "url": "http://server.example:8888/"}, {}, True),
        (LOCAL, {"SSH_CONNECTION": "192.0.2.1 5000 192.0.2.2 22"}, True),
        (LOCAL, {"JUPYTERHUB_SERVICE_PREFIX": "/user/ada/"}, True),
    ],
)
def test_where_the_browser_seems_to_be(
    monkeypatch: pytest.MonkeyPatch,
    server: dict[str, Any] | None,
    variables: dict[str, str],
    *,
    elsewhere: bool,
) -> None:
    for name in ("SSH_CONNECTION", "JUPYTERHUB_SERVICE_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert _elsewhere(server) == elsewhere


@pytest.fixture(scope="module")
def web(root: Path) -> Iterator[Guest]:
    with boot(build(root / "images" / "web"), timeout=300) as guest:
        guest.network.wait_for_address(60)
        yield guest


@pytest.mark.live
def test_its_address_is_in_the_words_and_in_the_frame(web: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    shown = page(web, path="/status.json")
    assert repr(shown) == "<Page of web, port 80>"
    url = re.findall(r'<iframe src="(http://127\.0\.0\.1:\d+/status\.json)"', shown.html)[0]
    assert url in str(shown)
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  http, as seen above
        assert answer.status == 200
    assert page(web).html.count(url.partition("/status")[0]) == shown.html.count(url.partition("/status")[0])
    assert len(web.network.forwards) == 1, "the same forward again"


@pytest.mark.live
def test_a_page_that_cannot_be_had(web: Guest, server: Guest) -> None:
    with pytest.raises(GuestError, match="nothing listens on port 8080"):
        page(web, 8080)
    with pytest.raises(GuestError, match="does not speak HTTP"):
        page(server, 7)
    with pytest.raises(UsageError, match="is no path"):
        page(web, path="x")
