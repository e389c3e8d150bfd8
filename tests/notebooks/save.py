"""`make save`: make the notebooks from their masters, run them with live guests, and save them clean.

tests/notebooks/save.py [NAME...]     all of notebooks/masters/ unless named, such as 01-console
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from labkit.course.master import SOLUTIONS, masters, render

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"


def joined(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Pieces of one stream that follow each other, as one: how many came depends on the clock."""
    kept: list[nbformat.NotebookNode] = []
    for output in outputs:
        last = kept[-1] if kept else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            kept.append(output)
    return kept


def without_widgets(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Outputs without what only a running kernel can show; what else they hold stays."""
    for output in outputs:
        if "data" in output:
            output.data = nbformat.from_dict({k: v for k, v in output.data.items() if "widget" not in k})
    return [output for output in outputs if output.get("data", True)]


def save(master: Path, *, solution: bool) -> None:
    """Make, run and save one version of a notebook; its lab folder is a fresh one."""
    path = FOLDER / (SOLUTIONS if solution else "") / f"{master.stem}.ipynb"
    path.parent.mkdir(exist_ok=True)
    notebook = nbformat.from_dict(render(master.read_text(), master.stem, solution=solution))
    metadata = nbformat.from_dict(dict(notebook.metadata))
    with tempfile.TemporaryDirectory() as lab:
        os.environ["LABKIT_LAB"] = lab
        NotebookClient(
            notebook,
            timeout=300,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": str(path.parent)}},
        ).execute()
    notebook.metadata = metadata
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({"tags": cell.metadata.tags} if "tags" in cell.metadata else {})
        if cell.cell_type == "code":
            cell.outputs = joined(without_widgets(cell.outputs))
    nbformat.write(notebook, path)
    print(f"saved {path.relative_to(FOLDER)}", flush=True)


if __name__ == "__main__":
    names = {name.removesuffix(".ipynb").rpartition("/")[2] for name in sys.argv[1:]}
    for found in masters(FOLDER):
        if not names or found.stem in names:
            save(found, solution=False)
            save(found, solution=True)
