"""Images: what a build gives, and what is loaded from a file of any origin."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.build.manifest import Manifest, ToolchainInfo
from labkit.build.target import Target, target_named
from labkit.errors import ImageError, UsageError

if TYPE_CHECKING:
    from labkit.build.cache import Cache
    from labkit.build.diagnostics import Diagnostic

__all__ = ["BUILD_LOG", "DOMAIN_XML", "LINK_MAP", "MANIFEST", "RECORD", "SYMBOLS", "XL_SUFFIX", "Image"]

BUILD_LOG = "build.log"
DOMAIN_XML = "domain.xml"
LINK_MAP = "link.map"
MANIFEST = "manifest.json"
RECORD = "image.json"
SYMBOLS = "symbols.elf"
"""The same program with its symbols, for ``nm`` and ``gdb``."""
XL_SUFFIX = ".xl"
"""Of the configuration for ``xl create``, which is called after the image."""


@dataclass(frozen=True, repr=False)
class Image:
    """A built image.

    Attributes:
        path: the file, absolute.
        manifest: what it says of itself.
        seconds: how long its build took, from call to result; for a loaded file 0.0.
        cached: whether the build found it ready.
        source: the folder it was built from; None for a loaded file.
        warnings: what the compiler said of the sources without refusing them.
    """

    path: Path
    manifest: Manifest
    seconds: float = 0.0
    cached: bool = False
    source: Path | None = None
    warnings: tuple[Diagnostic, ...] = ()
    cache: Cache | None = field(default=None, repr=False, compare=False)

    @classmethod
    def load(cls, path: str | Path) -> Image:
        """Load an image file of any origin: built by labkit anywhere, any Solo5 image, or any PVH kernel.

        Raises:
            ImageError: no such file, not an image, damaged, for another machine, or for an unknown target.
        """
        from labkit.build import elf, solo5
        from labkit.build.manifest import SECTION

        path = Path(path).expanduser().resolve()
        if path.is_dir():
            raise ImageError(
                f"{path} is a folder, not an image file.", next_step="Build it, or give a file in it."
            )
        content = elf.section(path, SECTION)
        if content is not None:
            manifest = Manifest.from_json(content, origin=f"The manifest in {path}")
        elif (told := solo5.manifest_of(path, _plain_name(path.stem))) is not None:
            manifest = told
        elif elf.has_pvh_entry(path):
            manifest = Manifest(_plain_name(path.stem), "virtio", ToolchainInfo("unknown"))
        else:
            raise ImageError(
                f"{path} is a program, but no unikernel: it has neither labkit's manifest, nor Solo5's notes, "
                "nor a PVH entry.",
                next_step="Give an image that labkit or upstream's mirage built, or a folder with a config.ml.",
            )
        try:
            target_named(manifest.target)
        except UsageError as error:
            raise ImageError(
                f"{path} is for an unknown target: {manifest.target}.", next_step=error.next_step
            ) from error
        return cls(path, manifest)

    def __repr__(self) -> str:
        return f"<Image {self.name} for {self.manifest.target}>"

    @property
    def name(self) -> str:
        """The name that ``config.ml`` registers."""
        return self.manifest.name

    @property
    def target(self) -> Target:
        """What it was built for."""
        return target_named(self.manifest.target)

    @property
    def toolchain(self) -> ToolchainInfo:
        """Who built it."""
        return self.manifest.toolchain

    @property
    def bytes(self) -> int:
        """Size of the file, in bytes.

        Raises:
            ImageError: it is gone, for instance evicted from the cache; build it again.
        """
        try:
            return self.path.stat().st_size
        except OSError as error:
            raise ImageError(f"The image {self.path} is gone.", next_step="Build it again.") from error

    @property
    def log(self) -> str:
        """What the build's programs printed; '' for a file without its build's folder."""
        return self._beside(BUILD_LOG)

    @property
    def domain_xml(self) -> str:
        """The libvirt XML template made with the image; '' for a file without its build's folder."""
        return self._beside(DOMAIN_XML)

    @property
    def xl_configuration(self) -> str:
        """What ``xl create`` takes; '' if it is not for Xen, or a file without its build's folder."""
        return self._beside(f"{self.name}{XL_SUFFIX}")

    @cached_property
    def sections(self) -> dict[str, int]:
        """Bytes in memory of each loaded section.

        Raises:
            ImageError: the file is gone or damaged.
        """
        from labkit.build import elf

        return elf.section_sizes(self.path)

    @cached_property
    def libraries(self) -> dict[str, int]:
        """Bytes in memory that each library put into the image, largest first; empty where no link map is kept."""
        from labkit.build.linkmap import sizes_by_library

        return sizes_by_library(self._beside(LINK_MAP))

    @property
    def parts(self) -> tuple[Path, ...]:
        """The files that it is made of."""
        return (self.path,)

    @contextmanager
    def held(self) -> Iterator[Path]:
        """The file's path, safe from eviction inside the block."""
        if self.cache is None:
            yield self.path
        else:
            with self.cache.hold("images", self.path.parent.name):
                yield self.path

    def describe(self) -> dict[str, Any]:
        """What ``labkit build --json`` prints."""
        return {
            "path": str(self.path),
            "name": self.name,
            "target": self.manifest.target,
            "toolchain": self.toolchain.name,
            "toolchain_version": self.toolchain.version,
            "ocaml": self.toolchain.ocaml,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 4),
            "cached": self.cached,
            "devices": [vars(device) for device in self.manifest.devices],
            "packages": list(self.manifest.packages),
            "sections": self.sections,
            "libraries": self.libraries,
            "warnings": [warning.describe() for warning in self.warnings],
        }

    def _beside(self, name: str) -> str:
        # Only an image's own folder tells of it: a copy may lie beside any file of such a name.
        if self.cache is None and not (self.path.parent / RECORD).is_file():
            return ""
        try:
            return (self.path.parent / name).read_text(errors="replace")
        except OSError:
            return ""


def read_record(folder: Path, cache: Cache, source: Path) -> Image | None:
    """The image of a finished cache entry, or None if the entry is damaged."""
    from labkit.build.diagnostics import Diagnostic

    try:
        record = json.loads((folder / RECORD).read_bytes())
        path = folder / record["file"]
        if path.stat().st_size != record["bytes"]:
            return None
        manifest = Manifest.from_json(json.dumps(record["manifest"]))
        warnings = tuple(Diagnostic.read(item, source) for item in record["warnings"])
    except (OSError, ValueError, KeyError, TypeError, ImageError):
        return None
    return Image(path, manifest, source=source, cached=True, warnings=warnings, cache=cache)


def _plain_name(text: str) -> str:
    name = "".join(c if c.isascii() and (c.isalnum() or c in "_.-") else "-" for c in text).lstrip("-._")
    return name[:63] or "image"
