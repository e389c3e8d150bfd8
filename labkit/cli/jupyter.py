"""``labkit notebooks`` and ``labkit lab``."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import webbrowser
from pathlib import Path
from typing import Final

import click

from labkit.errors import MissingTool, UsageError
from labkit.settings import settings

__all__ = ["lab", "notebooks"]

_AT_ONCE: Final = 2
_CELL_SECONDS: Final = 300  # the longest that a cell may take, on a slow machine


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[-- PYTEST-OPTIONS…]")
def notebooks(options: tuple[str, ...]) -> int:
    """Run every notebook with live guests, as CI does, two at a time; ends with pytest's status."""
    _need("nbval", "pytest", "xdist")
    folder = _notebooks()
    command = [
        *(sys.executable, "-m", "pytest", "--nbval", f"--nbval-cell-timeout={_CELL_SECONDS}"),
        *(f"--numprocesses={_AT_ONCE}", "--dist=loadscope"),  # the cells of one notebook stay together
        *(str(folder), *options),
    ]
    return subprocess.run(command, cwd=settings().root, check=False).returncode


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[-- JUPYTER-OPTIONS…]")
def lab(no_browser: bool, options: tuple[str, ...]) -> None:
    """Open JupyterLab at the first notebook; where there is no browser, print its address."""
    _need("jupyterlab")
    folder = _notebooks()
    found = sorted(folder.glob("*.ipynb"))
    if not found:
        raise UsageError(
            f"There are no notebooks in {folder}.", next_step="Run labkit from a whole copy of the project."
        )
    first = found[0].relative_to(settings().root)
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--notebook-dir={settings().root}",
        f"--LabApp.default_url=/lab/tree/{first}",  # so that the address that is printed is the notebook's
        "--log-level=WARN",
    ]
    if no_browser or not _has_browser():
        command.append("--no-browser")
        click.echo(
            "Open the address that JupyterLab prints below in your browser; Ctrl-C here ends it.", err=True
        )
    if os.geteuid() == 0:
        command.append("--allow-root")
    command += options
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(command[0], command)  # noqa: S606  it takes our place: signals and the terminal are its own


def _notebooks() -> Path:
    folder = settings().root / "notebooks"
    if not folder.is_dir():
        raise UsageError(
            f"There is no folder {folder}.",
            next_step="Run labkit from a whole copy of the project, or set LABKIT_ROOT to one.",
        )
    return folder


def _need(*modules: str) -> None:
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise MissingTool(
                f"The Python package {module} is not installed beside labkit.",
                next_step="Run `make lab` in the project's folder, and use its .venv/bin/labkit.",
            )


def _has_browser() -> bool:
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True
