"""Each of the kernel's guards, tripped: the guest dies with the reason named, at the student's line."""

from __future__ import annotations

import re

import pytest

from labkit.guest import Reason

pytestmark = pytest.mark.live

GUARDS = {
    "write-code": "write to code (W^X",
    "write-constant": "write to constants",
    "execute-data": "execution of data (W^X",
    "execute-stack": "execution of the stack",
    "overflow-stack": "stack overflow (guard page",
    "null": "null pointer access",
    "smash": "stack smashing detected",
    "unmapped": "write to unmapped memory",
    "invalid": "invalid instruction",
    "abort": "abort",
}


@pytest.mark.parametrize("how", GUARDS)
def test_guard_names_the_reason(end_of, how: str) -> None:
    end, text = end_of("trip", f"--how={how}")
    assert end.reason is Reason.PANIC
    assert end.status == 255
    assert GUARDS[how] in end.detail
    assert f"Kernel panic: {GUARDS[how]}" in text
    assert "still alive" not in text


@pytest.mark.parametrize("how", sorted(GUARDS.keys() - {"smash"}))  # a smashed stack cannot be walked
def test_panic_shows_the_ocaml_line(end_of, how: str) -> None:
    _, text = end_of("trip", f"--how={how}")
    assert re.search(r'Called from \S*Unikernel\.trip in file "unikernel.ml", line \d+', text)
