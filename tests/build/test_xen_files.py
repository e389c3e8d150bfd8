"""The files for Xen: golden ones of xl's configuration and of libvirt's XML, and what is beside an image.

``LABKIT_GOLDEN=write pytest tests/build/test_xen_files.py`` writes the golden files anew. Real Xen takes them in
``tests/libos/xen``.
"""

from __future__ import annotations

import ast
import os
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from labkit.build.builder import build
from labkit.build.manifest import Manifest
from labkit.build.xenxml import xen_domain_xml
from labkit.build.xl import XenDisk, XenNetwork, xl_configuration
from labkit.errors import UsageError

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "xen"
IMAGE = "/srv/images/hello.xen"

CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "devices": {
        "disks": (
            XenDisk(0, "storage", "/srv/a \"b\",<c>&'d'.img"),
            XenDisk(1, "log", "/srv/log.img", read_only=True),
        ),
        "networks": (XenNetwork("service"), XenNetwork("inside", bridge="br1", mac="00:16:3e:00:00:02")),
    },
    "running": {
        "name": "hello-0a1b2c",
        "memory_mib": 64,
        "command_line": '--hello="one & <two>" back\\slash -l debug',
    },
}


def settings(text: str) -> dict[str, Any]:
    """What a configuration sets: its syntax is a part of Python's."""
    return {
        item.targets[0].id: ast.literal_eval(item.value)  # type: ignore[attr-defined]
        for item in ast.parse(text).body
        if isinstance(item, ast.Assign)
    }


def check(name: str, text: str) -> None:
    golden = GOLDEN / name
    if os.environ.get("LABKIT_GOLDEN") == "write":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("case", CASES)
def test_golden_xl(case: str) -> None:
    check(f"{case}.xl", xl_configuration({"name": "hello"}, IMAGE, **CASES[case]))


@pytest.mark.parametrize("case", CASES)
def test_golden_xml(case: str) -> None:
    check(f"{case}.xml", xen_domain_xml({"name": "hello"}, Path(IMAGE), **CASES[case]))


def test_any_text_survives_in_xl() -> None:
    words = 'a \'b\' "c" \\d \\" , [ ] = # é ☃'
    text = xl_configuration({"name": "x y"}, words, command_line=words, disks=[XenDisk(3, "storage", words)])
    found = settings(text)
    assert (found["kernel"], found["cmdline"], found["name"]) == (words, words, "x-y")
    assert found["disk"] == [f"format=raw, vdev=xvdd, access=rw, target={words}"]
    assert found["type"] == "pvh"


def test_any_text_survives_in_xml() -> None:
    line = "a <b> & 'c' \"d\" ]]> -- é ☃"
    domain = ET.fromstring(xen_domain_xml({"name": "x--y"}, Path("/a--b/<&>"), command_line=line))  # noqa: S314
    assert domain.findtext("os/cmdline") == line
    assert domain.findtext("os/kernel") == "/a--b/<&>"


@pytest.mark.parametrize("bad", ["a\nb", "a\0b", "\x1b[0m"])
def test_what_cannot_stand_in_a_line_is_refused(bad: str) -> None:
    with pytest.raises(UsageError, match="cannot stand in a line"):
        xl_configuration({}, IMAGE, command_line=bad)
    with pytest.raises(UsageError, match="path of the disk storage"):
        xl_configuration({}, IMAGE, disks=[XenDisk(0, "storage", bad)])


def test_what_lies_beside_an_image_for_xen(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "two"
    shutil.copytree(root / "tests" / "images" / "store", folder)
    image = build(folder, "xen")
    assert image.path.name == f"{image.name}.xen"
    assert Manifest.from_elf(image.path).target == "xen"
    found = settings(image.xl_configuration)
    assert found["kernel"] == image.path.name
    blocks = [device.name for device in image.manifest.devices if device.kind == "block"]
    assert [disk.partition("target=")[2] for disk in found["disk"]] == [f"{name}.img" for name in blocks]
    domain = ET.fromstring(image.domain_xml)  # noqa: S314  ours
    assert domain.findtext("os/kernel") == str(image.path)
    assert domain.find("os/type").attrib == {"arch": "x86_64", "machine": "xenpvh"}  # type: ignore[union-attr]


def test_other_targets_have_no_configuration_for_xl(hello: Path) -> None:
    assert build(hello).xl_configuration == ""
