"""The list of models as the OpenAI dialect tells it."""

from typing import Final

import orjson

from seawall.sandbox.call import Call
from seawall.sandbox.openai.endpoint import unknown_model
from seawall.sandbox.openai.model import EMBEDDERS, GPT, find
from seawall.sandbox.problem import Json
from seawall.sandbox.reply import Reply, whole

_CREATED: Final = 1_767_225_600  # 2026-01-01; nobody should read a meaning into it


def models(call: Call) -> Reply:
    """Answer `GET /v1/models`."""
    del call
    data = [_told(name) for name in (*GPT, *EMBEDDERS)]
    return whole(200, orjson.dumps({"object": "list", "data": data}))


def model(call: Call) -> Reply:
    """Answer `GET /v1/models/{id}`.

    Raises:
        Problem: 404, there is no such model.
    """
    found = find(call.name)
    if found is None and call.name not in EMBEDDERS:
        raise unknown_model(call.name)
    return whole(200, orjson.dumps(_told(call.name if found is None else found.id)))


def _told(name: str) -> Json:
    model = GPT.get(name)
    shutdown = model.shutdown if model else None
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": "system", "shutdown_date": shutdown}
