"""The network of a process: forwards that it listens on itself, and what it cannot have."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

import labkit
from labkit.build.image import Image
from labkit.errors import GuestError, UsageError
from labkit.guest import Guest

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def image(root: Path) -> Image:
    return labkit.build(root / "tests" / "images" / "services", "unix")


@pytest.fixture
def server(image: Image) -> Iterator[Guest]:
    """An echo on TCP and UDP 7, somebody silent on 9, somebody who closes on 13."""
    with labkit.boot(image, timeout=120) as guest:
        guest.console.expect("ready", timeout=20)
        yield guest


def echoed(address: tuple[str, int]) -> bytes:
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(b"hello")
        return connection.recv(5, socket.MSG_WAITALL)


def refused(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def listening(process: int) -> list[str]:
    """Where a process listens: its sockets in /proc/net/tcp and tcp6."""
    own = {str(entry.readlink()) for entry in Path(f"/proc/{process}/fd").iterdir()}
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    return [line[1] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in own]


def pid_of(guest: Guest) -> int:
    (detail,) = [event.detail for event in guest.events if event.kind == "running"]
    return int(detail.removeprefix("process "))


def test_forwards_come_and_go(server: Guest) -> None:
    forward = server.network.forward(7)
    with server.network.forward(7) as other:
        assert other.host_port != forward.host_port
        assert echoed(other.address) == echoed(forward.address) == b"hello"
        with socket.create_connection(other.address, timeout=10) as kept:
            kept.sendall(b"a")
            assert kept.recv(1) == b"a"
            other.close()
            kept.sendall(b"b")
            assert kept.recv(1) == b"b", "a connection that stands stays"
    assert refused(other.address)
    assert echoed(forward.address) == b"hello"
    assert server.network.forwards == (forward,)
    server.stop()
    assert refused(forward.address)
    with pytest.raises(GuestError, match="has ended"):
        server.network.forward(7)
    forward.close()


def test_it_listens_where_forwards_are_and_nowhere_else(server: Guest) -> None:
    process = pid_of(server)
    assert listening(process) == []
    with server.network.forward(7) as forward:
        assert listening(process) == [f"0100007F:{forward.host_port:04X}"]
    assert listening(process) == []


def test_two_forwards_of_datagrams(server: Guest) -> None:
    """Each is answered from where it was asked."""
    forwards = [server.network.forward(7, protocol="udp") for _ in range(2)]
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        for forward in [*forwards, *forwards]:
            sock.sendto(b"a datagram", forward.address)
            assert sock.recvfrom(100) == (b"a datagram", forward.address)


def test_ports_that_cannot_be_had(server: Guest) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"Port {port} of this machine is in use"):
            server.network.forward(7, port)
    with pytest.raises(UsageError, match="is no port"):
        server.network.forward(0)
    with server.network.forward(7) as forward, pytest.raises(UsageError, match="in use"):
        server.network.forward(9, forward.host_port)
    assert server.network.forwards == ()


def test_nobody_takes_a_forward_before_the_program_listens(image: Image) -> None:
    """From before its first instruction the port is the guest's."""
    with labkit.boot(image, forward={0: 7}, arguments=["--delay=1"]) as guest:
        (forward,) = guest.network.forwards
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(forward.address)
        assert refused(forward.address)
        guest.console.expect("ready", timeout=20)
        assert echoed(forward.address) == b"hello"


def test_a_forward_that_waits(server: Guest) -> None:
    """One to where nobody listens is there, and leads to nobody."""
    with server.network.forward(99) as forward:
        assert refused(forward.address)


def test_a_program_that_hears_nothing(server: Guest) -> None:
    os.kill(pid_of(server), signal.SIGSTOP)
    with pytest.raises(GuestError, match="has not said in 5 s"):
        server.network.forward(7)
    os.kill(pid_of(server), signal.SIGCONT)
    assert echoed(server.network.forward(7).address) == b"hello"


def test_check(server: Guest, root: Path) -> None:
    assert repr(server.network.check(7)) == (
        "Can services be reached on port 7? Yes.\n  ok  tcp      the program listens on port 7"
    )
    found = server.network.check(80)
    assert found.failed is not None
    assert found.failed.words == "the program does not listen on port 80; it does on 7, 9, 13"
    assert server.network.check(13, http=True).failed is not None
    with labkit.boot(labkit.build(root / "images" / "web", "unix")) as web:
        assert web.network.check(80).ok
        page = urllib.request.urlopen(web.network.reach(80).url, timeout=10).read()  # noqa: S310  a forward
        assert page == (root / "images" / "web" / "htdocs" / "index.html").read_bytes()


@pytest.mark.parametrize("what", ["capture", "impair", "ping"])
def test_what_needs_frames_is_refused(server: Guest, what: str) -> None:
    with pytest.raises(UsageError, match="uses this machine's sockets"):
        getattr(server.network, what)()


def test_wires_and_captures_are_refused(image: Image) -> None:
    for options in ({"network": labkit.Wire()}, {"capture": True}):
        with pytest.raises(UsageError, match="no frames of its own"):
            labkit.boot(image, **options)  # type: ignore[arg-type]


def test_more_connections_than_descriptors(image: Image) -> None:
    """Those that there is no room for wait, and are served when others have gone."""
    with labkit.boot(image, timeout=60) as guest:
        guest.console.expect("ready", timeout=20)
        forward = guest.network.forward(7)
        subprocess.run(["prlimit", "--nofile=30:30", f"--pid={pid_of(guest)}"], check=True)
        connections = [socket.create_connection(forward.address, timeout=10) for _ in range(40)]
        guest.console.expect("no connection is taken until another ends", timeout=10)
        for connection in connections:
            connection.sendall(b"x")
        answers: list[bytes] = []
        for connection in connections:
            answers.append(connection.recv(1))
            connection.close()
        assert answers == 40 * [b"x"]


def test_by_hand(image: Image) -> None:
    """Without labkit it listens on its own ports, and says why if it may not."""
    with socket.create_server(("127.0.0.1", 7)) if os.getuid() == 0 else socket.socket():
        done = subprocess.run(
            [image.path], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL
        )
    assert done.returncode == 2
    assert re.search(
        r"TCP port 7 cannot be listened on: (Address already in use|Permission denied)", done.stderr
    )
    told = subprocess.run(
        [image.path],
        env={"UNIKERNEL_PORTS": "80-80"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert 'has \\"80-80\\", which is no pair of ports' in told.stderr


def test_ports_by_hand(image: Image) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [image.path, "--logs=quiet"]
    with subprocess.Popen(
        command, env={"UNIKERNEL_PORTS": f"{port}:7"}, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert echoed(("127.0.0.1", port)) == b"hello"
        process.kill()


def test_from_many_threads(server: Guest) -> None:
    """Forwards made and taken away while connections come: none is mixed up, none is left."""
    failed: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(10):
                with server.network.forward(7) as forward:
                    assert echoed(forward.address) == b"hello"
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert server.network.forwards == ()
    assert listening(pid_of(server)) == []
