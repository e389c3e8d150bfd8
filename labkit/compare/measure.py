"""The verb compare: two images, measured alike in one run."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Final

from labkit.build.builder import build
from labkit.build.image import Image
from labkit.build.linux.image import LinuxImage
from labkit.compare import serving
from labkit.compare.figures import Comparison, Figure, Subject
from labkit.compare.inside import linux_inside, unikernel_inside
from labkit.compare.serving import HTTP_PORT, await_answer, memory_of, served
from labkit.errors import UsageError
from labkit.events import Step, step
from labkit.guest import Guest
from labkit.guest.boot import hypervisor
from labkit.guest.network.load import load
from labkit.guest.network.scan import ALL_PORTS
from labkit.host.identity import identity
from labkit.settings import settings
from labkit.verbs import boot

__all__ = ["compare"]

_CONNECTIONS: Final = 10


def compare(
    one: Image | str | os.PathLike[str],
    other: Image | str | os.PathLike[str],
    *,
    least_memory: bool = True,
    boots: int = 3,
    seconds: int = 3,
    ports: Sequence[int] = ALL_PORTS,
) -> Comparison:
    """Measure two images that serve a page on port 80, one after the other. Emits the step ``compare``.

    Args:
        one, other: images, or what :func:`labkit.build.builder.build` takes: unikernels, Linux, or one of each.
        least_memory: look for the least memory that serves, which takes most of the time: each look is a boot.
        boots: how often each is booted for the time to its first answer; the least counts.
        seconds: how long each is under load, 1 and more; the best second counts.
        ports: the TCP ports that are asked whether they are open; all unless given.

    Raises:
        UsageError: one has no network.
        GuestError: one serves no page.
        LabError: one cannot be built or booted.
    """
    began = time.monotonic()
    images = [image if isinstance(image, Image) else build(image) for image in (one, other)]
    for image in images:
        _check(image)
    with step("compare", " and ".join(image.name for image in images)) as doing:
        subjects = [
            _measured(image, doing, memory=least_memory, boots=boots, seconds=seconds, ports=ports)
            for image in images
        ]
    on = hypervisor(settings(), identity())
    return Comparison(subjects[0], subjects[1], on, time.monotonic() - began)


def _check(image: Image) -> None:
    if image.manifest.target not in ("virtio", "linux", "qcow2"):
        raise UsageError(
            f"{image.name} was built for the target {image.manifest.target}: what is compared are guests of QEMU.",
            next_step="Build it for virtio.",
        )
    if all(device.kind != "network" for device in image.manifest.devices):
        raise UsageError(
            f"{image.name} has no network device, so it serves no page.",
            next_step="Compare images that do, such as images/web and images/lean-linux.",
        )


def _measured(
    image: Image, doing: Step, *, memory: bool, boots: int, seconds: int, ports: Sequence[int]
) -> Subject:
    figures = _of_the_image(image)
    doing.progress(f"{image.name}: booting")
    with boot(image, forward={0: HTTP_PORT}) as guest:
        answers = [await_answer(guest)]
        doing.progress(f"{image.name}: looking from within and from outside")
        inside = linux_inside(guest) if isinstance(image, LinuxImage) else unikernel_inside(image)
        outside = _from_outside(guest, ports)
        doing.progress(f"{image.name}: under load")
        speed = _loaded(guest, seconds)
    for _ in range(boots - 1):
        doing.progress(f"{image.name}: booting again")
        answers.append(served(image))
    figures["first_answer"] = Figure(
        "power-on to the first answer",
        round(min(answers), 3),
        "s",
        how=f"a running guest with {memory_of(image)} MiB, the least of {boots} boots",
    )
    figures["least_memory"] = (
        Figure(
            "least memory that serves",
            serving.least_memory(image, min(answers), doing),
            "MiB",
            how="guests booted with less and less, to a sixteenth of it",
        )
        if memory
        else Figure("least memory that serves", None, "MiB", note="not looked for")
    )
    return Subject(
        image.name,
        "Linux" if isinstance(image, LinuxImage) else "unikernel",
        {**figures, **speed, **outside, **inside},
    )


def _of_the_image(image: Image) -> dict[str, Figure]:
    parts = dict(image.libraries)
    files = image.parts if isinstance(image, LinuxImage) else (image.path,)
    return {
        "image_bytes": Figure(
            "image", image.bytes, "bytes", how="size of " + " and ".join(path.name for path in files)
        ),
        "contents": Figure(
            "what is in it",
            parts or None,
            how="the files that were packed, unpacked; the kernel as it is"
            if isinstance(image, LinuxImage)
            else "the linker's map: bytes in memory, by library",
            note="" if parts else "an image of another origin, which nobody has told",
        ),
    }


def _from_outside(guest: Guest, ports: Sequence[int]) -> dict[str, Figure]:
    found = list(guest.network.open_ports(ports))
    devices = guest.devices()
    driven = [device.name for device in devices if device.virtio and device.driven]
    return {
        "open_ports": Figure(
            "open TCP ports",
            found,
            how=f"{len(ports):,} ports of the running guest were asked, one by one, from outside",
        ),
        "devices": Figure(
            "devices driven",
            driven,
            how="asked of the running QEMU",
            note=f"made for guests (virtio), out of {len(devices)} on its bus; through them, the serial ports and "
            "interrupts it talks to the hypervisor, and makes no hypercalls",
        ),
    }


def _loaded(guest: Guest, seconds: int) -> dict[str, Figure]:
    # The best of several: what else this machine does can only make it slower.
    loads = [load(guest, HTTP_PORT, connections=_CONNECTIONS, seconds=1) for _ in range(seconds)]
    found = max(loads, key=lambda one: one.per_second)
    return {
        "requests": Figure(
            "requests answered",
            round(found.per_second, 1),
            "a second",
            how=f"wrk, {_CONNECTIONS} connections, GET / of the running guest, the best of {seconds} seconds",
            note=f"{found.failures:,} failed" if found.failures else "",
        ),
        "half_answered": Figure(
            "half of the answers within",
            round(found.latency[50] * 1e3, 3),
            "ms",
            how="the same",
        ),
    }
