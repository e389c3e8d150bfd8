"""labkit.ui: what a cell shows."""

from __future__ import annotations

import io
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from labkit.guest.console import Console
from labkit.guest.guest import Exit, Reason
from labkit.ui import changes, show, watch


@dataclass
class PretendGuest:
    """A real console, fed by the test; no guest behind it."""

    ending: Exit = field(default_factory=lambda: Exit(0, Reason.EXIT, "It ended by itself."))
    console: Console = field(default_factory=lambda: Console("pretend", 1 << 20, lambda _data: None))
    image: Path = Path("pretend.virtio")

    def wait(self) -> Exit:
        return self.ending


def test_lines_are_shown_while_the_guest_still_runs() -> None:
    guest, out = PretendGuest(), io.StringIO()
    watcher = threading.Thread(target=watch, args=(guest,), kwargs={"stream": out})
    watcher.start()
    guest.console.feed(b"first\r\n")
    deadline = time.monotonic() + 5
    while "first\n" not in out.getvalue():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    guest.console.feed(b"second\r\n")
    guest.console.close()
    watcher.join(5)
    assert out.getvalue().startswith("first\nsecond\n[pretend has ended: exit status 0, watched for ")


def test_what_came_before_is_shown_too_and_characters_stay_whole() -> None:
    guest, out = PretendGuest(), io.StringIO()
    piece = "é".encode()
    guest.console.feed(b"caf" + piece[:1])
    guest.console.feed(piece[1:])
    guest.console.close()
    assert watch(guest, stream=out).status == 0
    assert out.getvalue().startswith("café\n[")


def test_a_guest_that_prints_too_much_is_cut_and_the_cut_is_said() -> None:
    guest, out = PretendGuest(Exit(None, Reason.OUTPUT_LIMIT, "it printed too much")), io.StringIO()
    guest.console.feed(b"x" * 3_000_000)  # more than the console keeps, and more than is shown
    guest.console.close()
    assert watch(guest, stream=out, limit=1000).reason is Reason.OUTPUT_LIMIT
    text = out.getvalue()
    assert text.count("x") == 1000
    assert "[2,999,000 bytes more are not shown here]" in text
    assert "[pretend has ended: it printed too much" in text


def test_show_and_changes(tmp_path: Path) -> None:
    before, after = tmp_path / "a" / "unikernel.ml", tmp_path / "b" / "unikernel.ml"
    for file in (before, after):
        file.parent.mkdir()
    before.write_text('let one = 1\nlet greeting = "hello"\nlet three = 3\n')
    after.write_text('let one = 1\nlet greeting = "good day"\nlet three = 3\n')
    assert show(before)._repr_markdown_() == f"**`unikernel.ml`**\n\n```ocaml\n{before.read_text()}```"
    text = str(changes(before, after))
    assert '-let greeting = "hello"\n+let greeting = "good day"\n' in text
    assert str(tmp_path) not in text
    assert "(no difference)" in str(changes(before, before))
