"""Who may issue and revoke client keys."""

from typing import Protocol

from seawall.core.key import IssuedKey, KeyEntry, KeyGrant


class KeyStore(Protocol):
    """Issue, list, revoke and rotate keys; every change is one atomic, durable step.

    `which` names a key by its public id or by its own text. `now_s` is wall time in seconds since 1970.
    """

    def create(self, grant: KeyGrant, now_s: float) -> IssuedKey:
        """Issue a key of 256 random bits; only its digest is stored, so its text can never be shown again."""

    def entries(self) -> list[KeyEntry]:
        """Give every key that was ever issued, oldest first."""

    def revoke(self, which: str, now_s: float) -> KeyEntry:
        """End a key for good; revoking twice changes nothing.

        Raises:
            NotFound: there is no such key.
        """

    def rotate(self, which: str, now_s: float, overlap_s: float = 0.0) -> IssuedKey:
        """Issue a successor with the same grant, and end the old key now or after `overlap_s` seconds.

        The successor lives as long as the old key was meant to, counted from now. With an overlap the old key
        expires when it is over, or at its own expiry if that comes first.

        Raises:
            NotFound: there is no such key.
            Refused: the key is revoked.
        """
