"""What is booked where the provider's count is missing, zero, double or never comes (security.md, A5 and I7)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import pytest

from seawall.sandbox.setting import Settings
from tests.e2e.process.conftest import running_sandbox
from tests.e2e.process.money import CENT, FLAT_ROUTE, PROVIDERS, Bank, ask_flat
from tests.e2e.process.running import until
from tests.e2e.process.wire import begin, read_to_end

TOKENS: Final = 60  # of an answer, of the hundred that it may have
USED: Final = CENT * TOKENS // 100
OPEN: Final = FLAT_ROUTE.replace("{", "{{").replace("}", "}}")
POLICY: Final = f"{PROVIDERS}budgets: {{{{all: {{{{usd: 100}}}}}}}}\n{OPEN}"


@dataclass(frozen=True)
class Case:
    """What the provider does, and what is to be booked for it; `doubt` is why it is listed as unsettled."""

    title: str
    fault: str
    booked: int
    doubt: Literal["", "unknown"] = ""
    streams: tuple[bool, ...] = (False, True)


CASES: Final = (
    Case("counts as it should", "", USED),
    Case("says zero", "usage=zero", 0),
    Case("says nothing", "usage=missing", CENT, "unknown"),
    Case("says twice as much as there was", "usage=double", 2 * USED),
    Case("dies in its head", "cut_headers", CENT, "unknown"),
    Case("dies in its first bytes", "cut=30", CENT, "unknown"),
    Case("ends without an end", "no_terminal", CENT, "unknown", streams=(True,)),
    Case("ends in the middle", "no_terminal=5", CENT, "unknown", streams=(True,)),
    Case("fails in the middle", "error_in_stream=overloaded_error@5", CENT, "unknown", streams=(True,)),
    Case("says it twice", "duplicate_event", USED, streams=(True,)),
    Case("talks garbage", "garbage", CENT, "unknown"),
    Case("refuses", "status=529", 0),
    Case("refuses with a page", "html_error", 0),
)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    """Start a gateway that all cases share; each is judged by what it adds."""
    with running_sandbox() as sandbox:
        sandbox.settings = Settings(output_tokens=TOKENS, tokens_per_event=4)
        bank = Bank.open(tmp_path_factory.mktemp("bank"), sandbox, POLICY, "--insecure-dev")
        yield bank
        bank.gateway.close()


@pytest.mark.parametrize(
    ("case", "is_stream"),
    [
        pytest.param(case, is_stream, id=f"{case.title}-{'streamed' if is_stream else 'whole'}".replace(" ", "-"))
        for case in CASES
        for is_stream in case.streams
    ],
)
def test_what_is_not_known_is_booked_at_its_worst(bank: Bank, case: Case, *, is_stream: bool) -> None:
    before, known = bank.settled("all"), {charge.unsettled.id for charge in bank.unsettled()}
    billed, calls = bank.billed_nusd, len(bank.sandbox.meter.entries)
    if case.fault:
        bank.sandbox.set_fault(case.fault, count=1)

    with begin(bank.gateway.port, "/flat/v1/messages", ask_flat(is_stream=is_stream)) as line:
        read_to_end(line)
    until(lambda: len(bank.sandbox.meter.entries) > calls, "the provider has metered it")
    # A second call, of which everything is known: what is booked after it holds the first one too.
    assert bank.ask(ask_flat()).status == 200
    until(lambda: bank.settled("all") >= before + case.booked + USED, "both are booked")

    fresh = [charge.unsettled for charge in bank.unsettled() if charge.unsettled.id not in known]
    assert bank.settled("all") == before + case.booked + USED
    assert [each.reason for each in fresh] == ([case.doubt] if case.doubt else [])
    assert [dict(each.charges) for each in fresh] == ([{"all@lifetime": case.booked}] if case.doubt else [])
    if case.fault != "usage=zero":  # there the provider's own word is taken, whatever it bills
        assert bank.settled("all") - before >= bank.billed_nusd - billed
