"""Whether a hypervisor really runs guests: proven by booting one.

``/dev/kvm`` may open, and libvirt may announce KVM, where a 64-bit guest stops or crawls. So a guest of
a few instructions (``kernel.S``) goes through long mode, SSE, page tables and a timed loop; what it says on its
serial port in 1.5 s is the verdict. Verdicts on KVM are kept in the cache, by all that they depend on.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

from labkit import events
from labkit.errors import MissingTool
from labkit.host.identity import Identity
from labkit.host.qemu import Qemu
from labkit.settings import Settings

__all__ = ["LIMIT_SECONDS", "Verdict", "probe", "probe_kernel", "proven", "verdict_on", "words_for_qemu"]

LIMIT_SECONDS: Final = 1.5
KVM_DEVICE: Final = Path("/dev/kvm")
_EXPECTED: Final = "PLSMT"
_STAGES: Final = {
    "": "it did not begin to run",
    "P": "it did not reach 64-bit mode",
    "PL": "it did not come through floating-point instructions (SSE)",
    "PLS": "it did not come through its page tables",
    "PLSM": "it runs too slowly",
}
_HERE: Final = Path(__file__).parent


@dataclass(frozen=True)
class Verdict:
    """What the probe showed.

    Attributes:
        proven: whether the guest ran to its end in time.
        reason: how far it came, in words.
        seconds: how long that took.
    """

    proven: bool
    reason: str
    seconds: float


def proven(settings: Settings, qemu: Qemu, who: Identity) -> Verdict:
    """Whether KVM runs guests here; from the cache if nothing has changed since it was found out.

    Emits the step ``probe`` when it boots. A verdict on a device that does not open is never kept.
    """
    try:
        device = KVM_DEVICE.stat()
    except OSError:
        return Verdict(False, "this machine has no /dev/kvm", 0.0)
    if closed := _closed(device):
        return Verdict(False, closed, 0.0)
    depends_on = [
        qemu.build(),
        _processor(),
        os.uname().release,
        device.st_rdev,
        device.st_ino,
        device.st_ctime_ns,
        device.st_mode,
        who.manner.value,
        (_HERE / "kernel.S").read_text(),
    ]
    key = hashlib.sha256(repr(depends_on).encode()).hexdigest()[:16]
    kept = settings.cache / "probe" / f"kvm-{key}.json"
    try:
        return Verdict(**json.loads(kept.read_text()))
    except (OSError, ValueError, TypeError):
        pass
    verdict = probe(settings, qemu, "kvm", who)
    _keep(kept, json.dumps(asdict(verdict)).encode())
    return verdict


def probe(settings: Settings, qemu: Qemu, hypervisor: Literal["kvm", "tcg"], who: Identity) -> Verdict:
    """Boot the tiny guest under ``hypervisor``, and tell how far it came in 1.5 s.

    Emits the step ``probe``.
    """
    with events.step("probe", hypervisor) as step:
        try:
            kernel = probe_kernel(settings)
        except MissingTool as error:
            return Verdict(False, f"not tried: {error.what}", 0.0)
        started = time.monotonic()
        with tempfile.TemporaryFile() as complaints, kernel.open("rb") as opened:
            qemu_process = subprocess.Popen(
                [*who.prefix, *words_for_qemu(str(qemu.path), hypervisor, f"/dev/fd/{opened.fileno()}")],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                pass_fds=[opened.fileno()],
                cwd="/",
            )
            try:
                said, _ = qemu_process.communicate(timeout=LIMIT_SECONDS)
            except subprocess.TimeoutExpired:
                qemu_process.kill()
                said, _ = qemu_process.communicate()
            complaints.seek(0)
            words = complaints.read().decode(errors="replace").strip().partition("\n")[0]
        seconds = time.monotonic() - started
        verdict = verdict_on(said, words, seconds)
        step.progress(verdict.reason, 1.0)
        return verdict


def words_for_qemu(program: str, hypervisor: Literal["kvm", "tcg"], kernel: str) -> list[str]:
    """The command that boots the tiny guest, whose serial port is its standard output.

    Args:
        program: QEMU.
        hypervisor: what is to run the guest.
        kernel: the file of the tiny guest.
    """
    return [
        *(program, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-machine", "pc"),
        *("-accel", hypervisor, "-cpu", "host" if hypervisor == "kvm" else "max"),
        *("-bios", "qboot.rom", "-m", "16", "-serial", "stdio", "-kernel", kernel),
    ]


def verdict_on(said: bytes, words: str, seconds: float) -> Verdict:
    """What the tiny guest's output shows.

    Args:
        said: the output.
        words: QEMU's own, if any.
        seconds: how long it took.
    """
    letters = said.decode("ascii", "replace").strip()
    if letters == _EXPECTED:
        return Verdict(True, f"a 64-bit guest ran to its end in {seconds:.2f} s", seconds)
    detail = _STAGES.get(letters, "what it said makes no sense")
    return Verdict(False, f"a 64-bit guest was booted: {detail}" + f" ({words})" * bool(words), seconds)


def probe_kernel(settings: Settings) -> Path:
    """The tiny guest, assembled into the cache if it is not there.

    Raises:
        MissingTool: there is no C compiler.
    """
    sources = (_HERE / "kernel.S", _HERE / "kernel.ld")
    key = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    kernel = settings.cache / "probe" / f"kernel-{key}"
    if kernel.exists():
        return kernel
    kernel.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kernel.parent) as scratch:
        made = Path(scratch) / "kernel"
        flags = ("-m32", "-nostdlib", "-static", "-Wl,--build-id=none", f"-Wl,-T,{sources[1]}", "-Wl,-n")
        try:
            done = subprocess.run(
                ["gcc", *flags, str(sources[0]), "-o", str(made)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=60,
            )
        except OSError as error:
            raise MissingTool(f"the C compiler does not run: {error}", next_step="Install gcc.") from error
        if done.returncode:
            raise MissingTool(
                f"the C compiler failed: {done.stderr.strip()}", next_step="Install gcc, binutils."
            )
        made.replace(kernel)
    return kernel


def _closed(device: os.stat_result) -> str:
    """Why /dev/kvm does not open for us, and what to do; empty if it opens."""
    try:
        os.close(os.open(KVM_DEVICE, os.O_RDWR | os.O_CLOEXEC))
    except PermissionError:
        import grp

        try:
            group = grp.getgrgid(device.st_gid).gr_name
        except KeyError:
            group = str(device.st_gid)
        if device.st_gid == 0 or not device.st_mode & 0o060:
            return "/dev/kvm is closed to you: only root may open it"
        return f"/dev/kvm is closed to you: join the group {group} (sudo adduser $USER {group}), then log in again"
    except OSError as error:
        return f"/dev/kvm does not open: {error.strerror}"
    return ""


def _processor() -> str:
    """The processor's model, as the kernel names it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return os.uname().machine


def _keep(path: Path, content: bytes) -> None:
    """Write a file whole; without a place to write, do without it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, scratch = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(scratch).chmod(0o644)
        Path(scratch).replace(path)
    except OSError:
        return
