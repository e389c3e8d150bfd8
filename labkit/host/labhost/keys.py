"""The keys of a lab host: one by which it is entered, one by which it is known; made for one lab."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import Evidence, HostError, MissingTool

__all__ = ["Keys", "known_host"]


@dataclass(frozen=True)
class Keys:
    """Both pairs, in a folder.

    Attributes:
        folder: where they are.
    """

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Keys:
        """Make them.

        Raises:
            MissingTool: there is no ssh-keygen.
            HostError: it fails.
        """
        made = cls(folder)
        for path in (made.client, made.host):
            command = [
                "ssh-keygen",
                "-q",
                "-t",
                "ed25519",
                "-N",
                "",
                "-C",
                f"labkit-{path.name}",
                "-f",
                str(path),
            ]
            try:
                done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            except OSError as error:
                raise MissingTool(
                    "ssh-keygen is not installed.",
                    next_step="Run `make lab`, or install the package openssh-client.",
                ) from error
            if done.returncode:
                raise HostError(
                    "The keys of the lab host cannot be made.",
                    evidence=[Evidence(" ".join(command), done.stderr + done.stdout)],
                )
        return made

    @property
    def client(self) -> Path:
        """The private key that opens the machine."""
        return self.folder / "client-key"

    @property
    def host(self) -> Path:
        """The machine's own private key."""
        return self.folder / "host-key"

    def public(self, private: Path) -> str:
        """The public half of a key, one line."""
        return private.with_suffix(".pub").read_text()


def known_host(keys: Keys, host: str, port: int) -> str:
    """The machine's line in a file of known hosts (sshd(8))."""
    kind, key, *_ = keys.public(keys.host).split()
    return f"[{host}]:{port} {kind} {key}\n"
