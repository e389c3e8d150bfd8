"""Control records in a console, parted from what is printed."""

from __future__ import annotations

import random

import pytest

from labkit.guest.inband import InBand


def record(text: bytes) -> bytes:
    return b"\x1b]7077;unikernel " + text + b"\x1b\\"


STREAM = (
    record(b"stamp kernel 0")
    + b"Hello, \x1b[1mworld\x1b[0m!\n"
    + record(b"stamp start 1234")
    + b"half a li"
    + record(b"exit 3")
    + b"ne\n\x1b]0;a title\x1b\\"
)
CONSOLE = b"Hello, \x1b[1mworld\x1b[0m!\nhalf a line\n\x1b]0;a title\x1b\\"
RECORDS = b"stamp kernel 0\nstamp start 1234\nexit 3\n"


def test_records_are_parted_wherever_the_stream_is_cut() -> None:
    chance = random.Random(7)  # noqa: S311
    for _ in range(300):
        cuts = sorted(chance.randrange(len(STREAM)) for _ in range(chance.randrange(8)))
        parts = [STREAM[a:b] for a, b in zip([0, *cuts], [*cuts, len(STREAM)], strict=True)]
        reader = InBand()
        found = [reader.feed(part) for part in parts]
        assert b"".join(console for console, _ in found) + reader.end() == CONSOLE
        assert b"".join(records for _, records in found) == RECORDS


@pytest.mark.parametrize(
    "text",
    [
        b"\x1b]7077;unikernel never ends " + b"x" * 600,
        b"\x1b]7077;unikernel broken off\x1b[0m and on\n",
        b"\x1b]7077;another program\x1b\\",
        b"\x1b\x1b\x1b]7077",
    ],
)
def test_what_is_no_record_stays_on_the_console(text: bytes) -> None:
    reader = InBand()
    console = b"".join(reader.feed(text[i : i + 1])[0] for i in range(len(text)))
    assert console + reader.end() == text


def test_nothing_is_kept_that_cannot_become_a_record() -> None:
    assert InBand().feed(b"a prompt> ") == (b"a prompt> ", b"")
    assert InBand().feed(b"\x1b[0m") == (b"\x1b[0m", b"")
