"""The magics in a real kernel: what a cell shows, an interrupt, the end of the kernel."""

from __future__ import annotations

import os
import re
import select
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

jupyter_client = pytest.importorskip("jupyter_client")


class Kernel:
    """A kernel with the magics loaded."""

    def __init__(self, manager: Any, client: Any) -> None:
        self.manager = manager
        self.client = client

    def run(self, code: str, when_printed: str = "", act: Any = None) -> dict[str, str]:
        """Run a cell; give its texts by kind, once it is idle. May act once a text is printed."""
        waiting = [act] if act else []
        got = {"stdout": "", "stderr": "", "error": "", "result": ""}

        def take(message: Any) -> None:
            content = message["content"]
            match message["msg_type"]:
                case "stream":
                    got[content["name"]] += content["text"]
                    if waiting and when_printed in got["stdout"]:
                        waiting.pop()()
                case "error":
                    got["error"] += "\n".join(content["traceback"])
                case "execute_result" | "display_data":
                    got["result"] += content["data"].get("text/plain", "")

        self.client.execute_interactive(code, output_hook=take, timeout=60)
        return got


@pytest.fixture
def kernel(tmp_path: Path, root: Path) -> Iterator[Kernel]:
    env = os.environ | {"LABKIT_LAB": str(tmp_path / "lab")}
    manager, client = jupyter_client.manager.start_new_kernel(
        kernel_name="python3", env=env, cwd=str(root / "notebooks")
    )
    try:
        started = Kernel(manager, client)
        assert started.run("%load_ext labkit.ui.magics")["error"] == ""
        yield started
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def test_ocaml_in_a_kernel(kernel: Kernel) -> None:
    assert kernel.run("%%ocaml\nlet x = 20;;\nx + 1")["stdout"] == "val x : int = 20\n- : int = 21\n"

    # An error stands at the cell's own line, and its Python frames are not shown.
    error = kernel.run('%%ocaml\nlet y = x + 1\nlet z =\n  y + "one"')["error"]
    assert '4 |   y + "one"' in error
    assert "Traceback" not in error
    assert "session.py" not in error
    assert '5 |   y + "one"' in kernel.run('\n%%ocaml\nlet y = x + 1\nlet z =\n  y + "one"')["error"]

    # An error that is wanted is shown, and its absence is an error.
    shown = kernel.run('%%ocaml --expect-error\n1 + "one"')
    assert "type string" in shown["stdout"]
    assert shown["error"] == ""
    assert "has none" in kernel.run("%%ocaml --expect-error\n1 + 1")["error"]
    assert "There is no option --nope" in kernel.run("%%ocaml --nope\n1")["error"]
    assert "ran longer than 0.2 s" in kernel.run("%%ocaml --limit 0.2\nwhile true do () done")["error"]

    # The kernel's interrupt ends the cell, not the toplevel.
    code = '%%ocaml --limit 60\nprint_endline "go";;\nwhile true do () done'
    told = kernel.run(code, when_printed="go", act=kernel.manager.interrupt_kernel)
    assert "Interrupted" in told["error"]
    assert kernel.run("%%ocaml\nx")["stdout"] == "- : int = 20\n"

    # The toplevel dies with its kernel.
    pid = int(kernel.run("from labkit.course.toplevel import shared\nshared().pid")["result"])
    end = os.pidfd_open(pid)
    try:
        kernel.manager.signal_kernel(signal.SIGKILL)
        assert select.select([end], [], [], 10)[0]
    finally:
        os.close(end)


def test_unikernel_in_a_kernel(kernel: Kernel, root: Path, tmp_path: Path) -> None:
    original = (root / "images/hello/unikernel.ml").read_text()
    mine = tmp_path / "lab/images/hello/unikernel.ml"

    error = kernel.run("%%unikernel hello\nlet start () =\n  Lwt.retrun ()")["error"]
    assert "3 |   Lwt.retrun ()" in error
    assert "Unbound value Lwt.retrun" in error
    assert str(tmp_path) not in error
    assert mine.read_text() == "\nlet start () =\n  Lwt.retrun ()\n"

    good = kernel.run("%%unikernel hello\nlet start () =\n  Lwt.return ()")
    assert good["result"].startswith("<Image hello")
    assert re.fullmatch(r"hello: [\d,]+ bytes, ready after \d+\.\d\d s\n", good["stdout"])
    kernel.run("%%unikernel hello/unikernel.ml mine\nlet start () =\n  Lwt.return ()")
    assert kernel.run("mine.name")["result"] == "'hello'"

    # An error in another file than the cell's is named with that file.
    kernel.run("%%unikernel hello/helper.ml\nlet x = 1 + true")
    error = kernel.run("%%unikernel hello/unikernel.ml\nlet start () = ignore Helper.x; Lwt.return ()")[
        "error"
    ]
    assert "helper.ml, line 2" in error
    assert "2 | let x = 1 + true" in kernel.run("%%unikernel hello/helper.ml\nlet x = 1 + true")["error"]

    assert kernel.run("%unikernel diff hello/unikernel.ml")["result"].startswith("<hello: your changes")
    assert len(kernel.run("%unikernel versions hello")["stdout"].splitlines()) == 3
    assert "Changed: helper.ml, unikernel.ml" in kernel.run("%unikernel reset hello")["stdout"]
    assert mine.read_text() == original
    kernel.run("%unikernel restore hello 2")
    assert mine.read_text() == "\nlet start () =\n  Lwt.return ()\n"
    assert "hello: " in kernel.run("%unikernel build hello")["stdout"]

    assert "is empty" in kernel.run("%%unikernel hello\n\n")["error"]
    assert "no image 'helo'" in kernel.run("%%unikernel helo\nx")["error"]
    assert (root / "images/hello/unikernel.ml").read_text() == original


def test_tab_in_a_cell_of_ocaml_knows_ocaml_and_not_python(kernel: Kernel) -> None:
    kernel.run("mathematics = 1")

    def completions(code: str) -> list[str]:
        return list(kernel.client.complete(code, reply=True, timeout=30)["content"]["matches"])

    cell = "%%ocaml\nlet mat_it = 1 in\n"
    assert completions(cell + "(ma") == ["mat_it", "match"]
    assert completions("%%unikernel hello\nlet x = beg") == ["begin"]
    assert "mathematics" in completions("1\nma")
