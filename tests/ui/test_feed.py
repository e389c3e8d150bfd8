"""labkit.ui.widgets.feed: a console's bytes to its views, at their pace."""

from __future__ import annotations

import queue
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from labkit.guest.console import Console
from labkit.ui.widgets.feed import PIECE, RESUME, WINDOW, Feed


@dataclass
class Views:
    """A console that the test feeds, and what its views are sent."""

    acknowledging: bool = True
    console: Console = field(default_factory=lambda: Console("pretend", 1 << 20, lambda _data: None))
    phase: str = "running"
    sent: queue.Queue[tuple[dict[str, Any], bytes]] = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        self.feed = Feed(self.console, self.take, lambda: {"kind": "status", "phase": self.phase})

    def take(self, message: dict[str, Any], buffers: list[bytes]) -> None:
        self.sent.put((message, b"".join(buffers)))
        if self.acknowledging and message["kind"] == "bytes":
            self.feed.ack(message["view"], message["at"] + len(buffers[0]))

    def pieces(self, view: str, until: int, seconds: float = 5.0) -> list[tuple[int, int, bytes]]:
        """(place, cut, bytes) of what a view gets, until it is at a place."""
        found = []
        deadline = time.monotonic() + seconds
        while not found or found[-1][0] + len(found[-1][2]) < until:
            message, data = self.sent.get(timeout=max(0.01, deadline - time.monotonic()))
            if message["kind"] == "bytes" and message["view"] == view:
                found.append((message["at"], message["cut"], data))
        return found

    def next(self, kind: str) -> dict[str, Any]:
        while True:
            message, _ = self.sent.get(timeout=5)
            if message["kind"] == kind:
                return message


def ended(feed: Feed) -> bool:
    deadline = time.monotonic() + 5
    while feed._thread is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    return feed._thread is None


@pytest.fixture
def views() -> Any:
    made = Views()
    yield made
    made.console.close()
    made.feed.close("a")
    assert ended(made.feed)


def test_backlog_then_live_in_order(views: Views) -> None:
    views.console.feed(b"before ")
    views.feed.open("a")
    assert views.next("status") == {"kind": "status", "phase": "running"}
    assert views.pieces("a", 7) == [(0, 0, b"before ")]
    views.console.feed(b"after")
    assert views.pieces("a", 12) == [(7, 0, b"after")]


def test_a_view_that_comes_back_goes_on_where_it_was_and_a_new_one_begins(views: Views) -> None:
    views.console.feed(b"0123456789")
    views.feed.open("a")
    views.pieces("a", 10)
    views.feed.open("a", 4)
    views.feed.open("b")
    assert views.pieces("a", 10) == [(4, 0, b"456789")]
    assert views.pieces("b", 10) == [(0, 0, b"0123456789")]


def test_many_small_pieces_go_in_few_messages(views: Views) -> None:
    views.feed.open("a")
    for number in range(2000):
        views.console.feed(b"%03d\n" % (number % 1000))
    assert len(views.pieces("a", 8000)) < 60


def test_a_view_that_does_not_show_what_it_gets_gets_no_more() -> None:
    views = Views(acknowledging=False)
    views.feed.open("a")
    views.console.feed(b"x" * 2 * WINDOW)
    views.console.close()
    assert ended(views.feed), "there is nothing more to do for it"
    got = [len(data) for message, data in views.sent.queue if message["kind"] == "bytes"]
    assert sum(got) == WINDOW
    views.feed.ack("a", WINDOW)
    assert sum(len(data) for _, _, data in views.pieces("a", WINDOW + 1)) > 0


def test_a_view_far_behind_skips_the_middle_and_is_told_how_much(views: Views) -> None:
    views.console.feed(b"x" * 3_000_000)  # the console keeps a megabyte of it
    views.console.feed(b"the end")
    views.feed.open("a")
    pieces = views.pieces("a", 3_000_007)
    assert sum(len(data) for _, _, data in pieces) == RESUME
    assert sum(cut for _, cut, _ in pieces) == 3_000_007 - RESUME
    assert b"".join(data for _, _, data in pieces).endswith(b"the end")
    assert max(len(data) for _, _, data in pieces) <= PIECE


def test_the_end_is_told_after_it_is_known() -> None:
    views = Views()
    views.feed._over = lambda: setattr(views, "phase", "done")
    views.feed.open("a")
    assert views.next("status")["phase"] == "running"
    views.console.feed(b"bye")
    views.console.close()
    assert views.next("status")["phase"] == "done"
    assert ended(views.feed), "its thread goes with the guest"
    while not views.sent.empty():
        views.sent.get()
    views.feed.open("b")  # the page is loaded again after the end
    assert views.pieces("b", 3) == [(0, 0, b"bye")]
    assert ended(views.feed)


def test_without_views_nothing_runs(views: Views) -> None:
    views.console.feed(b"unseen")
    views.feed.poke()
    assert views.feed._thread is None
    views.feed.open("a")
    views.pieces("a", 6)
    views.feed.close("a")
    assert ended(views.feed)


def test_views_that_never_said_goodbye_are_bounded(views: Views) -> None:
    for number in range(100):
        views.feed.open(f"v{number}")
    assert views.feed.views <= 16
    for number in range(100):
        views.feed.close(f"v{number}")
