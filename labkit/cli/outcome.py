"""From whatever comes of a command to an exit status, and to words on the right stream.

The statuses are those that container tools use: the guest's own passes through, 124 is a time-out, 125 a failure
of labkit's own; 128 + N stands for signal N.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import click

from labkit.cli.app import app
from labkit.cli.output import OutputGone
from labkit.errors import LabError

__all__ = ["FAILED", "TIMED_OUT", "run"]

TIMED_OUT = 124
"""Exit status after ``--timeout``."""

FAILED = 125
"""Exit status of labkit's own failures."""


class _Signalled(BaseException):
    """A signal that asks this process to end; raised in the main thread, so that all is cleaned up."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line to its end.

    Args:
        arguments: the words after the program's name; those of this process unless given.

    Returns:
        The exit status.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in (words[: words.index("--")] if "--" in words else words)
    try:
        with _signals_raised():
            status = app.main(args=words, prog_name="labkit", standalone_mode=False)
    except LabError as error:
        return _failed(error, as_json)
    except click.ClickException as error:
        return _failed(_from_click(error), as_json)
    except (KeyboardInterrupt, click.Abort):
        return 128 + signal.SIGINT
    except _Signalled as error:
        return 128 + error.number
    except (OutputGone, BrokenPipeError):
        _silence_stdout()
        return 128 + signal.SIGPIPE
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else FAILED
    except Exception as error:  # noqa: BLE001  a fault of labkit's own, told as such
        return _fault(error, as_json)
    return status if isinstance(status, int) else 0


@contextmanager
def _signals_raised() -> Iterator[None]:
    def raise_it(number: int, _frame: FrameType | None) -> None:
        raise _Signalled(number)

    before = {}
    try:
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                before[number] = signal.signal(number, raise_it)
    except ValueError:  # not in the main thread: signals are somebody else's
        pass
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _from_click(error: click.ClickException) -> LabError:
    from labkit.errors import UsageError

    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "labkit"
    return UsageError(error.format_message(), next_step=f"See `{command} --help`.")


def _failed(error: LabError, as_json: bool) -> int:
    if as_json:
        _print_json(error)
    else:
        _complain(f"labkit: {error}")
    return FAILED


def _fault(error: Exception, as_json: bool) -> int:
    trace = "".join(traceback.format_exception(error))
    told = LabError(
        f"labkit itself failed: {error!r}", next_step="Please report this with all that is printed here."
    )
    if as_json:
        _print_json(told)
    _complain(f"{trace}labkit: {told}")
    return FAILED


def _print_json(error: LabError) -> None:
    value: dict[str, Any] = {
        "type": type(error).__name__,
        "what": error.what,
        "whose_turn": error.whose_turn.value,
        "next_step": error.next_step,
        "evidence": [vars(item) for item in error.evidence],
    }
    diagnostics = getattr(error, "diagnostics", None)
    if diagnostics is not None:
        value["diagnostics"] = [item.describe() for item in diagnostics]
    try:
        print(json.dumps({"error": value}, ensure_ascii=False), flush=True)
    except OSError:
        _silence_stdout()


def _complain(text: str) -> None:
    with suppress(OSError):  # nobody listens
        print(text, file=sys.stderr, flush=True)


def _silence_stdout() -> None:
    """Nobody reads our output any more: keep the interpreter from complaining of it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
