"""How a host is named on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from labkit.errors import UsageError
from labkit.host.ssh import Login

__all__ = ["Address", "Manager", "parse_address"]

Manager = Literal["libvirt", "xl"]
"""What starts guests on a host: libvirt with QEMU, or Xen's ``xl``."""

_MANAGERS: Final[dict[str, Manager | None]] = {"ssh": None, "qemu+ssh": "libvirt", "xen+ssh": "xl"}
_PATHS: Final = {
    "ssh": ("", "/"),
    "qemu+ssh": ("/system", "/session", "", "/"),
    "xen+ssh": ("/system", "", "/"),
}


@dataclass(frozen=True)
class Address:
    """A host, as named.

    Attributes:
        login: the way in.
        manager: what is to start guests there; found out unless given.
        uri: libvirt's own name for where, such as ``qemu:///system``; its default there unless given.
    """

    login: Login
    manager: Manager | None = None
    uri: str | None = None


def parse_address(text: str) -> Address:
    """The host that ``ssh://[USER@]HOST[:PORT]`` means.

    ``qemu+ssh://…/system`` and ``…/session`` mean that libvirt there, ``xen+ssh://…`` Xen there, both of them over
    this same SSH connection; libvirt here has no part in it.

    Raises:
        UsageError: it means none.
        SshError: ``~/.ssh/config`` cannot be read.
    """
    try:
        url = urlsplit(text)
    except ValueError:
        url = urlsplit("")
    if url.scheme not in _MANAGERS or url.path not in _PATHS[url.scheme] or url.query or url.fragment:
        raise UsageError(
            f"There is no host {text.rpartition('@')[2]!r}.",
            next_step="Write ssh://USER@SERVER or ssh://USER@SERVER:PORT; or xen or kvm, for the lab's own hosts. "
            "Leave out --host for this machine.",
        )
    where = url.path.strip("/")
    return Address(
        Login.parse(f"ssh://{url.netloc}"),
        _MANAGERS[url.scheme],
        f"qemu:///{where}" if where and url.scheme == "qemu+ssh" else None,
    )
