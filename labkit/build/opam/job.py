"""One image on its way through upstream's tools: mirage configure, make depends, make build."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from labkit.build import solo5
from labkit.build.cache import explained
from labkit.build.diagnostics import Report, compile_error, parse
from labkit.build.dune import check_disk, check_space
from labkit.build.manifest import SECTION, Device, Manifest, ToolchainInfo
from labkit.build.opam.switch import Switch
from labkit.build.opam.trouble import opam_error
from labkit.build.source import ImageSource
from labkit.build.target import Target
from labkit.build.tools import Finished, run_tool
from labkit.build.workspace import Workspace
from labkit.errors import BuildError, Evidence, SourceError
from labkit.events import Step

__all__ = ["NOTES", "Job", "Notes"]

NOTES: Final = "notes.json"
"""Where a work folder keeps its :class:`Notes`."""

_KINDS: Final = {"BLOCK_BASIC": "block", "NET_BASIC": "network"}
_TELLS_DEVICES: Final = "spt"  # a target for which `mirage configure` writes them down
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")
_PACKAGE: Final = re.compile(
    r'^"([a-z0-9][a-z0-9+._-]*)" \{ \?monorepo', re.MULTILINE
)  # none of the build's own


@dataclass(frozen=True)
class Notes:
    """What a work folder remembers.

    Attributes:
        copied: the sources' names at the last build; all else was generated or fetched.
        configured: for which inputs `mirage configure` was run.
        fetched: for which packages `make depends` was run.
    """

    copied: frozenset[str] = frozenset()
    configured: str = ""
    fetched: str = ""

    @classmethod
    def read(cls, path: Path) -> Notes:
        """The notes in a file; empty ones where there is none, or a damaged one."""
        try:
            value = json.loads(path.read_bytes())
            return cls(frozenset(map(str, value["copied"])), str(value["configured"]), str(value["fetched"]))
        except (OSError, ValueError, KeyError, TypeError):
            return cls()

    def write(self, path: Path) -> None:
        """Keep them in a file."""
        path.write_text(json.dumps({**vars(self), "copied": sorted(self.copied)}))


@dataclass
class Job:
    """One image on its way through a work folder.

    Attributes:
        own_list: whether opam's list of packages is not upstream's: then nothing is added to it, as mirage would.
    """

    source: ImageSource
    names: frozenset[str]
    target: Target
    switch: Switch
    space: Workspace
    notes: Notes
    own_list: bool = False
    log: list[str] = field(default_factory=list)

    def configure(self, doing: Step) -> None:
        """Have mirage run config.ml, unless it did for just these inputs.

        Raises:
            SourceError: config.ml does not compile, or mirage refuses it.
        """
        inputs = self._digest(
            self.switch.fingerprint,
            *self._options,
            *sorted(self.names),
            files=[self.space.tree / "config.ml"],
        )
        if inputs == self.notes.configured and (self.space.tree / "Makefile").is_file():
            return
        doing.progress("mirage configure", 0.05)
        done = self._run(doing, "mirage", "configure", "-t", self.target.name, *self._options)
        if done.status:
            self._refuse(done, "mirage refuses config.ml.")
        self._note(Notes(self.names, inputs, self.notes.fetched))

    @property
    def _options(self) -> tuple[str, ...]:
        return ("--no-depext", "--no-extra-repo") if self.own_list else ("--no-depext",)

    @property
    def packages_wanted(self) -> str:
        """A hash over what `make depends` is to bring."""
        return self._digest(files=sorted((self.space.tree / "mirage").glob("*.opam")))

    def depend(self, doing: Step) -> None:
        """Have opam bring the packages.

        Raises:
            HostError: no network.
            SourceError: what config.ml asks for is not to be had.
            BuildError, MissingTool: a package does not build, or needs what this machine lacks.
        """
        doing.progress("make depends", 0.15)
        done = self._run(doing, "make", "depends")
        if done.status:
            check_disk(done.output, self.space.cache)
            raise opam_error(done, f"bring the packages of {self.source.folder.name}", student=True)
        self._note(Notes(self.names, self.notes.configured, self.packages_wanted))

    def compile(self, doing: Step) -> Report:
        """Compile and link; the report of what the compiler said.

        Raises:
            SourceError: the sources do not compile.
            BuildError: for another reason.
        """
        doing.progress("make build", 0.5)
        done = self._run(doing, "make", "build")
        if done.status:
            self._refuse(done, "make build fails.")
        return self._parse(done.output)

    @property
    def program(self) -> Path:
        """What was linked.

        Raises:
            BuildError: nothing was.
        """
        suffix = "" if self.target.name == "unix" else f".{self.target}"
        found = [
            path
            for path in (self.space.tree / "dist").glob("*")
            if path.suffix == suffix and path.is_file() and path.name != "dune"
        ]
        if not found:
            raise BuildError(
                f"make build has ended, but there is no image for {self.target} in dist/.",
                next_step="See the log; please report this.",
                evidence=[Evidence("The build's log", "".join(self.log)[-4000:])],
            )
        return max(found, key=lambda path: path.stat().st_mtime_ns)

    def finish(self, program: Path, result: Path) -> Manifest:
        """Put the image in its place, without what only debuggers use, and tell what it says of itself."""
        toolchain = ToolchainInfo(
            "opam", self.switch.versions.get("mirage", ""), self.switch.versions.get("ocaml", "")
        )
        told = None if self.target.name == "unix" else solo5.manifest_of(program, program.stem)
        devices = told.devices if told and told.devices else self._devices()
        manifest = Manifest(
            program.stem if told else program.name,
            self.target.name,
            toolchain,
            devices,
            self._packages(),
            abi=told.abi if told else "",
        )
        extra: list[str] = []
        if not told:  # a Solo5 image has its notes, and its layout must stay
            note = self.space.temporary / "manifest.json"
            note.write_text(manifest.to_json())
            extra = [
                "--add-section",
                f"{SECTION}={note}",
                "--set-section-flags",
                f"{SECTION}=noload,readonly",
            ]
        done = run_tool(["objcopy", "--strip-debug", *extra, program, result], folder=self.space.folder)
        if done.status:
            check_disk(done.output, self.space.cache)
            raise BuildError(
                "The image cannot be finished.",
                next_step="Please report this.",
                evidence=[Evidence("objcopy's output", done.output)],
            )
        return manifest

    # What mirage tells of a unikernel

    def _devices(self) -> tuple[Device, ...]:
        """The devices, where the image does not tell: `mirage configure` writes them down for another target."""
        scratch = self.space.folder / "devices"
        with explained(self.space.cache):
            shutil.rmtree(scratch, ignore_errors=True)
            for name in self.names:
                (scratch / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.space.tree / name, scratch / name)
        done = self.switch.run("mirage", "configure", "-t", _TELLS_DEVICES, *self._options, folder=scratch)
        try:
            listed = json.loads((scratch / "mirage" / "manifest.json").read_bytes())["devices"]
            return tuple(Device(one["name"], _KINDS[one["type"]]) for one in listed)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BuildError(
                f"mirage does not tell the devices of {self.source.folder.name}.",
                next_step="Please report this.",
                evidence=[Evidence("mirage's output", done.output)],
            ) from error

    def _packages(self) -> tuple[str, ...]:
        asked = self.switch.run("mirage", "query", "packages", "-t", self.target.name, folder=self.space.tree)
        return tuple(sorted(set(_PACKAGE.findall(asked.output)))) if not asked.status else ()

    # Running, and what went wrong

    def _run(self, doing: Step, *command: str) -> Finished:
        self.log.append(f"$ {' '.join(command)}\n")
        done = self.switch.run(
            *command, folder=self.space.tree, lock=self.space.lock, each_line=_teller(doing, self.log)
        )
        if done.status:
            check_disk(done.output, self.space.cache)
        return done

    def _note(self, notes: Notes) -> None:
        self.notes = notes
        with explained(self.space.cache):
            notes.write(self.space.folder / NOTES)

    def _digest(self, *words: str, files: list[Path]) -> str:
        parts = ["\n".join((self.target.name, *words)).encode(), *(path.read_bytes() for path in files)]
        return hashlib.blake2b(b"\0".join(parts), digest_size=16).hexdigest()

    def _parse(self, output: str) -> Report:
        return parse(output, copy=self.space.tree, source=self.source.folder, sources=self.names)

    def _refuse(self, done: Finished, what: str) -> None:
        """Raise the error that fits a failed run of mirage or the compiler."""
        report = self._parse(done.output)
        if report.errors:
            raise compile_error(report)
        check_space(done.output, self.space.folder, self.space.cache)
        kind = SourceError if "config.ml" in what else BuildError
        raise kind(
            what,
            next_step="See the output; if your sources have no part in it, please report this.",
            evidence=[Evidence("Output", done.output)],
        )


def _teller(doing: Step, log: list[str]) -> Callable[[str], None]:
    def said(line: str) -> None:
        plain = _COLOURS.sub("", line)
        log.append(f"{plain}\n")
        if plain.strip():
            doing.progress(plain.strip()[:100])

    return said
