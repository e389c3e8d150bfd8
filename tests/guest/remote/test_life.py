"""A guest's life on another machine: the same as here."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labkit import Disk
from labkit.build.image import Image
from labkit.errors import GuestError, UsageError
from labkit.guest import Reason, State
from labkit.guest.remote import RemoteGuest, boot_remote
from labkit.host.diskfile import DiskLock
from labkit.host.remote import RemoteHost
from labkit.settings import settings

pytestmark = pytest.mark.live

Start = Callable[..., RemoteGuest]
Images = Callable[[str], Image]


def test_a_guest_says_hello_and_ends_with_its_status(start: Start, server: Any) -> None:
    with start("hello", arguments=["one", "two words", 'a "quoted" one']) as guest:
        ending = guest.wait(20)
    assert (ending.status, ending.reason) == (7, Reason.EXIT)
    assert guest.console.lines() == [
        "hello from a test kernel",
        'arguments: one "two words" "a \\"quoted\\" one"',
        "last line",
    ]
    assert ending.stamps == {"kernel": 0, "runtime": 1_500_000, "start": 2_500_000}
    assert guest.state is State.ENDED
    assert not server.left


def test_what_is_typed_arrives_and_comes_back(start: Start, server: Any) -> None:
    with start("echo") as guest:
        guest.console.expect("ready")
        for word in ("one", "two"):
            guest.console.send(word)
            guest.console.expect(word)
        guest.console.send("q")
        assert guest.wait(20).status == 0
    assert not server.left


def test_no_byte_of_a_flood_is_lost(far: RemoteHost, image: Images, server: Any) -> None:
    lines = 20_000
    with boot_remote(image("tests/images/flood"), far, arguments=[f"--lines={lines}"]) as guest:
        assert guest.wait(60).status == 0
    assert guest.console.size == 100 * lines
    numbers = [int(line[:8]) for line in guest.console.lines()[1:] if len(line) == 99]
    assert numbers == list(range(lines - len(numbers) + 1, lines + 1))
    assert not server.left


def test_a_panic_ends_with_255_and_its_reason(start: Start) -> None:
    with start("panic") as guest:
        ending = guest.wait(20)
    assert (ending.status, ending.reason) == (255, Reason.PANIC)
    assert "a test of panics" in ending.detail


def test_an_end_without_a_record_is_a_crash(start: Start) -> None:
    with start("nothing") as guest:
        assert guest.wait(20).reason is Reason.CRASH


def test_stop_ends_a_guest_that_never_would(start: Start, server: Any) -> None:
    guest = start("spin")
    guest.console.expect("spinning\n")
    assert guest.name in server.domains
    ending = guest.stop()
    assert (ending.status, ending.reason) == (None, Reason.STOPPED)
    assert guest.stop() is ending
    assert not server.left
    guest.close()
    with pytest.raises(GuestError, match="has ended"):
        guest.console.send("too late")


def test_limits_are_kept(start: Start, server: Any) -> None:
    with start("forever", timeout=0.5) as guest:
        assert guest.wait(20).reason is Reason.TIME_LIMIT
    with start("flood", output_limit=100_000) as guest:
        assert guest.wait(20).reason is Reason.OUTPUT_LIMIT
    assert not server.left


def test_guests_share_a_connection(start: Start, server: Any) -> None:
    with start("forever") as first, start("forever") as second:
        first.console.expect("ever")
        second.console.expect("ever")
        assert set(server.domains) == {first.name, second.name}
        assert len(server.sshd.sessions()) == 1
    assert not server.left


def test_an_image_is_copied_once(far: RemoteHost, kernel: Callable[[str], Image]) -> None:
    there = Path(far.bring(kernel("hello").path))
    before = there.stat()
    assert far.bring(kernel("hello").path) == str(there)
    assert there.stat().st_ino == before.st_ino
    there.write_bytes(b"damaged")  # and again if it is not what it should be
    far.bring(kernel("hello").path)
    assert there.read_bytes() == kernel("hello").path.read_bytes()


def test_a_disk_is_brought_there_and_back(far: RemoteHost, shell: Any, disk: Disk, server: Any) -> None:
    before = disk.path.stat().st_mode
    with boot_remote(shell.image, far, disks={"storage": disk}) as guest:
        guest.console.expect("> ready\n", timeout=20)
        assert shell.ask(guest, "write 5 1 77") == "done"
        with pytest.raises(UsageError):
            DiskLock(disk.path, shared=False)
        guest.stop()
    assert disk.path.read_bytes()[5 * 512 : 6 * 512] == (77).to_bytes(8, "little") * 64
    assert disk.path.stat().st_mode == before
    assert not server.left


def test_a_disk_to_be_read_only_stays_as_it_is(far: RemoteHost, shell: Any, disk: Disk, server: Any) -> None:
    with boot_remote(shell.image, far, disks={"storage": disk.as_read_only()}) as guest:
        guest.console.expect("> ready\n", timeout=20)
        assert shell.ask(guest, "read 5") == "0"
        assert shell.ask(guest, "write 5 1 77").startswith("no")
    assert disk.path.read_bytes() == bytes(disk.path.stat().st_size)
    assert not server.left


def test_a_port_leads_to_the_guest(far: RemoteHost, image: Images, server: Any) -> None:
    with boot_remote(image("images/web"), far, forward={0: 80}) as guest:
        leads = guest.network.forwards[0]
        page = _page(leads.url)
        assert "<html" in page.lower()
        assert _page(guest.network.forward(80).url) == page
        with pytest.raises(UsageError, match="out of reach"):
            guest.network.ping()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(leads.address, timeout=5)
    assert not server.left


def test_the_command_line_runs_it_there(root: Path, server: Any, tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "known_hosts").write_text(server.sshd.known_hosts.read_text())
    (tmp_path / ".ssh" / "config").write_text(f"Host *\n IdentityFile {server.sshd.key}\n")
    environment = {"LABKIT_CACHE": str(settings().cache), **os.environ, "HOME": str(tmp_path)}
    for scheme in ("ssh", "qemu+ssh"):
        host = f"{scheme}://{server.sshd.user}@127.0.0.1:{server.sshd.port}"
        done = subprocess.run(
            [sys.executable, "-m", "labkit", "run", "images/hello", "--host", host, "--", "--count=1"],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("Hello, world!") == 1
    assert not server.left


def _page(url: str) -> str:
    """A page, once the guest serves it."""
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  the guest's
                text: str = answer.read().decode()
                return text
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)  # what is waited for is the guest's server, of which nobody tells
