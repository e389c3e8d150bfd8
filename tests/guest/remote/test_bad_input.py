"""What cannot work on another machine is said clearly, and leaves nothing there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import labkit
from labkit import Disk
from labkit.build.builder import build
from labkit.build.image import Image
from labkit.errors import HostError, LabError, MissingTool, SshError, UsageError
from labkit.guest.remote import boot_remote
from labkit.host.remote import Address, RemoteHost, open_remote, parse_address
from labkit.host.ssh import Login

pytestmark = pytest.mark.live

Kernel = Callable[[str], Image]

NEEDED = "sh id mkdir stat find awk uname sha256sum touch cat chmod rm timeout dd mkfifo mv seq sleep grep"


@contextmanager
def other_server(
    folder: Path, sshd_module: ModuleType, environment: dict[str, object]
) -> Iterator[RemoteHost]:
    """A server with another environment."""
    (folder / "sshd").mkdir()
    (folder / "tmp").mkdir()
    with sshd_module.sshd(folder / "sshd", {"TMPDIR": folder / "tmp", **environment}) as running:
        login = Login("127.0.0.1", running.user, running.port, running.key, running.known_hosts)
        with RemoteHost(Address(login), patience=2.0) as host:
            yield host


def few_tools(folder: Path) -> Path:
    """A folder with the tools of a bare Debian, and no more."""
    folder.mkdir()
    for name in NEEDED.split():
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


def test_a_server_that_is_not_known(server: Any, tmp_path: Path) -> None:
    with server.enter(known_hosts=tmp_path / "none") as host, pytest.raises(SshError, match="is not known"):
        host.look()
    assert not server.left


def test_a_wrong_key(server: Any, tmp_path: Path, sshd_module: ModuleType) -> None:
    wrong = sshd_module.make_key(tmp_path / "wrong")
    with server.enter(key=wrong) as host, pytest.raises(SshError, match="does not let you in"):
        host.look()


def test_an_unreachable_server(server: Any, sshd_module: ModuleType) -> None:
    with (
        server.enter(port=sshd_module.free_port()) as host,
        pytest.raises(SshError, match="cannot be reached"),
    ):
        host.look()


def test_neither_libvirt_nor_xen(tmp_path: Path, sshd_module: ModuleType) -> None:
    path = few_tools(tmp_path / "bin")
    with (
        other_server(tmp_path, sshd_module, {"PATH": path}) as host,
        pytest.raises(MissingTool, match="neither libvirt nor Xen") as caught,
    ):
        host.look()
    assert "libvirt-daemon-system" in caught.value.next_step


def test_a_libvirt_that_does_not_answer(tmp_path: Path, sshd_module: ModuleType) -> None:
    nowhere = {"LIBVIRT_DEFAULT_URI": "qemu:///session?socket=/nowhere"}
    with (
        other_server(tmp_path, sshd_module, nowhere) as host,
        pytest.raises(MissingTool, match="neither") as caught,
    ):
        host.look()
    assert "/nowhere" in str(caught.value)


def test_xen_is_asked_for_and_not_there(server: Any) -> None:
    with RemoteHost(Address(server.login(), "xl")) as host, pytest.raises(MissingTool, match="Xen with xl"):
        host.look()


def test_a_folder_that_is_somebody_elses(tmp_path: Path, sshd_module: ModuleType) -> None:
    with other_server(tmp_path, sshd_module, {}) as host:
        (tmp_path / "tmp" / f"labkit-{os.getuid()}").symlink_to(tmp_path)
        with pytest.raises(HostError, match="folder cannot be made"):
            host.look()
    assert not list(tmp_path.glob("*/guests"))


def test_no_room_there(
    server: Any, tmp_path: Path, sshd_module: ModuleType, kernel: Kernel, disk: Disk
) -> None:
    """A stand-in for stat, since a disk of this machine cannot be filled for a test."""
    path = few_tools(tmp_path / "bin")
    for name in ("virsh", "qemu-system-x86_64"):
        (path / name).symlink_to(str(shutil.which(name)))
    (path / "stat").unlink()
    (path / "stat").write_text("#!/bin/sh\necho 4200 4096\n")
    (path / "stat").chmod(0o755)
    environment = {"PATH": path, "LIBVIRT_DEFAULT_URI": server.host.uri}
    with other_server(tmp_path, sshd_module, environment) as host:
        host.look()
        with pytest.raises(HostError, match="has no room: 16 MiB are free"):
            boot_remote(kernel("echo"), host, disks={"storage": disk})
        assert not list((tmp_path / "tmp").glob("labkit-*/guests/*"))
        assert not list((tmp_path / "tmp").glob("labkit-*/images/*"))
    assert not server.domains


@pytest.mark.parametrize("target", ["xen", "unix"])
def test_an_image_for_another_target(server: Any, far: RemoteHost, root: Path, target: str) -> None:
    with pytest.raises(UsageError, match=f"built for the target {target}") as caught:
        labkit.boot(build(root / "images" / "hello", target), host=far)
    assert "virtio" in caught.value.next_step
    assert not server.left


def test_what_stays_here_is_refused(server: Any, far: RemoteHost, kernel: Kernel) -> None:
    for option in ({"stay": True}, {"capture": True}, {"network": labkit.Wire()}):
        with pytest.raises(UsageError, match="another machine"):
            labkit.boot(kernel("hello"), host=far, **option)  # type: ignore[arg-type]
    assert not server.left


def test_a_guest_that_libvirt_refuses(server: Any, far: RemoteHost, kernel: Kernel) -> None:
    """Its name is taken by one of the same name, made so here: names have a random part."""
    with boot_remote(kernel("forever"), far) as first:
        again = first.driver.plan  # type: ignore[attr-defined]
        from labkit.guest.remote.guest import RemoteGuest

        second = RemoteGuest(again, far, closes_host=False)
        with pytest.raises(LabError):
            second.start()
        first.console.expect("ever")
        assert server.domains == [first.name]
    assert not server.left


@pytest.mark.parametrize(
    "text", ["elsewhere", "http://x", "ssh://", "qemu+ssh://a@b/nowhere", "ssh://a@b/x", "xen+ssh://a:b@c"]
)
def test_names_of_no_host(text: str) -> None:
    with pytest.raises(UsageError):
        open_remote(text)


@pytest.mark.parametrize(
    ("text", "manager", "uri"),
    [
        ("ssh://a@b", None, None),
        ("qemu+ssh://a@b/system", "libvirt", "qemu:///system"),
        ("qemu+ssh://a@b:33/session", "libvirt", "qemu:///session"),
        ("xen+ssh://a@b/system", "xl", None),
    ],
)
def test_names_of_hosts(text: str, manager: str | None, uri: str | None) -> None:
    address = parse_address(text)
    assert (address.login.user, address.login.host) == ("a", "b")
    assert (address.manager, address.uri) == (manager, uri)


def test_the_command_line_says_it(root: Path, server: Any, tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    host = f"ssh://{server.sshd.user}@127.0.0.1:{server.sshd.port}"
    done = subprocess.run(
        [sys.executable, "-m", "labkit", "run", "images/hello", "--host", host],
        cwd=root,
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 125
    assert "is not known" in done.stderr
    assert "SHA256:" in done.stderr
    assert not done.stdout
