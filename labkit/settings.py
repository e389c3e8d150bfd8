"""Settings: the one place where ``LABKIT_*`` variables, folders and limits are named."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import HostError, UsageError

__all__ = ["Settings", "settings"]


@dataclass(frozen=True)
class Settings:
    """Where things are and how much they may take.

    Attributes:
        root: the project's folder (``LABKIT_ROOT``), with ``libos/`` and ``images/``.
        cache: built images and the installed library OS (``LABKIT_CACHE``).
        run: sockets of running guests (``LABKIT_RUN``); a short path.
        memory_mib: a guest's memory unless told otherwise (``LABKIT_MEMORY``), in MiB.
        console_bytes: how much of a console is kept in memory (``LABKIT_CONSOLE_BYTES``).
        toolchain: the default toolchain (``LABKIT_TOOLCHAIN``).
        cache_mib: how large the cache may grow before the longest unused goes (``LABKIT_CACHE_MIB``), in MiB.
        uri: a libvirt URI to use instead of the lab's own (``LABKIT_LIBVIRT_URI``), or None.
        opam_repository: where the opam toolchain is installed from (``LABKIT_OPAM_REPOSITORY``), for rooms with a
            copy of their own, or None for opam's choice.
        lab: what a student makes: working copies, their history, progress (``LABKIT_LAB``).
    """

    root: Path
    cache: Path
    run: Path
    memory_mib: int = 32
    console_bytes: int = 1 << 20
    toolchain: str = "offline"
    cache_mib: int = 2048
    uri: str | None = None
    opam_repository: str | None = None
    lab: Path = Path("my-lab")

    def run_folder(self) -> Path:
        """The run folder, made if missing, private to this user.

        Raises:
            HostError: it belongs to somebody else, or is not a folder.
        """
        self.run.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self.run.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise HostError(
                f"The run folder {self.run} is not a folder of yours.",
                next_step="Set LABKIT_RUN to a short path of a folder that you own.",
            )
        if stat.S_IMODE(found.st_mode) & 0o077:
            self.run.chmod(0o700)
        return self.run


def _number(name: str, default: int, least: int) -> int:
    text = os.environ.get(name)
    if text is None:
        return default
    if not text.isdecimal() or int(text) < least:
        raise UsageError(
            f"{name}={text!r} is not a whole number of at least {least}.",
            next_step=f"Unset {name}, or give it a number such as {default}.",
        )
    return int(text)


def settings() -> Settings:
    """The settings in force, read from the environment now.

    Raises:
        UsageError: a ``LABKIT_*`` variable does not hold what it should.
    """
    env = os.environ
    home_cache = Path(env.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    runtime = env.get("XDG_RUNTIME_DIR")
    default_run = Path(runtime) / "labkit" if runtime else Path("/tmp") / f"labkit-{os.getuid()}"  # noqa: S108
    root = Path(env.get("LABKIT_ROOT") or Path(__file__).resolve().parents[1])
    return Settings(
        root=root,
        cache=Path(env.get("LABKIT_CACHE") or home_cache / "labkit"),
        run=Path(env.get("LABKIT_RUN") or default_run),
        lab=Path(env.get("LABKIT_LAB") or root / "my-lab"),
        memory_mib=_number("LABKIT_MEMORY", 32, 8),
        console_bytes=_number("LABKIT_CONSOLE_BYTES", 1 << 20, 4096),
        toolchain=env.get("LABKIT_TOOLCHAIN") or "offline",
        cache_mib=_number("LABKIT_CACHE_MIB", 2048, 16),
        uri=env.get("LABKIT_LIBVIRT_URI"),
        opam_repository=env.get("LABKIT_OPAM_REPOSITORY"),
    )
