"""What `POST /v1/embeddings` answers.

A vector is a function of the text and the model. Every word adds to a few of its dimensions, and a little noise of the
whole text to all of them, so texts that share words are near each other, and no two texts are the same.
"""

import base64
import math
import struct
from array import array
from collections import Counter
from typing import Any, Final

import orjson
from pydantic import ValidationError

from seawall.core.usage import Usage
from seawall.sandbox.call import Call
from seawall.sandbox.draw import digest
from seawall.sandbox.openai.endpoint import unknown_model
from seawall.sandbox.openai.error import bad, from_validation
from seawall.sandbox.openai.model import EMBEDDERS, LETTERS, Embedder
from seawall.sandbox.openai.shape import EmbeddingBody
from seawall.sandbox.problem import Json
from seawall.sandbox.reply import Charge, Event, Reply
from seawall.sandbox.token import count, split

MOST_TOKENS: Final = 8_192
MOST_TOKENS_IN_ALL: Final = 300_000
_PLACES: Final = 4  # dimensions that a word adds to
_NOISE: Final = 0.05


def embeddings(call: Call) -> Reply:
    """Answer an embeddings request.

    Raises:
        Problem: the request is not good.
    """
    body, model = _checked(call)
    texts = _texts(body["input"])
    tokens = [_tokens(text) for text in texts]
    if not min(tokens) or max(tokens) > MOST_TOKENS or sum(tokens) > MOST_TOKENS_IN_ALL:
        message = f"Invalid 'input': expected from 1 to {MOST_TOKENS} tokens a text, {MOST_TOKENS_IN_ALL} in all."
        raise bad(message, None, "input")
    dimensions = body.get("dimensions") or model.dimensions
    vectors = [vector(model.id, text, dimensions) for text in texts]
    is_packed = body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(values) if is_packed else values.tolist()}
        for index, values in enumerate(vectors)
    ]
    usage = Usage(input=sum(tokens))
    shown = call.faults.reported(usage)
    answer: dict[str, Any] = {"object": "list", "data": data, "model": body["model"]}
    if shown is not None:
        answer["usage"] = {"prompt_tokens": shown.input, "total_tokens": shown.input}
    charge = Charge(model.id, usage)
    return Reply(200, (("content-type", "application/json"),), [Event(orjson.dumps(answer))], charge=charge)


def _checked(call: Call) -> tuple[Json, Embedder]:
    body = call.json()
    known = body
    if call.settings.accept_unknown_fields:
        known = {name: value for name, value in body.items() if name in EmbeddingBody.model_fields}
    try:
        EmbeddingBody.model_validate(known)
    except ValidationError as error:
        raise from_validation(error, known) from error
    model = EMBEDDERS.get(body["model"])
    if model is None:
        raise unknown_model(body["model"])
    dimensions = body.get("dimensions")
    if dimensions is not None and (not model.can_shorten or dimensions > model.dimensions):
        message = f"This model does not support specifying dimensions of {dimensions}."
        raise bad(message, None, "dimensions")
    return body, model


def _texts(asked: Any) -> list[str | list[int]]:
    """Give the inputs one by one: a text, or the numbers of its tokens."""
    if isinstance(asked, str) or isinstance(asked[0], int):
        return [asked]
    return list(asked)


def _tokens(text: str | list[int]) -> int:
    return count(text, LETTERS) if isinstance(text, str) else len(text)


def vector(model: str, text: str | list[int], dimensions: int) -> "array[float]":
    """Give the unit vector of a text, in single precision."""
    pieces = split(text, LETTERS) if isinstance(text, str) else [str(number) for number in text]
    seed = digest(model.encode(), "\0".join(pieces).encode(errors="replace"))
    noise = struct.unpack(f">{dimensions}b", _stretched(seed, dimensions))
    values = [value / 128 * _NOISE for value in noise]
    for word, times in Counter(piece.strip().lower() for piece in pieces).items():
        places = struct.unpack(f">{_PLACES}i", digest(model.encode(), word.encode(errors="replace"), size=4 * _PLACES))
        for place in places:
            values[abs(place) % dimensions] += math.copysign(math.sqrt(times), place)
    length = math.hypot(*values) or 1.0
    return array("f", [value / length for value in values])


def _stretched(seed: bytes, size: int) -> bytes:
    return b"".join(digest(seed, b"%d" % block, size=64) for block in range(-(-size // 64)))[:size]


def _packed(values: "array[float]") -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()
