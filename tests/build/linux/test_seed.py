"""Seeds are what cloud-init, CirrOS and Ignition read; what is none is refused with the reason."""

from __future__ import annotations

import json
import os
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote

import pycdlib
import pytest

from labkit.build.linux.ignition import ignition
from labkit.build.linux.seed import Seed, check_seed, check_user_data, write_seed
from labkit.errors import UsageError
from labkit.guest.keys import lab_key, new_key
from labkit.settings import settings

SEED = Seed(
    "web-1",
    "i-1",
    ("ssh-ed25519 AAAA me",),
    "#!/bin/sh\necho hi\n",
    ("PRIVATE\nKEY\n", "ssh-ed25519 BBBB host"),
)


def read(path: Path) -> dict[str, str]:
    """The files of a CD image, by their names in Rock Ridge."""
    disc = pycdlib.PyCdlib()
    disc.open(str(path))
    files = {}
    for child in disc.list_children(rr_path="/"):
        if child.is_file():
            name = child.rock_ridge.name().decode()
            into = BytesIO()
            disc.get_file_from_iso_fp(into, rr_path=f"/{name}")
            files[name] = into.getvalue().decode()
    disc.close()
    return files


def test_a_seed_holds_what_is_told(tmp_path: Path) -> None:
    write_seed(SEED, tmp_path / "seed.iso")
    assert check_seed(tmp_path / "seed.iso")
    files = read(tmp_path / "seed.iso")
    meta = json.loads(files["meta-data"])  # CirrOS reads it as JSON, others as YAML
    assert meta["local-hostname"] == "web-1"
    assert list(meta["public-keys"].values()) == ["ssh-ed25519 AAAA me"]
    assert files["user-data"] == SEED.user_data
    assert "    PRIVATE\n    KEY\n" in files["vendor-data"]


def disc(path: Path, label: str, names: list[str]) -> Path:
    made = pycdlib.PyCdlib()
    made.new(interchange_level=3, rock_ridge="1.09", vol_ident=label)
    for number, name in enumerate(names):
        made.add_fp(BytesIO(b"x\n"), 2, f"/F{number}.;1", rr_name=name)
    made.write(str(path))
    made.close()
    return path


@pytest.mark.parametrize(
    ("label", "names", "said"),
    [
        ("CONFIG-2", ["meta-data", "user-data"], "labelled 'CONFIG-2'"),
        ("cidata", ["user-data"], "no meta-data"),
        ("cidata", ["meta-data"], "no user-data"),
    ],
)
def test_a_wrong_seed_is_refused(tmp_path: Path, label: str, names: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_seed(disc(tmp_path / "seed.iso", label, names))


def test_what_is_no_disc_is_no_seed(tmp_path: Path) -> None:
    (tmp_path / "seed.iso").write_bytes(os.urandom(70_000))
    with pytest.raises(UsageError, match="no CD image"):
        check_seed(tmp_path / "seed.iso")
    with pytest.raises(UsageError, match="no CD image"):
        check_seed(tmp_path / "nowhere.iso")


@pytest.mark.parametrize("text", ["hostname: web\n", "\n#!/bin/sh\n", "echo hi"])
def test_user_data_that_nobody_understands(text: str) -> None:
    with pytest.raises(UsageError, match="neither a script nor a configuration"):
        check_user_data(text)


@pytest.mark.parametrize("text", ["", "#!/bin/sh\n", "#cloud-config\nhostname: web\n"])
def test_user_data_that_are_understood(text: str) -> None:
    assert check_user_data(text) == text


def test_ignition_says_the_same() -> None:
    told = json.loads(
        ignition(Seed("core-1", "i-1", ("ssh-ed25519 AAAA me",), host_key=("KEY", "pub")), "core")
    )
    assert told["ignition"]["version"].startswith("3.")
    assert told["passwd"]["users"] == [{"name": "core", "sshAuthorizedKeys": ["ssh-ed25519 AAAA me"]}]
    files = {file["path"]: unquote(file["contents"]["source"]) for file in told["storage"]["files"]}
    assert files["/etc/hostname"] == "data:,core-1\n"
    assert files["/etc/ssh/ssh_host_ed25519_key"] == "data:,KEY"


def test_ignition_extends_what_is_given_and_takes_nothing_else() -> None:
    given = '{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a"}]}}'
    told = json.loads(ignition(Seed("a", "i", user_data=given), "core"))
    assert told["ignition"]["version"] == "3.4.0"
    assert [file["path"] for file in told["storage"]["files"]] == ["/a", "/etc/hostname"]
    with pytest.raises(UsageError, match="no Ignition configuration"):
        ignition(Seed("a", "i", user_data="#!/bin/sh\n"), "core")


def test_the_labs_key_is_made_once_and_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path))
    private, public = lab_key(settings())
    assert private.stat().st_mode & 0o777 == 0o600
    assert public.startswith("ssh-ed25519 ")
    assert lab_key(settings()) == (private, public)
    assert sorted(path.name for path in private.parent.iterdir()) == ["lab_ed25519", "lab_ed25519.pub"]
    assert new_key("a") != new_key("a")
