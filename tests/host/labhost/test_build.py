"""How the lab host is built: from this machine's Debian packages, or not at all."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.build.cache import Cache
from labkit.errors import HostError, MissingTool
from labkit.host.labhost import build, leash, sources
from labkit.host.labhost.build import IMAGES, MachineImage, build_image
from labkit.host.labhost.emulator import machine
from labkit.host.labhost.keys import Keys, known_host
from labkit.host.qemu import find_qemu


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", 1 << 30)


def nothing_left(cache: Cache) -> bool:
    return not list((cache.folder / "tmp").iterdir()) and not (cache.folder / IMAGES).exists()


def test_packages_come_from_where_this_machine_has_them() -> None:
    lines = sources.apt_sources()
    assert lines
    for line in lines:
        assert re.fullmatch(rf"deb \[signed-by=/\S+\] \S+ {sources.suite()}\S* main", line), line


def test_each_package_has_a_reason() -> None:
    lines = (build._HERE / "packages.txt").read_text().splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9.+-]+ +# \S.*", line) for line in wanted), wanted
    assert build.packages() == [line.split()[0] for line in wanted]


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user needs numbers of others for it (subuid(5))")
def test_no_network(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    unreachable = f"deb [trusted=yes] http://127.0.0.1:9/debian {sources.suite()} main"
    monkeypatch.setattr(sources, "apt_sources", lambda: [unreachable])
    with pytest.raises(HostError, match="no connection to the package server") as told:
        build_image(cache)
    assert "127.0.0.1" in told.value.evidence[0].text
    assert nothing_left(cache)


def test_no_mmdebstrap(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build.shutil, "which", lambda name: None if name == "mmdebstrap" else f"/bin/{name}")
    with pytest.raises(MissingTool, match="mmdebstrap is not installed"):
        build_image(cache)
    assert nothing_left(cache)


def test_no_room(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "NEEDED_MIB", 1 << 30)
    with pytest.raises(HostError, match="too full"):
        build_image(cache)
    assert nothing_left(cache)


def test_what_is_leashed_ends_with_its_holder(tmp_path: Path) -> None:
    script = f"trap 'echo tidied >{tmp_path}/trace; exit 1' TERM; sleep 100 & echo $!; wait"
    command = [sys.executable, "-I", "-S", leash.__file__, "sh", "-c", script]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as held:
        assert held.stdin is not None
        assert held.stdout is not None
        below = os.pidfd_open(int(held.stdout.readline()))
        held.stdin.close()
        held.wait(20)
    assert (tmp_path / "trace").read_text() == "tidied\n"
    ended, _, _ = select.select([below], [], [], 0)
    os.close(below)
    assert ended


def test_a_leashed_command_has_its_own_status() -> None:
    command = [sys.executable, "-I", "-S", leash.__file__, "sh", "-c", "exit 7"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as held:
        assert held.wait(20) == 7


def test_keys_are_made_for_one_lab(tmp_path: Path) -> None:
    texts = set()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        keys = Keys.make(tmp_path / name)
        texts |= {keys.client.read_text(), keys.host.read_text()}
        assert known_host(keys, "127.0.0.1", 2222).startswith("[127.0.0.1]:2222 ssh-ed25519 AAAA")
    assert len(texts) == 4


def test_a_machine_is_told_from_others_by_all_that_makes_it(tmp_path: Path) -> None:
    images = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Keys.make(tmp_path / name)
        images.append(MachineImage(tmp_path / name, "key"))
    machines = [machine(kind, image, find_qemu()) for kind in ("xen", "kvm") for image in images]
    assert len({each.key for each in machines}) == 4
    assert machine("xen", images[0], find_qemu()).key == machines[0].key
