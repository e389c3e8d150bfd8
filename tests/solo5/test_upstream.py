"""The same sources by both toolchains: equal transcripts. Only where upstream MirageOS is on the machine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import labkit
from labkit.build.opam.opam import lab_bin
from labkit.build.opam.status import status
from labkit.settings import settings

FOUND = status(settings().cache)

pytestmark = [
    pytest.mark.live,
    pytest.mark.slow,
    pytest.mark.usefixtures("warmed"),
    pytest.mark.skipif(
        not FOUND.ready,
        reason=f"Upstream MirageOS is not on this machine; missing: {', '.join(FOUND.missing)}",
    ),
]


def transcript(
    image: labkit.Image, *arguments: str, disk: Path | None = None
) -> tuple[int | None, list[str]]:
    """The status, and what the program itself logged, without the times."""
    ran = labkit.run(image, *arguments, disks={} if disk is None else {"storage": disk})
    lines = [line.partition("] [application] ") for line in ran.output.splitlines()]
    return ran.status, [words for _, found, words in lines if found]


@pytest.mark.parametrize("target", ["unix", "virtio", "spt"])
@pytest.mark.parametrize(
    ("name", "arguments"), [("hello", ["--count=2", "--hello=two words"]), ("block", ["--write=kept"])]
)
def test_equal_transcripts(root: Path, tmp_path: Path, target: str, name: str, arguments: list[str]) -> None:
    if target == "spt" and not (
        shutil.which("solo5-spt") or (lab_bin(settings().cache) / "solo5-spt").exists()
    ):
        pytest.skip("Solo5's tender solo5-spt is not on this machine")
    disks = [None, None] if name == "hello" else [tmp_path / "upstream.img", tmp_path / "offline.img"]
    for disk in filter(None, disks):
        disk.write_bytes(bytes(1 << 16))
    upstream = labkit.build(root / "images" / name, target, toolchain="opam")
    ours = labkit.build(root / "images" / name, "unix" if target == "unix" else "virtio", toolchain="offline")
    assert upstream.toolchain.name == "opam"
    assert upstream.manifest.devices == ours.manifest.devices
    told = transcript(upstream, *arguments, disk=disks[0])
    assert told == transcript(ours, *arguments, disk=disks[1])
    assert told[0] == 0
    assert told[1]
    if disks[0] and disks[1]:
        assert disks[0].read_bytes() == disks[1].read_bytes()
