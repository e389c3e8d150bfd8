"""images/web in a real guest: its pages, requests of all kinds, and many connections at once."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.live

Address = tuple[str, int]
Fields = dict[str, str]


@pytest.fixture(scope="module")
def address(root: Path, place: Any) -> Iterator[Address]:
    """The address of a running server, whose heap keeps little that it does not use."""
    with place.boot(root / "images" / "web", "--max-space-overhead=20", *place.network, timeout=240) as guest:
        guest.console.expect("pages on port 80", timeout=60)
        place.wait_for_address(guest)
        with guest.network.forward(80) as forward:
            yield forward.address
        assert guest.exit is None, guest.console.last_words()
        assert "[ERROR]" not in guest.console.text()


@pytest.fixture
def near(address: Address, place: Any) -> Address:
    """The same, where much can be asked of it at once."""
    if place.host:
        pytest.skip("what comes through SSH is no load")
    return address


def connect(address: Address) -> socket.socket:
    return socket.create_connection(address, timeout=20)


def ask(address: Address, method: str, path: str, fields: Fields | None = None) -> tuple[int, Fields, bytes]:
    """The status, the header fields and the body of an answer."""
    with closing(http.client.HTTPConnection(*address, timeout=20)) as connection:
        connection.request(method, path, headers=fields or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def state(address: Address) -> dict[str, Any]:
    return json.loads(ask(address, "GET", "/status.json")[2])


def all_of(connection: socket.socket) -> bytes:
    """What comes until the end."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def told(address: Address, text: bytes) -> bytes:
    """What the server answers to a client that says this, and then no more."""
    with connect(address) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        return all_of(connection)


# ---------------------------------------------------------------- pages


def test_files(address, root) -> None:
    types = {
        "index.html": "text/html",
        "style.css": "text/css",
        "status.js": "application/javascript",
        "camel.svg": "image/svg+xml",
    }
    for name, kind in types.items():
        status, fields, body = ask(address, "GET", f"/{name}")
        wanted = (root / "images" / "web" / "htdocs" / name).read_bytes()
        assert (status, fields["content-type"], body) == (200, kind, wanted)
        assert fields["etag"] == f'"{hashlib.md5(wanted, usedforsecurity=False).hexdigest()}"'
    assert ask(address, "GET", "/")[2] == ask(address, "GET", "/index.html")[2]


def test_what_a_browser_has_is_not_sent_again(address) -> None:
    _, fields, _ = ask(address, "GET", "/style.css")
    again = ask(address, "GET", "/style.css", {"If-None-Match": fields["etag"]})
    assert (again[0], again[2]) == (304, b"")
    assert ask(address, "GET", "/style.css", {"If-None-Match": '"another"'})[0] == 200


def test_head(address) -> None:
    _, fields, body = ask(address, "GET", "/")
    assert ask(address, "HEAD", "/") == (200, fields, b"")
    assert fields["content-length"] == str(len(body))


def test_missing_page_and_methods(address) -> None:
    status, fields, body = ask(address, "GET", "/nowhere/../else")
    assert (status, fields["content-type"]) == (404, "text/html")
    assert b"no such page" in body
    status, fields, _ = ask(address, "DELETE", "/")
    assert (status, fields["allow"]) == (405, "GET, HEAD")


def test_dynamic_page(address) -> None:
    _, _, body = ask(address, "GET", "/hello?name=%3Cscript%3E+%C3%A4%26")
    assert "Hello, &lt;script&gt; ä&amp;!" in body.decode()
    assert b"Hello, world!" in ask(address, "GET", "/hello")[2]


def test_state(address) -> None:
    first = state(address)
    second = state(address)
    assert second["requests"] == first["requests"] + 1
    assert 0 < first["uptime"] <= second["uptime"] < 300
    assert 100_000 < second["heap"] < 32 << 20


# ---------------------------------------------------------------- requests


