from collections.abc import Callable
from itertools import count

import pytest

from seawall.core.record import AttemptRecord, CallRecord
from seawall.telemetry.journal.entry import Entry, EntryMaker
from seawall.telemetry.scrub import Scrubber
from seawall.testing.clock import START_WALL_S

MakeRecord = Callable[..., CallRecord]


@pytest.fixture
def record() -> MakeRecord:
    """Make records with ids that rise as time does; any field may be set."""
    numbers = count()

    def make(**fields: object) -> CallRecord:
        number = next(numbers)
        at_s = fields.get("at_s", START_WALL_S + 3600 + number)
        assert isinstance(at_s, float)
        attempt = AttemptRecord(
            provider="anthropic",
            model="claude-sonnet-5-5",
            started_s=0.001,
            duration_s=1.25,
            status=200,
            first_token_s=0.4,
            provider_request_id=f"req_011CS{number}",
            answered_model="claude-sonnet-5-5-20261001",
            stop_reason="end_turn",
            input_tokens=100,
            cache_read_tokens=20,
            cache_write_short_tokens=10,
            cache_write_long_tokens=5,
            output_tokens=30,
            thinking_tokens=7,
            usage="reported",
            cost_nusd=4_200_000,
            price_source="genai-prices 0.2.3",
        )
        settings: dict[str, object] = {
            "id": f"req_{int(at_s * 1000):012x}{number:020x}",
            "at_s": at_s,
            "status": 200,
            "route": "/ai/chat",
            "team": "support",
            "feature": "drafts",
            "user": "5f" * 16,
            "provider": "anthropic",
            "model": "claude-sonnet-5-5",
            "cost_nusd": 4_200_000,
            "duration_s": 1.3,
            "first_token_s": 0.41,
            "attempts": (attempt,),
        } | fields
        return CallRecord(**settings)  # type: ignore[arg-type]  # tests say what they change

    return make


@pytest.fixture
def entries(record: MakeRecord) -> Callable[[int], list[Entry]]:
    """Make entries of one day."""
    maker = EntryMaker(Scrubber())

    def make(number: int) -> list[Entry]:
        made = [maker.make(record()) for _ in range(number)]
        return [entry for entry in made if entry is not None]

    return make
