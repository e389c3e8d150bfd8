"""The last stage of set-up: compile the library OS, warm libvirt's cache, and boot hello to prove it all.

Run by setup/install.sh with the Python of .venv/. Exits 0 when hello's guest has said hello and ended with 0.
"""

from __future__ import annotations

import sys
import threading
import time

import labkit
from labkit import host
from labkit.errors import Evidence, HostError, LabError
from labkit.events import Event, Kind, subscribed
from labkit.guest import boot
from labkit.settings import settings

WIDTH = 24
FRAMES = "|/-\\"


class Bar:
    """One line that says what is being done: how far where that is known, how long where it is not."""

    def __init__(self) -> None:
        self.live = sys.stdout.isatty()
        self._text = ""
        self._fraction: float | None = None
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._done = threading.Event()

    def __call__(self, event: Event) -> None:
        with self._lock:
            if event.kind is Kind.PROGRESS:
                self._text, self._fraction = event.detail, event.fraction
            elif event.kind is Kind.START and event.parent is None:
                self._text, self._fraction = "", None

    def stage(self, title: str) -> None:
        with self._lock:
            self._began, self._text, self._fraction = time.monotonic(), "", None
        print(f"{title} ...", flush=True)

    def finish(self, words: str = "") -> None:
        with self._lock:
            clear = "\r\033[K" if self.live else ""
            print(f"{clear}  done in {time.monotonic() - self._began:.0f} s{words}", flush=True)

    def draw(self) -> None:
        """Draw until `close`; in a thread of its own, so that a silent step is seen to live."""
        tick = 0
        while not self._done.wait(0.2):
            tick += 1
            with self._lock:
                seconds = time.monotonic() - self._began
                if self._fraction is None:
                    gauge = f"{FRAMES[tick % 4]} {seconds:4.0f} s"
                else:
                    full = int(WIDTH * min(1.0, self._fraction))
                    gauge = f"[{'#' * full}{'.' * (WIDTH - full)}] {100 * self._fraction:3.0f} %"
                sys.stdout.write(f"\r\033[K  {gauge} {self._text[:60]}")
                sys.stdout.flush()

    def close(self) -> None:
        self._done.set()
        if self.live:
            sys.stdout.write("\r\033[K")
            sys.stdout.flush()


def prove(bar: Bar) -> None:
    bar.stage("Library OS and hello")
    image = labkit.build(settings().root / "images" / "hello")
    bar.finish()

    bar.stage("libvirt and QEMU")
    host.warm()
    bar.finish()

    bar.stage("Proof: hello boots")
    with boot(image, timeout=120) as guest:
        ending = guest.wait()
    if ending.status != 0 or "Hello" not in guest.console.text():
        raise HostError(
            f"hello was booted to prove the set-up, but {ending.detail}.",
            next_step="`.venv/bin/labkit doctor` checks this machine.",
            evidence=[Evidence("its console", guest.console.text())],
        )
    bar.finish(": it said hello and ended with status 0")


def main() -> int:
    bar = Bar()
    thread = threading.Thread(target=bar.draw, daemon=True)
    if bar.live:
        thread.start()
    try:
        with subscribed(bar):
            prove(bar)
    except LabError as error:
        bar.close()
        print(f"\nset-up: {error}", file=sys.stderr)
        return 1
    finally:
        bar.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
