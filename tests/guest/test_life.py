"""A guest's life: start, ends of every kind, limits."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from labkit import events
from labkit.build.image import Image
from labkit.errors import GuestError, GuestTimeout, ImageError, UsageError
from labkit.guest import Reason, State, boot
from labkit.host.connection import Host

pytestmark = pytest.mark.live

Kernel = Callable[[str], Image]


def test_a_guest_says_hello_and_ends_with_its_status(kernel: Kernel) -> None:
    with boot(kernel("hello"), arguments=["one", "two words", 'a "quoted" one']) as guest:
        ending = guest.wait(10)
    assert (ending.status, ending.reason) == (7, Reason.EXIT)
    assert guest.console.lines() == [
        "hello from a test kernel",
        'arguments: one "two words" "a \\"quoted\\" one"',
        "last line",
    ]
    assert ending.last_words.endswith("last line")
    assert ending.stamps == {"kernel": 0, "runtime": 1_500_000, "start": 2_500_000}
    assert guest.state is State.ENDED
    assert not guest.folder.exists()


def test_a_panic_ends_with_255_and_its_reason(kernel: Kernel) -> None:
    with boot(kernel("panic")) as guest:
        ending = guest.wait(10)
    assert (ending.status, ending.reason) == (255, Reason.PANIC)
    assert "a test of panics" in ending.detail
    assert guest.console.text() == "panic: a test of panics\n"


@pytest.mark.parametrize("name", ["triple", "nothing"])
def test_an_end_without_a_record_is_a_crash(kernel: Kernel, name: str) -> None:
    with boot(kernel(name)) as guest:
        ending = guest.wait(10)
    assert (ending.status, ending.reason) == (255, Reason.CRASH)


def test_records_that_are_none_are_dropped(kernel: Kernel) -> None:
    with boot(kernel("garble")) as guest:
        ending = guest.wait(10)
    assert (ending.status, ending.stamps) == (3, {"ok": 5})


def test_stop_ends_a_guest_that_never_would(kernel: Kernel) -> None:
    guest = boot(kernel("spin"))
    guest.console.expect("spinning\n")
    began = time.monotonic()
    ending = guest.stop()
    assert time.monotonic() - began < 2
    assert (ending.status, ending.reason) == (None, Reason.STOPPED)
    assert guest.stop() is ending
    guest.close()
    with pytest.raises(GuestError, match="has ended"):
        guest.console.send("too late")


def test_wait_gives_up_and_the_guest_goes_on(kernel: Kernel) -> None:
    with boot(kernel("echo")) as guest:
        guest.console.expect("ready")
        with pytest.raises(GuestTimeout) as caught:
            guest.wait(0.2)
        assert "ready" in str(caught.value)
        assert isinstance(caught.value, TimeoutError)
        guest.console.send("q")
        assert guest.wait(10).status == 0


def test_the_time_limit_stops_it(kernel: Kernel) -> None:
    with boot(kernel("forever"), timeout=0.5) as guest:
        ending = guest.wait(10)
    assert (ending.status, ending.reason) == (None, Reason.TIME_LIMIT)
    assert 0.5 <= ending.seconds < 3
    assert ending.last_words == "here for ever"


def test_the_output_limit_stops_it(kernel: Kernel) -> None:
    with boot(kernel("flood"), output_limit=100_000) as guest:
        ending = guest.wait(20)
    assert ending.reason is Reason.OUTPUT_LIMIT
    assert "100,000" in ending.detail


def test_the_end_of_the_block_ends_the_guest(
    kernel: Kernel, processes_with: Callable[[str], list[int]]
) -> None:
    with boot(kernel("forever")) as guest:
        assert processes_with(guest.name)
    assert not processes_with(guest.name)
    assert guest.exit is not None
    assert guest.exit.reason is Reason.STOPPED


def test_a_host_can_be_shared(kernel: Kernel, host: Host) -> None:
    with boot(kernel("forever"), host=host) as first, boot(kernel("forever"), host=host) as second:
        assert first.name != second.name
        first.console.expect("ever")
        second.console.expect("ever")
    assert host.alive


def test_steps_and_events_are_told(kernel: Kernel) -> None:
    seen: list[events.Event] = []
    with events.subscribed(seen.append), boot(kernel("hello")) as guest:
        guest.wait(10)
    boots = [event.kind for event in seen if event.name == "boot"]
    assert boots[0] is events.Kind.START
    assert boots[-1] is events.Kind.STOP
    kinds = [event.kind for event in guest.events]
    assert kinds[0] == "running"
    assert [kind for kind in kinds if kind in ("stamp", "exit")] == ["stamp", "stamp", "stamp", "exit"]
    assert "ended" in kinds


def test_names_that_libvirt_cannot_take_are_made_fit(kernel: Kernel) -> None:
    odd = SimpleNamespace(path=kernel("hello").path, name="<naïve>/&\x01 image" * 9)
    with boot(odd) as guest:
        assert guest.wait(10).status == 7
    assert guest.name.startswith("naive-image-naive")


def test_odd_paths_can_be_booted(kernel: Kernel, tmp_path: Path) -> None:
    odd = tmp_path / "a, b & <c>' \"ü=1.virtio"
    odd.write_bytes(kernel("hello").path.read_bytes())
    with boot(Image.load(odd)) as guest:
        assert guest.wait(10).status == 7


def test_a_subscriber_can_ask_for_the_end_but_not_wait_for_it(kernel: Kernel) -> None:
    refused: list[Exception] = []
    with boot(kernel("flood")) as guest:

        def end(_data: bytes) -> None:
            try:
                guest.stop()
            except UsageError as error:
                refused.append(error)
                guest.request_stop()

        guest.console.subscribe(end, backlog=False)
        assert guest.wait(10).reason is Reason.STOPPED
    assert refused


def test_a_reader_of_the_backlog_can_stop_it(kernel: Kernel) -> None:
    with boot(kernel("forever")) as guest:
        guest.console.expect("ever")
        guest.console.subscribe(lambda data: data and guest.stop())
        assert guest.exit is not None
        assert guest.exit.reason is Reason.STOPPED


class TestBadInput:
    """Refused before anything changes."""

    def test_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match="no image file"):
            boot(SimpleNamespace(path=tmp_path / "nowhere", name="nowhere"))

    @pytest.mark.parametrize("content", [b"", b"hello", b"\x7fELF", b"\x7fELF\x02\x01\x01" + bytes(100)])
    def test_no_elf(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "bad").write_bytes(content)
        with pytest.raises(ImageError):
            boot(SimpleNamespace(path=tmp_path / "bad", name="bad"))

    def test_cut_elf(self, tmp_path: Path, kernel: Kernel) -> None:
        whole = kernel("hello").path.read_bytes()
        for length in range(0, len(whole), 97):
            (tmp_path / "cut").write_bytes(whole[:length])
            with pytest.raises(ImageError):
                boot(SimpleNamespace(path=tmp_path / "cut", name="cut"))

    def test_a_program_that_is_no_kernel(self) -> None:
        with pytest.raises(ImageError, match="PVH"):
            boot(SimpleNamespace(path=Path("/bin/sh").resolve(), name="sh"))

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match="folder"):
            boot(SimpleNamespace(path=tmp_path, name="folder"))

    @pytest.mark.parametrize("memory", [-1, 0, 1, 1 << 40])
    def test_memory(self, kernel: Kernel, memory: int) -> None:
        with pytest.raises(UsageError, match="memory"):
            boot(kernel("hello"), memory=memory)

    @pytest.mark.parametrize("word", ["a\nb", "\x00", "\x1b[0m", "\ud800", "x" * 5000])
    def test_arguments(self, kernel: Kernel, word: str) -> None:
        with pytest.raises(UsageError):
            boot(kernel("hello"), arguments=[word])

    @pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf")])
    def test_time_limit(self, kernel: Kernel, limit: float) -> None:
        with pytest.raises(UsageError, match="time limit"):
            boot(kernel("hello"), timeout=limit)

    def test_output_limit(self, kernel: Kernel) -> None:
        with pytest.raises(UsageError, match="output limit"):
            boot(kernel("hello"), output_limit=0)

    def test_nothing_is_left(self, kernel: Kernel, host: Host) -> None:
        with pytest.raises(UsageError):
            boot(kernel("hello"), arguments=["\x00"], host=host)
        assert not list(host.folder.iterdir())
        assert not host.connection.listAllDomains()
