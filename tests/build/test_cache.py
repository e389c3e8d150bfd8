"""The cache: whole entries or none, locks that die with their holder, and room made without harm."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from labkit.build.cache import Cache, explained
from labkit.errors import HostError

DAY = 86400.0


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", 1 << 20)


def fill(cache: Cache, key: str, size: int = 4096, age: float = 0.0) -> Path:
    with cache.staging() as staging:
        (staging / "entry").mkdir()
        (staging / "entry" / "data").write_bytes(os.urandom(size))
        path = cache.publish(staging / "entry", "images", key)
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def test_published_in_one_step(cache: Cache) -> None:
    assert cache.find("images", "k") is None
    path = fill(cache, "k")
    assert cache.find("images", "k") == path
    assert list((cache.folder / "tmp").iterdir()) == []


def test_the_first_to_publish_wins(cache: Cache) -> None:
    first = (fill(cache, "k") / "data").read_bytes()
    assert (fill(cache, "k") / "data").read_bytes() == first


def test_an_error_leaves_nothing(cache: Cache) -> None:
    def fail() -> None:
        with cache.staging() as staging:
            (staging / "half").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list((cache.folder / "tmp").iterdir()) == []


def test_one_waits_for_the_other(cache: Cache) -> None:
    order: list[str] = []

    def second() -> None:
        with cache.lock("l", waiting=lambda: order.append("waits")):
            order.append("has it")

    with cache.lock("l"):
        thread = threading.Thread(target=second)
        thread.start()
        deadline = time.monotonic() + 10
        while not order and time.monotonic() < deadline:
            time.sleep(0.01)
        order.append("lets go")
    thread.join()
    assert order == ["waits", "lets go", "has it"]


def _hold_forever(folder: Path, ready: Connection) -> None:
    with Cache(folder, 1).lock("l"), Cache(folder, 1).staging() as staging:
        ready.send(staging.name)
        time.sleep(600)


def test_death_frees_the_lock_and_the_staging_is_swept(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_hold_forever, args=(cache.folder, theirs))
    process.start()
    left = cache.folder / "tmp" / ours.recv()
    monkeypatch.setattr("labkit.build.cache._STALE_STAGING", -1.0)
    cache.tidy(now=True)
    assert left.is_dir(), "a living process works there"
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with cache.lock("l", waiting=lambda: pytest.fail("the dead hold no locks")):
        pass
    assert cache.tidy(now=True) >= 0
    assert not left.exists()


def test_the_longest_unused_go_first(cache: Cache) -> None:
    old, middle, new = (
        fill(cache, name, 600_000, age) for name, age in (("o", 3 * DAY), ("m", 2 * DAY), ("n", 0))
    )
    assert cache.tidy(now=True) >= 1_000_000
    assert [path.exists() for path in (old, middle, new)] == [False, False, True]


def test_within_the_limit_nothing_goes(cache: Cache) -> None:
    old = fill(cache, "o", 500_000, 9 * DAY)
    assert cache.tidy(now=True) == 0
    assert old.exists()


def test_what_is_in_use_stays(cache: Cache) -> None:
    held = fill(cache, "h", 900_000, 9 * DAY)
    loose = fill(cache, "l", 900_000, 8 * DAY)
    with cache.hold("images", "h"):
        cache.tidy(now=True)
        assert held.exists()
        assert not loose.exists()
    fill(cache, "x", 900_000)
    cache.tidy(now=True)
    assert not held.exists()


def test_using_makes_young(cache: Cache) -> None:
    fill(cache, "a", 900_000, 9 * DAY)
    fill(cache, "b", 900_000, 8 * DAY)
    assert cache.find("images", "a")
    cache.tidy(now=True)
    assert cache.find("images", "a")
    assert cache.find("images", "b") is None


def test_tidying_is_rare_unless_asked_for(cache: Cache) -> None:
    fill(cache, "n")
    cache.tidy()
    fill(cache, "o", 2_000_000, 9 * DAY)
    assert cache.tidy() == 0
    assert cache.tidy(now=True) > 0


def test_a_lock_survives_the_removal_of_its_file(cache: Cache) -> None:
    """Eviction removes lock files: two must never hold one name through two files."""
    inside = 0

    def work() -> None:
        nonlocal inside
        for _ in range(50):
            with cache.lock("l"):
                inside += 1
                assert inside == 1
                inside -= 1
                (cache.folder / "locks" / "l").unlink()  # as the last thing that the holder does

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside == 0


@pytest.mark.parametrize("number", [28, 30, 13, 122])
def test_what_the_disk_says_is_explained(number: int, tmp_path: Path) -> None:
    with pytest.raises(HostError, match="cannot be written") as raised, explained(tmp_path):
        raise OSError(number, os.strerror(number), "/some/file")
    assert "LABKIT_CACHE" in raised.value.next_step


def test_a_cache_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    with pytest.raises(HostError, match="cannot be written"), Cache(tmp_path / "cache", 1).lock("l"):
        pass
