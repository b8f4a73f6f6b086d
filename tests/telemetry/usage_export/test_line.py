import pytest

from seawall.core.price import Mode
from seawall.core.usage import Usage
from seawall.telemetry.usage_export.line import ExportLine, read_line

MIDNIGHT_S = 1_790_899_200.0  # 2026-10-02T00:00:00Z


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param(
            {
                "usage_date_utc": "2026-10-02",
                "model_version": "claude-opus-5-5",
                "usage_input_tokens_no_cache": "100",
                "usage_input_tokens_cache_write_5m": "20",
                "usage_input_tokens_cache_write_1h": "3",
                "usage_input_tokens_cache_read": "4000",
                "usage_output_tokens": "50",
                "web_search_count": "2",
                "inference_geo": "us",
                "speed": "fast",
            },
            ExportLine(
                1,
                at_s=MIDNIGHT_S,
                model="claude-opus-5-5",
                usage=Usage(100, 4000, 20, 3, 50, 0, 2),
                mode=Mode("", "fast", "us"),
            ),
            id="console of Anthropic",
        ),
        pytest.param(
            {"cost_usd": "0.0123", "request_id": "req_1", "model": "m"},
            ExportLine(1, "req_1", model="m", cost_nusd=12_300_000),
            id="cost in dollars",
        ),
        pytest.param(
            {
                "starting_at": "2026-10-02T00:00:00Z",
                "uncached_input_tokens": "10",
                "cache_creation_ephemeral_1h_input_tokens": "5",
                "cache_creation_ephemeral_5m_input_tokens": "6",
                "cache_read_input_tokens": "7",
                "output_tokens": "8",
                "server_tool_use_web_search_requests": "1",
            },
            ExportLine(1, at_s=MIDNIGHT_S, usage=Usage(10, 7, 6, 5, 8, 0, 1)),
            id="Admin API of Anthropic",
        ),
        pytest.param(
            {
                "Request-Id": "req_2",
                "usage_input_tokens": "10",
                "usage_cache_read_input_tokens": "40",
                "usage_cache_creation_input_tokens": "9",
                "usage_cache_creation_ephemeral_1h_input_tokens": "4",
                "usage_output_tokens": "1,024",
            },
            ExportLine(1, "req_2", usage=Usage(10, 40, 5, 4, 1024)),
            id="usage object of a Messages answer",
        ),
        pytest.param(
            {
                "start_time": "1790899200",
                "input_tokens": "100",
                "input_cached_tokens": "60",
                "output_tokens": "5",
                "num_model_requests": "3",
                "model": "gpt-6-luna",
            },
            ExportLine(1, at_s=MIDNIGHT_S, model="gpt-6-luna", usage=Usage(40, 60, 0, 0, 5), requests=3),
            id="usage endpoint of OpenAI",
        ),
        pytest.param(
            {
                "aggregation_timestamp": "1790899200000",
                "n_requests": "1.0",
                "snapshot_id": "gpt-6-luna-2026-08-01",
                "n_context_tokens_total": "100",
                "n_cached_context_tokens_total": "10",
                "n_generated_tokens_total": "7",
            },
            ExportLine(1, at_s=MIDNIGHT_S, model="gpt-6-luna-2026-08-01", usage=Usage(90, 10, 0, 0, 7)),
            id="older dashboard of OpenAI",
        ),
        pytest.param(
            {
                "x-request-id": "req_3",
                "usage_prompt_tokens": "100",
                "usage_prompt_tokens_details_cached_tokens": "10",
                "usage_prompt_tokens_details_cache_write_tokens": "20",
                "usage_completion_tokens": "7",
                "usage_completion_tokens_details_reasoning_tokens": "6",
                "service_tier": "flex",
            },
            ExportLine(1, "req_3", usage=Usage(70, 10, 20, 0, 7), mode=Mode("flex")),
            id="usage object of a chat completion: reasoning is part of the output",
        ),
        pytest.param(
            {"amount_value": "0.06", "amount_currency": "usd", "line_item": "x"},
            ExportLine(1, cost_nusd=60_000_000),
            id="cost endpoint of OpenAI",
        ),
        pytest.param(
            {"id": "req_4", "cost": "$1e-3"}, ExportLine(1, "req_4", cost_nusd=1_000_000), id="a log's own id"
        ),
        pytest.param({"id": "msg_4", "cost_usd": "0"}, ExportLine(1, cost_nusd=0), id="the id of an answer is none"),
        pytest.param({"request_id": " ", "output_tokens": "5"}, ExportLine(1), id="output alone is no usage"),
    ],
)
def test_columns_are_known_by_their_many_names(fields: dict[str, str], expected: ExportLine) -> None:
    assert read_line(1, fields) == expected


@pytest.mark.parametrize(
    ("fields", "trouble"),
    [
        ({"amount": "123.45", "currency": "USD"}, "dollars or cents"),
        ({"amount_value": "1", "amount_currency": "eur"}, "in eur, expected USD"),
        ({"cost_value": "1"}, "no named currency"),
        ({"cost_usd": "-1"}, "no amount of dollars (column cost_usd)"),
        ({"cost_usd": "0,0123"}, "no amount of dollars"),
        ({"cost_usd": "NaN"}, "no amount of dollars"),
        ({"input_tokens": "many", "output_tokens": "1"}, "'many' is no count (column input_tokens)"),
        ({"input_tokens": "1", "output_tokens": "1.5"}, "'1.5' is no count"),
        ({"prompt_tokens": "5", "cached_tokens": "6", "output_tokens": "1"}, "contradict each other"),
        ({"time": "yesterday"}, "'yesterday' is no moment"),
    ],
)
def test_what_cannot_be_read_is_said_and_not_guessed(fields: dict[str, str], trouble: str) -> None:
    line = read_line(7, {"request_id": "req_1", **fields})

    assert trouble in line.trouble
    assert (line.number, line.request_id, line.cost_nusd, line.usage) == (7, "req_1", None, None)


def test_a_time_without_an_offset_is_utc() -> None:
    assert read_line(1, {"time": "2026-10-02 02:00:00"}).at_s == MIDNIGHT_S + 7200
    assert read_line(1, {"time": "2026-10-02T02:00:00+02:00"}).at_s == MIDNIGHT_S
