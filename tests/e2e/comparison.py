"""The journal beside the provider's own meter, call by call."""

from typing import Final

from tests.e2e.stage import GatewayProcess, Json, SandboxProcess, wait_for

_BUCKETS: Final = {
    "input_tokens": "input",
    "cache_read_tokens": "cache_read",
    "cache_write_short_tokens": "cache_write_short",
    "cache_write_long_tokens": "cache_write_long",
    "output_tokens": "output",
    "thinking_tokens": "thinking",
}


def records_of(gateway: GatewayProcess, sandbox: SandboxProcess) -> list[Json]:
    """Wait until everything that the provider metered is on record; give those records, the oldest first."""
    metered = {entry["request_id"] for entry in sandbox.meter()}

    def look() -> list[Json] | None:
        found = [record for record in gateway.records() if metered & _provider_ids(record)]
        return found if metered <= {i for record in found for i in _provider_ids(record)} else None

    return wait_for(look, "the records of all metered calls")


def recorded_as_metered(gateway: GatewayProcess, sandbox: SandboxProcess) -> list[Json]:
    """Compare usage and cost of every attempt with the provider's meter, to the nano-dollar; give the records."""
    records = records_of(gateway, sandbox)
    entries = {entry["request_id"]: entry for entry in sandbox.meter()}
    for record in records:
        for attempt in record["attempts"]:
            entry = entries[attempt["provider_request_id"]]
            used = {name: attempt.get(name, 0) for name in _BUCKETS}
            assert used == {name: entry["usage"][bucket] for name, bucket in _BUCKETS.items()}
            assert (attempt.get("cost_nusd") or 0) == entry["billed_nusd"]
        assert record.get("cost_nusd", 0) == sum(attempt.get("cost_nusd") or 0 for attempt in record["attempts"])
    return records


def _provider_ids(record: Json) -> set[str]:
    return {attempt.get("provider_request_id", "") for attempt in record.get("attempts", ())}
