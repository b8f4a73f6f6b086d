"""Read what a provider sent: typed and in part where it is as documented, and liberally where it is not."""

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import msgspec
import orjson

from seawall.core.error import UpstreamBroken
from seawall.core.record import MAX_TEXT, bounded

T = TypeVar("T")

MAX_MESSAGE: Final = 2000

# Two thousand times the longest context: beyond it, a count is a slip, and its price would not fit a column of a table.
_MAX_COUNT: Final = 2**31
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=-_MAX_COUNT, le=_MAX_COUNT)]


def read_part(decode: Callable[[bytes], T], data: bytes, what: str) -> T | None:
    """Decode a JSON object; None where it is one, but with a field of another type than documented.

    A field that changed its type must not cost a user the answer: it goes on as it is, and only its facts are unknown.

    Raises:
        UpstreamBroken: it is no JSON object, or nested so deeply that nobody else will read it either.
    """
    try:
        return decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        if type(read_any(data)) is dict:
            return None
    raise UpstreamBroken(f"{what} is not a JSON object") from None


def check_text(data: bytes, what: str) -> None:
    """Let UTF-8 pass; to spare the call for what is plain ASCII is its caller's business.

    Nobody reads the texts on their way through, so that nobody here would notice bytes on which every client fails.

    Raises:
        UpstreamBroken: it is none.
    """
    try:
        data.decode()
    except UnicodeDecodeError:
        raise UpstreamBroken(f"{what} is not UTF-8") from None


def read_any(data: bytes) -> Any:  # any JSON value
    """Decode whatever was sent; None for what is no JSON."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None


def word(value: Any) -> str:  # any JSON value, of which only a text is a word
    """Give a provider's word for a record: bounded, and empty where the value is no text.

    A longer text is no word either. It is not cut: half a credential would no longer be known for one.
    """
    return bounded(value) if type(value) is str and len(value) <= MAX_TEXT else ""


def error_message(error: dict[str, Any], status: int) -> str:  # a JSON object
    """Give an error's message, bounded, or say that there is none.

    It is cut between two words: whoever clears it of credentials later could not tell the half of one.
    """
    message = error.get("message")
    if type(message) is str:
        if len(message) > MAX_MESSAGE:
            message = message[: MAX_MESSAGE + 1].rpartition(" ")[0]
        if message:
            return message
    return f"the provider answered with status {status} and no readable error"
