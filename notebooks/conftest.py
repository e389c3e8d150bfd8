"""For nbval: each notebook has a lab folder of its own, and what broke is said in the notebook's own terms."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import tempfile
from collections.abc import Generator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

_LABS = pytest.StashKey[Path]()  # the folder of this process's lab folders
_BROKE = "broke"  # the property of a report that says what broke, and where


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Give a notebook its lab folder, before its kernel starts, which inherits what is set here."""
    stash = item.config.stash
    if _LABS not in stash:
        stash[_LABS] = Path(tempfile.mkdtemp(prefix="labkit-lab-"))
    os.environ["LABKIT_LAB"] = str(stash[_LABS] / blake2b(str(item.path).encode(), digest_size=8).hexdigest())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove the lab folders; in a worker of xdist nothing is called later."""
    if labs := session.config.stash.get(_LABS, None):
        shutil.rmtree(labs, ignore_errors=True)


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """The lines in which an output differs from the saved one; nbval asks for them."""
    if op != "==" or not (isinstance(left, str) and isinstance(right, str)):
        return None
    between_tags = re.compile(r"(?<=>)(?=[^\n<])|(?<=[^\n>])(?=<)")
    saved, now = (between_tags.sub("\n", text).splitlines() for text in (left, right))
    return list(difflib.unified_diff(saved, now, "saved", "now", n=1, lineterm=""))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: Any, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note of a cell that failed where it stands and what happened: pytest knows only its number."""
    report = yield
    if report.failed and call.excinfo and hasattr(item, "cell"):
        report.user_properties.append((_BROKE, f"{_place(item)}: {_what(item, call.excinfo.value)}"))
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say of each notebook what broke first: what comes after it may come from it."""
    broke: dict[str, list[str]] = {}
    for report in [*terminalreporter.getreports("failed"), *terminalreporter.getreports("error")]:
        notebook = report.nodeid.partition("::")[0]
        broke.setdefault(notebook, []).extend(text for name, text in report.user_properties if name == _BROKE)
    if not any(broke.values()):
        return
    terminalreporter.section("what broke")
    for notebook, texts in broke.items():
        for number, text in enumerate(texts):
            terminalreporter.line(f"{notebook}, {text}" if number == 0 else f"    then {text}")
    terminalreporter.line(
        "Details are above. Look at it with `labkit lab`; `make save` saves new outputs, if they are right."
    )


def _place(item: Any) -> str:
    heading = ""
    for cell in item.parent.nb.cells:
        if cell is item.cell:
            break
        if cell.cell_type == "markdown" and (found := re.findall(r"^#+ (.*)", cell.source, re.MULTILINE)):
            heading = found[-1]
    return f"cell {item.cell.id!r} under {heading!r}"


def _what(item: Any, error: BaseException) -> str:
    for output in item.test_outputs or []:
        if output.output_type == "error":
            return f"{output.ename}: {(output.evalue.splitlines() or [''])[0]}"
    return str(error)
