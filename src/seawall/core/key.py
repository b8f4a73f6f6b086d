"""The text of a client key, what a key may do, and what is kept of it."""

import hashlib
import zlib
from dataclasses import dataclass, replace
from typing import Final

from seawall.core.error import NotFound, Refused
from seawall.core.principal import Principal
from seawall.core.record import MAX_TEXT, bounded
from seawall.core.secret import Secret

KEY_PREFIX: Final = "sw_"
ENTROPY_BYTES: Final = 32
KEY_LENGTH: Final = 52  # prefix, 43 characters of entropy, 6 of checksum

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BODY_LENGTH: Final = 43  # 62 ** 43 is the first power above 2 ** 256
_CHECK_LENGTH: Final = 6  # 62 ** 6 is the first power above 2 ** 32
_SHOWN: Final = 4
_MAX_NOTE: Final = 500
_MAX_ROUTES: Final = 100


def key_text(entropy: bytes) -> str:
    """Write 256 random bits as a key: the prefix, the bits in base 62, then a CRC-32 of both in base 62.

    The checksum lets anybody, a secret scanner for one, tell a key from a text that only looks like one.

    Raises:
        ValueError: `entropy` is not 32 bytes long.
    """
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"{len(entropy)} bytes of entropy: expected {ENTROPY_BYTES}")
    body = KEY_PREFIX + _base62(int.from_bytes(entropy, "big"), _BODY_LENGTH)
    return body + _checksum(body)


def is_key(text: str) -> bool:
    """Say whether a text has the form of a key, its checksum included; whether anybody holds it is another question."""
    if len(text) != KEY_LENGTH or not text.startswith(KEY_PREFIX) or not text.isascii():
        return False
    return _checksum(text[:-_CHECK_LENGTH]) == text[-_CHECK_LENGTH:]


def key_digest(presented: bytes) -> bytes:
    """Give the SHA-256 of a key, the only form in which a key is stored.

    A slow password hash would add nothing: nobody guesses 256 random bits.
    """
    return hashlib.sha256(presented).digest()


def key_hint(text: str) -> str:
    """Give what may be shown of a key for good: the prefix, the first and the last four characters."""
    return f"{text[: len(KEY_PREFIX) + _SHOWN]}…{text[-_SHOWN:]}"


@dataclass(frozen=True, slots=True)
class KeyGrant:
    """Who holds a key and what it may do; empty text means "not set", no routes means every route.

    Raises:
        ValueError: a name is too long or not printable, a route is no path, or the default route is not allowed.
    """

    team: str = ""
    project: str = ""
    user: str = ""
    feature: str = ""
    routes: tuple[str, ...] = ()
    default_route: str = ""
    expires_at_s: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        for name in ("team", "project", "user", "feature"):
            value: str = getattr(self, name)
            if bounded(value) != value:
                raise ValueError(f"{name}: expected at most {MAX_TEXT} printable characters, got {bounded(value)!r}…")
        if len(self.note) > _MAX_NOTE or not self.note.isprintable():
            raise ValueError(f"note: expected at most {_MAX_NOTE} printable characters on one line")
        if len(self.routes) > _MAX_ROUTES:
            raise ValueError(f"routes: expected at most {_MAX_ROUTES}, got {len(self.routes)}")
        for route in (*self.routes, *([self.default_route] if self.default_route else [])):
            if not route.startswith("/") or bounded(route) != route:
                raise ValueError(f"route {bounded(route)!r}: expected a path such as /ai/chat")
        if self.default_route and self.routes and self.default_route not in self.routes:
            raise ValueError(f"default route {self.default_route!r} is not among the allowed routes")


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """What is kept of a key: its public id, what may be shown of it, its grant and its dates (seconds since 1970)."""

    id: str
    hint: str
    grant: KeyGrant
    created_at_s: float
    revoked_at_s: float | None = None
    rotated_to: str = ""

    def state(self, now_s: float) -> str:
        """Say whether the key is active, expired or revoked at this wall time."""
        if self.revoked_at_s is not None and self.revoked_at_s <= now_s:
            return "revoked"
        if self.grant.expires_at_s is not None and self.grant.expires_at_s <= now_s:
            return "expired"
        return "active"

    def principal(self) -> Principal:
        """Give the owner as the hot path knows it."""
        grant = self.grant
        return Principal(
            key_id=self.id,
            team=grant.team,
            project=grant.project,
            user=grant.user,
            feature=grant.feature,
            routes=grant.routes,
            default_route=grant.default_route,
            expires_at_s=grant.expires_at_s,
        )


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key with its text, which exists here and in its owner's hands and nowhere else."""

    entry: KeyEntry
    key: Secret


def successor(entry: KeyEntry, now_s: float) -> KeyGrant:
    """Give the grant of the key that replaces this one: the same, living as long as this one was meant to, from now."""
    expires_at_s = entry.grant.expires_at_s
    if expires_at_s is None:
        return entry.grant
    return replace(entry.grant, expires_at_s=now_s + (expires_at_s - entry.created_at_s))


def retired(entry: KeyEntry, successor_id: str, now_s: float, overlap_s: float) -> KeyEntry:
    """Give the entry of a key that was rotated: revoked now, or with an expiry no later than the overlap's end."""
    if overlap_s <= 0:
        return replace(entry, revoked_at_s=now_s, rotated_to=successor_id)
    expires_at_s = entry.grant.expires_at_s
    ends_at_s = now_s + overlap_s if expires_at_s is None else min(expires_at_s, now_s + overlap_s)
    return replace(entry, grant=replace(entry.grant, expires_at_s=ends_at_s), rotated_to=successor_id)


def no_such_key(which: str) -> NotFound:
    """Build the error for an unknown key; a mistyped key is not repeated whole."""
    shown = key_hint(which) if which.startswith(KEY_PREFIX) else repr(bounded(which))
    return NotFound(f"no key {shown}: expected an id such as key_0123456789abcdef, as `seawall keys list` shows it")


def key_is_dead(entry: KeyEntry) -> Refused:
    """Build the error for rotating a revoked key."""
    return Refused(f"key {entry.id} is revoked and cannot be rotated: create a new one")


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECK_LENGTH)
