"""labkit.ui.steps and labkit.ui.progress: a cell's own steps, and where they are shown."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from labkit.events import step, subscribed
from labkit.ui import progress
from labkit.ui.progress import CellProgress
from labkit.ui.steps import MOST_ROWS, Board


def test_nested_steps_with_durations_and_ends() -> None:
    board = Board()
    with subscribed(board.take), step("build", "hello") as outer:
        outer.progress("config.ml", 0.1)
        assert board.running
        assert board.rows[0].message()["fraction"] == 0.1
        with pytest.raises(ValueError, match="no"), step("compile", "hello"):
            raise ValueError("no")
    rows = board.rows
    assert [(row.depth, row.title, row.state, row.detail) for row in rows] == [
        (0, "building hello", "done", "config.ml"),
        (1, "compiling hello", "failed", "no"),
    ]
    assert not board.running
    assert rows[0].seconds >= rows[1].seconds > 0
    assert rows[0].message()["fraction"] is None


def test_steps_of_other_threads_are_not_this_cells() -> None:
    board = Board()

    def elsewhere() -> None:
        with step("boot", "another") as this:
            this.progress("half", 0.5)

    with subscribed(board.take), step("build", "mine"):
        other = threading.Thread(target=elsewhere)
        other.start()
        other.join()
    assert [row.title for row in board.rows] == ["building mine"]


def test_a_cell_of_very_many_steps_is_cut_and_says_so() -> None:
    board = Board()
    with subscribed(board.take):
        for number in range(MOST_ROWS + 7):
            with step("boot", str(number)):
                pass
    message = board.message()
    assert len(message["rows"]) == MOST_ROWS
    assert message["left_out"] == 7


class PretendShell:
    """As much of IPython's kernel shell as progress needs; keeps what is sent."""

    def __init__(self) -> None:
        self.callbacks: dict[str, Callable[..., None]] = {}
        self.sent: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
        self.came = threading.Event()
        self.parent = {"msg_id": "cell 1"}
        self.events = SimpleNamespace(register=self.callbacks.__setitem__)
        self.display_pub = SimpleNamespace(topic=b"display_data")
        self.kernel = SimpleNamespace(
            iopub_socket=None, get_parent=lambda: self.parent, session=SimpleNamespace(send=self.send)
        )

    def send(
        self, _socket: object, kind: str, content: dict[str, Any], *, parent: dict[str, Any], ident: bytes
    ) -> None:
        assert ident == b"display_data"
        self.sent.append((kind, content, parent))
        self.came.set()


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(progress, "PATIENCE", 0.05)
    made = PretendShell()
    shown = CellProgress(made)
    shown.start()
    yield made
    shown._subscription.__exit__(None, None, None)


def test_a_long_step_is_shown_in_the_cell_that_began_it(shell: PretendShell) -> None:
    pytest.importorskip("anywidget")
    shell.parent = {"msg_id": "cell 2"}
    shell.callbacks["pre_run_cell"](None)
    with step("build", "hello"):
        shell.parent = {"msg_id": "something else that the kernel does"}
        assert shell.came.wait(5)
    shell.callbacks["post_run_cell"](None)
    [(kind, content, parent)] = shell.sent
    assert (kind, parent) == ("display_data", {"msg_id": "cell 2"})
    assert list(content["data"]) == ["application/vnd.jupyter.widget-view+json"], (
        "nothing that nbval compares"
    )


def test_a_short_step_is_not_shown(shell: PretendShell) -> None:
    for _ in range(3):
        with step("build", "hello"):
            pass
    time.sleep(0.15)
    assert shell.sent == []
