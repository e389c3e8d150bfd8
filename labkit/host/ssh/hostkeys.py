"""Whether a server is the one that it should be: its key must be known beforehand, never simply believed."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

import paramiko

from labkit.errors import Evidence, SshError
from labkit.host.ssh.login import PORT, Login

__all__ = ["HostKeyPolicy"]

_FILES: Final = ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts")
_RSA: Final = "ssh-rsa"  # the type of a key with which three algorithms sign (RFC 8332)
_RSA_ALGORITHMS: Final = ("rsa-sha2-512", "rsa-sha2-256", _RSA)


class HostKeyPolicy(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]  # paramiko has no types
    """Asked by paramiko for each key of a server, since paramiko itself is told of none.

    Its own choice would ask a server for the first of the known types only, and take another one for a changed
    key.
    """

    def __init__(self, login: Login, known_as: str) -> None:
        self._login = login
        self._name = known_as if login.port == PORT else f"[{known_as}]:{login.port}"
        self._files = [login.known_hosts] if login.known_hosts else [Path(f).expanduser() for f in _FILES]
        keys = paramiko.HostKeys()
        for file in self._files:
            with contextlib.suppress(OSError):
                keys.load(str(file))
        self._known: dict[str, paramiko.PKey] = dict(keys.lookup(self._name) or {})

    def prefer(self, transport: paramiko.Transport) -> None:
        """Have the server show a key of a type that is known, if it has one."""
        options = transport.get_security_options()
        wanted = [
            algorithm
            for kind in self._known
            for algorithm in (_RSA_ALGORITHMS if kind == _RSA else (kind,))
            if algorithm in options.key_types
        ]
        options.key_types = (*wanted, *(kind for kind in options.key_types if kind not in wanted))

    def missing_host_key(self, client: object, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002
        """Take the key if it is the host's.

        Raises:
            SshError: it is not, or nobody knows.
        """
        if self._known.get(key.get_name()) == key:
            return
        shown = Evidence("the key that it shows", f"{key.get_name()} {key.fingerprint}")
        files = " or ".join(str(file) for file in self._files)
        if not self._known:
            raise SshError(
                f"The key of {self._login} is not known, so this may be any machine.",
                next_step="Ask its administrator for the fingerprint of its key and compare. If it is the same, "
                f"connect once by hand, `{_by_hand(self._login)}`, and accept it; it must stand in {files}.",
                evidence=[shown],
            )
        known = "\n".join(f"{kind} {one.fingerprint}" for kind, one in self._known.items())
        raise SshError(
            f"The key of {self._login} is not the one that is known: it is another machine, was installed "
            "anew, or somebody is in between.",
            next_step="Ask its administrator. Only if the new key is right, remove the old one, "
            f"`ssh-keygen -R '{self._name}' -f {self._files[0]}`, and connect once by hand.",
            evidence=[shown, Evidence(f"the key that is known, in {files}", known)],
        )


def _by_hand(login: Login) -> str:
    return f"ssh -p {login.port} {login.user}@{login.host}"
