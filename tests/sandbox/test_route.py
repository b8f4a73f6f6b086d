import pytest

from seawall.sandbox.anthropic.error import ANTHROPIC
from seawall.sandbox.openai.error import OPENAI
from seawall.sandbox.problem import Problem
from seawall.sandbox.route import dialect_of, find

VERSION = {"anthropic-version": "2023-06-01"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/messages"),
        ("POST", "/v1/messages/count_tokens"),
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/responses"),
        ("POST", "/v1/embeddings"),
        ("GET", "/v1/models"),
    ],
)
def test_every_endpoint_is_found_under_its_path(method: str, path: str) -> None:
    assert find(method, path, {}).path == path


def test_the_version_header_decides_which_models_are_told() -> None:
    assert find("GET", "/v1/models", VERSION).dialect is ANTHROPIC
    assert find("GET", "/v1/models", {}).dialect is OPENAI
    assert find("GET", "/v1/models", VERSION).endpoint is not find("GET", "/v1/models", {}).endpoint


def test_one_model_is_named_by_the_path() -> None:
    route = find("GET", "/v1/models/gpt%2D5.5", {})

    assert (route.path, route.name) == ("/v1/models/{id}", "gpt-5.5")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/v1/messages", 405, id="another method"),
        pytest.param("POST", "/v1/models/x", 405, id="a model takes no post"),
        pytest.param("POST", "/v1/batches", 404, id="an endpoint that there is not"),
        pytest.param("GET", "/v1/models/a/b", 404, id="below a model"),
        pytest.param("GET", "*", 404, id="no path"),
    ],
)
def test_what_there_is_not_is_refused(method: str, path: str, status: int) -> None:
    with pytest.raises(Problem) as caught:
        find(method, path, {})

    assert caught.value.status == status


def test_errors_are_told_in_the_dialect_of_the_path() -> None:
    assert dialect_of("/v1/messages", {}) is ANTHROPIC
    assert dialect_of("/v1/chat/completions", VERSION) is OPENAI
    assert dialect_of("/elsewhere", VERSION) is ANTHROPIC
