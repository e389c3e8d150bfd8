"""Guests seen from other processes, and guests that stay."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable

import pytest

from labkit.build.image import Image
from labkit.errors import HostError, ImageError, UsageError
from labkit.guest import Reason, State, attach, boot, find_guest, gc, list_guests, stop_guest, wire
from labkit.guest.attached import AttachedGuest

pytestmark = pytest.mark.live

Kernel = Callable[[str], Image]
Find = Callable[[str], list[int]]
Eventually = Callable[[Callable[[], bool], float], float]


def test_a_console_is_relayed_from_its_beginning_and_answers(kernel: Kernel) -> None:
    with boot(kernel("echo")) as guest:
        guest.console.expect("ready\n")
        guest.console.send("before ")
        guest.console.expect("before ")
        with attach("echo") as seen:
            assert seen.name == guest.name
            seen.console.expect("ready\nbefore ")
            seen.console.send("hello")
            seen.console.expect("hello")
            guest.console.expect("hello")
        assert seen.state is State.RUNNING  # it was let go of
        assert guest.state is State.RUNNING
        with attach(guest.name) as again:
            again.console.send("q")
            ending = again.wait(10)
        assert ending == guest.wait(10)
        assert ending.status == 0


def test_what_was_printed_before_and_how_it_ended_reach_every_reader(kernel: Kernel) -> None:
    with boot(kernel("flood"), arguments=["2000"]) as guest:
        readers = [attach(guest.name) for _ in range(3)]
        endings = [reader.wait(60) for reader in readers]
        assert guest.wait(10).status == 0
        for reader, ending in zip(readers, endings, strict=True):
            assert ending.status == 0
            assert reader.console.raw() == guest.console.raw()
            reader.close()


def test_stop_from_outside(kernel: Kernel, processes_with: Find) -> None:
    with boot(kernel("spin")) as guest:
        guest.console.expect("spinning")
        assert stop_guest("spin") == guest.name
        ending = guest.wait(10)
    assert (ending.status, ending.reason) == (None, Reason.STOPPED)
    assert not processes_with(guest.name)


def test_stop_through_the_relay(kernel: Kernel) -> None:
    with boot(kernel("spin")) as guest, attach(guest.name) as seen:
        assert seen.stop().reason is Reason.STOPPED
        assert guest.wait(10).reason is Reason.STOPPED


def test_names_are_found_by_their_beginning(kernel: Kernel) -> None:
    with pytest.raises(UsageError, match="No guest is named"):
        attach("forever")
    with boot(kernel("forever")) as first, boot(kernel("forever")) as second:
        with pytest.raises(UsageError, match="2 guests") as caught:
            attach("forever")
        assert first.name in str(caught.value)
        assert find_guest(second.name).name == second.name


def test_a_guest_that_stays_outlives_us_and_is_found(
    kernel: Kernel, processes_with: Find, eventually: Eventually
) -> None:
    with boot(kernel("echo"), stay=True) as guest:
        guest.console.expect("ready\n")
        name = guest.name
    (info,) = list_guests()
    assert (info.name, info.ownership.stay) == (name, True)
    assert info.ownership.owner.pid != os.getpid()
    assert gc().guests == ()
    with attach(name) as seen:
        seen.console.expect("ready\n")
        seen.console.send("still here?")
        seen.console.expect("still here?")
        seen.console.send("q")
        assert seen.wait(10).status == 0
    keeper = info.ownership.owner
    eventually(lambda: not keeper.alive, 5)
    assert not info.folder.exists()
    assert not processes_with(name)


def test_a_guest_that_stays_can_be_stopped(kernel: Kernel, eventually: Eventually) -> None:
    with boot(kernel("forever"), stay=True) as guest:
        guest.console.expect("ever")
        keeper = find_guest(guest.name).ownership.owner
        assert guest.stop().reason is Reason.STOPPED
    eventually(lambda: not keeper.alive, 5)


def test_a_killed_keeper_takes_its_guest_along(
    kernel: Kernel, processes_with: Find, eventually: Eventually
) -> None:
    with boot(kernel("forever"), stay=True) as guest:
        guest.console.expect("ever")
        keeper = find_guest(guest.name).ownership.owner
        os.kill(keeper.pid, signal.SIGKILL)
        with pytest.raises(HostError, match="owned"):
            guest.wait(5)
    eventually(lambda: not processes_with(guest.name), 2)
    assert len(gc().folders) == 1


def test_a_keeper_tells_its_errors(kernel: Kernel) -> None:
    with pytest.raises(UsageError):
        boot(kernel("hello"), stay=True, memory=0)
    with pytest.raises(ImageError):
        boot(Image(kernel("hello").path.with_name("gone"), kernel("hello").manifest), stay=True)


def test_frames_survive_any_cut() -> None:
    sent = [(wire.CONSOLE, b"abc"), (wire.EVENT, b""), (wire.CONSOLE, bytes(300))]
    stream = b"".join(wire.frame(*one) for one in sent)
    for size in (1, 2, 7, 100, 1000):
        reader = wire.FrameReader()
        got = []
        for at in range(0, len(stream), size):
            got += reader.feed(stream[at : at + size])
        assert got == sent
    with pytest.raises(wire.WireError):
        wire.FrameReader().feed(b"C\xff\xff\xff\xff")


def test_a_slow_reader_is_told_what_it_missed(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_CONSOLE_BYTES", "4096")
    with boot(kernel("flood"), arguments=["8000"]) as guest:
        guest.console.expect("0000000000")
        with socket.socket(socket.AF_UNIX) as slow:
            slow.connect(str(find_guest(guest.name).folder / "relay"))
            guest.console.expect("0000007999", 60)
            reader = wire.FrameReader()
            frames: list[tuple[bytes, bytes]] = []
            while data := slow.recv(65536):
                frames += reader.feed(data)
    console = sum(len(content) for kind, content in frames if kind == wire.CONSOLE)
    missed = sum(json.loads(content)["bytes"] for kind, content in frames if kind == wire.CUT)
    assert missed > 0
    assert console + missed == 8000 * 64
    assert frames[-1][0] == wire.END


def test_nonsense_at_the_relay_harms_nobody(kernel: Kernel) -> None:
    with boot(kernel("echo")) as guest:
        guest.console.expect("ready")
        for nonsense in (b"C\xff\xff\xff\xff", b"GET / HTTP/1.0\r\n\r\n", b"Z\0\0\0\0", b""):
            with socket.socket(socket.AF_UNIX) as visitor:
                visitor.connect(str(find_guest(guest.name).folder / "relay"))
                visitor.sendall(nonsense)
        with attach(guest.name) as seen:
            assert isinstance(seen, AttachedGuest)
        guest.console.send("q")
        assert guest.wait(10).status == 0
