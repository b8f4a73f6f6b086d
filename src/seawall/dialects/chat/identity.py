"""The ids that the endpoint's clients expect to see."""

import uuid
from typing import Final

_PREFIX: Final = "chatcmpl-"
_OF_OTHERS: Final = ("msg_", "resp_")


def answer_id(found: str) -> str:
    """Give an answer's id the endpoint's prefix; without one, make one up."""
    if found.startswith(_PREFIX):
        return found
    for prefix in _OF_OTHERS:
        found = found.removeprefix(prefix)
    return _PREFIX + (found or uuid.uuid4().hex)


def call_id() -> str:
    """Make up the id of a call to which its server gave none; it has to be the only one of a whole conversation."""
    return f"call_{uuid.uuid4().hex}"
