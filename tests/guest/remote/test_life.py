"""A guest's life on another machine: the same as here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labkit.guest import Reason, State
from labkit.guest.remote import RemoteGuest

pytestmark = pytest.mark.live

Start = Callable[..., RemoteGuest]


def test_a_guest_says_hello_and_ends_with_its_status(start: Start, server: Any) -> None:
    with start("hello", arguments=["one", "two words", 'a "quoted" one']) as guest:
        ending = guest.wait(20)
    assert (ending.status, ending.reason) == (7, Reason.EXIT)
    assert guest.console.lines() == [
        "hello from a test kernel",
        'arguments: one "two words" "a \\"quoted\\" one"',
        "last line",
    ]
    assert ending.stamps == {"kernel": 0, "runtime": 1_500_000, "start": 2_500_000}
    assert guest.state is State.ENDED
    assert not server.left
