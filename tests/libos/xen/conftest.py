"""Fixtures for tests in real Xen domains: a machine whose control domain is entered by SSH, and guests in it.

It is the lab's own Xen host, or any machine that ``LABKIT_TEST_XEN`` tells of:
``ssh://USER@HOST:PORT KEY KNOWN_HOSTS``.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from labkit.build.arguments import quote
from labkit.build.builder import build
from labkit.build.image import Image
from labkit.build.xl import XenDisk, XenNetwork, xl_configuration
from labkit.guest.console import Console
from labkit.guest.control import ControlReader, ExitRecord, PanicRecord, Stamp
from labkit.guest.inband import InBand
from labkit.host.ssh import Channel, Login, Session

CONSOLE_BYTES = 1 << 22
PATIENCE = 90.0  # a machine that is emulated by another


class XenGuest:
    """A domain that ``xl create -c`` runs.

    Attributes:
        name: the domain's.
        console: what it prints, without the records in it.
        exit: its exit record, if it has ended in order.
        panic: its panic record, if it has panicked.
        stamps: the stages of its boot, in nanoseconds.
    """

    def __init__(self, name: str, channel: Channel) -> None:
        self.name = name
        self.console = Console(name, CONSOLE_BYTES, channel.send)
        self.exit: ExitRecord | None = None
        self.panic: PanicRecord | None = None
        self.stamps: dict[str, int] = {}
        self._channel = channel
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def wait(self) -> int | None:
        """Wait for its end; the exit status, if it told one."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), f"{self.name} has not ended:\n{self.console.text()}"
        return self.exit.status if self.exit else None

    def close(self) -> None:
        self._channel.close()
        self._thread.join()

    def _read(self) -> None:
        parts, records = InBand(), ControlReader()
        while data := self._channel.read():
            printed, lines = parts.feed(data)
            for record in records.feed(lines):
                if isinstance(record, Stamp):
                    self.stamps[record.name] = record.nanoseconds
                elif isinstance(record, ExitRecord):
                    self.exit = record
                else:
                    self.panic = record
            self.console.feed(printed)
        self.console.feed(parts.end())
        self.console.close()


class XenHost:
    """A machine with Xen, by its control domain."""

    def __init__(self, session: Session, root: Path) -> None:
        self.session = session
        self.folder = self.script("mktemp -d").strip()
        self._root = root
        self._numbers = itertools.count()
        self._copied: dict[Path, str] = {}

    def script(self, script: str) -> str:
        """What a shell script there prints; it must not fail."""
        done = self.session.run("sh", "-c", script, timeout=PATIENCE)
        assert done.status == 0, f"{script}\n{done.output.decode()}{done.errors.decode()}"
        return done.output.decode(errors="replace")

    def image(self, name: str) -> tuple[Image, str]:
        """An image of the project, built for Xen, and its path there."""
        image = build(self._root / name, "xen")
        if image.path not in self._copied:
            target = f"{self.folder}/{len(self._copied)}-{image.path.name}"
            self.session.upload(image.path, target)
            self._copied[image.path] = target
        return image, self._copied[image.path]

    def disk(self, name: str, content: bytes | int) -> str:
        """A file there, for a disk: its bytes, or its size."""
        path = f"{self.folder}/{name}-{next(self._numbers)}.img"
        if isinstance(content, int):
            self.script(f"truncate -s {content} {path}")
        else:
            self.session.run("sh", "-c", f"cat > {path}", input=content, timeout=PATIENCE)
        return path

    def bytes_of(self, path: str, start: int, length: int) -> bytes:
        """Bytes of a file there."""
        return self.session.run("sh", "-c", f"tail -c +{start + 1} {path} | head -c {length}").output

    @contextmanager
    def boot(
        self,
        name: str,
        *arguments: str,
        disks: Sequence[str] = (),
        read_only: Sequence[str] = (),
        memory: int = 32,
    ) -> Iterator[XenGuest]:
        """Run an image of the project, with these files as its disks."""
        image, path = self.image(name)
        kinds = [device.kind for device in image.manifest.devices]
        called = f"test-{os.getpid()}-{next(self._numbers)}"
        configuration = xl_configuration(
            {},
            path,
            name=called,
            memory_mib=memory,
            command_line=quote(arguments),
            disks=[XenDisk(n, f"disk{n}", disk, disk in read_only) for n, disk in enumerate(disks)],
            networks=[XenNetwork(f"net{n}") for n in range(kinds.count("network"))],
        )
        with self.started(called, configuration) as guest:
            yield guest

    @contextmanager
    def started(self, name: str, configuration: str, folder: str = "") -> Iterator[XenGuest]:
        """Run what a configuration describes."""
        file = f"{folder or self.folder}/{name}.xl"
        self.session.run("sh", "-c", f"cat > {file}", input=configuration.encode(), timeout=PATIENCE)
        script = f"cd {folder or self.folder} && exec xl create -q -c {name}.xl"
        guest = XenGuest(name, self.session.start("sh", "-c", script, pty=True))
        try:
            yield guest
        finally:
            self.session.run("xl", "destroy", name, timeout=PATIENCE)
            guest.close()


@pytest.fixture(scope="session")
def xen_login(request: pytest.FixtureRequest) -> Login:
    """How the control domain is entered."""
    told = os.environ.get("LABKIT_TEST_XEN")
    if told:
        url, key, known_hosts = told.split()
        return replace(Login.parse(url), key=Path(key), known_hosts=Path(known_hosts))
    login: Login = request.getfixturevalue("xen_host").login
    return login


@pytest.fixture(scope="session")
def lab_xen(xen_login: Login, root: Path) -> Iterator[XenHost]:
    """A machine with Xen."""
    with Session(xen_login) as session:
        host = XenHost(session, root)
        try:
            yield host
        finally:
            host.script(f"rm -rf {host.folder}")


@pytest.fixture
def xen(lab_xen: XenHost) -> Iterator[Callable[..., XenGuest]]:
    """Boot an image in a domain: ``xen("images/hello", "--count=1")``."""
    with ExitStack() as stack:
        yield lambda *words, **options: stack.enter_context(lab_xen.boot(*words, **options))
