"""A process with a stack of its own: the one that it is without a machine's sockets, on a TAP interface."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import labkit

pytestmark = pytest.mark.live

PROGRAM = Path(__file__).with_name("tap_process.py")


def test_frames_of_a_tap_interface(root: Path) -> None:
    image = labkit.build(root / "tests" / "images" / "frames", "unix").path
    user = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
    command = ["unshare", *user, "--net", sys.executable, str(PROGRAM), str(image)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if "unshare failed" in done.stderr or "Operation not permitted" in done.stderr:
        pytest.skip("no network namespaces here")
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    if seen is None:
        pytest.skip("no TAP devices here")
    assert "this machine has no TAP interface tap0" in seen["without"]
    assert "ip tuntap add tap0 mode tap" in seen["without"]
    assert "another program has it" in seen["taken"]
    assert seen["same"]
