"""The domain beside a Linux image, for use by hand."""

from __future__ import annotations

import libvirt
import pytest

from labkit import build
from labkit.host.connection import Host

pytestmark = pytest.mark.live


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
