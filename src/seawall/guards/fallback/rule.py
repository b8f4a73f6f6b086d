"""Decide where a call goes on, and with which request; pure."""

from collections.abc import Mapping
from typing import Any, Final

from seawall.core.error import SeawallError, Unsupported, UpstreamError
from seawall.core.remedy import remedy_of
from seawall.core.target import Target
from seawall.dialects.dialect import CHAT, MESSAGES, Endpoint

GO_ON: Final = (
    "Your answer was cut off. Continue it exactly where it ends, without repeating any of it and without any remark."
)
_WHEN: Final = (b"retry-after", b"retry-after-ms")
# A Responses stream ends in the whole response, under one id: nobody could take another one's end for its own.
CONTINUED: Final = (MESSAGES, CHAT)


def goes_on(error: SeawallError, attempts: int, max_attempts: int) -> bool:
    """Say whether the next leg is asked: where this one could not carry the request, or the next may do better."""
    if isinstance(error, Unsupported):
        return True
    return remedy_of(error).elsewhere and attempts < max_attempts


def telling(known: SeawallError | None, new: SeawallError) -> SeawallError:
    """Choose which of two failures the client hears of: a provider's before ours, the later before the earlier.

    What a leg could not carry says little once another leg has been asked.
    """
    if known is None:
        return new
    if isinstance(known, UpstreamError) and not isinstance(new, UpstreamError):
        return known
    if isinstance(new, Unsupported):
        return known
    return new


def says_when(error: UpstreamError) -> bool:
    """Say whether the provider told when to come back, which is then the client's to do."""
    return any(name in _WHEN for name, _ in error.headers)


def can_continue(endpoint: Endpoint, fields: Mapping[str, Any]) -> bool:
    """Say whether a broken stream of this request could be continued by another model.

    One that is held to a format would begin its document anew, and two halves of two are none.
    """
    if endpoint not in CONTINUED or type(fields.get("messages")) is not list:
        return False
    return fields.get("n", 1) == 1 and not _has_format(fields)


def _has_format(fields: Mapping[str, Any]) -> bool:
    config = fields.get("output_config")
    wanted = fields.get("response_format") or (config.get("format") if type(config) is dict else None)
    return bool(wanted) and not (type(wanted) is dict and wanted.get("type") == "text")


def continued_turns(turns: list[Any], text: str, target: Target) -> list[Any]:
    """Give the turns of a request that goes on from `text`, which the client has already.

    A model that continues what the assistant began gets it as its own beginning; any other is told to go on.
    """
    begun = {"role": "assistant", "content": text.rstrip()}
    if target.provider.dialect == "anthropic" and target.traits.prefills:
        return [*turns, begun]
    return [*turns, begun, {"role": "user", "content": GO_ON}]
