"""What a request can use at most, whichever endpoint it is for."""

from collections.abc import Mapping
from typing import Any

from seawall.core.target import Target
from seawall.core.worst_case import Bound
from seawall.dialects.bound.chat import chat_bound
from seawall.dialects.bound.embeddings import embeddings_bound
from seawall.dialects.bound.messages import messages_bound
from seawall.dialects.bound.responses import responses_bound
from seawall.dialects.dialect import CHAT, EMBEDDINGS, MESSAGES, RESPONSES, Endpoint

__all__ = ["NOTHING", "Bound", "bound_of"]

NOTHING = Bound(0, 0)


def bound_of(endpoint: Endpoint, fields: Mapping[str, Any], target: Target) -> Bound:  # JSON values of whatever shape
    """Bound what one attempt can use of this target, from its request's fields as they are sent.

    Never fails, whatever the fields are: what no provider takes is counted as text. Takes time by the number of values,
    and by the length of those texts that are not ASCII, of JSON and of PDFs. An endpoint that is not billed uses
    nothing.
    """
    if endpoint is CHAT:
        return chat_bound(fields, target)
    if endpoint is MESSAGES:
        return messages_bound(fields, target)
    if endpoint is RESPONSES:
        return responses_bound(fields, target)
    if endpoint is EMBEDDINGS:
        return embeddings_bound(fields, target)
    return NOTHING
