"""Exercises of 01-console."""

from __future__ import annotations

import threading
import time

from labkit.course.exercise import Exercise, Lesson
from labkit.course.trial import Trial

__all__ = ["LESSON"]

PAUSE = 0.2  # seconds that the countdown waits between two numbers


def greeting(trial: Trial) -> None:
    """Another greeting, and the argument still works."""
    image = trial.image("hello")
    trial.expect_logged(
        trial.run(image, "--pause=1"),
        ["Good morning!"] * 4,
        "The greeting is the default value of the argument `hello`.",
    )
    trial.expect_logged(
        trial.run(image, "--hello=Good night!", "--count=1"),
        ["Good night!"],
        "Change the default value of the argument, not the place where it is used.",
    )


def argument(trial: Trial) -> None:
    """A new argument."""
    image = trial.image("hello", "greeter")
    trial.expect_logged(
        trial.run(image, "--who=Ada"),
        ["Hello, Ada!"],
        "Define an argument `who` as `hello` is defined further up, and log its value.",
    )
    trial.expect_logged(
        trial.run(image, "--who=Grace Hopper"), ["Hello, Grace Hopper!"], "Log what the argument says."
    )
    trial.expect_logged(trial.run(image), ["Hello, world!"], "Look at the argument's default value.")


def dialogue(trial: Trial) -> None:
    """It answers each line, until an empty one."""
    image = trial.image("hello", "dialogue")
    look = "After an answer it has to read the next line: a function that calls itself, let rec."
    with trial.guest(image, look=look) as guest:
        for name in ("Ada", "Grace"):
            guest.console.send(f"{name}\n")
            guest.console.expect(f"Hello, {name}!")
            trial.expect(True, f"the answer `Hello, {name}!` to `{name}`", "")
        guest.console.send("\n")
        ending = guest.wait(10)
    trial.expect(ending.status == 0, "an end with status 0 after an empty line", ending.detail, look)


def countdown(trial: Trial) -> None:
    """A number, a pause, the next number."""
    image = trial.image("hello", "countdown")
    ran = trial.run(image, "--from=3")
    trial.expect_logged(ran, ["3", "2", "1", "Lift-off!"], "What is logged when nothing remains?")
    arrived: list[float] = []
    begun = threading.Event()

    def note(piece: bytes) -> None:
        if piece:
            arrived.append(time.monotonic())
            begun.set()

    with trial.guest(image, "--from=6") as guest:
        guest.console.subscribe(note)
        guest.wait(30)
    seconds = arrived[-1] - arrived[0] if begun.is_set() else 0.0
    least = 6 * PAUSE
    trial.expect(
        seconds >= least / 2,  # a slow machine may be late with the first line, not with half of them
        f"that `--from=6` takes {least:.1f} s from the first line to the last",
        f"{seconds:.2f} s",
        "`Mirage_sleep.ns` only promises: what comes later must stand behind `>>=`.",
    )


def status(trial: Trial) -> None:
    """The exit status that is asked for."""
    image = trial.image("hello", "status")
    for wanted in (0, 7, 42):
        trial.expect_status(
            trial.run(image, f"--status={wanted}"), wanted, "`exit` ends the unikernel with a status."
        )


def uncaught(trial: Trial) -> None:
    """What is the status of a unikernel that does not catch an exception?"""
    ran = trial.run(trial.image("hello", "unlucky"))
    trial.expect(
        "exception" in ran.output,
        "that your copy `unlucky` raises an exception",
        f"exit status {ran.exit.status}, and no exception",
        "Run the cell above that begins with `%%unikernel hello unlucky`.",
    )
    trial.expect_given(
        lambda answer: answer == ran.exit.status,
        "the status that this guest has just ended with",
        "Run the unikernel above, and look at the status of what comes of it.",
    )


def caught(trial: Trial) -> None:
    """An error that is foreseen is told in words."""
    image = trial.image("hello", "half")
    good = trial.run(image, "--number=84")
    trial.expect_logged(good, ["half is 42"], "Leave the good case as it is.")
    bad = trial.run(image, "--number=many")
    trial.expect_status(bad, 3, "`int_of_string` raises `Failure _`: catch it, and `exit 3`.")
    trial.expect_logged(
        bad, ["not a number: many"], "Log the text before you `exit`; `Logs.err` is for errors."
    )


LESSON = Lesson(
    "01-console",
    (
        Exercise(
            "greeting",
            "Let it say `Good morning!` unless it is told otherwise.",
            greeting,
            (
                "You need to change one text only.",
                'It is the default value: the text behind `opt string`. Now it is `"Hello, world!"`.',
                '`Mirage_runtime.register_arg Arg.(value & opt string "Good morning!" doc)`',
            ),
        ),
        Exercise(
            "argument",
            "Let `--who=NAME` say who is greeted.",
            argument,
            (
                "Two places: the argument has to be defined, and its value has to be used.",
                'The argument looks like `hello` above, with the name `"who"` and the default value `"world"`.',
                'Use it as `who ()`: `Logs.info (fun log -> log "Hello, %s!" (who ()))`',
            ),
        ),
        Exercise(
            "dialogue",
            "Let it answer every line, and end after an empty one.",
            dialogue,
            (
                "After the answer, the function has to do the same once more.",
                "A function that calls itself is defined by `let rec`.",
                'In the last case: `Printf.printf "Hello, %s!\\n%!" name; converse ()`',
            ),
        ),
        Exercise(
            "countdown",
            "Count down to 1, with a pause after each number, and then log `Lift-off!`.",
            countdown,
            (
                "`hello` does nearly the same: look at its `greet`.",
                "The case of 0 logs `Lift-off!` and is done. The other logs the number, sleeps, and counts on.",
                "`Mirage_sleep.ns (Duration.of_ms 200) >>= fun () -> count (remaining - 1)`",
            ),
        ),
        Exercise(
            "status",
            "End with the exit status that `--status` asks for.",
            status,
            (
                "Returning from `start` is status 0. There is another way to end.",
                "`exit` takes a status. It never returns, so it fits where any type is wanted.",
                "`exit (status ())` as the last thing in `start`.",
            ),
        ),
        Exercise(
            "uncaught",
            "What is the exit status after an exception that nobody catches?",
            uncaught,
            ("`labkit.run(unlucky).status` is a number.",),
        ),
        Exercise(
            "caught",
            "Refuse what is not a number: an error in the log, and exit status 3.",
            caught,
            (
                "`match … with` can also say what is to be done with an exception.",
                "A case for it looks like `| exception Failure _ -> …`.",
                '`| exception Failure _ -> Logs.err (fun log -> log "not a number: %s" (number ())); exit 3`',
            ),
        ),
    ),
)
