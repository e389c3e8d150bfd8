"""Where this machine's own apt gets Debian packages: the lab host is made from the same."""

from __future__ import annotations

import os
import platform
import subprocess
from typing import Final

from labkit.errors import Evidence, HostError

__all__ = ["apt_options", "apt_sources", "suite"]

_FORMAT: Final = "$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)\t$(SIGNED_BY)"
_KEYRING: Final = "/usr/share/keyrings/debian-archive-keyring.gpg"
_PASSED_ON: Final = ("Acquire::http::", "Acquire::https::", "Acquire::Retries", "Acquire::ForceIPv")


def suite() -> str:
    """The name of this machine's Debian, such as ``bookworm``.

    Raises:
        HostError: this is another system.
    """
    found = platform.freedesktop_os_release()
    if found.get("ID") != "debian" or "VERSION_CODENAME" not in found:
        raise HostError(
            f"The lab host is made from this machine's Debian packages, and this is {found.get('PRETTY_NAME')}.",
            next_step="Run the lab on Debian; a container will do.",
        )
    return found["VERSION_CODENAME"]


def apt_sources() -> list[str]:
    """The lines of ``sources.list`` (sources.list(5)) for Debian's main archive and its updates.

    Those that apt has fetched the lists of; all that are configured if it has none.

    Raises:
        HostError: apt knows no source of this Debian.
    """
    named = suite()
    wanted = {named, f"{named}-updates", f"{named}-security"}
    for options in ((), ("--no-release-info",)):
        lines = []
        told = _apt("apt-get", "indextargets", *options, "--format", _FORMAT, "Created-By: Packages")
        for uri, release, component, keyring in (line.split("\t") for line in told.splitlines()):
            if release in wanted and component == "main":
                signed = keyring if keyring.startswith("/") else _KEYRING
                lines.append(f"deb [signed-by={signed}] {uri} {release} main")
        if any(f" {named} main" in line for line in lines):
            return sorted(set(lines))
    raise HostError(
        f"apt on this machine knows no source of Debian's packages for {named}.",
        next_step="Look at /etc/apt/sources.list and /etc/apt/sources.list.d, and run `apt-get update` as root.",
    )


def apt_options() -> list[str]:
    """The settings of this machine's apt that say how to reach its sources, such as a proxy (apt.conf(5))."""
    told = _apt("apt-config", "dump").splitlines()
    return [line for line in told if line.startswith(_PASSED_ON) and not line.endswith(' "";')]


def _apt(*command: str) -> str:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=os.environ | {"LC_ALL": "C"},
        )
    except OSError as error:
        raise HostError("apt does not run.", evidence=[Evidence(" ".join(command), str(error))]) from error
    if done.returncode:
        raise HostError("apt does not answer.", evidence=[Evidence(" ".join(command), done.stderr)])
    return done.stdout
