"""The offline toolchain: images from Debian packages and the library OS in ``libos/``.

The steps are those of docs/ARCHITECTURE.md, section 5. Each image folder and target has a work folder, in which
dune's state lives on, so that an edit costs little; results are stored by content.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labkit.build.cache import Cache, disk_error, explained
from labkit.build.diagnostics import Report, compile_error, parse
from labkit.build.dune import check_disk, run_dune
from labkit.build.image import BUILD_LOG, DOMAIN_XML, LINK_MAP, MANIFEST, RECORD, SYMBOLS, Image, read_record
from labkit.build.libos import InstalledLibOS, find_libos, install_libos
from labkit.build.manifest import SECTION, Manifest
from labkit.build.source import ImageSource, SourceFile
from labkit.build.target import Target
from labkit.build.tools import Finished, Tools, debian_package_of_library, find_tools, run_tool
from labkit.build.workspace import Workspace, workspace
from labkit.errors import BuildError, Evidence, ImageError, LabError, MissingTool, SourceError
from labkit.events import Step, step
from labkit.settings import Settings

__all__ = ["VERSION", "Offline"]

VERSION = "2"
"""Version of this toolchain: part of every content key, so raise it when the same sources give another image."""

_CONFIG_TIME = 30.0  # seconds that a config.ml may run
_REFUSED = 3  # status of config.exe that has printed why
_DUNE_PROJECT = "(lang dune 2.9)\n"
_NOTES = "notes.json"
_MAP_IN_BUILD = "main.map"
_NO_LIBRARY = re.compile(r'Library "([^"]+)" not found')
_LEAST_FREE = 1 << 20  # bytes: with less, a failure without words is put down to the disk


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
        recipe = _Recipe(target, tools, libos)
        ready = self._find(recipe.key(source.digest_of(files)), source)
        if ready is not None:
            return ready
        with self._cache.hold("libos", libos.key):
            libos = install_libos(self._cache, self._settings.root, tools)
            image = self._build(source, files, _Recipe(target, tools, libos))
        self._cache.tidy()
        return image

    def _find(self, key: str, source: ImageSource) -> Image | None:
        folder = self._cache.find("images", key)
        if folder is None:
            return None
        return read_record(folder, self._cache, source.folder)

    def _build(self, source: ImageSource, files: list[SourceFile], recipe: _Recipe) -> Image:
        started = time.monotonic()
        with (
            step("compile", source.folder.name) as doing,
            workspace(self._cache, recipe.place(source), _waits(doing)) as space,
        ):
            notes = _Notes.read(space.folder / _NOTES)
            key = recipe.key(space.synchronise(files, notes.generated))
            with self._cache.lock(f"images-{key}", waiting=_waits(doing)):
                ready = self._find(key, source)
                if ready is not None:
                    return ready
                # An entry that is there, but cannot be read, was damaged behind our back.
                shutil.rmtree(self._cache.path("images", key), ignore_errors=True)
                job = _Job(source, frozenset(file.name for file in files), recipe, space, notes)
                job.configure(doing)
                report, log = job.compile(doing)
                return self._store(job, key, report, log, time.monotonic() - started, doing)

    def _store(self, job: _Job, key: str, report: Report, log: str, seconds: float, doing: Step) -> Image:
        manifest = job.manifest()
        with self._cache.staging() as staging:
            entry = staging / "entry"
            entry.mkdir()
            path = entry / f"{manifest.name}.{manifest.target}"
            (entry / MANIFEST).write_text(manifest.to_json())
            doing.progress("finishing", 0.9)
            job.finish(entry / MANIFEST, path)
            (entry / BUILD_LOG).write_text(log)
            final = self._cache.path("images", key) / path.name
            if manifest.target == "virtio":
                (entry / DOMAIN_XML).write_text(_domain_xml(manifest, final))
            os.link(job.program, entry / SYMBOLS)  # dune replaces its file by the next
            with suppress(FileNotFoundError):  # dune did not link if only a comment changed
                (job.space.tree / "_build/default" / _MAP_IN_BUILD).replace(job.space.folder / LINK_MAP)
            with suppress(FileNotFoundError):
                shutil.copyfile(job.space.folder / LINK_MAP, entry / LINK_MAP)
            record: dict[str, Any] = {
                "file": path.name,
                "bytes": path.stat().st_size,
                "seconds": seconds,
                "manifest": json.loads(manifest.to_json()),
                "warnings": [warning.describe() for warning in report.warnings],
            }
            (entry / RECORD).write_text(json.dumps(record))
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


def _domain_xml(manifest: Manifest, image: Path) -> str:
    from labkit.build.domainxml import domain_xml

    return domain_xml(json.loads(manifest.to_json()), image)


@dataclass(frozen=True)
class _Recipe:
    """All but the sources that decides what comes out."""

    target: Target
    tools: Tools
    libos: InstalledLibOS

    def key(self, sources: str) -> str:
        parts = (
            "image",
            VERSION,
            sources,
            self.target.name,
            self.libos.key,
            self.tools.ocaml,
            self.tools.fingerprint,
        )
        return hashlib.blake2b("\n".join(parts).encode(), digest_size=12).hexdigest()

    def place(self, source: ImageSource) -> str:
        """Key of the work folder."""
        parts = os.fsencode(source.folder) + b"\0" + self.target.name.encode()
        return hashlib.blake2b(parts, digest_size=12).hexdigest()


@dataclass(frozen=True)
class _Notes:
    """What a work folder remembers: for which inputs config.ml was run, and the names of what it generated."""

    configured: str = ""
    generated: frozenset[str] = frozenset()

    @classmethod
    def read(cls, path: Path) -> _Notes:
        try:
            value = json.loads(path.read_bytes())
            return cls(str(value["configured"]), frozenset(map(str, value["generated"])))
        except (OSError, ValueError, KeyError, TypeError):
            return cls()

    def write(self, path: Path) -> None:
        path.write_text(json.dumps({"configured": self.configured, "generated": sorted(self.generated)}))


@dataclass
class _Job:
    """One image on its way through a work folder."""

    source: ImageSource
    names: frozenset[str]
    recipe: _Recipe
    space: Workspace
    notes: _Notes

    @property
    def _environment(self) -> dict[str, str]:
        return self.recipe.tools.environment(
            ocamlpath=[self.recipe.libos.libraries], temporary=self.space.temporary
        )

    def configure(self, doing: Step) -> None:
        """Compile and run config.ml, unless it was run for just these inputs."""
        inputs = self._configuration_inputs()
        if inputs == self.notes.configured and self.notes.generated <= self.space.names():
            return
        doing.progress("config.ml", 0.1)
        with explained(self.space.cache):
            for name in self.notes.generated - self.names:
                (self.space.tree / name).unlink(missing_ok=True)
            _Notes().write(self.space.folder / _NOTES)
            (self.space.tree / "dune-project").write_text(_DUNE_PROJECT)
        program = self._compile_configuration()
        self._run_configuration(program)
        self.notes = _Notes(inputs, frozenset(self.space.names() - self.names))
        with explained(self.space.cache):
            self.notes.write(self.space.folder / _NOTES)

    def _configuration_inputs(self) -> str:
        config = (self.space.tree / "config.ml").read_bytes()
        parts = [VERSION, self.recipe.libos.key, self.recipe.tools.fingerprint, *sorted(self.names)]
        return hashlib.blake2b("\n".join(parts).encode() + b"\0" + config, digest_size=16).hexdigest()

    def _compile_configuration(self) -> Path:
        folder = self.space.folder / "config"
        with explained(self.space.cache):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            shutil.copyfile(self.space.tree / "config.ml", folder / "config.ml")
        # Byte code: it is linked in a fifth of the time, and runs but a moment.
        done = self._run(
            [
                self.recipe.tools.paths["ocamlfind"],
                "ocamlc",
                "-g",
                "-package",
                "mirage",
                "-linkpkg",
                "-w",
                "-a",
                "config.ml",
                "-o",
                "config.exe",
            ],
            folder,
        )
        if done.status:
            self._refuse(done.output)
        return folder / "config.exe"

    def _run_configuration(self, program: Path) -> None:
        command: list[str | Path] = [program, "generate", "--target", self.recipe.target.name]
        command += ["--out", self.space.tree]
        try:
            done = self._run(command, self.space.tree, timeout=_CONFIG_TIME)
        except TimeoutError as error:
            raise SourceError(
                f"config.ml has run for {_CONFIG_TIME:g} s and is not done.",
                next_step="Look for an endless loop in it: it only describes the unikernel.",
            ) from error
        if done.status == _REFUSED:
            raise _refusal(done.output)
        if done.status:
            check_disk(done.output, self.space.cache)
            raise SourceError(
                f"config.ml ended with an error (status {done.status}).",
                next_step="See its output: config.ml is a program, and must run to its end.",
                evidence=[Evidence("Output of config.ml", done.output)],
            )
        if not (self.space.tree / MANIFEST).is_file():
            raise SourceError(
                "config.ml describes no unikernel.",
                next_step='Its last line registers one: let () = register "hello" [ main ].',
                evidence=[Evidence("Output of config.ml", done.output)] if done.output else [],
            )

    def compile(self, doing: Step) -> tuple[Report, str]:
        """Compile and link; the report of what the compiler said, and the log."""
        doing.progress("compiling", 0.3)
        environment = {**self._environment, "OCAMLPARAM": f":_:ccopt=-Wl,-Map,{_MAP_IN_BUILD}"}
        command = ["build", "--profile", "release", "--display", "quiet", "./main.exe"]
        done = run_dune(self.recipe.tools, self.space, command, environment)
        report = self._parse(done.output)
        if done.status:
            self._refuse(done.output)
        return report, f"$ dune {' '.join(command)}\n{done.output}"

    def manifest(self) -> Manifest:
        """The manifest that config.ml gave."""
        try:
            found = Manifest.from_json(
                (self.space.tree / MANIFEST).read_bytes(), origin="The description by config.ml"
            )
        except ImageError as error:
            raise SourceError(error.what, next_step=error.next_step, evidence=error.evidence) from error
        if found.target != self.recipe.target.name:
            raise BuildError(
                f"config.ml describes an image for {found.target}, not for {self.recipe.target}."
            )
        return replace(
            found,
            toolchain=replace(
                found.toolchain, name="offline", version=VERSION, ocaml=self.recipe.tools.ocaml
            ),
        )

    @property
    def program(self) -> Path:
        """What dune linked, with all its symbols."""
        return self.space.tree / "_build/default/main.exe"

    def finish(self, manifest: Path, result: Path) -> None:
        """Put the manifest into the program, without symbols, as ``result``: backtraces do not need them."""
        done = self._run(
            [
                self.recipe.tools.paths["objcopy"],
                "--strip-all",
                "--add-section", f"{SECTION}={manifest}",
                "--set-section-flags", f"{SECTION}=noload,readonly",
                self.program,
                result,
            ],
            self.space.folder,
        )  # fmt: skip
        if done.status:
            raise BuildError(
                "The manifest cannot be put into the image.",
                next_step="Please report this.",
                evidence=[Evidence("objcopy's output", done.output)],
            )

    def _run(self, command: list[str | Path], folder: Path, timeout: float | None = None) -> Finished:
        environment = {**self._environment, "OCAMLRUNPARAM": "b"}  # config.ml's own errors: with the line
        done = run_tool(
            command, folder=folder, environment=environment, timeout=timeout, lock=self.space.lock
        )
        if done.status:
            check_disk(done.output, self.space.cache)
        return done

    def _parse(self, output: str) -> Report:
        return parse(output, copy=self.space.tree, source=self.source.folder, sources=self.names)

    def _refuse(self, output: str) -> None:
        """Raise the error that fits a failed compiler run."""
        report = self._parse(output)
        missing = _NO_LIBRARY.search(output)
        if missing:
            raise self._no_library(missing[1], output)
        if report.errors:
            raise compile_error(report)
        with suppress(OSError):
            if shutil.disk_usage(self.space.folder).free < _LEAST_FREE:
                raise disk_error(self.space.cache, "no space left", output)
        raise BuildError(
            "The image cannot be linked."
            if "ld returned" in output or "undefined reference" in output
            else "The image cannot be built.",
            next_step="See the output; if your sources have no part in it, please report this.",
            evidence=[Evidence("Output", output)],
        )

    def _no_library(self, library: str, output: str) -> LabError:
        evidence = [Evidence("dune's output", output)]
        manifest = self.manifest()
        if library in manifest.packages:
            package = debian_package_of_library(library)
            return MissingTool(
                f"The OCaml library {library} is not installed.",
                next_step=f"Install the Debian package {package}, if there is one; `make lab` installs what the "
                "lessons need.",
                evidence=evidence,
            )
        return SourceError(
            f"There is no OCaml library {library}, which a dune file asks for.",
            next_step="Look at the spelling, and at the folder's own libraries.",
            evidence=evidence,
        )


def _refusal(output: str) -> SourceError:
    for line in reversed(output.splitlines()):
        try:
            value = json.loads(line)
            what, hint = str(value["error"]), str(value.get("hint", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        rest = output.replace(line, "").strip()
        return SourceError(
            f"config.ml: {what}",
            next_step=hint,
            evidence=[Evidence("Output of config.ml", rest)] if rest else [],
        )
    return SourceError("config.ml was refused.", evidence=[Evidence("Output of config.ml", output)])
