"""What can be steered: per server over the control endpoint, per request with a header `x-sandbox-<name>`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import unquote

from seawall.sandbox.problem import BAD_REQUEST, Problem

PREFIX: Final = "x-sandbox-"
FAULT_HEADER: Final = "x-sandbox-fault"
_MOST_TOKENS: Final = 200_000
_MOST: Final = 10_000_000_000
_LONGEST_NUMBER: Final = 12  # digits; keeps int() away from absurd lengths


@dataclass(frozen=True, slots=True)
class Settings:
    """How the sandbox answers; None leaves a value to the request's own hash."""

    output_tokens: int | None = None
    thinking_tokens: int | None = None
    text: str | None = None
    tool_calls: int | None = None
    refusal: str = "never"
    header_ms: float = 0.0
    first_token_ms: float = 0.0
    tokens_per_second: float = 0.0
    tokens_per_event: int = 2
    accept_unknown_fields: bool = False
    enforce_limits: bool = False
    requests_per_minute: int = 4_000
    tokens_per_minute: int = 2_000_000


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the table of settings: how its value is read, and what it means."""

    read: Callable[[str], Any]  # gives the type of the field of the same name in Settings
    meaning: str


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < _LONGEST_NUMBER and low <= int(text) <= high):
            raise ValueError(f"expected a whole number from {low} to {high}")
        return int(text)

    return read


def _number(high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0 <= value <= high:
            raise ValueError(f"expected a number from 0 to {high:g}")
        return value

    return read


def _flag(text: str) -> bool:
    if text.lower() not in {"yes", "no", "true", "false"}:
        raise ValueError("expected yes or no")
    return text.lower() in {"yes", "true"}


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"expected one of {', '.join(words)}")
        return text

    return read


SETTINGS: Final[Mapping[str, Setting]] = {
    "output_tokens": Setting(_whole(0, _MOST_TOKENS), "tokens of the answer's text; by default 40 to 120"),
    "thinking_tokens": Setting(
        _whole(0, _MOST_TOKENS), "tokens of thinking, where the call thinks; by default 8 to 24"
    ),
    "text": Setting(str, "the answer's exact text (percent-encoded in the header)"),
    "tool_calls": Setting(_whole(0, 64), "how many calls are made when tools are offered, whatever the prompt says"),
    "refusal": Setting(_one_of("never", "before", "midway"), "`before` any output, `midway` through it, or `never`"),
    "header_ms": Setting(_number(3_600_000), "milliseconds before the status line"),
    "first_token_ms": Setting(_number(3_600_000), "milliseconds before the first content"),
    "tokens_per_second": Setting(_number(1_000_000), "how quickly content is generated; 0 is at once"),
    "tokens_per_event": Setting(_whole(1, 10_000), "tokens in one event of a stream"),
    "accept_unknown_fields": Setting(
        _flag, "`yes` takes body fields that the dialect does not know; the providers do not"
    ),
    "enforce_limits": Setting(_flag, "`yes` answers 429 when a minute's limits are used up"),
    "requests_per_minute": Setting(_whole(1, _MOST), "the request limit that the rate-limit headers speak of"),
    "tokens_per_minute": Setting(_whole(1, _MOST), "the token limit that the rate-limit headers speak of"),
}


def changed(settings: Settings, changes: Mapping[str, str | None]) -> Settings:
    """Give the settings with some of them changed; None puts one back to its default.

    Raises:
        Problem: 400, naming the valid names, or what the value should have been.
    """
    values: dict[str, Any] = {}  # by field of Settings
    for name, text in changes.items():
        if name not in SETTINGS:
            raise Problem(BAD_REQUEST, f"unknown sandbox setting {name!r}; valid settings: {', '.join(SETTINGS)}")
        try:
            values[name] = getattr(_DEFAULTS, name) if text is None else SETTINGS[name].read(text)
        except ValueError as error:
            raise Problem(BAD_REQUEST, f"sandbox setting {name}: found {text[:80]!r}, {error}") from error  # type: ignore[index]  # None does not raise
    return replace(settings, **values)


_DEFAULTS: Final = Settings()


def from_headers(settings: Settings, headers: Mapping[str, str]) -> Settings:
    """Give the settings as one request's `x-sandbox-…` headers change them.

    Raises:
        Problem: as `changed`.
    """
    changes: dict[str, str | None] = {
        name.removeprefix(PREFIX).replace("-", "_"): unquote(value)
        for name, value in headers.items()
        if name.startswith(PREFIX) and name != FAULT_HEADER
    }
    return changed(settings, changes) if changes else settings
