"""The kernel in a domain of Xen: clock, console, guards, disks and interfaces, as a unikernel sees them."""

from __future__ import annotations

import re
import time

import pytest

pytestmark = [pytest.mark.live, pytest.mark.slow]

MIB = 1 << 20


def test_sleep_takes_the_time_of_this_machine(xen) -> None:
    guest = xen("tests/images/machine", "--what=sleep")
    guest.console.expect("sleeping 2 s", timeout=60)
    began = time.monotonic()
    guest.console.expect("awake", timeout=30)
    assert 1.5 < time.monotonic() - began < 6.0


def test_clocks(xen, lab_xen) -> None:
    before = time.time()
    guest = xen("tests/images/machine", "--what=clocks")
    assert guest.wait() == 0, guest.console.text()
    text = guest.console.text()
    found = re.search(r"monotonic (\d+) wall (\d+)", text)
    now = re.search(r"now (\d+)", text)
    assert found, text
    assert now, text
    assert int(found[1]) == pytest.approx(500_000_000, rel=0.5)
    assert int(found[2]) == pytest.approx(int(found[1]), rel=0.01)
    drift = float(lab_xen.script("date +%s.%N")) - time.time()  # of the machine with Xen
    assert before - 5 <= int(now[1]) / 1e9 - drift <= time.time() + 5


def test_a_guest_that_waits_takes_no_time(xen, lab_xen) -> None:
    guest = xen("tests/images/echo")
    guest.console.expect("ready", timeout=60)

    def seconds() -> float:
        return float(lab_xen.script(f"xl list {guest.name} | tail -1").split()[-1])

    before = seconds()
    time.sleep(3.0)  # the measure is what happens while nothing does
    assert seconds() - before <= 0.3


def test_console_input_is_answered(xen) -> None:
    guest = xen("tests/images/echo")
    guest.console.expect("ready", timeout=60)
    for number in range(50):
        guest.console.send(f"line {number}\n")
        guest.console.expect(f"you said: line {number}\n", timeout=30)
    guest.console.send("x" * 5000 + "\n")  # more than the ring holds
    guest.console.expect("you said: " + "x" * 5000, timeout=30)
    guest.console.send("bye\n")
    assert guest.wait() == 0, guest.console.text()


def test_nothing_that_is_printed_is_lost(xen) -> None:
    guest = xen("tests/images/flood", "--lines=2000")  # a hundred times what the ring holds
    assert guest.wait() == 0, guest.console.text()
    assert guest.console.text().splitlines() == [f"{n:08d}" + "." * 91 for n in range(1, 2001)]


@pytest.mark.parametrize(("how", "status"), [("exit", 3), ("return", 0), ("raise", 2)])
def test_exit_status(xen, how: str, status: int) -> None:
    guest = xen("tests/images/ending", f"--how={how}")
    assert guest.wait() == status


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("write-code", "write to code (W^X"),
        ("execute-data", "execution of data (W^X"),
        ("execute-stack", "execution of the stack"),
        ("overflow-stack", "stack overflow (guard page"),
        ("null", "null pointer access"),
        ("smash", "stack smashing detected"),
    ],
)
def test_guards(xen, how: str, reason: str) -> None:
    guest = xen("tests/images/trip", f"--how={how}")
    assert guest.wait() is None
    assert guest.panic is not None
    assert guest.panic.reason.startswith(reason)
    assert f"Kernel panic: {reason}" in guest.console.text()


def blocks(lab_xen, what: str, *, read_only: bool = False):
    disks = [lab_xen.disk("first", 13 * MIB), lab_xen.disk("second", 2 * MIB)]
    with lab_xen.boot(
        "tests/images/blocks",
        f"--what={what}",
        disks=disks,
        read_only=disks[1:] if read_only else [],
        memory=96,
    ) as guest:
        assert guest.wait() == 0, guest.console.text()
    return guest.console.text().splitlines(), *disks


def test_sizes_and_rights(lab_xen) -> None:
    lines, *_ = blocks(lab_xen, "info", read_only=True)
    assert lines == [
        "first: 26624 sectors of 512 bytes, read-write",
        "scratch: 65536 sectors of 512 bytes, read-write",
        "second: 4096 sectors of 512 bytes, read-only",
    ]


def test_disks_are_in_order(lab_xen) -> None:
    _, first, second = blocks(lab_xen, "mark")
    assert lab_xen.bytes_of(first, 512, 512).rstrip(b"\0") == b"on the first"
    assert lab_xen.bytes_of(second, 512, 512).rstrip(b"\0") == b"on the second"


def test_scattered_and_large_buffers(lab_xen) -> None:
    lines, first, _ = blocks(lab_xen, "scatter")
    assert "scattered" in lines
    last = 12 * MIB // 512 - 1
    found = lab_xen.bytes_of(first, last * 512, 8)
    assert int.from_bytes(found, "little") == (2 << 40) ^ (last << 8)


def test_thousands_of_requests_in_flight(lab_xen) -> None:
    lines, *_ = blocks(lab_xen, "flight")
    assert lines == ["the device is disconnected", "all came back"]


def test_errors_are_values(lab_xen) -> None:
    lines, *_ = blocks(lab_xen, "wrong", read_only=True)
    assert lines[:4] == [
        "a run of 1 from sector 26624 leaves the device",
        "a run of 2 from sector 26623 leaves the device",
        "a run of 1 from sector -1 leaves the device",
        "a buffer of 511 bytes is not a whole number of sectors",
    ]
    assert "the device is read-only" in lines


def test_a_domain_without_the_disk(xen) -> None:
    guest = xen("images/block")
    assert guest.wait() == 2
    assert "cannot be used: the domain has no such disk" in guest.console.text()
