"""Fixtures for tests of the library OS in real guests: images of tests/images, built and booted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from labkit.build.builder import build
from labkit.guest import Exit, Guest, boot

Booter = Callable[..., Guest]


@pytest.fixture
def start(root: Path) -> Iterator[Booter]:
    """Build an image of tests/images and boot it: ``start("ending", "--how=exit", memory=16)``."""
    with ExitStack() as stack:

        def start(name: str, *arguments: str, memory: int | None = None) -> Guest:
            image = build(root / "tests" / "images" / name)
            return stack.enter_context(boot(image, arguments=arguments, memory=memory, timeout=60))

        yield start


@pytest.fixture
def end_of(start: Booter) -> Callable[..., tuple[Exit, str]]:
    """The same, until it has ended: how, and all that it printed."""

    def end_of(name: str, *arguments: str, memory: int | None = None) -> tuple[Exit, str]:
        guest = start(name, *arguments, memory=memory)
        return guest.wait(timeout=60), guest.console.text()

    return end_of
