"""A host reached by SSH: labkit beside OpenSSH's own client and ``xl`` by hand, on the lab's Xen host."""

from __future__ import annotations

import re
import secrets
import subprocess
import tempfile
from pathlib import Path

from bench.rounds import Stopwatch, in_turns
from bench.table import Row
from labkit.build.builder import build
from labkit.build.xl import xl_configuration
from labkit.guest.remote import boot_remote
from labkit.host import labhost
from labkit.host.labhost.words import command_line
from labkit.host.remote import open_remote
from labkit.host.ssh import Login, Session

__all__ = ["rows"]

_FOLDER = "/var/tmp"


def rows(rounds: int) -> list[Row]:
    """The lines of the table."""
    hello = build("hello", "xen")
    kept = labhost.status("xen").login is not None  # it ran before, and is left as it was
    login = labhost.up("xen").login
    try:
        with tempfile.TemporaryDirectory() as folder, open_remote("xen") as host:
            large = Path(folder) / "large"
            large.write_bytes(secrets.token_bytes(8 << 20))
            there = host.bring(hello.path)
            configuration = xl_configuration({"name": "hand"}, there, name="hand")
            host.run("sh", "-c", 'cat >"$1"', "keep", f"{_FOLDER}/hand.xl", input=configuration.encode())

            def through_labkit(watch: Stopwatch) -> None:
                watch.start()
                with boot_remote(hello, host) as guest:
                    guest.console.expect(re.compile("."), timeout=60)
                    watch.stop()

            copies = in_turns(
                {
                    "labkit": lambda watch: _upload(login, large, watch),
                    "scp": lambda watch: _copy(login, large, watch),
                },
                rounds,
            )
            starts = in_turns(
                {"labkit": through_labkit, "xl": lambda watch: _by_hand(login, watch)},
                rounds,
            )
    finally:
        if not kept:
            labhost.down("xen")
    return [
        Row("8 MiB to a Xen host, connecting included", copies["labkit"], "scp", copies["scp"]),
        Row(
            "hello on a Xen host, to its first byte", starts["labkit"], "ssh and xl create -c", starts["xl"],
            "at most 3 s",
        ),
    ]  # fmt: skip


def _upload(login: Login, file: Path, watch: Stopwatch) -> None:
    with watch.running(), Session(login) as session:
        session.upload(file, f"{_FOLDER}/large")


def _copy(login: Login, file: Path, watch: Stopwatch) -> None:
    options = [word.replace("-p", "-P") if word == "-p" else word for word in command_line(login)[1:-1]]
    where = f"{login.user}@{login.host}:{_FOLDER}/large"
    with watch.running():
        subprocess.run(["scp", "-q", *options, str(file), where], check=True, stdin=subprocess.DEVNULL)


def _by_hand(login: Login, watch: Stopwatch) -> None:
    start, *options = command_line(login)
    watch.start()
    with subprocess.Popen(
        [start, "-tt", *options, f"xl create -c {_FOLDER}/hand.xl"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as made:
        assert made.stdout
        said = b""
        while b"unikernel" not in said and b"Hello" not in said:
            piece = made.stdout.read1(1 << 16)
            assert piece, said
            said += piece
        watch.stop()
        made.communicate()
