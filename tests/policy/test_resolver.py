from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.error import NotFound, Refused, Unsupported
from seawall.core.target import Target
from seawall.core.traits import UNKNOWN_TRAITS
from seawall.policy.compile import Compiled, compile_text
from seawall.policy.plan import CompiledPolicy
from seawall.policy.resolver import MAX_MODEL_NAME, MAX_RESOLVED, Resolver

Compile = Callable[..., Compiled]


@pytest.fixture
def policy(compiled: Compile) -> CompiledPolicy:
    made = compiled("routes: {/a: {}}").policy
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("claude-haiku-5-5", "anthropic/claude-haiku-5-5"),
        ("anthropic/claude-haiku-5-5", "anthropic/claude-haiku-5-5"),
        ("gpt-6-luna", "openai/gpt-6-luna"),
        ("text-embedding-3-small", "openai/text-embedding-3-small"),
    ],
)
def test_a_clients_model_is_found_with_its_price(policy: CompiledPolicy, model: str, name: str) -> None:
    target = policy.resolve(model)

    assert target.name == name
    assert target.price is not None


def test_what_is_known_of_a_model_is_on_its_target(policy: CompiledPolicy) -> None:
    assert policy.resolve("claude-opus-5-5").drops_sampling
    assert policy.resolve("gpt-6-sol").max_tokens_field == "max_completion_tokens"
    assert policy.resolve("gpt-4o").max_tokens_field == "max_tokens"


def test_what_a_model_takes_is_on_its_target(policy: CompiledPolicy) -> None:
    assert not policy.resolve("claude-opus-5-5").traits.forces_tools
    assert policy.resolve("gpt-6-astra").traits.chat_tools == "responses"


def test_a_model_that_others_serve_is_what_its_name_says_or_unknown(compiled: Compile) -> None:
    price = "{input_usd_per_mtok: 1, output_usd_per_mtok: 1}"
    policy = compiled(
        "routes: {/a: {}}\nproviders: {own: {dialect: anthropic, base_url: 'http://127.0.0.1:9'}}\n"
        f"prices: {{claude-opus-9: {price}}}"
    ).policy

    assert policy is not None
    assert not policy.resolve("own/claude-opus-5-5").traits.forces_tools
    assert policy.resolve("own/claude-opus-9").traits == UNKNOWN_TRAITS


@pytest.mark.parametrize("model", ["llama-4", "", "x" * (MAX_MODEL_NAME + 1), "local/x", "anthropic/"])
def test_a_model_of_nobody_is_not_found(policy: CompiledPolicy, model: str) -> None:
    with pytest.raises(NotFound, match="expected one of a provider that is set up") as caught:
        policy.resolve(model)

    assert (caught.value.code, caught.value.param) == ("model.not_found", "model")


@pytest.mark.parametrize("before", [90, 120, 128, 300])
def test_a_name_that_is_too_long_is_not_repeated_in_part(policy: CompiledPolicy, before: int) -> None:
    with pytest.raises(NotFound) as caught:
        policy.resolve("x" * before + "-half-a-credential-that-nobody-would-know-for-one")

    assert "half" not in str(caught.value)
    assert "characters" in str(caught.value)


@pytest.mark.parametrize("model", ["claude-nobody", "openai/llama", "gpt-realtime"])
def test_a_model_without_a_price_is_never_free(policy: CompiledPolicy, model: str) -> None:
    with pytest.raises(Unsupported, match="expected one whose price is known") as caught:
        policy.resolve(model)

    assert caught.value.code == "price.unknown"


def test_the_same_model_is_the_same_target(policy: CompiledPolicy) -> None:
    assert policy.resolve("claude-haiku-5-5") is policy.resolve("claude-haiku-5-5")


def test_what_is_kept_has_a_bound(policy: CompiledPolicy) -> None:
    for number in range(MAX_RESOLVED + 5):
        policy.resolve(f"claude-opus-4-5-{number}")

    assert isinstance(policy.resolve, Resolver)
    assert len(policy.resolve._resolved) <= MAX_RESOLVED


def test_an_implied_provider_without_a_key_is_left_out(compiled: Compile) -> None:
    policy = compiled("routes: {/a: {}}", {"ANTHROPIC_API_KEY": "invented"}).policy

    assert policy is not None
    assert set(policy.providers) == {"anthropic"}
    with pytest.raises(NotFound):
        policy.resolve("gpt-6-luna")


def test_a_provider_that_is_switched_off_has_no_models(compiled: Compile) -> None:
    policy = compiled("providers: {openai: {enabled: false}}\nroutes: {/a: {}}").policy

    assert policy is not None
    with pytest.raises(NotFound):
        policy.resolve("gpt-6-luna")


@given(model=st.text(max_size=300))
def test_any_text_is_a_target_or_a_refusal_that_can_be_printed(model: str) -> None:
    resolve = compile_text("routes: {/a: {}}", environment={"ANTHROPIC_API_KEY": "invented"}).resolve

    outcome = _outcome(resolve, model)

    assert outcome.isprintable()


def _outcome(resolve: Callable[[str], Target], model: str) -> str:
    try:
        return resolve(model).name
    except Refused as refused:
        return str(refused)
