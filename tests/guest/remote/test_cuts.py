"""Nothing is left on a server when the connection is cut or the client is killed, at whatever moment."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labkit import Disk
from labkit.build.image import Image
from labkit.errors import HostError, LabError
from labkit.guest import Reason
from labkit.guest.remote import RemoteGuest, boot_remote
from labkit.host.remote import RemoteHost
from labkit.host.ssh import connect

pytestmark = [pytest.mark.live, pytest.mark.slow]

Images = Callable[[str], Image]
Eventually = Callable[[Callable[[], bool], float], float]

SEED = int(os.environ.get("LABKIT_TEST_SEED", "6"))
CUTS = 20 if os.environ.get("LABKIT_TEST_FULL") else 10  # and as many clients are killed
LIMIT = 20.0  # the server's time-out is 2 s; the rest is for a machine that is busy


def works(host: RemoteHost, kernel: Callable[[str], Image]) -> None:
    """The next call works."""
    with boot_remote(kernel("hello"), host) as guest:
        assert guest.wait(30).status == 7


def test_cuts_at_random_moments(
    server: Any,
    sshd_module: Any,
    shell: Any,
    disk: Disk,
    kernel: Callable[[str], Image],
    eventually: Eventually,
) -> None:
    chance = random.Random(SEED)  # noqa: S311
    lost = 0
    with sshd_module.cable(server.sshd) as cable, server.enter(port=cable.port) as host:
        host.look()
        began = time.monotonic()
        works(host, kernel)
        usual = time.monotonic() - began
        for number in range(CUTS):
            cut = (cable.cut, server.sshd.kill_sessions)[number % 2]
            timer = threading.Timer(chance.uniform(0, usual), cut)
            timer.start()
            try:
                with boot_remote(shell.image, host, disks={"storage": disk}) as guest:
                    guest.console.expect("> ready\n", timeout=30)
                    timer.join()
                    guest.wait(30)
            except LabError:
                lost += 1
            timer.join()
            eventually(lambda: not server.left, LIMIT)
            works(host, kernel)
    assert lost == CUTS
    assert disk.path.read_bytes() == bytes(disk.path.stat().st_size)


def test_clients_killed_at_random_moments(
    server: Any,
    far: RemoteHost,
    image: Images,
    kernel: Callable[[str], Image],
    eventually: Eventually,
    root: Path,
) -> None:
    chance = random.Random(SEED)  # noqa: S311
    given = {
        "host": "127.0.0.1",
        "user": server.sshd.user,
        "port": server.sshd.port,
        "key": str(server.sshd.key),
        "known_hosts": str(server.sshd.known_hosts),
        "patience": 2.0,
        "image": str(image("images/web").path),
        "disks": {},
        "forward": True,
    }
    far.look()
    began = time.monotonic()
    works(far, kernel)
    usual = time.monotonic() - began
    for _ in range(CUTS):
        client = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("client.py")), json.dumps(given)],
            cwd=root,
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert client.stdout
        assert client.stdout.readline() == b"looked\n"
        time.sleep(chance.uniform(0, usual))  # the moment is what is tried
        client.send_signal(signal.SIGKILL)
        client.wait(10)
        client.stdout.close()
        eventually(lambda: not server.left, LIMIT)
        works(far, kernel)


def test_a_running_guest_says_that_it_was_lost(start: Callable[..., RemoteGuest], server: Any) -> None:
    with start("forever") as guest:
        guest.console.expect("ever")
        server.sshd.kill_sessions()
        with pytest.raises(HostError, match="was cut") as caught:
            guest.wait(30)
        assert guest.exit is not None
        assert guest.exit.reason is Reason.HOST_LOST
        assert "here for ever" in str(caught.value)


def test_a_dead_line_ends_the_guest_on_both_sides(
    server: Any,
    sshd_module: Any,
    kernel: Callable[[str], Image],
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connect, "ALIVE_SECONDS", 0.5)
    monkeypatch.setattr(connect, "DEAD_SECONDS", 2.0)
    with sshd_module.cable(server.sshd) as cable, server.enter(port=cable.port) as host:
        host.look()
        with boot_remote(kernel("forever"), host) as guest:
            guest.console.expect("ever")
            cable.freeze()
            eventually(lambda: not server.left, LIMIT)  # there, since nobody gives a sign of life
            with pytest.raises(HostError, match="was cut"):
                guest.wait(30)
            cable.cut()
        works(host, kernel)


def test_a_killed_supervisor_is_noticed_and_swept(
    start: Callable[..., RemoteGuest], server: Any, eventually: Eventually
) -> None:
    with start("forever") as guest:
        guest.console.expect("ever")
        folder = Path(guest.driver.folder)
        os.kill(int((folder / "owner").read_text().split()[0]), signal.SIGKILL)
        with pytest.raises(HostError):
            guest.wait(30)
    eventually(lambda: not server.left, LIMIT)


def test_what_a_dead_client_left_is_swept_by_the_next_call(
    start: Callable[..., RemoteGuest], server: Any, kernel: Callable[[str], Image]
) -> None:
    with start("forever") as guest:
        guest.console.expect("ever")
        owner = int((Path(guest.driver.folder) / "owner").read_text().split()[0])
        os.kill(owner, signal.SIGSTOP)  # as a server that crashed has it: nobody ends the guest
        try:
            server.sshd.kill_sessions()
            with pytest.raises(HostError):
                guest.wait(30)
            assert server.domains == [guest.name]
        finally:
            os.kill(owner, signal.SIGKILL)
        with server.enter() as next_client:
            assert next_client.look().swept == (guest.name,)
            assert not server.left
            works(next_client, kernel)
