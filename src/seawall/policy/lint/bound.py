"""What is unsafe about the bounds of a call: its time and its tokens."""

from collections.abc import Iterator
from typing import Final

from seawall.policy.effective import WAITS
from seawall.policy.lint.judged import Draft, Judged, Route, Rule


def _no_timeout(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        if _is_default(route, "timeout_ms"):
            total = route.settings.timeout_ms
            yield Draft(
                route.path, f"no timeout is set: a call may take {total // 1000} s", "add timeout_ms, or a profile"
            )


def _late_timeouts(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        for wait in WAITS:
            stated = getattr(route.said, wait)
            if stated is not None and stated > route.settings.timeout_ms:
                message = f"{stated} ms is never reached: the total is {route.settings.timeout_ms} ms"
                yield Draft((*route.path, wait), message)


def _no_max_tokens(judged: Judged) -> Iterator[Draft]:
    for route in judged.routes:
        if _is_default(route, "max_tokens"):
            message = (
                f"no max_tokens is set: an answer may have {route.settings.max_tokens} tokens, longer ones are cut"
            )
            yield Draft(route.path, message, "add max_tokens, or a profile")


def _is_default(route: Route, field: str) -> bool:
    origin = route.settings.origins[field]
    return not origin.path and not origin.profile


RULES: Final = (
    Rule("warning", "timeout.none", "no total timeout from route or profile", _no_timeout),
    Rule("warning", "timeout.unreachable", "a timeout longer than the total", _late_timeouts),
    Rule("warning", "tokens.none", "no ceiling of tokens from route or profile", _no_max_tokens),
)
