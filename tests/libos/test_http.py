"""Servers with cohttp's interface, in a real guest: bodies both ways, streams, connections, static sites."""

from __future__ import annotations

import hashlib
import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.live

Address = tuple[str, int]
BODY = bytes(i * 7 % 256 for i in range(2_000_000))


@pytest.fixture(scope="module")
def addresses(root: Path, place: Any) -> Iterator[dict[int, Address]]:
    """Where the guest's ports are found."""
    with place.boot(root / "tests" / "images" / "http", *place.network, timeout=120) as guest:
        guest.console.expect("listening", timeout=60)
        place.wait_for_address(guest)
        yield {port: guest.network.forward(port).address for port in (80, 8080)}
        assert guest.exit is None, guest.console.last_words()


@pytest.fixture
def connection(addresses: dict[int, Address]) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection(*addresses[80], timeout=20)) as connection:
        yield connection


def ask(
    connection: http.client.HTTPConnection, path: str, body: object = None, **fields: str
) -> tuple[http.client.HTTPResponse, bytes]:
    """An answer, and its body."""
    method = "GET" if body is None else "POST"
    connection.request(method, path, body=body, headers=fields)  # type: ignore[arg-type]
    answer = connection.getresponse()
    return answer, answer.read()


def in_chunks() -> Iterator[bytes]:
    for place in range(0, len(BODY), 70_000):
        yield BODY[place : place + 70_000]


def test_bodies_to_the_guest(connection) -> None:
    digest = hashlib.md5(BODY, usedforsecurity=False).hexdigest().encode()
    assert ask(connection, "/digest", BODY)[1] == digest
    assert ask(connection, "/digest", in_chunks())[1] == digest
    assert ask(connection, "/digest", b"")[1] == hashlib.md5(b"", usedforsecurity=False).hexdigest().encode()


def test_body_both_ways(connection) -> None:
    """The answer begins before the request has ended."""
    answer, body = ask(connection, "/echo", BODY)
    assert (answer.headers["transfer-encoding"], body == BODY) == ("chunked", True)
    assert ask(connection, "/echo", b"short")[1] == b"short"


def test_large_body_from_the_guest(connection) -> None:
    answer, body = ask(connection, "/large")
    assert answer.headers["content-length"] == "3000000"
    assert body == bytes(i * i % 251 for i in range(3_000_000))


def test_too_large_a_body(connection) -> None:
    answer, body = ask(connection, "/digest", b"x" * (5 << 20), Expect="100-continue")
    assert (answer.status, body) == (413, b"the body is too long\n")


def test_pieces_come_when_they_are_there(connection) -> None:
    began = time.monotonic()
    connection.request("GET", "/pieces")
    answer = connection.getresponse()
    head = time.monotonic() - began
    assert answer.readline() == b"piece 4\n"
    first = time.monotonic() - began
    assert answer.read() == b"".join(b"piece %d\n" % n for n in (3, 2, 1, 0))
    assert head < first < time.monotonic() - began - 0.3


def test_connections_have_numbers_and_ends(addresses, connection) -> None:
    own = ask(connection, "/connection")[1]
    assert ask(connection, "/connection")[1] == own
    before = int(ask(connection, "/ended")[1])
    with closing(http.client.HTTPConnection(*addresses[80], timeout=20)) as other:
        assert int(ask(other, "/connection")[1]) > int(own)
    deadline = time.monotonic() + 10
    while int(ask(connection, "/ended")[1]) == before:
        assert time.monotonic() < deadline


def test_other_answers(connection) -> None:
    answer, _ = ask(connection, "/redirect")
    assert (answer.status, answer.headers["location"]) == (302, "/connection")
    answer, _ = ask(connection, "/secret")
    assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Basic realm="secret"')
    answer, body = ask(connection, "/raise")
    assert (answer.status, body) == (500, b"Internal Server Error\n")
    answer, body = ask(connection, "/nowhere?x=y")
    assert answer.status == 404
    assert body.endswith(b"/nowhere?x=y")


def test_static_site(addresses) -> None:
    with closing(http.client.HTTPConnection(*addresses[8080], timeout=20)) as connection:
        for path, kind, text in [
            ("/", "text/html", b"<p>first</p>\n"),
            ("/folder", "text/html", b"<p>of the folder</p>\n"),
            ("/folder/../a%20file.txt", "text/plain", b"a file\n"),
        ]:
            answer, body = ask(connection, path)
            found = (answer.status, answer.headers["content-type"], answer.headers["x-by"], body)
            assert found == (200, kind, "static", text)
        assert ask(connection, "/..%2f..%2fetc/passwd")[0].status == 404


def test_client_that_goes_away(addresses, connection) -> None:
    """In the middle of a request, of a body, of an answer: others do not notice."""
    for said in (
        b"GET /conn",
        b"POST /digest HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nxxx",
        b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /pieces HTTP/1.1\r\nHost: a\r\n\r\n",
    ):
        with socket.create_connection(addresses[80]) as client:
            client.sendall(said)
        assert ask(connection, "/connection")[0].status == 200
