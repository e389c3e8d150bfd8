"""Manifests and image files, whole and damaged."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.build import elf
from labkit.build.image import Image
from labkit.build.manifest import SECTION, Argument, Device, Manifest, ToolchainInfo
from labkit.errors import ImageError

_names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,62}", fullmatch=True)
_texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
_manifests = st.builds(
    Manifest,
    _names,
    _names,
    st.builds(ToolchainInfo, _names, _texts, _texts),
    st.lists(st.builds(Device, _names, _names), max_size=3).map(tuple),
    st.lists(_texts, max_size=3).map(tuple),
    st.lists(st.builds(Argument, st.lists(_texts, max_size=2).map(tuple), _texts, _texts), max_size=3).map(
        tuple
    ),
    st.sampled_from(["", "solo5"]),
)
EXAMPLE = Manifest("hello", "virtio", ToolchainInfo("offline", "1", "4.13.1"), (Device("storage", "block"),))


@given(_manifests)
def test_there_and_back(manifest: Manifest) -> None:
    assert Manifest.from_json(manifest.to_json()) == manifest


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 2}, "format 2"),
        ({"format": True}, "a whole number"),
        ({"name": "a/b"}, "no name for a file"),
        ({"name": "a\x01"}, "no name for a file"),
        ({"name": ""}, "no name for a file"),
        ({"name": 3}, "a text"),
        ({"toolchain": "offline"}, "an object"),
        ({"toolchain": {}}, "nothing for 'name'"),
        ({"devices": {}}, "a list of objects"),
        ({"devices": [{"name": "x"}]}, "nothing for 'kind'"),
        ({"packages": [1]}, "a list of texts"),
    ],
)
def test_what_is_wrong_is_said(change: dict[str, Any], words: str) -> None:
    value = {**json.loads(EXAMPLE.to_json()), **change}
    with pytest.raises(ImageError, match=words):
        Manifest.from_json(json.dumps(value))


@pytest.mark.parametrize("text", ["", "[]", "3", "{", "\ufeff{}", "[" * 100_000])
def test_not_an_object(text: str) -> None:
    with pytest.raises(ImageError, match=r"not JSON|not a JSON object"):
        Manifest.from_json(text)


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program with a PVH note and a manifest."""
    folder = tmp_path_factory.mktemp("elf")
    (folder / "m.json").write_text(EXAMPLE.to_json())
    (folder / "a.S").write_text(
        '.section .note.Xen,"a",@note\n.long 4, 4, 18\n.asciz "Xen"\n.long _start\n'
        '.text\n.globl _start\n_start: hlt\n.section .note.GNU-stack,""\n'
    )
    path = folder / "a.virtio"
    subprocess.run(["gcc", "-nostdlib", "-static", "-no-pie", "a.S", "-o", path], cwd=folder, check=True)
    subprocess.run(
        ["objcopy", "--add-section", f"{SECTION}={folder}/m.json", path, folder / "b.virtio"], check=True
    )
    return folder / "b.virtio"


def test_read_from_a_program(program: Path) -> None:
    assert Manifest.from_elf(program) == EXAMPLE
    image = Image.load(program)
    assert image.name == "hello"
    assert image.target.name == "virtio"
    assert ".text" in image.sections
    assert SECTION not in image.sections, "the manifest takes no memory"
    assert image.log == image.domain_xml == ""


def test_a_pvh_kernel_of_any_origin(program: Path) -> None:
    bare = program.with_name("a.virtio")
    assert elf.has_pvh_entry(bare)
    image = Image.load(bare)
    assert (image.name, image.toolchain.name, image.manifest.devices) == ("a", "unknown", ())
    with pytest.raises(ImageError, match="no manifest"):
        Manifest.from_elf(bare)


def test_cut_short_anywhere(program: Path, tmp_path: Path) -> None:
    whole = program.read_bytes()
    cut = tmp_path / "cut.virtio"
    for length in [*range(0, 128, 3), *range(128, len(whole) - 1, 97), len(whole) - 1]:
        cut.write_bytes(whole[:length])
        with pytest.raises(ImageError, match=r"not an ELF|damaged|for"):
            Image.load(cut)


@given(st.data())
def test_scrambled(program: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = bytearray(program.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "scrambled.virtio"
    path.write_bytes(content)
    with contextlib.suppress(ImageError):  # any other exception fails the test
        Image.load(path).describe()


@pytest.mark.parametrize(
    ("at", "value", "words"),
    [
        (18, b"\xb7\x00", "not for x86-64"),
        (4, b"\x01", "not for x86-64|damaged|cut short"),
        (16, b"\x01\x00", "ET_REL"),
    ],
)
def test_for_something_else(program: Path, tmp_path: Path, at: int, value: bytes, words: str) -> None:
    content = bytearray(program.read_bytes())
    content[at : at + len(value)] = value
    path = tmp_path / "other.virtio"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=words):
        Image.load(path)


def test_not_an_image(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="There is no image file"):
        Image.load(tmp_path / "nothing")
    with pytest.raises(ImageError, match="folder"):
        Image.load(tmp_path)
    shell = shutil.which("sh")
    assert shell
    with pytest.raises(ImageError, match="no unikernel"):
        Image.load(shell)
