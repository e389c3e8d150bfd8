"""What a notebook's kernel started ends with it, however it ends."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from labkit.guest import list_guests

pytestmark = pytest.mark.live

BOOT = """
import labkit
guest = labkit.boot(labkit.build("tests/images/echo"))
guest.console.expect("ready", timeout=60)
import os
print(guest.name, os.getpid())
"""


def test_a_killed_kernel_takes_its_guest_along(root: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(BOOT)])
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(root)}}
    )
    with client.setup_kernel():
        client.execute_cell(notebook.cells[0], 0)
        said = "".join(output.get("text", "") for output in notebook.cells[0].outputs)
        name, kernel = said.split()
        assert name in {guest.name for guest in list_guests()}
        os.kill(int(kernel), signal.SIGKILL)
        killed = time.monotonic()
        while name in {guest.name for guest in list_guests()}:
            assert time.monotonic() - killed < 2, "the guest outlives its notebook's kernel"
            time.sleep(0.02)
