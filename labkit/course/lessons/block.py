"""Exercises of 02-block."""

from __future__ import annotations

from labkit.course.exercise import Exercise, Lesson
from labkit.course.trial import Trial
from labkit.errors import GuestError
from labkit.host.disk import Disk
from labkit.host.faults import Faults

__all__ = ["LESSON"]

SECTOR = 512
NOTHING = "nothing by nobody"
_TRIES = 10


def copy(trial: Trial) -> None:
    """One sector becomes another one's copy."""
    image = trial.image("block", "copy")
    for source, target in ((0, 1), (9, 4)):
        disk = trial.disk("64 KiB")
        content = f"sector {source} of a test ".encode().ljust(SECTOR, b"x")
        disk.write(source, content)
        before = disk.snapshot()
        ran = trial.run(image, f"--from={source}", f"--into={target}", disks={"storage": disk})
        trial.expect_status(ran, 0)
        trial.expect(
            disk.read(target) == content,
            f"that sector {target} is what sector {source} is, after `{ran.command}`",
            f"sector {target} begins with {disk.read(target)[:24]!r}",
            "`Storage.write` looks like `Storage.read`: the device, a sector, a list of buffers.",
        )
        changed = list(disk.diff(before).sectors)
        trial.expect(
            changed == [target],
            f"that only sector {target} has changed",
            f"changed: {changed}",
            "Write one sector.",
        )


def _play(trial: Trial, copy_name: str, disk: Disk, score: int, best: int, look: str) -> None:
    ran = trial.run(trial.image("block", copy_name), f"--score={score}", disks={"storage": disk})
    trial.expect_logged(ran, [f"the best: {best}"], look)


def best(trial: Trial) -> None:
    """The best score survives reboots and worse games."""
    look = "Which of two numbers is the best: what was found, or the score of this game?"
    for games in (((10, 10), (30, 30), (20, 30), (5, 30)), ((7, 7), (3, 7), (8, 8))):
        disk = trial.disk("64 KiB")
        for score, expected in games:
            _play(trial, "best", disk, score, expected, look)


def fault(trial: Trial) -> None:
    """What cannot be read is not taken for nothing."""
    image = trial.image("block", "careful")
    disk = trial.disk("64 KiB")
    _play(trial, "careful", disk, 30, 30, "Leave the good case as it is.")
    before = disk.snapshot()
    flaky = disk.with_faults(Faults().fail_reads(0, once=True))
    ran = trial.run(image, "--score=5", disks={"storage": flaky})
    trial.expect(
        not disk.diff(before),
        "that the disk stays as it is if it cannot be read",
        f"sector 0 begins with {disk.read(0)[:8]!r}",
        "What does `read` return for an `Error`, and what is then written?",
    )
    trial.expect_status(ran, 1, "`exit 1`, as `write` does it.")
    trial.expect(
        "[ERROR]" in ran.output,
        "an error in the log",
        ran.output.strip() or "nothing",
        "`Logs.err` is for errors.",
    )
    _play(trial, "careful", disk, 20, 30, "The next read is good again: the score of 30 must be there.")


def slots(trial: Trial) -> None:
    """A record is never torn, and an older one is there if the newest is."""
    image = trial.image("block", "slots")
    disk = trial.disk("64 KiB")

    def found() -> str:
        ran = trial.run(image, disks={"storage": disk})
        return ran.logged[0].removeprefix("the best: ") if ran.logged else ran.output.strip()

    def play(score: int, player: str) -> None:
        ran = trial.run(image, f"--score={score}", f"--player={player}", disks={"storage": disk})
        trial.expect_status(ran, 0)

    play(10, "Ada")
    last = "10 by Ada"
    trial.expect(found() == last, f"the record `{last}` after Ada's game", found(), "Leave reading as it is.")
    for score, player in ((99, "Bob"), (98, "Cleo")):
        with trial.guest(
            image,
            f"--score={score}",
            f"--player={player}",
            disks={"storage": disk.with_power_cut(1, lose="nothing")},
        ) as guest:
            guest.wait()
        trial.expect(
            found() == last,
            f"the record `{last}`, when the power failed between the two writes of {player}'s game",
            f"`{found()}`",
            "The newest slot is the only good copy: which one may be written over?",
        )
        play(score + 1, player)
        last = f"{score + 1} by {player}"
        trial.expect(found() == last, f"the record `{last}` after the next whole game", f"`{found()}`")


def boots(trial: Trial) -> None:
    """A number that was said is kept, whatever happens next."""
    image = trial.image("store", "boots")
    disk = trial.disk("1 MiB")
    look = "`Store.set store key …` gives a promise: what comes after it stands behind `>>=` or `>|=`."
    for number in (1, 2):
        trial.expect_logged(trial.run(image, disks={"storage": disk}), [f"boot {number}"], look)
    before = disk.snapshot()
    for left in reversed(range(_TRIES)):
        with trial.guest(image, disks={"storage": disk.with_cache()}) as guest:
            guest.console.expect("boot 3")
            try:
                guest.power_cut(lose="unflushed")
                break
            except GuestError:  # it ended, in order, before its power was cut
                if not left or guest.wait().status != 0:
                    raise
        disk.restore(before)
    trial.expect_logged(trial.run(image, disks={"storage": disk}), ["boot 4"], look)


LESSON = Lesson(
    "02-block",
    (
        Exercise(
            "copy",
            "Write what was read from the sector `--from` to the sector `--into`.",
            copy,
            (
                "The buffer holds the sector. Writing it gives a promise, which is the last thing in `start`.",
                "`Storage.write` takes what `Storage.read` takes: the device, a sector, a list of buffers.",
                "In their place: `Storage.write storage (into ()) [ buffer ] >|= must Storage.pp_write_error`",
            ),
        ),
        Exercise(
            "best",
            "Keep the best score over reboots.",
            best,
            (
                "`found` is what the games before have left; it is read, and then ignored.",
                "`max a b` is the greater of two numbers.",
                "`let best = max found (score ()) in`",
            ),
        ),
        Exercise(
            "fault",
            "Leave the disk as it is where it cannot be read: log an error, and end with status 1.",
            fault,
            (
                "An error and a score of 0 are not the same. Where do they become the same?",
                "In `read`, in the case of `Error _`. `write` shows what to do with an error.",
                '`| Error error -> Logs.err (fun log -> log "not read: %a" Storage.pp_error error); exit 1`',
            ),
        ),
        Exercise(
            "slots",
            "Keep the last whole record when the power fails in the midst of a game.",
            slots,
            (
                "Follow it with a pencil: which sectors are written, if the newest record is in slot 0?",
                "The slots are 0 and 1. You want the other one.",
                "`let slot = 1 - newest in`",
            ),
        ),
        Exercise(
            "boots",
            "Count the boots, and say no number that could be lost.",
            boots,
            (
                "The number has to be set before it is said.",
                "`Store.set store key (string_of_int boots)` sets it. It can fail, like `Storage.write`.",
                "Begin with `Store.set store key (string_of_int boots) >|= function`; log in the case `Ok ()`.",
            ),
        ),
    ),
)
