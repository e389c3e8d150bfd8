"""One image on its way through a work folder: config.ml run, dune run, the manifest put in.

The steps are those of docs/ARCHITECTURE.md, section 5; :mod:`labkit.build.offline` decides whether any is needed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from labkit.build.cache import explained
from labkit.build.diagnostics import Report, compile_error, parse
from labkit.build.dune import check_disk, check_space, run_dune
from labkit.build.image import MANIFEST
from labkit.build.libos import InstalledLibOS
from labkit.build.manifest import SECTION, Manifest
from labkit.build.source import ImageSource
from labkit.build.target import Target
from labkit.build.tools import Finished, Tools, debian_package_of_library, run_tool
from labkit.build.workspace import Workspace
from labkit.errors import BuildError, Evidence, ImageError, LabError, MissingTool, SourceError
from labkit.events import Step

__all__ = ["MAP_IN_BUILD", "NOTES", "TOOLCHAIN_VERSION", "Job", "Notes", "Recipe"]

TOOLCHAIN_VERSION = "2"
"""Of the offline toolchain; part of every content key, so raise it when the same sources give another image."""

NOTES = "notes.json"
"""Where a work folder keeps its :class:`Notes`."""

MAP_IN_BUILD = "main.map"
"""Where the linker leaves its map, beside the program."""

_CONFIG_TIME = 30.0  # seconds that a config.ml may run
_REFUSED = 3  # status of config.exe that has printed why
_DUNE_PROJECT = "(lang dune 2.9)\n"
_NO_LIBRARY = re.compile(r'Library "([^"]+)" not found')


@dataclass(frozen=True)
class Recipe:
    """All but the sources that decides what comes out."""

    target: Target
    tools: Tools
    libos: InstalledLibOS

    def key(self, sources: str) -> str:
        """Content key of the image that comes of sources with this digest."""
        parts = (
            "image",
            TOOLCHAIN_VERSION,
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
class Notes:
    """What a work folder remembers: for which inputs config.ml was run, and the names of what it generated."""

    configured: str = ""
    generated: frozenset[str] = frozenset()

    @classmethod
    def read(cls, path: Path) -> Notes:
        """The notes in a file; empty ones where there is none, or a damaged one."""
        try:
            value = json.loads(path.read_bytes())
            return cls(str(value["configured"]), frozenset(map(str, value["generated"])))
        except (OSError, ValueError, KeyError, TypeError):
            return cls()

    def write(self, path: Path) -> None:
        """Keep them in a file."""
        path.write_text(json.dumps({"configured": self.configured, "generated": sorted(self.generated)}))


@dataclass
class Job:
    """One image on its way through a work folder."""

    source: ImageSource
    names: frozenset[str]
    recipe: Recipe
    space: Workspace
    notes: Notes

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
            Notes().write(self.space.folder / NOTES)
            (self.space.tree / "dune-project").write_text(_DUNE_PROJECT)
        program = self._compile_configuration()
        self._run_configuration(program)
        self.notes = Notes(inputs, frozenset(self.space.names() - self.names))
        with explained(self.space.cache):
            self.notes.write(self.space.folder / NOTES)

    def _configuration_inputs(self) -> str:
        config = (self.space.tree / "config.ml").read_bytes()
        parts = [TOOLCHAIN_VERSION, self.recipe.libos.key, self.recipe.tools.fingerprint, *sorted(self.names)]
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
        environment = {**self._environment, "OCAMLPARAM": f":_:ccopt=-Wl,-Map,{MAP_IN_BUILD}"}
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
                found.toolchain, name="offline", version=TOOLCHAIN_VERSION, ocaml=self.recipe.tools.ocaml
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
        check_space(output, self.space.folder, self.space.cache)
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
