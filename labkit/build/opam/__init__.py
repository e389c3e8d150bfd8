"""The opam toolchain: upstream's own ``mirage`` tool, in a switch of opam's, the lab's or the student's."""

from labkit.build.opam.toolchain import Opam

__all__ = ["Opam"]
