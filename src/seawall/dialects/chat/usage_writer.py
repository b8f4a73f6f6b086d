"""Write usage in the endpoint's words; reading it is the dialect's own business."""

from typing import Any

from seawall.core.usage import Usage


def usage_of(usage: Usage) -> dict[str, Any]:
    """Give the usage object: here cached and written tokens are part of the prompt, and thinking of the completion."""
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.billed_output,
        "total_tokens": usage.prompt + usage.billed_output,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write_short + usage.cache_write_long,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.thinking},
    }
