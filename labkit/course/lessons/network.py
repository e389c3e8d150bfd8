"""Exercises of 03-network."""

from __future__ import annotations

import secrets
import socket
from typing import TYPE_CHECKING, Final

from labkit.course.exercise import Exercise, Lesson
from labkit.course.trial import Trial

if TYPE_CHECKING:
    from labkit.guest import Guest

__all__ = ["LESSON"]

ECHO_PORT: Final = 7
PATIENCE_SECONDS: Final = 10.0
HEADERS: Final = 14 + 20 + 20  # Ethernet, IPv4, TCP without options
TEXT: Final = 6
HELLO: Final = "hello from a unikernel"


def overhead(trial: Trial) -> None:
    """A frame is longer than what it carries."""
    trial.expect_given(
        lambda answer: (
            type(answer) is int and HEADERS + TEXT <= answer <= HEADERS + TEXT + 40
        ),  # options of TCP
        "the length of the frame with the text, all of its headers included",
        "The frame is called `text`: what is its length?",
    )


def _conversation(guest: Guest, pieces: list[bytes]) -> bytes:
    """Say things over one connection, waiting for as much as was said each time; all that came back."""
    heard = b""
    said = 0
    with socket.create_connection(guest.network.forward(ECHO_PORT).address, PATIENCE_SECONDS) as connection:
        connection.settimeout(PATIENCE_SECONDS)
        for piece in pieces:
            connection.sendall(piece)
            said += len(piece)
            while len(heard) < said and (more := connection.recv(1 << 16)):
                heard += more
        connection.shutdown(socket.SHUT_WR)
        while more := connection.recv(1 << 16):
            heard += more
    return heard


def echo(trial: Trial) -> None:
    """What comes goes back, on each connection."""
    image = trial.image("network", "echo")
    look = "`Stack.TCP.write flow piece` sends a piece back. It is a promise of a result, like `read`."
    with trial.guest(image) as guest:
        guest.network.wait_for_address()
        for pieces in (
            [b"hello\n"],
            [secrets.token_bytes(1000) for _ in range(3)],
            [secrets.token_bytes(100_000)],
        ):
            whole = b"".join(pieces)
            try:
                heard = _conversation(guest, pieces)
            except OSError as error:
                trial.fail(f"an answer of {len(whole):,} bytes", _why(error), look)
            trial.expect(
                heard == whole,
                f"the same {len(whole):,} bytes back, and then the end of the connection",
                f"{len(heard):,} bytes" + ("" if heard == whole[: len(heard)] else ", and others"),
                look,
            )


def datagram(trial: Trial) -> None:
    """A datagram is answered with the same bytes."""
    image = trial.image("network", "datagram")
    look = "`Stack.UDP.write` sends one: `~dst:src ~dst_port:src_port`, and from our port: `~src_port:7`."
    with trial.guest(image) as guest:
        guest.network.wait_for_address()
        door = guest.network.forward(ECHO_PORT, protocol="udp")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.settimeout(PATIENCE_SECONDS / 2)
            sender.connect(door.address)
            for data in (b"hello", secrets.token_bytes(900)):
                sender.send(data)
                try:
                    heard = sender.recv(1 << 16)
                except OSError as error:
                    trial.fail(f"an answer of {len(data)} bytes", _why(error), look)
                trial.expect(
                    heard == data, f"the same {len(data)} bytes back", f"{len(heard)} bytes, or others", look
                )


def caller(trial: Trial) -> None:
    """A client says hello to another guest."""
    from labkit.build.builder import build
    from labkit.guest.network.wire import Wire

    image = trial.image("network", "caller")
    look = '`Stack.TCP.write flow (Cstruct.of_string "…\\n")` is a promise: `close` comes after it, behind `>>=`.'
    for address in ("10.0.0.1", "10.0.0.9"):
        wire = Wire()
        with trial.guest(build("network"), f"--ipv4={address}/24", network=wire, look=look) as server:
            server.console.expect("listening")
            with trial.guest(
                image, "--ipv4=10.0.0.2/24", f"--server={address}", timeout=30, network=wire
            ) as guest:
                ending = guest.wait()
            trial.expect(ending.status == 0, "that it ends with exit status 0", ending.detail, look)
            server.console.expect("a connection from 10.0.0.2")
            server.stop()
            heard = [line.partition("heard ")[2] for line in server.console.lines() if "heard " in line]
        trial.expect(
            heard == [f'"{HELLO}\\n"'],
            f'that the server at {address} hears "{HELLO}", and a line\'s end',
            ", ".join(heard) or "nothing",
            look,
        )


def _why(error: OSError) -> str:
    """What came instead of an answer."""
    if isinstance(error, TimeoutError):
        return f"nothing in {PATIENCE_SECONDS / 2:g} s and more"
    return f"an error: {error.strerror or error}"


LESSON = Lesson(
    "03-network",
    (
        Exercise(
            "overhead",
            "How long is the frame that carries 6 bytes of text?",
            overhead,
            ("The frame is in the variable `text`.", "`len(text)` is a number of bytes."),
        ),
        Exercise(
            "echo",
            "Send back each piece that comes over a connection.",
            echo,
            (
                "Between two `read`s there has to be a `write` of the same piece.",
                "`Stack.TCP.write flow piece` is a promise of `Ok ()` or `Error _`, as `read` is.",
                "`Stack.TCP.write flow piece >>= fun _ -> echo flow` would do; better look at the result.",
            ),
        ),
        Exercise(
            "datagram",
            "Answer each datagram with the same bytes.",
            datagram,
            (
                "`answer` is told from whom the datagram is: `src` and `src_port`.",
                "`Stack.UDP.write ~src_port:7 ~dst:src ~dst_port:src_port udp data` sends one.",
                "It gives a result, and `answer` wants nothing: `Lwt.map ignore (Stack.UDP.write …)`.",
            ),
        ),
        Exercise(
            "caller",
            "Say `hello from a unikernel` to the server, and hang up.",
            caller,
            (
                "There is a connection, and it is closed at once.",
                "`Stack.TCP.write` takes the flow and bytes: `Cstruct.of_string` makes them of a text.",
                '`Stack.TCP.write flow (Cstruct.of_string "hello from a unikernel\\n") >>= fun _ ->`',
            ),
        ),
    ),
)
