"""Forwards: ports of this machine that lead to a guest, as long as they should."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.build.image import Image
from labkit.errors import GuestError, UsageError
from labkit.guest import Guest, attach, boot, list_guests, stop_guest
from labkit.guest.network.forward import check_free
from labkit.host import open_host
from labkit.host.backlog import BACKLOG, SYS_PIDFD_GETFD, may_widen, widen

pytestmark = pytest.mark.live

Serve = Callable[..., Guest]
TCP_INFO_MAX_BACKLOG = 28  # tcpi_sacked, which is that of a listening socket


def echoed(address: tuple[str, int], words: bytes = b"hello") -> bytes:
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(words)
        return connection.recv(len(words), socket.MSG_WAITALL)


def refused(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_forward_comes_and_goes(server: Guest) -> None:
    forward = server.network.forward(7)
    assert forward in server.network.forwards
    assert echoed(forward.address) == b"hello"
    with server.network.forward(7) as other:
        assert other.host_port != forward.host_port
        assert echoed(other.address) == b"hello"
    assert refused(other.address)
    assert echoed(forward.address) == b"hello", "the other one is not touched"
    forward.close()
    forward.close()
    assert refused(forward.address)
    assert not server.network.forwards


def test_a_chosen_port(server: Guest) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with server.network.forward(7, port) as forward:
        assert forward.host_port == port
        assert forward.url == f"http://127.0.0.1:{port}/"
        assert repr(forward) == f"<Forward 127.0.0.1:{port} to the guest's port 7>"
        assert echoed(("127.0.0.1", port)) == b"hello"


def test_udp(server: Guest) -> None:
    with server.network.forward(7, protocol="udp") as forward, socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        sock.sendto(b"a datagram", forward.address)
        assert sock.recv(100) == b"a datagram"


def test_it_is_bound_to_loopback_only(server: Guest) -> None:
    with server.network.forward(7) as forward:
        listening = [
            line.split()[1]
            for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
            if line.split()[1].endswith(f":{forward.host_port:04X}") and line.split()[3] == "0A"
        ]
        assert listening == [f"0100007F:{forward.host_port:04X}"]


def test_many_connections_may_wait(server: Guest) -> None:
    """QEMU itself lets one wait; the others would be tried again after a second."""
    with open_host() as host:
        assert host.daemon
        process = host.daemon.qemu(server.name)
        assert process
        if not may_widen(process):
            pytest.skip("this machine does not let us reach QEMU's sockets")
    with server.network.forward(7) as forward:
        assert forward.queue == BACKLOG
        for entry in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):
                if _listens(process, int(entry.name), forward.host_port) == BACKLOG:
                    break
        else:
            pytest.fail("QEMU's socket has a short queue")


def _listens(process: int, descriptor: int, port: int) -> int:
    """How many may wait at a socket of another process, if it listens on this port."""
    handle = os.pidfd_open(process)
    copy = ctypes.CDLL(None, use_errno=True).syscall(SYS_PIDFD_GETFD, handle, descriptor, 0)
    os.close(handle)
    if copy < 0:
        raise OSError
    with socket.socket(fileno=copy) as sock:
        if sock.getsockname()[1:] != (port,):
            raise OSError
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 64)
        return struct.unpack_from("I", info, TCP_INFO_MAX_BACKLOG)[0]


def test_a_queue_that_cannot_be_longer_stays() -> None:
    assert not widen(2**22 + 1, 0), "no such process"
    assert not widen(os.getpid(), 999), "no such descriptor"
    with socket.socket() as sock:
        assert not widen(os.getpid(), sock.fileno()), "it does not listen"
    with Path("/proc/self/stat").open() as file:
        assert not widen(os.getpid(), file.fileno()), "no socket"


def test_forwards_from_power_on_and_to_any_address(serve: Serve) -> None:
    guest = serve("--ipv4=10.0.2.77/24", "--ipv4-gateway=10.0.2.2", forward={0: 7})
    (forward,) = guest.network.forwards
    assert str(guest.network.wait_for_address()) == "10.0.2.77"
    assert echoed(forward.address) == b"hello"
    with guest.network.forward(7) as other:
        assert echoed(other.address) == b"hello"
    guest.stop()
    assert refused(forward.address)
    with pytest.raises(GuestError, match="has ended"):
        guest.network.forward(7)
    forward.close()


def test_a_port_in_use_is_refused_before_anything_starts(services: Image) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        before = len(list_guests())
        with pytest.raises(UsageError, match=f"Port {port} of this machine is in use") as caught:
            boot(services, forward={port: 7})
        assert "let the system choose" in caught.value.next_step
        assert len(list_guests()) == before


def test_another_guests_port_is_in_use(server: Guest, services: Image) -> None:
    with server.network.forward(7) as forward:
        with pytest.raises(UsageError, match="in use"):
            boot(services, forward={forward.host_port: 7})
        with pytest.raises(UsageError, match="in use"):
            server.network.forward(9, forward.host_port)
        assert echoed(forward.address) == b"hello"


@pytest.mark.parametrize("port", [0, -1, 65536, 1 << 40, "80", 80.0, True, None])
def test_what_is_no_port(server: Guest, port: object) -> None:
    with pytest.raises(UsageError, match="is no port"):
        server.network.forward(port)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="is no port"):
        server.network.check(port)  # type: ignore[arg-type]


def test_ports_for_root_only() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if os.geteuid() == 0 or lowest <= 1:
        pytest.skip("this user may have any port")
    with pytest.raises(UsageError, match="root only"):
        check_free(1)


def test_an_image_without_a_network_has_no_forwards(kernel: Callable[[str], Image]) -> None:
    with pytest.raises(UsageError, match="no network device"):
        boot(kernel("forever"), forward={0: 80})
    with boot(kernel("forever")) as guest, pytest.raises(UsageError, match="no network device"):
        _ = guest.network


def test_a_guest_that_stays_keeps_its_forwards(services: Image) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    guest = boot(services, stay=True, forward={port: 7}, timeout=120)
    try:
        guest.console.expect("ready", timeout=60)
        assert str(guest.network.wait_for_address()) == "10.0.2.15"
        guest.close()
        assert echoed(("127.0.0.1", port)) == b"hello"
        with attach(guest.name) as attached:
            assert str(attached.network.wait_for_address()) == "10.0.2.15"
            with attached.network.capture() as capture, attached.network.forward(7) as forward:
                assert echoed(forward.address) == b"hello"
                capture.wait_for('"hello"', timeout=10)
            assert refused(forward.address)
            assert attached.network.check(7).ok
    finally:
        stop_guest(guest.name)
    assert refused(("127.0.0.1", port))


def test_the_command_line(root: Path) -> None:
    labkit = [sys.executable, "-m", "labkit", "run", str(root / "tests" / "images" / "services")]
    command = [*labkit, "--forward", "0:7", "--timeout", "120"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr
        assert running.stdout
        told = next(line for line in running.stderr if "leads to" in line)
        assert told.endswith("/ leads to the guest's port 7\n")
        while "ready" not in running.stdout.readline():
            continue
        assert echoed(("127.0.0.1", int(told.split(":")[3].split("/")[0]))) == b"hello"
        running.terminate()
        running.communicate(timeout=30)
    for wrong, said in (
        (["--forward", "80"], "Write --forward HOST:GUEST"),
        (["--forward", "x:80"], "Write --forward HOST:GUEST"),
        (["--forward", "70000:80"], "is no port"),
        (["--forward", "8080:0"], "is no port"),
        (["--forward", "8080:80", "--forward", "8080:81"], "twice"),
    ):
        done = subprocess.run([*labkit, *wrong], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == 125
        assert said in done.stderr


@pytest.mark.parametrize(
    ("port", "arguments", "said"),
    [
        (80, [], "nothing listens on port 80 of the guest (RST); it does on 7"),
        (7, ["--ipv4=10.9.9.9/24"], "the guest says that it is 10.9.9.9, but its network is 10.0.2.0/24"),
    ],
)
def test_the_command_line_says_what_leads_nowhere(
    root: Path, port: int, arguments: list[str], said: str
) -> None:
    image = str(root / "tests" / "images" / "services")
    command = [sys.executable, "-m", "labkit", "run", image, "--forward", f"0:{port}", "--", *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr
        lines = iter(running.stderr)
        words = next(line for line in lines if "does not answer yet" in line)
        assert words.endswith(f"/ does not answer yet: {said}.\n")
        assert next(lines).startswith("  What to do: ")
        running.terminate()
        running.communicate(timeout=30)
