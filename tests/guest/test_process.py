"""Guests of the target unix: the same life as a domain's, as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import labkit
from labkit.build.image import Image
from labkit.errors import GuestError, HostError, UsageError
from labkit.guest import Reason, State
from labkit.host.diskfile import DiskLock
from labkit.settings import settings

pytestmark = pytest.mark.live

Find = Callable[[str], list[int]]
Eventually = Callable[[Callable[[], bool], float], float]


@pytest.fixture(scope="module")
def ending(root: Path) -> Image:
    return labkit.build(root / "tests" / "images" / "ending", "unix")


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (["--how=return"], 0, Reason.EXIT),
        (["--how=exit", "--status=7"], 7, Reason.EXIT),
        (["--how=raise"], 2, Reason.EXIT),
        (["--how=deep"], 0, Reason.EXIT),
        (["--what"], 64, Reason.EXIT),
    ],
)
def test_its_status_is_the_programs(ending: Image, arguments: list[str], status: int, reason: Reason) -> None:
    with labkit.boot(ending, arguments=arguments) as guest:
        told = guest.wait(20)
    assert (told.status, told.reason) == (status, reason)
    assert told.last_words.splitlines()[-1] in guest.console.text()


def test_a_domain_says_the_same(ending: Image, root: Path) -> None:
    domain = labkit.run(root / "tests" / "images" / "ending", "--how=raise")
    process = labkit.run(ending, "--how=raise")

    def words(text: str) -> list[str]:  # without the times of log lines
        return [line.partition("[")[2] or line for line in text.splitlines()]

    assert words(process.output)[:2] == words(domain.output)[:2]
    assert process.status == domain.status


def test_it_talks_and_stamps(root: Path) -> None:
    with labkit.boot(labkit.build(root / "tests" / "images" / "echo", "unix")) as guest:
        guest.console.send("Grüße\n")
        guest.console.expect("Grüße")
        assert guest.state is State.RUNNING
        assert list(guest.stamps) == ["start"]
        assert guest.stop().reason is Reason.STOPPED
    with pytest.raises(GuestError, match="has ended"):
        guest.console.send("too late")


def test_its_limits(ending: Image) -> None:
    with labkit.boot(ending, arguments=["--how=forever"], timeout=0.3) as guest:
        assert guest.wait(20).reason is Reason.TIME_LIMIT
    with labkit.boot(ending, arguments=["--how=forever"], output_limit=10) as guest:
        assert guest.wait(20).reason is Reason.OUTPUT_LIMIT
    told = labkit.run(ending, "--how=memory", memory=64)
    assert "caught Out_of_memory" in told.output


def test_a_disk_is_its_file_and_is_locked(root: Path, tmp_path: Path) -> None:
    image = labkit.build(root / "images" / "block", "unix")
    disk = tmp_path / "it's, a disk"
    disk.write_bytes(bytes(1 << 16))
    assert labkit.run(image, "--sector=3", "--write=kept", disks={"storage": disk}).status == 0
    assert disk.read_bytes()[3 * 512 :].startswith(b"kept\0")
    assert 'found in sector 3: "kept"' in labkit.run("block", "--sector=3", disks={"storage": disk}).output
    with (
        DiskLock(disk, shared=False),  # as a guest has it
        pytest.raises(UsageError, match="another guest"),
    ):
        labkit.boot(image, disks={"storage": disk})


def test_nothing_is_left(ending: Image) -> None:
    with labkit.boot(ending, arguments=["--how=forever"]) as guest:
        guest.console.expect("still here")
        folders = list((settings().run / "g").glob("*-p*"))
        assert len(folders) == 1
    assert not folders[0].exists()


def test_a_program_that_cannot_start(tmp_path: Path) -> None:
    from labkit.guest.process import ProcessGuest, ProcessPlan

    guest = ProcessGuest(ProcessPlan(tmp_path / "nothing", "nothing", 32), tmp_path)
    guest.start()  # setpriv starts; what it cannot start, it says
    told = guest.wait(20)
    guest.close()
    assert told.status == 127
    assert "nothing" in told.last_words


def test_no_folder_no_guest(ending: Image, tmp_path: Path) -> None:
    from labkit.guest.process import ProcessGuest, ProcessPlan

    guest = ProcessGuest(ProcessPlan(ending.path, "ending", 32), tmp_path / "missing")
    with pytest.raises(HostError, match="cannot be made"):
        guest.start()


def test_a_process_does_not_stay(ending: Image) -> None:
    with pytest.raises(UsageError, match="target unix"):
        labkit.boot(ending, stay=True)


CLIENT = """
import sys, labkit
from labkit.build.image import Image
guest = labkit.boot(Image.load(sys.argv[1]), arguments=["--how=forever", "--status=200"])
guest.console.expect("still here")
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_killed_owner_takes_it_along(
    ending: Image, processes_with: Find, eventually: Eventually, root: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(ending.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])},
    ) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"ready\n"
        command = f"{ending.path}\0--how=forever\0--status=200"
        assert len(processes_with(command)) == 1
        os.kill(client.pid, signal.SIGKILL)
        eventually(lambda: not processes_with(command), 5)
