"""The lab's magics: ``%%unikernel``, ``%unikernel`` and ``%%ocaml``; ``%load_ext labkit.ui.magics`` loads them.

Nothing here imports Jupyter: the shell hands itself in.
"""

from __future__ import annotations

from typing import Any

__all__ = ["load_ipython_extension", "register"]


def load_ipython_extension(shell: Any) -> None:
    """IPython's way to load an extension."""
    register(shell)


def register(shell: Any) -> None:
    """Make the magics known to a shell, and show the lab's errors in words. Harmless if done before."""
    from labkit.ui.magics import completion, errors
    from labkit.ui.magics.ocaml import ocaml
    from labkit.ui.magics.unikernel import unikernel_cell, unikernel_line

    def run_ocaml(line: str, cell: str) -> None:
        ocaml(shell, line, cell)

    def run_cell(line: str, cell: str) -> object:
        return unikernel_cell(shell, line, cell)

    def run_line(line: str) -> object:
        return unikernel_line(shell, line)

    shell.register_magic_function(run_ocaml, "cell", "ocaml")
    shell.register_magic_function(run_cell, "cell", "unikernel")
    shell.register_magic_function(run_line, "line", "unikernel")
    errors.install(shell)
    completion.install(shell)
