"""labkit.ui.pictures.hexview: tables of bytes that say what their text says, the same every time."""

from __future__ import annotations

import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

from labkit import Disk
from labkit.guest.powercut import PowerCut
from labkit.host.hexdump import HexView
from labkit.host.writelog import Loss
from labkit.ui.pictures.hexview import hex_table, power_cut_table


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """A disk with markup on it."""
    disk = Disk.create(tmp_path / "<b>&amp;.img", "1 MiB")
    disk.write(7, b"<script>alert(1)".ljust(512, b"\0"))
    return disk


def words(html: str) -> str:
    """What is read of HTML, without blanks."""
    return re.sub(r"\s", "", unescape(re.sub(r"<[^>]*>", "", html)))


def columns(view: HexView) -> str:
    """The words of a view's text, with the line of columns that only the table has."""
    title, *rest = str(view).splitlines()
    heads = "".join(f"{column:02x}" for column in range(16)) + "text"
    return re.sub(r"\s", "", f"{title}{heads}{''.join(rest)}")


def test_the_table_says_what_the_text_says(disk: Disk) -> None:
    before = disk.snapshot("<i>")
    disk.write(7, b"<script>confirm!".ljust(512, b"\0"))
    for view in (disk.hex(), disk.hex(7), disk.diff(before).view()):
        html = hex_table(view)
        assert words(html) == columns(view)
        assert "<script" not in html
        assert str(disk.path.parent) not in html, "no path of a machine"
        assert html == hex_table(view)


def test_what_changed_is_not_told_by_colour_alone(disk: Disk) -> None:
    before = disk.snapshot("before")
    disk.write(9, b"x".ljust(512, b"\0"))
    html = hex_table(disk.diff(before).view())
    assert re.findall(r"<b style=[^>]*>([^<]*)</b>", html) == ["[00]", "[78]"]
    assert re.findall(r'<tr title="(\w+)"', html) == ["before", "after"]


def test_a_table_is_small_whatever_the_disk(tmp_path: Path) -> None:
    disk = Disk.create(tmp_path / "disk.img", "64 MiB")
    empty = disk.snapshot()
    disk.write(0, bytes(range(256)) * 20000)
    assert len(hex_table(disk.hex())) < 40_000
    assert len(hex_table(disk.diff(empty).view())) < 150_000


def test_a_power_cut(disk: Disk) -> None:
    cut = PowerCut("some", 7, {"storage": Loss((1, 2, 3), (2,))}, ("other",))
    html = power_cut_table(cut)
    for text in ("seed 7", "storage", "1 to 3", "1, 3", "no cache"):
        assert text in html
    assert str(cut) == (
        "The power was cut (seed 7).\n"
        "storage: not flushed: 1 to 3.\n"
        "  lost:  2\n"
        "  there: 1, 3\n"
        "other: has no cache, so all that was written is there (Disk.with_cache() gives it one)."
    )


def test_they_show_themselves_in_a_notebook(disk: Disk) -> None:
    code = (
        "import sys\n"
        "from IPython.core.interactiveshell import InteractiveShell as S\n"
        "shell = S.instance(); import labkit\n"
        "disk = labkit.Disk(sys.argv[1]); before = disk.snapshot()\n"
        "from labkit.guest.powercut import PowerCut\n"
        "for thing in (disk.hex(7), disk.diff(before), PowerCut('some', 1, {})):\n"
        "    data, _ = shell.display_formatter.format(thing)\n"
        "    print(data['text/plain'] == str(thing), 'labkit-bytes' in data['text/html'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, disk.path],
        capture_output=True,
        text=True,
        check=True,
        cwd=disk.path.parent,
    )
    assert done.stdout == "True True\n" * 3
