"""What the host does of :mod:`bench.bulk`; run by itself, since it has to be inside a network namespace.

``python -m bench.bulk.client ADDRESS PORT`` reads lines, ``give BYTES``, ``take BYTES`` or ``ping COUNT``, does
each, and prints the milliseconds that it took: of pings, those between each request and its reply.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import time

__all__: list[str] = []

_PATIENCE = 60.0
_PIECE = bytes(1 << 20)
_ECHO_REQUEST, _ECHO_REPLY = 8, 0


def give(address: tuple[str, int], count: int) -> list[float]:
    """Have the guest give so many bytes."""
    with socket.create_connection(address, _PATIENCE) as connection:
        began = time.perf_counter()
        connection.sendall(b"give %d\n" % count)
        left = count
        buffer = bytearray(1 << 20)
        while left > 0:
            got = connection.recv_into(buffer)
            assert got, f"{left} bytes did not come"
            left -= got
        return [(time.perf_counter() - began) * 1000]


def take(address: tuple[str, int], count: int) -> list[float]:
    """Give the guest so many bytes, until it says that it has them all."""
    with socket.create_connection(address, _PATIENCE) as connection:
        connection.sendall(b"take %d\n" % count)
        assert connection.recv(64) == b"go on\n"
        began = time.perf_counter()
        left = count
        while left > 0:
            connection.sendall(_PIECE[: min(left, len(_PIECE))])
            left -= len(_PIECE)
        assert connection.recv(64) == b"taken\n"
        return [(time.perf_counter() - began) * 1000]


def ping(address: tuple[str, int], count: int) -> list[float]:
    """Ask for so many echoes (RFC 792), each after the reply to the one before."""
    times = []
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as line:
        line.settimeout(_PATIENCE)
        identity = os.getpid() & 0xFFFF
        for number in range(count):
            request = struct.pack("!BBHHH", _ECHO_REQUEST, 0, 0, identity, number) + bytes(56)
            words = struct.unpack(f"!{len(request) // 2}H", request)
            total = sum(words)
            total = (total & 0xFFFF) + (total >> 16)
            checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
            began = time.perf_counter()
            line.sendto(request[:2] + struct.pack("!H", checksum) + request[4:], (address[0], 0))
            while True:
                packet = line.recv(2048)
                header = 4 * (packet[0] & 15)
                kind, _, _, who, which = struct.unpack_from("!BBHHH", packet, header)
                if (kind, who, which) == (_ECHO_REPLY, identity, number):
                    break
            times.append((time.perf_counter() - began) * 1000)
    return times


def main(address: tuple[str, int]) -> None:
    """Do what the lines say."""
    verbs = {"give": give, "take": take, "ping": ping}
    for line in sys.stdin:
        verb, count = line.split()
        print(*verbs[verb](address, int(count)), flush=True)


if __name__ == "__main__":
    main((sys.argv[1], int(sys.argv[2])))
