"""The offline toolchain: images from Debian packages and the library OS in ``libos/``.

The steps are those of docs/ARCHITECTURE.md, section 5. Each image folder and target has a work folder, in which
dune's state lives on, so that an edit costs little; results are stored by content.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress

from labkit.build.cache import Cache
from labkit.build.diagnostics import Report
from labkit.build.entry import complete_entry
from labkit.build.image import LINK_MAP, MANIFEST, SYMBOLS, Image, read_record
from labkit.build.job import MAP_IN_BUILD, NOTES, Job, Notes, Recipe
from labkit.build.libos import find_libos, install_libos
from labkit.build.source import ImageSource, SourceFile
from labkit.build.target import Target
from labkit.build.tools import find_tools
from labkit.build.workspace import workspace
from labkit.events import Step, step
from labkit.settings import Settings

__all__ = ["Offline"]


class Offline:
    """The offline toolchain.

    Args:
        settings: where the project is.
        cache: where results and work folders are.
    """

    name = "offline"

    def __init__(self, settings: Settings, cache: Cache) -> None:
        self._settings = settings
        self._cache = cache

    def prepare(self) -> None:
        """Build and install the library OS, unless that was done.

        Raises:
            LabError: the machine lacks something, or the library OS does not compile.
        """
        install_libos(self._cache, self._settings.root, find_tools(self._cache))

    def build(self, source: ImageSource, target: Target) -> Image:
        """Build, or find in the cache, the image of a source folder.

        Raises:
            SourceError: the sources do not compile, or ask for what this toolchain does not have.
            MissingTool, HostError, BuildError: the machine or labkit is at fault.
        """
        tools = find_tools(self._cache)
        libos, _ = find_libos(self._cache, self._settings.root, tools)
        files = source.files()
        recipe = Recipe(target, tools, libos)
        ready = self._find(recipe.key(source.digest_of(files)), source)
        if ready is not None:
            return ready
        with self._cache.hold("libos", libos.key):
            libos = install_libos(self._cache, self._settings.root, tools)
            image = self._build(source, files, Recipe(target, tools, libos))
        self._cache.tidy()
        return image

    def _find(self, key: str, source: ImageSource) -> Image | None:
        folder = self._cache.find("images", key)
        if folder is None:
            return None
        return read_record(folder, self._cache, source.folder)

    def _build(self, source: ImageSource, files: list[SourceFile], recipe: Recipe) -> Image:
        started = time.monotonic()
        with (
            step("compile", source.folder.name) as doing,
            workspace(self._cache, recipe.place(source), _waits(doing)) as space,
        ):
            notes = Notes.read(space.folder / NOTES)
            key = recipe.key(space.synchronise(files, notes.generated))
            with self._cache.lock(f"images-{key}", waiting=_waits(doing)):
                ready = self._find(key, source)
                if ready is not None:
                    return ready
                # An entry that is there, but cannot be read, was damaged behind our back.
                shutil.rmtree(self._cache.path("images", key), ignore_errors=True)
                job = Job(source, frozenset(file.name for file in files), recipe, space, notes)
                job.configure(doing)
                report, log = job.compile(doing)
                return self._store(job, key, report, log, time.monotonic() - started, doing)

    def _store(self, job: Job, key: str, report: Report, log: str, seconds: float, doing: Step) -> Image:
        manifest = job.manifest()
        with self._cache.staging() as staging:
            entry = staging / "entry"
            entry.mkdir()
            path = entry / f"{manifest.name}.{manifest.target}"
            (entry / MANIFEST).write_text(manifest.to_json())
            doing.progress("finishing", 0.9)
            job.finish(entry / MANIFEST, path)
            final = self._cache.path("images", key) / path.name
            os.link(job.program, entry / SYMBOLS)  # dune replaces its file by the next
            with suppress(FileNotFoundError):  # dune did not link if only a comment changed
                (job.space.tree / "_build/default" / MAP_IN_BUILD).replace(job.space.folder / LINK_MAP)
            with suppress(FileNotFoundError):
                shutil.copyfile(job.space.folder / LINK_MAP, entry / LINK_MAP)
            complete_entry(entry, path, final, manifest, log=log, seconds=seconds, warnings=report.warnings)
            self._cache.publish(entry, "images", key)
        return Image(
            final,
            manifest,
            seconds=seconds,
            source=job.source.folder,
            warnings=report.warnings,
            cache=self._cache,
        )


def _waits(doing: Step) -> Callable[[], None]:
    return lambda: doing.progress("another labkit builds it: waiting")
