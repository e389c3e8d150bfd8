"""The source of a Linux image: a folder with an ``image.toml``, which says what of Debian's packages is in it."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from labkit.build.source import SourceFile, digest
from labkit.errors import SourceError

__all__ = ["RECIPE", "LinuxSource", "find_linux_source"]

RECIPE: Final = "image.toml"
"""The file that makes a folder the source of a Linux image."""

_ROOT: Final = "root"
_MEMORY_MIB: Final = 96
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,40}")
_KEYS: Final = {"name", "memory", "modules", "packages", "programs", "copies"}


@dataclass(frozen=True)
class LinuxSource:
    """What is to be in a Linux image.

    Attributes:
        folder: the folder, absolute.
        name: the image's.
        memory_mib: what a guest of it gets unless told otherwise, in MiB.
        modules: the kernel's modules that are loaded at the start.
        packages: the Debian packages that the programs and their libraries are taken from.
        programs: their paths in the packages.
        copies: folders or files from elsewhere, by where the guest has them.
    """

    folder: Path
    name: str
    memory_mib: int
    modules: tuple[str, ...]
    packages: tuple[str, ...]
    programs: tuple[str, ...]
    copies: Mapping[str, Path]

    def files(self) -> dict[str, Path]:
        """The files that it brings itself, by where the guest has them: those in ``root/``, and the copies."""
        found = dict(_below(self.folder / _ROOT, ""))
        for inside, place in self.copies.items():
            found |= dict(_below(place, f"{inside}/")) if place.is_dir() else {inside: place}
        return found

    def digest(self) -> str:
        """A hash over all that it brings itself, in hexadecimal."""
        files = [SourceFile(RECIPE, self.folder / RECIPE)]
        files += [SourceFile(name, path) for name, path in sorted(self.files().items())]
        modes = "".join("x" if os.access(file.path, os.X_OK) else "-" for file in files)
        return f"{digest(files)}-{modes}"

    @classmethod
    def read(cls, folder: Path) -> LinuxSource:
        """Read a folder's ``image.toml``.

        Raises:
            SourceError: it cannot be read, or does not hold what it should.
        """
        path = folder / RECIPE
        try:
            told = tomllib.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise SourceError(
                f"{path} cannot be read: {error}.", next_step="Mend it, and build again."
            ) from error
        recipe = _Recipe(path, told)
        copies = {}
        for inside, text in recipe.table("copies").items():
            place = (folder / str(text)).resolve()
            if not place.exists():
                raise recipe.wrong(f"copies {text} as {inside}, and there is no {place}")
            copies[inside.strip("/")] = place
        name = told.get("name", folder.name)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise recipe.wrong(f"gives the name {name!r}: use letters, digits, dots, dashes and underscores")
        memory = told.get("memory", _MEMORY_MIB)
        if not isinstance(memory, int) or memory < 1:
            raise recipe.wrong(f"gives {memory!r} MiB of memory")
        return cls(
            folder,
            name,
            memory,
            recipe.texts("modules"),
            recipe.texts("packages"),
            recipe.texts("programs"),
            copies,
        )


class _Recipe:
    """Typed access to an ``image.toml``, with words for what is wrong."""

    def __init__(self, path: Path, told: Mapping[str, Any]) -> None:
        self._path = path
        self._told = told
        if unknown := told.keys() - _KEYS:
            raise self.wrong(f"says {', '.join(sorted(unknown))}, which means nothing here")

    def wrong(self, what: str) -> SourceError:
        known = ", ".join(sorted(_KEYS))
        return SourceError(
            f"{self._path} {what}.",
            next_step=f"Mend it; images/lean-linux/{RECIPE} is an example. It may have: {known}.",
        )

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._told.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(f"has {value!r} for {key}, which is to be a list of texts")
        return tuple(value)

    def table(self, key: str) -> Mapping[str, Any]:
        value = self._told.get(key, {})
        if not isinstance(value, Mapping):
            raise self.wrong(f"has {value!r} for {key}, which is to be a table")
        return value


def find_linux_source(given: str | os.PathLike[str], root: Path) -> LinuxSource | None:
    """The source of a Linux image that is meant; None if it is none.

    Args:
        given: a path to a folder with an ``image.toml``, or the name of one in the project's ``images/``.
        root: the project's folder.

    Raises:
        SourceError: the ``image.toml`` cannot be taken.
    """
    path = Path(given).expanduser()
    for candidate in (path, root / path, root / "images" / path):
        folder = candidate.parent if candidate.name == RECIPE else candidate
        if (folder / RECIPE).is_file():
            return LinuxSource.read(folder.resolve())
        if candidate.exists():
            return None
    return None


def _below(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith(".") and not path.name.endswith("~"):
            yield prefix + str(path.relative_to(folder)), path
