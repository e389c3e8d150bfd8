"""The compiler's words, as places in the student's own files, with an excerpt and what to try.

Reads what ocamlc, ocamlopt and dune print (OCaml 4.08 and later, dune 2 and 3): blocks that begin with
``File "NAME", line N, characters A-B:``. Columns in there are bytes; here they are characters, counted from 1.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from labkit.build.hints import hints_for
from labkit.errors import Evidence, SourceError

__all__ = ["CompileError", "Diagnostic", "Report", "compile_error", "parse"]

_PLACE = re.compile(
    r'^File "(?P<file>[^"\n]+)"(?:, lines? (?P<line>\d+)(?:-(?P<last>\d+))?)?'
    r"(?:, characters (?P<from>\d+)-(?P<to>\d+))?:\s*$"
)
_KIND = re.compile(r"^(?P<kind>Error|Warning|Alert)(?P<more>[^:\n]*): ?(?P<text>.*)$")
_DUNE_MODULE = re.compile(r"\bDune__exe(?:__|\.)")
_EXCERPT = re.compile(r"^\s*\d+ \||^\s*[\^~. ]+$")
_MOST_LINES = 6  # of an excerpt


@dataclass(frozen=True)
class Diagnostic:
    """One thing a compiler says of a source file.

    Attributes:
        file: name inside the source folder, as the student knows it.
        path: the file itself: the student's own, or the generated one in the work folder.
        generated: whether the build made this file.
        line, last_line: first and last line meant, from 1; 0 if none is known.
        column, last_column: first and last character meant on those lines, from 1; 0 if none is known.
        severity: ``error``, ``warning``, or ``note``, which belongs to the one before it.
        message: the compiler's words.
        excerpt: the lines meant, numbered, with carets below.
        hints: what to try.
    """

    file: str
    path: str
    generated: bool
    line: int
    last_line: int
    column: int
    last_column: int
    severity: str
    message: str
    excerpt: str
    hints: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """The place in words: the path, line and column, as editors and terminals take it."""
        return ":".join([self.path, *(str(n) for n in (self.line, self.column) if n)])

    def __str__(self) -> str:
        parts = [self.place, self.excerpt, f"{self.severity.capitalize()}: {self.message}"]
        return "\n".join([*(part for part in parts if part), *(f"Try: {hint}" for hint in self.hints)])

    def describe(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @classmethod
    def read(cls, value: Mapping[str, Any], source: Path) -> Diagnostic:
        """From :meth:`describe`'s object, for a source folder that may be another one of equal content.

        Raises:
            KeyError, TypeError: it is not such an object.
        """
        moved = {} if value["generated"] else {"path": str(source / value["file"])}
        return cls(**{**value, **moved, "hints": tuple(value["hints"])})


@dataclass(frozen=True)
class Report:
    """All that a compiler run said: what has a place, and the rest as it stood."""

    diagnostics: tuple[Diagnostic, ...]
    rest: str

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that stopped the build."""
        return tuple(item for item in self.diagnostics if item.severity == "error")

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that did not."""
        return tuple(item for item in self.diagnostics if item.severity == "warning")


class CompileError(SourceError):
    """Sources that do not compile; ``diagnostics`` has each place."""

    def __init__(self, report: Report, *, what: str, next_step: str, evidence: list[Evidence]) -> None:
        super().__init__(what, next_step=next_step, evidence=evidence)
        self.diagnostics = report.diagnostics


def parse(output: str, *, copy: Path, source: Path, sources: frozenset[str]) -> Report:
    """Read a compiler run's output.

    Args:
        output: standard output and error of dune or ocamlfind.
        copy: the work folder that was compiled.
        source: the student's folder of which it is a copy.
        sources: names of the files copied; all else in the copy was generated.
    """
    diagnostics: dict[
        Diagnostic, None
    ] = {}  # in order, each once: dune says the same for byte and native code
    rest: list[str] = []
    lines = output.splitlines()
    at = 0
    while at < len(lines):
        place = _PLACE.match(lines[at])
        end = at + 1
        while end < len(lines) and not _PLACE.match(lines[end]):
            end += 1
        block = lines[at + 1 : end]
        if place is None:
            rest += lines[at:end]
        else:
            diagnostics[_diagnostic(place, _Said.of(block), copy, source, sources)] = None
        at = end
    return Report(tuple(diagnostics), "\n".join(line for line in rest if line.strip()))


def compile_error(report: Report) -> CompileError:
    """The error for a failed compiler run.

    Args:
        report: its parsed output, with at least one error.
    """
    first = report.errors[0]
    message = textwrap.shorten(first.message.partition("\nHint:")[0], 200, placeholder=" …")
    line = f", line {first.line}" if first.line else ""
    what = f"{first.file}{line}: {message or 'it does not compile'}"
    others = len(report.errors) - 1
    more = (
        f" There {'is 1 more error' if others == 1 else f'are {others} more errors'} after it."
        if others
        else ""
    )
    evidence = [
        Evidence(item.place, "\n".join(part for part in (item.excerpt, item.message) if part))
        for item in report.diagnostics
        if item.severity != "warning"
    ]
    evidence += [Evidence("Also", report.rest)] if report.rest else []
    tries = " ".join(first.hints) or f"Change {first.file} there, and build again."
    return CompileError(report, what=what, next_step=tries + more, evidence=evidence)


@dataclass(frozen=True)
class _Said:
    """What stands below a place: how bad it is, a tag such as ``26 [unused-var]``, and the words."""

    severity: str
    tag: str
    message: str

    @classmethod
    def of(cls, block: list[str]) -> _Said:
        for number, line in enumerate(block):
            kind = _KIND.match(line)
            if kind:
                words = [kind["text"], *block[number + 1 :]]
                severity = "error" if kind["kind"] == "Error" else "warning"
                return cls(severity, kind["more"].strip(), _joined(words))
        # `This '(' might be unmatched`, below the error it belongs to: all lines but the compiler's own excerpt.
        return cls("note", "", _joined([line for line in block if not _EXCERPT.match(line)]))


def _joined(lines: list[str]) -> str:
    text = "\n".join(line[7:] if line.startswith(" " * 7) else line for line in lines).strip()
    return _DUNE_MODULE.sub("", text)


def _diagnostic(
    place: re.Match[str], said: _Said, copy: Path, source: Path, sources: frozenset[str]
) -> Diagnostic:
    name = place["file"]
    if Path(name).is_absolute() and Path(name).is_relative_to(copy):
        name = Path(name).relative_to(copy).as_posix()
    name = name.removeprefix("_build/default/").removeprefix("./")
    text = _read(copy / name)
    line = int(place["line"] or 0)
    last = int(place["last"] or line)
    column, last_column = _columns(text, line, last, place)
    message = said.message
    generated = name not in sources
    if message.startswith("Illegal character") and 0 < line <= len(text):
        # The compiler reads bytes, and names the one at which it stumbled.
        message = f"Illegal character {text[line - 1].decode(errors='replace')[column - 1 : column]}"
    hints = hints_for(message, said.tag, name, generated=generated)
    used = _used_by_entry(text, line, message, sources) if generated and said.severity == "error" else None
    if used is not None:
        # The generated entry module does not fit: the place to mend is the student's module that it uses.
        name, pattern = used
        text = _read(copy / name)
        line, column, last_column = _first_match(text, pattern)
        last = line
        message = f"config.ml and this do not fit together: {message}"
    return Diagnostic(
        file=name,
        path=str((source if name in sources else copy) / name),
        generated=generated and used is None,
        line=line,
        last_line=last,
        column=column,
        last_column=last_column,
        severity=said.severity,
        message=message,
        excerpt=_excerpt(text, line, last, column, last_column),
        hints=hints,
    )


def _used_by_entry(
    text: list[bytes], line: int, message: str, sources: frozenset[str]
) -> tuple[str, str] | None:
    """The student's file that a line of the entry module comes from, and a pattern of the place in it."""
    if not 0 < line <= len(text):
        return None
    for module, name in re.findall(r"\b([A-Z]\w*)\.(\w+)", text[line - 1].decode(errors="replace")):
        file = f"{module[0].lower()}{module[1:]}.ml"
        if file in sources:
            return file, rf"^(?:let(?: rec)?|and|module) +({re.escape(name)})\b"
        if "Unbound module" in message:
            return "config.ml", rf'"({module})[."]'
    return None


