"""For nbval: each notebook has a lab folder of its own, fresh, so that nothing of a student's is touched."""

from __future__ import annotations

import os
import tempfile
from hashlib import blake2b
from pathlib import Path

import pytest

_BASE = tempfile.TemporaryDirectory(prefix="labkit-lab-")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Before a notebook's kernel starts, which inherits what is set here."""
    name = blake2b(str(item.path).encode(), digest_size=8).hexdigest()
    os.environ["LABKIT_LAB"] = str(Path(_BASE.name) / name)


def pytest_unconfigure() -> None:
    """At the end of all."""
    _BASE.cleanup()
