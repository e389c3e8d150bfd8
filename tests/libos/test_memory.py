"""The memory of a guest: images of any size lie in it whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.build.builder import build
from labkit.guest import boot

pytestmark = pytest.mark.live

PATTERN = "0123456789abcdef"
UNIKERNEL = """
let data = "%s"

let start () =
  String.iteri (fun i c -> if c <> "%s".[i land 15] then failwith (Printf.sprintf "byte %%d is damaged" i)) data;
  Printf.printf "%%d bytes are whole\\n" (String.length data);
  Lwt.return_unit
"""


@pytest.mark.parametrize("mib", [1, 5])
def test_an_image_across_large_pages_is_whole(tmp_path: Path, mib: int) -> None:
    """Pages of 2 MiB that the image shares with other memory are split, not overwritten."""
    (tmp_path / "config.ml").write_text('open Mirage\nlet () = register "large" [ main "Unikernel" job ]\n')
    size = mib << 20
    text = UNIKERNEL % (PATTERN * (size // len(PATTERN)), PATTERN)
    (tmp_path / "unikernel.ml").write_text(text)
    with boot(build(tmp_path), memory=32, timeout=60) as guest:
        assert guest.wait(60).status == 0, guest.console.text()
    assert f"{size} bytes are whole" in guest.console.text()
