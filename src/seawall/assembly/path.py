"""Which endpoint and route a path names; pure."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from seawall.dialects.anthropic import ANTHROPIC
from seawall.dialects.dialect import MESSAGES, MODELS, UNKNOWN, Dialect, Endpoint
from seawall.dialects.openai import OPENAI
from seawall.dialects.responses.dialect import RESPONSES_DIALECT

DIALECTS: Final[tuple[Dialect, ...]] = (ANTHROPIC, OPENAI, RESPONSES_DIALECT)


@dataclass(frozen=True, slots=True)
class Place:
    """What a path names. `dialect` None leaves it to the headers; `route` is empty where the path names none."""

    endpoint: Endpoint
    dialect: Dialect | None
    route: str = ""
    model_id: str = ""


NOWHERE: Final = Place(UNKNOWN, None)
# What a path is that is answered for other methods only: the endpoint's method is what the `Allow` header says.
WRONG_METHOD: Final = {
    allow: Endpoint(UNKNOWN.name, allow, "", is_billed=False, has_body=False) for allow in ("GET", "POST", "GET, POST")
}
_MODEL_ID: Final = re.compile(r"[A-Za-z0-9_.:@/+-]{1,256}")
_CLIMBING: Final = frozenset({"", ".", ".."})


class Paths:
    """A table of every method and path that is answered: bare, and under each route.

    The official Anthropic clients add `/v1/messages` to their base URL, the OpenAI ones `/chat/completions`, so that
    both forms stand under each route. A POST to a route's own path speaks Messages, unless that path is an endpoint
    of a shorter route.
    """

    def __init__(self, routes: Collection[str]) -> None:
        self._places: dict[tuple[str, str], Place] = {}
        self._models: dict[str, Place] = {}
        for route in ("", *routes):
            for dialect in DIALECTS:
                for endpoint in dialect.endpoints:
                    self._add(endpoint, None if endpoint is MODELS else dialect, route)
        for route in routes:
            self._places.setdefault(("POST", route), Place(MESSAGES, ANTHROPIC, route))

    def _add(self, endpoint: Endpoint, dialect: Dialect | None, route: str) -> None:
        place = Place(endpoint, dialect, route)
        for path in (f"{route}/v1{endpoint.path}", f"{route}{endpoint.path}"):
            self._places[endpoint.method, path] = place
            if endpoint is MODELS:
                self._models[path + "/"] = place

    def find(self, method: str, path: str) -> Place:
        """Name what a request line asks for; `path` is as it came, without its query. Unknown ones are `NOWHERE`.

        A path that is answered for other methods only is one of the endpoints of `WRONG_METHOD`.
        A model's id keeps its percent-encoding, which the official clients use for a slash.
        """
        return self._places.get((method, path)) or self._answered(method, path) or self._misused(path)

    def _answered(self, method: str, path: str) -> Place | None:
        place = self._places.get((method, path))
        if place is not None:
            return place
        if method == "GET":
            for prefix, models in self._models.items():
                if path.startswith(prefix) and _is_model_id(path[len(prefix) :]):
                    return Place(models.endpoint, None, models.route, path[len(prefix) :])
        return None

    def _misused(self, path: str) -> Place:
        places = [place for method in ("GET", "POST") if (place := self._answered(method, path))]
        if not places:
            return NOWHERE
        allow = ", ".join([place.endpoint.method for place in places])
        return Place(WRONG_METHOD[allow], places[0].dialect, places[0].route)


def _is_model_id(text: str) -> bool:
    """Say whether this can be a model's id and nothing that climbs out of the path, however it is decoded."""
    name = unquote(text) if "%" in text else text
    return _MODEL_ID.fullmatch(name) is not None and not _CLIMBING & set(name.split("/"))


def dialect_of(place: Place, headers: dict[bytes, bytes]) -> Dialect:
    """Choose the client's dialect: the endpoint's own, or by the header that only Anthropic clients send."""
    if place.dialect is not None:
        return place.dialect
    return ANTHROPIC if b"anthropic-version" in headers else OPENAI
