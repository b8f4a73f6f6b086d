"""What of a model's limits a client's beta header lifts; pure."""

import re
from dataclasses import replace
from typing import Final

from seawall.core.target import Target

_LONGER_PROMPT: Final = re.compile(rb"\bcontext-(\d{1,2})m\b")
_LONGER_ANSWER: Final = re.compile(rb"\boutput-\d+k\b")


def lifted(target: Target, betas: bytes) -> Target:
    """Give the target with the limits that hold where its provider is sent this `anthropic-beta`.

    A longer context is what the header names; a longer answer is bounded by nothing but what the request asks for.
    """
    traits = target.traits
    if (longer := _LONGER_PROMPT.search(betas)) and traits.input_tokens is not None:
        traits = replace(traits, input_tokens=max(traits.input_tokens, int(longer[1]) * 1_000_000))
    if _LONGER_ANSWER.search(betas):
        traits = replace(traits, output_tokens=None)
    return target if traits is target.traits else replace(target, traits=traits)
