"""Control records, whatever a guest writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.guest.control import ControlReader, ExitRecord, PanicRecord, Record, Stamp


@pytest.mark.parametrize(
    ("line", "record"),
    [
        (b"stamp kernel 0", Stamp("kernel", 0)),
        (b"exit 255", ExitRecord(255)),
        (b"panic page fault at 0x10, in  f", PanicRecord("page fault at 0x10, in  f")),
        (b"exit 256", None),
        (b"exit -1", None),
        (b"exit", None),
        (b"exit 1 2", None),
        (b"stamp x", None),
        (b"stamp x 99999999999999999999", None),
        (b"panic ", None),
        (b"panic \x1b[2J", None),
        (b"hello", None),
        (b"", None),
        (b"exit \xc2\xb2", None),
    ],
)
def test_lines(line: bytes, record: Record | None) -> None:
    reader = ControlReader()
    assert reader.feed(line + b"\n") == ([record] if record else [])
    assert reader.dropped == (record is None)


def test_a_line_without_end_is_cut_and_the_next_one_read() -> None:
    reader = ControlReader()
    for _ in range(100):
        assert reader.feed(b"x" * 1000) == []
    assert reader.feed(b"exit 1\nexit 2\n") == [ExitRecord(2)]
    assert reader.dropped == 1


def test_stamps_are_bounded() -> None:
    reader = ControlReader()
    assert len(reader.feed(b"stamp x 1\n" * 100_000)) == 256


@given(st.binary(max_size=2000), st.integers(1, 50))
def test_no_input_breaks_it_and_no_cut_matters(data: bytes, size: int) -> None:
    whole, pieces = ControlReader(), ControlReader()
    got = []
    for at in range(0, len(data), size):
        got += pieces.feed(data[at : at + size])
    assert got == whole.feed(data)
