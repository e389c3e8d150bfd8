"""``%%unikernel``: a cell that is a file of the student's copy of an image; and ``%unikernel`` for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from labkit.build.builder import build
from labkit.build.diagnostics import CompileError
from labkit.course.workcopy import WorkingCopy, working_copy
from labkit.errors import Evidence, SourceError, UsageError
from labkit.ui.magics.errors import headline, render
from labkit.ui.magics.words import first_line, parse

if TYPE_CHECKING:
    from labkit.build.image import Image

__all__ = ["unikernel_cell", "unikernel_line"]

CELL_USAGE: Final = (
    "Usage: %%unikernel IMAGE[/FILE] [VARIABLE] [--as COPY] [--expect-error], then the file's lines below."
)
LINE_USAGE: Final = (
    "Usage: %unikernel build|edit|diff|reset|versions|restore IMAGE[/FILE] [NUMBER|VARIABLE] [--as COPY]"
)
DEFAULT_FILE: Final = "unikernel.ml"


def unikernel_cell(shell: Any, line: str, cell: str) -> Image | None:
    """Write the cell into the student's copy, build it, and give the image.

    The file has empty lines where the cell has its magic, so that line numbers are the same in both, in whatever
    names them: the compiler, a backtrace, an editor.

    Raises:
        SourceError: it does not compile; the places are those of the cell.
        LabError: the words are wrong, or the machine or labkit is at fault.
    """
    words = parse(line, CELL_USAGE, flags=("--expect-error",), values=("--as",))
    given = words.need(1, 2)
    copy, file = _copy(given[0], words.values.get("--as"))
    variable = given[1] if len(given) > 1 else None
    if variable is not None and not variable.isidentifier():
        raise UsageError(f"{variable!r} is no name for a variable.", next_step=CELL_USAGE)
    if not cell.strip():
        raise UsageError(
            "The cell is empty, and so would be the file.",
            next_step=f"`%unikernel edit {given[0]}` puts the file into a cell.",
        )
    copy.write(file, "\n" * (first_line(shell, "unikernel") - 1) + cell.rstrip("\n") + "\n")
    expect_error = "--expect-error" in words.flags
    try:
        image = _built(copy)
    except SourceError as error:
        told = _in_cell(error, file)
        if not expect_error:
            raise told from error
        print(render(told))
        return None
    if expect_error:
        raise UsageError("This cell is meant to show an error, and has none.", next_step="Run the next one.")
    if variable is None:
        return image
    shell.user_ns[variable] = image
    return None


def unikernel_line(shell: Any, line: str) -> object:
    """What else there is to do with a copy: see the usage.

    Raises:
        LabError: the words are wrong, or the machine or labkit is at fault.
    """
    from labkit.ui.sources import Shown

    words = parse(line, LINE_USAGE, values=("--as",))
    verb, name, *more = words.need(2, 3)
    copy, file = _copy(name, words.values.get("--as"))
    match verb, more:
        case "build", []:
            return _built(copy.make())
        case "build", [variable] if variable.isidentifier():
            shell.user_ns[variable] = _built(copy.make())
        case "edit", []:
            copy.make()
            text = copy.path(file).read_text().lstrip("\n")
            known = f" --as {copy.name}" if words.values else ""
            shell.set_next_input(f"%%unikernel {name}{known}\n{text}")
        case "diff", []:
            text = _difference(copy, file if "/" in name else None)
            return Shown(f"{copy.name}: your changes", text or "(no difference)", "diff")
        case "reset", []:
            changed = copy.make().reset()
            told = ", ".join(changed) or "nothing: it was the original"
            print(f"{copy.name} is as the original again. Changed: {told}. Every version is kept.")
        case "versions", []:
            found = copy.make().versions(file)
            print(*found, sep="\n") if found else print(f"{copy.name}/{file} has the original's text only.")
        case "restore", [number] if number.isdecimal():
            copy.make().restore(file, int(number))
            print(f"{copy.name}/{file} is version {number} again.")
        case _:
            raise UsageError(f"{line!r} cannot be taken.", next_step=LINE_USAGE)
    return None


def _copy(name: str, called: str | None) -> tuple[WorkingCopy, str]:
    image, _, file = name.partition("/")
    return working_copy(image, called), file or DEFAULT_FILE


def _built(copy: WorkingCopy) -> Image:
    image = build(copy.folder)
    for warning in image.warnings:
        print(f"{warning.severity.capitalize()}, {warning.file}, line {warning.line}:")
        print(warning.excerpt, warning.message, *(f"Try: {hint}" for hint in warning.hints), sep="\n")
    print(f"{copy.name}: {image.bytes:,} bytes, ready after {image.seconds:.2f} s")
    return image


def _in_cell(error: SourceError, file: str) -> SourceError:
    """The same error with the places as a student sees them: lines of the cell, or of another file of the copy."""
    if not isinstance(error, CompileError):
        return error
    first, *others = [item for item in error.diagnostics if item.severity != "warning"]
    what, whole = headline(first.message)
    evidence = []
    for item in (first, *others):
        place = "line" if item.file == file else f"{item.file}, line"
        message = whole if item is first else item.message
        shown = "\n".join(part for part in (item.excerpt, message) if part)
        evidence.append(Evidence(f"{place} {item.line}" if item.line else item.file, shown))
    return SourceError(what, next_step=error.next_step, evidence=evidence)


def _difference(copy: WorkingCopy, only: str | None) -> str:
    """What the copy has changed; the empty first lines, which stand for magics, are no change."""
    import difflib

    parts = []
    for file in [only] if only else copy.changed():
        old, new = (_lines(folder / file) for folder in (copy.original, copy.folder))
        found = list(difflib.unified_diff(old, new, f"original {file}", f"your {file}", n=1, lineterm=""))
        parts += found
    return "\n".join(parts)


def _lines(path: Any) -> list[str]:
    try:
        text: str = path.read_text(errors="replace")
    except FileNotFoundError:
        return []
    return text.lstrip("\n").splitlines()
