import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from seawall.cli.calls import _follow
from seawall.cli.main import main
from seawall.core.record import AttemptRecord, CallRecord
from seawall.telemetry.journal.pepper import UserHasher, read_pepper

Run = Callable[..., Result]
NOON_S = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
SINCE = ("--since", "2026-11-01")
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


def changed(**fields: object) -> CallRecord:
    return msgspec.structs.replace(CALL, **fields)


def test_a_call_is_one_aligned_line(run: Run, journal: Callable[..., None]) -> None:
    refused = CallRecord("req_aaa2", NOON_S + 60, outcome="refused", status=401, error="access.unauthenticated")
    journal(CALL, refused)

    result = run("calls", *SINCE)

    assert result.exit_code == 0
    head, first, second = result.output.splitlines()
    assert re.split("  +", head) == [
        "TIME", "ID", "ROUTE", "MODEL", "OUTCOME", "IN", "OUT", "COST", "FIRST", "TOTAL",
    ]  # fmt: skip
    assert re.split("  +", first) == [
        "2026-11-20 12:00:00", "req_aaa1", "/ai/chat", "anthropic/claude-sonnet-5-5", "ok 200",
        "120", "37", "$0.0042", "0.410 s", "1.300 s",
    ]  # fmt: skip
    assert re.split("  +", second) == [
        "2026-11-20 12:01:00", "req_aaa2", "-", "-", "refused access.unauthenticated",
        "0", "0", "$0", "-", "0.000 s",
    ]  # fmt: skip
    assert len(head) == len(first) == len(second)


def test_an_answer_that_stood_in_is_no_ordinary_success(run: Run, journal: Callable[..., None]) -> None:
    journal(changed(notes=("degraded.message", "killswitch.on")))

    assert "  ok 200, degraded: message  " in run("calls", *SINCE).output


def test_json_is_one_whole_record_a_line(run: Run, journal: Callable[..., None]) -> None:
    journal(CALL, changed(id="req_aaa2"))

    lines = run("calls", *SINCE, "--json").output.splitlines()

    first = json.loads(lines[0])
    assert len(lines) == 2
    assert first["cost_usd"] == "0.0042"
    assert first["outcome"] == "ok", "also what is as it is by default"
    assert first["attempts"][0]["cache_write_long_tokens"] == 0
    assert msgspec.convert(first, CallRecord) == CALL


@pytest.mark.parametrize(
    "option",
    [
        ("--route", "/ai/x"),
        ("--team", "x"),
        ("--feature", "x"),
        ("--model", "openai/x"),
        ("--outcome", "failed"),
        ("--error", "upstream.timeout"),
    ],
    ids=lambda option: str(option[0]),
)
def test_options_take_what_they_say(run: Run, journal: Callable[..., None], option: tuple[str, str]) -> None:
    fields = {"route": "/ai/x", "team": "x", "feature": "x", "provider": "openai", "model": "x", "outcome": "failed"}
    journal(CALL, changed(id="req_b", error="upstream.timeout.idle", **fields))

    lines = run("calls", *SINCE, "--json", *option).output.splitlines()

    assert [json.loads(line)["id"] for line in lines] == ["req_b"]


def test_the_newest_come_last_and_the_limit_keeps_them(run: Run, journal: Callable[..., None]) -> None:
    journal(*(changed(id=f"req_{i}", at_s=NOON_S + i) for i in range(5)))

    lines = run("calls", *SINCE, "--limit", "2").output.splitlines()

    assert [line.split()[2] for line in lines[1:]] == ["req_3", "req_4"]


def test_days_begin_where_the_person_is(run: Run, journal: Callable[..., None]) -> None:
    journal(changed(id="req_late", at_s=NOON_S + 11.5 * 3600), changed(id="req_noon"))

    result = run("calls", "--since", "2026-11-21", "--until", "2026-11-22", "--tz", "Europe/Berlin")

    assert [line.split()[:3] for line in result.output.splitlines()[1:]] == [["2026-11-21", "00:30:00", "req_late"]]


def test_a_user_is_asked_for_by_name_or_by_hash(run: Run, journal: Callable[..., None], state_dir: Path) -> None:
    hashed = UserHasher(read_pepper(state_dir)).hash("mara@acme.example")
    journal(CALL, changed(id="req_b", user=hashed))

    for user in ("mara@acme.example", hashed):
        assert [line.split()[2] for line in run("calls", *SINCE, "--user", user).output.splitlines()[1:]] == ["req_b"]
    assert run("calls", *SINCE, "--user", "other").output.count("\n") == 1


