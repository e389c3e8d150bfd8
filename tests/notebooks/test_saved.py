"""Saved notebooks are clean: run once from top to bottom, with nothing in them that belongs to one machine."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted([*FOLDER.glob("*.ipynb"), *FOLDER.glob("solutions/*.ipynb")])
MACHINE_PATH = re.compile(r"(?<![\w.~/-])/(?:home|root|tmp|work|Users|var|run|opt|mnt)/")


def cells(notebook: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def faults(notebook: dict[str, Any]) -> list[str]:
    """Everything that is wrong with a saved notebook."""
    found = []
    if notebook["metadata"].keys() - {"kernelspec", "language_info"}:
        found.append(f"metadata: {sorted(notebook['metadata'])}")
    if notebook["metadata"].get("kernelspec", {}).get("name") != "python3":
        found.append("it is not for the kernel python3")
    if notebook["metadata"].get("language_info", {}).keys() - {"name"}:
        found.append("language_info says which Python ran it")
    counts = [cell["execution_count"] for cell in cells(notebook, "code")]
    if counts != list(range(1, len(counts) + 1)):
        found.append(f"cells were not run once, from top to bottom: {counts}")
    for cell in notebook["cells"]:
        if cell["metadata"].keys() - {"tags"}:
            found.append(f"{cell['id']}: metadata {sorted(cell['metadata'])}")
        if not "".join(cell["source"]).strip():
            found.append(f"{cell['id']}: an empty cell")
        for output in cell.get("outputs", []):
            if output["output_type"] == "error":
                found.append(f"{cell['id']}: an error was saved")
            if any("widget" in kind for kind in output.get("data", {})):
                found.append(f"{cell['id']}: widget state was saved")
            if MACHINE_PATH.search(json.dumps(output)):
                found.append(f"{cell['id']}: a path of one machine was saved")
    return found


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.relative_to(FOLDER)))
def test_saved_clean(path: Path) -> None:
    notebook = json.loads(path.read_text())
    nbformat.validate(nbformat.from_dict(notebook))
    assert faults(notebook) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.relative_to(FOLDER)))
def test_each_notebook_has_its_parts(path: Path) -> None:
    prose = "\n".join("".join(cell["source"]) for cell in cells(json.loads(path.read_text()), "markdown"))
    for part in ("**Goal.**", "**Time.**", "## Clean up"):
        assert part in prose, part
    pictures = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", prose)
    assert pictures, "a picture of what is built"
    for words, file in pictures:
        assert words.strip(), f"{file} needs words for those who do not see it"
        assert (path.parent / file).is_file(), file


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda nb: nb["metadata"].update(widgets={}), "metadata"),
        (lambda nb: nb["metadata"]["language_info"].update(version="3.11.2"), "which Python"),
        (lambda nb: nb["cells"][1].update(execution_count=7), "from top to bottom"),
        (lambda nb: nb["cells"][1]["outputs"].append({"output_type": "error"}), "an error"),
        (lambda nb: nb["cells"][1]["outputs"][0].update(text=["/home/ada/lab"]), "a path"),
        (
            lambda nb: nb["cells"][1]["outputs"].append(
                {"output_type": "display_data", "data": {"application/vnd.jupyter.widget-view+json": {}}}
            ),
            "widget state",
        ),
    ],
)
def test_a_spoiled_notebook_is_noticed(spoil: Any, named: str) -> None:
    notebook: dict[str, Any] = {
        "metadata": {"kernelspec": {"name": "python3"}, "language_info": {"name": "python"}},
        "cells": [
            {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# A"]},
            {
                "cell_type": "code", "id": "b", "metadata": {}, "source": ["1"], "execution_count": 1,
                "outputs": [{"output_type": "stream", "name": "stdout", "text": ["1"]}],
            },
        ],
    }  # fmt: skip
    assert faults(notebook) == []
    spoil(notebook)
    assert any(named in fault for fault in faults(notebook)), faults(notebook)
