"""What a lab host can do, proven in it: its hypervisor boots the tiny guest of :mod:`labkit.host.probe`."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from labkit.host.labhost.emulator import Kind
from labkit.host.labhost.words import ask
from labkit.host.ssh import Session

__all__ = ["Proof", "prove"]

LIMIT_SECONDS: Final = 60.0
_MIB: Final = 16

_XEN: Final = f"""
cat >/tmp/probe
printf "%s\\n" 'name="probe"' 'type="pvh"' 'kernel="/tmp/probe"' 'memory={_MIB}' 'vcpus=1' \\
    'on_poweroff="destroy"' 'on_crash="destroy"' >/tmp/probe.xl
timeout 30 xl create -F /tmp/probe.xl 2>&1
xl destroy probe 2>/dev/null
rm -f /tmp/probe /tmp/probe.xl
true
"""

_KVM: Final = f"""
cat >/tmp/probe
cat >/tmp/probe.xml <<'END'
<domain type='kvm'><name>probe</name><memory unit='MiB'>{_MIB}</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><loader readonly='yes' type='rom'>/usr/share/qemu/qboot.rom</loader>
<kernel>/tmp/probe</kernel></os><features><acpi/></features><on_poweroff>destroy</on_poweroff>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator><controller type='usb' model='none'/>
<memballoon model='none'/><serial type='file'><source path='/tmp/probe.said'/></serial></devices></domain>
END
: >/tmp/probe.said
virsh -q create /tmp/probe.xml 2>&1
for _ in $(seq 100); do
    if grep -q T /tmp/probe.said || ! pgrep -f guest=probe >/dev/null; then break; fi
    sleep 0.1
done
cat /tmp/probe.said
virsh -q destroy probe >/dev/null 2>&1
rm -f /tmp/probe /tmp/probe.xml /tmp/probe.said
true
"""


@dataclass(frozen=True)
class Proof:
    """That a guest ran.

    Attributes:
        proven: whether it ran to its end.
        reason: in words.
        seconds: how long the whole took.
    """

    proven: bool
    reason: str
    seconds: float


def prove(kind: Kind, session: Session, kernel: Path) -> Proof:
    """Boot the tiny guest in a lab host.

    Args:
        kind: which.
        session: with it.
        kernel: the guest: :func:`labkit.host.probe.probe_kernel`.

    Raises:
        SshError: the machine does not answer.
    """
    began = time.monotonic()
    said = ask(session, _XEN if kind == "xen" else _KVM, limit=LIMIT_SECONDS, input=kernel.read_bytes())
    seconds = time.monotonic() - began
    wanted = r"reason code 0\b" if kind == "xen" else r"^PLSMT$"
    if re.search(wanted, said, re.MULTILINE) is None:
        return Proof(False, f"a guest was booted there and did not come to its end: {said.strip()}", seconds)
    how = "Xen domain (PVH)" if kind == "xen" else "KVM guest (libvirt, type='kvm')"
    return Proof(True, f"a {how} ran there to its end", seconds)
