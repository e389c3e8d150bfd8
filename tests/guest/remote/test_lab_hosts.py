"""Guests on the lab's own hosts: Xen's dom0 by xl, and a KVM host by libvirt, both over SSH."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit import Disk
from labkit.build.builder import build
from labkit.errors import HostError, UsageError
from labkit.guest import Reason
from labkit.guest.remote import RemoteGuest, boot_remote
from labkit.host import labhost
from labkit.host.remote import KINDS, RemoteHost, open_remote

pytestmark = [pytest.mark.live, pytest.mark.slow]

Eventually = Callable[[Callable[[], bool], float], float]

# What this machine's libvirt shows as well (test_life.py) is tried on Xen only.
on_xen = pytest.mark.parametrize("host", ["xen"], indirect=True)

PATIENCE = 5.0
LIMIT = 60.0  # these machines are emulated


@pytest.fixture(scope="module", params=KINDS)
def host(request: pytest.FixtureRequest, run_folder: Path) -> Iterator[RemoteHost]:
    """A lab host, resumed; the first time it is built."""
    try:
        with open_remote(request.param, patience=PATIENCE) as opened:
            yield opened
    finally:
        labhost.down(request.param)


def left(host: RemoteHost) -> str:
    """What is left of guests there."""
    guests = (
        "xl list | grep -v Domain-0 | grep -v ^Name" if host.manager == "xl" else "virsh list --all --name"
    )
    look = f'{guests}; ls -A "$1/guests"; losetup -a; ls "$1/images" | grep part'
    done = host.run("sh", "-c", look, "look", host.survey.folder)
    return done.output.decode().strip()


def build_for(host: RemoteHost, folder: Path) -> Any:
    """The image of a folder, for what runs there."""
    return build(folder, host.target)


def test_hello_says_all_of_it(host: RemoteHost, root: Path) -> None:
    pieces: list[bytes] = []
    with boot_remote(build_for(host, root / "images" / "hello"), host, arguments=["--count=3"]) as guest:
        guest.console.subscribe(pieces.append)
        ending = guest.wait(LIMIT)
    assert (ending.status, ending.reason) == (0, Reason.EXIT)
    assert set(ending.stamps) == {"kernel", "runtime", "start"}
    lines = guest.console.lines()
    assert len(lines) == 3
    assert all(line.endswith("Hello, world!") for line in lines)
    assert b"" not in pieces[:-1]  # it stands for the end
    assert not left(host)


@on_xen
def test_what_is_typed_arrives(host: RemoteHost, root: Path) -> None:
    with boot_remote(build_for(host, root / "tests" / "images" / "echo"), host) as guest:
        guest.console.send("hello there\n")
        guest.console.expect("hello there", timeout=LIMIT)
    assert not left(host)


@on_xen
def test_a_status_passes_through(host: RemoteHost, root: Path) -> None:
    image = build_for(host, root / "tests" / "images" / "ending")
    with boot_remote(image, host, arguments=["--how=exit"]) as guest:
        assert guest.wait(LIMIT).status == 3
    assert not left(host)


def test_a_disk_is_written_and_brought_back(host: RemoteHost, root: Path, tmp_path: Path) -> None:
    disk = Disk.create(tmp_path / "disk.img", "64 KiB").path
    image = build_for(host, root / "images" / "block")
    words = ["--sector=3", "--write=still here"]
    with boot_remote(image, host, arguments=words, disks={"storage": disk}) as guest:
        assert guest.wait(LIMIT).status == 0
    assert disk.read_bytes()[3 * 512 :].startswith(b"still here")
    with boot_remote(image, host, arguments=["--sector=3"], disks={"storage": disk}) as guest:
        guest.console.expect('"still here"', timeout=LIMIT)
    assert not left(host)


def test_its_pages_are_served_here(host: RemoteHost, root: Path) -> None:
    with boot_remote(build_for(host, root / "images" / "web"), host, forward={0: 80}) as guest:
        url = guest.network.forwards[0].url
        deadline = time.monotonic() + LIMIT
        while True:
            try:
                with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  the guest's
                    page = answer.read()
                break
            except OSError:
                assert time.monotonic() < deadline, guest.console.text()
                time.sleep(0.2)  # nobody tells when the guest has its address
        assert b"<html" in page.lower()
    assert not left(host)


@on_xen
def test_a_guest_without_end_is_stopped(host: RemoteHost, root: Path) -> None:
    image = build_for(host, root / "tests" / "images" / "echo")
    with boot_remote(image, host, timeout=1.0) as guest:
        assert guest.wait(LIMIT).reason is Reason.TIME_LIMIT
    assert not left(host)


@on_xen
def test_more_memory_than_there_is(host: RemoteHost, root: Path) -> None:
    with pytest.raises(HostError, match="has not enough memory"):
        boot_remote(build_for(host, root / "images" / "hello"), host, memory=4096)
    assert not left(host)


def test_an_image_for_another_target(host: RemoteHost, root: Path) -> None:
    other = {"xen": "virtio", "virtio": "xen"}[host.target]
    with pytest.raises(UsageError, match=f"built for the target {other}"):
        boot_remote(build(root / "images" / "hello", other), host)


def test_a_cut_leaves_nothing(host: RemoteHost, root: Path, eventually: Eventually) -> None:
    with boot_remote(build_for(host, root / "tests" / "images" / "echo"), host) as guest:
        assert isinstance(guest, RemoteGuest)
        _cut(host)
        with pytest.raises(HostError, match="was cut"):
            guest.wait(LIMIT)
    eventually(lambda: not left(host), LIMIT)


def test_a_killed_client_leaves_nothing(host: RemoteHost, root: Path, eventually: Eventually) -> None:
    name = "xen" if host.manager == "xl" else "kvm"
    assert not left(host)
    client = subprocess.Popen(
        [sys.executable, "-m", "labkit", "run", "tests/images/echo", "--host", name],
        cwd=root,
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    eventually(lambda: bool(left(host)) or client.poll() is not None, LIMIT)
    client.send_signal(signal.SIGKILL)
    client.wait(10)
    assert client.stdout
    client.stdout.close()
    eventually(lambda: not left(host), LIMIT)


def _cut(host: RemoteHost) -> None:
    """Cut its connection, here."""
    connection = host.session._connection
    assert connection is not None
    connection.transport.sock.close()
