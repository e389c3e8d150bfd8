"""What a network needs ends with the process that had it, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.build.image import Image
from labkit.guest import list_guests

pytestmark = pytest.mark.live

Find = Callable[[str], list[int]]
Eventually = Callable[[Callable[[], bool], float], float]

BUSY = """
import sys, threading
import labkit
from labkit.build.image import Image

wire = labkit.Wire()
server = labkit.boot(Image.load(sys.argv[1]), forward={0: 80}, capture=True)
server.network.wait_for_address(60)
peers = [
    labkit.boot(Image.load(sys.argv[2]), arguments=[f"--ipv4=10.0.0.{n}/24"], network=wire) for n in (1, 2)
]
server.network.impair(delay=0.001, loss=0.01)
capture = server.network.capture()
threading.Thread(target=labkit.load, args=(server,), kwargs={"seconds": 60}).start()
capture.wait_for("HTTP/1.1 200", timeout=60)
capture.wait_for("HTTP/1.1 200", timeout=60)
print(server.name, *(peer.name for peer in peers), server.network.forwards[0].host_port, flush=True)
sys.stdin.read()
"""


def test_nothing_outlives_a_killed_process(
    root: Path, services: Image, processes_with: Find, eventually: Eventually, tmp_path: Path
) -> None:
    from labkit.build.builder import build

    web = build(root / "images" / "web")
    before = set(Path("/tmp").iterdir())
    with subprocess.Popen(
        [sys.executable, "-c", BUSY, str(web.path), str(services.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])},
    ) as process:
        try:
            assert process.stdout
            *names, port = process.stdout.readline().split()
            assert len(names) == 3
            assert processes_with(f"127.0.0.1:{port}/"), "wrk runs"
        finally:
            os.kill(process.pid, signal.SIGKILL)
    eventually(lambda: not any(processes_with(name) for name in names), 5)
    eventually(lambda: not processes_with(f"127.0.0.1:{port}/"), 5)
    assert not {guest.name for guest in list_guests()} & set(names)
    listening = Path("/proc/net/tcp").read_text()
    assert f"0100007F:{int(port):04X} 00000000:0000 0A" not in listening
    assert not [path for path in set(Path("/tmp").iterdir()) - before if "pcap" in path.name]
