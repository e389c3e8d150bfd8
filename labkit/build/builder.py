"""The verb build: settings, source, target and toolchain brought together."""

from __future__ import annotations

import os
import time
from dataclasses import replace

from labkit.build.cache import Cache
from labkit.build.image import Image
from labkit.build.source import ImageSource, is_image_file
from labkit.build.target import Target, target_named
from labkit.build.toolchain import check_target, toolchain_named
from labkit.events import step
from labkit.settings import Settings, settings

__all__ = ["build", "open_cache", "prepare"]


def open_cache(given: Settings) -> Cache:
    """The cache that these settings speak of."""
    return Cache(given.cache.absolute(), given.cache_mib << 20)


def build(
    source: str | os.PathLike[str] | ImageSource,
    target: str | Target = "virtio",
    *,
    toolchain: str | None = None,
) -> Image:
    """Build the image of a source folder, or load an image that is built.

    A build that was done before, with the same sources for the same target, is found in the cache.

    Args:
        source: a folder with a ``config.ml``, the name of one in ``images/``, or a built image file.
        target: what to build for; not looked at for a built file.
        toolchain: ``offline`` or ``opam``; None for the settings' choice.

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
            return Image.load(os.fspath(source))
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


def prepare(*, toolchain: str | None = None) -> None:
    """Make ready what the first build needs: for the offline toolchain, the library OS.

    Raises:
        LabError: the machine lacks something; the error says what.
    """
    chosen = settings()
    toolchain_named(toolchain or chosen.toolchain, chosen, open_cache(chosen)).prepare()
