"""Running dune, and telling a full disk from a fault in the sources."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from labkit.build.cache import disk_error
from labkit.build.tools import Finished, Tools, run_tool
from labkit.build.workspace import Workspace

__all__ = ["check_disk", "check_space", "run_dune"]

_DISK_REFUSES = re.compile(
    r"No space left on device|Disk quota exceeded|File too large|Read-only file system", re.IGNORECASE
)


def run_dune(
    tools: Tools,
    space: Workspace,
    arguments: list[str],
    environment: Mapping[str, str],
    each_line: Callable[[str], None] | None = None,
) -> Finished:
    """Run dune in a work folder, to its end.

    Args:
        tools: where dune is.
        space: the work folder; its tree is dune's root, and dune keeps its lock.
        arguments: the command and its arguments, without ``--root``.
        environment: all of its environment.
        each_line: called with each line of output as it comes.

    Raises:
        HostError: the disk is full or cannot be written.
        MissingTool: dune cannot be started.
    """
    command, *rest = arguments
    done = run_tool(
        [tools.paths["dune"], command, "--root", ".", *rest],
        folder=space.tree,
        environment=environment,
        lock=space.lock,
        each_line=each_line,
    )
    if done.status:
        check_disk(done.output, space.cache)
    return done


def check_disk(output: str, folder: Path) -> None:
    """Raise the fitting error if a program's output says that the disk refused.

    Raises:
        HostError: it did.
    """
    found = _DISK_REFUSES.search(output)
    if found:
        raise disk_error(folder, found[0].lower(), output)


def check_space(output: str, folder: Path, cache: Path, least: int = 1 << 20) -> None:
    """Raise the fitting error if there is hardly any space: a linker may fail for that, and not say so.

    Args:
        output: what the program said that failed.
        folder: where it wrote.
        cache: the cache that the folder is part of.
        least: how many bytes are enough to look for another reason.

    Raises:
        HostError: there is hardly any.
    """
    with suppress(OSError):
        if shutil.disk_usage(folder).free < least:
            raise disk_error(cache, "no space left on device", output)
