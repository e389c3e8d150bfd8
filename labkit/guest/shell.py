"""A guest's SSH server, entered: programs that run in the guest, files both ways, a terminal."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from labkit.errors import SshError
from labkit.host.ssh import Channel, Login, Session

if TYPE_CHECKING:
    from labkit.guest.guest import Guest
    from labkit.guest.terminal import SshTerminal

__all__ = ["Ran", "Shell"]

RUN_SECONDS: Final = 60.0

Result = TypeVar("Result")


@dataclass(frozen=True)
class Ran:
    """What came of a program in a guest.

    Attributes:
        exit_status: its exit status; -1 where a signal ended it.
        output: what it printed.
        errors: the end of what it printed as errors.
    """

    exit_status: int
    output: str
    errors: str = ""

    def __str__(self) -> str:
        return self.output + self.errors


class Shell:
    """What can be done in a guest by SSH; ``guest.ssh`` gives it::

        guest.ssh.run("uname -a").output
        guest.ssh.run("false").exit_status
        guest.ssh.upload("notes.txt", "/tmp/notes.txt")

    Attributes:
        login: who enters which port by which key; the guest's own key is in ``login.known_hosts``.
    """

    def __init__(self, guest: Guest, login: Login) -> None:
        self.login = login
        self._guest = guest
        self._session = Session(login)

    def run(
        self,
        *words: str,
        input: str | bytes = b"",  # noqa: A002
        timeout: float | None = RUN_SECONDS,
        each: Callable[[str], object] | None = None,
    ) -> Ran:
        """Run a program in the guest to its end.

        Args:
            words: one text is a line for the guest's shell, ``"ls -l | wc"``; more are a program and its
                arguments, each of which arrives as it is.
            input: what it reads.
            timeout: the longest it may take, in seconds; None for no limit.
            each: called with each piece of its output as it comes, such as ``print``.

        Raises:
            SshError: it cannot be started, takes longer, or the connection was cut.
        """
        data = input.encode() if isinstance(input, str) else input
        with self.start(*words) as channel:
            if each is None:
                done = channel.finish(data, timeout)
                return Ran(done.status, _text(done.output), _text(done.errors))
            output = bytearray()
            channel.send(data)
            channel.end_input()
            while piece := channel.read(timeout=timeout):
                output += piece
                each(_text(piece))
            return Ran(channel.status(timeout), _text(bytes(output)), _text(channel.errors))

    def start(self, *words: str, pty: bool = False) -> Channel:
        """Start a program in the guest, to talk with it; see :meth:`labkit.host.ssh.Session.start`."""
        command = ("sh", "-c", words[0]) if len(words) == 1 else words
        return self._again(lambda: self._session.start(*command, pty=pty))

    def terminal(self) -> SshTerminal:
        """A shell in the guest, on a terminal; ``labkit.ui.terminal(guest.ssh.terminal(), by_key=True)`` shows it.

        Raises:
            SshError: it cannot be started.
        """
        from labkit.guest.terminal import SshTerminal

        return SshTerminal(f"{self._guest.name}-ssh", self._guest.image, self.start("exec sh -l", pty=True))

    def upload(self, source: str | os.PathLike[str], target: str, mode: int = 0o644) -> None:
        """Copy a file into the guest; see :meth:`labkit.host.ssh.Session.upload`."""
        self._again(lambda: self._session.upload(Path(source), target, mode))

    def download(self, source: str, target: str | os.PathLike[str]) -> None:
        """Copy a file out of the guest; see :meth:`labkit.host.ssh.Session.download`."""
        self._again(lambda: self._session.download(source, Path(target)))

    def connect(self) -> None:
        """Log in now, to see whether that works.

        Raises:
            SshError: it does not.
        """
        self._session.open("session").close()

    def close(self) -> None:
        """End the connection and what runs through it. Raises nothing."""
        self._session.close()

    def _again(self, work: Callable[[], Result]) -> Result:
        """Do something that may be done twice; again on a new connection if the one that stood ends meanwhile.

        Dropbear has been seen to end a connection as it opens a channel, after others were closed.
        """
        try:
            return work()
        except SshError:
            return work()

    def __repr__(self) -> str:
        return f"<SSH of {self._guest.name}: {self.login}>"


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
