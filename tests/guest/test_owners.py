"""Guests and the processes that own them: nothing outlives its owner, nothing is left behind."""

from __future__ import annotations

import gc as garbage
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from labkit.build.image import Image
from labkit.errors import HostError
from labkit.guest import Reason, boot, gc, list_guests
from labkit.guest.ownership import Owner, this_process
from labkit.host import open_host
from labkit.host.connection import Host
from labkit.host.daemon import Daemon
from labkit.host.identity import identity
from labkit.settings import settings

pytestmark = pytest.mark.live

Kernel = Callable[[str], Image]
Find = Callable[[str], list[int]]
Eventually = Callable[[Callable[[], bool], float], float]

ROOT = Path(__file__).resolve().parents[2]
CLIENT = """
import sys
from labkit.build.image import Image
from labkit.guest import boot
guest = boot(Image.load(sys.argv[1]))
guest.console.expect("ever")
print(guest.name, flush=True)
sys.stdin.read()
"""


@contextmanager
def client(image: Image) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process that owns a guest: the process, the guest's name."""
    process = subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(image.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def test_a_killed_client_takes_its_guest_along(
    kernel: Kernel, processes_with: Find, eventually: Eventually, host: Host
) -> None:
    with client(kernel("forever")) as (process, name):
        assert len(processes_with(name)) == 1
        os.kill(process.pid, signal.SIGKILL)
        assert eventually(lambda: not processes_with(name), 2) < 2
    eventually(lambda: not list_guests(host), 2)
    folders = list(host.folder.iterdir())
    assert len(folders) == 1
    assert gc(host).folders == tuple(folders)
    assert not list(host.folder.iterdir())


def test_a_guest_is_listed_with_its_owner(kernel: Kernel, host: Host) -> None:
    with client(kernel("forever")) as (process, name):
        (info,) = list_guests(host)
        assert info.name == name
        assert info.state == "running"
        assert info.ownership.owner.pid == process.pid
        assert info.ownership.owner.alive
        assert info.ownership.image == str(kernel("forever").path)
        assert not info.ownership.stay
        assert not info.orphaned
        assert gc(host).guests == ()
        assert list_guests(host)


def test_foreign_domains_are_left_alone(host: Host) -> None:
    foreign = host.connection.createXML(
        "<domain type='qemu'><name>foreign</name><memory unit='MiB'>16</memory>"
        "<os><type machine='pc'>hvm</type></os></domain>"
    )
    try:
        assert list_guests(host) == []
        assert gc(host).guests == ()
        assert foreign.isActive()
    finally:
        foreign.destroy()


def test_an_owner_is_no_later_process_of_the_same_number() -> None:
    here = this_process()
    assert here.alive
    assert not Owner(here.pid, here.start + 1).alive
    child = subprocess.Popen(["true"])
    child_pid = child.pid
    assert not Owner(child_pid, 1).alive
    child.wait()


def state_of_this_process() -> tuple[int, int, list[str]]:
    """Open files, threads, children."""
    children: list[str] = []
    for thread in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            children += (thread / "children").read_text().split()
    return len(list(Path("/proc/self/fd").iterdir())), threading.active_count(), children


@pytest.mark.parametrize("rounds", [20, pytest.param(100, marks=pytest.mark.slow)])
def test_rounds_leave_nothing(
    kernel: Kernel, host: Host, processes_with: Find, eventually: Eventually, rounds: int
) -> None:
    mark = str(host.folder)

    def round_(number: int) -> None:
        with boot(kernel(("hello", "forever", "panic")[number % 3])) as guest:
            if number % 3 == 1:
                guest.console.expect("ever")
            else:
                guest.wait(20)

    round_(0)
    garbage.collect()  # of tests before this one
    before = state_of_this_process()
    for number in range(rounds):
        round_(number)
    eventually(lambda: state_of_this_process() == before, 2)  # libvirt's thread closes the last connection
    assert not list(host.folder.iterdir())
    assert not processes_with(mark)
    assert not host.connection.listAllDomains()


def test_many_at_once(kernel: Kernel) -> None:
    failures: list[BaseException] = []

    def one() -> None:
        try:
            with boot(kernel("hello")) as guest:
                assert guest.wait(30).status == 7
        except BaseException as error:  # noqa: BLE001  told below, in the test's thread
            failures.append(error)

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures


class TestDaemon:
    """libvirt's daemon comes, goes and is killed."""

    @pytest.fixture
    def own(self, monkeypatch: pytest.MonkeyPatch, eventually: Eventually) -> Iterator[Path]:
        """A run folder with a daemon of its own, which is ended afterwards."""
        run = Path(os.environ["LABKIT_RUN"]).with_name("d")
        monkeypatch.setenv("LABKIT_RUN", str(run))
        yield run
        if daemons(run):  # it removes the guests of clients that were just killed, unless it is ended before
            eventually(lambda: not list_guests(), 10)
        for number in daemons(run):
            os.kill(number, signal.SIGTERM)

    def test_two_clients_start_one(self, own: Path, kernel: Kernel) -> None:
        with client(kernel("forever")) as (_, first), client(kernel("forever")) as (_, second):
            assert len(daemons(own)) == 1
            assert {info.name for info in list_guests()} == {first, second}

    def test_racing_clients_start_one(self, own: Path) -> None:
        programs = [
            subprocess.Popen(
                [sys.executable, "-c", "from labkit.host import open_host; open_host().close()"],
                env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(4)
        ]
        assert [program.communicate()[1] for program in programs] == [""] * 4
        assert len(daemons(own)) == 1

    def test_killed_while_a_guest_runs(self, own: Path, kernel: Kernel, processes_with: Find) -> None:
        with boot(kernel("forever")) as guest:
            guest.console.expect("ever")
            for number in daemons(own):
                os.kill(number, signal.SIGKILL)
            with pytest.raises(HostError, match="daemon went away") as caught:
                guest.wait(10)
            assert "here for ever" in str(caught.value)
            assert guest.exit is not None
            assert guest.exit.reason is Reason.HOST_LOST
        assert not processes_with(guest.name)
        with boot(kernel("hello")) as after:
            assert after.wait(10).status == 7
        assert list_guests() == []

    def test_orphans_of_a_killed_daemon_go_at_the_next_boot(
        self, own: Path, kernel: Kernel, processes_with: Find
    ) -> None:
        with client(kernel("forever")) as (process, name):
            os.kill(process.pid, signal.SIGSTOP)  # it cannot clean up
            for number in daemons(own):
                os.kill(number, signal.SIGKILL)
            os.kill(process.pid, signal.SIGKILL)
        assert processes_with(name)
        with boot(kernel("hello")) as guest:
            assert guest.wait(10).status == 7
        assert not processes_with(name)

    def test_killed_together_with_the_client(
        self, own: Path, kernel: Kernel, processes_with: Find, eventually: Eventually
    ) -> None:
        with client(kernel("forever")) as (process, name):
            for number in daemons(own):
                os.kill(number, signal.SIGKILL)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        if processes_with(name):  # unless the client was quicker
            assert gc().guests == (name,)
        eventually(lambda: not processes_with(name), 2)
        gc()
        with open_host() as host:
            assert not list(host.folder.iterdir())


def daemons(run: Path) -> list[int]:
    """The libvirt daemons of a run folder."""
    mark = f"XDG_RUNTIME_DIR={Daemon.of(replace(settings(), run=run), identity()).home}/r".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                environment = (entry / "environ").read_bytes().split(b"\0")
                state = (entry / "stat").read_bytes().rpartition(b")")[2].split()[0]
            except OSError:
                continue
            ours = mark in environment
            if words[0].endswith(b"libvirtd") and ours and state not in (b"Z", b"X"):
                found.append(int(entry.name))
    return found
