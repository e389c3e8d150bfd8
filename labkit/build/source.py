"""Image sources: a folder with a ``config.ml``, read and copied with care."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import UsageError

__all__ = ["MOST_BYTES", "MOST_FILES", "ImageSource", "SourceFile", "digest", "is_image_file"]

MOST_BYTES = 256 << 20
"""Largest source folder, in bytes: more is a folder given by mistake."""

MOST_FILES = 5000
"""Most files in a source folder."""

# What lies in a source folder and is no source: build products of dune and of upstream's `mirage configure`,
# and disks that guests write to. (Hidden files are left out too.)
_NOT_SOURCES = re.compile(r"_build|_opam|.*\.(img|qcow2|raw|iso)|.*\.install|.*~|#.*#")
_NOT_SOURCES_AT_TOP = re.compile(
    r"dist|duniverse|dune-project|dune-workspace|dune\.build|dune\.config|Makefile|.*\.opam"
)
_RESERVED_AT_TOP = {"main.ml", "main.mli", "manifest.json"}

_BLOCK = 1 << 20


@dataclass(frozen=True)
class SourceFile:
    """One file of a source folder: its path inside (with ``/``), and where its bytes are."""

    name: str
    path: Path


@dataclass(frozen=True)
class ImageSource:
    """A folder from which an image is built.

    Attributes:
        folder: its absolute path, symbolic links resolved.
    """

    folder: Path

    @classmethod
    def find(cls, given: str | os.PathLike[str], *, root: Path | None = None) -> ImageSource:
        """The source folder that is meant.

        Args:
            given: a path to a folder with a ``config.ml`` (or to that file), or the name of a folder in the
                project's ``images/``. A path that exists wins.
            root: the project's folder, for names and for paths such as ``images/hello`` from anywhere.

        Raises:
            UsageError: there is no such folder, or it holds no ``config.ml``.
        """
        text = os.fspath(given)
        if not text or "\0" in text:
            raise UsageError(f"{text!r} is no name of an image.", next_step=_known(root))
        path = Path(text).expanduser()
        candidates = [path]
        if root is not None and not path.is_absolute():
            candidates += [root / path, root / "images" / path]
        for candidate in candidates:
            folder = candidate.parent if candidate.name == "config.ml" else candidate
            if (folder / "config.ml").is_file():
                return cls(folder.resolve())
        for candidate in candidates:
            if candidate.is_dir():
                raise UsageError(
                    f"The folder {candidate} has no config.ml, so it is not an image's source.",
                    next_step=_known(root),
                )
        if path.exists():
            raise UsageError(
                f"{path} is neither an image nor a folder with a config.ml.", next_step=_known(root)
            )
        raise UsageError(f"There is no image {text!r}.", next_step=_known(root))

    def files(self) -> list[SourceFile]:
        """The files that make the image, ordered by name; content counts, so links to files are followed.

        Raises:
            UsageError: a link leads to nothing or to a folder outside, a file is a device, socket or pipe or
                cannot be read, or the folder is too large to be an image's source.
        """
        try:
            found = sorted(self._walk(self.folder, ""), key=lambda file: file.name)
        except OSError as error:
            raise UsageError(
                f"{error.filename or self.folder} cannot be read: {error.strerror}.",
                next_step="Mend its permissions, or move it out of the source folder.",
            ) from error
        return found

    def digest_of(self, files: list[SourceFile]) -> str:
        """A hash over the names and contents of files, as :meth:`files` gives them, in hexadecimal.

        Raises:
            UsageError: one cannot be read.
        """
        try:
            return digest(files)
        except OSError as error:
            raise UsageError(
                f"{error.filename} cannot be read: {error.strerror}.", next_step="Mend its permissions."
            ) from error

    def _walk(self, folder: Path, prefix: str) -> Iterator[SourceFile]:
        count = size = 0
        pending = [(folder, prefix)]
        while pending:
            here, inside = pending.pop()
            with os.scandir(here) as entries:
                for entry in entries:
                    if _skipped(entry.name, top=not inside):
                        continue
                    name = inside + entry.name
                    status = self._status(entry, name)
                    if stat.S_ISDIR(status.st_mode):
                        pending.append((Path(entry.path), name + "/"))
                        continue
                    count += 1
                    size += status.st_size
                    if count > MOST_FILES or size > MOST_BYTES:
                        raise UsageError(
                            f"{self.folder} holds more than {MOST_FILES} files or {MOST_BYTES >> 20} MiB: "
                            f"it does not look like an image's source.",
                            next_step="Move what is not source out of it (disks named *.img are left out anyway).",
                        )
                    yield SourceFile(name, Path(entry.path))

    def _status(self, entry: os.DirEntry[str], name: str) -> os.stat_result:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise UsageError(
                f"{self.folder} holds a file whose name is not UTF-8: {os.fsencode(name)!r}.",
                next_step="Rename it.",
            ) from error
        if "\n" in name:
            raise UsageError(
                f"{self.folder} holds a file with a line break in its name: {name!r}.", next_step="Rename it."
            )
        try:
            status = entry.stat()
        except FileNotFoundError as error:
            raise UsageError(
                f"{name} in {self.folder} is a link to {Path(entry.path).readlink()}, which does not exist.",
                next_step="Mend or remove the link.",
            ) from error
        if stat.S_ISDIR(status.st_mode) and entry.is_symlink():
            raise UsageError(
                f"{name} in {self.folder} is a link to the folder {Path(entry.path).readlink()}.",
                next_step="Copy that folder to where the link is: an image's source is complete in itself.",
            )
        if not stat.S_ISDIR(status.st_mode) and not stat.S_ISREG(status.st_mode):
            raise UsageError(
                f"{name} in {self.folder} is neither a file nor a folder.", next_step="Move it out of there."
            )
        if name in _RESERVED_AT_TOP:
            raise UsageError(
                f"{name} in {self.folder} has the name of a file that the build generates.",
                next_step="Give it another name.",
            )
        return status


def _skipped(name: str, *, top: bool) -> bool:
    if name.startswith(".") or _NOT_SOURCES.fullmatch(name):
        return True
    return top and _NOT_SOURCES_AT_TOP.fullmatch(name) is not None


def digest(files: list[SourceFile]) -> str:
    """A hash over names and contents, in hexadecimal."""
    whole = hashlib.blake2b(digest_size=16)
    for file in files:
        content = hashlib.blake2b(digest_size=16)
        with file.path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                content.update(block)
        whole.update(content.digest() + file.name.encode() + b"\0")
    return whole.hexdigest()


def is_image_file(given: str | os.PathLike[str]) -> bool:
    """Whether a path is a regular file other than a ``config.ml``: to be loaded, not built."""
    path = Path(given).expanduser()
    return path.name != "config.ml" and path.is_file()


def _known(root: Path | None) -> str:
    try:
        names = sorted(found.parent.name for found in (root / "images").glob("*/config.ml")) if root else []
    except OSError:
        names = []
    shipped = f" Images here: {', '.join(names)}." if names else ""
    return f"Give a folder with a config.ml, or a built image file.{shipped}"
