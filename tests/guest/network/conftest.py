"""Fixtures for tests of networks: guests with small servers, and a kernel that never gets to its driver."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from labkit.build.builder import build
from labkit.build.image import Image
from labkit.guest import Guest, boot

Serve = Callable[..., Guest]


@pytest.fixture(scope="session")
def services(root: Path) -> Image:
    """Echo servers on TCP 7 and UDP 7, a silent one on 9, one that closes at once on 13."""
    return build(root / "tests" / "images" / "services")


@pytest.fixture
def serve(services: Image) -> Iterator[Serve]:
    """Boots such a guest, which is ready then: ``serve("--ipv4=10.0.0.1/24", network=wire)``."""
    with ExitStack() as stack:

        def serve(*arguments: str, **options: Any) -> Guest:
            guest = stack.enter_context(boot(services, arguments=arguments, timeout=120, **options))
            guest.console.expect("ready", timeout=60)
            return guest

        yield serve


@pytest.fixture(scope="module")
def server(services: Image) -> Iterator[Guest]:
    """One such guest for a module's tests that leave it as it was; with its address, captured from power-on."""
    with boot(services, timeout=300, capture=True) as guest:
        guest.console.expect("ready", timeout=60)
        guest.network.wait_for_address()
        yield guest


@pytest.fixture
def undriven(kernel: Callable[[str], Image], tmp_path: Path) -> Image:
    """A kernel that runs, has a network device, and does not know of it."""
    plain = kernel("forever")
    manifest = {
        "format": 1,
        "name": "forever",
        "target": "virtio",
        "toolchain": {"name": "test", "version": "", "ocaml": ""},
        "devices": [{"name": "service", "kind": "network"}],
        "packages": [],
        "arguments": [],
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    made = tmp_path / "forever"
    subprocess.run(
        [
            "objcopy",
            "--add-section",
            f".labkit.manifest={tmp_path}/manifest.json",
            str(plain.path),
            str(made),
        ],
        check=True,
    )
    return Image.load(made)
