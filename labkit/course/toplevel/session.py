"""One OCaml toplevel: cells in, what they print and give out."""

from __future__ import annotations

import codecs
import os
import secrets
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from shutil import which
from typing import Final

from labkit.build.diagnostics import Diagnostic, parse
from labkit.errors import HostError, MissingTool

__all__ = ["Answer", "Piece", "PieceKind", "State", "Toplevel"]

CELL_SECONDS: Final = 10.0
"""The longest a cell may run unless told otherwise."""

OUTPUT_BYTES: Final = 200_000
"""The most a cell may print: a notebook with more becomes slow."""

START_SECONDS: Final = 20.0
OBEY_SECONDS: Final = 3.0  # how long a cell may take to end once it is interrupted
MEMORY_BYTES: Final = 1 << 30  # of addresses: a list without end must not take the machine with it

_HERE = Path(__file__).parent


class State(Enum):
    """How a cell ended."""

    OK = "ok"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    TIME_LIMIT = "time limit"
    OUTPUT_LIMIT = "output limit"
    ENDED = "ended"


class PieceKind(Enum):
    """What a piece of an answer is."""

    PRINTED = "printed"
    VALUE = "value"
    WARNING = "warning"
    ERROR = "error"
    RAISED = "raised"


@dataclass(frozen=True)
class Piece:
    """A piece of an answer, as it came.

    Attributes:
        kind: what it is.
        text: its words, as the toplevel prints them.
        diagnostics: where in the cell, for errors and warnings.
    """

    kind: PieceKind
    text: str
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What came of a cell.

    Attributes:
        state: how it ended.
        pieces: all that came, in order.
        alive: whether the toplevel goes on, with what the cells before have defined.
        seconds: how long it took.
    """

    state: State
    pieces: tuple[Piece, ...]
    alive: bool
    seconds: float

    def text(self, kind: PieceKind) -> str:
        """All pieces of a kind, as one text."""
        return "".join(piece.text for piece in self.pieces if piece.kind is kind)


class Toplevel:
    """A toplevel that lives until it is closed, the cell calls ``exit``, or this process ends.

    It runs in a session of its own, so that an interrupt of the kernel reaches it only through us. It dies with
    the thread that started it (PR_SET_PDEATHSIG, prctl(2)): in a notebook the main thread, the kernel's own.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._requests = self._cell = -1
        self._stream = _Stream(b"")

    @property
    def pid(self) -> int | None:
        """The number of its process; None while there is none."""
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        """Whether it runs; it is started by the first cell."""
        return self._process is not None and self._process.poll() is None

    def run(
        self,
        text: str,
        *,
        first_line: int = 1,
        limit: float = CELL_SECONDS,
        show: Callable[[Piece], None] | None = None,
    ) -> Answer:
        """Evaluate a cell.

        Args:
            text: OCaml phrases; ``;;`` is needed only before an expression that follows something.
            first_line: the number of its first line, for the places of errors.
            limit: the longest it may run, in seconds.
            show: called with each piece as it comes.

        Raises:
            MissingTool: there is no OCaml toplevel on this machine.
            HostError: it does not start.
        """
        if not self.alive:
            self._start()
        content = "\n" * (first_line - 1) + text
        os.ftruncate(self._cell, 0)
        os.pwrite(self._cell, content.encode(), 0)
        return self._converse(f"/dev/fd/{self._cell}\n".encode(), limit, show or (lambda _piece: None))

    def close(self) -> None:
        """End it; the next cell starts a new one."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            if self._process.stdout:
                self._process.stdout.close()
            for number in (self._requests, self._cell):
                os.close(number)
            self._process = None

    def _start(self) -> None:
        self.close()
        for tool, package in (("ocaml", "ocaml-nox"), ("setpriv", "util-linux"), ("prlimit", "util-linux")):
            if which(tool) is None:
                raise MissingTool(
                    f"The program {tool} is not installed.",
                    next_step=f"Run `make lab` in the project's folder, or install the package {package}.",
                )
        requests, self._requests = os.pipe()
        self._cell = os.memfd_create("cell")
        mark = secrets.token_hex(12)
        self._stream = _Stream(mark.encode() + b" ")
        command = [
            *("setpriv", "--pdeathsig", "KILL", "prlimit", f"--as={MEMORY_BYTES}"),
            *("ocaml", "-noinit", "-I", "+compiler-libs", str(_HERE / "driver.ml")),
            *(f"/dev/fd/{requests}", mark, str(_HERE / "ready.ml")),
        ]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(requests, self._cell),
                start_new_session=True,
                env=os.environ | {"OCAML_COLOR": "never", "TERM": "dumb"},
            )
        finally:
            os.close(requests)
        assert self._process.stdout  # noqa: S101  it is a pipe
        os.set_blocking(self._process.stdout.fileno(), False)
        ready = self._converse(b"", START_SECONDS, lambda _piece: None)
        if ready.state is not State.OK:
            said = "".join(piece.text for piece in ready.pieces).strip() or ready.state.value
            self.close()
            raise HostError(
                f"OCaml's toplevel does not start: {said}.", next_step="Run `ocaml` in a terminal."
            )

    def _converse(self, request: bytes, limit: float, show: Callable[[Piece], None]) -> Answer:
        assert self._process  # noqa: S101  _start has set it
        talk = _Talk(self._cell, show)
        if request:
            with suppress(BrokenPipeError):  # it has just died: there will be no answer
                os.write(self._requests, request)
        deadline = talk.began + limit
        with _interrupts() as interrupts:
            while talk.result is None:
                left = deadline - time.monotonic()
                if left > 0:
                    self._take(talk, interrupts, left)
                if talk.interrupts > 1:  # asked for twice: at once
                    break
                if talk.interrupts and talk.wanted is not State.INTERRUPTED:
                    talk.wanted, deadline = State.INTERRUPTED, self._interrupt()
                elif talk.wanted is None and talk.size > OUTPUT_BYTES:
                    talk.wanted, deadline = State.OUTPUT_LIMIT, self._interrupt()
                elif time.monotonic() >= deadline:
                    if talk.wanted is not None:  # it was interrupted, and does not obey
                        break
                    talk.wanted, deadline = State.TIME_LIMIT, self._interrupt()
        state = talk.result or State.ENDED
        if state is not State.OK and talk.wanted is not None:
            state = talk.wanted
        if talk.result in (None, State.ENDED):
            self.close()
        return Answer(state, tuple(talk.pieces), self.alive, time.monotonic() - talk.began)

    def _interrupt(self) -> float:
        """Interrupt the cell; until when to wait for it to obey."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)
        return time.monotonic() + OBEY_SECONDS

    def _take(self, talk: _Talk, interrupts: int, seconds: float) -> None:
        """Wait for what comes next, and take it."""
        assert self._process  # noqa: S101  see _converse
        assert self._process.stdout  # noqa: S101
        number = self._process.stdout.fileno()
        ready = select.select([number, interrupts], [], [], seconds)[0]
        if interrupts in ready:
            talk.interrupts += len(os.read(interrupts, 16))
        if number not in ready:
            return
        data = os.read(number, 1 << 16)
        for word, content in self._stream.feed(data):
            if word:
                talk.frame(word, content.decode("utf-8", "replace"))
            else:
                talk.printed(content)
        if not data and talk.result is None:
            talk.result = State.ENDED


