"""A file system in memory, which a Linux kernel finds beside itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from labkit.build.linux.debian import unpacked

__all__ = ["FOLDERS", "busybox", "pack"]

FOLDERS: Final = ("dev", "proc", "run", "sys", "tmp")
"""What the first process mounts upon."""


def busybox() -> Path:
    """BusyBox, a static program.

    Raises:
        HostError: Debian's package cannot be had.
    """
    return unpacked("busybox-static") / "bin" / "busybox"


def pack(contents: Mapping[str, Path], init: str | None = None) -> bytes:
    """An archive of cpio's format ``newc``: Linux's ``Documentation/driver-api/early-userspace``.

    All files are root's, and of one time, so that equal contents make equal archives.

    Args:
        contents: from paths in it, such as ``bin/nginx``, to files here; a link stays a link.
        init: the text of the first process, ``/init``, unless it is among the contents.
    """
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for inside in FOLDERS:
            (root / inside).mkdir()
        for inside, file in contents.items():
            (root / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, root / inside, follow_symlinks=False)
            if not file.is_symlink():
                (root / inside).chmod(0o755 if os.access(file, os.X_OK) else 0o644)
        if init is not None:
            (root / "init").write_text(init)
            (root / "init").chmod(0o755)
        paths = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
        for inside in [*paths, "."]:
            os.utime(root / inside, (0, 0), follow_symlinks=False)
        packed = subprocess.run(
            [busybox(), "cpio", "-o", "-H", "newc", "-R", "0:0", "--renumber-inodes", "--ignore-devno"],
            input="\n".join(paths).encode(), cwd=root, capture_output=True, check=True,
        )  # fmt: skip
        return packed.stdout
