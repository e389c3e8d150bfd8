"""A student's own copy of an image's sources, of which every version is kept.

The lab folder (``LABKIT_LAB``, :mod:`labkit.settings`) holds ``images/COPY/``, the copies themselves, which are
ordinary image folders; and ``history/COPY/FILE/NUMBER-TIME``, each text that a file ever had.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from labkit.build.source import ImageSource
from labkit.errors import HostError, UsageError
from labkit.settings import settings

__all__ = ["Version", "WorkingCopy", "working_copies", "working_copy"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_VERSION = re.compile(r"(\d{4,})-(\d{8}T\d{6}Z)")


@dataclass(frozen=True)
class Version:
    """A text that a file once had.

    Attributes:
        number: counts from 1, oldest first.
        saved: when it was kept, UTC.
        path: where it is.
    """

    number: int
    saved: dt.datetime
    path: Path

    def __str__(self) -> str:
        return f"{self.number}  {self.saved:%Y-%m-%d %H:%M:%S} UTC  {self.path.stat().st_size} bytes"


@dataclass(frozen=True)
class WorkingCopy:
    """A student's copy of an image.

    Attributes:
        name: the copy's.
        original: the image's folder, which is never written to.
        folder: the copy's folder.
        history: where its versions are kept.
    """

    name: str
    original: Path
    folder: Path
    history: Path

    @property
    def exists(self) -> bool:
        """Whether it has been made."""
        return (self.folder / "config.ml").is_file()

    def make(self) -> WorkingCopy:
        """Make it, unless it is there.

        Raises:
            UsageError: there is a copy of this name, of another image.
            HostError: the lab folder cannot be written to.
        """
        with self._kept():
            note = self.folder / ".original"  # hidden files are no sources
            if not self.exists:
                self._copy_originals()
                _write(note, self.original.name.encode())
            of = (_content(note) or b"").decode(errors="replace")
        if of not in ("", self.original.name):
            raise UsageError(
                f"Your copy {self.name} is one of {of}, not of {self.original.name}.",
                next_step="Give the copy another name: --as NAME.",
            )
        return self

    def write(self, file: str, text: str) -> Path:
        """Give a file this text; what it had before is kept as a version, and so is this.

        Args:
            file: its name in the folder; a new file is made.
            text: all of it.

        Raises:
            UsageError: the name leads out of the folder.
            HostError: the lab folder cannot be written to.
        """
        self.make()
        path = self.path(file)
        with self._kept():
            self._keep(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, text.encode())
            self._keep(path)
        return path

    def reset(self) -> list[str]:
        """Give every file its original text again, and remove those that the original does not have.

        What they had before is kept as versions.

        Returns:
            Names of the files that changed.

        Raises:
            HostError: the lab folder cannot be written to.
        """
        changed = self.changed()
        with self._kept():
            for file in self.files():
                self._keep(self.folder / file)
            originals = set(_files(self.original))
            for file in self.files():
                if file not in originals:
                    (self.folder / file).unlink()
            self._copy_originals()
        return changed

    def files(self) -> list[str]:
        """Names of its files."""
        return _files(self.folder) if self.exists else []

    def changed(self) -> list[str]:
        """Names of the files that differ from the original, missing and new ones too."""
        if not self.exists:
            return []
        names = {*_files(self.original), *self.files()}
        return sorted(
            name for name in names if _content(self.original / name) != _content(self.folder / name)
        )

    def versions(self, file: str) -> list[Version]:
        """All texts that a file had, oldest first; what was saved in an editor since is kept now.

        Raises:
            UsageError: the name leads out of the folder.
        """
        path = self.path(file)
        with self._kept():
            self._keep(path)
        return self._versions(path)

    def restore(self, file: str, number: int) -> Path:
        """Give a file the text of one of its versions; what it had before is kept.

        Raises:
            UsageError: there is no such version.
        """
        found = [version for version in self.versions(file) if version.number == number]
        if not found:
            raise UsageError(
                f"{self.name}/{file} has no version {number}.",
                next_step=f"`%unikernel versions {self.name}/{file}` lists them.",
            )
        return self.write(file, found[0].path.read_text())

    def path(self, file: str) -> Path:
        """Where a file is.

        Raises:
            UsageError: the name leads out of the folder, or is hidden.
        """
        pure = PurePosixPath(file)
        if pure.is_absolute() or not pure.parts or any(part.startswith(".") for part in pure.parts):
            raise UsageError(
                f"{file!r} is no name of a file in an image's folder.",
                next_step="Give a name such as unikernel.ml.",
            )
        return self.folder / pure

    # The history

    def _copy_originals(self) -> None:
        for file in _files(self.original):
            target = self.folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            _write(target, (self.original / file).read_bytes())

    def _keep(self, path: Path) -> None:
        """Keep what a file has now, unless it is the version kept last, or the original."""
        content = _content(path)
        file = path.relative_to(self.folder)
        versions = self._versions(path)
        last = versions[-1].path.read_bytes() if versions else None
        if content is None or content in (last, _content(self.original / file)):
            return
        number = versions[-1].number + 1 if versions else 1
        folder = self.history / file
        folder.mkdir(parents=True, exist_ok=True)
        now = dt.datetime.now(dt.UTC)
        _write(folder / f"{number:04}-{now:%Y%m%dT%H%M%SZ}{path.suffix}", content)

    def _versions(self, path: Path) -> list[Version]:
        folder = self.history / path.relative_to(self.folder)
        found = []
        for kept in folder.glob("*") if folder.is_dir() else ():
            if match := _VERSION.match(kept.name):
                saved = dt.datetime.strptime(match[2], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
                found.append(Version(int(match[1]), saved, kept))
        return sorted(found, key=lambda version: version.number)

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Ours alone: two kernels may write to one copy."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.history.mkdir(parents=True, exist_ok=True)
            with (self.history / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise HostError(
                f"Your copy cannot be written to {error.filename or self.folder}: {error.strerror}.",
                next_step="Mend its permissions, make room, or set LABKIT_LAB to a folder of yours.",
            ) from error


def working_copy(image: str, name: str | None = None) -> WorkingCopy:
    """A student's copy of an image; :meth:`WorkingCopy.make` makes it.

    Args:
        image: the name of a folder in ``images/``, or a path to any image's folder.
        name: the copy's name, where there is to be more than one; the folder's unless given.

    Raises:
        UsageError: there is no such image, or the name has other characters than letters, digits, - and _.
    """
    chosen = settings()
    found = ImageSource.find(image, root=chosen.root).folder
    called = name or found.name
    if not _NAME.fullmatch(called):
        raise UsageError(f"{called!r} is no name for a copy.", next_step="Take letters, digits, - and _ .")
    lab = chosen.lab.absolute()
    if found.is_relative_to(lab):
        raise UsageError(
            f"{image} is a copy of yours already.", next_step="Give the name of the original, such as hello."
        )
    return WorkingCopy(called, found, lab / "images" / called, lab / "history" / called)


def working_copies() -> list[str]:
    """Names of all copies that there are."""
    return sorted(path.parent.name for path in (settings().lab / "images").glob("*/config.ml"))


def _files(folder: Path) -> list[str]:
    return [file.name for file in ImageSource(folder).files()]


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _write(path: Path, content: bytes) -> None:
    """All or nothing: a full disk must not cost the text that was there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
