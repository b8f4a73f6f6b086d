"""Client keys in memory."""

import secrets
import threading
from dataclasses import replace

from seawall.core.key import (
    ENTROPY_BYTES,
    IssuedKey,
    KeyEntry,
    KeyGrant,
    is_key,
    key_digest,
    key_hint,
    key_is_dead,
    key_text,
    no_such_key,
    retired,
    successor,
)
from seawall.core.principal import Principal
from seawall.core.secret import Secret


class MemoryKeys:
    """Implement `KeyStore` and `Keys` in one object; a change shows in `find` at once. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[bytes, KeyEntry] = {}

    def create(self, grant: KeyGrant, now_s: float) -> IssuedKey:
        """Issue a key; only its digest is kept."""
        with self._lock:
            return self._issue(grant, now_s)

    def entries(self) -> list[KeyEntry]:
        """Give every key that was ever issued, oldest first."""
        with self._lock:
            return list(self._entries.values())

    def revoke(self, which: str, now_s: float) -> KeyEntry:
        """End a key for good; raises `NotFound` for an unknown one."""
        with self._lock:
            digest = self._digest(which)
            entry = self._entries[digest]
            if entry.revoked_at_s is None:
                entry = self._entries[digest] = replace(entry, revoked_at_s=now_s)
            return entry

    def rotate(self, which: str, now_s: float, overlap_s: float = 0.0) -> IssuedKey:
        """Issue a successor and end the old key; raises `NotFound` or `Refused`."""
        with self._lock:
            digest = self._digest(which)
            entry = self._entries[digest]
            if entry.revoked_at_s is not None:
                raise key_is_dead(entry)
            issued = self._issue(successor(entry, now_s), now_s)
            self._entries[digest] = retired(entry, issued.entry.id, now_s, overlap_s)
            return issued

    def find(self, presented: bytes) -> Principal | None:
        """Give the owner of a presented key, or None for an unknown or revoked one."""
        digest = key_digest(presented)
        entry = self._entries.get(digest)
        return None if entry is None or entry.revoked_at_s is not None else entry.principal()

    def _issue(self, grant: KeyGrant, now_s: float) -> IssuedKey:
        text = key_text(secrets.token_bytes(ENTROPY_BYTES))
        entry = KeyEntry(f"key_{secrets.token_hex(8)}", key_hint(text), grant, now_s)
        self._entries[key_digest(text.encode())] = entry
        return IssuedKey(entry, Secret(text))

    def _digest(self, which: str) -> bytes:
        if is_key(which) and key_digest(which.encode()) in self._entries:
            return key_digest(which.encode())
        for digest, entry in self._entries.items():
            if entry.id == which:
                return digest
        raise no_such_key(which)
