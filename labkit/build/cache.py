"""The cache: finished things by content key, shared by every process of a user.

Layout of the folder: ``images/KEY/``, ``libos/KEY/`` and ``debian/KEY/`` (unpacked Debian packages)
are finished entries, which appear and vanish in one step (a rename) and never change in between; ``work/KEY/`` are
work folders, each with a lock; ``tmp/`` is where entries are put together; ``locks/`` holds one empty file per
lock. Locks are ``flock``, so the death of a process frees them.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import Evidence, HostError, LabError

__all__ = ["Cache", "Lock", "disk_error", "explained"]

_FRESH = 3600.0  # seconds in which an entry just used is never evicted
_SWEEP_EVERY = 600.0  # seconds between two looks at the size
_STALE_STAGING = 60.0  # seconds after which an unlocked staging folder is a dead process's
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM}


def disk_error(folder: Path, reason: str, evidence: str = "") -> HostError:
    """The error for a folder on which nothing can be written, for instance as the disk is full.

    Args:
        folder: where writing failed.
        reason: what the system said.
        evidence: output of the program that failed, if one did.
    """
    try:
        free = f"{shutil.disk_usage(folder if folder.exists() else folder.parent).free >> 20} MiB free"
    except OSError:
        free = "free space unknown"
    return HostError(
        f"The cache {folder} cannot be written: {reason} ({free}).",
        next_step="Free some space or mend its permissions, or set LABKIT_CACHE to a folder on another disk.",
        evidence=[Evidence("Output", evidence)] if evidence else [],
    )


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn what the system says of a full, read-only or forbidden disk into a :class:`HostError`."""
    try:
        yield
    except LabError:
        raise
    except OSError as error:
        if error.errno in _FULL or error.errno in _FORBIDDEN or error.errno in {errno.ENOTDIR, errno.EIO}:
            where = f" at {error.filename}" if error.filename else ""
            raise disk_error(folder, f"{(error.strerror or 'unknown trouble').lower()}{where}") from error
        raise


@dataclass(frozen=True)
class Lock:
    """A lock that is held; ``descriptor`` may be handed to child processes, which then hold it too."""

    descriptor: int


