"""The lessons' images in domains of Xen: they say and do what they do on QEMU's machine."""

from __future__ import annotations

import hashlib
import http.client
import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from labkit.build.builder import build
from labkit.guest import boot
from labkit.host import diskfile

pytestmark = [pytest.mark.live, pytest.mark.slow]

SECTORS = 2048


def said(text: str) -> list[str]:
    """The lines that a guest has logged, without their times."""
    return [re.sub(r"^\S+: ", "", line) for line in text.splitlines()]


@pytest.fixture
def on_qemu(root: Path) -> Callable[..., list[str]]:
    """What an image says on QEMU's machine."""

    def on_qemu(name: str, *arguments: str, disks: dict[str, Path] | None = None) -> list[str]:
        with boot(build(root / name), arguments=arguments, disks=disks or {}, timeout=60) as guest:
            assert guest.wait(60).status == 0
            return said(guest.console.text())

    return on_qemu


def test_hello(xen, on_qemu) -> None:
    words = ("--hello=good morning", "--count=3", "--pause=10")
    guest = xen("images/hello", *words)
    assert guest.wait() == 0, guest.console.text()
    assert said(guest.console.text()) == on_qemu("images/hello", *words)
    assert list(guest.stamps) == ["kernel", "runtime", "start"]
    assert 0 == guest.stamps["kernel"] < guest.stamps["runtime"] < guest.stamps["start"]


def test_block(xen, lab_xen, on_qemu, tmp_path) -> None:
    there = lab_xen.disk("storage", SECTORS * 512)
    here = diskfile.create(tmp_path / "storage.img", SECTORS * 512).path
    for words in [(), ("--sector=7", "--write=still here"), ("--sector=7",), ("--sector=2048",)]:
        guest = xen("images/block", *words, disks=[there])
        status = guest.wait()
        with boot(
            build(lab_xen.image("images/block")[0].source), arguments=words, disks={"storage": here}
        ) as twin:
            assert status == twin.wait(60).status
            assert said(guest.console.text()) == said(twin.console.text())
    assert lab_xen.bytes_of(there, 0, SECTORS * 512) == here.read_bytes()


def address_of(guest) -> str:
    found = guest.console.expect(re.compile(r"The address is ([0-9.]+)/"), timeout=60)
    assert found.groups[0]
    return found.groups[0]


def test_network(xen, lab_xen) -> None:
    guest = xen("images/network", "--port=9")
    address = address_of(guest)
    guest.console.expect("listening on port 9", timeout=30)
    assert "64 bytes from" in lab_xen.script(f"busybox ping -c 2 {address}")
    lab_xen.script(f"printf 'a message' | busybox nc {address} 9 -w 3 || true")
    guest.console.expect('heard "a message"', timeout=30)


def test_web(xen, lab_xen, root) -> None:
    guest = xen("images/web")
    address = address_of(guest)
    guest.console.expect("serving", timeout=30)
    port = lab_xen.session.forward(address, 80)
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            for name in ["index.html", "style.css", "camel.svg"] * 10:
                connection.request("GET", f"/{name}")
                answer = connection.getresponse()
                wanted = (root / "images" / "web" / "htdocs" / name).read_bytes()
                assert (answer.status, answer.read()) == (200, wanted)
    finally:
        lab_xen.session.unforward(port)
    assert "[ERROR]" not in guest.console.text()


@pytest.mark.parametrize("name", ["hello", "block"])
def test_files_beside_the_image_are_used_as_they_are(lab_xen, name) -> None:
    """By xl, typed by hand in the folder of the image."""
    image, _ = lab_xen.image(f"images/{name}")
    folder = lab_xen.script(f"mktemp -d -p {lab_xen.folder}").strip()
    lab_xen.session.upload(image.path, f"{folder}/{image.path.name}")
    lab_xen.script(f"truncate -s 1M {folder}/storage.img")
    with lab_xen.started(name, image.xl_configuration, folder) as guest:
        assert guest.wait() == 0, guest.console.text()
        assert guest.console.text()


def test_virsh_takes_the_xml(lab_xen) -> None:
    image, path = lab_xen.image("images/block")
    disk = lab_xen.disk("storage", 1 << 20)
    xml = image.domain_xml.replace(str(image.path), path).replace(
        str(image.path.with_name("storage.img")), disk
    )
    lab_xen.session.run("sh", "-c", f"cat > {lab_xen.folder}/block.xml", input=xml.encode())
    try:
        lab_xen.script(f"virsh -c xen:///system create {lab_xen.folder}/block.xml --paused")
        channel = lab_xen.session.start("virsh", "-c", "xen:///system", "console", "block", pty=True)
        with channel:
            lab_xen.script("virsh -c xen:///system resume block")
            printed = b""
            while data := channel.read(timeout=60):
                printed += data
    finally:
        lab_xen.session.run("virsh", "-c", "xen:///system", "destroy", "block")
    assert b"storage: 2048 sectors of 512 bytes" in printed
    assert b"unikernel exit 0" in printed


BULK = 1_000_000


def digest_of_bulk(count: int) -> str:
    """Of the stream of tests/images/bulk."""
    stream = b"".join(hashlib.sha256(str(n).encode()).digest() for n in range(-(-count // 32)))
    return hashlib.sha256(stream[:count]).hexdigest()


def test_bulk_between_two_domains_and_with_the_control_domain(xen, lab_xen) -> None:
    """Frames from this machine's other domains have no checksum yet, and large ones are cut by the backend."""
    wanted = f"took {BULK} bytes, SHA-256 {digest_of_bulk(BULK)}"
    server = xen("tests/images/bulk", f"--bytes={BULK}")
    address = address_of(server)
    given = lab_xen.script(f"busybox nc {address} 5001 < /dev/null | sha256sum").split()[0]
    assert given == digest_of_bulk(BULK)
    lab_xen.script(f"busybox nc {address} 5001 < /dev/null | busybox nc {address} 5002 -w 5 || true")
    server.console.expect(wanted, timeout=60)
    client = xen("tests/images/bulk", f"--bytes={BULK}", f"--peer={address}")
    for guest in (client, server):
        guest.console.expect(wanted, timeout=60)
