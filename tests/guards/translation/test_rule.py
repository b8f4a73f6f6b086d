import pytest

from seawall.core.target import Target
from seawall.core.traits import Traits
from seawall.dialects.dialect import CHAT, COUNT_TOKENS, EMBEDDINGS, MESSAGES, MODELS, RESPONSES, Endpoint
from seawall.guards.translation.rule import endpoint_for
from tests.scene import target

CLAUDE, GPT = target("anthropic"), target("openai")
ASTRA = target("openai", traits=Traits(chat_tools="responses"))
TOOLS = {"tools": [{"name": "t"}]}


@pytest.mark.parametrize(
    ("endpoint", "to", "served_by"),
    [
        (MESSAGES, CLAUDE, MESSAGES),
        (COUNT_TOKENS, CLAUDE, COUNT_TOKENS),
        (MODELS, CLAUDE, MODELS),
        (CHAT, CLAUDE, MESSAGES),
        (RESPONSES, CLAUDE, MESSAGES),
        (EMBEDDINGS, CLAUDE, None),
        (MESSAGES, GPT, CHAT),
        (CHAT, GPT, CHAT),
        (RESPONSES, GPT, RESPONSES),
        (EMBEDDINGS, GPT, EMBEDDINGS),
        (COUNT_TOKENS, GPT, None),
        (MESSAGES, ASTRA, CHAT),
    ],
)
def test_every_request_goes_to_the_nearest_endpoint(endpoint: Endpoint, to: Target, served_by: Endpoint | None) -> None:
    assert endpoint_for(endpoint, {}, to) is served_by


@pytest.mark.parametrize("endpoint", [MESSAGES, CHAT, RESPONSES])
@pytest.mark.parametrize("fields", [TOOLS, {"functions": [{"name": "f"}]}])
def test_tools_go_where_the_model_takes_them(endpoint: Endpoint, fields: dict[str, object]) -> None:
    assert endpoint_for(endpoint, fields, ASTRA) is RESPONSES
    assert endpoint_for(CHAT, fields, GPT) is CHAT


def test_a_provider_of_an_unknown_dialect_serves_nothing() -> None:
    assert endpoint_for(MESSAGES, {}, target("other")) is None
