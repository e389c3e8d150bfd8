"""Exercises of 05-targets."""

from __future__ import annotations

import urllib.request
from typing import Final

from labkit.build.image import Image
from labkit.course.exercise import Exercise, Lesson
from labkit.course.trial import Trial
from labkit.guest.network.forward import Forward

__all__ = ["LESSON"]

PATIENCE_SECONDS: Final = 10.0
PROCESS: Final = "a process"
ALONE: Final = "alone"


def where(trial: Trial) -> None:
    """One source that finds out where it runs."""
    for target, said in (("unix", PROCESS), ("virtio", ALONE)):
        ran = trial.run(trial.image("hello", "where", target=target))
        trial.expect(
            ran.logged == [said],
            f"that it logs `{said}`, and nothing else, when it is built for {target}",
            "\n".join(ran.logged) or ran.output,
            "`Sys.file_exists` is a question to an operating system. Who answers it in each case?",
        )


def port(trial: Trial) -> None:
    """A forward to the port that the program listens on."""
    look = "The program was told `--port=8000`. Which of its ports should the forward lead to?"
    trial.expect_given(
        lambda given: isinstance(given, Forward), "a forward, as `network.forward` gives it", look
    )
    door = trial.given[0]
    if isinstance(door, Forward):  # which was expected just now
        seen = f"one to its port {door.guest_port}"
        trial.expect(door.guest_port == 8000, "a forward to port 8000 of the program", seen, look)
        try:
            with urllib.request.urlopen(door.url, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310  a forward
                seen = f"status {answer.status}"
        except OSError as error:
            seen = str(error)
        trial.expect(seen == "status 200", "that the page there is answered with status 200", seen, look)


def domain(trial: Trial) -> None:
    """An image for Xen, and what xl is to be told."""
    look = "The second argument of `labkit.build` is the target."
    trial.expect_given(lambda given: isinstance(given, Image), "an image, as `labkit.build` gives it", look)
    image = trial.given[0]
    if isinstance(image, Image):  # which was expected just now
        trial.expect(
            (image.name, image.manifest.target) == ("block", "xen"),
            "the image of `block` for the target xen",
            repr(image),
            look,
        )
        trial.expect(
            "vdev=xvda" in image.xl_configuration,
            "a file for `xl` in which its disk is Xen's `xvda`",
            image.xl_configuration or "no such file",
            "Build it again.",
        )


LESSON = Lesson(
    "05-targets",
    (
        Exercise(
            "where",
            "One source, built twice: it says `a process` where it is one, and `alone` where it is a machine.",
            where,
            (
                "What can a program on Linux see that a unikernel cannot? It has files around it.",
                '`Sys.file_exists "/"` is true for a program on Linux. A unikernel has no file system at all.',
                'let place = if Sys.file_exists "/" then "a process" else "alone"',
            ),
        ),
        Exercise(
            "port",
            "Lead a port of this machine to the port on which the program listens.",
            port,
            (
                "A forward has two ends: one port of this machine, which may be any, and one of the program's.",
                "`--port=8000` has the program listen on its port 8000, not on 80.",
                "door = server.network.forward(8000)",
            ),
        ),
        Exercise(
            "domain",
            "Build `block` for Xen.",
            domain,
            ('`labkit.build("block", "virtio")` is for QEMU.', '`labkit.build("block", "xen")`'),
        ),
    ),
)
