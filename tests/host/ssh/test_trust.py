"""Who is let in, and which server is believed."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from labkit.errors import LabError, SshError, UsageError, WhoseTurn
from labkit.host.ssh import Login, Session, connect

Logins = Callable[..., Login]


def refused(login: Login, match: str) -> SshError:
    """The error of a session that must not come about."""
    with pytest.raises(SshError, match=match) as caught, Session(login):
        pass
    assert caught.value.next_step
    return caught.value


def fingerprint(key: Path) -> str:
    """As ssh-keygen prints it."""
    return subprocess.run(
        ["ssh-keygen", "-lf", f"{key}.pub"], capture_output=True, text=True, check=True
    ).stdout.split()[1]


class TestServers:
    def test_an_unknown_key_is_refused_and_shown(self, login: Logins, server: Any, tmp_path: Path) -> None:
        known = tmp_path / "known"
        error = refused(login(known_hosts=known), "is not known")
        assert fingerprint(server.host_key) in str(error)
        assert str(known) in error.next_step
        assert not known.exists()

    def test_a_key_known_for_another_port_is_unknown(
        self, login: Logins, server: Any, tmp_path: Path
    ) -> None:
        known = tmp_path / "known"
        known.write_text(server.known_hosts.read_text().replace(f":{server.port} ", ":1 "))
        refused(login(known_hosts=known), "is not known")

    def test_a_changed_key_is_refused_and_both_are_shown(
        self, login: Logins, server: Any, tmp_path: Path, sshd_module: ModuleType
    ) -> None:
        other = sshd_module.make_key(tmp_path / "other")
        known = tmp_path / "known"
        known.write_text(f"[127.0.0.1]:{server.port} {Path(f'{other}.pub').read_text()}")
        error = refused(login(known_hosts=known), "not the one that is known")
        assert fingerprint(server.host_key) in str(error)
        assert fingerprint(other) in str(error)
        assert "ssh-keygen -R" in error.next_step

    def test_a_key_of_another_type_only_is_a_changed_key(
        self, login: Logins, server: Any, tmp_path: Path
    ) -> None:
        other = tmp_path / "rsa"
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(other)], check=True
        )
        known = tmp_path / "known"
        known.write_text(f"[127.0.0.1]:{server.port} {Path(f'{other}.pub').read_text()}")
        refused(login(known_hosts=known), "not the one that is known")
        known.write_text(known.read_text() + server.known_hosts.read_text())  # and one of each is well
        with Session(login(known_hosts=known)) as session:
            assert session.run("true").status == 0

    def test_hashed_names_are_known(self, login: Logins, server: Any, tmp_path: Path) -> None:
        known = tmp_path / "known"
        shutil.copyfile(server.known_hosts, known)
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(known)], check=True, capture_output=True)
        assert "127.0.0.1" not in known.read_text()
        with Session(login(known_hosts=known)) as session:
            assert session.run("true").status == 0

    def test_an_unreachable_server(self, login: Logins, sshd_module: ModuleType) -> None:
        error = refused(login(port=sshd_module.free_port()), "cannot be reached: Connection refused")
        assert error.whose_turn is WhoseTurn.MACHINE

    def test_a_name_that_does_not_exist(self, login: Logins) -> None:
        refused(login(host="no-such-host.invalid"), "cannot be reached")

    @pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", None])
    def test_a_server_of_another_kind(
        self, login: Logins, greeting: bytes | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connect, "CONNECT_SECONDS", 0.5)
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def serve() -> None:
                connection, _ = listener.accept()
                with connection:
                    if greeting is not None:
                        connection.sendall(greeting)
                        return
                    connection.recv(1 << 16)
                    connection.recv(1)

            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            refused(login(port=listener.getsockname()[1]), "no SSH connection came of it")
            thread.join(10)
            assert not thread.is_alive()


class TestUsers:
    def test_a_wrong_key(self, login: Logins, tmp_path: Path, sshd_module: ModuleType) -> None:
        wrong = sshd_module.make_key(tmp_path / "wrong")
        error = refused(login(key=wrong), "does not let you in")
        assert str(wrong) in error.what

    def test_no_key_file(self, login: Logins, tmp_path: Path) -> None:
        refused(login(key=tmp_path / "none"), "There is no key")

    @pytest.mark.usefixtures("home")
    def test_no_key_at_all(self, login: Logins) -> None:
        refused(login(key=None), "does not let you in")

    def test_a_key_with_a_passphrase(self, login: Logins, tmp_path: Path) -> None:
        key = tmp_path / "locked"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(key)], check=True)
        error = refused(login(key=key), "does not let you in")
        assert "ssh-add" in error.next_step

    def test_nothing_secret_is_logged(self, login: Logins, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(0)
        with Session(login()) as session:
            session.run("echo", "hunter2", input=b"hunter3")
        assert caplog.records
        assert "hunter" not in caplog.text
        assert "PRIVATE" not in caplog.text


class TestConfiguration:
    def configure(self, home: Path, text: str) -> None:
        (home / ".ssh" / "config").write_text(text)

    def test_the_users_own_files_are_used(self, home: Path, server: Any) -> None:
        self.configure(
            home,
            f"Host lab\n HostName 127.0.0.1\n Port {server.port}\n User {server.user}\n"
            f" IdentityFile {server.key}\n",
        )
        (home / ".ssh" / "known_hosts").write_text(server.known_hosts.read_text())
        login = Login.parse("ssh://lab")
        assert (login.host, login.user, login.port) == ("lab", server.user, server.port)
        with Session(login) as session:
            assert session.run("echo", "in").output == b"in\n"

    def test_the_default_key_is_used(self, home: Path, server: Any, login: Logins) -> None:
        shutil.copyfile(server.key, home / ".ssh" / "id_ed25519")
        with Session(login(key=None)) as session:
            assert session.run("echo", "in").output == b"in\n"

    def test_the_agents_keys_are_used(
        self, home: Path, server: Any, login: Logins, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        agent = subprocess.Popen(
            ["ssh-agent", "-D", "-a", str(home / "agent")], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        try:
            assert agent.stdout
            assert agent.stdout.readline()
            monkeypatch.setenv("SSH_AUTH_SOCK", str(home / "agent"))
            subprocess.run(["ssh-add", "-q", str(server.key)], check=True, timeout=10)
            with Session(login(key=None)) as session:
                assert session.run("echo", "in").output == b"in\n"
        finally:
            agent.terminate()
            agent.communicate(timeout=10)

    def test_a_jump_host_is_gone_through(self, home: Path, server: Any) -> None:
        self.configure(
            home,
            f"Host *\n HostName 127.0.0.1\n Port {server.port}\n User {server.user}\n IdentityFile {server.key}\n"
            "Host far\n ProxyJump gate\n",
        )
        (home / ".ssh" / "known_hosts").write_text(server.known_hosts.read_text())
        before = set(server.sessions())
        with Session(Login.parse("far")) as session:
            assert session.run("echo", "in").output == b"in\n"
            assert len({*server.sessions()} - before) == 2
            server.kill_sessions()
            assert session.run("echo", "again").output == b"again\n"

    def test_a_proxy_command_is_not_passed_over(self, home: Path) -> None:
        self.configure(home, "Host far\n ProxyCommand nc %h %p\n")
        refused(Login.parse("far"), "ProxyCommand")

    def test_a_broken_file(self, home: Path) -> None:
        self.configure(home, "Host\n  nonsense\n")
        with pytest.raises(SshError, match="cannot be read"):
            Login.parse("far")

    def test_it_is_not_looked_at_for_a_login_with_keys_of_its_own(self, home: Path, login: Logins) -> None:
        self.configure(home, "Host *\n HostName no-such-host.invalid\n")
        with Session(login()) as session:
            assert session.run("true").status == 0


@pytest.mark.usefixtures("home")
class TestAddresses:
    @pytest.mark.parametrize(
        ("text", "host", "user", "port"),
        [
            ("ssh://me@server", "server", "me", 22),
            ("ssh://me@server:2222", "server", "me", 2222),
            ("ssh://me@server/", "server", "me", 22),
            ("me@server", "server", "me", 22),
            ("ssh://me@[::1]:2222", "::1", "me", 2222),
        ],
    )
    def test_good_ones(self, text: str, host: str, user: str, port: int) -> None:
        login = Login.parse(text)
        assert (login.host, login.user, login.port) == (host, user, port)
        assert Login.parse(str(login)) == login

    def test_the_user_is_this_one_unless_told(self) -> None:
        assert Login.parse("ssh://server").user == getpass.getuser()

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "ssh://",
            "ssh://@",
            "http://server",
            "ssh://a@b:x",
            "ssh://a@b:70000",
            "ssh://a@b?x=1",
            "ssh://-oX/",
        ],
    )
    def test_bad_ones(self, text: str) -> None:
        with pytest.raises(UsageError):
            Login.parse(text)

    def test_a_password_is_refused_and_not_repeated(self) -> None:
        with pytest.raises(LabError) as caught:
            Login.parse("ssh://me:hunter2@server")
        assert "hunter2" not in str(caught.value)
