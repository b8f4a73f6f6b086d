"""Names of people, made unreadable: keyed hashes under a secret that never leaves the machine."""

import contextlib
import hmac
import os
import secrets
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final

from seawall.core.error import Unavailable

FILE_NAME: Final = "pepper"
PEPPER_BYTES: Final = 32
HASH_BYTES: Final = 16
_REMEMBERED: Final = 4096


class UserHasher:
    """Turn users and conversations into 32 hex digits: HMAC-SHA256 under the pepper, cut to 16 bytes.

    The same text always gives the same hash, so that records of one user can be found by who knows the name and has
    the pepper; without the pepper no guess can be checked. The last few thousand texts are remembered, because the
    same users come again. Safe from any thread.
    """

    def __init__(self, pepper: bytes) -> None:
        self.hash: Callable[[str], str] = lru_cache(maxsize=_REMEMBERED)(lambda text: _hash(pepper, text))


def read_pepper(directory: Path) -> bytes:
    """Read the pepper of a state directory, or make one of 256 random bits that only its owner can read.

    Of several processes that start together one makes it and all read the same.

    Raises:
        Unavailable: the file cannot be made or read, or is none of ours. It is never replaced: with another pepper
            nobody's earlier records could be found again.
    """
    path = directory / FILE_NAME
    try:
        if not path.exists():
            _make(path)
        pepper = bytes.fromhex(path.read_text("ascii"))
    except (OSError, ValueError) as error:
        raise Unavailable(f"cannot read {path}: {error}") from error
    if len(pepper) != PEPPER_BYTES:
        raise Unavailable(f"{path} holds {len(pepper)} bytes: expected {PEPPER_BYTES} in hex; restore it from a backup")
    return pepper


def _make(path: Path) -> None:
    """Write the whole file under another name first; to link it fails where another process was quicker."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{FILE_NAME}.{secrets.token_hex(8)}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(file, "w", encoding="ascii") as text:
            text.write(secrets.token_bytes(PEPPER_BYTES).hex() + "\n")
            text.flush()
            os.fsync(text.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()


def _hash(pepper: bytes, text: str) -> str:
    # A lone surrogate cannot come over HTTP, but a library's caller may have one.
    return hmac.digest(pepper, text.encode("utf-8", "surrogatepass"), "sha256")[:HASH_BYTES].hex()
