"""Where guests run: an open connection to libvirt."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from labkit import events
from labkit.errors import Evidence, HostError
from labkit.host.daemon import SOCKET_PATH_BYTES, Daemon, last_lines
from labkit.host.identity import Identity, Manner, identity
from labkit.host.loop import libvirt
from labkit.settings import Settings, settings

if TYPE_CHECKING:
    import libvirt as libvirt_module

__all__ = ["Host", "open_host", "warm"]

_ENDING_SECONDS = 2.0
_ATTEMPTS = 3  # a daemon may end, being idle, between our look at it and our connection


class Host:
    """A place where guests run; made by :func:`open_host`, a context manager.

    Attributes:
        connection: libvirt's own connection object.
        uri: what was opened.
        folder: where guests' run folders are made.
        identity: as whom guests run.
        daemon: the lab's own daemon, or None where ``LABKIT_LIBVIRT_URI`` names another.
        fresh: whether the daemon was started for this connection; it may have taken over orphans from one before.
    """

    def __init__(
        self,
        connection: libvirt_module.virConnect,
        uri: str,
        folder: Path,
        who: Identity,
        daemon: Daemon | None,
        found: Settings,
        *,
        fresh: bool = False,
    ) -> None:
        self.connection = connection
        self.uri = uri
        self.folder = folder
        self.identity = who
        self.daemon = daemon
        self.fresh = fresh
        self.settings = found
        self._lost: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._closed = False
        self._alive = True
        connection.registerCloseCallback(_closed, self)

    @property
    def alive(self) -> bool:
        """Whether the connection still stands."""
        return self._alive and not self._closed

    def when_lost(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` once if the daemon goes away; returns what takes that back.

        It runs in libvirt's thread (or here, if the daemon is gone already) and must not call libvirt.
        """
        with self._lock:
            gone = not self._alive
            if not gone:
                self._lost.append(callback)
        if gone:
            callback()

        def forget() -> None:
            with self._lock:
                if callback in self._lost:
                    self._lost.remove(callback)

        return forget

    def reopened(self) -> Host:
        """Another connection to the same place; the daemon is started again if it must be."""
        return open_host(self.settings, manner=self.identity.manner)

    def trouble(self, what: str, error: BaseException | None = None, *, next_step: str = "") -> HostError:
        """An error that tells of libvirt's own words and those of its daemon."""
        evidence = [Evidence("libvirt's words", str(error))] if error else []
        if self.daemon and (words := last_lines(self.daemon.log)):
            evidence.append(Evidence("last words of its daemon", words))
        return HostError(
            what, next_step=next_step or "`labkit doctor` checks this machine.", evidence=evidence
        )

    def close(self) -> None:
        """Close the connection; guests started on it end. Twice does no harm."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._lost.clear()
        module = libvirt()
        for last in (self.connection.unregisterCloseCallback, self.connection.close):
            try:
                last()
            except module.libvirtError:
                continue  # the daemon has gone before us

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _tell_lost(self) -> None:
        with self._lock:
            self._alive = False
            callbacks, self._lost = self._lost, []
        for callback in callbacks:
            callback()


def _closed(_connection: Any, _reason: int, host: Host) -> None:
    host._tell_lost()


def open_host(found: Settings | None = None, *, manner: Manner | None = None) -> Host:
    """Open the libvirt on which guests run, and start the lab's own daemon if there is none.

    Args:
        found: settings; those in force unless given.
        manner: as whom the daemon must run; found out unless given.

    Raises:
        HostError: libvirt cannot be reached.
        MissingTool: libvirt is not installed.
        UsageError: a setting cannot be taken.
    """
    found = found or settings()
    module = libvirt()
    if found.uri:
        folder = _folder(found.run_folder() / "g", None)
        try:
            connection = module.open(found.uri)
        except module.libvirtError as error:
            raise HostError(
                f"libvirt cannot be reached at {found.uri}.",
                next_step="Unset LABKIT_LIBVIRT_URI to use the lab's own daemon, or mend the address.",
                evidence=[Evidence("libvirt's words", str(error))],
            ) from error
        return Host(connection, found.uri, folder, Identity(Manner.SELF), None, found)
    who = identity(manner)
    daemon = Daemon.of(found, who)
    fresh = daemon.start()
    folder = _folder(daemon.home / "g", who.owner)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            connection = module.open(daemon.uri)
        except module.libvirtError as error:
            if attempt == _ATTEMPTS:
                raise HostError(
                    "libvirt's daemon runs but takes no connections.",
                    next_step="Its last words tell why; `labkit doctor` checks the rest.",
                    evidence=[
                        Evidence("libvirt's words", str(error)),
                        Evidence("last words of its daemon", last_lines(daemon.log)),
                    ],
                ) from error
            daemon.await_end(_ENDING_SECONDS)
            fresh = daemon.start() or fresh
        else:
            return Host(connection, daemon.uri, folder, who, daemon, found, fresh=fresh)
    raise AssertionError("not reached")


def warm(found: Settings | None = None) -> None:
    """Let libvirt find out all about QEMU now, so that the first guest need not wait for it (4 s and more).

    Emits the step ``warm``.

    Raises:
        HostError: libvirt does not work.
        MissingTool: libvirt or QEMU is not installed.
    """
    with events.step("warm", "libvirt") as step:
        step.progress("starting its daemon", 0.1)
        with open_host(found) as host:
            step.progress("asking QEMU what it can do", 0.3)
            module = libvirt()
            try:
                host.connection.getDomainCapabilities(None, "x86_64", "pc", "qemu")
            except module.libvirtError as error:
                raise host.trouble("libvirt cannot use QEMU.", error) from error
            step.progress("ready", 1.0)


@contextmanager
def borrowed(host: Host | None) -> Iterator[Host]:
    """The host given, or one opened for the block."""
    if host is not None:
        yield host
    else:
        with open_host() as opened:
            yield opened


def _folder(path: Path, owner: int | None) -> Path:
    """Make a private folder for ``owner``.

    Raises:
        HostError: it cannot be made, or its path leaves no room for sockets.
    """
    longest = len(os.fsencode(path)) + len("/1234567-1234567890-1234/console")
    if longest > SOCKET_PATH_BYTES:
        raise HostError(
            f"The path of the run folder, {path.parent}, is too long for the sockets in it.",
            next_step="Set LABKIT_RUN to a shorter path, such as /tmp/lab.",
        )
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        if owner is not None:
            os.chown(path, owner, owner)
    except OSError as error:
        full = error.errno == errno.ENOSPC
        raise HostError(
            f"The folder {path} cannot be made: {error.strerror}.",
            next_step="Free some space there."
            if full
            else "Set LABKIT_RUN to a folder that you may write to.",
        ) from error
    return path
