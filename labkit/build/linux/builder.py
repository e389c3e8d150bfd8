"""Building a Linux image: Debian's kernel as it is, and a file system in memory of what ``image.toml`` names."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from labkit.build.cache import Cache
from labkit.build.domainxml import DomainNetwork
from labkit.build.image import DOMAIN_XML, RECORD
from labkit.build.linux import disk
from labkit.build.linux.debian import package_files, unpacked
from labkit.build.linux.domain import NETWORK_PLACE, linux_domain_xml
from labkit.build.linux.image import INITRD, KERNEL, Contents, LinuxImage
from labkit.build.linux.initrd import busybox, pack
from labkit.build.linux.kernel import QUIET, find_kernel, kernel_package
from labkit.build.linux.modules import in_order
from labkit.build.linux.profiles import LEAN
from labkit.build.linux.programs import program
from labkit.build.linux.source import LinuxSource
from labkit.build.manifest import Device, Manifest, ToolchainInfo
from labkit.errors import SourceError
from labkit.events import Step, step

__all__ = ["COMMAND_LINE", "SERVICE", "TARGETS", "build_linux"]

SERVICE: Final = "service"
"""The name of a Linux guest's network device."""

COMMAND_LINE: Final = f"console=ttyS0 {QUIET}"
TARGETS: Final = ("linux", "qcow2")

_VERSION: Final = "3"  # part of every content key: raise it when the same sources give another image
_LOADED: Final = "etc/modules"


def build_linux(source: LinuxSource, target: str, cache: Cache) -> LinuxImage:
    """Build, or find in the cache, a Linux image.

    Args:
        source: what is to be in it.
        target: ``linux`` for a kernel with a file system in memory, ``qcow2`` for a disk that boots by itself.
        cache: where results are.

    Raises:
        SourceError: the source asks for what the packages or the kernel do not have.
        HostError: the Debian packages cannot be had, or the disk refuses.
    """
    with step("build", source.name) as doing:
        doing.progress("asking apt for versions", 0.05)
        packages = [*source.packages, kernel_package(), *(disk.PACKAGES if target == "qcow2" else ())]
        versions = package_files(*packages)
        whole = "\n".join([_VERSION, target, source.name, source.digest(), *sorted(versions)])
        key = hashlib.blake2b(whole.encode(), digest_size=16).hexdigest()
        with cache.lock(f"images-{key}", waiting=lambda: doing.progress("another labkit builds it: waiting")):
            if ready := _find(source, target, key, cache):
                return ready
            shutil.rmtree(cache.path("images", key), ignore_errors=True)
            began = time.monotonic()
            with cache.staging() as staging:
                entry = staging / "entry"
                entry.mkdir()
                record = _make(source, target, entry, doing)
                record["seconds"] = time.monotonic() - began
                (entry / RECORD).write_text(json.dumps(record))
                image = _image(source, target, record, cache.path("images", key), cache)
                (entry / DOMAIN_XML).write_text(_domain_xml(image))
                cache.publish(entry, "images", key)
        cache.tidy()
        return replace(image, seconds=record["seconds"])


def _find(source: LinuxSource, target: str, key: str, cache: Cache) -> LinuxImage | None:
    folder = cache.find("images", key)
    if folder is None:
        return None
    try:
        record = json.loads((folder / RECORD).read_bytes())
        image = _image(source, target, record, folder, cache)
        whole = image.bytes == record["bytes"]
    except (OSError, ValueError, KeyError, TypeError):
        return None  # damaged behind our back
    return replace(image, cached=True) if whole else None


def _make(source: LinuxSource, target: str, entry: Path, doing: Step) -> dict[str, Any]:
    """Put the image's files into a folder; what is known of them."""
    doing.progress("downloading Debian packages, once", 0.1)
    kernel = find_kernel()
    tree = unpacked(*source.packages)
    doing.progress("putting files together", 0.7)
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        files: dict[str, Path] = {"bin/busybox": busybox(), "init": _link(made, "first", "bin/busybox")}
        commands = subprocess.run(
            [busybox(), "--list"], capture_output=True, text=True, check=True
        ).stdout.split()
        files |= {f"bin/{one}": _link(made, one, "busybox") for one in commands if one != "busybox"}
        linked: set[str] = set()
        for inside in source.programs:
            if not (tree / inside).is_file():
                raise SourceError(
                    f"{source.folder.name} asks for the program {inside}, and none of its packages has it.",
                    next_step=f"Name the package that has it, or look where it is: dpkg-deb -c PACKAGE. "
                    f"Its packages: {', '.join(source.packages)}.",
                )
            found = program(tree, inside)
            linked |= {place for place in found if place.startswith("lib")}
            files |= found
        loaded = in_order(kernel.modules, source.modules)
        files |= {f"lib/modules/{path.stem}.ko": path for path in loaded}
        (made / "modules").write_text("".join(f"{path.stem}\n" for path in loaded))
        files |= {_LOADED: made / "modules"} | source.files()
        doing.progress("packing", 0.8)
        initrd = gzip.compress(pack(files), compresslevel=9, mtime=0)
        sizes = {place: path.stat().st_size for place, path in files.items() if not path.is_symlink()}
    sizes[KERNEL] = kernel.packed.stat().st_size
    if target == "qcow2":
        doing.progress("making the disk", 0.9)
        image = entry / f"{source.name}.qcow2"
        disk.make(image, kernel.packed, initrd, COMMAND_LINE)
        size = image.stat().st_size
    else:
        shutil.copyfile(kernel.packed, entry / f"{source.name}.{KERNEL}")
        (entry / f"{source.name}.{INITRD}").write_bytes(initrd)
        size = sizes[KERNEL] + len(initrd)
    others = {Path(inside).name for inside in source.programs}
    return {
        "bytes": size,
        "release": kernel.release,
        "files": sizes,
        "programs": sorted({*commands, *others}),
        "libraries": sorted(linked),
        "modules": [path.stem for path in loaded],
    }


def _image(
    source: LinuxSource, target: str, record: dict[str, Any], folder: Path, cache: Cache
) -> LinuxImage:
    manifest = Manifest(
        source.name,
        target,
        ToolchainInfo("debian", record["release"]),
        devices=(Device(SERVICE, "network"),),
        packages=source.packages,
    )
    contents = Contents(
        record["files"], tuple(record["programs"]), tuple(record["libraries"]), tuple(record["modules"])
    )
    profile = replace(LEAN, memory_mib=source.memory_mib)
    if target == "qcow2":
        place = folder / f"{source.name}.qcow2"
        how: dict[str, Any] = {"disk": place}
    else:
        place = folder / f"{source.name}.{KERNEL}"
        initrd = folder / f"{source.name}.{INITRD}"
        how = {"kernel": place, "initrd": initrd, "command_line": COMMAND_LINE}
    return LinuxImage(
        place, manifest, source=source.folder, cache=cache, profile=profile, contents=contents, **how
    )


def _domain_xml(image: LinuxImage) -> str:
    networks = [DomainNetwork(NETWORK_PLACE, SERVICE)]
    return linux_domain_xml(image, networks=networks, memory_mib=image.profile.memory_mib)


def _link(folder: Path, name: str, target: str) -> Path:
    link = folder / f"link-{name}"
    link.symlink_to(target)
    return link
