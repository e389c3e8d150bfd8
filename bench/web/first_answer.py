"""How long a server takes from the start of QEMU to its first answer.

``python -m bench.web.first_answer HOST PORT SECONDS COMMAND…`` runs QEMU, prints the milliseconds, and ends QEMU
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

__all__: list[str] = []

_PATIENCE = (
    0.005  # for a connection; one that came too early is given up: it would be tried again only after 1 s
)
_ANSWER_PATIENCE = 0.5
_LAST_WORDS = 2000


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_PATIENCE) as connection:
            connection.settimeout(_ANSWER_PATIENCE)
            connection.sendall(b"GET / HTTP/1.1\r\nHost: guest\r\nConnection: close\r\n\r\n")
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def main(host: str, port: int, seconds: float, command: list[str]) -> int:
    """Run it."""
    began = time.perf_counter()
    with (
        tempfile.TemporaryFile() as console,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console) as qemu,
    ):
        try:
            while not _answers(host, port):
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
    sys.exit(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]))
