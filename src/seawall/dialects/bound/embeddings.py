"""The bound of an embeddings request."""

from collections.abc import Mapping
from typing import Any, Final

from seawall.core.target import Target
from seawall.core.worst_case import Bound
from seawall.dialects.bound.tally import Tally

_STEERING: Final = frozenset({"model", "input", "dimensions", "encoding_format", "user"})
_EACH: Final = 2  # a tokenizer may frame a text with a first and a last token


def embeddings_bound(fields: Mapping[str, Any], target: Target) -> Bound:  # JSON values of whatever shape
    """Bound what an embeddings request can use: texts, or the numbers of their tokens.

    What else holds a text counts, too: some servers read messages where others read an input.
    """
    tally = Tally(target, 0)
    for name, value in fields.items():
        if name not in _STEERING and type(value) in (str, list, dict):
            tally.field(name, value)
    asked = fields.get("input")
    texts = [asked] if type(asked) is not list or (asked and type(asked[0]) is int) else asked
    for text in texts:
        tally.tokens += _EACH
        if type(text) is list:
            # A number is a token; what else stands in the list is more than one, and the provider refuses it.
            for number in text:
                if type(number) is int:
                    tally.tokens += 1
                else:
                    tally.json(number)
        else:
            tally.text(text)
    return Bound(tally.tokens, 0)
