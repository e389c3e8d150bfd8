"""What labkit stands beside: QEMU by itself, libvirt by itself, and kernels that do (next to) nothing."""

from __future__ import annotations

import socket
import subprocess
import tempfile
from pathlib import Path

import libvirt

from bench.machine import qemu
from bench.rounds import Stopwatch
from labkit.build.domainxml import domain_xml
from labkit.host.connection import Host

__all__ = ["assemble", "bare_qemu", "plain_libvirt"]

_KERNELS = Path(__file__).resolve().parents[1] / "tests" / "kernels"


def assemble(name: str, folder: Path) -> Path:
    """Build the test kernel ``name`` into ``folder``."""
    built = folder / name
    linker = f"-Wl,--build-id=none,--no-warn-rwx-segments,-T,{_KERNELS / 'kernel.ld'}"
    subprocess.run(
        ["gcc", "-m32", "-nostdlib", "-static", "-no-pie", linker, f"-Wa,-I{_KERNELS}", "-o", built,
         _KERNELS / f"{name}.S"],
        check=True,
    )  # fmt: skip
    return built


def bare_qemu(kernel: Path, watch: Stopwatch, *, serial: bool = False, until: bytes = b"") -> None:
    """Start QEMU by itself, and time it to the first byte of the console.

    Args:
        kernel: what to start.
        watch: takes the time.
        serial: the console is the first serial port, not a virtio console.
        until: time it until this text has come, instead.
    """
    command = qemu(kernel, serial=serial)
    watch.start()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        seen = b""
        while until not in seen or not seen:
            part = program.stdout.read1()
            assert part, f"{kernel.name} ended early: {seen!r}"
            seen += part
        watch.stop()
        program.kill()


def plain_libvirt(host: Host, kernel: Path, watch: Stopwatch) -> None:
    """Start the same domain by libvirt's own calls, and time it to the first byte of the console."""
    with tempfile.TemporaryDirectory(dir=host.folder) as name:
        folder = Path(name)
        folder.chmod(0o777)
        console, control = folder / "console", folder / "control"
        xml = domain_xml(
            {"name": "plain", "toolchain": {"name": "offline"}},
            kernel,
            name=folder.name,
            console_socket=console,
            control_socket=control,
        )
        watch.start()
        domain = host.connection.createXML(xml, libvirt.VIR_DOMAIN_START_PAUSED)
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.connect(str(console))
                domain.resume()
                assert line.recv(1)
                watch.stop()
        finally:
            domain.destroy()
