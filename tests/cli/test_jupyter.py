"""``labkit notebooks`` and ``labkit lab``: what they start, shown by stand-ins that print their arguments."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def stand_ins(tmp_path: Path, root: Path) -> dict[str, str]:
    """An environment in which JupyterLab and pytest only tell how they were started."""
    for name in ("jupyterlab", "pytest", "nbval", "xdist"):
        package = tmp_path / "stand-ins" / name
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text("import sys; print(sys.argv[1:]); sys.exit(5)")
    return {
        **os.environ,
        "PYTHONPATH": f"{tmp_path / 'stand-ins'}:{root}",
        "LABKIT_ROOT": str(root),
        "DISPLAY": "",
    }


def labkit(*words: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "labkit", *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_notebooks_runs_nbval_and_passes_its_status(stand_ins: dict[str, str], root: Path) -> None:
    done = labkit("notebooks", "--", "-x", env=stand_ins)
    words = ast.literal_eval(done.stdout)
    assert words[0] == "--nbval"
    assert words[-2:] == [str(root / "notebooks"), "-x"]
    assert "--dist=loadscope" in words, "the cells of a notebook share a kernel"
    assert done.returncode == 5


def test_lab_opens_the_first_notebook(stand_ins: dict[str, str], root: Path) -> None:
    done = labkit("lab", "--", "--port=0", env=stand_ins)
    first = min((root / "notebooks").glob("*.ipynb"))
    assert f"default_url=/lab/tree/{first.relative_to(root)}" in done.stdout
    assert "'--port=0'" in done.stdout
    assert "'--no-browser'" in done.stdout, "there is no display"
    assert ("'--allow-root'" in done.stdout) == (os.geteuid() == 0)
    assert "address" in done.stderr


def test_without_jupyter(tmp_path: Path, root: Path) -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); from labkit.cli import main; sys.exit(main(['lab']))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.modules['jupyterlab'] = None; {code}", str(root)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 125
    assert "make lab" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("verb", ["lab", "notebooks"])
def test_without_notebooks(stand_ins: dict[str, str], tmp_path: Path, verb: str) -> None:
    done = labkit(verb, env={**stand_ins, "LABKIT_ROOT": str(tmp_path)})
    assert done.returncode == 125
    assert "LABKIT_ROOT" in done.stderr
