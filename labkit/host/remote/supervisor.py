"""The far end of a remote guest: a script on its host that starts it, and ends it when nobody is here any more."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from labkit.errors import Evidence, HostError, SshError
from labkit.host.remote.place import RemoteHost
from labkit.host.ssh.channel import cut

__all__ = ["Supervisor"]

_SCRIPT: Final = Path(__file__).with_name("supervise.sh").read_text()
ANSWER_SECONDS: Final = 75.0  # it gives libvirt and Xen a minute
BEATS: Final = 4  # signs of life in the time that it waits for one


class Supervisor:
    """A running ``supervise.sh`` for one guest. Two threads: one gives signs of life, one listens.

    Attributes:
        folder: the guest's folder on its host.
    """

    def __init__(
        self,
        host: RemoteHost,
        name: str,
        configuration: str,
        begin: str,
        end: str,
        on_gone: Callable[[], None] = lambda: None,
    ) -> None:
        """Start it, and wait until the guest's folder is there.

        Args:
            host: the guest's host.
            name: the guest's name.
            configuration: what becomes the file ``configuration`` in its folder.
            begin: the script that starts it.
            end: the script that ends it if it is there; 0 if it then is not.
            on_gone: called, in a thread of its own, when it has gone and was not told to.

        Raises:
            SshError: the connection failed.
            HostError: the folder cannot be made.
        """
        self.folder = guest_folder(host, name)
        self._name = name
        self._host = host
        self._on_gone = on_gone
        self._leaving = False
        self._end_asked = False
        self._said: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._over = threading.Event()
        self._sending = threading.Lock()
        words = (host.survey.folder, name, f"{host.patience:g}", configuration, begin, end)
        self._channel = host.session.start("sh", "-c", _SCRIPT, "labkit-guest", *words)
        threads = (self._listen, self._beat)
        self._threads = [threading.Thread(target=run, name=f"labkit-{name}", daemon=True) for run in threads]
        for thread in self._threads:
            thread.start()
        try:
            self._await("ready")
        except BaseException:
            self.leave()
            raise

    @property
    def words(self) -> str:
        """What scripts have said."""
        return self._channel.errors.decode("utf-8", "replace").strip()

    def begin(self) -> None:
        """Start the guest.

        Raises:
            HostError: it cannot be started there; the words of those who refuse are in the evidence.
            SshError: the connection failed.
        """
        self._send(b"s")
        if (status := self._await("began")) != 0:
            raise HostError(
                f"{self._name} cannot be started on {self._host.name}"
                + (" within a minute." if status == 124 else "."),
                next_step="Their words tell why.",
                evidence=[Evidence(f"words of {self._host.manager} there", self.words)],
            )

    def request_end(self) -> None:
        """Have the guest ended, and do not wait for it. Raises nothing."""
        self._end_asked = True
        self._send(b"e")

    def end(self) -> None:
        """Have the guest ended if it is there; its folder stays. Returns when it is gone.

        Raises:
            HostError: it cannot be ended.
            SshError: the connection failed.
        """
        if not self._end_asked:
            self.request_end()
        self._end_asked = False
        self._check_gone(self._await("ended"))

    def leave(self) -> None:
        """Have all removed. Returns when that is done, or the connection has failed: then it is done there later.

        Raises:
            HostError: the guest cannot be ended.
        """
        self._leaving = True
        try:
            self._send(b"q")
            self._check_gone(self._await("gone"))
        except SshError:
            pass
        finally:
            self._over.set()
            self._channel.close()
            for thread in self._threads:
                if thread is not threading.current_thread():
                    thread.join()

    def _check_gone(self, status: int) -> None:
        if status:
            raise HostError(
                f"{self._name} cannot be ended on {self._host.name}.",
                next_step=f"End it by hand there; its folder is {self.folder}.",
                evidence=[Evidence(f"words of {self._host.manager} there", self.words)],
            )

    def _send(self, letter: bytes) -> None:
        try:
            with self._sending:
                self._channel.send(letter)
        except SshError:
            pass  # whoever waits for the answer is told

    def _await(self, word: str) -> int:
        """The status that comes with an answer."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                line = self._said.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                self._said.put(None)
                if not self._channel.cut and self.words:
                    raise HostError(
                        f"{self._name} cannot be looked after on {self._host.name}.",
                        next_step="Look at the room and the permissions in its folder there.",
                        evidence=[Evidence("words of its supervisor", self.words)],
                    )
                raise cut(self._host.name, f"while {self._name} was there")
            said, _, status = line.partition(" ")
            if said == word:
                return int(status or 0)

    def _listen(self) -> None:
        rest = b""
        while piece := self._channel.read():
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                self._said.put(line.decode("ascii", "replace"))
        self._said.put(None)
        if not self._leaving:
            self._on_gone()

    def _beat(self) -> None:
        while not self._over.wait(self._host.patience / BEATS):
            self._send(b".")


def guest_folder(host: RemoteHost, name: str) -> str:
    """Where a guest's supervisor keeps what belongs to it."""
    return f"{host.survey.folder}/guests/{name}"