def test_asking_for_a_user_makes_no_pepper(run: Run, journal: Callable[..., None], state_dir: Path) -> None:
    journal(CALL)

    assert run("calls", *SINCE, "--user", "mara").output.count("\n") == 1

    assert not (state_dir / "pepper").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--since", "whenever"), "'whenever' names no moment"),
        (("--since", "today", "--until", "yesterday"), "--until yesterday is not after --since today"),
        (("--tz", "Mars/Olympus"), "no time zone here"),
        (("--limit", "0"), "not in the range"),
    ],
)
def test_a_wrong_option_is_wrong_use(run: Run, arguments: tuple[str, ...], complaint: str) -> None:
    result = run("calls", *arguments)

    assert result.exit_code == 2
    assert complaint in result.output


def test_without_a_journal_there_is_nothing_and_nothing_is_made(run: Run, state_dir: Path) -> None:
    result = run("calls")

    assert result.exit_code == 0
    assert result.output.count("\n") == 1
    assert not state_dir.exists()


def test_a_file_that_cannot_be_read_is_named_on_standard_error(
    run: Run, journal: Callable[..., None], state_dir: Path
) -> None:
    journal(CALL)
    (state_dir / "journal" / "calls-20261119.db").write_bytes(b"torn" * 999)

    result = run("calls", *SINCE)

    assert result.stdout.count("\n") == 2
    assert "calls-20261119.db cannot be read" in result.stderr


def test_a_hostile_label_does_nothing_to_a_terminal(run: Run, journal: Callable[..., None]) -> None:
    journal(changed(route="/ai\x1b[2J\rx"))

    for arguments in (("calls", *SINCE), ("calls", *SINCE, "--json"), ("calls", "show", "req_aaa1")):
        output = run(*arguments).output
        assert "\x1b" not in output
        assert "\r" not in output


def test_one_call_is_shown_as_a_story(run: Run, journal: Callable[..., None]) -> None:
    journal(CALL)

    assert run("calls", "show", "req_a").output.splitlines()[-1] == "cost $0.0042"


def test_one_call_as_json(run: Run, journal: Callable[..., None]) -> None:
    journal(CALL)

    shown = json.loads(run("calls", "show", "req_a", "--json").output)

    assert msgspec.convert(shown, CallRecord) == CALL


def test_the_state_directory_may_stand_before_show(journal: Callable[..., None], state_dir: Path) -> None:
    journal(CALL)

    result = CliRunner().invoke(main, ["calls", "--state-dir", str(state_dir), "show", "req_a"])

    assert result.output.startswith("call req_aaa1")


def test_an_unknown_or_ambiguous_id_is_wrong_use(run: Run, journal: Callable[..., None]) -> None:
    journal(CALL, changed(id="req_aaa2"))

    unknown, ambiguous = run("calls", "show", "req_zzz"), run("calls", "show", "req_aaa")

    assert (unknown.exit_code, ambiguous.exit_code) == (2, 2)
    assert "no call 'req_zzz'" in unknown.output
    assert "give more of the id" in ambiguous.output


@pytest.mark.parametrize("as_json", [False, True])
def test_following_prints_calls_as_they_end_until_it_is_interrupted(
    journal: Callable[..., None], state_dir: Path, as_json: bool
) -> None:
    now_s = datetime.now(UTC).timestamp()
    journal(changed(at_s=now_s))
    arguments = ["calls", "--since", "1h", "--follow", "--state-dir", str(state_dir), *(["--json"] if as_json else [])]
    process = subprocess.Popen(
        [sys.executable, "-m", "seawall", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},  # noqa: TID251  # tests stand outside the product
    )
    assert process.stdout is not None
    first = [process.stdout.readline() for _ in range(1 if as_json else 2)]
    assert "req_aaa1" in first[-1]

    journal(changed(id="req_later", at_s=now_s + 1))

    assert "req_later" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    process.stdout.close()


def test_what_was_listed_is_not_repeated_when_it_is_followed(capsys: pytest.CaptureFixture[str]) -> None:
    def ended() -> Iterator[CallRecord]:
        yield CALL
        yield changed(id="req_b")
        raise KeyboardInterrupt

    _follow(ended(), {"req_aaa1"}, UTC, as_json=False)
    _follow(ended(), {"req_b"}, UTC, as_json=True)

    table, as_json = capsys.readouterr().out.splitlines()
    assert table.split()[2] == "req_b"
    assert json.loads(as_json)["id"] == "req_aaa1"


def test_where_no_call_fits_that_is_said(run: Run, journal: Callable[..., None], state_dir: Path) -> None:
    journal(CALL)

    result = run("calls", *SINCE, "--route", "/ai/other")
    as_json = run("calls", *SINCE, "--route", "/ai/other", "--json")

    where = state_dir / "journal"
    said = f"No call that fits is recorded in {where} from 2026-11-01 00:00:00 on; --since looks further.\n"
    assert result.output == said
    assert (result.exit_code, as_json.exit_code, as_json.output) == (0, 0, "")
