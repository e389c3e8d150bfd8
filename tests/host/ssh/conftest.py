"""A server to enter, and sessions with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from labkit.host.ssh import Login, Session


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, sshd_module: ModuleType) -> Iterator[Any]:
    """An SSH server on 127.0.0.1."""
    with sshd_module.sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def cable(server: Any, sshd_module: ModuleType) -> Iterator[Any]:
    """A cable to the server."""
    with sshd_module.cable(server) as made:
        yield made


@pytest.fixture
def login(server: Any) -> Callable[..., Login]:
    """The way into the server; what is given is otherwise."""

    def made(**other: Any) -> Login:
        right = {
            "host": "127.0.0.1",
            "user": server.user,
            "port": server.port,
            "key": server.key,
            "known_hosts": server.known_hosts,
        }
        return Login(**{**right, **other})

    return made


@pytest.fixture
def session(login: Callable[..., Login]) -> Iterator[Session]:
    """A session with the server."""
    with Session(login()) as opened:
        yield opened


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without anybody's keys."""
    (tmp_path / ".ssh").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path
