"""Lab hosts begin and end as they should, whatever happens to who starts them and to what is kept of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit import events
from labkit.errors import HostError
from labkit.host import labhost
from labkit.host.labhost import build, snapshot
from labkit.host.labhost import lab as lab_module
from labkit.host.labhost.build import IMAGES
from labkit.host.labhost.running import Running
from labkit.host.labhost.snapshot import SNAPSHOTS
from labkit.host.qemu import Qemu
from labkit.settings import Settings, settings

pytestmark = pytest.mark.live

Command = Callable[..., "subprocess.Popen[str]"]
Machines = Callable[[Settings], list[int]]


def await_that(holds: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for what nobody tells of."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


def finished(command: subprocess.Popen[str]) -> str:
    output, errors = command.communicate(timeout=300)
    assert command.returncode == 0, errors
    return output


def test_down_leaves_nothing(lab: Settings, machines: Machines) -> None:
    host = labhost.up("xen", found=lab)
    assert len(machines(lab)) == 1
    assert labhost.down("xen", found=lab)
    assert machines(lab) == []
    assert [path.name for path in (lab.run / "h").iterdir() if path.suffix != ".lock"] == []
    assert list((lab.cache / "tmp").iterdir()) == []
    assert labhost.status("xen", found=lab).login is None
    assert not labhost.down("xen", found=lab)
    assert host.login.key is not None
    assert labhost.down("xen", forget=True, found=lab) is False
    kept = [folder.name for folder in (lab.cache / SNAPSHOTS).iterdir()]
    assert len(kept) == len(list((settings().cache / SNAPSHOTS).iterdir())) - 1


def test_two_at_once_start_one(lab: Settings, command: Command, machines: Machines) -> None:
    both = [command("up", "xen", "--json") for _ in range(2)]
    first, second = (json.loads(finished(each)) for each in both)
    assert first == second
    assert first["running"]
    assert len(machines(lab)) == 1


@pytest.mark.parametrize("when", ["h/xen/pid", "h/xen/known_hosts"])
def test_killed_in_the_middle(lab: Settings, command: Command, machines: Machines, when: str) -> None:
    killed = command("up", "xen")
    await_that((lab.run / when).exists)
    killed.kill()
    killed.communicate()
    assert labhost.status("xen", found=lab).login is None
    if when.endswith("pid"):
        assert labhost.collect(found=lab) == ["xen"]
        await_that(lambda: not machines(lab))
    finished(command("up", "xen"))
    assert len(machines(lab)) == 1


def test_interrupted_in_the_middle(lab: Settings, command: Command, machines: Machines) -> None:
    interrupted = command("up", "xen")
    await_that((lab.run / "h/xen/pid").exists)
    interrupted.send_signal(signal.SIGINT)
    interrupted.communicate()
    assert interrupted.returncode == 128 + signal.SIGINT
    assert machines(lab) == []


def test_killed_while_it_boots(lab: Settings, command: Command, machines: Machines) -> None:
    shutil.rmtree(lab.cache / SNAPSHOTS)
    killed = command("up", "xen")
    await_that(lambda: machines(lab))
    killed.kill()
    killed.communicate()
    await_that(lambda: not machines(lab))
    assert not labhost.status("xen", found=lab).booted


@pytest.mark.slow
def test_a_broken_snapshot_is_made_anew(lab: Settings) -> None:
    abouts = (lab.cache / SNAPSHOTS).glob("*/about.json")
    (folder,) = [about.parent for about in abouts if json.loads(about.read_text())["kind"] == "xen"]
    memory = (folder / "memory").read_bytes()
    (folder / "memory").unlink()
    (folder / "memory").write_bytes(bytes(64) + memory[64:])
    seen: list[events.Event] = []
    with events.subscribed(seen.append):
        host = labhost.up("xen", found=lab)
    assert host.capabilities.xen
    assert any("broken" in event.detail for event in seen)
    assert any(event.name == "boot" for event in seen)


def test_a_short_or_unreadable_snapshot_is_none(lab: Settings) -> None:
    for folder in (lab.cache / SNAPSHOTS).iterdir():
        (folder / "memory").unlink()
        (folder / "memory").write_bytes(b"QEVM")
    status = labhost.status("xen", found=lab)
    assert (status.built, status.booted, status.stale) == (True, False, True)
    for folder in (lab.cache / SNAPSHOTS).iterdir():
        (folder / "about.json").unlink()
        (folder / "about.json").write_text("{")
    assert not labhost.status("xen", found=lab).booted


def test_another_qemu_makes_a_snapshot_stale(
    lab: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(lab_module.find_qemu().path, tmp_path / "qemu-system-x86_64")
    monkeypatch.setattr(lab_module, "find_qemu", lambda: Qemu(tmp_path / "qemu-system-x86_64"))
    status = labhost.status("xen", found=lab)
    assert (status.built, status.booted, status.stale) == (True, False, True)


def test_another_recipe_makes_all_stale(lab: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "DISK_MIB", build.DISK_MIB + 1)
    status = labhost.status("xen", found=lab)
    assert (status.built, status.booted, status.stale) == (False, False, True)


def test_one_of_another_recipe_is_ended_by_gc(
    lab: Settings, monkeypatch: pytest.MonkeyPatch, machines: Machines
) -> None:
    labhost.up("xen", found=lab)
    assert labhost.collect(found=lab) == []
    monkeypatch.setattr(build, "DISK_MIB", build.DISK_MIB + 1)
    assert labhost.collect(found=lab) == ["xen"]
    assert machines(lab) == []


def test_a_qemu_that_dies_says_why(
    lab: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machines: Machines
) -> None:
    shutil.rmtree(lab.cache / SNAPSHOTS)
    program = tmp_path / "qemu-system-x86_64"
    program.write_text("#!/bin/sh\necho no such luck >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(lab_module, "find_qemu", lambda: Qemu(program))
    with pytest.raises(HostError, match="ended while the machine booted") as told:
        labhost.up("xen", found=lab)
    assert "no such luck" in str(told.value)
    assert machines(lab) == []
    assert list((lab.cache / "tmp").iterdir()) == []


def test_a_qemu_that_is_killed_is_not_taken_for_running(lab: Settings, machines: Machines) -> None:
    before = labhost.up("xen", found=lab).login
    (number,) = machines(lab)
    os.kill(number, signal.SIGKILL)
    await_that(lambda: labhost.status("xen", found=lab).login is None)
    after = labhost.up("xen", found=lab).login
    assert machines(lab) != [number]
    assert before.key == after.key


@pytest.mark.slow
def test_a_host_that_runs_no_guest_is_not_kept(lab: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(lab.cache / SNAPSHOTS)
    monkeypatch.setattr(snapshot, "probe_kernel", lambda _: Path("/dev/null"))  # no guest comes of that
    with pytest.raises(HostError, match="runs no guest") as told:
        labhost.up("xen", found=lab)
    assert told.value.evidence[0].text
    assert not labhost.status("xen", found=lab).booted


def test_too_little_memory(lab: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_module, "NEEDED_MIB", 1 << 30)
    with pytest.raises(HostError, match="too little memory"):
        labhost.up("xen", found=lab)
    assert Running.of("xen", lab).process() is None


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_resumes_it(lab: Settings, root: Path) -> None:
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="ln-") as name:
        home = Path(name)
        for kind in (IMAGES, SNAPSHOTS):
            (home / "cache" / kind).mkdir(parents=True)
        for kind in (IMAGES, SNAPSHOTS):
            for folder in (settings().cache / kind).iterdir():
                subprocess.run(
                    ["cp", "-r", "--sparse=always", "--preserve=mode", folder, home / "cache" / kind],
                    check=True,
                )
        subprocess.run(["chown", "-R", "65534:65534", home], check=True)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": name,
            "LABKIT_RUN": f"{name}/run",
            "LABKIT_CACHE": f"{name}/cache",
            "PYTHONPATH": str(root),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        words = [*nobody, sys.executable, "-m", "labkit", "host"]
        if subprocess.run([*words, "--help"], env=environment, cwd="/", capture_output=True).returncode:
            pytest.skip("nobody may not look into the project's folder")
        for verb in ("up", "down"):
            done = subprocess.run(
                [*words, verb, "xen", "--json"], env=environment, cwd="/", capture_output=True, text=True
            )
            assert done.returncode == 0, done.stdout + done.stderr
            if verb == "up":
                assert json.loads(done.stdout)["running"]
