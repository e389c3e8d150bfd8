"""labkit.course.toplevel: Debian's OCaml, one cell after the other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.course.toplevel import Piece, PieceKind, State, Toplevel
from labkit.course.toplevel.session import _Stream


@pytest.fixture
def toplevel() -> Iterator[Toplevel]:
    session = Toplevel()
    yield session
    session.close()


def test_values_and_output_come_in_order(toplevel: Toplevel) -> None:
    answer = toplevel.run(
        'let x = 1\nlet y = x + 1;;\nprint_string "one";;\nFormat.printf "two";;\nprerr_string "three";;\nx + y'
    )
    assert answer.state is State.OK
    assert "".join(piece.text for piece in answer.pieces) == (
        "val x : int = 1\nval y : int = 2\none- : unit = ()\ntwo- : unit = ()\nthree- : unit = ()\n- : int = 3\n"
    )


def test_cells_share_what_they_define_and_packages(toplevel: Toplevel) -> None:
    assert toplevel.run("let x = 20").state is State.OK
    answer = toplevel.run('#require "lwt.unix";;\nLwt_main.run (Lwt.return (x + 1))')
    assert [piece.text for piece in answer.pieces] == ["- : int = 21\n"]


def test_an_error_is_placed_in_the_cells_own_lines(toplevel: Toplevel) -> None:
    answer = toplevel.run('let good = 1\nlet f a =\n  "ü" ^ a + 1', first_line=2)
    assert answer.state is State.FAILED
    assert answer.text(PieceKind.VALUE) == "val good : int = 1\n"
    (error,) = (item for piece in answer.pieces for item in piece.diagnostics)
    assert (error.file, error.line, error.column) == ("cell", 4, 9)
    assert error.excerpt.splitlines()[1] == '4 |   "ü" ^ a + 1'
    assert "type int" in error.message
    assert toplevel.run("good").state is State.OK


def test_nothing_of_a_cell_with_a_syntax_error_is_run(toplevel: Toplevel) -> None:
    assert toplevel.run('print_string "no";;\nlet x = (').pieces[0].kind is PieceKind.ERROR
    assert toplevel.run("x").state is State.FAILED


def test_a_warning_does_not_stop_a_cell(toplevel: Toplevel) -> None:
    answer = toplevel.run("let f = function Some x -> x")
    assert answer.state is State.OK
    assert [piece.kind for piece in answer.pieces] == [PieceKind.WARNING, PieceKind.VALUE]
    assert "exhaustive" in answer.pieces[0].diagnostics[0].message


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ('failwith "no"', 'Exception: Failure "no".'),
        ("let rec f x = 1 + f x in f 1", "Stack overflow"),
        ("let f = function Some x -> x;;\nf None", 'Match_failure ("cell", 1, 8)'),
    ],
)
def test_what_a_cell_raises(toplevel: Toplevel, cell: str, words: str) -> None:
    answer = toplevel.run(cell)
    assert answer.state is State.FAILED
    assert words in answer.text(PieceKind.RAISED)
    assert answer.alive


def test_an_interrupt_ends_the_cell_and_keeps_the_toplevel(toplevel: Toplevel) -> None:
    toplevel.run("let kept = 5")

    def interrupt(piece: Piece) -> None:
        if "go" in piece.text:
            signal.raise_signal(signal.SIGINT)

    answer = toplevel.run('print_endline "go";;\nwhile true do () done', limit=30, show=interrupt)
    assert answer.state is State.INTERRUPTED
    assert answer.alive
    assert toplevel.run("kept").text(PieceKind.VALUE) == "- : int = 5\n"


def test_a_time_limit_ends_the_cell_and_keeps_the_toplevel(toplevel: Toplevel) -> None:
    toplevel.run("let kept = 5")
    answer = toplevel.run("while true do () done", limit=0.2)
    assert (answer.state, answer.alive) == (State.TIME_LIMIT, True)
    assert toplevel.run("kept").state is State.OK


def test_one_that_does_not_obey_is_ended(toplevel: Toplevel) -> None:
    defiant = "while true do try while true do () done with Sys.Break -> () done"
    answer = toplevel.run(defiant, limit=0.2)
    assert (answer.state, answer.alive) == (State.TIME_LIMIT, False)
    assert toplevel.run("1").state is State.OK


def test_endless_output_is_stopped(toplevel: Toplevel) -> None:
    answer = toplevel.run(
        'while true do print_endline "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" done'
    )
    assert answer.state is State.OUTPUT_LIMIT
    assert len(answer.text(PieceKind.PRINTED)) <= 200_000
    assert toplevel.run("1").state is State.OK


def test_exit_ends_it_and_the_next_cell_starts_anew(toplevel: Toplevel) -> None:
    toplevel.run("let gone = 1")
    answer = toplevel.run('print_string "bye"; exit 3')
    assert (answer.state, answer.alive) == (State.ENDED, False)
    assert answer.text(PieceKind.PRINTED) == "bye"
    assert toplevel.run("gone").state is State.FAILED


def test_memory_is_limited(toplevel: Toplevel) -> None:
    answer = toplevel.run("Bytes.create (3 * 1024 * 1024 * 1024)")
    assert answer.state is State.FAILED
    assert "Out of memory" in answer.text(PieceKind.RAISED)


def test_cells_do_not_see_the_driver_or_the_compiler(toplevel: Toplevel) -> None:
    for name in ("Driver.mark", "mark", "values", "Typecore.x"):
        (error,) = toplevel.run(name).pieces
        assert "Unbound" in error.text


def test_it_dies_with_a_killed_owner(root: Path) -> None:
    code = textwrap.dedent("""
        from labkit.course.toplevel import shared
        shared().run("1")
        print(shared().pid, flush=True)
        shared().run("while true do () done", limit=600)
    """)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=root) as owner:
        assert owner.stdout
        pid = int(owner.stdout.readline())
        end = os.pidfd_open(pid)
        owner.kill()
    import select

    try:
        assert select.select([end], [], [], 10)[0], "the toplevel lives on"
    finally:
        os.close(end)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_frames_are_found_however_they_are_cut(size: int) -> None:
    sent = b"ab" + b"MARK value 4\nMARK" + b"MAR" + b"MARK done 2\nok" + b"MA"
    stream = _Stream(b"MARK ")
    got: list[tuple[str, bytes]] = []
    for at in range(0, len(sent), size):
        got += stream.feed(sent[at : at + size])
    got += stream.feed(b"")
    assert [item for item in got if item[0]] == [("value", b"MARK"), ("done", b"ok")]
    assert b"".join(text for word, text in got if not word) == b"abMARMA"
