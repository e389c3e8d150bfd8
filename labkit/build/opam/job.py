"""One image on its way through upstream's tools: mirage configure, make depends, make build."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from labkit.build import solo5
from labkit.build.cache import explained
from labkit.build.diagnostics import Report, compile_error, parse
from labkit.build.dune import check_disk, check_space
from labkit.build.manifest import SECTION, Device, Manifest, ToolchainInfo
from labkit.build.opam.notes import NOTES, Notes
from labkit.build.opam.switch import Switch
from labkit.build.opam.trouble import opam_error
from labkit.build.source import ImageSource
from labkit.build.target import Target
from labkit.build.tools import Finished, run_tool
from labkit.build.workspace import Workspace
from labkit.errors import BuildError, Evidence, SourceError
from labkit.events import Step

__all__ = ["Job"]

_KINDS: Final = {"BLOCK_BASIC": "block", "NET_BASIC": "network"}
_TELLS_DEVICES: Final = "spt"  # a target for which `mirage configure` writes them down
_OF_OTHERS: Final = re.compile(  # what make, mirage and we say around the compiler's words
    r"^(?:make(?:\[\d+\])?: .*|dune build .*|mirage: \[WARNING\] .*|run \[(?:.|\n)*?\]: exited with \d+)\n?",
    re.MULTILINE,
)
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")
_PACKAGE: Final = re.compile(
    r'^"([a-z0-9][a-z0-9+._-]*)" \{ \?monorepo', re.MULTILINE
)  # none of the build's own


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
        self._note(copied=self.names, configured="")  # a refused config.ml leaves files of its own for dune
        doing.progress("mirage configure", 0.05)
        done = self._run(doing, "mirage", "configure", "-t", self.target.name, *self._options)
        if done.status:
            self._refuse(done, "mirage refuses config.ml.")
        packages, devices = self._described()
        self._note(configured=inputs, packages=packages, devices=devices)

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
        self._note(fetched=self.packages_wanted)

    def compile(self, doing: Step) -> Report:
        """Compile and link; the report of what the compiler said.

        Raises:
            SourceError: the sources do not compile.
            BuildError: for another reason.
        """
        doing.progress("make build", 0.5)
        for old in self._results():  # or it would be taken for what came now; dune brings it back
            old.unlink()
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
        found = self._results()
        if len(found) != 1:
            raise BuildError(
                f"make build has ended, but there is no image for {self.target} in dist/.",
                next_step="See the log; please report this.",
                evidence=[Evidence("The build's log", "".join(self.log)[-4000:])],
            )
        return found[0]

    def _results(self) -> list[Path]:
        suffix = "" if self.target.name == "unix" else f".{self.target}"
        return [
            path
            for path in (self.space.tree / "dist").glob("*")
            if path.suffix == suffix and path.is_file() and path.name != "dune"
        ]

    def finish(self, program: Path, result: Path) -> Manifest:
        """Put the image in its place, without what only debuggers use, and tell what it says of itself."""
        toolchain = ToolchainInfo(
            "opam", self.switch.versions.get("mirage", ""), self.switch.versions.get("ocaml", "")
        )
        told = None if self.target.name == "unix" else solo5.manifest_of(program, program.stem)
        devices = told.devices if told and told.devices else tuple(Device(*one) for one in self.notes.devices)
        manifest = Manifest(
            program.stem if told else program.name,
            self.target.name,
            toolchain,
            devices,
            self.notes.packages,
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

    def _described(self) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
        """The packages that config.ml asks for, and its devices, which mirage writes down for one target.

        Asked in a copy of the sources: mirage writes files for dune even when it is only asked.
        """
        scratch = self.space.folder / "asked"
        with explained(self.space.cache):
            shutil.rmtree(scratch, ignore_errors=True)
            for name in self.names:
                (scratch / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.space.tree / name, scratch / name)
        asked = self.switch.run("mirage", "query", "packages", "-t", self.target.name, folder=scratch)
        done = self.switch.run("mirage", "configure", "-t", _TELLS_DEVICES, *self._options, folder=scratch)
        try:
            listed = json.loads((scratch / "mirage" / "manifest.json").read_bytes())["devices"]
            devices = tuple((str(one["name"]), _KINDS[one["type"]]) for one in listed)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BuildError(
                f"mirage does not tell the devices of {self.source.folder.name}.",
                next_step="Please report this.",
                evidence=[Evidence("mirage's output", asked.output + done.output)],
            ) from error
        return tuple(sorted(set(_PACKAGE.findall(asked.output)))), devices

    # Running, and what went wrong

    def _run(self, doing: Step, *command: str) -> Finished:
        self.log.append(f"$ {' '.join(command)}\n")
        done = self.switch.run(
            *command, folder=self.space.tree, lock=self.space.lock, each_line=_teller(doing, self.log)
        )
        if done.status:
            check_disk(done.output, self.space.cache)
        return done

    def _note(self, **changes: Any) -> None:
        self.notes = replace(self.notes, **changes)
        with explained(self.space.cache):
            self.notes.write(self.space.folder / NOTES)

    def _digest(self, *words: str, files: list[Path]) -> str:
        parts = ["\n".join((self.target.name, *words)).encode(), *(path.read_bytes() for path in files)]
        return hashlib.blake2b(b"\0".join(parts), digest_size=16).hexdigest()

    def _parse(self, output: str) -> Report:
        return parse(
            _OF_OTHERS.sub("", output), copy=self.space.tree, source=self.source.folder, sources=self.names
        )

    def _refuse(self, done: Finished, what: str) -> None:
        """Raise the error that fits a failed run of mirage or the compiler."""
        report = self._parse(done.output)
        if report.errors:
            raise compile_error(replace(report, rest=""))  # which is of other libraries
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
