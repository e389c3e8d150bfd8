"""The web servers that are measured: our image, and Linux guests with nginx and with BusyBox's httpd."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.linux import NETWORK, LinuxGuest, linux_guest, program
from bench.machine import Link, qemu
from bench.namespace import Namespace
from labkit.build.builder import build
from labkit.build.linux.debian import unpacked
from labkit.settings import settings

__all__ = ["LINUX_NETWORK", "Running", "Server", "Way", "linux_servers", "our_server", "slirp", "tap"]

_PAGE = "page.html"
_PAGE_TEXT = "x" * 612
_PORT = 80
_SECONDS = 20.0

LINUX_NETWORK = """
ip link set lo up
ip address add $address dev eth0
ip link set eth0 up
ip route add default via $gateway
"""
_NGINX = "mkdir -p /var/lib/nginx /var/log/nginx\nnginx -c /etc/nginx.conf -e stderr"
_HTTPD = "httpd -f -p 80 -h /www"
_NGINX_CONFIGURATION = """
daemon off;
user root root;
worker_processes 1;
events { worker_connections 1024; }
http {
    access_log off;
    sendfile on;
    open_file_cache max=16;
    keepalive_requests 1000000000;
    server { listen 80 backlog=1024; root /www; }
}
"""


@dataclass(frozen=True)
class Server:
    """A guest that serves a page at port 80.

    Attributes:
        what: what is booted.
        arguments: words of its command line, for its address with the length of its network, and for its gateway.
    """

    what: Path | LinuxGuest
    arguments: Callable[[str, str], str]


@dataclass(frozen=True)
class Way:
    """How a server is reached.

    Attributes:
        link: its network device.
        address, gateway: its own, as it is told them.
        host, port: where it is found in the namespace.
    """

    link: Link
    address: str
    gateway: str
    host: str
    port: int

    @property
    def url(self) -> str:
        """The page."""
        return f"http://{self.host}:{self.port}/{_PAGE}"


def our_server(folder: Path) -> Server:
    """``images/web``, with the page among its files.

    Args:
        folder: where its source is copied.
    """
    source = folder / "web"
    shutil.copytree(settings().root / "images" / "web", source)
    (source / "htdocs" / _PAGE).write_text(_PAGE_TEXT)
    return Server(build(source).path, "--ipv4={} --ipv4-gateway={}".format)


def linux_servers(folder: Path) -> dict[str, Server]:
    """The Linux guests, by the name of the program that serves.

    Args:
        folder: where what they are made of is put.

    Raises:
        HostError: the Debian packages cannot be had.
    """
    tree = unpacked("nginx", "libc6", "libcrypt1", "libpcre2-8-0", "libssl3", "zlib1g")
    texts = {
        f"www/{_PAGE}": _PAGE_TEXT,
        "etc/nginx.conf": _NGINX_CONFIGURATION,
        "etc/passwd": "root:x:0:0::/:/bin/sh\n",
        "etc/group": "root:x:0:\n",
    }
    files = {}
    for inside, text in texts.items():
        files[inside] = folder / Path(inside).name
        files[inside].write_text(text)

    def server(name: str, script: str, files: dict[str, Path]) -> Server:
        place = folder / name
        place.mkdir()
        guest = linux_guest(place, modules=NETWORK, script=LINUX_NETWORK + script, files=files)
        # Linux makes such words variables of its first process.
        return Server(guest, "address={} gateway={}".format)

    return {
        "nginx": server("nginx", _NGINX, files | program(tree, "usr/sbin/nginx")),
        "httpd": server("httpd", _HTTPD, files),
    }


def tap(namespace: Namespace, number: int) -> Way:
    """A way through a TAP device of its own: what a guest on a bridge would have.

    Args:
        namespace: where the device is made.
        number: tells it apart from others, from 1 to 99.
    """
    mac, address, gateway = f"52:54:00:00:00:{number:02}", f"10.0.{number}.2", f"10.0.{number}.1"
    namespace.add_tap(f"tap{number}", f"{gateway}/24", address, mac)
    backend = f"tap,ifname=tap{number},script=no,downscript=no"
    return Way(Link(backend, mac), f"{address}/24", gateway, address, _PORT)


def slirp(number: int) -> Way:
    """A way through QEMU's own network for users.

    Args:
        number: tells it apart from others, from 1 to 99.
    """
    port = 8000 + number
    backend = f"user,hostfwd=tcp:127.0.0.1:{port}-10.0.2.15:{_PORT}"
    return Way(Link(backend, f"52:54:00:00:01:{number:02}"), "10.0.2.15/24", "10.0.2.2", "127.0.0.1", port)


class Running:
    """A server that runs. Ends with the block.

    Attributes:
        milliseconds: from the start of QEMU to its first answer; None if it gave none.
    """

    def __init__(
        self, namespace: Namespace, server: Server, way: Way, *, memory_mib: int, quiet: bool = False
    ) -> None:
        """Start it, and wait for its first answer.

        Args:
            namespace: where.
            server: what.
            way: how it is reached; free again when it has ended.
            memory_mib: its memory, in MiB.
            quiet: say nothing if it does not answer; its last words are printed otherwise.
        """
        command = qemu(
            server.what,
            arguments=server.arguments(way.address, way.gateway),
            memory_mib=memory_mib,
            link=way.link,
        )
        first_answer = [sys.executable, "-m", "bench.web.first_answer", way.url, str(_SECONDS)]
        self._program = subprocess.Popen(
            namespace.command(*first_answer, "setpriv", "--pdeathsig", "KILL", "--", *command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else None,
            cwd=Path(__file__).resolve().parents[2],
        )
        assert self._program.stdout is not None
        said = self._program.stdout.readline()
        self.milliseconds = float(said) if said else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._program.communicate()