class Cache:
    """A cache folder.

    Args:
        folder: where it is, or shall be.
        limit: how many bytes finished entries and work folders may take before the longest unused go.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit

    # Entries

    def path(self, kind: str, key: str) -> Path:
        """Where an entry is, or would be."""
        return self.folder / kind / key

    def find(self, kind: str, key: str) -> Path | None:
        """A finished entry, marked as used now; None where there is none."""
        path = self.path(kind, key)
        try:
            os.utime(path)
        except FileNotFoundError:
            return None
        except OSError:  # a cache that may only be read is still of use
            return path if path.is_dir() else None
        return path

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """An empty folder in which to put an entry together; gone after the block unless published."""
        with explained(self.folder):
            parent = self.folder / "tmp"
            parent.mkdir(parents=True, exist_ok=True)
            path = parent / secrets.token_hex(8)
            path.mkdir()
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            with explained(self.folder):
                yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)
            os.close(descriptor)

    def publish(self, staged: Path, kind: str, key: str) -> Path:
        """Make a staged folder the finished entry of a key, in one step.

        If another process was first, its entry stays and is returned: equal keys mean equal content.

        Raises:
            HostError: the disk refuses.
        """
        path = self.path(kind, key)
        with explained(self.folder):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                staged.rename(path)
            except OSError as error:
                if error.errno not in {errno.EEXIST, errno.ENOTEMPTY}:
                    raise
        return path

    # Locks

    @contextmanager
    def lock(
        self, name: str, *, shared: bool = False, waiting: Callable[[], None] | None = None
    ) -> Iterator[Lock]:
        """Hold a lock of this cache inside the block.

        Args:
            name: what is locked, such as ``image-KEY``.
            shared: several may hold it together, unless one holds it alone.
            waiting: called once if another holds it.

        Raises:
            HostError: the lock's file cannot be made.
        """
        descriptor = self._acquire(name, shared, waiting)
        try:
            yield Lock(descriptor)
        finally:
            os.close(descriptor)

    def _open_lock(self, name: str) -> int:
        with explained(self.folder):
            folder = self.folder / "locks"
            folder.mkdir(parents=True, exist_ok=True)
            return os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _acquire(self, name: str, shared: bool, waiting: Callable[[], None] | None) -> int:
        how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        while True:
            descriptor = self._open_lock(name)
            try:
                try:
                    fcntl.flock(descriptor, how | fcntl.LOCK_NB)
                except BlockingIOError:
                    if waiting is not None:
                        waiting()
                        waiting = None
                    fcntl.flock(descriptor, how)
                if self._is_current(descriptor, name):
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # its file was removed while we waited: take the new one

    def _is_current(self, descriptor: int, name: str) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), (self.folder / "locks" / name).stat())
        except FileNotFoundError:
            return False

    @contextmanager
    def _lock_if_free(self, name: str) -> Iterator[bool]:
        descriptor = self._open_lock(name)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield self._is_current(descriptor, name)
        finally:
            os.close(descriptor)

    @contextmanager
    def hold(self, kind: str, key: str) -> Iterator[None]:
        """Keep an entry from being evicted inside the block. On a read-only cache nothing needs to be done."""
        with ExitStack() as stack:
            with suppress(HostError):
                stack.enter_context(self.lock(_lock_name(kind, key), shared=True))
            yield

    # Size

    def tidy(self, *, now: bool = False) -> int:
        """Remove what dead processes left, and the longest unused entries beyond the limit.

        What is locked stays, as does what was used in the last hour. Cheap when called often: it looks at the
        disk only every ten minutes, unless ``now``.

        Returns:
            Bytes freed.
        """
        mark = self.folder / "tidied"
        try:
            if not now and time.time() - mark.stat().st_mtime < _SWEEP_EVERY:
                return 0
        except FileNotFoundError:
            pass
        try:
            mark.touch()
            with self._lock_if_free("tidy") as mine:
                return self._sweep_staging() + self._evict() if mine else 0
        except (OSError, HostError):  # tidying is a courtesy: it must not fail a build
            return 0

    def _sweep_staging(self) -> int:
        freed = 0
        for path in _folders(self.folder / "tmp"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime < _STALE_STAGING:
                    continue
                descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    freed += _size(path)
                    shutil.rmtree(path, ignore_errors=True)
                finally:
                    os.close(descriptor)
        return freed

    def _evict(self) -> int:
        entries = []
        for kind in ("images", "libos", "work", "debian"):
            for path in _folders(self.folder / kind):
                with suppress(OSError):
                    entries.append((path.stat().st_mtime, _size(path), kind, path))
        excess = sum(size for _, size, _, _ in entries) - self.limit
        freed = 0
        for used, size, kind, path in sorted(entries, key=lambda entry: entry[0]):
            if freed >= excess or time.time() - used < _FRESH:
                break
            if self._remove(kind, path):
                freed += size
        return freed

    def _remove(self, kind: str, path: Path) -> bool:
        name = _lock_name(kind, path.name)
        with self._lock_if_free(name) as mine:
            # It may have been used between the look at its age and now.
            if not mine or time.time() - path.stat().st_mtime < _FRESH:
                return False
            grave = self.folder / "tmp" / f"evicted-{secrets.token_hex(8)}"
            grave.parent.mkdir(exist_ok=True)
            path.rename(grave)
            shutil.rmtree(grave, ignore_errors=True)
            (self.folder / "locks" / name).unlink(missing_ok=True)
            return True


def _lock_name(kind: str, key: str) -> str:
    return f"{kind}-{key}"


def _folders(parent: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(parent) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _size(folder: Path) -> int:
    total = 0
    for here, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                status = os.lstat(os.path.join(here, name))  # noqa: PTH118  a hot loop
                total += status.st_blocks * 512
    return total
