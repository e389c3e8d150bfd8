"""The doctor: what this machine can do, proven by doing it."""

from __future__ import annotations

import importlib.util
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from labkit.build.builder import build, open_cache, prepare
from labkit.build.image import Image
from labkit.build.tools import find_tools
from labkit.errors import GuestError, LabError
from labkit.events import step
from labkit.settings import settings

__all__ = ["Check", "Diagnosis", "doctor"]

_BOOT_LIMIT = 60.0  # seconds: a slow machine may take long, but not for ever
_GREETING = "Hello"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what, in a few words.
        ok: whether it works. Where it is no more than good to have, it is ok either way.
        reason: how we know, or what is wrong.
        cure: what to do, where something is wrong or could be better.
        seconds: how long the look took.
    """

    name: str
    ok: bool
    reason: str
    cure: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Diagnosis:
    """All that was looked at.

    Attributes:
        virtualisation: ``kvm`` where guests run on the processor itself, ``emulation`` where QEMU translates their
            instructions, ``none`` where no guest runs.
        checks: one by one, in order.
    """

    virtualisation: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether unikernels can be built and booted here."""
        return all(check.ok for check in self.checks)

    def describe(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "ok": self.ok,
            "virtualisation": self.virtualisation,
            "checks": [{**vars(check), "seconds": round(check.seconds, 3)} for check in self.checks],
        }

    def __str__(self) -> str:
        lines = []
        for check in self.checks:
            lines.append(f"{'ok ' if check.ok else 'NO '} {check.name}: {check.reason}")
            if check.cure:
                lines.append(f"      {check.cure}")
        return "\n".join(lines)


def doctor(*, seen: Callable[[Check], None] | None = None) -> Diagnosis:
    """Look at this machine, and really build and boot images/hello on it.

    Args:
        seen: called with each check as soon as it is done.

    Raises nothing of its own: what is wrong is told in the checks.
    """
    checks: list[Check] = []
    virtualisation = "none"
    with step("check", "this machine") as doing:
        for name, look in _looks():
            doing.progress(name)
            check, kind = _timed(name, look)
            virtualisation = kind or virtualisation
            checks.append(check)
            if seen is not None:
                seen(check)
    return Diagnosis(virtualisation, tuple(checks))


@dataclass(frozen=True)
class _Seen:
    ok: bool
    reason: str
    cure: str = ""
    virtualisation: str = ""


def _looks() -> Iterator[tuple[str, Callable[[], _Seen]]]:
    image: list[Image] = []

    def built() -> _Seen:
        image.append(build(settings().root / "images" / "hello"))
        return _Seen(True, f"images/hello, {image[0].bytes >> 10} KiB, in {image[0].seconds:.2f} s")

    def booted() -> _Seen:
        if not image:
            return _Seen(False, "there is no image to boot", "Mend what is wrong above.")
        return _boot(image[0])

    def ran() -> _Seen:
        if not image:
            return _Seen(False, "what builds for virtio does not build for it", "Mend what is wrong above.")
        return _boot(build(settings().root / "images" / "hello", "unix"))

    yield "system", _system
    yield "programs", _programs
    yield "cache", _cache
    yield "library OS", _library_os
    yield "libvirt", _libvirt
    yield "virtualisation", _virtualisation
    yield "memory and processors", _resources
    yield "forwarded ports", _forwards
    yield "building", built
    yield "target virtio", booted
    yield "target unix", ran
    yield "target xen", _xen
    yield "Xen host", lambda: _lab_host("xen")
    yield "KVM host", lambda: _lab_host("kvm")
    yield "JupyterLab", _jupyter


def _timed(name: str, look: Callable[[], _Seen]) -> tuple[Check, str]:
    began = time.monotonic()
    try:
        seen = look()
    except LabError as error:
        evidence = "".join(f" [{item.title}: {item.text.strip()}]" for item in error.evidence[:1])
        seen = _Seen(False, error.what + evidence, error.next_step)
    except Exception as error:  # noqa: BLE001  a fault of the doctor's own must not hide what else it finds
        seen = _Seen(False, f"the check itself failed: {error!r}", "Please report this.")
    return Check(name, seen.ok, seen.reason, seen.cure, time.monotonic() - began), seen.virtualisation


def _system() -> _Seen:
    machine = platform.machine()
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        name = platform.system()
    said = f"{name}, {machine}, Python {platform.python_version()}"
    if sys.platform != "linux" or machine != "x86_64":
        return _Seen(False, said, "Unikernels are built and run here on Linux on x86-64 only.")
    return _Seen(True, said)


