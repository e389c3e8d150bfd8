"""Verdicts and progress: nothing but a check that ran, looked and found it right is a pass."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.course import progress
from labkit.course.exercise import Check, Exercise, Lesson
from labkit.course.trial import Ran, Trial
from labkit.course.verdict import Outcome, Verdict, judge
from labkit.course.workcopy import working_copy
from labkit.errors import HostError, UsageError
from labkit.guest.guest import Exit, Reason

ENDED = Exit(0, Reason.EXIT, "It ended by itself.")


def judged(check: Check, *given: object) -> Verdict:
    return judge(Lesson("try", (Exercise("one", "Do it.", check, ("Try.",)),)), "one", given)


def test_a_met_expectation_is_a_pass_and_kept() -> None:
    verdict = judged(lambda trial: trial.expect(True, "it is so", "so"))
    assert verdict.passed
    assert verdict.met == ("it is so",)
    record = progress.read("try")["one"]
    assert record.passed
    assert (record.last, record.attempts) == ("passed", 1)


def test_an_unmet_one_says_what_when_and_where() -> None:
    verdict = judged(lambda trial: trial.expect(False, "that it is blue", "green", "Look at the paint."))
    assert verdict.outcome is Outcome.NOT_YET
    assert str(verdict).splitlines() == [
        "one: not yet",
        "  expected: that it is blue",
        "  seen: green",
        "  look: Look at the paint.",
        '  hints: lesson.hint("one")',
    ]
    assert not progress.read("try")["one"].passed


def test_a_trials_disks_are_empty_and_go_with_it() -> None:
    made: list[Path] = []

    def check(trial: Trial) -> None:
        made.extend(trial.disk("4 KiB").path for _ in range(2))
        trial.expect(all(path.read_bytes() == bytes(4096) for path in made), "empty disks", "others")

    assert judged(check).passed
    assert len(set(made)) == 2
    assert not any(path.exists() for path in made)


def _raises(error: BaseException) -> Check:
    def check(trial: Trial) -> None:
        trial.expect(True, "a beginning", "")
        raise error

    return check


@pytest.mark.parametrize(
    ("check", "outcome"),
    [
        (lambda _trial: None, Outcome.NO_VERDICT),
        (_raises(ZeroDivisionError("x")), Outcome.NO_VERDICT),
        (_raises(AssertionError()), Outcome.NO_VERDICT),
        (_raises(HostError("libvirt is gone")), Outcome.NO_VERDICT),
        (_raises(UsageError("no such argument")), Outcome.NOT_YET),
        (lambda trial: trial.expect("yes", "something true-ish", ""), Outcome.NOT_YET),
        (lambda trial: trial.image("hello"), Outcome.NOT_YET),  # never made
        (lambda trial: trial.expect_given(lambda _: True, "any"), Outcome.NOT_YET),  # nothing was given
    ],
)
def test_never_a_pass(check: Check, outcome: Outcome) -> None:
    assert judged(check).outcome is outcome
    assert progress.read("try")["one"].passed == ""
    assert progress.read("try")["one"].last == outcome.value


def test_dots_are_no_answer() -> None:
    check: Check = lambda trial: trial.expect_given(lambda _answer: True, "any")  # noqa: E731
    assert not judged(check, ...).passed
    assert not judged(check, None).passed
    assert not judged(check, 1, 2).passed
    assert judged(check, 1).passed


def test_an_interrupt_goes_through_and_is_no_attempt() -> None:
    with pytest.raises(KeyboardInterrupt):
        judged(_raises(KeyboardInterrupt()))
    assert progress.read("try") == {}


def test_a_kernel_that_dies_in_a_check_leaves_no_pass(root: Path) -> None:
    code = (
        "import os, signal\n"
        "from labkit.course.exercise import Exercise, Lesson\n"
        "from labkit.course.verdict import judge\n"
        "def check(trial):\n"
        "    trial.expect(True, 'a beginning', '')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "judge(Lesson('try', (Exercise('one', 'Do it.', check),)), 'one')\n"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == -signal.SIGKILL
    assert progress.read("try") == {}


def test_a_pass_stays_when_a_later_check_fails() -> None:
    judged(lambda trial: trial.expect(True, "it is so", ""))
    judged(lambda trial: trial.expect(False, "it is so", ""))
    record = progress.read("try")["one"]
    assert record.passed
    assert (record.last, record.attempts) == ("not yet", 2)


def test_damaged_progress_is_put_aside(lab: Path) -> None:
    lab.mkdir()
    (lab / progress.FILE).write_text('{"format": 1, "less')
    assert progress.read("try") == {}
    judged(lambda trial: trial.expect(True, "it is so", ""))
    assert (lab / "progress.json.damaged-1").read_text() == '{"format": 1, "less'
    assert progress.read("try")["one"].passed


def test_odd_progress_does_no_harm(lab: Path) -> None:
    lab.mkdir()
    odd = {"format": 1, "lessons": {"try": {"one": {"passed": 7, "attempts": "x", "new": 1}, "two": []}}}
    (lab / progress.FILE).write_text(json.dumps(odd))
    assert progress.read("try")["one"] == progress.Record()


def test_hints_are_counted_up_to_the_last() -> None:
    assert [progress.note_hint("try", "one", 2).hints for _ in range(3)] == [1, 2, 2]


def test_a_copy_that_does_not_compile_is_told_with_its_line(hello: Path) -> None:
    working_copy(str(hello)).write("unikernel.ml", "let start () = 1 + \n")
    verdict = judged(lambda trial: trial.expect(bool(trial.image(str(hello))), "x", ""))
    assert verdict.outcome is Outcome.NOT_YET
    assert "unikernel.ml, line" in verdict.seen


@pytest.mark.live
def test_a_guest_that_crashes_or_hangs_is_no_pass(hello: Path) -> None:
    copy = working_copy(str(hello))

    def check(trial: Trial) -> None:
        ran = trial.run(trial.image(str(hello)), timeout=20)
        trial.expect_status(ran, 0)

    copy.write("unikernel.ml", 'let start () = Logs.info (fun m -> m "here"); raise Out_of_memory\n')
    verdict = judged(check)
    assert verdict.outcome is Outcome.NOT_YET
    assert "here" in verdict.seen
    copy.write("unikernel.ml", "let start () = exit 3\n")
    assert "exit status 3" in judged(check).seen
    copy.write("unikernel.ml", "let start () = Lwt.return ()\n")
    assert judged(check).passed

    def short(trial: Trial) -> None:
        trial.expect_status(trial.run(trial.image(str(hello)), timeout=2), 0)

    copy.write("unikernel.ml", "let start () = fst (Lwt.wait ())\n")
    verdict = judged(short)
    assert verdict.outcome is Outcome.NOT_YET
    assert "ends by itself" in verdict.expected


def test_log_lines_are_told_from_other_lines() -> None:
    output = "2026-11-23T20:06:32-00:00: [INFO] [application] Hello, world!\nplain\nx: [WARNING] two\n"
    assert Ran("x", output, ENDED).logged == ["Hello, world!", "two"]


def test_the_values_of_the_toplevel_are_judged() -> None:
    from labkit.course.toplevel import shared

    try:
        shared().run("let double x = 2 * x")
        assert judged(lambda trial: trial.expect_value("double 4", "8")).passed
        assert judged(lambda trial: trial.expect_value("double 4", "9")).seen == "`8`"
        assert "Run the `%%ocaml` cell" in judged(lambda trial: trial.expect_value("triple 4", "12")).look
        shared().run("let rec double x = double x")
        verdict = judged(lambda trial: trial.expect(trial.ocaml("double 4", limit=0.3) == "8", "8", ""))
        assert "time limit" in verdict.seen or "Interrupted" in verdict.seen
        os.kill(shared().pid or 0, signal.SIGKILL)  # a dead toplevel has no values
        assert not judged(lambda trial: trial.expect_value("double 4", "8")).passed
    finally:
        shared().close()