def test_curl(address) -> None:
    """The client that everybody has, with a body and without."""
    url = f"http://{address[0]}:{address[1]}/"
    shown = subprocess.run(
        ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{num_connects}\n", url, "-o", "/dev/null", url],
        capture_output=True, text=True, timeout=20, check=True,
    )  # fmt: skip
    assert shown.stdout.splitlines() == ["200 1", "200 0"]  # one connection for both
    posted = subprocess.run(
        ["curl", "-sS", "-w", "%{http_code}", "-H", "Expect: 100-continue", "-T", "-", url],
        input="x" * 100_000, capture_output=True, text=True, timeout=20, check=True,
    )  # fmt: skip
    assert posted.stdout == "405"


def test_pipelined_and_split(address) -> None:
    request = b"GET /style.css HTTP/1.1\r\nHost: a\r\n\r\n"
    last = b"GET /style.css HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    answers = told(address, 20 * request + last)
    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 21
    with connect(address) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in 2 * request + last:
            connection.sendall(bytes([byte]))
        split = all_of(connection)
    assert split.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert answers.endswith(split)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + 200 * b"X: y\r\n" + b"\r\n", 431),
    ],
)
def test_not_http(address, text, status) -> None:
    """A clear answer, at once; and the server goes on."""
    began = time.monotonic()
    answer = told(address, text)
    assert time.monotonic() - began < 3
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"connection: close\r\n" in answer
    assert ask(address, "GET", "/")[0] == 200


# ---------------------------------------------------------------- many connections


MORE_HEAP = 1 << 20


def heap(address: Address) -> int:
    """The size of the heap, after requests for which it was looked through several times."""
    before = state(address)["collections"][1]
    for _ in range(10):
        url = f"http://{address[0]}:{address[1]}/"
        subprocess.run(["wrk", "-t1", "-c20", "-d1s", url], capture_output=True, timeout=20, check=True)
        found = state(address)
        if found["collections"][1] >= before + 3:
            return int(found["heap"])
    raise AssertionError("the heap was not looked through")


@pytest.mark.slow
def test_many_after_one_another(near) -> None:
    """10,000 connections leave nothing behind."""

    def visit(_: int) -> int:
        return ask(near, "GET", "/style.css", {"Connection": "close"})[0]

    def visits(count: int) -> None:
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(visit, range(count))) == {200}

    visits(1500)  # some hundred connections remain in TIME-WAIT for a minute
    before = heap(near)
    visits(10_000)
    assert heap(near) <= before + MORE_HEAP


def held(address: Address, count: int) -> list[socket.socket]:
    """Connections that have said half a request."""
    connections = [connect(address) for _ in range(count)]
    for connection in connections:
        connection.sendall(b"GET /style.css HTTP/1.1\r\n")
    return connections


def test_500_at_once(near) -> None:
    """All are served, and so is one more; none takes much memory, or keeps it."""
    before = heap(near)
    connections = held(near, 500)
    try:
        assert ask(near, "GET", "/")[0] == 200
        assert state(near)["heap"] < 10 << 20
        for connection in connections:
            connection.sendall(b"Host: a\r\nConnection: close\r\n\r\n")
        assert all(all_of(connection).startswith(b"HTTP/1.1 200 OK\r\n") for connection in connections)
    finally:
        for connection in connections:
            connection.close()
    assert heap(near) <= before + MORE_HEAP


@pytest.mark.slow
def test_slow_loris(near) -> None:
    """200 clients that send a byte a second are told off; meanwhile others are served as ever."""
    before = heap(near)
    connections = held(near, 200)
    began = time.monotonic()
    slowest = 0.0
    left = connections.copy()
    while left and time.monotonic() - began < 30:
        time.sleep(0.5)
        asked = time.monotonic()
        assert ask(near, "GET", "/")[0] == 200
        slowest = max(slowest, time.monotonic() - asked)
        for connection in left.copy():
            connection.setblocking(False)
            try:
                answer = connection.recv(65536)
                assert answer.startswith(b"HTTP/1.1 408 ")
                left.remove(connection)
            except BlockingIOError:
                connection.sendall(b"x")
    assert not left
    assert time.monotonic() - began > 8
    assert slowest < 2
    for connection in connections:
        connection.close()
    assert heap(near) <= before + MORE_HEAP
