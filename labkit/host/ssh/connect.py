"""One connection to an SSH server, made and proven: the server by its key, we by ours."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import paramiko

from labkit.errors import Evidence, SshError
from labkit.host.ssh.hostkeys import HostKeyPolicy
from labkit.host.ssh.login import Login, Route

__all__ = ["DEAD_SECONDS", "OPEN_SECONDS", "Connection", "connect"]

CONNECT_SECONDS: Final = 15.0
OPEN_SECONDS: Final = 15.0  # for a channel
ALIVE_SECONDS: Final = 5.0  # between two questions whether the server is there
DEAD_SECONDS: Final = 10.0  # without an answer to one of them: the connection is cut
_LOG: Final = "labkit.ssh"  # paramiko's, which would print its own errors otherwise

logging.getLogger(_LOG).addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Connection:
    """A connection that stands, or stood.

    Attributes:
        client: paramiko's.
        jump: the connection that it goes through, or None.
    """

    client: paramiko.SSHClient
    jump: Connection | None

    @property
    def transport(self) -> paramiko.Transport:
        """What channels are opened on."""
        transport = self.client.get_transport()
        assert transport is not None  # noqa: S101  it is connected, and closed by nobody but us
        return transport

    @property
    def alive(self) -> bool:
        """Whether it stands, as far as is known."""
        transport = self.client.get_transport()
        return transport is not None and transport.is_active()

    def close(self) -> None:
        """Cut it. Raises nothing; twice does no harm."""
        self.client.close()
        if self.jump is not None:
            self.jump.close()


def connect(login: Login) -> Connection:
    """Connect to a machine, through others where ``~/.ssh/config`` says so.

    Raises:
        SshError: it cannot be reached, shows another key than is known, or does not let us in.
    """
    route = login.route
    jump = _jump(route)
    try:
        sock = _socket(login, route, jump)
        try:
            connection = Connection(_client(login, route, sock), jump)
        except BaseException:
            sock.close()
            raise
    except BaseException:
        if jump is not None:
            jump.close()
        raise
    _keep_alive(connection.transport)
    return connection


def _jump(route: Route) -> Connection | None:
    if route.jump is None:
        return None
    *before, last = route.jump.split(",")
    through = Login.parse(last)
    if not before:
        return connect(through)
    raise SshError(
        f"~/.ssh/config reaches {route.address} through several hosts: {route.jump}.",
        next_step="Give the last of them a ProxyJump of its own in ~/.ssh/config.",
    )


def _socket(login: Login, route: Route, jump: Connection | None) -> Any:
    where = (route.address, login.port)
    try:
        if jump is not None:
            return jump.transport.open_channel("direct-tcpip", where, ("127.0.0.1", 0), timeout=OPEN_SECONDS)
        sock = socket.create_connection(where, timeout=CONNECT_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except (OSError, paramiko.SSHException) as error:
        raise SshError(
            f"{login} cannot be reached: {getattr(error, 'strerror', None) or error}.",
            next_step="Look at the name and the port, whether the machine runs, and whether it has an SSH server.",
        ) from error
    return sock


def _client(login: Login, route: Route, sock: Any) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    client.set_log_channel(_LOG)
    policy = HostKeyPolicy(login, route.known_as)
    client.set_missing_host_key_policy(policy)

    def transport(sock: Any, **options: Any) -> paramiko.Transport:
        made = paramiko.Transport(sock, **options)
        policy.prefer(made)
        return made

    keys = _keys(login, route)
    others = login.key is None and not route.only_these_keys
    try:
        client.connect(
            login.host,
            login.port,
            login.user,
            key_filename=[str(key) for key in keys],
            allow_agent=others,
            look_for_keys=others,
            sock=sock,
            timeout=CONNECT_SECONDS,
            banner_timeout=CONNECT_SECONDS,
            auth_timeout=CONNECT_SECONDS,
            channel_timeout=OPEN_SECONDS,
            transport_factory=transport,
        )
    except BaseException as error:
        client.close()
        raise _told(login, keys, others, error) from error
    return client


def _keys(login: Login, route: Route) -> list[Path]:
    if login.key is None:
        return [key for key in route.keys if key.is_file()]
    if not login.key.is_file():
        raise SshError(
            f"There is no key {login.key} to enter {login} with.", next_step="Name the file of a private key."
        )
    return [login.key]


def _told(login: Login, keys: list[Path], others: bool, error: BaseException) -> BaseException:
    if isinstance(error, SshError) or not isinstance(error, (paramiko.SSHException, OSError, EOFError)):
        return error
    evidence = [Evidence("words of the connection", str(error) or type(error).__name__)]
    if isinstance(error, paramiko.AuthenticationException) or "No authentication" in str(error):
        tried = ", ".join([str(key) for key in keys] + ["the agent's and your default keys"] * others)
        return SshError(
            f"{login} does not let you in with {tried}.",
            next_step="Install your public key there (ssh-copy-id), or name another user. A key with a passphrase "
            "goes into the agent first: ssh-add FILE.",
            evidence=evidence,
        )
    return SshError(
        f"{login} was reached, but no SSH connection came of it.",
        next_step="Look whether an SSH server listens there: `ssh -v` shows more.",
        evidence=evidence,
    )


def _keep_alive(transport: paramiko.Transport) -> None:
    """Ask the server again and again whether it is there, and cut the connection if it does not say so.

    That ends every wait for it, and keeps the routers in between from forgetting the connection.
    """

    def ask() -> None:
        while not _ended(transport, ALIVE_SECONDS):
            patience = threading.Timer(DEAD_SECONDS, transport.close)
            patience.daemon = True
            patience.start()
            with contextlib.suppress(paramiko.SSHException, OSError, EOFError):
                transport.global_request("keepalive@openssh.com", wait=True)
            patience.cancel()

    threading.Thread(target=ask, name="labkit-ssh-alive", daemon=True).start()


def _ended(transport: paramiko.Transport, seconds: float) -> bool:
    transport.join(seconds)
    return not transport.is_active()
