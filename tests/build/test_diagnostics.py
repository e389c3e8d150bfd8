"""The compiler's own words on real sources, and what becomes of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labkit.build.builder import build
from labkit.build.diagnostics import CompileError, Diagnostic, parse
from labkit.errors import SourceError

pytestmark = pytest.mark.usefixtures("cache_folder")


def refused(folder: Path, text: str, file: str = "unikernel.ml") -> CompileError:
    (folder / file).write_text(text)
    with pytest.raises(CompileError) as raised:
        build(folder)
    return raised.value


@pytest.mark.parametrize(
    ("text", "place", "caret", "words", "hint"),
    [
        ("let start () = foo 1", (1, 16, 18), "foo", "Unbound value foo", "slip in foo"),
        (
            'let start () = print_int "a"; Lwt.return ()',
            (1, 26, 28),
            '"a"',
            "type string but .* type\\s+int",
            "int_of_string",
        ),
        (
            'let f x y = x ^ y\nlet start () = print_string (f "ä"); Lwt.return ()',
            (2, 29, 35),
            '(f "ä")',
            "string ->",
            "missing",
        ),
        ("let start () =\n  let x = 3\n  Lwt.return x", (3, 3, 12), None, "Syntax error|not used", ""),
        ("let start () = (Lwt.return ()", (1, 30, 30), None, "Syntax error: '\\)' expected", "Close"),
        ("let start () = Nosuch.f ()", (1, 16, 23), "Nosuch.f", "Unbound module Nosuch", 'package "nosuch"'),
        ("let start () = Lwt_main.run (Lwt.return ())", (1, 16, 27), None, "Unbound module Lwt_main", "no"),
        ("let start () = Lwt.return () >>= Lwt.return", (1, 30, 32), ">>=", "Unbound value >>=", "Lwt.Infix"),
        (
            "let start () = let x = Lwt.return 1 in print_int x; Lwt.return ()",
            (1, 50, 50),
            "x",
            "Lwt.t",
            "promise",
        ),
        ("let start () = Lwt.bind (Lwt.return 1) (fun x -> x)", (1, 50, 50), "x", "int", "Lwt.return"),
        ("let start () = Mirage_sleep.ns 5", (1, 32, 32), "5", "int64", "5L"),
        ("let start () = print_float 1; Lwt.return ()", (1, 28, 28), "1", "float", "1."),
        (
            "let start () = Some () |> Optoin.get",
            (1, 27, 36),
            "Optoin.get",
            "Unbound module Optoin",
            "optoin.ml",
        ),
        ("let start () = (* open\nLwt.return ()", (1, 16, 17), "(*", "Comment not terminated", r"\*\)"),
        (
            'let start () = "open',
            (1, 16, 16),
            None,
            "String literal not terminated|unterminated",
            "both ends",
        ),
        ("let start () = “hi”", (1, 16, 16), None, "Illegal character", "quotes"),
        ("let start () = Yes", (1, 16, 18), "Yes", "Unbound constructor Yes", "capital"),
        (
            "let start (x : strin) = x",
            (1, 16, 20),
            "strin",
            "Unbound type constructor strin",
            "Define type strin",
        ),
        (
            'let start () = (print_string "a" print_string "b"); Lwt.return ()',
            (1, 17, 28),
            None,
            "too many arguments",
            "missing ;",
        ),
        ("let start () = 3 4", (1, 16, 16), "3", "not a function", "missing ;"),
        ("let start () = Arg.info []", (1, 16, 23), "Arg.info", "Unbound value Arg.info", "open Cmdliner"),
        ("let start () = Some", (1, 16, 19), "Some", "expects 1 argument", "Some x"),
    ],
)
def test_beginners_errors(
    hello: Path, text: str, place: tuple[int, int, int], caret: str | None, words: str, hint: str
) -> None:
    error = refused(hello, text)
    first = next(item for item in error.diagnostics if item.severity == "error")
    assert first.path == str(hello / "unikernel.ml"), "the student's own file"
    assert not first.generated
    assert re.search(words, first.message, re.DOTALL), first.message
    assert re.search(hint, " ".join(first.hints)), first.hints
    assert str(hello / "unikernel.ml") in str(error)
    if caret is not None:
        assert (first.line, first.column, first.last_column) == place
        lines = first.excerpt.splitlines()
        marks = lines[-1].index("^")
        assert lines[-2][marks : marks + lines[-1].count("^")] == caret
    elif "Illegal" not in words and "not used" not in words:
        assert first.line == place[0]


def test_the_generated_entry_is_blamed_on_nobody(hello: Path) -> None:
    missing = refused(hello, "let begin_ () = Lwt.return ()")
    assert missing.diagnostics[0].file == "unikernel.ml"
    assert "write let start () =" in missing.next_step
    wrong = refused(hello, "let x = 1\n\nlet start () = x")
    assert (wrong.diagnostics[0].file, wrong.diagnostics[0].line) == ("unikernel.ml", 3)
    assert "unit Lwt.t" in wrong.next_step


def test_a_module_that_config_names_and_nobody_wrote(hello: Path) -> None:
    text = 'open Mirage\nlet () = register "hello" [ main "Unikernl" job ]\n'
    error = refused(hello, text, "config.ml")
    assert (error.diagnostics[0].file, error.diagnostics[0].line) == ("config.ml", 2)
    assert "unikernl.ml" in error.next_step


@pytest.mark.parametrize(
    ("text", "words", "hint"),
    [
        (
            'open Mirage\nlet () = register "h" [ main "Unikernel" job ~packages:[ package "durration" ] ]',
            "durration",
            "duration",
        ),
        (
            'open Mirage\nlet () = register "h" [ main "Unikernel" (block @-> job) $ block_of_xenstore_id "0" ]',
            "block_of_xenstore_id",
            "opam",
        ),
        ('open Mirage\nlet () = register "a\\001b" [ main "Unikernel" job ]', "cannot name", "letters"),
        ('open Mirage\nlet () = register "../x" [ main "Unikernel" job ]', "cannot name", "letters"),
        ('let () = failwith "oops"', "ended with an error", "output"),
        ("", "describes no unikernel", "register"),
    ],
)
def test_what_config_cannot_have(hello: Path, text: str, words: str, hint: str) -> None:
    (hello / "config.ml").write_text(text)
    with pytest.raises(SourceError, match=words) as raised:
        build(hello)
    assert hint in raised.value.next_step


def test_errors_in_config(hello: Path) -> None:
    error = refused(hello, 'open Mirage\nlet () = regster "hello" []\n', "config.ml")
    first = error.diagnostics[0]
    assert (first.path, first.line, first.column) == (str(hello / "config.ml"), 2, 10)
    assert "opam" in error.next_step
    error = refused(hello, "let () = (", "config.ml")
    assert error.diagnostics[0].file == "config.ml"


def test_several_errors_and_several_files(hello: Path) -> None:
    (hello / "one.ml").write_text("let x = nope\n")
    (hello / "two.ml").write_text("let y = neither\n")
    error = refused(hello, "let start () = One.x + Two.y")
    assert {item.file for item in error.diagnostics} >= {"one.ml", "two.ml"}
    assert "1 more error" in error.next_step


def test_warnings_inform_and_do_not_stop(hello: Path) -> None:
    (hello / "unikernel.ml").write_text(
        "let start () = let unused = 1 in match Some 1 with Some _ -> Lwt.return_unit\n"
    )
    first = build(hello)
    again = build(hello)
    assert again.cached
    for image in (first, again):
        assert [warning.severity for warning in image.warnings] == ["warning", "warning"]
        assert {warning.path for warning in image.warnings} == {str(hello / "unikernel.ml")}
        assert any("_unused" in hint for warning in image.warnings for hint in warning.hints)


def test_a_span_of_lines(tmp_path: Path) -> None:
    (tmp_path / "a.ml").write_text("let f () =\n\tmatch 1 with\n\t| 2 -> ()\n")
    output = 'File "a.ml", lines 2-3, characters 1-24:\nError: it spans\n       lines\n'
    (found,) = parse(output, copy=tmp_path, source=tmp_path, sources=frozenset({"a.ml"})).diagnostics
    assert (found.line, found.last_line, found.column) == (2, 3, 2)
    assert found.message == "it spans\nlines"
    assert "  | \t^^^^^^^^^^^^" in found.excerpt, "tabs stay, so that carets stand right"
    assert Diagnostic.read(found.describe(), tmp_path) == found


def test_output_without_places_is_kept(tmp_path: Path) -> None:
    report = parse("ld: cannot find -lx\nFile \"gone.ml\", line 99, characters 1-2:\nError: far away\n",
                   copy=tmp_path, source=tmp_path, sources=frozenset())  # fmt: skip
    assert report.rest == "ld: cannot find -lx"
    assert report.errors[0].excerpt == ""
