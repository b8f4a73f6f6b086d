"""One call of an endpoint, with all that decides its answer, and the dialect it is answered in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson

from seawall.sandbox.cache import PromptCache
from seawall.sandbox.draw import digest
from seawall.sandbox.fault import Faults
from seawall.sandbox.limit import Standing
from seawall.sandbox.problem import BAD_REQUEST, Json, Problem
from seawall.sandbox.reply import Reply
from seawall.sandbox.setting import Settings


@dataclass(frozen=True, slots=True)
class Call:
    """What an endpoint is given; it decides the whole answer from this and touches nothing but the cache.

    `headers` has names in lower case, `query` the last value of each name, `name` what the path ends with where the
    route has a place for it. `key` numbers the API key. `now_s` is monotonic, `wall_s` the wall clock.
    """

    body: bytes
    headers: Mapping[str, str]
    query: Mapping[str, str]
    name: str
    settings: Settings
    faults: Faults
    key: int
    request_id: str
    now_s: float
    wall_s: float
    cache: PromptCache

    def json(self) -> Json:
        """Read the body as a JSON object.

        Raises:
            Problem: 400, it is not one.
        """
        try:
            body = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise Problem(BAD_REQUEST, f"The request body is not valid JSON: {error}") from error
        if not isinstance(body, dict):
            raise Problem(BAD_REQUEST, "The request body is not a JSON object")
        return body


@dataclass(frozen=True, slots=True)
class Facts:
    """What the headers of every answer speak of."""

    request_id: str
    standing: Standing
    wall_s: float
    took_ms: int


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a provider says no, and what its headers look like.

    `problem` and `frame` give the body and the stream event of an error; `garbage` is a piece of a broken stream.
    """

    problem: Callable[[Problem, str], bytes]
    frame: Callable[[Problem, str], bytes]
    headers: Callable[[Facts], tuple[tuple[str, str], ...]]
    garbage: bytes


Endpoint = Callable[[Call], Reply]


def seed(body: Json, *left_out: str) -> bytes:
    """Hash what a request asks, whatever the order of its keys, without the fields left out.

    Raises:
        Problem: 400, it is nested too deeply.
    """
    asked = {name: value for name, value in body.items() if name not in left_out}
    try:
        return digest(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS))
    except orjson.JSONEncodeError as error:
        raise Problem(BAD_REQUEST, "The request body is nested too deeply") from error
