"""Kernels of other origins, loaded directly."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import libvirt
import pytest

from labkit import boot, build
from labkit.build.image import Image
from labkit.build.linux.image import LinuxImage
from labkit.errors import UsageError
from labkit.guest import Reason
from labkit.host.connection import Host

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


@pytest.mark.parametrize("target", ["linux", "qcow2"])
def test_the_domain_beside_an_image_works_without_labkit(host: Host, target: str) -> None:
    image = build("lean-linux", target)
    flags = libvirt.VIR_DOMAIN_START_PAUSED | libvirt.VIR_DOMAIN_START_AUTODESTROY
    domain = host.connection.createXML(image.domain_xml, flags)
    try:
        assert domain.name() == "lean-linux"
        assert "virsh" in image.domain_xml
    finally:
        domain.destroy()