def _first_match(text: list[bytes], pattern: str) -> tuple[int, int, int]:
    """Line and columns of a pattern's first group; zeros if it is nowhere."""
    for number, raw in enumerate(text, 1):
        found = re.search(pattern, raw.decode(errors="replace"))
        if found:
            return number, found.start(1) + 1, found.end(1)
    return 0, 0, 0


def _read(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split(b"\n")
    except OSError:
        return []


def _columns(text: list[bytes], line: int, last: int, place: re.Match[str]) -> tuple[int, int]:
    if place["from"] is None or not line:
        return 0, 0
    first, end = int(place["from"]), int(place["to"])
    start_line = text[line - 1] if line <= len(text) else b""
    if last == line or last > len(text):
        return _characters(start_line, first) + 1, max(
            _characters(start_line, end), _characters(start_line, first) + 1
        )
    # On a span of lines the compiler counts both from the start of the first line.
    on_last = end - sum(len(text[n - 1]) + 1 for n in range(line, last))
    return _characters(start_line, first) + 1, max(_characters(text[last - 1], max(on_last, 0)), 1)


def _characters(line: bytes, count: int) -> int:
    return len(line[:count].decode("utf-8", "ignore")) + max(0, count - len(line))


def _excerpt(text: list[bytes], line: int, last: int, column: int, last_column: int) -> str:
    if not 1 <= line <= len(text):
        return ""
    last = min(last, len(text))
    width = len(str(last))
    numbers = list(range(max(1, line - 1), last + 1))
    if len(numbers) > _MOST_LINES:
        numbers = [*numbers[: _MOST_LINES - 1], last]
    shown: list[str] = []
    previous = numbers[0]
    for number in numbers:
        content = text[number - 1].decode("utf-8", "replace").rstrip("\r")
        if number > previous + 1:
            shown.append(f"{'':{width}} | ...")
        previous = number
        if number < line and not content.strip():
            continue
        shown.append(f"{number:{width}} | {content}")
        if number < line or not column:
            continue
        start = column - 1 if number == line else len(content) - len(content.lstrip())
        stop = last_column if number == last else len(content.rstrip())
        # Keep tabs, so that the carets stand below what they mean whatever a tab's width.
        lead = "".join(c if c == "\t" else " " for c in content[:start]).ljust(start)
        shown.append(f"{'':{width}} | {lead}{'^' * max(1, stop - start)}")
    return "\n".join(shown)
