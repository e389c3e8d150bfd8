"""What a check works with: it runs what the student made, and says what it expects of it.

A check is a function of a :class:`Trial`. It builds and boots through it, and states each expectation with one of
its ``expect`` methods; the first that is not met ends it. A check that states no expectation is never a pass.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, NoReturn, Self

from labkit.build.target import DEFAULT
from labkit.course.workcopy import WorkingCopy, working_copy
from labkit.errors import ConsoleEnded, GuestError, SourceError

if TYPE_CHECKING:
    from labkit.build.image import Image
    from labkit.guest import Exit, Guest
    from labkit.guest.disks import Disks
    from labkit.guest.network.plan import Networks
    from labkit.host.disk import Disk

__all__ = ["Ran", "Trial", "Unmet"]

RUN_SECONDS: Final = 60.0  # the longest a guest may run in a check: generous, for slow machines
OUTPUT_BYTES: Final = 1 << 20
_SHOWN_LINES: Final = 12
_LOOK_BEHIND: Final = "Its last lines are above: look at what comes after them in `start`."


class Unmet(Exception):
    """What the student made does not do what is asked, yet.

    Args:
        expected: what it should do.
        seen: what it does.
        look: where to look, or what to do next.
    """

    def __init__(self, expected: str, seen: str, look: str = "") -> None:
        super().__init__(f"expected {expected}, seen {seen}")
        self.expected = expected
        self.seen = seen
        self.look = look


@dataclass(frozen=True)
class Ran:
    """A guest that has run to its end by itself.

    Attributes:
        command: what was run, in words, for messages.
        output: all that it printed.
        exit: how it ended.
    """

    command: str
    output: str
    exit: Exit

    @property
    def lines(self) -> list[str]:
        """What it printed, by lines."""
        return self.output.splitlines()

    @property
    def logged(self) -> list[str]:
        """The texts of its log lines, without time, level and source."""
        return [match[1] for line in self.lines if (match := _LOG_LINE.match(line))]


_LOG_LINE = re.compile(r"\S+: \[[A-Z]+\](?: \[[^\]]*\])? (.*)")


class Trial:
    """One run of a check; a context manager, after which nothing of it is left.

    Args:
        given: what the student handed to ``lesson.check``, after the exercise's name.
    """

    def __init__(self, given: Sequence[object] = ()) -> None:
        self.given = tuple(given)
        self.met: list[str] = []
        self._kept = ExitStack()
        self._folder: Path | None = None
        self._disks = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kept.close()

    # Running what the student made

    def copy(self, image: str, name: str | None = None) -> WorkingCopy:
        """The student's copy of an image.

        Raises:
            Unmet: there is none yet.
        """
        copy = working_copy(image, name)
        if not copy.exists:
            raise Unmet(
                f"a version of {image} by you, called {copy.name}",
                "none",
                "Run the cell above that begins with `%%unikernel`.",
            )
        return copy

    def image(self, image: str, name: str | None = None, *, target: str | None = None) -> Image:
        """The image of the student's copy, built if need be.

        Args:
            image: what it is a copy of.
            name: what the copy is called; as the image unless given.
            target: what it is built for, if not for the usual target.

        Raises:
            Unmet: there is no copy, or it does not compile.
            LabError: the machine or the lab is at fault.
        """
        from labkit.build.builder import build

        copy = self.copy(image, name)
        try:
            return build(copy.folder, target or DEFAULT)
        except SourceError as error:
            raise Unmet(
                f"that {copy.name} compiles",
                "\n".join([error.what, *(item.text for item in error.evidence[:1])]),
                error.next_step,
            ) from error

    def run(
        self,
        image: Image,
        *arguments: str,
        timeout: float = RUN_SECONDS,
        may_crash: bool = False,
        memory: int | None = None,
        disks: Disks | None = None,
    ) -> Ran:
        """Boot an image, wait for its end, and require that it ended by itself.

        Args:
            image: the image.
            arguments: its boot arguments.
            timeout: the longest it may run, in seconds.
            may_crash: whether a panic or a crash is an end like others here.
            memory: its memory, in MiB.
            disks: its disks.

        Raises:
            Unmet: it crashed, or had to be stopped.
            LabError: the machine or the lab is at fault.
        """
        from labkit.guest import Reason

        with self.guest(image, *arguments, timeout=timeout, memory=memory, disks=disks) as guest:
            ending = guest.wait()
            output = guest.console.text()
        command = " ".join([_called(image), *arguments])
        fine = {Reason.EXIT, Reason.PANIC, Reason.CRASH} if may_crash else {Reason.EXIT}
        if ending.reason not in fine:
            raise Unmet(
                f"that `{command}` ends by itself",
                f"{ending.detail}\n{_tail(output)}",
                _LOOK_BEHIND,
            )
        return Ran(command, output, ending)

    def disk(self, size: int | str) -> Disk:
        """An empty disk for this trial, gone after it.

        Args:
            size: in bytes, or such as ``1 MiB``.

        Raises:
            HostError: it cannot be made.
        """
        from labkit.host.disk import Disk

        if self._folder is None:
            self._folder = Path(self._kept.enter_context(tempfile.TemporaryDirectory(prefix="labkit-trial-")))
        self._disks += 1
        return Disk.create(self._folder / f"disk-{self._disks}", size)

    @contextmanager
    def guest(
        self,
        image: Image,
        *arguments: str,
        timeout: float = RUN_SECONDS,
        memory: int | None = None,
        look: str = _LOOK_BEHIND,
        disks: Disks | None = None,
        network: Networks | None = None,
    ) -> Iterator[Guest]:
        """Boot an image, to talk with its guest; it is gone after the block.

        Args:
            image: the image.
            arguments: its boot arguments.
            timeout: the longest it may run, in seconds.
            memory: its memory, in MiB.
            look: where to look if it does not answer.
            disks: its disks.
            network: wires for its networks.

        Raises:
            Unmet: the block waited for a text that did not come, or for an end.
            LabError: the machine or the lab is at fault.
        """
        from labkit.verbs import boot

        with boot(
            image,
            arguments=arguments,
            timeout=timeout,
            memory=memory,
            disks=disks,
            network=network,
            output_limit=OUTPUT_BYTES,
        ) as guest:
            try:
                yield guest
            except GuestError as error:
                seen = error.what.replace(guest.name, _called(image))
                if isinstance(error, ConsoleEnded):  # the same whether it was noticed at a send or an expect
                    seen = f"{_called(image)} has ended: {guest.wait().detail}"
                raise Unmet(
                    f"an answer from `{' '.join([_called(image), *arguments])}`",
                    f"{seen}\n{_tail(guest.console.text())}",
                    look,
                ) from error

    def ocaml(self, expression: str, limit: float = 10.0) -> str:
        """The value of an expression in the student's toplevel, as OCaml prints it, without its type.

        Raises:
            Unmet: it has no value: a name is not defined, types do not fit, it raised, or it took too long.
        """
        from labkit.course.toplevel import PieceKind, State, shared

        answer = shared().run(f"({expression});;", limit=limit)
        if answer.state is State.OK:
            value = answer.text(PieceKind.VALUE).strip()
            return value.partition(" = ")[2] if value.startswith("- : ") else value
        errors = [item.message for piece in answer.pieces for item in piece.diagnostics]
        seen = "\n".join(errors) or answer.text(PieceKind.RAISED).strip() or f"it ended: {answer.state.value}"
        unbound = any("Unbound" in message for message in errors)
        raise Unmet(
            f"a value of `{expression}`",
            seen,
            "Run the `%%ocaml` cell above that defines it." if unbound else "Try it in a cell of your own.",
        )

    # Saying what is expected

    def expect(self, holds: bool, expected: str, seen: object, look: str = "") -> None:
        """State an expectation.

        Args:
            holds: whether it is met.
            expected: what should be, in words.
            seen: what is.
            look: where to look if it is not.

        Raises:
            Unmet: it is not met.
        """
        if holds is not True:
            raise Unmet(expected, str(seen), look)
        self.met.append(expected)

    def expect_status(self, ran: Ran, status: int, look: str = "") -> None:
        """Expect an exit status."""
        self.expect(
            ran.exit.status == status,
            f"that `{ran.command}` ends with exit status {status}",
            f"exit status {ran.exit.status}\n{_tail(ran.output)}",
            look,
        )

    def expect_logged(self, ran: Ran, texts: Sequence[str], look: str = "") -> None:
        """Expect these log lines and no others, in this order."""
        self.expect(
            ran.logged == list(texts),
            f"that `{ran.command}` logs exactly\n{_quoted(texts)}",
            _quoted(ran.logged) if ran.logged else f"no log line; it printed\n{_tail(ran.output)}",
            look,
        )

    def expect_printed(self, ran: Ran, text: str, look: str = "") -> None:
        """Expect a text somewhere on the console."""
        self.expect(text in ran.output, f"`{text}` on the console", _tail(ran.output), look)

    def expect_value(self, expression: str, value: str, look: str = "") -> None:
        """Expect a value of an expression in the student's toplevel."""
        seen = self.ocaml(expression)
        self.expect(seen == value, f"that `{expression}` is `{value}`", f"`{seen}`", look)

    def expect_given(self, accept: Callable[[object], bool], expected: str, look: str = "") -> None:
        """Expect that the student handed one thing to the check, and that it is right."""
        if len(self.given) != 1 or self.given[0] is None or self.given[0] is ...:
            self.fail("an answer in place of the dots", "none", look)
        self.expect(accept(self.given[0]), expected, f"{self.given[0]!r}", look)

    def fail(self, expected: str, seen: object, look: str = "") -> NoReturn:
        """Say that an expectation is not met."""
        raise Unmet(expected, str(seen), look)


def _called(image: Image) -> str:
    """What the student knows an image by: the name of the copy."""
    return image.source.name if image.source else image.name


def _quoted(lines: Sequence[str]) -> str:
    shown = [f"  {line}" for line in lines[:_SHOWN_LINES]]
    more = len(lines) - len(shown)
    return "\n".join([*shown, *([f"  … and {more} more"] if more > 0 else [])]) or "  (nothing)"


def _tail(output: str) -> str:
    lines = output.splitlines()
    return "\n".join(f"  {line}" for line in lines[-_SHOWN_LINES:]) or "  (nothing on the console)"
