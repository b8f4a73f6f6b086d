"""Why an answer ended: the endpoint's finish reasons and ours."""

from typing import Any, Final

from seawall.core.error import UpstreamBroken
from seawall.dialects.neutral.answer import Stop
from seawall.dialects.partial import word

_FINISH: Final[dict[Stop, str]] = {
    "complete": "stop",
    "stop_sequence": "stop",
    "tools": "tool_calls",
    "length": "length",
    "paused": "length",
    "refused": "content_filter",
}
_KNOWN: Final = frozenset({"stop", "length", "tool_calls", "function_call", "content_filter"})


def finish_of(stop: Stop) -> str:
    """Give the endpoint's word."""
    return _FINISH[stop]


def stop_of(finish: Any, matched: Any, *, has_calls: bool, has_refusal: bool) -> Stop:  # any JSON values
    """Give our word; `matched` is the stop text that vLLM tells beside it.

    Some servers say "stop" although the model asks for calls, and nobody would make them if that went through.

    Raises:
        UpstreamBroken: the answer never ended, ended for a reason that nobody knows, or asks for calls and has none;
            none of these may pass for a whole answer.
    """
    if not finish:
        raise UpstreamBroken("the provider's answer has no finish_reason")
    if type(finish) is not str or finish not in _KNOWN:
        raise UpstreamBroken(f"the provider's answer has a finish_reason that nobody knows: {word(finish)!r}")
    if finish == "length":
        return "length"
    if finish == "content_filter":
        return "refused"
    if has_calls:
        return "tools"
    if finish != "stop":
        raise UpstreamBroken("the provider's answer asks for tool calls and has none")
    if has_refusal:
        return "refused"
    return "stop_sequence" if type(matched) is str and matched else "complete"
