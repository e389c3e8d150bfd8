"""The opam toolchain behind the protocol that all toolchains share."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from typing import Final

from labkit.build.cache import Cache
from labkit.build.diagnostics import Report
from labkit.build.entry import complete_entry
from labkit.build.image import SYMBOLS, Image, read_record
from labkit.build.opam.job import Job
from labkit.build.opam.notes import NOTES, Notes
from labkit.build.opam.switch import Switch, find_switch
from labkit.build.source import ImageSource, SourceFile
from labkit.build.target import Target
from labkit.build.workspace import Workspace, workspace
from labkit.errors import LabError
from labkit.events import Step, step

__all__ = ["Opam"]

_VERSION: Final = "1"  # part of every content key: raise it when the same sources give another image


class Opam:
    """Upstream's toolchain, in a switch of opam's.

    Args:
        cache: where results, work folders and the lab's own switch are.
        repository: the list of packages, if it is not upstream's.
    """

    name = "opam"

    def __init__(self, cache: Cache, repository: str | None = None) -> None:
        self._cache = cache
        self._repository = repository

    def prepare(self) -> None:
        """Look whether everything is there.

        Raises:
            MissingTool: it is not.
        """
        find_switch(self._cache.folder)

    def build(self, source: ImageSource, target: Target) -> Image:
        """Build, or find in the cache, the image of a source folder.

        Raises:
            SourceError: the sources do not compile, or ask for packages that are not to be had.
            MissingTool, HostError, BuildError: the machine, the network or labkit is at fault.
        """
        switch = find_switch(self._cache.folder)
        files = source.files()
        ready = self._find(_key(source.digest_of(files), target, switch), source)
        if ready is not None:
            return ready
        place = hashlib.blake2b(
            os.fsencode(source.folder) + f"\0opam {target}".encode(), digest_size=12
        ).hexdigest()
        with (
            step("compile", source.folder.name) as doing,
            workspace(self._cache, place, _waits(doing)) as space,
        ):
            outcome = self._attempt(source, files, target, switch, space, doing)
        if isinstance(outcome, LabError):
            raise outcome
        self._cache.tidy()
        return outcome

    def _attempt(
        self,
        source: ImageSource,
        files: list[SourceFile],
        target: Target,
        switch: Switch,
        space: Workspace,
        doing: Step,
    ) -> Image | LabError:
        """The image, or what went wrong: returned, so that the work folder with all that was fetched stays."""
        started = time.monotonic()
        try:
            notes = Notes.read(space.folder / NOTES)
            sources = space.synchronise(files, space.names() - notes.copied)
            names = frozenset(file.name for file in files)
            own_list = self._repository is not None
            job = Job(source, names, target, switch, space, notes, own_list)
            job.configure(doing)
            if job.packages_wanted != notes.fetched:
                with self._cache.lock("opam", waiting=_waits(doing)):
                    job.depend(doing)
                job.switch = find_switch(self._cache.folder)  # which may have got packages
            with self._cache.lock("opam", shared=True, waiting=_waits(doing)):
                report = job.compile(doing)
                return self._store(job, _key(sources, target, job.switch), report, started, doing)
        except LabError as error:
            return error

    def _find(self, key: str, source: ImageSource) -> Image | None:
        folder = self._cache.find("images", key)
        return None if folder is None else read_record(folder, self._cache, source.folder)

    def _store(self, job: Job, key: str, report: Report, started: float, doing: Step) -> Image:
        doing.progress("finishing", 0.95)
        program = job.program
        shutil.rmtree(self._cache.path("images", key), ignore_errors=True)  # if it is there, it is damaged
        with self._cache.staging() as staging:
            entry = staging / "entry"
            entry.mkdir()
            name = program.name if job.target.name != "unix" else f"{program.name}.unix"
            path, final = entry / name, self._cache.path("images", key) / name
            manifest = job.finish(program, path)
            shutil.copyfile(program, entry / SYMBOLS)
            seconds = time.monotonic() - started
            complete_entry(
                entry,
                path,
                final,
                manifest,
                log="".join(job.log),
                seconds=seconds,
                warnings=report.warnings,
            )
            self._cache.publish(entry, "images", key)
        return Image(
            final,
            manifest,
            seconds=seconds,
            source=job.source.folder,
            warnings=report.warnings,
            cache=self._cache,
        )


def _key(sources: str, target: Target, switch: Switch) -> str:
    parts = ("opam", _VERSION, sources, target.name, switch.fingerprint)
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=12).hexdigest()


def _waits(doing: Step) -> Callable[[], None]:
    return lambda: doing.progress("another labkit is at it: waiting")
