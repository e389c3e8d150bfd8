"""A guest that prints 200 MB: none lost that is kept, memory bounded, the cut said, the client awake."""

from __future__ import annotations

import resource
import time

import pytest

pytestmark = [pytest.mark.live, pytest.mark.slow]

LINES = 2_000_000
LINE_BYTES = 100


def test_200_megabytes(start) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    guest = start("flood", f"--lines={LINES}")
    slowest = 0.0
    while guest.exit is None:
        asked = time.monotonic()
        guest.console.last_words()
        slowest = max(slowest, time.monotonic() - asked)
    end = guest.wait(timeout=60)
    assert end.status == 0
    assert guest.console.size == LINES * LINE_BYTES
    kept = guest.console.raw()
    assert guest.console.cut == LINES * LINE_BYTES - len(kept)
    assert guest.console.text().startswith(f"[{guest.console.cut:,} bytes were cut here]")
    numbers = [int(line[:8]) for line in kept.splitlines()[1:]]
    assert numbers == list(range(LINES - len(numbers) + 1, LINES + 1))
    assert slowest < 2
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 64 << 10


def test_slow_reader_loses_nothing(start) -> None:
    """The guest is held back while its console is not read: what it prints is more than sockets hold."""
    lines = 10_000  # and less than the console keeps, however late the reader comes
    guest = start("flood", f"--lines={lines}")
    taken = bytearray()

    def read(data: bytes) -> None:
        if not taken:
            time.sleep(1)  # the reader is busy
        taken.extend(data)

    guest.console.subscribe(read)
    assert guest.wait(timeout=60).status == 0
    assert [int(line[:8]) for line in taken.splitlines()] == list(range(1, lines + 1))
