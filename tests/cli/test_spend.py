import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from click.testing import Result

from seawall.core.record import AttemptRecord, CallRecord

Run = Callable[..., Result]


def call(number: int, at: datetime, feature: str, nusd: int | None, **fields: object) -> CallRecord:
    attempt = AttemptRecord("p", "m", 0.0, 1.0, input_tokens=10, output_tokens=5, cost_nusd=nusd)
    settings: dict[str, object] = {"feature": feature, "provider": "p", "model": "m", "attempts": (attempt,)} | fields
    return CallRecord(f"req_{number}", at.timestamp(), cost_nusd=nusd or 0, **settings)  # type: ignore[arg-type]


def test_yesterdays_cost_of_each_feature_is_one_command(run: Run, journal: Callable[..., None]) -> None:
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    yesterday = midnight - timedelta(hours=3)
    journal(
        call(1, yesterday, "drafts", 4_200_000),
        call(2, yesterday, "drafts", 1, outcome="failed"),
        call(3, yesterday, "", 12_000_000_000, outcome="refused"),
        call(4, midnight, "drafts", 7),
        call(5, midnight - timedelta(hours=25), "drafts", 7),
    )

    result = run("spend", "--by", "feature", "--since", "yesterday", "--until", "today")

    head, *table = result.output.splitlines()
    assert head == f"from {midnight - timedelta(days=1):%Y-%m-%d} 00:00:00 until {midnight:%Y-%m-%d} 00:00:00 (UTC)"
    assert [re.split("  +", line) for line in table] == [
        ["FEATURE", "CALLS", "FAILED", "REFUSED", "INPUT", "CACHE READ", "CACHE WRITE", "OUTPUT", "THINKING", "COST"],
        ["(none)", "1", "0", "1", "10", "0", "0", "5", "0", "$12"],
        ["drafts", "2", "1", "0", "20", "0", "0", "10", "0", "$0.004200001"],
        ["total", "3", "1", "1", "30", "0", "0", "15", "0", "$12.004200001"],
    ]
    assert len({len(line) for line in table}) == 1, "numbers stand below each other"


def test_since_yesterday_goes_on_until_now(run: Run, journal: Callable[..., None]) -> None:
    now = datetime.now(UTC)
    journal(call(1, now, "drafts", 5), call(2, now - timedelta(hours=24), "drafts", 5))

    (line,) = run("spend", "--since", "yesterday", "--json").output.splitlines()

    assert json.loads(line)["cost_nusd"] == 10


def test_json_is_one_object_a_name(run: Run, journal: Callable[..., None]) -> None:
    journal(call(1, datetime.now(UTC), "drafts", 4_200_000, team="a"))

    (line,) = run("spend", "--by", "team", "--since", "1h", "--json").output.splitlines()

    assert json.loads(line) == {
        "team": "a",
        "calls": 1,
        "failed": 0,
        "refused": 0,
        "unpriced": 0,
        "input_tokens": 10,
        "cache_read_tokens": 0,
        "cache_write_tokens": 0,
        "output_tokens": 5,
        "thinking_tokens": 0,
        "cost_nusd": 4_200_000,
        "cost_usd": "0.0042",
    }


def test_what_is_not_in_the_costs_is_said(run: Run, journal: Callable[..., None]) -> None:
    journal(call(1, datetime.now(UTC), "drafts", None), call(2, datetime.now(UTC), "drafts", 5))

    output = run("spend", "--since", "1h").output

    assert output.splitlines()[-1] == "Not in the costs: 1 attempts whose usage the provider never told."


def test_a_file_that_was_set_aside_is_named_on_standard_error(run: Run, state_dir: Path) -> None:
    (state_dir / "journal").mkdir(parents=True)
    (state_dir / "journal" / "calls-20261119.db.corrupt-1").touch()

    result = run("spend", "--since", "2026-11-19")

    assert "calls-20261119.db.corrupt-1 was corrupt and set aside" in result.stderr
    assert result.stdout.splitlines()[-1].split() == ["total", *"00000000", "$0"]


def test_an_unknown_dimension_is_wrong_use(run: Run) -> None:
    result = run("spend", "--by", "mood")

    assert result.exit_code == 2
    assert "'feature', 'user', 'team'" in result.output
