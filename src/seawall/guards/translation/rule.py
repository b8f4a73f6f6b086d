"""Which endpoint of a target serves a request; pure."""

from collections.abc import Mapping
from typing import Any, Final

from seawall.core.target import Target
from seawall.dialects.dialect import CHAT, COUNT_TOKENS, EMBEDDINGS, GENERATING, MESSAGES, MODELS, RESPONSES, Endpoint

_OF_DIALECT: Final[Mapping[str, tuple[Endpoint, ...]]] = {
    "anthropic": (MESSAGES, COUNT_TOKENS, MODELS),
    "openai": (CHAT, RESPONSES, EMBEDDINGS, MODELS),
}


def endpoint_for(endpoint: Endpoint, fields: Mapping[str, Any], target: Target) -> Endpoint | None:
    """Name the target's endpoint for a request; None where it has none.

    A target that has the client's own endpoint gets the request there, with one exception: a model that takes tools on
    the Responses API alone would refuse them on Chat Completions, whoever sent them.
    """
    dialect = target.provider.dialect
    own = _OF_DIALECT.get(dialect, ())
    wants_responses = dialect == "openai" and target.traits.chat_tools == "responses" and _has_tools(fields)
    if endpoint in own:
        return RESPONSES if endpoint is CHAT and wants_responses else endpoint
    if endpoint not in GENERATING or not own:
        return None
    if dialect == "anthropic":
        return MESSAGES
    return RESPONSES if wants_responses else CHAT


def _has_tools(fields: Mapping[str, Any]) -> bool:
    return bool(fields.get("tools") or fields.get("functions"))
