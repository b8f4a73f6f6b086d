"""Read a JSON value as what it has to be, or name the place where it is not.

No message repeats a value: it may be a prompt.
"""

from collections.abc import Collection
from typing import Any

from seawall.core.error import BadRequest


def wrong(path: str, expected: str) -> BadRequest:
    """Make the error for a field that is not what the endpoint takes."""
    return BadRequest(f"{path}: expected {expected}", param=path)


def as_text(value: Any, path: str) -> str:  # any JSON value, here and below
    """Take a text.

    Raises:
        BadRequest: it is none.
    """
    if type(value) is not str:
        raise wrong(path, "a string")
    return value


def as_name(value: Any, path: str) -> str:
    """Take a text that is not empty.

    Raises:
        BadRequest: it is empty, or no text.
    """
    if not as_text(value, path):
        raise wrong(path, "a string that is not empty")
    return str(value)


def as_object(value: Any, path: str) -> dict[str, Any]:
    """Take an object.

    Raises:
        BadRequest: it is none.
    """
    if type(value) is not dict:
        raise wrong(path, "an object")
    return value


def as_list(value: Any, path: str) -> list[Any]:
    """Take a list.

    Raises:
        BadRequest: it is none.
    """
    if type(value) is not list:
        raise wrong(path, "a list")
    return value


def as_choice(value: Any, choices: Collection[str], path: str) -> str:
    """Take one of a few words.

    Raises:
        BadRequest: it is another one, or no text.
    """
    if type(value) is not str or value not in choices:
        raise wrong(path, "one of " + ", ".join(choices))
    return value


def as_flag(value: Any, path: str) -> bool | None:
    """Take a yes, a no, or null.

    Raises:
        BadRequest: it is something else.
    """
    if value is not None and type(value) is not bool:
        raise wrong(path, "true or false")
    return value


def as_count(value: Any, path: str, least: int = 0) -> int:
    """Take a whole number.

    Raises:
        BadRequest: it is none, or less than `least`.
    """
    if type(value) is not int or value < least:
        raise wrong(path, f"a whole number from {least}")
    return value


def as_ceiling(value: Any, path: str) -> int | None:
    """Take a whole number from 1, or null.

    Raises:
        BadRequest: it is something else.
    """
    return None if value is None else as_count(value, path, 1)


def as_number(value: Any, path: str) -> float | None:
    """Take a number, or null.

    Raises:
        BadRequest: it is something else.
    """
    if value is None:
        return None
    if type(value) not in {int, float}:
        raise wrong(path, "a number")
    return float(value)
