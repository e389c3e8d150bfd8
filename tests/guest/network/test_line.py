"""Lines: what they lose, delay and reorder, decided by a seed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from labkit.errors import UsageError
from labkit.guest.network.line import HELD_SECONDS, OVERTAKING, QUEUE_BYTES, Conditions, Line
from labkit.guest.network.passage import in_pump
from labkit.guest.pump import Pump


class Wired:
    """A line on a pump of its own, and what came out of it."""

    def __init__(self) -> None:
        self.pump = Pump("test")
        self.arrived: list[tuple[bytes, float]] = []
        self.lost: list[bytes] = []
        self._came = threading.Condition()
        self.line = Line(self.pump, self._deliver, self.lost.append)
        self.pump.start()

    def _deliver(self, frame: bytes) -> None:
        with self._came:
            self.arrived.append((frame, time.monotonic()))
            self._came.notify_all()

    def run(self, conditions: Conditions, frames: list[bytes]) -> float:
        """Send frames together, wait for all that are not lost; gives when they were sent."""

        def send() -> float:
            self.line.set(conditions)
            sent = time.monotonic()
            for frame in frames:
                self.line.send(frame)
            return sent

        sent = in_pump(self.pump, send)
        with self._came:
            assert self._came.wait_for(lambda: len(self.arrived) + len(self.lost) == len(frames), 20)
        return sent

    @property
    def order(self) -> list[bytes]:
        return [frame for frame, _ in self.arrived]


@pytest.fixture
def wired() -> Iterator[Callable[[], Wired]]:
    made: list[Wired] = []

    def make() -> Wired:
        made.append(Wired())
        return made[-1]

    yield make
    for one in made:
        one.pump.stop()
        assert one.pump.join(5)


def numbered(count: int, size: int = 4) -> list[bytes]:
    return [number.to_bytes(4, "big").ljust(size, b".") for number in range(count)]


def test_a_perfect_line_changes_nothing(wired: Callable[[], Wired]) -> None:
    one = wired()
    one.run(Conditions(), numbered(100))
    assert one.order == numbered(100)
    assert not one.lost
    assert one.line.counts.frames == 100


def test_the_seed_decides_what_is_lost_and_nothing_else_does(wired: Callable[[], Wired]) -> None:
    plain, other, late, busy, mixed = wired(), wired(), wired(), wired(), wired()
    plain.run(Conditions(loss=0.3, seed=5), numbered(500))
    other.run(Conditions(loss=0.3, seed=6), numbered(500))
    late.run(Conditions(loss=0.3, seed=5, delay=0.01, rate=1e9), numbered(500))
    assert plain.lost == late.lost
    assert plain.lost != other.lost
    assert 100 < len(plain.lost) < 200
    assert plain.order == [frame for frame in numbered(500) if frame not in plain.lost]
    mixed.run(Conditions(loss=0.3, seed=5, reorder=0.3), numbered(500))
    assert sorted(mixed.lost) == plain.lost
    busy.run(Conditions(loss=0.3, seed=5), numbered(500, size=1500))
    assert [frame[:4] for frame in busy.lost] == plain.lost, "their numbers count, not their content"


def test_all_or_nothing_is_lost(wired: Callable[[], Wired]) -> None:
    one = wired()
    one.run(Conditions(loss=1.0), numbered(50))
    assert (len(one.lost), one.arrived) == (50, [])
    assert one.line.counts.lost == 50


def test_a_delay_keeps_the_order(wired: Callable[[], Wired]) -> None:
    one = wired()
    sent = one.run(Conditions(delay=0.05), numbered(200))
    assert one.order == numbered(200)
    assert all(came - sent >= 0.05 for _, came in one.arrived)


def test_reordered_frames_are_overtaken_by_a_few(wired: Callable[[], Wired]) -> None:
    one, same = wired(), wired()
    one.run(Conditions(reorder=0.2, seed=1), numbered(300))
    same.run(Conditions(reorder=0.2, seed=1), numbered(300))
    assert sorted(one.order) == numbered(300)
    places = [int.from_bytes(frame, "big") for frame in one.order]
    assert places != sorted(places)
    for at, number in enumerate(places):
        overtaking = sum(other > number for other in places[:at])
        assert overtaking <= 3 * OVERTAKING or number > 280, "only the last ones may wait for want of others"
    assert places[:250] == [int.from_bytes(frame, "big") for frame in same.order][:250]
    assert 30 < one.line.counts.reordered < 90


def test_a_frame_that_nobody_overtakes_arrives_all_the_same(wired: Callable[[], Wired]) -> None:
    one = wired()
    sent = one.run(Conditions(reorder=1.0), numbered(1))
    assert one.arrived[0][1] - sent >= HELD_SECONDS


def test_a_rate_is_not_exceeded(wired: Callable[[], Wired]) -> None:
    one = wired()
    sent = one.run(Conditions(rate=800_000), numbered(40, size=1000))
    assert one.order == numbered(40, size=1000)
    for number, (_, came) in enumerate(one.arrived):
        assert came - sent >= (number + 1) * 0.01 - 0.001, "1,000 bytes take 10 ms"


def test_too_much_for_a_rate_is_lost_at_the_end(wired: Callable[[], Wired]) -> None:
    one = wired()
    one.run(Conditions(rate=20e6), numbered(200, size=1000))
    assert one.order == sorted(one.order)
    assert one.order[: QUEUE_BYTES // 1000] == numbered(QUEUE_BYTES // 1000, size=1000)
    assert len(one.lost) > 50
    assert one.line.counts.lost == len(one.lost)


def test_frames_are_lost_by_choice(wired: Callable[[], Wired]) -> None:
    one = wired()
    chosen = {numbered(10)[3], numbered(10)[7]}
    one.run(Conditions(lose=lambda frame: frame in chosen), numbered(10))
    assert set(one.lost) == chosen


def test_a_choice_that_raises_is_told_and_stops_nothing(wired: Callable[[], Wired]) -> None:
    one = wired()
    one.run(Conditions(lose=lambda frame: bool(1 // (frame[3] - 2))), numbered(10))
    assert len(one.lost) == 2, "frames 1 and 3 have not been asked about alike"
    assert isinstance(one.line.trouble, ZeroDivisionError)


def test_what_is_under_way_can_be_delivered_at_once(wired: Callable[[], Wired]) -> None:
    one = wired()

    def send() -> None:
        one.line.set(Conditions(delay=60, reorder=0.3))
        for frame in numbered(20):
            one.line.send(frame)
        one.line.flush()

    in_pump(one.pump, send)
    assert sorted(one.order) == numbered(20)


@pytest.mark.parametrize(
    "wrong",
    [
        {"loss": -0.1},
        {"loss": 1.5},
        {"loss": float("nan")},
        {"reorder": 2},
        {"delay": -1},
        {"delay": float("inf")},
        {"rate": 0},
        {"rate": -5},
        {"rate": float("nan")},
    ],
)
def test_conditions_that_make_no_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError) as caught:
        Conditions(**wrong).checked()
    assert caught.value.next_step
