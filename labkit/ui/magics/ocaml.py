"""``%%ocaml``: a cell of OCaml, evaluated by Debian's toplevel, which keeps what cells define."""

from __future__ import annotations

import sys
from typing import Any, Final

from labkit.build.diagnostics import Diagnostic
from labkit.course.toplevel import Answer, Piece, PieceKind, State, shared
from labkit.errors import Evidence, LabError, SourceError, UsageError
from labkit.ui.magics.errors import headline, render
from labkit.ui.magics.words import first_line, parse

__all__ = ["OcamlError", "ocaml"]

USAGE: Final = "Usage: %%ocaml [--limit SECONDS] [--expect-error] [--restart], and OCaml in the lines below."
DEFAULT_LIMIT: Final = 10.0
JOIN_HINT: Final = "An expression that follows a let … needs ;; before it."


class OcamlError(SourceError):
    """A cell of OCaml that does not compile, raised, or was interrupted."""


def ocaml(shell: Any, line: str, cell: str) -> None:
    """Evaluate a cell of OCaml and show what comes of it.

    Raises:
        OcamlError: the cell does not compile, or raised, or was interrupted.
        LabError: there is no toplevel.
    """
    words = parse(line, USAGE, flags=("--expect-error", "--restart"), values=("--limit",))
    words.need(0, 0)
    if "--restart" in words.flags:
        shared().close()
    try:
        limit = float(words.values.get("--limit", DEFAULT_LIMIT))
    except ValueError:
        limit = 0.0
    if not limit > 0:
        raise UsageError("--limit takes a number of seconds above 0.", next_step=USAGE)
    answer = shared().run(cell, first_line=first_line(shell, "ocaml"), limit=limit, show=_show)
    error = _error(answer, limit)
    if "--expect-error" in words.flags:
        if error is None:
            raise OcamlError(
                "This cell is meant to show an error, and has none.", next_step="Take --expect-error away."
            )
        print(render(error))
    elif error is not None:
        raise error


def _show(piece: Piece) -> None:
    if piece.kind in (PieceKind.PRINTED, PieceKind.VALUE):
        sys.stdout.write(piece.text)
        sys.stdout.flush()
    elif piece.kind is PieceKind.WARNING:
        for item in piece.diagnostics:
            print(f"{item.severity.capitalize()}, {_placed(item, item.message)}", *_tries(item), sep="\n")


def _error(answer: Answer, limit: float) -> LabError | None:
    kept = "What the cells before have defined is still there."
    lost = "A new toplevel starts with the next cell: run the cells above again."
    after = kept if answer.alive else lost
    match answer.state:
        case State.OK:
            return None
        case State.INTERRUPTED:
            return OcamlError("Interrupted.", next_step=after)
        case State.TIME_LIMIT:
            return OcamlError(
                f"The cell was stopped: it ran longer than {limit:g} s.",
                next_step=f"Look for a loop without end, or give it more: --limit SECONDS. {after}",
            )
        case State.OUTPUT_LIMIT:
            return OcamlError(
                "The cell was stopped: it prints without end.",
                next_step=f"Look for a loop or a recursion that does not stop. {after}",
            )
        case State.ENDED:
            return OcamlError("The toplevel has ended.", next_step=lost)
        case State.FAILED:
            return _failure(answer)


def _failure(answer: Answer) -> OcamlError:
    found = [item for piece in answer.pieces if piece.kind is PieceKind.ERROR for item in piece.diagnostics]
    if not found:
        said = answer.text(PieceKind.RAISED).strip() or answer.text(PieceKind.ERROR).strip()
        return OcamlError(said or "The toplevel did not accept it.")
    first = found[0]
    what, whole = headline(first.message)
    tries = list(first.hints)
    if "cannot be applied" in first.message or "too many arguments" in first.message:
        tries.append(JOIN_HINT)
    evidence = [Evidence("", _placed(first, whole))]
    evidence += [
        Evidence("", f"{item.severity.capitalize()}: {_placed(item, item.message)}") for item in found[1:]
    ]
    return OcamlError(what, next_step=" ".join(tries), evidence=evidence)


def _placed(item: Diagnostic, message: str) -> str:
    """The place in the cell, and the message."""
    place = f"line {item.line}:" if item.line else ""
    return "\n".join(part for part in (place, item.excerpt, message) if part)


def _tries(item: Diagnostic) -> list[str]:
    return [f"Try: {hint}" for hint in item.hints]
