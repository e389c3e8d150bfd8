"""labkit.host.hexdump and difference: what is on a disk, in lines that are the same every time."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit import Disk
from labkit.host.hexdump import Row, ascii_of, pieces_of, runs


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """A disk with something on it."""
    disk = Disk.create(tmp_path / "disk.img", "1 MiB")
    disk.write(7, b"still here".ljust(512, b"\0"))
    disk.write(9, b"\1" * 496 + bytes(15) + b"!")
    return disk


def test_a_view(disk: Disk) -> None:
    assert str(disk.hex()) == (
        "disk.img, now: sectors 0 to 2047\n"
        "sectors 0 to 6: zero\n"
        "sector 7\n"
        "  000  73 74 69 6c 6c 20 68 65  72 65 00 00 00 00 00 00  still here......\n"
        "  010 to 1ff: zero\n"
        "sector 8: zero\n"
        "sector 9\n"
        "  000  01 01 01 01 01 01 01 01  01 01 01 01 01 01 01 01  ................\n"
        "  010 to 1ef: the same again\n"
        "  1f0  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 21  ...............!\n"
        "sectors 10 to 2047: zero"
    )
    assert repr(disk.hex(8)) == "disk.img, now: sector 8\nsector 8: zero"


def test_a_difference(disk: Disk) -> None:
    before = disk.snapshot("before")
    disk.write(7, b"still there".ljust(512, b"\0"))
    assert str(disk.diff(before)) == (
        "disk.img, from before to now: 1 of 2048 sectors changed\n"
        "sector 7: 5 bytes changed\n"
        "- 000  73 74 69 6c 6c 20[68 65  72 65 00]00 00 00 00 00  still here......\n"
        "+ 000  73 74 69 6c 6c 20[74 68  65 72 65]00 00 00 00 00  still there....."
    )
    assert str(disk.diff(disk.snapshot("then"))) == "disk.img, from then to now: none of 2048 sectors changed"


def test_a_view_ends_after_a_page_whatever_the_disk(tmp_path: Path) -> None:
    noise = bytes(range(256)) * 2
    disk = Disk.create(tmp_path / "disk.img", "64 MiB")
    empty = disk.snapshot("empty")
    disk.write(100, noise * 1000)
    text = str(disk.hex())
    assert len(text.splitlines()) < 80
    assert text.endswith("sectors 102 to 131071: not shown")
    text = str(disk.diff(empty))
    assert len(text.splitlines()) < 200
    assert text.splitlines()[0].endswith("1000 of 131072 sectors changed")
    assert "26 more rows changed: not shown" in text
    assert text.endswith("988 more sectors changed: not shown")


@given(st.binary(min_size=16, max_size=16), st.frozensets(st.integers(0, 15)))
def test_rows_have_one_width_and_brackets_around_what_changed(data: bytes, changed: frozenset[int]) -> None:
    pieces = pieces_of(Row(0, data, "+", changed))
    text = "".join(piece for piece, _ in pieces)
    assert len(text) == 50
    assert bytes.fromhex(text.replace("[", " ").replace("]", " ")) == data
    told = "".join(piece for piece, is_changed in pieces if is_changed)
    assert bytes.fromhex(told.replace("[", " ").replace("]", " ")) == bytes(data[i] for i in sorted(changed))


@given(st.binary(max_size=16))
def test_letters_are_printable(data: bytes) -> None:
    text = ascii_of(data)
    assert len(text) == len(data)
    assert text.isprintable()


def test_runs() -> None:
    assert runs(()) == "none"
    assert runs((3, 5, 6, 7, 9)) == "3, 5 to 7, 9"
    assert runs(range(0, 100, 2), most=2) == "0, 2, and 48 more"
