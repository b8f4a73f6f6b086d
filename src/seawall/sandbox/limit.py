"""Rate limits as headers speak of them: requests and tokens of one key in windows of a minute."""

from dataclasses import dataclass
from typing import Final

from seawall.sandbox.setting import Settings

WINDOW_S: Final = 60.0
_MOST_KEYS: Final = 10_000
_OUTPUT_SHARE: Final = 5  # output tokens get a fifth of the limit for input tokens


@dataclass(frozen=True, slots=True)
class Share:
    """One limit and what is left of it."""

    limit: int
    remaining: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left to a key in this window, which ends in `reset_s` seconds."""

    requests: Share
    input_tokens: Share
    output_tokens: Share
    reset_s: float

    @property
    def is_used_up(self) -> bool:
        """Say whether one of the limits is used up."""
        return 0 in {self.requests.remaining, self.input_tokens.remaining, self.output_tokens.remaining}


@dataclass(slots=True)
class _Window:
    ends_s: float
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


class Limits:
    """Count what every key uses a minute; whether that refuses anything is for the caller to decide."""

    def __init__(self) -> None:
        self._windows: dict[int, _Window] = {}

    def standing(self, key: int, settings: Settings, now_s: float) -> Standing:
        """Say what is left to a key; its window begins with its first request."""
        window = self._window(key, now_s)
        tokens = settings.tokens_per_minute
        return Standing(
            _share(settings.requests_per_minute, window.requests),
            _share(tokens, window.input_tokens),
            _share(max(1, tokens // _OUTPUT_SHARE), window.output_tokens),
            window.ends_s - now_s,
        )

    def count(self, key: int, input_tokens: int, output_tokens: int, now_s: float) -> None:
        """Count one request; tokens read from a cache are not among `input_tokens`."""
        window = self._window(key, now_s)
        window.requests += 1
        window.input_tokens += input_tokens
        window.output_tokens += output_tokens

    def _window(self, key: int, now_s: float) -> _Window:
        window = self._windows.get(key)
        if window is None or now_s >= window.ends_s:
            if len(self._windows) >= _MOST_KEYS:
                self._windows.clear()
            window = self._windows[key] = _Window(now_s + WINDOW_S)
        return window


def _share(limit: int, used: int) -> Share:
    return Share(limit, max(0, limit - used))
