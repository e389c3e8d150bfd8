"""The programs of a toolchain: found on PATH, told apart by version, run without surprises."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from labkit.build.cache import Cache, Lock
from labkit.errors import BuildError, Evidence, HostError, MissingTool

__all__ = ["DEBIAN_PACKAGES", "Finished", "Tools", "debian_package_of_library", "find_tools", "run_tool"]

DEBIAN_PACKAGES = {
    "dune": "ocaml-dune",
    "gcc": "gcc",
    "musl-gcc": "musl-tools",
    "objcopy": "binutils",
    "ocamlfind": "ocaml-findlib",
    "ocamlopt": "ocaml-nox",
}
"""Programs that the offline toolchain runs, and the Debian packages that have them."""

_LIBRARY_PACKAGES = {
    "findlib": "libfindlib-ocaml-dev",
    "ocaml-compiler-libs": "libocaml-compiler-libs-ocaml-dev",
}
_MAKE_LAB = "Run `make lab` in the project's folder, which installs all that is needed"
_GRACE = 2.0  # seconds from SIGTERM to SIGKILL


@dataclass(frozen=True)
class Tools:
    """The toolchain's programs on this machine.

    Attributes:
        paths: absolute path of each program, by name.
        ocaml: the compiler's version.
        fingerprint: a hash that changes when a program or an installed OCaml library changes.
        libraries: folders where the system's OCaml libraries are.
    """

    paths: Mapping[str, str]
    ocaml: str
    fingerprint: str
    libraries: tuple[str, ...]

    def environment(self, *, ocamlpath: Sequence[Path] = (), temporary: Path | None = None) -> dict[str, str]:
        """The environment to run them in: what the user's shell set for OCaml or dune has no say.

        Args:
            ocamlpath: folders with OCaml libraries, before the system's.
            temporary: folder for temporary files.
        """
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "USER", "TMPDIR") if name in os.environ}
        kept |= {
            "LC_ALL": "C.UTF-8",
            "DUNE_CACHE": "disabled",
            "OCAMLFIND_IGNORE_DUPS_IN": ":".join(self.libraries),
        }
        if ocamlpath:
            kept["OCAMLPATH"] = ":".join(map(os.fspath, ocamlpath))
        if temporary is not None:
            kept["TMPDIR"] = os.fspath(temporary)
        return kept


def find_tools(cache: Cache) -> Tools:
    """Find the toolchain's programs and their versions; what was asked once is remembered in the cache.

    Raises:
        MissingTool: a program is not there; the error names the Debian package that has it.
    """
    paths = {}
    for name, package in DEBIAN_PACKAGES.items():
        found = shutil.which(name)
        if found is None:
            raise MissingTool(
                f"The program {name} is not on this machine's PATH.",
                next_step=f"{_MAKE_LAB}, or install the Debian package {package}.",
                evidence=[Evidence("PATH", os.environ.get("PATH", "(not set)"))],
            )
        paths[name] = found
    signature = _signature(paths.values())
    note = cache.folder / "tools.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(note.read_bytes())
        if known["signature"] == signature:
            return _tools(paths, signature, known["ocaml"], known["libraries"])
    asked = run_tool([paths["ocamlfind"], "ocamlopt", "-version"])
    listed = run_tool([paths["ocamlfind"], "printconf", "path"])
    if asked.status or listed.status:
        raise BuildError(
            "The OCaml compiler does not say its version.",
            next_step=f"{_MAKE_LAB}; if it is installed, `ocamlfind ocamlopt -version` shows what is wrong.",
            evidence=[Evidence("Output", asked.output + listed.output)],
        )
    libraries = [line for line in listed.output.splitlines() if line.startswith("/")]
    ocaml = asked.output.strip()
    with (
        suppress(OSError, HostError),
        cache.staging() as staging,
    ):  # without a cache to write to, ask again next time
        draft = staging / note.name
        draft.write_text(json.dumps({"signature": signature, "ocaml": ocaml, "libraries": libraries}))
        draft.rename(note)
    return _tools(paths, signature, ocaml, libraries)


def debian_package_of_library(library: str) -> str:
    """The Debian package that has an OCaml library (by findlib name), by Debian's naming rule."""
    base = library.partition(".")[0]
    return _LIBRARY_PACKAGES.get(base, f"lib{base.lower().replace('_', '-')}-ocaml-dev")


def _tools(paths: dict[str, str], signature: str, ocaml: str, libraries: list[str]) -> Tools:
    return Tools(paths, ocaml, _with_libraries(signature, libraries), tuple(libraries))


def _signature(paths: Iterable[str]) -> str:
    whole = hashlib.blake2b(digest_size=16)
    for path in sorted(paths):
        status = Path(path).stat()
        whole.update(f"{os.path.realpath(path)} {status.st_size} {status.st_mtime_ns}\n".encode())
    return whole.hexdigest()


def _with_libraries(signature: str, libraries: Sequence[str]) -> str:
    """The signature together with the state of the installed libraries: each package's folder and its age."""
    whole = hashlib.blake2b(signature.encode(), digest_size=16)
    for folder in libraries:
        try:
            entries = sorted(
                (entry.name, entry.stat().st_mtime_ns) for entry in os.scandir(folder) if entry.is_dir()
            )
        except OSError:
            continue
        whole.update(repr((folder, entries)).encode())
    return whole.hexdigest()


@dataclass(frozen=True)
class Finished:
    """A program that has ended: its exit status (negative: the signal that killed it), and its output."""

    status: int
    output: str


def run_tool(
    command: Sequence[str | Path],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: float | None = None,
    lock: Lock | None = None,
    each_line: Callable[[str], None] | None = None,
) -> Finished:
    """Run a program to its end, standard output and error together, nothing on its standard input.

    It is in a process group of its own: when we are interrupted, it and its children are stopped first.

    Args:
        command: the program and its arguments.
        folder: its working folder.
        environment: all of its environment; None is ours.
        timeout: seconds after which it is stopped; None for no limit.
        lock: kept by the program too, so that it stays locked even if we are killed before it ends.
        each_line: called with each line of output as it comes.

    Raises:
        TimeoutError: it took longer than ``timeout``.
        MissingTool: the program cannot be started.
    """
    try:
        process = subprocess.Popen(
            [os.fspath(word) for word in command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(lock.descriptor,) if lock else (),
            process_group=0,
        )
    except (FileNotFoundError, PermissionError) as error:
        raise MissingTool(
            f"{command[0]} cannot be started: {error.strerror}.", next_step=f"{_MAKE_LAB}."
        ) from error
    try:
        if each_line is None:
            output, _ = process.communicate(timeout=timeout)
            return Finished(process.returncode, _text(output))
        lines = []
        assert process.stdout is not None  # noqa: S101  PIPE was asked for
        for raw in process.stdout:
            lines.append(_text(raw))
            each_line(lines[-1].rstrip("\n"))
        return Finished(process.wait(), "".join(lines))
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"{command[0]} took longer than {timeout:g} s") from error
    finally:
        _end(process)


def _text(output: bytes) -> str:
    return output.decode("utf-8", "replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
