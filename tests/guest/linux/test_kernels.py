"""Kernels of other origins, loaded directly."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit import boot, build
from labkit.build.image import Image
from labkit.build.linux.image import LinuxImage
from labkit.errors import UsageError
from labkit.guest import Reason

pytestmark = pytest.mark.live


def test_a_kernel_as_solo5s_are(kernel: Callable[[str], Image], tmp_path: Path) -> None:
    file = tmp_path / "hello.virtio"
    shutil.copy(kernel("multiboot").path, file)
    image = build(file, profile="solo5")
    assert isinstance(image, LinuxImage)
    with boot(image, timeout=60) as guest:
        ending = guest.wait(60)
        assert "hello from a multiboot kernel" in guest.console.text()
    assert (ending.status, ending.reason) == (0, Reason.EXIT)
    with pytest.raises(UsageError, match="reads no seed"):
        boot(image, user_data="#!/bin/sh\n")
