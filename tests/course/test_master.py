"""labkit.course.master: one text, two notebooks; and what is saved is what the masters give."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from labkit.course.master import SOLUTIONS, MasterError, masters, read, render

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"

MASTER = textwrap.dedent('''\
    # Title

    Prose with ![a picture](pictures/a.svg), [a page](https://example.org) and [a place](#place).

    ```sh
    python is no cell here
    ```

    ## Part

    ```python id="task" tags=["slow"]
    %%unikernel hello
    before
    (* BEGIN STARTER *)
    starter
    (* BEGIN SOLUTION *)
    solution
    (* END *)
    after
    ```

    ```python
    # BEGIN SOLUTION
    only here
    # END
    """
    (* BEGIN of something else *)
    ```
    ''')


def test_two_versions() -> None:
    student = render(MASTER, "x", solution=False)["cells"]
    teacher = render(MASTER, "x", solution=True)["cells"]
    assert [cell["cell_type"] for cell in student] == ["markdown", "markdown", "code", "code"]
    assert [cell["id"] for cell in student] == [cell["id"] for cell in teacher]
    assert student[2]["source"] == "%%unikernel hello\nbefore\nstarter\nafter"
    assert teacher[2]["source"] == "%%unikernel hello\nbefore\nsolution\nafter"
    assert student[2]["id"] == "task"
    assert student[2]["metadata"] == {"tags": ["slow"]}
    assert "only here" not in student[3]["source"]
    assert "only here" in teacher[3]["source"]
    assert "python is no cell here" in student[0]["source"]
    assert "](../pictures/a.svg)" in teacher[0]["source"]
    assert "](https://example.org)" in teacher[0]["source"]
    assert "](#place)" in teacher[0]["source"]
    assert "](pictures/a.svg)" in student[0]["source"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("```python\nx\n", "not closed"),
        ("```python\n# BEGIN STARTER\nx\n```", "no END"),
        ("```python\n# END\n```", "cannot follow"),
        ("```python\n# BEGIN SOLUTION\n# BEGIN STARTER\n# END\n```", "cannot follow"),
        ('```python id="a"\nx\n```\n```python id="a"\ny\n```', "id of two cells"),
        ("```python slow\nx\n```", "cannot be taken"),
    ],
)
def test_a_fault_is_named(text: str, words: str) -> None:
    with pytest.raises(MasterError, match=words):
        read(text)


def test_there_are_masters() -> None:
    assert {path.stem for path in masters(NOTEBOOKS)} == {path.stem for path in NOTEBOOKS.glob("*.ipynb")}


@pytest.mark.parametrize("solution", [False, True], ids=["student", "solution"])
@pytest.mark.parametrize("master", masters(NOTEBOOKS), ids=lambda path: path.stem)
def test_what_is_saved_is_what_the_master_gives(master: Path, solution: bool) -> None:
    path = NOTEBOOKS / (SOLUTIONS if solution else "") / f"{master.stem}.ipynb"
    saved = [
        (cell["id"], cell["cell_type"], "".join(cell["source"]), cell["metadata"])
        for cell in json.loads(path.read_text())["cells"]
    ]
    made = [
        (cell["id"], cell["cell_type"], cell["source"], cell["metadata"])
        for cell in render(master.read_text(), master.stem, solution=solution)["cells"]
    ]
    assert saved == made, "run `make save`"


def test_the_template_can_be_read() -> None:
    assert read((NOTEBOOKS / "masters" / "TEMPLATE.md").read_text())
