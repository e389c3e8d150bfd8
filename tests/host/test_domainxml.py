"""The generated libvirt XML: golden files, each of which libvirt takes.

``LABKIT_GOLDEN=write pytest tests/host/test_domainxml.py`` writes the files anew.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from labkit.build.domainxml import LAB_NAMESPACE, DomainDisk, DomainNetwork, domain_name, domain_xml
from labkit.build.linux.domain import NETWORK_PLACE, OTHERS_PLACE, linux_domain_xml
from labkit.build.linux.image import LinuxImage
from labkit.build.linux.profiles import LEAN, profile_named
from labkit.build.manifest import Manifest, ToolchainInfo
from labkit.errors import UsageError
from labkit.host.loop import libvirt

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "xml"
IMAGE = Path("/srv/images/hello.virtio")

CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "kvm": {"hypervisor": "kvm", "memory_mib": 64},
    "disks": {
        "disks": (
            DomainDisk(0, "storage", Path("/srv/a \"b\",<c>&'d'.img")),
            DomainDisk(2, "a-name-longer-than-a-serial", Path("/srv/log.img"), read_only=True),
        )
    },
    "networks": {
        "disks": (DomainDisk(1, "storage", Path("/srv/disk.img")),),
        "networks": (DomainNetwork(0, "service"), DomainNetwork(2, "inside", number=1)),
    },
    "running": {
        "name": "hello-0a1b2c",
        "console_socket": Path("/run/lab/g/1-2-3/console"),
        "control_socket": Path("/run/lab/g/1-2-3/control"),
        "command_line": '--hello="one & <two>" -l debug',
        "owner": {"owner-pid": "1", "owner-start": "2", "image": str(IMAGE), "stay": "no"},
    },
}
CASES["running-offline"] = CASES["running"]
CASES["solo5"] = {**CASES["networks"], **CASES["running"]}
LINUX_NETWORK = DomainNetwork(NETWORK_PLACE, "service")
LINUX: dict[str, tuple[LinuxImage, dict[str, Any]]] = {
    "linux": (
        LinuxImage(
            Path("/srv/lean.vmlinuz"),
            Manifest("lean", "linux", ToolchainInfo("debian")),
            profile=LEAN,
            kernel=Path("/srv/lean.vmlinuz"),
            initrd=Path("/srv/lean.initrd"),
            command_line="console=ttyS0",
        ),
        {
            "seed": Path("/run/seed.iso"),
            "command_line": "address=10.0.0.1/24",
            "networks": (LINUX_NETWORK,),
            "disks": (DomainDisk(OTHERS_PLACE, "data", Path("/srv/data.img")),),
        },
    ),
    "cloud-disk": (
        LinuxImage(
            Path("/srv/core.img"),
            Manifest("core", "qcow2", ToolchainInfo("flatcar")),
            profile=profile_named("flatcar"),
            disk=Path("/srv/core.img"),
        ),
        {
            "disk": Path("/run/root.qcow2"),
            "firmware_files": {"opt/com.coreos/config": Path("/run/ignition.json")},
            "networks": (LINUX_NETWORK,),
        },
    ),
}
MANIFESTS: dict[str, dict[str, Any]] = {
    "running-offline": {"name": "hello", "toolchain": {"name": "offline"}},
    "solo5": {"name": "hello", "toolchain": {"name": "unknown"}, "abi": "solo5"},
}


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str) -> None:
    check_golden(case, domain_xml(MANIFESTS.get(case, {"name": "hello"}), IMAGE, **CASES[case]))


@pytest.mark.parametrize("case", LINUX)
def test_golden_linux(case: str) -> None:
    image, more = LINUX[case]
    check_golden(case, linux_domain_xml(image, **more))


def check_golden(case: str, xml: str) -> None:
    golden = GOLDEN / f"{case}.xml"
    if os.environ.get("LABKIT_GOLDEN") == "write":
        golden.write_text(xml)
    assert xml == golden.read_text()


@pytest.mark.parametrize("case", [*CASES, *LINUX])
def test_libvirt_takes_it(case: str) -> None:
    """libvirt's test driver reads it; and its schema has every element."""
    module = libvirt()
    xml = (GOLDEN / f"{case}.xml").read_text().replace("type='kvm'", "type='test'")
    xml = xml.replace('<domain type="kvm"', '<domain type="test"').replace(
        '<domain type="qemu"', '<domain type="test"'
    )
    connection = module.open("test:///default")
    try:
        domain = connection.defineXML(xml)
        name = domain.name()
        domain.undefine()
        del domain
    finally:
        connection.close()
    assert name == ET.fromstring(xml).findtext("name")  # noqa: S314


@pytest.mark.live
@pytest.mark.parametrize("case", CASES)
def test_libvirts_schema_has_it(case: str) -> None:
    from labkit.host import open_host

    module = libvirt()
    xml = (GOLDEN / f"{case}.xml").read_text().replace('<domain type="kvm"', '<domain type="qemu"')
    xml = xml.replace("host-passthrough", "maximum")  # which only KVM has
    with open_host() as host:
        try:
            domain = host.connection.defineXMLFlags(xml, module.VIR_DOMAIN_DEFINE_VALIDATE)
        except module.libvirtError as error:
            if "Unable to find" in str(error) or ("schema" in str(error) and "xmlcatalog" in str(error)):
                pytest.skip("libvirt's schemas are not installed")
            raise
        domain.undefine()
        del domain


def test_what_a_unikernel_needs_not_is_left_out() -> None:
    devices = ET.fromstring(domain_xml({}, IMAGE)).find("devices")  # noqa: S314
    assert devices is not None
    assert {device.tag for device in devices} == {"emulator", "controller", "serial", "memballoon", "panic"}


def test_hardware_addresses_are_the_same_in_every_run_and_nobody_elses_on_a_wire() -> None:
    assert DomainNetwork(0, "service").mac == DomainNetwork(5, "other").mac == "52:54:00:00:00:01"
    addresses = {DomainNetwork(0, "a", number=n, plug=p).mac for n in range(3) for p in range(3)}
    assert len(addresses) == 9


def test_any_text_survives() -> None:
    line = "a <b> & 'c' \"d\" ]]> -- é ☃"
    domain = ET.fromstring(domain_xml({"name": "x--y---z"}, Path("/a--b/<&>"), command_line=line))  # noqa: S314
    assert domain.findtext("os/cmdline") == line
    assert domain.findtext("os/kernel") == "/a--b/<&>"
    assert domain.findtext("name") == "x-y-z"


def test_the_owner_is_in_its_namespace() -> None:
    domain = ET.fromstring(domain_xml({}, IMAGE, owner={"owner-pid": "5"}))  # noqa: S314
    owner = domain.find(f"metadata/{{{LAB_NAMESPACE}}}guest")
    assert owner is not None
    assert owner.attrib == {"owner-pid": "5"}


@pytest.mark.parametrize("bad", ["\x00", "\x1b", "\ufffe", "\ud800"])
def test_what_xml_cannot_hold_is_refused(bad: str) -> None:
    with pytest.raises(UsageError, match="XML"):
        domain_xml({}, IMAGE, command_line=f"a{bad}b")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("hello", "hello"),
        ("Ünïcode näme", "Unicode-name"),
        ("../../etc/passwd", "etc-passwd"),
        ("", "guest"),
        ("---", "guest"),
        ("日本", "guest"),
        ("a" * 99, "a" * 40),
        ("a\nb\x00c", "a-b-c"),
    ],
)
def test_names_are_made_fit(text: str, name: str) -> None:
    assert domain_name(text) == name
