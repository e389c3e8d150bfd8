"""Solo5 images for spt and hvt: run by the tenders where those are, and what is said where they are not."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import labkit
from labkit.errors import ImageError, MissingTool, UsageError
from labkit.guest import Reason
from labkit.guest.tender import find_tender, plan_taps
from labkit.settings import settings

Make = Callable[..., Path]

spt = pytest.mark.skipif(
    shutil.which("solo5-spt") is None, reason="Solo5's tender solo5-spt is not on this machine"
)
SERVICE = {"devices": [{"name": "service", "kind": "network"}]}


@pytest.fixture
def version() -> int:
    """The version of the ABI that the tender here speaks."""
    return find_tender("spt").abi


@pytest.mark.parametrize("target", ["spt", "hvt"])
def test_no_tender(make: Make, target: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    image = make(target)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingTool, match=f"needs the program solo5-{target}") as caught:
        labkit.boot(image)
    assert "labkit toolchain install opam" in caught.value.next_step


def test_a_tender_that_is_none(make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    image = make("spt")
    tender = tmp_path / "solo5-spt"
    tender.write_text("#!/bin/sh\necho something else\n")
    tender.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(MissingTool, match="does not say which version of the ABI") as caught:
        labkit.boot(image)
    assert "something else" in caught.value.evidence[0].text


def test_what_its_guests_cannot_have(make: Make) -> None:
    with pytest.raises(UsageError, match="its guests cannot stay"):
        labkit.boot(make("spt"), stay=True)
    with pytest.raises(UsageError, match="too small for image"):
        labkit.boot(make("spt"), memory=1)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "needs a TAP interface for its network device service"),
        ("lo", "lo is no TAP interface"),
        ("nowhere0", "no network interface 'nowhere0'"),
        ("../net/lo", "no network interface"),
        ({"other": "tap0"}, "has no network device other; it has these: service"),
        (3, "does not name the TAP interfaces"),
    ],
)
def test_its_networks(given: object, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        plan_taps("image", SERVICE, given)


@spt
def test_another_version_of_the_abi(make: Make, version: int) -> None:
    with pytest.raises(ImageError, match=f"asks for version {version + 1} of the ABI of spt"):
        labkit.boot(make("spt", version=version + 1))


@spt
@pytest.mark.parametrize(
    ("options", "status", "reason"),
    [
        ({"status": 0}, 0, Reason.EXIT),
        ({"status": 7, "last": "quiet\\n"}, 7, Reason.EXIT),
        ({"status": 255, "last": "Solo5: ABORT: a reason\\n"}, 255, Reason.PANIC),
    ],
)
def test_its_status(
    make: Make, version: int, options: dict[str, object], status: int, reason: Reason
) -> None:
    told = labkit.run(make("spt", version=version, **options), "a", "b c")
    assert (told.status, told.exit.reason) == (status, reason)
    assert told.output.splitlines()[0] == 'command line: a "b c"'


@spt
def test_its_disk_by_name(make: Make, version: int, tmp_path: Path) -> None:
    disk = tmp_path / "it's, a disk"
    disk.write_bytes(bytes(1 << 16))
    image = make("spt", version=version, devices='device "storage", BLOCK')
    assert labkit.run(image, disks={"storage": disk}).status == 0


@spt
def test_a_tender_that_refuses(make: Make, version: int) -> None:
    image = make("spt", version=version)
    content = bytearray(image.read_bytes())
    content[0x40 + 4 : 0x40 + 8] = (7).to_bytes(4, "little")  # its code may be written
    image.write_bytes(content)
    told = labkit.run(image).exit
    assert (told.status, told.reason) == (255, Reason.CRASH)
    assert told.detail.startswith("was given up by its tender: solo5-spt: ")
    assert "WRITE and EXEC" in told.last_words


@spt
def test_its_limits_and_what_is_left(make: Make, version: int) -> None:
    image = make("spt", "WAIT", version=version, last="waiting\\n")
    with labkit.boot(image, timeout=0.3) as guest:
        assert guest.wait(20).reason is Reason.TIME_LIMIT
    with labkit.boot(image) as guest:
        guest.console.expect("waiting", timeout=20)
        assert guest.stop().reason is Reason.STOPPED
    assert not list((settings().run / "g").glob("*-p*"))


CLIENT = """
import sys, labkit
guest = labkit.boot(sys.argv[1], memory=33)
guest.console.expect("waiting")
print("ready", flush=True)
sys.stdin.read()
"""


@spt
def test_a_killed_owner_takes_it_along(make: Make, version: int, root: Path) -> None:
    image = make("spt", "WAIT", version=version, last="waiting\\n")
    with subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(image)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])},
    ) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"ready\n"
        children = Path(f"/proc/{client.pid}/task")
        pids = [int(pid) for task in children.glob("*/children") for pid in task.read_text().split()]
        (watched,) = [os.pidfd_open(pid) for pid in pids if b"--mem=33" in _words(pid)]
        os.kill(client.pid, signal.SIGKILL)
        assert select.select([watched], [], [], 5)[0]  # it has ended
        os.close(watched)


def _words(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()
