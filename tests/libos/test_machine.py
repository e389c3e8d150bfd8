"""Clock, console and entropy of the kernel, as a unikernel sees them."""

from __future__ import annotations

import re
import time

import pytest

from labkit.host import open_host

PROCESSOR_NS = 4  # place of the processor time in libvirt's virDomainInfo

pytestmark = pytest.mark.live


def test_stamps_are_in_order(end_of) -> None:
    end, _ = end_of("ending")
    assert list(end.stamps) == ["kernel", "runtime", "start"]
    assert 0 == end.stamps["kernel"] < end.stamps["runtime"] < end.stamps["start"] < 5_000_000_000


def test_sleep_takes_the_time_of_this_machine(start) -> None:
    guest = start("machine", "--what=sleep")
    guest.console.expect("sleeping 2 s")
    began = time.monotonic()
    guest.console.expect("awake", timeout=20)
    assert 1.9 < time.monotonic() - began < 4.0


def test_monotonic_and_wall_clock_agree(end_of) -> None:
    _, text = end_of("machine", "--what=clocks")
    found = re.search(r"monotonic (\d+) wall (\d+)", text)
    assert found, text
    monotonic, wall = int(found[1]), int(found[2])
    assert monotonic == pytest.approx(500_000_000, rel=0.2)
    assert wall == pytest.approx(monotonic, rel=0.01)


def test_wall_clock_is_this_machines(end_of) -> None:
    before = time.time()
    _, text = end_of("machine", "--what=clocks")
    found = re.search(r"now (\d+)", text)
    assert found, text
    # The battery-backed clock has whole seconds.
    assert before - 2 <= int(found[1]) / 1e9 <= time.time() + 2


def test_random_bytes_differ_from_boot_to_boot(end_of) -> None:
    seen = set()
    for _ in range(3):
        _, text = end_of("machine", "--what=random")
        found = re.search(r"random ([0-9a-f]{64})", text)
        assert found, text
        assert found[1] != "0" * 64
        seen.add(found[1])
    assert len(seen) == 3


def test_idle_guest_sleeps(start) -> None:
    """A guest that waits for input does not burn the processor."""
    guest = start("echo")
    guest.console.expect("ready")
    guest.console.send("one\n")
    guest.console.expect("you said: one")
    with open_host() as host:
        domain = host.connection.lookupByName(guest.name)
        before = domain.info()[PROCESSOR_NS]
        time.sleep(1.0)  # the measure is what happens while nothing does
        assert domain.info()[PROCESSOR_NS] - before < 200_000_000


def test_console_input_is_answered(start) -> None:
    guest = start("echo")
    guest.console.expect("ready")
    for number in range(200):
        guest.console.send(f"line {number}\n")
        guest.console.expect(f"you said: line {number}\n")
    guest.console.send("bye\n")
    assert guest.wait(timeout=10).status == 0


def test_arguments_arrive_as_they_were_given(end_of) -> None:
    words = ["plain", "two words", 'a "quote"', "back\\slash", "", "ünïcödé", "-dash=--x"]
    _, text = end_of("machine", "--what=arguments", "--", *words)
    assert [line.removeprefix("argument ") for line in text.splitlines() if line.startswith("argument ")] == [
        repr_ocaml(word) for word in words
    ]


def repr_ocaml(word: str) -> str:
    """OCaml's %S of a word in UTF-8."""
    simple = {'"': '\\"', "\\": "\\\\"}
    return (
        '"'
        + "".join(
            simple.get(chr(byte), chr(byte) if 32 <= byte < 127 else f"\\{byte:03d}")
            for byte in word.encode()
        )
        + '"'
    )
