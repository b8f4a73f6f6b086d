from datetime import UTC, datetime

import msgspec
import pytest

from seawall.cli.story import print_story, story
from seawall.core.record import AttemptRecord, CallRecord

NOON_S = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
ATTEMPT = AttemptRecord(
    "anthropic",
    "claude-sonnet-5-5",
    0.001,
    1.25,
    status=200,
    first_token_s=0.4,
    provider_request_id="req_011CS",
    answered_model="claude-sonnet-5-5-20261001",
    stop_reason="end_turn",
    input_tokens=100,
    cache_read_tokens=20,
    output_tokens=30,
    thinking_tokens=7,
    usage="reported",
    cost_nusd=4_200_000,
    price_source="genai-prices 0.2.3",
)
CALL = CallRecord(
    "req_aaa1",
    NOON_S,
    status=200,
    dialect="anthropic",
    endpoint="messages",
    stream=True,
    route="/ai/chat",
    traffic_class="interactive",
    key_id="key_1",
    team="support",
    feature="drafts",
    trace_id="0af7651916cd43dd8448eb211c80319c",
    model_asked="sonnet",
    provider="anthropic",
    model="claude-sonnet-5-5",
    policy_version="abc",
    duration_s=1.3,
    overhead_s=0.0004,
    first_token_s=0.41,
    tokens_per_s=43.5,
    stop_reason="end_turn",
    cost_nusd=4_200_000,
    notes=("sampling.dropped",),
    attempts=(ATTEMPT,),
)


def test_a_call_is_told_from_beginning_to_end() -> None:
    refused = AttemptRecord("openai", "gpt", 0.0, 0.1, status=503, error="upstream.refused")
    unknown = AttemptRecord("openai", "gpt", 0.1, 0.5, error="upstream.timeout.idle", usage="partial")
    call = msgspec.structs.replace(CALL, attempts=(refused, unknown, ATTEMPT))

    assert list(story(call)) == [
        "call req_aaa1",
        "  at          2026-11-20 12:00:00 UTC",
        "  outcome     ok 200",
        "  request     anthropic messages streamed",
        "  route       /ai/chat (interactive)",
        "  who         team support, feature drafts",
        "  key         key_1",
        "  trace       0af7651916cd43dd8448eb211c80319c",
        "  model       asked sonnet -> anthropic/claude-sonnet-5-5",
        "  versions    policy abc",
        "  cache       off",
        "  time        1.300 s in all, first token after 0.410 s, 43.5 tokens/s, 0.4 ms of it ours",
        "  stopped     end_turn",
        "  notes       sampling.dropped",
        "",
        "attempt 1 of 3: openai/gpt",
        "  outcome     503 upstream.refused",
        "  time        began at 0.000 s, took 0.100 s",
        "  usage       nothing (none)",
        "  cost        nothing: there was no answer to bill",
        "",
        "attempt 2 of 3: openai/gpt",
        "  outcome     upstream.timeout.idle",
        "  time        began at 0.100 s, took 0.500 s",
        "  usage       nothing (partial)",
        "  cost        unknown: the provider never told its usage, or nobody knows the price",
        "",
        "attempt 3 of 3: anthropic/claude-sonnet-5-5",
        "  outcome     200 end_turn",
        "  time        began at 0.001 s, took 1.250 s, first token after 0.400 s",
        "  answered by claude-sonnet-5-5-20261001",
        "  provider id req_011CS",
        "  usage       100 input, 20 cache read, 30 output, 7 thinking (reported)",
        "  cost        $0.0042 by genai-prices 0.2.3",
        "",
        "cost $0.0042 = $0 + unknown + $0.0042",
    ]


def test_a_refused_call_has_a_short_story() -> None:
    call = CallRecord("req_b", NOON_S, outcome="refused", status=401, error="access.unauthenticated")

    assert list(story(call)) == [
        "call req_b",
        "  at          2026-11-20 12:00:00 UTC",
        "  outcome     refused 401 access.unauthenticated",
        "  cache       off",
        "  time        0.000 s in all, 0.0 ms of it ours",
        "",
        "cost $0",
    ]


def test_a_story_does_nothing_to_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_story(msgspec.structs.replace(CALL, route="/ai\x1b[2J\rx"))

    output = capsys.readouterr().out
    assert "\x1b" not in output
    assert "\r" not in output
