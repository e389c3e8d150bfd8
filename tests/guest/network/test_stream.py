"""Frames over sockets: whole and in order, however the bytes come; and no more kept than is allowed."""

from __future__ import annotations

import selectors
import socket
import threading

from hypothesis import given
from hypothesis import strategies as st

from labkit.guest.network.passage import in_pump
from labkit.guest.network.stream import UNSENT_BYTES, FrameStream
from labkit.guest.pump import Pump


def packed(frames: list[bytes]) -> bytes:
    return b"".join(len(frame).to_bytes(4, "big") + frame for frame in frames)


@given(st.lists(st.binary(max_size=70), max_size=20), st.lists(st.integers(1, 60), max_size=30))
def test_frames_are_whole_however_they_come(frames: list[bytes], cuts: list[int]) -> None:
    ours, theirs = socket.socketpair()
    came: list[bytes] = []
    pump = Pump("test")
    stream = FrameStream(pump, ours, came.extend)
    data = packed(frames)
    with theirs:
        for cut in [*cuts, len(data)]:
            theirs.sendall(data[:cut])
            data = data[cut:]
            stream.read()
    stream.read()
    pump.join()
    assert came == frames


def test_both_ways_and_the_end() -> None:
    ours, theirs = socket.socketpair()
    pump = Pump("test")
    came: list[bytes] = []
    done = threading.Event()

    def take(frames: list[bytes]) -> None:
        came.extend(frames)
        for frame in frames:
            stream.send(frame.upper())
        done.set()

    stream = FrameStream(pump, ours, take)
    pump.start()
    with theirs:
        theirs.sendall(packed([b"one", b"two"]))
        expected = packed([b"ONE", b"TWO"])
        assert theirs.recv(len(expected), socket.MSG_WAITALL) == expected
    assert done.wait(5)
    pump.stop()
    assert pump.join(5)
    assert came == [b"one", b"two"]


def test_a_reader_that_is_too_slow_misses_frames_and_they_are_counted() -> None:
    ours, theirs = socket.socketpair()
    pump = Pump("test")
    stream = FrameStream(pump, ours, lambda _frames: None)
    pump.start()
    frame = bytes(1500)
    count = 4 * UNSENT_BYTES // len(frame)

    def send() -> int:
        for _ in range(count):
            stream.send(frame)
        return stream.dropped

    dropped = in_pump(pump, send)
    assert count // 2 < dropped < count
    got = 0
    with theirs:
        theirs.settimeout(5)
        while got < (count - dropped) * (len(frame) + 4):
            got += len(theirs.recv(1 << 20))
    assert got == (count - dropped) * (len(frame) + 4)
    pump.stop()
    assert pump.join(5)


def test_a_callback_may_close_what_else_is_ready() -> None:
    pump = Pump("test")
    pairs = [socket.socketpair() for _ in range(8)]
    called: list[int] = []

    def watch(number: int) -> None:
        def ready(_mask: int) -> None:
            called.append(number)
            for ours, _ in pairs:
                pump.forget(ours)
            pairs.append(socket.socketpair())  # it gets a number that is free again
            pump.watch(pairs[-1][0], lambda _mask: called.append(-1), selectors.EVENT_READ)

        pump.watch(pairs[number][0], ready, selectors.EVENT_READ)

    for number, (_, theirs) in enumerate(list(pairs)):
        theirs.send(b"x")
        watch(number)
    pump.start()
    in_pump(pump, lambda: None)
    in_pump(pump, lambda: None)
    assert len(called) == 1
    assert pump.alive
    pump.stop()
    assert pump.join(5)
    for _, theirs in pairs:
        theirs.close()
