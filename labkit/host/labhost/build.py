"""Builds the lab host: Debian packages -> a root file system, and what boots it.

``mmdebstrap`` makes a tar file, as root or in a user namespace; ``mke2fs -d`` makes a file system of it. Nothing
is mounted, and all files belong to root: nobody else is in that machine.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from labkit import events
from labkit.build.cache import Cache
from labkit.errors import Evidence, HostError, MissingTool
from labkit.host.labhost import leash, sources
from labkit.host.labhost.keys import Keys

__all__ = ["IMAGES", "MachineImage", "build_image", "find_image", "forget_images", "recipe"]

IMAGES: Final = "labhost-images"
"""The cache's kind for them."""

DISK_MIB: Final = 8192
"""The size of the machine's disk, in MiB: room for what is uploaded. On this machine it takes what is in use."""

NEEDED_MIB: Final = 3000  # free space that a build takes at its height

_HERE: Final = Path(__file__).parent / "machine"
_LEFT_OUT: Final = (
    *(f"/usr/share/{name}/*" for name in ("doc", "man", "info", "locale", "lintian", "bug")),
    *(f"/usr/share/qemu/{name}*" for name in ("edk2", "skiboot", "openbios", "opensbi", "slof", "u-boot")),
    *(
        f"/lib/modules/*/kernel/{name}/*"
        for name in (
            *("sound", "net/bluetooth", "net/mac80211", "net/wireless", "drivers/accel", "drivers/gpu"),
            *("drivers/media", "drivers/infiniband", "drivers/isdn", "drivers/iio", "drivers/staging"),
            *("drivers/usb", "drivers/scsi", "drivers/hid", "drivers/input", "drivers/hwmon"),
            *("drivers/net/wireless", "drivers/net/ethernet", "drivers/net/can", "drivers/mtd"),
            *("drivers/firewire", "drivers/bluetooth", "drivers/platform", "drivers/target", "drivers/ata"),
            *(
                "drivers/md",
                "drivers/edac",
                "drivers/mmc",
                "drivers/nvme",
                "drivers/message",
                "drivers/power",
            ),
        )
    ),
)
_EARLY: Final = {"initramfs-hook": "etc/initramfs-tools/hooks/labhost"}
_FILES: Final = {
    "init": "usr/lib/labhost/init",
    "finish": "usr/lib/labhost/finish",
    "vif-bridge": "etc/xen/scripts/vif-bridge",
    "block": "etc/xen/scripts/block",
    "udhcpd.conf": "etc/labhost/udhcpd.conf",
    "sshd_config": "etc/ssh/sshd_config",
    "libvirtd.conf": "etc/libvirt/libvirtd.conf",
    "qemu.conf": "etc/libvirt/qemu.conf",
}
_INITRAMFS: Final = "MODULES=list\nRESUME=none\nFSTYPE=ext4\n"
_VERSIONS: Final = "versions.json"
_PROGRAMS: Final = {"mmdebstrap": "mmdebstrap", "mke2fs": "e2fsprogs", "tar": "tar"}


@dataclass(frozen=True)
class MachineImage:
    """A built machine; nothing in its folder ever changes.

    Attributes:
        folder: where it is.
        key: what tells it from others.
    """

    folder: Path
    key: str

    @property
    def root(self) -> Path:
        """The root file system, raw."""
        return self.folder / "root.img"

    @property
    def kernel(self) -> Path:
        """Linux."""
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        """What Linux starts from."""
        return self.folder / "initrd.img"

    @property
    def xen(self) -> Path:
        """Xen, as an ELF file."""
        return self.folder / "xen"

    @property
    def files(self) -> tuple[Path, ...]:
        """What has to be there."""
        return (self.root, self.kernel, self.initrd, self.xen, self.keys.client, self.folder / _VERSIONS)

    @property
    def keys(self) -> Keys:
        """Its keys."""
        return Keys(self.folder)

    @property
    def identity(self) -> str:
        """What no other build has, not even by the same recipe: the machine's public key."""
        return self.keys.public(self.keys.host)

    def versions(self) -> dict[str, str]:
        """The version of every Debian package in it, and ``suite`` and ``mmdebstrap``."""
        found: dict[str, str] = json.loads((self.folder / _VERSIONS).read_text())
        return found


