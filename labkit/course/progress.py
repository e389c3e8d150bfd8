"""What a student has done so far, kept in the lab folder: ``progress.json``."""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from labkit.errors import HostError
from labkit.settings import settings

__all__ = ["FILE", "Record", "note_hint", "note_verdict", "read"]

FILE = "progress.json"
_FORMAT = 1


@dataclass
class Record:
    """What is known of one exercise.

    Attributes:
        passed: when it was passed first (ISO 8601, UTC); empty if it never was.
        last: the outcome of the last check; empty if there was none.
        attempts: how often it was checked.
        hints: how many hints were asked for.
    """

    passed: str = ""
    last: str = ""
    attempts: int = 0
    hints: int = 0


def read(lesson: str) -> dict[str, Record]:
    """The records of a lesson's exercises, by name. An unreadable file counts as none; it is not touched."""
    try:
        whole = _parse((settings().lab / FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return _records(whole, lesson)


def note_verdict(lesson: str, exercise: str, outcome: str, *, passed: bool) -> Record:
    """Keep what a check said.

    Raises:
        HostError: the lab folder cannot be written to.
    """
    with _record(lesson, exercise) as record:
        record.attempts += 1
        record.last = outcome
        if passed and not record.passed:
            record.passed = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return record


def note_hint(lesson: str, exercise: str, most: int) -> Record:
    """Count one more hint, up to ``most``.

    Raises:
        HostError: the lab folder cannot be written to.
    """
    with _record(lesson, exercise) as record:
        record.hints = min(record.hints + 1, most)
    return record


@contextmanager
def _record(lesson: str, exercise: str) -> Iterator[Record]:
    """One record, to be changed; ours alone, since two notebooks may be open."""
    folder = settings().lab
    path = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f".{FILE}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            whole = _load(path)
            records = _records(whole, lesson)
            record = records.setdefault(exercise, Record())
            yield record
            whole["lessons"][lesson] = {name: asdict(one) for name, one in records.items()}
            temporary = path.with_name(f".{FILE}.{os.getpid()}")
            temporary.write_text(json.dumps(whole, indent=1) + "\n")
            temporary.replace(path)
    except OSError as error:
        raise HostError(
            f"Your progress cannot be kept in {path}: {error.strerror}.",
            next_step="Mend its permissions, make room, or set LABKIT_LAB to a folder of yours.",
        ) from error


def _load(path: Path) -> dict[str, Any]:
    try:
        return _parse(path.read_bytes())
    except FileNotFoundError:
        pass
    except ValueError:  # damaged: kept aside, in case somebody can read it
        number = 1
        while (aside := path.with_name(f"{FILE}.damaged-{number}")).exists():
            number += 1
        path.replace(aside)
    return {"format": _FORMAT, "lessons": {}}


def _parse(content: bytes) -> dict[str, Any]:
    whole = json.loads(content)
    if not isinstance(whole, dict) or whole.get("format") != _FORMAT:
        raise ValueError("not a record of progress")
    if not isinstance(whole.get("lessons"), dict):
        raise ValueError("no lessons")  # noqa: TRY004  all of it is one kind of damage
    return whole


def _records(whole: dict[str, Any], lesson: str) -> dict[str, Record]:
    found = {}
    known = {field.name: field.type for field in fields(Record)}
    entries = whole["lessons"].get(lesson)
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        kept = {
            key: value
            for key, value in (entry.items() if isinstance(entry, dict) else ())
            if key in known and type(value) is type(getattr(Record(), key))
        }
        found[name] = Record(**kept)
    return found
