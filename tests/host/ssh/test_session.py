"""Programs, files and ports of another machine, over a real SSH server."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit.errors import HostError, SshError, UsageError
from labkit.host.ssh import Login, Session, connect

WORDS = [
    "",
    "a b",
    "it's",
    '"',
    "$HOME `id` $(id)",
    "a\nb\t",
    "*",
    "-n",
    "ü€",
    "\\",
    "; exit 3",
    "~",
    "!!",
    "#x",
]


class TestPrograms:
    def test_each_word_arrives_as_it_is(self, session: Session) -> None:
        done = session.run("printf", r"%s\0", *WORDS)
        assert done.output.decode().split("\0")[:-1] == WORDS
        assert (done.status, done.errors) == (0, b"")

    def test_status_and_standard_error_come_back(self, session: Session) -> None:
        done = session.run("sh", "-c", "echo out; echo err >&2; exit 7")
        assert (done.status, done.output, done.errors) == (7, b"out\n", b"err\n")

    def test_a_program_that_a_signal_ended_has_no_status(self, session: Session) -> None:
        assert session.run("sh", "-c", "kill -9 $$").status == -1
        assert session.run("true").status == 0

    def test_much_goes_both_ways_at_once(self, session: Session) -> None:
        data = random.Random(1).randbytes(6 << 20)  # noqa: S311
        done = session.run("tee", "/dev/stderr", input=data, timeout=60)
        assert done.output == data
        assert data.endswith(done.errors)
        assert done.errors

    def test_a_program_need_not_read_its_input(self, session: Session) -> None:
        assert session.run("true", input=bytes(8 << 20), timeout=20).status == 0

    def test_a_time_limit_is_kept(self, session: Session) -> None:
        began = time.monotonic()
        with pytest.raises(SshError, match=r"has not answered in 0.3 s") as caught:
            session.run("sh", "-c", "echo so far >&2; exec sleep 5", timeout=0.3)
        assert time.monotonic() - began < 10
        assert "so far" in str(caught.value)
        assert session.run("true").status == 0

    def test_a_live_program_can_be_talked_with(self, session: Session) -> None:
        with session.start("cat") as channel:
            for line in (b"one\n", b"two\n"):
                channel.send(line)
                assert channel.read(timeout=10) == line
            channel.end_input()
            assert channel.read(timeout=10) == b""
            assert channel.status(10) == 0

    def test_its_standard_error_can_be_listened_to(self, session: Session) -> None:
        heard: list[bytes] = []
        with session.start(
            "sh", "-c", "echo a >&2; read line; echo b >&2", on_errors=heard.append
        ) as channel:
            channel.send(b"\n")
            assert channel.read(timeout=10) == b""
            channel.status(10)
        assert b"".join(heard) == b"a\nb\n"

    def test_a_terminal_is_given_when_asked_for(self, session: Session) -> None:
        assert session.run("tty").status == 1
        with session.start("tty", pty=True) as channel:
            assert channel.read(timeout=10).startswith(b"/dev/pts/")

    def test_programs_run_beside_each_other(self, session: Session) -> None:
        done: list[int] = []

        def run(number: int) -> None:
            done.append(int(session.run("sh", "-c", f"read x; echo {number}", input=b"\n").output))

        threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(done) == list(range(8))

    def test_more_programs_than_the_server_allows_are_refused(self, session: Session) -> None:
        channels = [session.start("cat") for _ in range(10)]
        with pytest.raises(SshError, match="refuses more programs") as caught:
            session.start("cat")
        assert "MaxSessions" in caught.value.next_step
        for channel in channels:
            assert channel.finish(timeout=10).status == 0
        assert session.run("true").status == 0

    @pytest.mark.parametrize("words", [(), ("a\0b",)])
    def test_what_is_no_command_is_refused(self, session: Session, words: tuple[str, ...]) -> None:
        with pytest.raises(UsageError):
            session.run(*words)


class TestFiles:
    def test_a_file_goes_there_and_back(self, session: Session, tmp_path: Path) -> None:
        data = random.Random(2).randbytes(3_000_001)  # noqa: S311
        (tmp_path / "a").write_bytes(data)
        there = tmp_path / "there 'and' back"
        seen: list[tuple[int, int]] = []
        session.upload(
            tmp_path / "a", str(there), 0o640, progress=lambda done, size: seen.append((done, size))
        )
        assert there.read_bytes() == data
        assert there.stat().st_mode & 0o777 == 0o640
        assert seen[-1] == (len(data), len(data))
        (tmp_path / "b").write_bytes(b"old")
        (tmp_path / "b").chmod(0o604)
        session.download(str(there), tmp_path / "b")
        assert (tmp_path / "b").read_bytes() == data
        assert (tmp_path / "b").stat().st_mode & 0o777 == 0o604
        assert {path.name for path in tmp_path.iterdir()} == {"a", "b", there.name}

    def test_an_empty_file(self, session: Session, tmp_path: Path) -> None:
        (tmp_path / "a").touch()
        session.upload(tmp_path / "a", str(tmp_path / "b"))
        session.download(str(tmp_path / "b"), tmp_path / "c")
        assert (tmp_path / "c").read_bytes() == b""

    def test_what_cannot_be_written_there_is_said(self, session: Session, tmp_path: Path) -> None:
        (tmp_path / "a").touch()
        with pytest.raises(SshError, match="cannot be written on ssh://"):
            session.upload(tmp_path / "a", str(tmp_path / "nowhere" / "b"))

    def test_a_target_that_cannot_be_replaced_leaves_nothing(self, session: Session, tmp_path: Path) -> None:
        (tmp_path / "a").touch()
        (tmp_path / "d" / "full").mkdir(parents=True)
        with pytest.raises(SshError):
            session.upload(tmp_path / "a", str(tmp_path / "d"))
        assert {path.name for path in tmp_path.iterdir()} == {"a", "d"}

    def test_what_cannot_be_read_is_said(self, session: Session, tmp_path: Path) -> None:
        with pytest.raises(SshError, match="cannot be read on ssh://"):
            session.download(str(tmp_path / "nowhere"), tmp_path / "b")
        with pytest.raises(HostError, match="cannot be read here"):
            session.upload(tmp_path / "nowhere", str(tmp_path / "b"))
        assert not list(tmp_path.iterdir())

    def test_a_cut_upload_leaves_the_old_file(
        self, cable: Any, login: Callable[..., Login], tmp_path: Path
    ) -> None:
        (tmp_path / "new").write_bytes(bytes(32 << 20))
        (tmp_path / "target").write_bytes(b"old")

        def cut(done: int, _size: int) -> None:
            if done > 1 << 20:
                cable.cut()

        with Session(login(port=cable.port)) as session:
            with pytest.raises(SshError):
                session.upload(tmp_path / "new", str(tmp_path / "target"), progress=cut)
            assert (tmp_path / "target").read_bytes() == b"old"
            session.upload(tmp_path / "new", str(tmp_path / "target"))
        assert (tmp_path / "target").stat().st_size == 32 << 20


class TestForwards:
    @pytest.fixture
    def echo(self) -> Iterator[int]:
        """A port that answers with what it gets, in capitals."""
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def serve() -> None:
                while True:
                    try:
                        connection, _ = listener.accept()
                    except OSError:
                        return
                    with connection:
                        while data := connection.recv(1 << 16):
                            connection.sendall(data.upper())

            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            yield listener.getsockname()[1]
            listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)

    def test_a_port_here_leads_to_one_there(self, session: Session, echo: int) -> None:
        port = session.forward("127.0.0.1", echo)
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", port), 10) as connection:
                connection.sendall(b"hello")
                connection.shutdown(socket.SHUT_WR)
                assert b"".join(iter(lambda: connection.recv(100), b"")) == b"HELLO"

    def test_it_is_open_to_this_machine_only_and_ends_with_the_session(
        self, login: Callable[..., Login], echo: int
    ) -> None:
        with Session(login()) as session:
            port = session.forward("127.0.0.1", echo)
            table = Path("/proc/net/tcp").read_text()
            assert f"0100007F:{port:04X} 00000000:0000 0A" in table
            standing = socket.create_connection(("127.0.0.1", port), 10)
            standing.sendall(b"x")
            assert standing.recv(10) == b"X"
        with standing:
            standing.settimeout(10)
            assert standing.recv(10) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 10)

    def test_it_works_again_after_a_cut(self, cable: Any, login: Callable[..., Login], echo: int) -> None:
        with Session(login(port=cable.port)) as session:
            port = session.forward("127.0.0.1", echo)
            cable.cut()
            with socket.create_connection(("127.0.0.1", port), 10) as connection:
                connection.sendall(b"again")
                assert connection.recv(10) == b"AGAIN"

    def test_where_nobody_listens_the_connection_ends(self, session: Session, sshd_module: Any) -> None:
        port = session.forward("127.0.0.1", sshd_module.free_port())
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            assert connection.recv(10) == b""

    def test_a_port_in_use_is_refused(self, session: Session, echo: int) -> None:
        with pytest.raises(UsageError, match=f"Port {echo} of this machine is in use"):
            session.forward("127.0.0.1", 1, echo)

    def test_one_can_be_taken_away(self, session: Session, echo: int) -> None:
        port = session.forward("127.0.0.1", echo)
        session.unforward(port)
        session.unforward(port)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 10)


class TestCuts:
    def test_what_runs_says_so_and_the_next_one_works(self, session: Session, server: Any) -> None:
        channel = session.start("cat")
        channel.send(b"x")
        assert channel.read(timeout=10) == b"x"
        server.kill_sessions()
        assert channel.read(timeout=10) == b""
        with pytest.raises(SshError, match="was cut while cat ran"):
            channel.status(10)
        channel.close()
        assert session.run("echo", "again").output == b"again\n"

    def test_many_cuts(self, session: Session, server: Any) -> None:
        for number in range(20):
            server.kill_sessions()
            assert session.run("echo", str(number)).output == f"{number}\n".encode()

    def test_a_connection_that_lets_nothing_through_is_noticed(
        self, cable: Any, login: Callable[..., Login], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connect, "ALIVE_SECONDS", 0.2)
        monkeypatch.setattr(connect, "DEAD_SECONDS", 0.5)
        with Session(login(port=cable.port)) as session:
            channel = session.start("cat")
            cable.freeze()
            assert channel.read(timeout=10) == b""
            with pytest.raises(SshError, match="cut"):
                channel.status(10)
            cable.cut()
            assert session.run("echo", "again").output == b"again\n"

    def test_a_closed_session_stays_closed(self, login: Callable[..., Login]) -> None:
        session = Session(login())
        with session:
            session.run("true")
        with pytest.raises(SshError, match="was closed"):
            session.run("true")
        session.close()

    def test_no_thread_outlives_it(self, login: Callable[..., Login]) -> None:
        before = set(threading.enumerate())
        with Session(login()) as session:
            session.run("cat", input=b"x")
            session.forward("127.0.0.1", 9)
            ours = set(threading.enumerate()) - before
            assert len(ours) >= 3
        for thread in ours:
            thread.join(10)
            assert not thread.is_alive(), thread.name


def test_nothing_of_it_is_loaded_before_it_is_used() -> None:
    code = "import sys, labkit, labkit.host.ssh; sys.exit('paramiko' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=os.environ, timeout=60).returncode == 0
