"""Exercises of appendix-ocaml."""

from __future__ import annotations

from labkit.course.exercise import Exercise, Lesson
from labkit.course.trial import Trial

__all__ = ["LESSON"]


def greet(trial: Trial) -> None:
    """A function of two arguments."""
    look = "`^` joins two texts."
    trial.expect_value('greet "Hello" "Ada"', '"Hello, Ada!"', look)
    trial.expect_value('greet "Good morning" "Grace"', '"Good morning, Grace!"', look)


def seconds(trial: Trial) -> None:
    """A match over a type of one's own."""
    look = "One case for each constructor, as in `area`."
    trial.expect_value("seconds (Seconds 5)", "5", look)
    trial.expect_value("seconds (Minutes 2)", "120", look)
    trial.expect_value("seconds Never", "0", look)


def total(trial: Trial) -> None:
    """A recursion over a list."""
    trial.expect_value("total []", "0", "What is the sum of no numbers?")
    look = "The sum is the first, plus the total of the rest. Without `rec`, `total` is the one from before."
    trial.expect_value("total [ 5 ]", "5", look)
    trial.expect_value("total [ 1; 2; 3; 4 ]", "10", look)


def later(trial: Trial) -> None:
    """A promise that uses another's value."""
    look = "Behind `>>=` stands a function that takes the value: `fun x -> …`."
    trial.expect_value("Lwt_main.run (add_later (Lwt.return 1) (Lwt.return 2))", "3", look)
    trial.expect_value(
        "Lwt_main.run (add_later (Lwt.return 40) (Lwt.map (fun () -> 2) (Lwt_unix.sleep 0.01)))",
        "42",
        look,
    )
    trial.expect_value("Lwt.is_sleeping (add_later (fst (Lwt.wait ())) (Lwt.return 2))", "true", look)


LESSON = Lesson(
    "appendix-ocaml",
    (
        Exercise(
            "greet",
            'Let `greet "Hello" "Ada"` be `"Hello, Ada!"`.',
            greet,
            (
                "Texts are joined by `^`, and the comma and the blank are a text too.",
                '`let greet word name = word ^ ", " ^ …`',
            ),
        ),
        Exercise(
            "seconds",
            "Let `seconds` tell how long a `pause` is; `Never` is 0.",
            seconds,
            (
                "A `match` with three cases, one for each constructor of the type.",
                "`| Minutes m -> 60 * m`",
            ),
        ),
        Exercise(
            "total",
            "Let `total` add up a list of numbers.",
            total,
            (
                "Two cases: the empty list, and a first element with the rest.",
                "`| first :: rest -> first + …`, where the function calls itself; so it needs `let rec`.",
                "`let rec total = function [] -> 0 | first :: rest -> first + total rest`",
            ),
        ),
        Exercise(
            "later",
            "Let `add_later` promise the sum of what two promises will give.",
            later,
            (
                "First wait for one, then for the other, then return the sum.",
                "`a >>= fun x -> …`, and within it the same for `b`.",
                "`a >>= fun x -> b >>= fun y -> Lwt.return (x + y)`",
            ),
        ),
    ),
)
