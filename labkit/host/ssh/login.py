"""As whom to enter which machine, and what the user's own SSH configuration says of it."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import unquote, urlsplit

from labkit.errors import SshError, UsageError

if TYPE_CHECKING:
    import paramiko

__all__ = ["PORT", "Login", "Route"]

PORT: Final = 22
_FORM: Final = "Write ssh://USER@HOST or ssh://USER@HOST:PORT."


@dataclass(frozen=True)
class Login:
    """As whom to enter which machine.

    Attributes:
        host: its name or address, or a name for it in ``~/.ssh/config``.
        user: the user there.
        port: the port of its SSH server.
        key: the file of the private key, the only one to be tried; unless given, those that ``~/.ssh/config``
            names, those of the agent, and the user's default ones.
        known_hosts: the only file that says which keys are the host's, in the format of sshd(8); the user's
            ``~/.ssh/known_hosts`` and the machine's unless given. With it, ``~/.ssh/config`` is not looked at.
    """

    host: str
    user: str
    port: int = PORT
    key: Path | None = None
    known_hosts: Path | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """The login that ``ssh://[USER@]HOST[:PORT]`` means, or the same without ``ssh://``.

        What the text leaves out is as ``~/.ssh/config`` says, else this machine's user and port 22.

        Raises:
            UsageError: it means none.
            SshError: ``~/.ssh/config`` cannot be read.
        """
        try:
            url = urlsplit(text if "://" in text else f"ssh://{text}")
            host, port = url.hostname, url.port
        except ValueError as error:
            raise UsageError(f"This is no address of an SSH server: {error}.", next_step=_FORM) from error
        if url.password is not None:
            raise UsageError(
                "A password stands in the address of an SSH server, where everybody can read it.",
                next_step="Leave it out, and log in by a key: ssh-keygen makes one, ssh-copy-id installs it.",
            )
        if not host or url.scheme != "ssh" or host.startswith("-") or url.query or url.fragment:
            raise UsageError(f"{text!r} is no address of an SSH server.", next_step=_FORM)
        told = _configured(host)
        user = unquote(url.username) if url.username else str(told.get("user") or getpass.getuser())
        return cls(host, user, port or int(told.get("port", PORT)))

    @property
    def route(self) -> Route:
        """The way to the machine, as the user's configuration has it.

        Raises:
            SshError: the configuration cannot be read, or asks for what labkit does not do.
        """
        told = {} if self.known_hosts else _configured(self.host)
        if "proxycommand" in told:
            raise SshError(
                f"~/.ssh/config reaches {self.host} by a ProxyCommand, which labkit does not run.",
                next_step="Use ProxyJump there instead, or give the host another name.",
            )
        return Route(
            address=str(told.get("hostname", self.host)),
            known_as=str(told.get("hostkeyalias", told.get("hostname", self.host))),
            keys=tuple(Path(file).expanduser() for file in told.get("identityfile", ())),
            only_these_keys=told.get("identitiesonly", "no").lower() == "yes",
            jump=str(told["proxyjump"]) if "proxyjump" in told else None,
        )

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ssh://{self.user}@{host}" + (f":{self.port}" if self.port != PORT else "")


@dataclass(frozen=True)
class Route:
    """How a machine is reached.

    Attributes:
        address: its name or address on the network.
        known_as: its name in files of known hosts.
        keys: private keys to be tried.
        only_these_keys: whether no others may be tried.
        jump: the hosts to go through, as ProxyJump has them in ssh_config(5), or None.
    """

    address: str
    known_as: str
    keys: tuple[Path, ...] = ()
    only_these_keys: bool = False
    jump: str | None = None


def _configured(host: str) -> dict[str, Any]:
    """What ``~/.ssh/config`` says of a host, by lower-case names."""
    import paramiko

    file = Path("~/.ssh/config").expanduser()
    try:
        config: paramiko.SSHConfig = paramiko.SSHConfig.from_path(str(file))
        told = dict(config.lookup(host))
    except FileNotFoundError:
        return {}
    except (OSError, paramiko.SSHException) as error:
        raise SshError(
            f"{file} cannot be read: {error}.", next_step="Mend the file; ssh_config(5) describes it."
        ) from error
    return {name: value for name, value in told.items() if value != "none"}
