"""Notebooks against live guests are compared so that a wrong line is noticed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

pytestmark = [pytest.mark.live, pytest.mark.slow]


@pytest.fixture
def copied(root: Path, tmp_path: Path) -> Path:
    """The folder of notebooks, copied."""
    folder = tmp_path / "notebooks"
    shutil.copytree(root / "notebooks", folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "my-*"))
    shutil.copytree(root / "images" / "hello", tmp_path / "images" / "hello")
    return folder


def test_a_wrong_line_on_the_console_fails_the_comparison(copied: Path) -> None:
    path = copied / "01-console.ipynb"
    notebook = nbformat.read(path, as_version=4)
    boot = next(cell for cell in notebook.cells if cell.id == "first-boot")
    notebook.cells = notebook.cells[: notebook.cells.index(boot) + 1]
    boot.outputs[0].text = boot.outputs[0].text.replace("Hello, world!", "Hullo, world!")
    nbformat.write(notebook, path)
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env",
            "--nbval-sanitize-with", str(copied / "sanitize.cfg"), "-c", "/dev/null", str(path),
        ],
        cwd=copied, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    assert "1 failed" in done.stdout
    assert re.search(r"-.*Hullo, world!\n.*\+.*Hello, world!", done.stdout), done.stdout
    assert "01-console.ipynb, cell 'first-boot' under '3. Boot': Cell outputs differ" in done.stdout
