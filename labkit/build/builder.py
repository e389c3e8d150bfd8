"""The verb build: settings, source, target and toolchain brought together."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

from labkit.build.cache import Cache
from labkit.build.image import Image
from labkit.build.linux.source import LinuxSource, find_linux_source
from labkit.build.source import ImageSource, is_image_file
from labkit.build.target import DEFAULT, Target, target_named
from labkit.build.toolchain import check_target, toolchain_named
from labkit.errors import UsageError
from labkit.events import step
from labkit.settings import Settings, settings

__all__ = ["build", "open_cache", "prepare"]


def open_cache(given: Settings) -> Cache:
    """The cache that these settings speak of."""
    return Cache(given.cache.absolute(), given.cache_mib << 20)


def build(
    source: str | os.PathLike[str] | ImageSource,
    target: str | Target = DEFAULT,
    *,
    toolchain: str | None = None,
    profile: str | None = None,
) -> Image:
    """Build the image of a source folder, or load an image that is built.

    A build that was done before, with the same sources for the same target, is found in the cache.

    Args:
        source: a folder with a ``config.ml`` or an ``image.toml``, the name of one in ``images/``, a built image
            file, or a disk that boots by itself.
        target: what to build for; not looked at for a file. The usual one of a folder with an ``image.toml`` is
            ``linux``.
        toolchain: ``offline`` or ``opam``; None for the settings' choice.
        profile: what a file of another origin is (``labkit.build.linux.profiles``); its name tells, unless given.

    Raises:
        UsageError: there is no such image, target or toolchain, or they do not go together.
        SourceError: the sources do not compile (then a ``CompileError``, with ``diagnostics``), or ask for
            what the toolchain does not have.
        ImageError: a built file is damaged or no image.
        MissingTool, HostError, BuildError: the machine or labkit is at fault.
    """
    started = time.monotonic()
    wanted = target_named(target)
    chosen = settings()
    if not isinstance(source, ImageSource):
        if is_image_file(source):
            return _load(Path(source), profile)
        if (recipe := find_linux_source(source, chosen.root)) is not None:
            return _build_linux(recipe, wanted, chosen)
        source = ImageSource.find(source, root=chosen.root)
    name = toolchain or chosen.toolchain
    maker = toolchain_named(name, chosen, open_cache(chosen))
    check_target(name, wanted)
    with step("build", source.folder.name) as this:
        image = maker.build(source, wanted)
        seconds = time.monotonic() - started
        this.progress(
            f"{image.name} for {wanted}: {'unchanged' if image.cached else 'built'} in {seconds:.2f} s", 1.0
        )
    return replace(image, seconds=seconds)


def _load(path: Path, profile: str | None) -> Image:
    from labkit.build.linux.foreign import is_disk, load_foreign

    if profile is not None or is_disk(path):
        return load_foreign(path, profile)
    return Image.load(path)


def _build_linux(recipe: LinuxSource, target: Target, chosen: Settings) -> Image:
    from labkit.build.linux.builder import TARGETS, build_linux

    name = TARGETS[0] if target is DEFAULT else target.name
    if name not in TARGETS:
        raise UsageError(
            f"{recipe.name} is Linux, which is not built for the target {target}.",
            next_step=f"Take one of: {', '.join(TARGETS)}.",
        )
    return build_linux(recipe, name, open_cache(chosen))


def prepare(*, toolchain: str | None = None) -> None:
    """Make ready what the first build needs: for the offline toolchain, the library OS.

    Raises:
        LabError: the machine lacks something; the error says what.
    """
    chosen = settings()
    toolchain_named(toolchain or chosen.toolchain, chosen, open_cache(chosen)).prepare()
