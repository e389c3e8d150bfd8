"""Whose guest is whose: written on the domain itself, so that cleaning up needs no file that could be lost."""

from __future__ import annotations

import datetime as dt
import os
import socket
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from labkit.build.domainxml import LAB_NAMESPACE

__all__ = ["Owner", "Ownership", "this_process"]


@dataclass(frozen=True)
class Owner:
    """A process, told from all others on this machine, past and present.

    Attributes:
        pid: its number.
        start: when it started, in clock ticks after the machine did (field 22 of ``/proc/PID/stat``, proc(5));
            so a number that is used again is not taken for the process before.
    """

    pid: int
    start: int

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return _start_of(self.pid) == self.start


def this_process() -> Owner:
    """The process that calls."""
    return Owner(os.getpid(), _start_of(os.getpid()) or 0)


def _start_of(pid: int) -> int | None:
    """When a process started; None if there is none of that number, or only its remains."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


@dataclass(frozen=True)
class Ownership:
    """What is written on a domain.

    Attributes:
        owner: the process that started it, or its keeper if it stays.
        host: the machine's name.
        image: the image file.
        notebook: the notebook that it was started from, or empty.
        created: when, in ISO 8601 with seconds, UTC.
        stay: whether it outlives the process that asked for it.
    """

    owner: Owner
    host: str
    image: str
    notebook: str
    created: str
    stay: bool

    @classmethod
    def now(cls, image: Path, *, stay: bool) -> Ownership:
        """Ownership by this process, from now on."""
        return cls(
            owner=this_process(),
            host=socket.gethostname(),
            image=str(image),
            notebook=os.environ.get("JPY_SESSION_NAME", ""),
            created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            stay=stay,
        )

    def attributes(self) -> dict[str, str]:
        """As attributes of the ownership element."""
        return {
            "owner-pid": str(self.owner.pid),
            "owner-start": str(self.owner.start),
            "owner-host": self.host,
            "image": self.image,
            "notebook": self.notebook,
            "created": self.created,
            "stay": "yes" if self.stay else "no",
        }

    @classmethod
    def of_domain(cls, xml: str) -> Ownership | None:
        """What is written on the domain with this XML; None if it is not one of ours."""
        element = ET.fromstring(xml).find(f"metadata/{{{LAB_NAMESPACE}}}guest")  # noqa: S314  from libvirt
        if element is None:
            return None
        get = element.attrib.get
        try:
            owner = Owner(int(get("owner-pid", "")), int(get("owner-start", "")))
        except ValueError:
            return None
        return cls(
            owner,
            get("owner-host", ""),
            get("image", ""),
            get("notebook", ""),
            get("created", ""),
            get("stay") == "yes",
        )
