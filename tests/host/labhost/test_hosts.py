"""The lab's Xen and KVM hosts as their users meet them: over SSH, as root."""

from __future__ import annotations

import dataclasses
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit import events
from labkit.errors import SshError
from labkit.host import labhost
from labkit.host.labhost import LabHost
from labkit.host.labhost.proof import prove
from labkit.host.labhost.words import ask
from labkit.host.probe import probe_kernel
from labkit.host.ssh import Session
from labkit.settings import settings

pytestmark = pytest.mark.live

# A client in a network namespace of its own, as a guest on the bridge would be.
DHCP_CLIENT = """
ip netns add client
ip link add outside type veth peer name inside netns client
ip link set outside master xenbr0 up
ip netns exec client ip link set inside up
ip netns exec client busybox udhcpc -n -q -f -i inside -s /bin/true 2>&1
ip netns delete client
"""

XENPVH = """
cat >/tmp/probe
cat >/tmp/probe.xml <<'END'
<domain type='xen'><name>by-libvirt</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='xenpvh'>xenpvh</type><kernel>/tmp/probe</kernel></os>
<on_poweroff>preserve</on_poweroff>
<devices><interface type='bridge'><source bridge='xenbr0'/></interface></devices></domain>
END
virsh -q -c xen:///system create /tmp/probe.xml
printf '%s\\n' 'name="by-xl"' 'type="pvh"' 'kernel="/tmp/probe"' 'memory=32' 'vif=["bridge=xenbr0"]' >/tmp/probe.xl
xl create -q -p /tmp/probe.xl
xl list
xl destroy by-libvirt
xl destroy by-xl
"""


@pytest.fixture(scope="module")
def xen(xen_host: LabHost) -> Iterator[Session]:
    with Session(xen_host.login) as session:
        yield session


@pytest.fixture(scope="module")
def kvm(kvm_host: LabHost) -> Iterator[Session]:
    with Session(kvm_host.login) as session:
        yield session


def test_xen_is_proven_and_tells_its_versions(xen_host: LabHost, xen: Session) -> None:
    assert xen_host.capabilities.xen, xen_host.capabilities.xen.reason
    assert not xen_host.capabilities.kvm
    assert xen_host.capabilities.memory_mib >= 2 * 40
    assert ask(xen, "uname -r", limit=30).strip().removesuffix("-amd64") in str(xen_host.versions)
    assert {"qemu", "debian", "libvirt-daemon", "xen-system-amd64"} <= xen_host.versions.keys()


def test_two_xen_guests_by_xl_and_libvirt_have_room_at_once(xen: Session) -> None:
    listed = ask(xen, XENPVH, limit=60, input=probe_kernel(settings()).read_bytes())
    names = [line.split()[0] for line in listed.splitlines()]
    assert {"Domain-0", "by-libvirt", "by-xl"} <= set(names), listed


def test_kvm_is_proven_and_proves_again_when_resumed(kvm_host: LabHost, kvm: Session) -> None:
    assert kvm_host.capabilities.kvm, kvm_host.capabilities.kvm.reason
    assert not kvm_host.capabilities.xen
    proof = prove("kvm", kvm, probe_kernel(settings()))
    assert proof.proven, proof.reason


@pytest.mark.parametrize("kind", labhost.KINDS)
def test_guests_on_the_bridge_get_addresses(request: pytest.FixtureRequest, kind: str) -> None:
    told = ask(request.getfixturevalue(kind), DHCP_CLIENT, limit=60)
    assert "lease of 10.0.4.1" in told, told


@pytest.mark.parametrize("kind", labhost.KINDS)
def test_its_clock_is_ours(request: pytest.FixtureRequest, kind: str) -> None:
    session = request.getfixturevalue(kind)
    before = time.time()
    theirs = float(ask(session, "date +%s.%N", limit=30))
    assert before - 5 < theirs < time.time() + 5


def test_files_of_size_find_room(xen: Session, tmp_path: Path) -> None:
    source = tmp_path / "upload"
    source.write_bytes(b"x" * (8 << 20))
    xen.upload(source, "/root/upload")
    assert int(ask(xen, "stat -c %s /root/upload", limit=30)) == 8 << 20
    assert int(ask(xen, "df --output=avail -BM / | tail -1 | tr -d M", limit=30)) > 1000


def test_it_is_known_by_its_key_and_entered_as_root_only(xen_host: LabHost, tmp_path: Path) -> None:
    login = xen_host.login
    assert login.key is not None
    assert login.known_hosts is not None
    assert stat.S_IMODE(login.key.stat().st_mode) == 0o600
    kind, key = login.known_hosts.read_text().split()[1:]
    strange = tmp_path / "known_hosts"
    strange.write_text(f"[127.0.0.1]:{login.port} {kind} {key[:-6]}AAAAAA\n")
    with pytest.raises(SshError), Session(dataclasses.replace(login, known_hosts=strange)) as session:
        session.run("true")
    with pytest.raises(SshError), Session(dataclasses.replace(login, user="sync")) as session:
        session.run("true")


def test_it_listens_on_loopback_only(xen_host: LabHost) -> None:
    wanted = f":{xen_host.login.port:04X} "
    listening = [
        line.split()[1]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()
        if wanted in line and line.split()[3] == "0A"
    ]
    assert listening == [f"0100007F:{xen_host.login.port:04X}"]


def test_up_again_starts_nothing(xen_host: LabHost) -> None:
    seen: list[events.Event] = []
    with events.subscribed(seen.append):
        assert labhost.up("xen").login == xen_host.login
    assert {event.name for event in seen} == {"up"}
    status = labhost.status("xen")
    assert (status.built, status.booted, status.stale, status.login) == (True, True, False, xen_host.login)
