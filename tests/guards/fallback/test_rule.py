import pytest

from seawall.core.error import SeawallError, TargetClosed, Unsupported, UpstreamBroken, UpstreamRefused
from seawall.core.target import Target
from seawall.core.traits import Traits
from seawall.dialects.dialect import CHAT, MESSAGES, RESPONSES, Endpoint
from seawall.guards.fallback.rule import GO_ON, can_continue, continued_turns, goes_on, says_when, telling
from tests.scene import target

ASKED = {"role": "user", "content": "Tell me."}
BEGUN = {"role": "assistant", "content": "Once upon"}
MORE = {"role": "user", "content": GO_ON}


@pytest.mark.parametrize(
    ("error", "attempts", "expected"),
    [
        (UpstreamBroken("cut"), 1, True),
        (UpstreamBroken("cut"), 4, False),
        (Unsupported("cannot carry it"), 4, True),
        (UpstreamRefused(400, "", "bad"), 0, False),
    ],
)
def test_a_call_goes_on_where_the_next_may_do_better(error: SeawallError, attempts: int, *, expected: bool) -> None:
    assert goes_on(error, attempts, 4) is expected


@pytest.mark.parametrize(
    ("endpoint", "fields", "expected"),
    [
        (MESSAGES, {"messages": [ASKED]}, True),
        (CHAT, {"messages": [ASKED], "n": 1}, True),
        (CHAT, {"messages": [ASKED], "n": 2}, False),
        (CHAT, {"messages": "oops"}, False),
        (CHAT, {"messages": [ASKED], "response_format": {"type": "text"}}, True),
        (CHAT, {"messages": [ASKED], "response_format": {"type": "json_object"}}, False),
        (CHAT, {"messages": [ASKED], "response_format": "odd"}, False),
        (MESSAGES, {"messages": [ASKED], "output_config": {"effort": "low"}}, True),
        (MESSAGES, {"messages": [ASKED], "output_config": {"format": {"type": "json_schema"}}}, False),
        (RESPONSES, {"input": "hello"}, False),
    ],
)
def test_only_one_answer_in_frames_without_an_end_of_its_own_can_be_continued(
    endpoint: Endpoint, fields: dict[str, object], *, expected: bool
) -> None:
    assert can_continue(endpoint, fields) is expected


@pytest.mark.parametrize(
    ("fields", "expected"), [((), False), (((b"retry-after", b"3"),), True), (((b"x-request-id", b"3"),), False)]
)
def test_a_provider_may_say_when_to_come_back(fields: tuple[tuple[bytes, bytes], ...], *, expected: bool) -> None:
    error = UpstreamRefused(429, "", "full")
    error.headers = fields

    assert says_when(error) is expected


@pytest.mark.parametrize(
    ("to", "turns"),
    [
        (target("anthropic"), [ASKED, BEGUN]),
        (target("anthropic", traits=Traits(prefills=False)), [ASKED, BEGUN, MORE]),
        (target("openai"), [ASKED, BEGUN, MORE]),
    ],
)
def test_the_rest_is_asked_for_as_the_model_takes_it(to: Target, turns: list[object]) -> None:
    assert continued_turns([ASKED], "Once upon \n", to) == turns


@pytest.mark.parametrize(
    ("known", "new", "told"),
    [
        (None, UpstreamBroken("a"), "a"),
        (UpstreamBroken("a"), UpstreamBroken("b"), "b"),
        (UpstreamBroken("a"), TargetClosed("b"), "a"),
        (TargetClosed("a"), UpstreamBroken("b"), "b"),
        (TargetClosed("a"), Unsupported("b"), "a"),
        (Unsupported("a"), TargetClosed("b"), "b"),
    ],
)
def test_the_client_hears_the_failure_that_says_most(known: SeawallError | None, new: SeawallError, told: str) -> None:
    assert str(telling(known, new)) == told
