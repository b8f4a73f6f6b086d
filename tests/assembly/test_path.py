from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.assembly.path import NOWHERE, WRONG_METHOD, Paths, Place, dialect_of
from seawall.dialects.anthropic import ANTHROPIC
from seawall.dialects.dialect import CHAT, COUNT_TOKENS, EMBEDDINGS, MESSAGES, MODELS, RESPONSES, Dialect, Endpoint
from seawall.dialects.openai import OPENAI
from seawall.dialects.responses.dialect import RESPONSES_DIALECT

ROUTES = ("/ai/chat", "/ai/draft", "/x")
PATHS = Paths(ROUTES)
DIALECT: dict[Endpoint, Dialect | None] = {
    MESSAGES: ANTHROPIC,
    COUNT_TOKENS: ANTHROPIC,
    CHAT: OPENAI,
    RESPONSES: RESPONSES_DIALECT,
    EMBEDDINGS: OPENAI,
    MODELS: None,
}
MODEL_IDS = ["claude-opus-5-5", "gpt-5.4", "ft:gpt-4o:team::id", "models/x", "meta%2Fllama", "a@2026", "..5", "x+y"]


@pytest.mark.parametrize("version", ["", "/v1"], ids=["plain", "v1"])
@pytest.mark.parametrize("route", ["", *ROUTES])
@pytest.mark.parametrize("endpoint", DIALECT, ids=lambda endpoint: endpoint.name)
def test_every_endpoint_stands_bare_and_under_every_route(endpoint: Endpoint, route: str, version: str) -> None:
    found = PATHS.find(endpoint.method, route + version + endpoint.path)

    assert found == Place(endpoint, DIALECT[endpoint], route)


@pytest.mark.parametrize("version", ["", "/v1"], ids=["plain", "v1"])
@pytest.mark.parametrize("route", ["", *ROUTES])
@pytest.mark.parametrize("model_id", MODEL_IDS)
def test_a_model_can_be_asked_for_by_its_id(model_id: str, route: str, version: str) -> None:
    found = PATHS.find("GET", f"{route}{version}/models/{model_id}")

    assert found == Place(MODELS, None, route, model_id)


@pytest.mark.parametrize(
    "model_id",
    [
        "",
        "..",
        ".",
        "a/../b",
        "a//b",
        "/a",
        "a/",
        "%2e%2e",
        "%2E%2E%2Fkeys",
        "a%2F..%2Fb",
        "%252e%252e",
        "%2",
        "%zz",
        "%00",
        "%0d%0aevil",
        "a b",
        "a%20b",
        "a?b",
        "a#b",
        "modèle",
        "%C3%A8",
        "m" * 257,
    ],
)
def test_what_can_be_no_models_id_leads_nowhere(model_id: str) -> None:
    assert PATHS.find("GET", f"/v1/models/{model_id}") is NOWHERE


@pytest.mark.parametrize("route", ROUTES)
def test_a_routes_own_path_speaks_messages(route: str) -> None:
    assert PATHS.find("POST", route) == Place(MESSAGES, ANTHROPIC, route)


@pytest.mark.parametrize("routes", [("/ai", "/ai/messages"), ("/ai/messages", "/ai")])
def test_an_endpoint_goes_before_a_route_of_the_same_path(routes: tuple[str, ...]) -> None:
    paths = Paths(routes)

    assert paths.find("POST", "/ai/messages") == Place(MESSAGES, ANTHROPIC, "/ai")
    assert paths.find("POST", "/ai/messages/v1/messages") == Place(MESSAGES, ANTHROPIC, "/ai/messages")


def test_no_route_takes_a_bare_endpoint_away() -> None:
    assert Paths(("/messages",)).find("POST", "/messages") == Place(MESSAGES, ANTHROPIC)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("POST", ""),
        ("POST", "/v1/messages/"),
        ("POST", "//v1/messages"),
        ("POST", "/V1/messages"),
        ("POST", "/v1/v1/messages"),
        ("POST", "/v1/messages/batches"),
        ("POST", "/v1/completions"),
        ("POST", "/ai/other/v1/messages"),
        ("POST", "/ai/v1/messages"),
        ("POST", "/ai/chat/v1"),
        ("POST", "/v1/messages?x"),
        ("POST", "/ai/chat/../draft/v1/messages"),
        ("POST", "/ai%2Fchat/v1/messages"),
    ],
)
def test_other_paths_lead_nowhere(method: str, path: str) -> None:
    assert PATHS.find(method, path) is NOWHERE


@pytest.mark.parametrize(
    ("method", "path", "place"),
    [
        ("GET", "/v1/messages", Place(WRONG_METHOD["POST"], ANTHROPIC)),
        ("post", "/v1/messages", Place(WRONG_METHOD["POST"], ANTHROPIC)),
        ("GET", "/ai/chat/v1/chat/completions", Place(WRONG_METHOD["POST"], OPENAI, "/ai/chat")),
        ("GET", "/ai/chat", Place(WRONG_METHOD["POST"], ANTHROPIC, "/ai/chat")),
        ("POST", "/v1/models", Place(WRONG_METHOD["GET"], None)),
        ("DELETE", "/v1/models/x", Place(WRONG_METHOD["GET"], None)),
    ],
)
def test_a_path_is_known_by_the_methods_that_it_is_answered_for(method: str, path: str, place: Place) -> None:
    assert PATHS.find(method, path) == place


def test_a_route_may_stand_where_models_are_listed() -> None:
    assert Paths(("/models",)).find("PUT", "/models") == Place(WRONG_METHOD["GET, POST"], None)


@given(
    st.sampled_from(["GET", "POST", "PUT", "HEAD"]),
    st.lists(st.sampled_from(["", "/", "v1", "ai", "chat", "x", "messages", "models", "..", "%2F", "m-1", "é"])),
)
def test_what_is_found_says_again_what_was_asked_for(method: str, pieces: list[str]) -> None:
    path = "/" + "/".join(pieces)
    found = PATHS.find(method, path)
    if not found.endpoint.path:
        return

    model = f"/{found.model_id}" if found.model_id else ""
    below = path.removeprefix(found.route)
    assert method == found.endpoint.method
    assert found.route in ("", *ROUTES)
    assert below in ("", f"{found.endpoint.path}{model}", f"/v1{found.endpoint.path}{model}")
    assert ".." not in unquote(found.model_id).split("/")


def test_the_models_endpoint_speaks_the_clients_dialect() -> None:
    models, chat = PATHS.find("GET", "/v1/models"), PATHS.find("POST", "/v1/chat/completions")

    assert dialect_of(models, {b"anthropic-version": b"2023-06-01"}) is ANTHROPIC
    assert dialect_of(models, {}) is OPENAI
    assert dialect_of(NOWHERE, {}) is OPENAI
    assert dialect_of(chat, {b"anthropic-version": b"2023-06-01"}) is OPENAI
