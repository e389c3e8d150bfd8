"""The Python side of the verbs, with real guests."""

from __future__ import annotations

from pathlib import Path

import pytest

import labkit
from labkit.errors import GuestTimeout

pytestmark = pytest.mark.live


def test_run_tells_what_came_of_it(hello: Path) -> None:
    outcome = labkit.run(hello, "--count", "1")
    assert outcome.status == 0
    assert "Hello, world!" in outcome.output
    assert list(outcome.exit.stamps) == ["kernel", "runtime", "start"]


def test_boot_builds_where_it_must(hello: Path) -> None:
    with labkit.boot(str(hello), arguments=["--count", "1"]) as guest:
        assert guest.wait(30).status == 0
    image = labkit.build(hello)
    with labkit.boot(image, arguments=["--count", "1"], memory=64) as guest:
        assert guest.console.expect("Hello").text == "Hello"


def test_run_has_a_time_limit(hello: Path) -> None:
    with pytest.raises(GuestTimeout, match=r"did not end in 0\.5 s") as raised:
        labkit.run(hello, "--count", "1000", timeout=0.5)
    assert raised.value.evidence


def test_for_unix_it_is_a_process(hello: Path) -> None:
    outcome = labkit.run(labkit.build(hello, "unix"), "--count", "1")
    assert outcome.status == 0
    assert "Hello, world!" in outcome.output
