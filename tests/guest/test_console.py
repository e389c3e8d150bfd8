"""The console: bytes in order, none lost, bounded; expect, send, subscribe."""

from __future__ import annotations

import re
import resource
import threading
import time
from collections.abc import Callable

import pytest

from labkit.build.image import Image
from labkit.errors import ConsoleEnded, ConsoleTimeout, UsageError
from labkit.guest import Console, boot

Kernel = Callable[[str], Image]


def console(limit: int = 4096) -> tuple[Console, list[bytes]]:
    sent: list[bytes] = []
    return Console("guest", limit, sent.append), sent


class TestConsole:
    def test_keeps_what_comes_in_order(self) -> None:
        it, _ = console()
        for piece in (b"one\r\nt", b"wo\n", b"three"):
            it.feed(piece)
        assert it.raw() == b"one\r\ntwo\nthree"
        assert it.lines() == ["one", "two", "three"]
        assert it.size == 14
        assert it.cut == 0

    def test_says_what_it_cut(self) -> None:
        it, _ = console(limit=100)
        for number in range(100):
            it.feed(b"%09d\n" % number)
        assert it.size == 1000
        assert it.cut == 900
        assert it.lines()[0] == "[900 bytes were cut here]"
        assert it.lines()[-1] == "000000099"
        assert it.read_from(0) == (900, it.raw())
        assert it.read_from(995) == (995, b"0099\n")

    def test_memory_is_bounded(self) -> None:
        it, _ = console(limit=1 << 20)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        piece = bytes(range(256)) * 256
        for _ in range(3200):  # 200 MiB
            it.feed(piece)
        assert (it.size, it.cut) == (200 << 20, 199 << 20)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8 * 1024  # KiB

    def test_expect_goes_on_behind_the_match_before(self) -> None:
        it, _ = console()
        it.feed(b"a=1 b=2 a=3")
        number = re.compile(r"a=(\d)")
        first = it.expect(number, 0.1)
        second = it.expect(number, 0.1)
        assert (first.groups, second.groups) == (("1",), ("3",))
        assert second.before == " b=2 "

    def test_expect_waits(self) -> None:
        it, _ = console()
        threading.Timer(0.05, it.feed, [b"here it is"]).start()
        assert it.expect(b"it is", 5).before == "here "

    def test_expect_says_what_came_instead(self) -> None:
        it, _ = console()
        it.feed(b"something else\n")
        with pytest.raises(ConsoleTimeout) as caught:
            it.expect("ready", 0.01)
        assert isinstance(caught.value, TimeoutError)
        assert "something else" in str(caught.value)

    def test_expect_does_not_wait_for_the_dead(self) -> None:
        it, _ = console()
        it.close()
        began = time.monotonic()
        with pytest.raises(ConsoleEnded):
            it.expect("ready", 60)
        assert time.monotonic() - began < 1

    def test_expect_nothing_is_refused(self) -> None:
        with pytest.raises(UsageError):
            console()[0].expect("")

    def test_a_str_pattern_matches_utf8(self) -> None:
        it, _ = console()
        it.feed("grüße, welt".encode())
        assert it.expect(re.compile("gr(ü|x)ße"), 0.1).groups == ("ü",)

    def test_subscribers_get_backlog_then_live_then_the_end(self) -> None:
        it, _ = console()
        it.feed(b"old ")
        got: list[bytes] = []
        it.subscribe(got.append)
        end = it.subscribe(got.append, backlog=False)
        it.feed(b"new")
        end()
        it.close()
        assert got == [b"old ", b"new", b"new", b""]

    def test_a_broken_subscriber_is_dropped(self) -> None:
        it, _ = console()
        calls = []

        def broken(data: bytes) -> None:
            calls.append(data)
            raise RuntimeError("screen is gone")

        it.subscribe(broken)
        it.feed(b"a")
        it.feed(b"b")
        assert calls == [b"a"]
        assert it.raw() == b"ab"


@pytest.mark.live
def test_echo(kernel: Kernel) -> None:
    with boot(kernel("echo")) as guest:
        guest.console.expect("ready\n")
        for number in range(50):
            guest.console.send(f"line {number}\n")
            assert guest.console.expect(f"line {number}\n").before == ""


@pytest.mark.live
def test_who_waits_for_a_guest_that_ends_is_told_how(kernel: Kernel) -> None:
    with boot(kernel("panic")) as guest, pytest.raises(ConsoleEnded) as caught:
        guest.console.expect("ready\n", 60)
    with pytest.raises(ConsoleEnded) as refused:
        guest.console.send("hello?\n")
    for error in (caught.value, refused.value):
        assert f"{guest.name} has ended (panicked: " in error.what
        assert error.evidence[0].text == guest.console.last_words()
        assert "wait longer" not in error.next_step


@pytest.mark.live
def test_a_long_input_arrives_whole(kernel: Kernel) -> None:
    text = "".join(f"{number:07}\n" for number in range(4096))
    with boot(kernel("echo")) as guest:
        guest.console.expect("ready\n")
        guest.console.send(text)
        assert guest.console.expect("0004095\n", 30).before == text[:-8]


@pytest.mark.live
def test_no_byte_is_lost_from_the_first_on(kernel: Kernel) -> None:
    with boot(kernel("flood"), arguments=["4000"]) as guest:
        ending = guest.wait(60)
    assert ending.status == 0
    assert guest.console.size == 4000 * 64
    assert [int(line[:10]) for line in guest.console.lines()] == list(range(4000))


@pytest.mark.live
def test_a_flood_is_bounded_and_the_client_stays_responsive(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_CONSOLE_BYTES", "65536")
    lines = 16_000  # 1 MB: a serial port passes some hundred kilobytes a second
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    longest = 0.0
    with boot(kernel("flood"), arguments=[str(lines)]) as guest:
        while guest.exit is None:
            began = time.monotonic()
            guest.console.last_words()
            longest = max(longest, time.monotonic() - began)
            time.sleep(0.01)
        ending = guest.wait(1)
    assert ending.status == 0
    assert guest.console.size == lines * 64
    assert guest.console.cut == lines * 64 - 65536
    assert "bytes were cut here" in guest.console.text()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8 * 1024  # KiB
    assert longest < 0.5
