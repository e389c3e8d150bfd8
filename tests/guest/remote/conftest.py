"""A server for guests: an sshd of this machine, whose users find another libvirt than the lab's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from labkit.build.builder import build
from labkit.build.image import Image
from labkit.guest.remote import RemoteGuest, boot_remote
from labkit.host import open_host
from labkit.host.remote import Address, RemoteHost
from labkit.host.ssh import Login
from labkit.settings import settings

PATIENCE = 2.0


class Server:
    """The server: its sshd, its libvirt, its folder."""

    def __init__(self, sshd: Any, host: Any, folder: Path) -> None:
        self.sshd = sshd
        self.host = host
        self.folder = folder

    def login(self, **other: Any) -> Login:
        """The way in."""
        right = {
            "host": "127.0.0.1",
            "user": self.sshd.user,
            "port": self.sshd.port,
            "key": self.sshd.key,
            "known_hosts": self.sshd.known_hosts,
        }
        return Login(**{**right, **other})

    def enter(self, **other: Any) -> RemoteHost:
        """The server as a host of guests, which it keeps for a short while after a cut."""
        return RemoteHost(Address(self.login(**other)), patience=PATIENCE)

    @property
    def domains(self) -> list[str]:
        """The guests that libvirt runs there."""
        return [domain.name() for domain in self.host.connection.listAllDomains()]

    @property
    def left(self) -> list[str]:
        """What is there of guests: domains, folders, files that are not whole."""
        guests = self.folder.glob("labkit-*/guests/*")
        partial = self.folder.glob("labkit-*/images/*.part-*")
        return [*self.domains, *(path.name for path in (*guests, *partial))]


@pytest.fixture(scope="session")
def server(sshd_module: ModuleType, run_folder: Path, warmed: None) -> Iterator[Server]:
    """The server. Its libvirt ends as the lab's own does, with the session's folder."""
    folder = run_folder.parent / "far"
    for part in (folder, folder / "tmp", folder / "sshd"):
        part.mkdir(mode=0o711)
    with open_host(replace(settings(), run=folder / "r")) as host:
        environment = {"LIBVIRT_DEFAULT_URI": host.uri, "TMPDIR": folder / "tmp"}
        with sshd_module.sshd(folder / "sshd", environment) as running:
            yield Server(running, host, folder / "tmp")


@pytest.fixture
def far(server: Server) -> Iterator[RemoteHost]:
    """The server as a host of guests."""
    with server.enter() as host:
        yield host


@pytest.fixture
def start(far: RemoteHost, kernel: Callable[[str], Image]) -> Callable[..., RemoteGuest]:
    """Boots a test kernel there."""

    def boot(name: str, **options: Any) -> RemoteGuest:
        guest = boot_remote(kernel(name), far, **options)
        assert isinstance(guest, RemoteGuest)
        return guest

    return boot


@pytest.fixture(scope="session")
def image(root: Path) -> Callable[[str], Image]:
    """Gives the built image of a folder."""
    return lambda folder: build(root / folder)
