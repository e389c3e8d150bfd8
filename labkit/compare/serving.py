"""How soon a guest serves its page, and in how little memory."""

from __future__ import annotations

import time
from typing import Final

from labkit.build.image import Image
from labkit.build.linux.image import LinuxImage
from labkit.errors import Evidence, GuestError, LabError, UsageError
from labkit.events import Step
from labkit.guest import Guest
from labkit.guest.network.http import Failure, get
from labkit.settings import settings
from labkit.verbs import boot

__all__ = ["HTTP_PORT", "await_answer", "least_memory", "memory_of", "served"]

HTTP_PORT: Final = 80
ANSWER_SECONDS: Final = 60.0
_PATIENCE_SECONDS: Final = 0.25  # for one request; what came before the guest was ready is never answered
_PAUSE_SECONDS: Final = 0.005
_PRECISION: Final = 16
_SLOWER: Final = 3  # how much longer a guest with little memory may take


def memory_of(image: Image) -> int:
    """The memory that a guest of an image gets unless told otherwise, in MiB."""
    return image.profile.memory_mib if isinstance(image, LinuxImage) else settings().memory_mib


def await_answer(guest: Guest, limit: float = ANSWER_SECONDS) -> float:
    """Wait for the first answer of a guest's web server; when that came, in seconds after power-on.

    Raises:
        GuestError: there was none in ``limit`` seconds, or the guest has ended.
    """
    network = guest.network
    guest.wait_for_address(network.name, limit)
    address = next(known for known in network.forwards if known.leads_to(HTTP_PORT)).address
    last = ""
    while guest.exit is None and guest.age < limit:
        if network.address is not None:
            try:
                if get(address, seconds=_PATIENCE_SECONDS).status == 200:
                    return guest.age
            except Failure as failure:
                last = str(failure)
        time.sleep(_PAUSE_SECONDS)  # a server that begins to listen tells nobody
    why = guest.exit.detail if guest.exit else f"has not answered in {limit:g} s{': ' * bool(last)}{last}"
    raise GuestError(
        f"{guest.name} serves no page on port {HTTP_PORT}: it {why}.",
        next_step="Compare images that serve `/` there, as images/web and images/lean-linux do.",
        evidence=[Evidence("its last words", guest.console.last_words())],
    )


def served(image: Image, memory: int | None = None, limit: float = ANSWER_SECONDS) -> float:
    """Boot an image, and say when its first answer came, in seconds after power-on.

    Raises:
        LabError: there was none.
    """
    with boot(image, memory=memory, forward={0: HTTP_PORT}) as guest:
        return await_answer(guest, limit)


def least_memory(image: Image, usual: float, step: Step) -> int:
    """The least memory in which an image serves its page, in MiB, to a sixteenth; each look is a boot.

    Args:
        image: the image; in its usual memory it serves.
        usual: when its first answer came then, in seconds.
        step: told how far it is.
    """
    too_little, enough = 1, memory_of(image)
    limit = _SLOWER * usual + 2.0
    while enough - too_little > max(1, enough // _PRECISION):
        middle = (too_little + enough) // 2
        step.progress(f"{image.name}: does it serve in {middle} MiB?")
        try:
            served(image, middle, limit)
        except UsageError as error:
            if "too small" not in error.what:
                raise
            too_little = middle
        except LabError:
            too_little = middle
        else:
            enough = middle
    return enough
