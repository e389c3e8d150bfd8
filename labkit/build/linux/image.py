"""Linux images: a kernel with a file system in memory, or a disk that boots by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labkit.build.image import Image
from labkit.build.linux.profiles import Profile
from labkit.errors import ImageError

__all__ = ["INITRD", "KERNEL", "Contents", "LinuxImage"]

KERNEL = "vmlinuz"
INITRD = "initrd"


@dataclass(frozen=True)
class Contents:
    """What is in a Linux image.

    Attributes:
        files: bytes of each file, by its path in the guest, unpacked; and of the kernel, ``vmlinuz``, as it is.
        programs: commands that can be called; those of BusyBox, which is one file, count one each.
        libraries: shared libraries.
        modules: modules of the kernel.
    """

    files: Mapping[str, int]
    programs: tuple[str, ...]
    libraries: tuple[str, ...]
    modules: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class LinuxImage(Image):
    """An image that Linux, or something like it, boots from.

    Attributes:
        profile: how a guest of it is booted, and what it understands.
        kernel: a kernel that is loaded directly; None where the image is a disk.
        initrd: its file system in memory.
        command_line: the kernel's arguments.
        disk: a disk that it boots from; it is never written.
        disk_format: ``qcow2`` or ``raw``.
        contents: what is in it; None for an image of another origin.
    """

    profile: Profile = field(kw_only=True)
    kernel: Path | None = None
    initrd: Path | None = None
    command_line: str = ""
    disk: Path | None = None
    disk_format: str = "qcow2"
    contents: Contents | None = None

    @property
    def parts(self) -> tuple[Path, ...]:
        """The files that it is made of."""
        return tuple(path for path in (self.kernel, self.initrd, self.disk) if path is not None)

    @property
    def bytes(self) -> int:
        """Size of its files, in bytes.

        Raises:
            ImageError: one is gone.
        """
        try:
            return sum(path.stat().st_size for path in self.parts)
        except OSError as error:
            raise ImageError(f"The image {self.path} is gone.", next_step="Build it again.") from error

    @property
    def sections(self) -> dict[str, int]:
        """It is no single program, and has none."""
        return {}

    @property
    def libraries(self) -> dict[str, int]:
        """Bytes of what is in it, largest first; empty for an image of another origin."""
        files = self.contents.files if self.contents else {}
        return dict(sorted(files.items(), key=lambda item: (-item[1], item[0])))

    def describe(self) -> dict[str, Any]:
        """What ``labkit build --json`` prints."""
        told = super().describe()
        told["files"] = [str(path) for path in self.parts]
        told["profile"] = self.profile.name
        if self.contents:
            told["programs"] = list(self.contents.programs)
            told["modules"] = list(self.contents.modules)
        return told