def recipe() -> str:
    """A key that changes whenever the machine would be built in another way."""
    parts: list[object] = [sources.suite(), DISK_MIB, _LEFT_OUT, _FILES, _EARLY, _INITRAMFS]
    parts += [(path.name, path.read_bytes()) for path in sorted(_HERE.iterdir())]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def find_image(cache: Cache) -> MachineImage | None:
    """The machine built by the recipe of now; None if there is none."""
    key = recipe()
    folder = cache.find(IMAGES, key)
    if folder is None:
        return None
    found = MachineImage(folder, key)
    return found if all(path.exists() for path in found.files) else None


def build_image(cache: Cache) -> MachineImage:
    """The machine, built if it is not there; takes a minute and the network then. Two callers build it once.

    Emits the step ``build``.

    Raises:
        MissingTool: a program is not installed.
        HostError: apt, mmdebstrap or the disk fails; their last words are in the evidence.
    """
    if found := find_image(cache):
        return found
    with events.step("build", "lab host") as step:
        key = recipe()
        with cache.lock(f"{IMAGES}-{key}", waiting=lambda: step.progress("another process builds it")):
            if found := find_image(cache):
                return found
            with cache.staging() as folder:
                _check_room(folder)
                _build(folder, step)
                forget_images(cache)  # another recipe's is of no use
                return MachineImage(cache.publish(folder, IMAGES, key), key)


def forget_images(cache: Cache) -> None:
    """Remove all of them. A lab host that runs goes on; what it has open stays until it ends."""
    shutil.rmtree(cache.folder / IMAGES, ignore_errors=True)


def packages() -> list[str]:
    """The packages that are asked for."""
    lines = (line.partition("#")[0].strip() for line in (_HERE / "packages.txt").read_text().splitlines())
    return [line for line in lines if line]


def _check_room(folder: Path) -> None:
    for program, package in _PROGRAMS.items():
        if shutil.which(program) is None:
            raise MissingTool(
                f"{program} is not installed; the lab host is built with it.",
                next_step=f"Run `make lab`, or install the package {package}.",
            )
    free = shutil.disk_usage(folder).free >> 20
    if free < NEEDED_MIB:
        raise HostError(
            f"The disk is too full to build the lab host: {free} MiB are free, and it takes {NEEDED_MIB}.",
            next_step="Make room, or set LABKIT_CACHE to a folder on another disk.",
        )


def _build(folder: Path, step: events.Step) -> None:
    keys = Keys.make(folder)
    with _scratch(folder) as scratch:
        archive = folder / "root.tar"
        _bootstrap(archive, keys, scratch, step)
        step.progress("making its disk", 0.8)
        tree = folder / "tree"
        tree.mkdir()
        _as_root(
            ["tar", "-x", "-p", "--no-same-owner", "--exclude=./dev/*", "-f", str(archive), "-C", str(tree)]
        )
        archive.unlink()
        _take_out(tree, folder)
        options = ["-q", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-d", str(tree)]
        _as_root(["mke2fs", *options, str(folder / "root.img"), f"{DISK_MIB}M"])
        _as_root(["rm", "-rf", str(tree)])


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A folder for mmdebstrap's work."""
    made = folder / "scratch"
    made.mkdir()
    yield made
    shutil.rmtree(made, ignore_errors=True)


def _bootstrap(archive: Path, keys: Keys, scratch: Path, step: events.Step) -> None:
    early, late = scratch / "early.tar", scratch / "late.tar"
    _pack(
        early,
        {_EARLY[name]: (_HERE / name).read_bytes() for name in _EARLY},
        {"etc/initramfs-tools/conf.d/labhost": _INITRAMFS.encode()},
    )
    _pack(
        late,
        {_FILES[name]: (_HERE / name).read_bytes() for name in _FILES},
        {
            "etc/ssh-host-key": keys.host.read_bytes(),
            "root/.ssh/authorized_keys": keys.public(keys.client).encode(),
        },
    )
    command = [
        "mmdebstrap", "--variant=essential", "--format=tar", f"--include={' '.join(packages())}",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT),
        "--dpkgopt=force-unsafe-io", "--dpkgopt=force-confold",
        *(f"--aptopt={line}" for line in sources.apt_options()),
        f"--essential-hook=tar-in {shlex.quote(str(early))} /",
        f"--customize-hook=tar-in {shlex.quote(str(late))} /",
        '--customize-hook=chroot "$1" /usr/lib/labhost/finish',
        sources.suite(), str(archive), *sources.apt_sources(),
    ]  # fmt: skip
    _run(command, scratch, step)


