"""Which path is answered by what, in which dialect."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from seawall.sandbox.anthropic import catalogue as claude_models
from seawall.sandbox.anthropic import endpoint as anthropic
from seawall.sandbox.anthropic.error import ANTHROPIC
from seawall.sandbox.call import Dialect, Endpoint
from seawall.sandbox.openai import catalogue as openai_models
from seawall.sandbox.openai.embedding import embeddings
from seawall.sandbox.openai.endpoint import chat
from seawall.sandbox.openai.error import OPENAI, RESPONSES
from seawall.sandbox.openai.responses import responses
from seawall.sandbox.problem import Problem

_NOT_FOUND: Final = 404
_NOT_ALLOWED: Final = 405
_MODELS: Final = "/v1/models/"


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint under its path; `name` is what stands in place of `{id}`."""

    method: str
    path: str
    dialect: Dialect
    endpoint: Endpoint
    name: str = ""


_POSTS: Final = {
    "/v1/messages": (ANTHROPIC, anthropic.messages),
    "/v1/messages/count_tokens": (ANTHROPIC, anthropic.count_tokens),
    "/v1/chat/completions": (OPENAI, chat),
    "/v1/responses": (RESPONSES, responses),
    "/v1/embeddings": (OPENAI, embeddings),
}


def dialect_of(path: str, headers: Mapping[str, str]) -> Dialect:
    """Say which dialect a request speaks: the path decides, else the header that only one dialect has."""
    if path in _POSTS:
        return _POSTS[path][0]
    return ANTHROPIC if "anthropic-version" in headers else OPENAI


def find(method: str, path: str, headers: Mapping[str, str]) -> Route:
    """Find what answers a request.

    Raises:
        Problem: 404 or 405.
    """
    dialect = dialect_of(path, headers)
    if path in _POSTS:
        route = Route("POST", path, *_POSTS[path])
    elif path == "/v1/models":
        route = Route("GET", path, dialect, (claude_models if dialect is ANTHROPIC else openai_models).models)
    elif path.startswith(_MODELS) and "/" not in path.removeprefix(_MODELS):
        endpoint = (claude_models if dialect is ANTHROPIC else openai_models).model
        route = Route("GET", _MODELS + "{id}", dialect, endpoint, unquote(path.removeprefix(_MODELS)))
    else:
        raise Problem(_NOT_FOUND, f"Invalid URL ({method} {path})", code="unknown_url")
    if method != route.method:
        raise Problem(_NOT_ALLOWED, f"Method Not Allowed: {method} {path}")
    return route
