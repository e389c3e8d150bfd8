"""Load: measured by wrk against a real guest, and refused where there is nothing to load."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit import load
from labkit.build.builder import build
from labkit.errors import GuestError, MissingTool, UsageError
from labkit.guest import Guest, boot

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def web(root: Path) -> Iterator[Guest]:
    with boot(build(root / "images" / "web"), timeout=300) as guest:
        guest.network.wait_for_address(60)
        yield guest


def test_a_web_server_is_loaded_and_measured(web: Guest) -> None:
    found = load(web, connections=10, seconds=1)
    assert (found.name, found.port, found.connections) == ("web", 80, 10)
    assert found.requests > 10
    assert found.bytes > found.requests * 1290
    assert found.failures == 0
    assert found.per_second == pytest.approx(found.requests / found.seconds)
    percents = sorted(found.latency)
    assert percents[0] == 0
    assert percents[-1] == 100
    assert [found.latency[percent] for percent in percents] == sorted(found.latency.values())
    assert 0 < found.latency[50] < 1
    assert "requests/s over 10 connections; half in" in str(found)


def test_many_connections_get_through(web: Guest) -> None:
    found = load(web, connections=100, seconds=2)
    assert found.errors["connect"] == found.errors["timeout"] == 0


def test_answers_that_are_errors_are_counted(web: Guest) -> None:
    found = load(web, connections=2, seconds=1, path="/nowhere")
    assert found.errors["status"] == found.requests > 0


def test_a_slow_network_shows(web: Guest) -> None:
    with web.network.impair(delay=0.03):
        found = load(web, connections=1, seconds=1)
    assert found.latency[0] >= 0.06


def test_where_nobody_listens_it_is_said_at_once(web: Guest) -> None:
    with pytest.raises(GuestError, match="nothing listens on port 81") as caught:
        load(web, 81)
    assert "it does on 80" in str(caught.value)


def test_what_is_no_web_server(server: Guest) -> None:
    with pytest.raises(GuestError, match="does not speak HTTP"):
        load(server, 7)


@pytest.mark.parametrize(
    "wrong",
    [
        {"connections": 0},
        {"connections": 5000},
        {"seconds": 0},
        {"seconds": 100},
        {"path": "x"},
        {"path": "/a b"},
        {"path": "/a\r\nX: y"},
    ],
)
def test_arguments_that_make_no_load(web: Guest, wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        load(web, **wrong)  # type: ignore[arg-type]


def test_without_wrk(web: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "PATH", "/nowhere")
    with pytest.raises(MissingTool, match="wrk is not installed"):
        load(web)
