"""As whom guests run.

libvirt has two modes: the session mode of an ordinary user, and the system mode of root, which wants users, groups
and configuration files that a bare container lacks. Labkit always uses session mode, which libvirt chooses by its
effective user. So for root the daemon gets another number for the same user, in a user namespace of its own
(user_namespaces(7)): inside it is an ordinary user, outside it stays root, with root's files. Where namespaces are
forbidden it runs as ``nobody``, which sees only what it is given.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from enum import Enum
from functools import cache

from labkit.errors import Evidence, HostError

__all__ = ["NOBODY", "Identity", "Manner", "identity"]

NOBODY = 65534
"""The user and group that own nothing, by convention of the kernel and of Debian."""


class Manner(Enum):
    """The way in which the daemon gets its user."""

    SELF = "as you"
    NAMESPACE = "as root in a user namespace"
    NOBODY = "as nobody"


@dataclass(frozen=True)
class Identity:
    """As whom the daemon and its guests run.

    Attributes:
        manner: how they get their user.
        owner: the user that must own their folders, or None where they are owned by the right one anyway.
        prefix: words to put before a command so that it runs so.
    """

    manner: Manner
    owner: int | None = None
    prefix: tuple[str, ...] = ()

    @property
    def sees_all_files(self) -> bool:
        """Whether a guest may be started from any file that the caller can read."""
        return self.manner is not Manner.NOBODY


def identity(manner: Manner | None = None) -> Identity:
    """The identity for guests of this user.

    Args:
        manner: take this one and no other (tests do).

    Raises:
        HostError: we are root, and can give up neither way.
    """
    if (manner is None and os.geteuid() != 0) or manner is Manner.SELF:
        return Identity(Manner.SELF)
    ways = {
        Manner.NAMESPACE: ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"),
        Manner.NOBODY: (
            "setpriv",
            f"--reuid={NOBODY}",
            f"--regid={NOBODY}",
            *_groups(),
            "--inh-caps=-all",
            "--bounding-set=-all",
        ),
    }
    failures: list[Evidence] = []
    for way, prefix in ways.items():
        if manner not in (None, way):
            continue
        tried = _tried(prefix)
        if tried is None:
            return Identity(way, NOBODY if way is Manner.NOBODY else None, prefix)
        failures.append(tried)
    raise HostError(
        "Root cannot start guests here: neither a user namespace nor a change of user is allowed.",
        next_step="Run labkit as an ordinary user, or allow one of the two (in a container: its seccomp profile).",
        evidence=failures,
    )


def _groups() -> tuple[str, ...]:
    """Keep the one group that may open /dev/kvm, if it is not root's."""
    try:
        group = os.stat("/dev/kvm").st_gid  # noqa: PTH116  no Path needed for one field
    except OSError:
        group = 0
    return (f"--groups={group}",) if group else ("--clear-groups",)


@cache
def _tried(prefix: tuple[str, ...]) -> Evidence | None:
    """None if commands run with this prefix, else what went wrong."""
    command = [*prefix, "id", "-u"]
    if shutil.which(prefix[0]) is None:
        return Evidence(" ".join(command), f"{prefix[0]}: not installed")
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10)
    if done.returncode == 0 and done.stdout.strip() not in ("", "0"):
        return None
    return Evidence(" ".join(command), done.stdout + done.stderr)
