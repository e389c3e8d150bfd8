"""How long a server takes from the start of QEMU to its first answer.

``python -m bench.web.first_answer URL SECONDS COMMAND…`` runs QEMU, prints the milliseconds, and ends QEMU
when its own standard input ends. Run by itself since it has to be inside a network namespace. If there was no
answer within the time, it prints the last words of the console as an error, and its status is 1.
"""

from __future__ import annotations

import select
import socket
import subprocess
import sys
import tempfile
import time
from urllib.parse import SplitResult, urlsplit

__all__: list[str] = []

_PATIENCE = (
    0.005  # for a connection; one that came too early is given up: it would be tried again only after 1 s
)
_ANSWER_PATIENCE = 0.1  # libslirp takes a connection before it knows whether the guest will
_LAST_WORDS = 2000


def _answers(url: SplitResult) -> bool:
    try:
        with socket.create_connection((url.hostname, url.port), timeout=_PATIENCE) as connection:
            connection.settimeout(_ANSWER_PATIENCE)
            connection.sendall(
                f"GET {url.path} HTTP/1.1\r\nHost: guest\r\nConnection: close\r\n\r\n".encode()
            )
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def main(url: SplitResult, seconds: float, command: list[str]) -> int:
    """Run it."""
    began = time.perf_counter()
    with (
        tempfile.TemporaryFile() as console,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console) as qemu,
    ):
        try:
            while not _answers(url):
                if select.select([sys.stdin], [], [], _PATIENCE)[0]:
                    return 1
                if qemu.poll() is not None or time.perf_counter() - began > seconds:
                    console.seek(0)
                    sys.stderr.buffer.write(console.read()[-_LAST_WORDS:])
                    return 1
            print((time.perf_counter() - began) * 1000, flush=True)
            sys.stdin.read()
        finally:
            qemu.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main(urlsplit(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
