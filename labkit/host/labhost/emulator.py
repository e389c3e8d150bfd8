"""The machine that QEMU makes of a built lab host, as a command line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

from labkit.errors import UsageError
from labkit.host.labhost.build import MachineImage
from labkit.host.qemu import Qemu

__all__ = ["KINDS", "NEEDED_MIB", "Kind", "Machine", "check_kind", "machine"]

Kind = Literal["xen", "kvm"]
"""What the machine is: Xen with its dom0, or Linux with KVM."""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

MEMORY_MIB: Final = 640
IDLE_MINUTES: Final = 120
_DOM0_MIB: Final = 352
_TRANSLATED_MIB: Final = 256  # what QEMU may take for the instructions that it has translated

NEEDED_MIB: Final = MEMORY_MIB + _TRANSLATED_MIB
"""The memory of this machine that a lab host may take, in MiB."""

_LINUX: Final = (
    "root=/dev/vda rw init=/usr/lib/labhost/init mitigations=off fsck.mode=skip quiet"
    f" labhost.idle={IDLE_MINUTES}"
)
_XEN: Final = (
    f"console=com1 dom0_mem={_DOM0_MIB}M,max:{_DOM0_MIB}M dom0_max_vcpus=1 noreboot spec-ctrl=no xpti=no"
    " loglvl=warning"
)


@dataclass(frozen=True)
class Machine:
    """How QEMU is started for a kind of lab host, but for what differs from start to start.

    Attributes:
        kind: which.
        qemu: the emulator.
        image: what it boots.
        words: the command, to be run in the image's folder.
    """

    kind: Kind
    qemu: Qemu
    image: MachineImage
    words: tuple[str, ...]

    @property
    def key(self) -> str:
        """Changes whenever a snapshot of another such machine would not do."""
        told = repr([self.kind, self.qemu.build(), self.image.key, self.image.identity, self.words])
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def command(
        self,
        pid: Path,
        *,
        disk: int,
        frozen: Path | None,
        console: str,
        monitor: int,
        more: Sequence[str] = (),
    ) -> list[str]:
        """The whole command.

        Args:
            pid: a file in which QEMU writes its number while it lives.
            disk: the descriptor of a qcow2 file, which takes what the machine writes.
            frozen: another one below it, which is read only.
            console: a backend for a character device, such as ``stdio``.
            monitor: the descriptor of a socket that listens for the monitor.
            more: further words.
        """
        layers: list[dict[str, Any]] = [
            {"driver": "raw", "read-only": True, "file": {"driver": "file", "filename": self.image.root.name}}
        ]
        if frozen is not None:
            layers.append(
                {"driver": "qcow2", "read-only": True, "file": {"driver": "file", "filename": str(frozen)}}
            )
        layers.append({
            "driver": "qcow2", "discard": "unmap", "cache": {"no-flush": True},
            "file": {"driver": "file", "filename": "/dev/fdset/1"},
        })  # fmt: skip
        for number, layer in enumerate(layers):
            layer["node-name"] = f"layer{number}"
            if number:
                layer["backing"] = f"layer{number - 1}"
        return [
            *self.words, "-pidfile", str(pid), "-add-fd", f"fd={disk},set=1",
            *(word for layer in layers for word in ("-blockdev", json.dumps(layer))),
            "-device", f"virtio-blk-pci,drive=layer{len(layers) - 1},write-cache=on",
            "-chardev", f"{console},id=console", "-device", "isa-serial,chardev=console",
            "-chardev", f"socket,id=monitor,fd={monitor},server=on,wait=off", "-mon", "monitor,mode=control",
            *more,
        ]  # fmt: skip


def machine(kind: Kind, image: MachineImage, qemu: Qemu) -> Machine:
    """The machine of a kind."""
    words = [
        str(qemu.path), "-name", f"labkit-{kind}",
        "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
        "-machine", "q35,usb=off", "-accel", f"tcg,tb-size={_TRANSLATED_MIB}",
        "-cpu", "qemu64,+svm,+npt,+rdrand,+rdseed",
        "-smp", "1", "-m", str(MEMORY_MIB),
        "-netdev", "user,id=network,restrict=off,hostfwd=tcp:127.0.0.1:0-:22",
        "-device", "virtio-net-pci,netdev=network,romfile=",
        "-object", "rng-random,id=random,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=random",
    ]  # fmt: skip
    if kind == "xen":
        modules = f"{image.kernel.name} console=hvc0 {_LINUX},{image.initrd.name}"
        words += ["-kernel", image.xen.name, "-append", _XEN, "-initrd", modules]
    else:
        words += ["-kernel", image.kernel.name, "-append", f"console=ttyS0 {_LINUX}"]
        words += ["-initrd", image.initrd.name]
    return Machine(kind, qemu, image, tuple(words))


def check_kind(kind: str) -> Kind:
    """The kind of this name.

    Raises:
        UsageError: there is none.
    """
    for known in KINDS:
        if kind == known:
            return known
    raise UsageError(
        f"There is no lab host of the kind {kind!r}.", next_step=f"There are: {', '.join(KINDS)}."
    )
