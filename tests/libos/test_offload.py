"""Work that TCP leaves to the network interface, with the one that offers it: a TAP device."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.build.builder import build

pytestmark = pytest.mark.live

PROGRAM = Path(__file__).with_name("tap_exchange.py")
FRAME_MOST = 1514


@pytest.mark.slow
def test_large_frames_both_ways(root: Path, tmp_path: Path) -> None:
    image = build(root / "tests" / "images" / "stack").path
    user = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
    command = ["unshare", *user, "--net", sys.executable, str(PROGRAM), str(image), str(tmp_path / "console")]
    done = subprocess.run(command, capture_output=True, text=True)
    if "unshare failed" in done.stderr or "Operation not permitted" in done.stderr:
        pytest.skip("no network namespaces here")
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    if seen is None:
        pytest.skip("no TAP devices here")
    assert seen["same"]
    assert seen["came_back"]
    assert seen["longest"]["in"] > FRAME_MOST, "the guest cut what its interface cuts"
    assert seen["longest"]["out"] > FRAME_MOST, "the guest takes no frames that are not cut"
