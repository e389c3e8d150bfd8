"""Another machine for tests: a real sshd on 127.0.0.1, as this user, and a cable to it that can be cut."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

SSHD = "/usr/sbin/sshd"
LOOPBACK = "127.0.0.1"


class Sshd:
    """A running server, its keys, and what a client needs to know of it."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.port = free_port()
        self.user = getpass.getuser()
        self.key = make_key(folder / "client")
        self.host_key = make_key(folder / "host")
        shutil.copyfile(f"{self.key}.pub", folder / "authorized")
        self.known_hosts = folder / "known_hosts"
        self.know(self.port)
        (folder / "config").write_text(
            "\n".join(
                [
                    f"ListenAddress {LOOPBACK}:{self.port}",
                    f"HostKey {self.host_key}",
                    f"AuthorizedKeysFile {folder / 'authorized'}",
                    "PidFile none",
                    "StrictModes no",
                    "UsePAM no",
                    "PasswordAuthentication no",
                    "KbdInteractiveAuthentication no",
                    "MaxStartups 100",
                    "Subsystem sftp internal-sftp",
                    *(f"SetEnv {' '.join(f'{name}={value}' for name, value in environment.items())}",)
                    * bool(environment),
                ]
            )
        )
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # as Debian's service does
        self._process = subprocess.Popen(
            [SSHD, "-D", "-e", "-f", str(folder / "config")],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr
        while line := self._process.stderr.readline():
            if not self._log(line):
                break
        else:
            raise AssertionError("sshd does not start: " + (folder / "log").read_text())
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def know(self, port: int) -> None:
        """Let clients know the server's key at a port."""
        kind, key, *_ = Path(f"{self.host_key}.pub").read_text().split()
        with self.known_hosts.open("a") as file:
            file.write(f"[{LOOPBACK}]:{port} {kind} {key}\n")

    def sessions(self) -> list[int]:
        """The processes that serve a connection."""
        return children(self._process.pid)

    def kill_sessions(self) -> None:
        """Kill them, as a machine does that has no memory left."""
        for number in self.sessions():
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)

    def close(self) -> None:
        """End it, and what it serves."""
        self.kill_sessions()
        self._process.terminate()
        self._process.wait(10)
        self._reader.join(10)
        assert self._process.stderr
        self._process.stderr.close()

    def _log(self, line: str) -> bool:
        """Whether to wait for more."""
        with (self.folder / "log").open("a") as log:
            log.write(line)
        return "Server listening" not in line

    def _read(self) -> None:
        assert self._process.stderr
        for line in self._process.stderr:
            self._log(line)


class Cable:
    """A port of this machine that leads to another one, until it is cut or goes dead."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._socket = socket.create_server((LOOPBACK, 0))
        self.port: int = self._socket.getsockname()[1]
        self._ends: list[socket.socket] = []
        self._alive = threading.Event()
        self._alive.set()
        self._passed = threading.Semaphore(0)
        self.bytes = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Cut all connections; new ones can be made."""
        ends, self._ends = self._ends, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._alive.set()

    def freeze(self) -> None:
        """Let nothing through any more, and tell nobody, until it is cut."""
        self._alive.clear()

    def close(self) -> None:
        """Take it away."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._socket.accept()
            except OSError:
                return
            try:
                far = socket.create_connection((LOOPBACK, self._target))
            except OSError:
                near.close()
                continue
            self._ends += [near, far]
            left = [2]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, sink, left), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, left: list[int]) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                self._alive.wait()
                sink.sendall(data)
                self.bytes += len(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        left[0] -= 1
        if left[0] == 0:
            source.close()
            sink.close()


@contextmanager
def sshd(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Sshd]:
    """A server, for the block."""
    server = Sshd(folder, environment or {})
    try:
        yield server
    finally:
        server.close()


@contextmanager
def cable(server: Sshd) -> Iterator[Cable]:
    """A cable to a server, for the block; clients know the server's key at it."""
    made = Cable(server.port)
    server.know(made.port)
    try:
        yield made
    finally:
        made.close()


def make_key(path: Path) -> Path:
    """A new private key, and its public one beside it."""
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True, timeout=30
    )
    return path


def free_port() -> int:
    """A port of this machine that nobody has."""
    with socket.create_server((LOOPBACK, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def children(number: int) -> list[int]:
    """A process's children."""
    try:
        return [int(word) for word in Path(f"/proc/{number}/task/{number}/children").read_text().split()]
    except OSError:
        return []
