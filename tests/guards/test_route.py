import pytest

from seawall.core.error import BadRequest, NotFound, Unsupported
from seawall.core.target import Target
from seawall.dialects.dialect import CHAT, COUNT_TOKENS, EMBEDDINGS, MESSAGES, MODELS, Endpoint
from seawall.guards.intake import IntakeGuard
from seawall.guards.route import RouteGuard, RouteSettings
from seawall.testing.scripted_upstream import ScriptedUpstream
from tests.scene import ANSWER, Call, Ended, Scene, provider, target, whole

SPEAKERS = {"anthropic": provider("anthropic", "first"), "openai": provider("openai", "second")}


def _resolve(model: str) -> Target:
    if model.startswith("free/"):
        return target("anthropic", model.removeprefix("free/"), price=None)
    if model == "nobody/knows":
        raise NotFound(f"no provider has {model}")
    return target("openai" if model.startswith("gpt") else "anthropic", model.rpartition("/")[2])


def _settings(to: Target | None = None, *, streaming: bool = True) -> RouteSettings:
    return RouteSettings(to, _resolve, SPEAKERS, streaming)


async def _ended(call: Call, settings: RouteSettings) -> Ended:
    upstream = ScriptedUpstream(whole(ANSWER[call.dialect.name]))
    return await Scene((IntakeGuard(1 << 20, "interactive"), RouteGuard(settings)), upstream).call(call)


@pytest.mark.parametrize("endpoint", [MESSAGES, COUNT_TOKENS], ids=["messages", "count"])
@pytest.mark.parametrize("body", [{}, {"model": "whatever"}, {"model": "model-of-the-route"}, {"model": "odd \n"}])
async def test_the_routes_model_is_the_target_whatever_the_client_asks_for(
    endpoint: Endpoint, body: dict[str, str]
) -> None:
    ended = await _ended(Call(endpoint, body), _settings(target()))

    assert ended.exchange.target == target()
    assert ended.sent == body
    assert ended.exchange.model_asked == body.get("model", "")


@pytest.mark.parametrize(
    ("endpoint", "asked", "sent"),
    [
        (MESSAGES, "claude-opus-5-5", "claude-opus-5-5"),
        (MESSAGES, "anthropic/claude-opus-5-5", "claude-opus-5-5"),
        (CHAT, "gpt-5.4", "gpt-5.4"),
        (EMBEDDINGS, "gpt-embed", "gpt-embed"),
    ],
)
async def test_an_open_route_goes_where_the_clients_model_is(endpoint: Endpoint, asked: str, sent: str) -> None:
    ended = await _ended(Call(endpoint, {"model": asked}), _settings())

    assert ended.exchange.target is not None
    assert ended.exchange.target.model == sent


async def test_an_open_route_needs_a_model() -> None:
    error = (await _ended(Call(MESSAGES, {}), _settings())).error

    assert isinstance(error, BadRequest)
    assert error.param == "model"
    assert "/ai/chat" in str(error)


@pytest.mark.parametrize("model", ["a b", "a\r\nx-evil: 1", "modèle", "\x00", "m\t", "😀"])
async def test_a_name_that_no_header_can_carry_is_no_models(model: str) -> None:
    error = (await _ended(Call(MESSAGES, {"model": model}), _settings())).error

    assert isinstance(error, NotFound)
    assert error.param == "model"
    assert model not in str(error)


async def test_a_model_that_nobody_has_is_not_found() -> None:
    assert isinstance((await _ended(Call(MESSAGES, {"model": "nobody/knows"}), _settings())).error, NotFound)


async def test_a_model_without_a_price_is_refused_where_it_would_be_billed() -> None:
    billed = await _ended(Call(MESSAGES, {"model": "free/m"}), _settings())
    counted = await _ended(Call(COUNT_TOKENS, {"model": "free/m"}), _settings())

    assert isinstance(billed.error, Unsupported)
    assert "prices:" in str(billed.error)
    assert counted.error is None


async def test_a_route_may_have_streaming_off() -> None:
    error = (await _ended(Call(MESSAGES, {"stream": True}), _settings(target(), streaming=False))).error
    fine = await _ended(Call(MESSAGES, {"stream": False}), _settings(target(), streaming=False))

    assert isinstance(error, BadRequest)
    assert (error.code, error.param) == ("route.stream", "stream")
    assert fine.error is None


@pytest.mark.parametrize(
    ("to", "name"),
    [
        pytest.param(target("anthropic"), "anthropic-provider", id="the route's own provider"),
        pytest.param(target("openai"), "first", id="one that speaks the client's dialect"),
        pytest.param(None, "first", id="an open route"),
    ],
)
async def test_models_are_listed_by_a_provider_of_the_clients_dialect(to: Target | None, name: str) -> None:
    ended = await _ended(Call(MODELS, model_id="sk-ant-api03-abc"), _settings(to))

    assert ended.exchange.target is not None
    assert ended.exchange.target.provider.name == name
    assert "sk-ant" not in ended.exchange.target.model


async def test_models_of_a_dialect_that_nobody_speaks_are_not_found() -> None:
    settings = RouteSettings(None, _resolve, {"openai": SPEAKERS["openai"]}, streaming=True)

    assert isinstance((await _ended(Call(MODELS), settings)).error, NotFound)
