"""What an SDK's response says of itself, read from whatever object it is; no text of an answer is touched."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any, Final, NamedTuple

import orjson

from seawall.core.price import Price
from seawall.dialects.anthropic import ANTHROPIC
from seawall.dialects.dialect import CHAT, EMBEDDINGS, MESSAGES, RESPONSES, Dialect, Endpoint, Facts
from seawall.dialects.openai import OPENAI
from seawall.dialects.responses.dialect import RESPONSES_DIALECT
from seawall.policy.address import OFFICIAL
from seawall.policy.price_schedule import price_on
from seawall.policy.price_table import find_listing

_KINDS: Final[Mapping[tuple[str, str], tuple[Dialect, Endpoint]]] = {
    ("type", "message"): (ANTHROPIC, MESSAGES),
    ("object", "chat.completion"): (OPENAI, CHAT),
    ("object", "list"): (OPENAI, EMBEDDINGS),
    ("object", "response"): (RESPONSES_DIALECT, RESPONSES),
}
_PLAIN: Final = (str, int, float, bool, type(None))
_DEEPEST: Final = 4
_TELLING: Final = (
    "type",
    "object",
    "model",
    "stop_reason",
    "status",
    "incomplete_details",
    "usage",
    "tool_usage",
    "service_tier",
)


class Told(NamedTuple):
    """What a response told: by which dialect, and the same facts that the pipeline reads from the wire."""

    dialect: str
    facts: Facts


def read_response(response: object) -> Told | None:
    """Read a Message, a ChatCompletion, a Response or an embeddings answer.

    It may be an SDK's object, or the JSON that it was made of. None for anything else, a stream for one.
    Raises nothing, whatever the object does when it is looked at.
    """
    try:
        for (name, word), (dialect, endpoint) in _KINDS.items():
            if read_field(response, name) == word:
                return Told(dialect.name, dialect.read_reply(endpoint, orjson.dumps(_essence(response))))
    except Exception:  # noqa: BLE001  # anybody's object; to look at it must never make a good call fail
        return None
    return None


def read_field(value: object, name: str) -> object:
    """Read an attribute of an object or a key of a mapping; None where there is none, or where reading it raises."""
    try:
        return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
    except Exception:  # noqa: BLE001  # as above
        return None


@lru_cache(256)
def list_price(dialect: str, model: str, day: date) -> Price | None:
    """Give what a model costs on a day at the dialect's own provider; None where nobody knows."""
    listing = find_listing(OFFICIAL[dialect], dialect, model)
    return None if listing is None else price_on(listing.schedule, day)


def _essence(response: object) -> dict[str, Any]:  # JSON values
    """Take what counts, and leave the answer's text where it is."""
    essence = {name: _plain(read_field(response, name)) for name in _TELLING}
    choices = read_field(response, "choices")
    if isinstance(choices, list | tuple):
        essence["choices"] = [{"finish_reason": _plain(read_field(choice, "finish_reason"))} for choice in choices[:1]]
    essence["data"] = []
    return essence


def _plain(value: object, depth: int = 0) -> Any:  # a JSON value
    """Turn an SDK's record into plain JSON values; what is no value becomes None."""
    if isinstance(value, _PLAIN):
        return value
    fields = value if isinstance(value, Mapping) else getattr(value, "__dict__", None)
    if fields is None or depth >= _DEEPEST:
        return None
    return {str(name): _plain(part, depth + 1) for name, part in fields.items()}
