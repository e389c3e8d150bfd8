"""Work folders: the private copy of sources in which dune works, kept from build to build."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from labkit.build.cache import Cache, Lock, explained
from labkit.build.source import SourceFile
from labkit.errors import SourceError

__all__ = ["Workspace", "workspace"]

_BUILD = "_build"


@dataclass(frozen=True)
class Workspace:
    """A work folder that is ours alone for now.

    Attributes:
        cache: the cache's folder, in which it is.
        folder: all of it.
        tree: the copy of the sources, dune's root.
        temporary: for the temporary files of programs; empty at the start.
        lock: held; hand it to the programs that work here.
    """

    cache: Path
    folder: Path
    tree: Path
    temporary: Path
    lock: Lock

    def synchronise(self, files: Sequence[SourceFile], spare: Collection[str] = ()) -> str:
        """Make the copy equal to these files; what is equal already is not touched.

        Args:
            files: the sources.
            spare: names of generated files, which stay unless a source has the name.

        Returns:
            The digest of what was copied, as :func:`labkit.build.source.digest` gives it. If an editor saved a
            file while we copied, it is the digest of what will really be compiled.

        Raises:
            SourceError: a file vanished or cannot be read.
            HostError: the disk refuses.
        """
        wanted = {file.name for file in files} | set(spare)
        whole = hashlib.blake2b(digest_size=16)
        with explained(self.cache):
            for name in _names_in(self.tree):
                if name not in wanted:
                    (self.tree / name).unlink()
            for file in files:
                try:
                    content = file.path.read_bytes()
                except OSError as error:
                    raise SourceError(
                        f"{file.path} cannot be read: {error.strerror}.",
                        next_step="Mend its permissions, or save it again, and build again.",
                    ) from error
                whole.update(hashlib.blake2b(content, digest_size=16).digest() + file.name.encode() + b"\0")
                _write_if_changed(self.tree / file.name, content)
        return whole.hexdigest()

    def names(self) -> set[str]:
        """Names of all files in the copy, generated ones too, but for dune's products."""
        return set(_names_in(self.tree))


@contextmanager
def workspace(cache: Cache, key: str, waiting: Callable[[], None]) -> Iterator[Workspace]:
    """The work folder of a key, ours alone inside the block.

    If the block is left in any other way than by its end or by a :class:`SourceError`, the folder may be in any
    state, and is removed.

    Args:
        cache: where work folders are.
        key: says which.
        waiting: called once if another process works there.

    Raises:
        HostError: the disk refuses.
    """
    with cache.lock(f"work-{key}", waiting=waiting) as lock:
        folder = cache.path("work", key)
        this = Workspace(cache.folder, folder, folder / "tree", folder / "tmp", lock)
        try:
            with explained(cache.folder):
                shutil.rmtree(this.temporary, ignore_errors=True)
                this.tree.mkdir(parents=True, exist_ok=True)
                this.temporary.mkdir(exist_ok=True)
                with suppress(OSError):
                    os.utime(folder)
            yield this
        except SourceError:
            raise
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            shutil.rmtree(this.temporary, ignore_errors=True)


def _names_in(tree: Path) -> Iterator[str]:
    for here, folders, names in os.walk(tree):
        inside = os.path.relpath(here, tree)
        if inside == os.curdir:
            folders[:] = [name for name in folders if name != _BUILD]
            inside = ""
        for name in names:
            yield f"{inside}/{name}" if inside else name


def _write_if_changed(path: Path, content: bytes) -> None:
    try:
        if path.read_bytes() == content:
            return
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    except IsADirectoryError:  # what was a folder is a file now
        shutil.rmtree(path)
    path.write_bytes(content)
