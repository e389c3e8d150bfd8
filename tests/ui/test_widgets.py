"""labkit.ui.widgets: what goes over the comm, what may be saved, and what is shipped."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("anywidget")

from labkit.errors import GuestError
from labkit.guest.guest import Exit, Guest, Reason, State
from labkit.ui import show, terminal, timeline
from labkit.ui.widgets import BUNDLE, live
from labkit.ui.widgets.kept import Kept
from labkit.ui.widgets.terminal import Terminal


class PretendGuest(Guest):
    """A guest without a machine: the test feeds its console and ends it."""

    def __init__(self) -> None:
        super().__init__("pretend-0123", Path("pretend.virtio"), 1 << 20)
        self._state = State.RUNNING
        self.typed: list[bytes] = []
        self.stops = 0

    def _send(self, data: bytes) -> None:
        if data == b"too much\n":
            raise GuestError("It does not read.", next_step="Wait.")
        self.typed.append(data)

    def stop(self) -> Exit:
        self.end()
        return self.wait()

    def request_stop(self) -> None:
        self.stops += 1

    def close(self) -> None:
        self.end()

    def end(self) -> None:
        self._finish(Exit(0, Reason.EXIT, "exited with status 0", seconds=1.0))


@dataclass
class Page:
    """The other end of a widget's comm."""

    widget: Any
    came: list[tuple[dict[str, Any], bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.widget.send = lambda message, buffers=None: self.came.append((message, b"".join(buffers or [])))

    def say(self, **message: Any) -> None:
        self.widget._heard(self.widget, {"view": "v", **message}, [])

    def wait(self, found: Callable[[dict[str, Any], bytes], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            for message, data in list(self.came):
                if found(message, data):
                    return message
            time.sleep(0.01)
        raise AssertionError(self.came)


@pytest.fixture
def guest() -> Any:
    made = PretendGuest()
    yield made
    made.end()


def test_a_terminal_shows_types_and_tells_the_end(guest: PretendGuest) -> None:
    page = Page(terminal(guest))
    guest.console.feed(b"ready\n")
    page.say(kind="open", place=0)
    page.wait(lambda _, data: data == b"ready\n")
    page.say(kind="input", text="hello\n", echoed=True)
    page.wait(lambda message, _: message["kind"] == "taken")
    assert guest.typed == [b"hello\n"]
    guest.end()
    told = page.wait(lambda message, _: message.get("phase") == "done")
    assert told["words"] == "exited 0 after 1.0 s"


def test_a_page_that_is_loaded_again_gets_what_was_typed_back(guest: PretendGuest) -> None:
    page = Page(terminal(guest))
    guest.console.feed(b"ready\n")
    page.say(kind="input", text="hello\n", echoed=True)
    page.say(kind="input", text="k", echoed=False)
    page.say(kind="open", place=0)
    told = page.wait(lambda message, _: message["kind"] == "typed")
    assert told["lines"] == [(6, "hello\n")]


def test_what_is_typed_and_kept_is_bounded(guest: PretendGuest) -> None:
    page = Page(terminal(guest))
    for number in range(2 * live.TYPED_LINES):
        page.say(kind="input", text=f"{number}\n", echoed=True)
    page.say(kind="input", text="x" * (live.TYPED_CHARACTERS + 1), echoed=True)
    page.say(kind="open", place=0)
    told = page.wait(lambda message, _: message["kind"] == "typed")
    assert len(told["lines"]) == live.TYPED_LINES


def test_a_guest_that_does_not_read_is_said_on_the_terminal(
    guest: PretendGuest, capsys: pytest.CaptureFixture[str]
) -> None:
    page = Page(terminal(guest))
    page.say(kind="input", text="too much\n")
    assert page.wait(lambda message, _: message["kind"] == "refused")["words"] == "It does not read."
    assert capsys.readouterr() == ("", ""), "whatever is printed would land in some cell"


@pytest.mark.parametrize(
    "message",
    [{}, {"kind": "open"}, {"kind": "ack", "place": "x"}, {"kind": None}, {"kind": "open", "place": []}],
)
def test_nonsense_from_a_page_is_dropped_without_a_word(
    guest: PretendGuest, message: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    Page(terminal(guest)).say(**message)
    assert capsys.readouterr() == ("", "")


def test_stop_is_asked_for_and_not_waited_for(guest: PretendGuest) -> None:
    Page(show(guest)).say(kind="stop")
    assert guest.stops == 1


def test_a_card_tells_facts_how_long_and_its_log(guest: PretendGuest) -> None:
    page = Page(show(guest))
    guest.console.feed(b"one\ntwo\n")
    guest.end()
    page.say(kind="open", place=None)
    told = page.wait(lambda message, _: message["kind"] == "status")
    assert told["seconds"] == 1.0
    assert ["name", "pretend-0123"] in [list(fact) for fact in told["facts"]]
    page.say(kind="log")
    text = page.wait(lambda message, _: message["kind"] == "log")["text"]
    assert "ended     exited with status 0" in text
    assert text.endswith("    one\n    two")
    assert not any(data for _, data in page.came), "a card needs no console"


def test_a_guest_has_one_terminal(guest: PretendGuest) -> None:
    assert terminal(guest) is terminal(guest)
    assert show(guest) is show(guest)


def test_nothing_of_a_guest_is_in_the_traits_and_the_text_is_the_same_every_time(guest: PretendGuest) -> None:
    guest.console.feed(b"secret")
    for widget in (terminal(guest), show(guest)):
        state = {k: v for k, v in widget.get_state().items() if k not in ("_esm", "_css")}
        assert "secret" not in json.dumps(state, default=str)
        assert guest.name not in json.dumps(state, default=str)
        assert guest.name not in repr(widget)
        data = widget._repr_mimebundle_()
        data = data[0] if isinstance(data, tuple) else data
        assert set(data) == {"text/plain", "application/vnd.jupyter.widget-view+json"}
        assert data["text/plain"] == repr(widget)


def test_of_very_many_the_oldest_that_have_ended_are_let_go() -> None:
    kept: Kept[Terminal] = Kept(most=3)
    guests = [PretendGuest() for _ in range(6)]
    made = []
    for number, one in enumerate(guests):
        made.append(kept.of(one, lambda one=one: Terminal(one)))  # type: ignore[misc]
        if number != 1:
            one.end()
    assert kept.of(guests[1], lambda: Terminal(guests[1])) is made[1], "it runs still"
    assert kept.of(guests[0], lambda: Terminal(guests[0])) is not made[0]
    guests[1].end()


def test_the_bundle_is_small_says_what_it_holds_and_asks_no_other_host() -> None:
    lab = BUNDLE.parent / "labextension"
    for folder in (BUNDLE, lab / "static"):
        assert sum(file.stat().st_size for file in folder.iterdir()) <= 512 * 1024
    lock = json.loads((BUNDLE.parent / "front" / "package-lock.json").read_text())
    for folder, names in {
        BUNDLE: ("@xterm/xterm", "@xterm/addon-fit"),
        lab / "static": ("@codemirror/legacy-modes",),
    }.items():
        said = (folder / "VERSIONS.txt").read_text()
        for name in names:
            version = lock["packages"][f"node_modules/{name}"]["version"]
            assert f"{name} {version} (MIT)" in said
        assert "Permission is hereby granted" in said
        assert f"esbuild {lock['packages']['node_modules/esbuild']['version']}" in said
    entry = json.loads((lab / "package.json").read_text())["jupyterlab"]["_build"]["load"]
    assert sorted(file.name for file in (lab / "static").iterdir()) == ["VERSIONS.txt", Path(entry).name]
    assert not any("resolved" in package for package in lock["packages"].values()), "no registry is named"
    for file in BUNDLE.glob("*.css"):
        assert "url(" not in file.read_text().replace("url(data:", "")


def test_the_timeline_of_a_guest_that_boots_just_now_waits_for_its_start(guest: PretendGuest) -> None:
    def stamp() -> None:
        for name, nanoseconds in (("kernel", 0), ("runtime", 5_000_000), ("start", 7_000_000)):
            guest._stamps[name] = nanoseconds
            guest._note("stamp", f"{name} {nanoseconds}")

    booting = threading.Timer(0.1, stamp)
    booting.start()
    assert "start is called after 7.0 ms" in str(timeline(guest))
    booting.join()
