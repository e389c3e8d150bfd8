"""labkit.ui.extension: in IPython, things show themselves; elsewhere nothing is loaded for that."""

from __future__ import annotations

import subprocess
import sys

import pytest

from labkit.guest.guest import Exit, Reason


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_outside_of_ipython_import_loads_no_ui() -> None:
    told = python("import sys, labkit; print([m for m in sys.modules if m.startswith('labkit.ui')])")
    assert told == "[]\n"


def test_with_ipython_imported_but_no_shell_nothing_happens() -> None:
    told = python("import IPython, sys, labkit; print([m for m in sys.modules if m.startswith('labkit.ui')])")
    assert told == "[]\n"


def test_in_a_shell_importing_is_enough_and_loads_little() -> None:
    told = python(
        "from IPython.core.interactiveshell import InteractiveShell as S; import sys\n"
        "shell = S.instance(); import labkit\n"
        "print(sorted(m for m in sys.modules if m.startswith('labkit.') or m in ('ipywidgets', 'anywidget')))\n"
        "from labkit.guest.guest import Exit, Reason\n"
        "data, _ = shell.display_formatter.format(Exit(0, Reason.EXIT, 'x', stamps={'kernel': 0, 'start': 5}))\n"
        "print(data['text/plain'], '<img' in data['text/html'])"
    )
    assert told == "['labkit.ui', 'labkit.ui.extension']\n<Boot> True\n"


def test_load_ext_loads_the_magics_too_and_can_be_done_again() -> None:
    told = python(
        "from IPython.core.interactiveshell import InteractiveShell as S\n"
        "shell = S.instance()\n"
        "for verb in ('load_ext', 'load_ext', 'reload_ext'): shell.run_line_magic(verb, 'labkit')\n"
        "print('unikernel' in shell.magics_manager.magics['cell'])"
    )
    assert told.endswith("True\n")


def test_the_layers_below_know_nothing_of_it() -> None:
    pytest.importorskip("IPython")
    ending = Exit(0, Reason.EXIT, "x")
    assert not any(hasattr(ending, name) for name in ("_repr_html_", "_repr_mimebundle_"))