@contextmanager
def _interrupts() -> Iterator[int]:
    """A file to read from: one byte for each SIGINT, which raises nothing meanwhile, so that no answer is torn."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    ours = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, lambda *_: os.write(writing, b"!")) if ours else None
    try:
        yield reading
    finally:
        if ours:
            signal.signal(signal.SIGINT, before)
        os.close(reading)
        os.close(writing)


class _Stream:
    """Parts what is printed from the frames between it."""

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self._inbox = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        """Take what came; give frames as word and content, what is printed with an empty word."""
        self._inbox += data
        while True:
            at = self._inbox.find(self._mark)
            if at < 0:
                # The end may be the beginning of a mark; at the end of all, nothing follows.
                at = len(self._inbox) - (_overlap(self._inbox, self._mark) if data else 0)
            if at:
                printed = bytes(self._inbox[:at])
                del self._inbox[:at]
                yield "", printed
            if not self._inbox.startswith(self._mark):
                return
            line, newline, _ = self._inbox[len(self._mark) :].partition(b"\n")
            if not newline:
                return
            word, length = line.decode().split()
            start = len(self._mark) + len(line) + 1
            end = start + int(length)
            if len(self._inbox) < end:
                return
            content = bytes(self._inbox[start:end])
            del self._inbox[:end]
            yield word, content


def _overlap(data: bytearray, mark: bytes) -> int:
    """How many of the last bytes may be the beginning of a mark."""
    for length in range(min(len(data), len(mark) - 1), 0, -1):
        if data.endswith(mark[:length]):
            return length
    return 0


class _Talk:
    """One cell's answer as it grows."""

    def __init__(self, cell: int, show: Callable[[Piece], None]) -> None:
        self.began = time.monotonic()
        self.pieces: list[Piece] = []
        self.result: State | None = None
        self.wanted: State | None = None  # the end that we asked for
        self.interrupts = 0
        self.size = 0
        self._cell = cell
        self._show = show
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._held = ""

    def printed(self, data: bytes) -> None:
        room = max(0, OUTPUT_BYTES - self.size)
        self.size += len(data)
        if room and (text := self._decode(data[:room])):
            self._add(Piece(PieceKind.PRINTED, text))

    def frame(self, word: str, text: str) -> None:
        if word == "done":
            self.result = State.OK if text == "ok" else State.FAILED
            return
        self._held += text
        if self._held.endswith("\n"):  # a long text comes in several frames
            whole, self._held = self._held, ""
            self.size += len(whole)
            self._add(self._piece(word, whole))

    def _add(self, piece: Piece) -> None:
        self.pieces.append(piece)
        self._show(piece)

    def _piece(self, word: str, text: str) -> Piece:
        if word == "note" and not text.startswith("File "):
            return Piece(PieceKind.PRINTED, text)
        if text.startswith("File "):
            report = parse(
                text, copy=Path("/dev/fd"), source=Path(), sources=frozenset({str(self._cell), "cell"})
            )
            found = tuple(replace(item, file="cell", path="cell") for item in report.diagnostics)
            return Piece(PieceKind.WARNING if word == "note" else PieceKind.ERROR, text, found)
        text = text.replace(f"/dev/fd/{self._cell}", "cell")
        if text.startswith(("Exception: ", "Interrupted.", "Stack overflow", "Out of memory")):
            return Piece(PieceKind.RAISED, text)
        return Piece(PieceKind.VALUE, text)
