"""The built-in profiles (row R8), and what holds where neither route nor profile says anything."""

from typing import Final

from seawall.policy.document import ProfileDocument, SharedSettings

# Safe for someone who reads nothing: every call has a ceiling of tokens, a deadline, and an end of every silence.
DEFAULTS: Final = SharedSettings.model_validate(
    {
        "class": "interactive",
        "max_tokens": 4096,
        "max_tokens_above": "clamp",
        "enforce_json": False,
        "retries": 2,
        "max_attempts": 4,
        "timeout_ms": 120_000,
        "connect_timeout_ms": 5_000,
        "first_token_timeout_ms": 30_000,
        "idle_timeout_ms": 30_000,
        "streaming": True,
        "hold_back_ms": 2_000,
        "on_broken_stream": "error",
        "strict_translation": False,
        "breaker": {
            "failure_ratio": 0.5,
            "slow_ratio": 0.9,
            "min_calls": 20,
            "window_s": 30,
            "open_s": 15,
            "longest_open_s": 300,
            "probes": 3,
        },
        "degraded": "error",
        "on_exhausted": "refuse",
        "on_hang_up": "abort",
    }
)

BUILT_IN: Final = {
    # A person is waiting: it is better to fail soon than to answer late.
    "interactive": ProfileDocument.model_validate(
        {
            "class": "interactive",
            "temperature": 0.6,
            "max_tokens": 1024,
            "timeout_ms": 30_000,
            "connect_timeout_ms": 3_000,
            "first_token_timeout_ms": 10_000,
            "idle_timeout_ms": 10_000,
        }
    ),
    # A program reads the answer: strict JSON, little variation, patience.
    "automation": ProfileDocument.model_validate(
        {
            "class": "automation",
            "temperature": 0.2,
            "enforce_json": True,
            "max_tokens": 2048,
            "timeout_ms": 120_000,
            "first_token_timeout_ms": 60_000,
            "idle_timeout_ms": 60_000,
        }
    ),
    # Long documents and long answers, read with care.
    "analysis": ProfileDocument.model_validate(
        {
            "class": "analysis",
            "temperature": 0.4,
            "max_tokens": 4096,
            "timeout_ms": 300_000,
            "first_token_timeout_ms": 60_000,
            "idle_timeout_ms": 60_000,
        }
    ),
}
