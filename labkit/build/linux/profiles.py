"""Profiles: how images of other origins are booted, and what each needs.

A table, and nothing but: what a profile says is done by :mod:`labkit.guest.linux`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from labkit.errors import UsageError

__all__ = ["LEAN", "PROFILES", "Profile", "profile_named", "recognised"]

Seed = Literal["nocloud", "ignition", "none"]
HostKey = Literal["seed", "console", "none"]


@dataclass(frozen=True)
class Profile:
    """How a guest is booted from an image.

    Attributes:
        name: as ``--profile`` takes it.
        what: what it is for.
        file: which file the student has to bring.
        files: what such files are called; how it is recognised.
        memory_mib: the memory that a guest gets unless told otherwise, in MiB.
        seed: how it learns its host name, SSH keys and first-boot script.
        user: whom SSH logs in as; empty where it has no SSH.
        host_key: where labkit learns the guest's SSH host key from, to verify it: labkit's ``seed`` gave it that
            key, or it shows it on its ``console``.
        tested: with what this profile was tested.
    """

    name: str
    what: str
    file: str
    files: str
    memory_mib: int = 256
    seed: Seed = "nocloud"
    user: str = "root"
    host_key: HostKey = "seed"
    tested: str = "an equivalent: the disk of images/lean-linux, which reads the same seed"

    @property
    def needs(self) -> str:
        """What it needs, in a sentence."""
        seeds = {
            "nocloud": "a NoCloud seed (a second disk, labelled cidata)",
            "ignition": "an Ignition configuration (QEMU's fw_cfg)",
            "none": "no seed",
        }
        ssh = f"SSH as {self.user}" if self.user else "no SSH"
        start = "a disk on virtio, started by SeaBIOS; console on the first serial port"
        return f"{start}; {seeds[self.seed]}; {ssh}; {self.memory_mib} MiB"


LEAN: Final = Profile(
    "lean-linux",
    "the lab's own lean Linux",
    "what `labkit build images/lean-linux --target qcow2` makes",
    r"lean-linux.*",
    memory_mib=96,
    tested="itself",
)

PROFILES: Final = (
    LEAN,
    Profile(
        "cirros",
        "CirrOS, a tiny cloud guest",
        "cirros-VERSION-x86_64-disk.img (QCOW2)",
        r"cirros-.*",
        memory_mib=128,
        user="cirros",
        host_key="console",  # its reader does not know ssh_keys
    ),
    Profile(
        "alpine",
        "Alpine Linux with cloud-init",
        "nocloud_alpine-VERSION-x86_64-bios-cloudinit-*.qcow2",
        r"(nocloud_|generic_)?alpine-.*",
        user="alpine",
    ),
    Profile(
        "debian-cloud",
        "Debian for the cloud",
        "debian-VERSION-genericcloud-amd64.qcow2, or -generic-",
        r"debian-\d+-(generic|nocloud).*",
        memory_mib=512,
        user="debian",
    ),
    Profile(
        "flatcar",
        "Flatcar Container Linux, CoreOS's heir",
        "flatcar_production_qemu_image.img (unpacked)",
        r"(flatcar|coreos)_production_.*",
        memory_mib=1024,
        seed="ignition",
        user="core",
        tested="an equivalent that finds the configuration in QEMU's fw_cfg; not with Ignition itself",
    ),
    Profile(
        "osv",
        "OSv, a unikernel that runs Linux programs",
        "a disk that Capstan or OSv's scripts/build made (QCOW2 or raw)",
        r"osv.*",
        seed="none",
        user="",
        host_key="none",
        tested="a raw disk that boots by itself; not with OSv",
    ),
)


def profile_named(name: str) -> Profile:
    """The profile of this name.

    Raises:
        UsageError: there is none.
    """
    for profile in PROFILES:
        if profile.name == name:
            return profile
    known = ", ".join(profile.name for profile in PROFILES)
    raise UsageError(f"There is no profile {name!r}.", next_step=f"Take one of: {known}.")


def recognised(path: Path) -> Profile | None:
    """The profile that a file's name tells; None if it tells none."""
    for profile in PROFILES:
        if re.fullmatch(profile.files, path.name):
            return profile
    return None
