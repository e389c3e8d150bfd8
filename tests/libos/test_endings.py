"""How a unikernel ends, and what its starter is told."""

from __future__ import annotations

import re

import pytest

from labkit.errors import LabError
from labkit.guest import Reason

pytestmark = pytest.mark.live


def test_return_is_status_0(end_of) -> None:
    end, text = end_of("ending", "--how=return")
    assert (end.reason, end.status) == (Reason.EXIT, 0)
    assert text.endswith("started\n")


@pytest.mark.parametrize("status", [0, 3, 255])
def test_exit_status_passes_through(end_of, status: int) -> None:
    end, _ = end_of("ending", "--how=exit", f"--status={status}")
    assert (end.reason, end.status) == (Reason.EXIT, status)


@pytest.mark.parametrize(("how", "function"), [("raise", "fall"), ("fail", "start")])
def test_uncaught_exception_names_the_line(end_of, how: str, function: str, root) -> None:
    end, text = end_of("ending", f"--how={how}")
    assert (end.reason, end.status) == (Reason.EXIT, 2)
    found = re.search(rf'Unikernel\.{function}\S* in file "unikernel.ml", line (\d+)', text)
    assert found, text
    source = (root / "tests/images/ending/unikernel.ml").read_text().splitlines()
    assert "failwith" in source[int(found[1]) - 1]
    assert 'Failure("pushed")' in text


def test_stack_overflow_is_an_exception(end_of) -> None:
    end, text = end_of("ending", "--how=deep")
    assert end.status == 0
    assert "caught Stack_overflow" in text


@pytest.mark.parametrize("memory", [8, 16, 64])
def test_out_of_memory_is_an_exception(end_of, memory: int) -> None:
    end, text = end_of("ending", "--how=memory", memory=memory)
    assert end.status == 0
    assert "caught Out_of_memory" in text


def test_too_little_memory_is_said(start) -> None:
    """Not even the image fits: refused before the guest is made."""
    with pytest.raises(LabError, match="MiB"):
        start("ending", memory=1)


def test_wrong_argument_is_status_64(end_of) -> None:
    end, text = end_of("ending", "--how=sideways")
    assert end.status == 64
    assert "sideways" in text


def test_help_is_status_63(end_of) -> None:
    end, text = end_of("ending", "--help=plain")
    assert end.status == 63
    assert "How to end." in text
    assert "--logs" in text
