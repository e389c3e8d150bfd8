"""Toolchains: ways to make an image of a source folder. Each implements one small protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from labkit.build.cache import Cache
from labkit.build.image import Image
from labkit.build.source import ImageSource
from labkit.build.target import Target
from labkit.errors import UsageError
from labkit.settings import Settings

__all__ = ["NAMES", "Toolchain", "check_target", "toolchain_named"]


class Toolchain(Protocol):
    """A way to make an image of a source folder."""

    @property
    def name(self) -> str:
        """As ``--toolchain`` takes it."""

    def prepare(self) -> None:
        """Make ready what the first build needs, so that it need not be waited for later.

        Raises:
            LabError: the machine lacks something.
        """

    def build(self, source: ImageSource, target: Target) -> Image:
        """Build, or find in the cache, the image of a source folder.

        Raises:
            SourceError: the sources do not compile, or ask for what this toolchain does not have.
            LabError: the machine or labkit is at fault.
        """


def _offline(settings: Settings, cache: Cache) -> Toolchain:
    from labkit.build.offline import Offline

    return Offline(settings, cache)


def _opam(settings: Settings, cache: Cache) -> Toolchain:
    from labkit.build.opam import Opam

    return Opam(cache, settings.opam_repository)


_MAKERS: dict[str, Callable[[Settings, Cache], Toolchain]] = {"offline": _offline, "opam": _opam}

NAMES = tuple(_MAKERS)
"""The toolchains' names."""


def toolchain_named(name: str, settings: Settings, cache: Cache) -> Toolchain:
    """The toolchain of this name.

    Raises:
        UsageError: there is none.
    """
    if name not in _MAKERS:
        raise UsageError(f"There is no toolchain {name!r}.", next_step=f"Take one of: {', '.join(NAMES)}.")
    return _MAKERS[name](settings, cache)


def check_target(toolchain: str, target: Target) -> None:
    """Refuse a target that a toolchain does not build for.

    Raises:
        UsageError: it does not.
    """
    if toolchain not in target.toolchains:
        raise UsageError(
            f"The toolchain {toolchain} does not build for the target {target}.",
            next_step=f"That target ({target.summary}) takes --toolchain {' or '.join(target.toolchains)}."
            if target.toolchains
            else f"That target is a {target.summary}.",
        )
