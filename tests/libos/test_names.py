"""Names and web clients in real guests, with a name server and a web server of this machine's."""

from __future__ import annotations

import hashlib
import http.server
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.live

GATEWAY = "10.0.2.2"  # how a guest of QEMU's network calls this machine
LOCAL = {GATEWAY: "www.test", "127.0.0.1": "process.test"}  # names of this machine
A, ALIAS, AAAA = 1, 5, 28
NO_TLS = "https needs TLS, which the offline toolchain does not have; labkit build --toolchain opam has it"
PAGE = bytes(range(256)) * 1000


def labels(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def record(name: str, kind: int, data: bytes) -> bytes:
    return labels(name) + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


RECORDS = {
    "a.test": [record("a.test", A, socket.inet_aton(GATEWAY))],
    "six.test": [record("six.test", AAAA, socket.inet_pton(socket.AF_INET6, "fd00::2"))],
    "www.test": [record("www.test", ALIAS, labels("a.test")), record("a.test", A, socket.inet_aton(GATEWAY))],
    "process.test": [record("process.test", A, socket.inet_aton("127.0.0.1"))],
    "far.test": [record("far.test", ALIAS, labels("a.test"))],
    "large.test": [
        record("large.test", A, bytes([10, 1, high, low])) for high in range(2) for low in range(256)
    ],
}


def answer(query: bytes, room: int) -> bytes | None:
    """What the name server says to a query: nothing at all about silent.test."""
    place, words = 12, []
    while query[place]:
        words.append(query[place + 1 : place + 1 + query[place]].decode())
        place += 1 + query[place]
    name, (kind,) = ".".join(words), struct.unpack_from(">H", query, place + 1)
    question = query[12 : place + 5]
    if name == "silent.test":
        return None
    kinds = {kind, ALIAS}
    offset = {known: len(labels(known)) for known in [*RECORDS, "a.test"]}
    records = [
        entry
        for entry in RECORDS.get(name, [])
        if any(entry.startswith(labels(known) + struct.pack(">H", k)) for known in offset for k in kinds)
    ]
    code = 0 if name in RECORDS else 3
    body = b"".join(records)
    if len(question) + len(body) + 12 > room:
        return query[:2] + struct.pack(">HHHHH", 0x8380, 1, 0, 0, 0) + question
    return query[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(records), 0, 0) + question + body


class Udp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        query, server = self.request
        if (said := answer(query, 1232)) is not None:
            server.sendto(said, self.client_address)


class Tcp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        (length,) = struct.unpack(">H", self.rfile.read(2))
        said = answer(self.rfile.read(length), 65535)
        assert said is not None
        for part in (struct.pack(">H", len(said)) + said[:100], said[100:]):
            self.wfile.write(part)
            self.wfile.flush()


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        if self.path == "/chunks":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for place in range(0, len(PAGE), 1000):
                part = PAGE[place : place + 1000]
                self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(PAGE)))
            self.end_headers()
            self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    """The ports of a name server and a web server."""
    with (
        socketserver.ThreadingUDPServer(("127.0.0.1", 0), Udp) as udp,
        socketserver.ThreadingTCPServer(udp.server_address, Tcp) as tcp,
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web) as web,
    ):
        servers = [udp, tcp, web]
        threads = [threading.Thread(target=server.serve_forever) for server in servers]
        for thread in threads:
            thread.start()
        yield {"dns": udp.server_address[1], "web": web.server_address[1]}
        for server in servers:
            server.shutdown()
        for thread in threads:
            thread.join()


@pytest.fixture
def told(ports: dict[str, int], place: Any, root: Path) -> Callable[..., list[str]]:
    """What the guest prints when it is given these arguments."""

    if not place.machine:
        pytest.skip("this machine cannot be reached from there")

    def told(*arguments: str) -> list[str]:
        servers = f"{place.machine}:{ports['dns']}"
        options = [f"--dns-servers={servers}", f"--resolver={servers}"]
        *lines, status = place.transcript(root / "tests" / "images" / "names", *options, *arguments)
        assert status == "status 0", lines
        return lines

    return told


def test_names(told) -> None:
    assert told(
        *[f"--ask={name}" for name in ("a.test", "www.test", "far.test", "six.test", "nowhere.test")]
    ) == [
        f"a.test IPv4: {GATEWAY}",
        "a.test IPv6: no: a.test has no IPv6 address",
        f"www.test IPv4: {GATEWAY}",
        "www.test IPv6: no: a.test has no IPv6 address",
        f"far.test IPv4: {GATEWAY}",
        "far.test IPv6: no: a.test has no IPv6 address",
        "six.test IPv4: no: six.test has no IPv4 address",
        "six.test IPv6: fd00::2",
        "nowhere.test IPv4: no: nowhere.test: there is no such name",
        "nowhere.test IPv6: no: nowhere.test: there is no such name",
    ]


def test_answers_that_only_fit_into_tcp(told) -> None:
    assert told("--ask=large.test")[0] == "large.test IPv4: 10.1.0.0"


def test_silent_name_server(told, ports, place) -> None:
    """It is asked for as long as the unikernel was told, and then named."""
    lines = told("--dns-timeout=2000000000", "--ask=silent.test")
    server = f"{place.machine}:{ports['dns']}"
    assert lines[0] == f"silent.test IPv4: no: silent.test: no name server answered in 2 s: {server}"


def test_pages(told, ports, place) -> None:
    digest = hashlib.md5(PAGE, usedforsecurity=False).hexdigest()
    hosts = (place.machine, LOCAL[place.machine])
    uris = [f"http://{host}:{ports['web']}/{path}" for host in hosts for path in ("whole", "chunks")]
    assert told(*[f"--get={uri}" for uri in uris]) == [f"{uri}: 200, {digest}" for uri in uris]


def test_servers_that_are_not_there(told, place) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed, host = free.getsockname()[1], place.machine
        assert told(
            f"--get=http://{host}:{closed}/", "--get=https://a.test/", "--get=http://nowhere.test/"
        ) == [
            f"http://{host}:{closed}/: no: no connection to {host}, port {closed}: the connection was refused",
            f"https://a.test/: no: {NO_TLS}",
            "http://nowhere.test/: no: nowhere.test: there is no such name",
        ]
