"""A value that nothing prints, pickles or writes by accident."""

import hmac
from typing import Final, NoReturn

MASK: Final = "[secret]"


class Secret:
    """Hold a credential; only `reveal` gives it back, so that every place that uses one can be found by name.

    Raises:
        ValueError: the value is empty, or has characters that cannot travel in an HTTP header.
        TypeError: on any attempt to pickle or copy it.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        if not value:
            raise ValueError("empty secret: expected at least one character")
        if not value.isascii() or not value.isprintable() or " " in value:
            raise ValueError("secret with a space, a line break or a non-ASCII character: expected a header-safe token")
        self._value = value

    def reveal(self) -> str:
        """Give the credential itself, for the one moment in which it is put on the wire."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]  # a hash of a credential is a way to look for it

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is never pickled or copied")
