"""Sizes by library, from a map that the real linker wrote."""

from __future__ import annotations

import subprocess
from pathlib import Path

from labkit.build.linkmap import sizes_by_library


def test_each_library_has_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text(
        "char mine[1000] = {1}; int _start(void) { extern int theirs[]; return theirs[0]; }"
    )
    (tmp_path / "b.c").write_text("int theirs[500] = {1}; char a_long_name_for_a_section_of_its_own[300];")
    for name in "ab":
        subprocess.run(["gcc", "-c", "-fdata-sections", "-fno-pic", f"{name}.c"], cwd=tmp_path, check=True)
    subprocess.run(["ar", "rcs", "libtheirs.a", "b.o"], cwd=tmp_path, check=True)
    subprocess.run(
        ["gcc", "-nostdlib", "-static", "-no-pie", "-Wl,-Map,map", "a.o", "libtheirs.a"],
        cwd=tmp_path,
        check=True,
    )
    sizes = sizes_by_library((tmp_path / "map").read_text())
    assert list(sizes) == ["theirs", "the image itself"], "largest first, nothing else"
    assert 2300 <= sizes["theirs"] < 2500
    assert 1000 <= sizes["the image itself"] < 1200


def test_no_map() -> None:
    assert sizes_by_library("") == sizes_by_library("nonsense\n .text 0x1 0x2 x.o") == {}
