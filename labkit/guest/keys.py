"""SSH keys: the lab's own, by which it enters its guests, and those by which guests are known."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from labkit.errors import HostError
from labkit.settings import Settings

__all__ = ["lab_key", "new_key"]

_NAME = "lab_ed25519"


def lab_key(found: Settings) -> tuple[Path, str]:
    """The lab's key, made when it is first asked for.

    Returns:
        The file of its private half, which only the user can read, and its public half, as a line.

    Raises:
        HostError: it cannot be kept in the cache.
    """
    folder = found.cache.absolute() / "ssh"
    private, public = folder / _NAME, folder / f"{_NAME}.pub"
    try:
        if not public.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _keep(private, public)
        return private, public.read_text().strip()
    except OSError as error:
        raise HostError(
            f"The lab's SSH key {private} cannot be made: {error.strerror}.",
            next_step="Free some space, or set LABKIT_CACHE to a folder that you may write to.",
        ) from error


def new_key(comment: str) -> tuple[str, str]:
    """A new key of the kind Ed25519 (RFC 8709): its private half in OpenSSH's format, its public one as a line."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption())
    public = key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH)
    return private.decode(), f"{public.decode()} {comment}"


def _keep(private: Path, public: Path) -> None:
    """Keep a new key, unless another process is quicker: then its key is the lab's."""
    texts = new_key("unikernel-lab")
    draft = private.with_name(f"{_NAME}-{secrets.token_hex(4)}")
    for text, path in zip(texts, (draft, draft.with_suffix(".pub")), strict=True):
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text if text.endswith("\n") else text + "\n")
    try:
        os.link(draft, private)
        draft.with_suffix(".pub").rename(public)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
        draft.with_suffix(".pub").unlink(missing_ok=True)