def _programs() -> _Seen:
    tools = find_tools(open_cache(settings()))
    return _Seen(True, f"{', '.join(sorted(tools.paths))}; OCaml {tools.ocaml}")


def _cache() -> _Seen:
    cache = open_cache(settings())
    with cache.staging() as staging:
        (staging / "probe").write_bytes(b"\0" * 4096)
    return _Seen(True, f"{cache.folder} can be written, up to {cache.limit >> 20} MiB")


def _library_os() -> _Seen:
    prepare()
    return _Seen(True, "built and installed in the cache")


def _libvirt() -> _Seen:
    from labkit.host import open_host, warm

    warm()
    with open_host() as host:
        version = host.connection.getLibVersion()
    return _Seen(True, f"version {version // 1000000}.{version // 1000 % 1000}.{version % 1000} answers")


def _virtualisation() -> _Seen:
    from labkit.host import capabilities

    found = capabilities()
    if found.kvm:
        return _Seen(True, f"KVM: {found.kvm.reason}", virtualisation="kvm")
    if found.tcg:
        return _Seen(
            True,
            f"emulation by {found.tcg.reason}, which is slower but does the same; no KVM: {found.kvm.reason}",
            virtualisation="emulation",
        )
    return _Seen(False, f"no guest can run: {found.tcg.reason}", "Run `make lab` in the project's folder.")


def _resources() -> _Seen:
    from labkit.host import capabilities

    found = capabilities()
    enough = found.memory_mib >= settings().memory_mib * 2
    return _Seen(
        enough,
        f"{found.memory_mib} MiB free ({found.memory_reason}), {found.cores} processors ({found.cores_reason})",
        "" if enough else "Close other programs.",
    )


def _forwards() -> _Seen:
    from labkit.host import open_host
    from labkit.host.backlog import BACKLOG, may_widen

    with open_host() as host:
        process = host.daemon.process() if host.daemon else None
    if process is not None and may_widen(process):
        return _Seen(True, f"up to {BACKLOG} connections may wait for a guest at once")
    return _Seen(
        True,
        "one connection at a time may wait for a guest; more that come together wait a second and longer",
        "To mend it let processes of one user reach each other's sockets: sysctl kernel.yama.ptrace_scope=0; in a "
        "container, its seccomp profile must allow pidfd_getfd.",
    )


def _boot(image: Image, host: str | None = None) -> _Seen:
    from labkit.verbs import boot

    began = time.monotonic()
    with boot(image, host=host, timeout=_BOOT_LIMIT) as guest:
        guest.console.expect(_GREETING, timeout=_BOOT_LIMIT)
        first = time.monotonic() - began
        ending = guest.wait(_BOOT_LIMIT)
    if ending.status != 0:
        raise GuestError(
            f"hello booted, but {ending.detail}.", next_step="See its last words: `labkit run hello`."
        )
    return _Seen(True, f"hello greeted after {first:.2f} s and ended with status 0")


def _xen() -> _Seen:
    from labkit.host import labhost

    image = build(settings().root / "images" / "hello", "xen")
    built = f"hello is built for it, with {image.name}.xl"
    if labhost.status("xen").login:
        return _boot(image, "xen")
    return _Seen(
        True,
        f"{built}; not booted, since no Xen host is up",
        "The lab has one of its own: labkit host up xen",
    )


def _lab_host(kind: str) -> _Seen:
    """Good to have only; to build it here would take minutes."""
    from labkit.host import labhost

    try:
        found = labhost.status(kind)
    except LabError as error:  # as on a system that is no Debian
        return _Seen(True, error.what, error.next_step)
    start = f"`labkit host up {kind}`"
    if found.booted:
        state = "runs" if found.login else f"does not run; {start} resumes it"
        return _Seen(True, f"{found.proof} when it was booted; it {state}")
    if found.stale:
        return _Seen(True, "made by another QEMU or another labkit", f"{start} makes it anew.")
    return _Seen(
        True, "built, but never booted" if found.built else "not built", f"{start} makes it, in minutes."
    )


def _jupyter() -> _Seen:
    if importlib.util.find_spec("jupyterlab"):
        return _Seen(True, "installed")
    return _Seen(
        True, "not installed: unikernels run, notebooks do not", "Run `make lab` in the project's folder."
    )
