"""What people reach a guest with: ping, curl, nc and a browser; and guests reach each other."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labkit import Wire
from labkit.build.builder import build
from labkit.guest import boot

pytestmark = pytest.mark.live

GUEST = "10.0.0.2"


def test_nc(root: Path) -> None:
    """What is typed arrives, and the end too: nc ends when the guest has closed its side."""
    with boot(build(root / "images" / "network"), timeout=60) as guest:
        guest.console.expect("listening on port 8080")
        guest.network.wait_for_address()
        host, port = guest.network.forward(8080).address
        subprocess.run(["nc", "-N", host, str(port)], input=b"are you there?\n", timeout=20, check=True)
        guest.console.expect('heard "are you there?\\n"')


def test_from_linux(root: Path, linux: Callable[[Wire], Any]) -> None:
    """Without QEMU's own network: the guest's stack meets that of Linux."""
    wire = Wire()
    host = linux(wire)
    with boot(
        build(root / "images" / "web"), arguments=[f"--ipv4={GUEST}/24"], network=wire, timeout=60
    ) as guest:
        guest.console.expect("serving")
        for size in (0, 56, 1472, 20_000):  # the last in fragments
            said = host.run("ping", "-c", "3", "-i", "0.05", "-W", "5", "-s", str(size), GUEST)
            assert b" 3 received, 0% packet loss" in said.stdout, said
        page = (root / "images" / "web" / "htdocs" / "index.html").read_bytes()
        assert host.run("curl", "-sS", f"http://{GUEST}/").stdout == page
        request = b"GET / HTTP/1.1\r\nHost: guest\r\nConnection: close\r\n\r\n"
        answer = subprocess.run(
            host.command("nc", GUEST, "80"), input=request, capture_output=True, timeout=20
        )
        assert answer.stdout.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer.stdout.endswith(page)
        refused = host.run("curl", "-sS", f"http://{GUEST}:81/", timeout=5)
        assert b"Connection refused" in refused.stderr or b"Couldn't connect" in refused.stderr, refused


@pytest.mark.browser
def test_browser(root: Path, browser: Any) -> None:
    """The page is whole, follows the guest as it runs, and says so when it has gone."""
    troubles: list[str] = []
    page = browser.new_page()
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "response", lambda answer: answer.status < 400 or troubles.append(f"{answer.status} {answer.url}")
    )
    with boot(build(root / "images" / "web"), timeout=120) as guest:
        page.goto(guest.network.reach(80).url)
        assert page.title() == "A unikernel"
        assert page.evaluate("document.querySelector('img').naturalWidth") > 0
        requests = "() => Number(document.querySelector('[data-of=requests]').textContent)"
        page.wait_for_function(f"({requests})() > 0")
        first = page.evaluate(requests)
        page.wait_for_function(f"({requests})() >= {first + 2}", timeout=20_000)
        page.fill("input", "<b>Mira</b>")
        page.click("button")
        page.wait_for_selector("h1:text-is('Hello, <b>Mira</b>!')")
        page.click("a")
        page.wait_for_function(f"({requests})() > {first + 4}")
        assert troubles == []
    page.wait_for_selector("#silence:visible", timeout=20_000)
    page.close()
