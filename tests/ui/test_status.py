"""labkit.ui.status and labkit.ui.screen: how a guest is, in words; its console without widgets."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from labkit.guest.console import Console
from labkit.guest.guest import Exit, Reason
from labkit.ui.screen import PlainConsole
from labkit.ui.status import Phase, Status, status_of


@dataclass
class PretendGuest:
    """As much of a guest as its status needs."""

    exit: Exit | None = None
    stamps: dict[str, int] = field(default_factory=dict)
    console: Console = field(default_factory=lambda: Console("pretend", 1 << 20, lambda _data: None))
    image: Path = Path("pretend.virtio")


@pytest.mark.parametrize(
    ("ending", "phase", "words"),
    [
        (Exit(0, Reason.EXIT, "exited with status 0", seconds=1.23), Phase.DONE, "exited 0 after 1.2 s"),
        (Exit(3, Reason.EXIT, "exited with status 3", seconds=1.23), Phase.FAILED, "exited 3 after 1.2 s"),
        (Exit(255, Reason.PANIC, "panicked: page fault"), Phase.FAILED, "crashed: page fault"),
        (Exit(255, Reason.CRASH, "crashed"), Phase.FAILED, "crashed: the machine stopped without a word"),
        (Exit(None, Reason.STOPPED, "was stopped", seconds=9.96), Phase.STOPPED, "stopped after 10.0 s"),
        (
            Exit(None, Reason.POWER_CUT, "lost its power", seconds=2),
            Phase.STOPPED,
            "lost its power after 2.0 s",
        ),
        (Exit(None, Reason.TIME_LIMIT, "did not end in 5 s"), Phase.STOPPED, "did not end in 5 s"),
        (Exit(None, Reason.HOST_LOST, "its owner went away"), Phase.FAILED, "crashed: its owner went away"),
    ],
)
def test_endings(ending: Exit, phase: Phase, words: str) -> None:
    status = status_of(PretendGuest(ending))
    assert (status.phase, status.words, status.over) == (phase, words, True)


def test_the_way_to_running() -> None:
    guest = PretendGuest()
    assert status_of(guest) == Status(Phase.BOOTING, "booting: firmware")
    guest.stamps["kernel"] = 0
    assert status_of(guest).words == "booting: kernel"
    guest.stamps["runtime"] = 1000
    assert status_of(guest).words == "booting: runtime"
    guest.stamps["start"] = 2000
    assert status_of(guest) == Status(Phase.RUNNING, "running")


def test_a_kernel_without_stamps_runs_when_it_prints() -> None:
    guest = PretendGuest()
    guest.console.feed(b"x")
    assert status_of(guest).phase is Phase.RUNNING


def test_without_widgets_the_console_is_shown_as_text() -> None:
    guest = PretendGuest()
    shown = PlainConsole(guest)
    guest.console.feed(b"one\r\ntwo\r\n")
    assert repr(shown) == "[pretend: running]\none\ntwo"


def test_the_names_of_the_ui_need_no_jupyter() -> None:
    code = """
import sys
for name in ("IPython", "anywidget", "ipywidgets", "traitlets"):
    sys.modules[name] = None  # as if it were not installed
import labkit.ui
for name in labkit.ui.__all__:
    getattr(labkit.ui, name)
from labkit.guest.console import Console
class Guest:
    exit, stamps, console = None, {}, Console("x", 100, lambda data: None)
    import pathlib; image = pathlib.Path("pretend.virtio")
print(labkit.ui.terminal(Guest()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[pretend: booting: firmware]\n"
