"""The bound of an embeddings request."""

from collections.abc import Mapping
from typing import Any, Final

from seawall.core.target import Target
from seawall.core.worst_case import Bound
from seawall.dialects.bound.tally import Tally

_EACH: Final = 2  # a tokenizer may frame a text with a first and a last token


def embeddings_bound(fields: Mapping[str, Any], target: Target) -> Bound:  # JSON values of whatever shape
    """Bound what an embeddings request can use: texts, or the numbers of their tokens."""
    tally = Tally(target, 0)
    asked = fields.get("input")
    texts = [asked] if type(asked) is not list or (asked and type(asked[0]) is int) else asked
    for text in texts:
        tally.tokens += _EACH
        if type(text) is list:
            # A number is a token; what else stands in the list is more than one, and the provider refuses it.
            tally.tokens += sum(1 if type(number) is int else len(repr(number)) for number in text)
        else:
            tally.text(text)
    return Bound(tally.tokens, 0)
