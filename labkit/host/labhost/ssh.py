"""A word with the lab host over SSH, by OpenSSH's client."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import Evidence, HostError, MissingTool

__all__ = ["Login", "ask", "command_line"]


@dataclass(frozen=True)
class Login:
    """How a machine is entered over SSH.

    Attributes:
        host: its address.
        user: as whom.
        port: of its SSH server.
        key: a private key.
        known_hosts: the file with the machine's own key.
    """

    host: str
    user: str
    port: int = 22
    key: Path | None = None
    known_hosts: Path | None = None


def command_line(login: Login) -> list[str]:
    """The words of a command line that enters the machine."""
    return [
        "ssh", "-i", str(login.key), "-p", str(login.port),
        "-o", f"UserKnownHostsFile={login.known_hosts}", "-o", "IdentitiesOnly=yes", f"{login.user}@{login.host}",
    ]  # fmt: skip


def ask(login: Login, script: str, *, limit: float, input: bytes = b"") -> str:  # noqa: A002  subprocess's name
    """Run a script by the machine's shell and return what it prints.

    Args:
        login: the machine.
        script: what to run.
        limit: the longest that it may take, in seconds.
        input: what the script reads.

    Raises:
        HostError: it fails, or takes too long.
    """
    where, *options = command_line(login)
    command = [where, "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", *options]
    try:
        done = subprocess.run([*command, script], input=input, capture_output=True, timeout=limit)
    except subprocess.TimeoutExpired as error:
        raise HostError(
            f"The lab host does not answer over SSH within {limit:.0f} s.",
            evidence=[Evidence(shlex.join(command), (error.stderr or b"").decode(errors="replace"))],
        ) from error
    except OSError as error:
        raise MissingTool(
            "ssh is not installed.", next_step="Run `make lab`, or install the package openssh-client."
        ) from error
    if done.returncode:
        raise HostError(
            f"A command in the lab host failed with status {done.returncode}.",
            evidence=[Evidence(script, (done.stdout + done.stderr).decode(errors="replace"))],
        )
    return done.stdout.decode(errors="replace")
