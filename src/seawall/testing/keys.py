"""What every key store must do: run `check_keys` against your own."""
# ruff: noqa: S101  # a conformance suite asserts

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from seawall.core.error import NotFound, Refused, SeawallError
from seawall.core.key import KEY_PREFIX, KeyGrant, is_key
from seawall.core.principal import Principal
from seawall.ports.key_store import KeyStore
from seawall.ports.keys import Keys

NOW_S: Final = 1_795_000_000.0
DAY_S: Final = 86_400.0
GRANT: Final = KeyGrant(
    team="support",
    project="helpdesk",
    user="mara",
    feature="drafts",
    routes=("/ai/chat", "/ai/draft"),
    default_route="/ai/chat",
    expires_at_s=NOW_S + 90 * DAY_S,
    note="the laptop of the night shift",
)


@dataclass(frozen=True, slots=True)
class KeysUnderTest:
    """A fresh, empty key store, the look-up over it, and what makes a change show there at once."""

    store: KeyStore
    keys: Keys
    refresh: Callable[[], None]

    def find(self, presented: str) -> Principal | None:
        """Look a key up as of now."""
        self.refresh()
        return self.keys.find(presented.encode())


def check_keys(make: Callable[[], KeysUnderTest]) -> None:
    """Check a key store and its look-up; `make` is called once for every check.

    Raises:
        AssertionError: the store breaks its contract; the message says how.
    """
    for check in (check_issue, check_strangers, check_revoke, check_rotate, check_overlap):
        check(make())


def check_issue(under: KeysUnderTest) -> None:
    """Check that a key is found with all that was granted, and that only its hint is listed."""
    first, second = under.store.create(GRANT, NOW_S), under.store.create(KeyGrant(), NOW_S + 1)
    text = first.key.reveal()

    assert is_key(text), "a key carries its checksum"
    assert text != second.key.reveal(), "every key is new"
    assert first.entry.id != second.entry.id, "every id is new"
    expected = Principal(
        first.entry.id, "support", "helpdesk", "mara", "drafts", GRANT.routes, "/ai/chat", GRANT.expires_at_s
    )
    assert under.find(text) == expected, "the owner is whom the key was issued to"
    assert under.find(second.key.reveal()) == Principal(second.entry.id), "an empty grant stays empty"
    assert under.store.entries() == [first.entry, second.entry], "keys are listed oldest first"
    assert text not in repr(under.store.entries()), "a list never holds a key"
    assert first.entry.hint == f"{text[:7]}…{text[-4:]}", "a hint shows both ends and nothing between them"


def check_strangers(under: KeysUnderTest) -> None:
    """Check that nothing but a whole key is found."""
    text = under.store.create(GRANT, NOW_S).key.reveal()
    flipped = text[:-1] + ("0" if text[-1] != "0" else "1")

    for presented in ("", KEY_PREFIX, text[:-1], text + "0", flipped, text.lower(), "é" * len(text)):
        assert under.find(presented) is None, "only the key itself opens"
    assert under.keys.find(bytes(range(256))) is None, "any bytes may be presented"


def check_revoke(under: KeysUnderTest) -> None:
    """Check that a revoked key opens nothing, by whichever name it was revoked."""
    by_id, by_text, other = (under.store.create(GRANT, NOW_S) for _ in range(3))

    revoked = under.store.revoke(by_id.entry.id, NOW_S + 5)
    assert revoked.state(NOW_S + 5) == "revoked", "the answer says that the key is gone"
    assert under.store.revoke(by_id.entry.id, NOW_S + 9) == revoked, "revoking twice changes nothing"
    under.store.revoke(by_text.key.reveal(), NOW_S + 6)

    assert under.find(by_id.key.reveal()) is None, "a revoked key opens nothing"
    assert under.find(by_text.key.reveal()) is None, "a key can be revoked by its own text"
    assert under.find(other.key.reveal()) is not None, "other keys go on"
    states = [entry.state(NOW_S + 10) for entry in under.store.entries()]
    assert states == ["revoked", "revoked", "active"], "a revoked key stays in the list"
    for which in ("key_0000000000000000", "", "'; DROP TABLE keys; --", other.key.reveal()[:-1]):
        complaint = _complaint(partial(under.store.revoke, which, NOW_S), NotFound)
        assert other.key.reveal()[:-1] not in complaint, "a mistyped key is not repeated"


def check_rotate(under: KeysUnderTest) -> None:
    """Check that a successor has the same grant for the same length of time, and that the old key ends at once."""
    old = under.store.create(GRANT, NOW_S)

    new = under.store.rotate(old.entry.id, NOW_S + DAY_S)

    assert under.find(old.key.reveal()) is None, "without an overlap the old key ends now"
    found = under.find(new.key.reveal())
    assert found is not None, "the successor opens at once"
    assert (found.team, found.routes, found.default_route) == ("support", GRANT.routes, "/ai/chat"), "the same grant"
    assert found.expires_at_s == NOW_S + 91 * DAY_S, "a successor lives as long as its predecessor was meant to"
    assert under.store.entries()[0].rotated_to == new.entry.id, "the list says what replaced a key"
    _complaint(partial(under.store.rotate, old.entry.id, NOW_S), Refused)


def check_overlap(under: KeysUnderTest) -> None:
    """Check that an overlap gives the old key an end in time, never a later one than it had."""
    long = under.store.create(KeyGrant(), NOW_S)
    short = under.store.create(KeyGrant(expires_at_s=NOW_S + 60), NOW_S)

    under.store.rotate(long.entry.id, NOW_S, overlap_s=DAY_S)
    under.store.rotate(short.entry.id, NOW_S, overlap_s=DAY_S)

    found = under.find(long.key.reveal())
    assert found is not None, "the old key opens during the overlap"
    assert found.expires_at_s == NOW_S + DAY_S, "and ends with it"
    first, second = under.store.entries()[:2]
    assert first.state(NOW_S + DAY_S) == "expired", "the list agrees"
    assert second.grant.expires_at_s == NOW_S + 60, "an overlap never lengthens a life"


def _complaint(act: Callable[[], object], expected: type[SeawallError]) -> str:
    try:
        act()
    except expected as error:
        return str(error)
    raise AssertionError(f"nothing was raised: expected {expected.__name__}")