def _pack(path: Path, *contents: dict[str, bytes]) -> None:
    """A tar file of programs (the first) and plain files, all of them root's."""
    with tarfile.open(path, "w") as archive:
        for files in contents:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                entry.mode = 0o755 if content.startswith(b"#!") else 0o644
                archive.addfile(entry, io.BytesIO(content))


def _run(command: Sequence[str], scratch: Path, step: events.Step) -> None:
    """Run mmdebstrap, which ends with us, however that comes."""
    leashed = [sys.executable, "-I", "-S", leash.__file__, *_own_mounts(), *command]
    environment = os.environ | {"TMPDIR": str(_reachable(scratch)), "LC_ALL": "C"}
    last: deque[str] = deque(maxlen=30)
    with subprocess.Popen(
        leashed, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment,
        start_new_session=True, text=True, errors="replace",
    ) as process:  # fmt: skip
        assert process.stdin is not None and process.stderr is not None  # noqa: S101, PT018  for mypy
        try:
            for line in process.stderr:
                last.append(line.rstrip())
                if line.startswith("I: "):
                    step.progress(line[3:].strip().rstrip("."))
        finally:
            process.stdin.close()
    if process.returncode:
        raise _failed(last)


def _own_mounts() -> list[str]:
    """Words before a command of root's, so that what it mounts is seen by nobody else, and goes with it."""
    words = ["unshare", "--mount"]
    if os.geteuid() != 0 or subprocess.run([*words, "true"], capture_output=True).returncode:
        return []
    return words


def _failed(last: Sequence[str]) -> HostError:
    told = "\n".join(last)
    offline = (
        "Could not resolve",
        "Temporary failure",
        "Could not connect",
        "unreachable",
        "Connection timed out",
    )
    if any(words in told for words in offline):
        return HostError(
            "The Debian packages for the lab host cannot be fetched: no connection to the package server.",
            next_step="Check the network (and apt's proxy settings), then start again.",
            evidence=[Evidence("mmdebstrap's last words", told)],
        )
    return HostError(
        "mmdebstrap could not build the lab host.",
        next_step="Its last words tell why. If it speaks of user namespaces: install uidmap, or run it as root.",
        evidence=[Evidence("mmdebstrap's last words", told)],
    )


def _reachable(scratch: Path) -> Path:
    """Where mmdebstrap may work: as an ordinary user it becomes others, who must get there."""
    if os.geteuid() == 0:
        return scratch
    for folder in (Path(os.environ.get("TMPDIR", "/tmp")), Path("/tmp"), Path("/var/tmp")):  # noqa: S108
        if all(part.stat().st_mode & 0o001 for part in (folder, *folder.resolve().parents)):
            return folder
    return scratch


def _as_root(command: Sequence[str]) -> None:
    """Run a command to whom all our files are root's."""
    prefix = [] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user"]
    done = subprocess.run(
        [*prefix, *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
    )
    if done.returncode:
        raise HostError(
            "The disk of the lab host cannot be made.",
            next_step="See what the program says; is the disk full?",
            evidence=[Evidence(" ".join(command[:3]), done.stderr)],
        )


def _take_out(tree: Path, folder: Path) -> None:
    """Move what boots the machine out of its file system, and note the versions."""
    boot = tree / "boot"
    shutil.move(_only(boot, "vmlinuz-*"), folder / "vmlinuz")
    shutil.move(_only(boot, "initrd.img-*"), folder / "initrd.img")
    with gzip.open(_only(boot, "xen-*-amd64.gz")) as packed, (folder / "xen").open("wb") as plain:
        shutil.copyfileobj(packed, plain)
    told = (tree / "usr" / "lib" / "labhost" / "versions").read_text()
    versions = dict(line.split(" ", 1) for line in told.splitlines())
    versions["suite"] = sources.suite()
    (folder / _VERSIONS).write_text(json.dumps(versions, indent=1))
    shutil.rmtree(boot)


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise HostError(
            f"The lab host's packages bring {len(found)} files {pattern}, not one.",
            next_step="Please report this: Debian's packages are not as labkit expects.",
        )
    return found[0]
