"""The files of a folder as a tar archive, which is made of sectors, and so fits on a disk as it is."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import IO

from labkit.errors import UsageError

__all__ = ["pack"]


def pack(folder: Path, into: IO[bytes]) -> None:
    """Write the files of a folder as a tar archive; times and owners are left out.

    Raises:
        UsageError: there is no such folder, or a file cannot be read.
    """

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.mtime = member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mode = 0o755 if member.isdir() else 0o644
        return member

    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder} to make a disk from.", next_step="Check the path.")
    try:
        with tarfile.open(fileobj=into, mode="w") as archive:
            for path in sorted(folder.iterdir()):
                archive.add(path, path.name, filter=plain)  # goes down in the order of names
    except OSError as error:
        raise UsageError(
            f"The folder {folder} cannot be put on a disk: {error.strerror}.",
            next_step="Make its files readable.",
        ) from error
