import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from seawall.client.dated_policy import RETRY_S, DatedPolicy
from seawall.core.error import PolicyError
from seawall.policy.plan import CompiledPolicy
from seawall.testing.clock import FakeClock

DAY_S = 86_400.0
TEXT = """\
version: 1
providers:
  main: {dialect: anthropic, base_url: 'https://provider.test', api_key: env:KEY}
routes:
  /ai/chat: {model: main/one}
prices:
  one:
    - {input_usd_per_mtok: 1, output_usd_per_mtok: 5}
    - {input_usd_per_mtok: 2, output_usd_per_mtok: 9, from: 2026-11-23}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "seawall.yaml"
    path.write_text(TEXT)
    return path


def _input_rate(policy: CompiledPolicy) -> int:
    price = policy.plans["/ai/chat"].targets[0].price
    assert price is not None
    return price.rates(1).input


def test_the_same_policy_holds_until_a_price_changes(path: Path) -> None:
    clock = FakeClock()
    dated = DatedPolicy(path, {"KEY": "k"}, clock)
    first = dated.today()
    clock.advance(2 * DAY_S - 1)

    assert dated.today() is first
    assert _input_rate(first) == 1_000_000_000


def test_on_its_day_a_price_is_the_new_one(path: Path) -> None:
    clock = FakeClock()
    dated = DatedPolicy(path, {"KEY": "k"}, clock)
    clock.advance(2 * DAY_S)

    second = dated.today()

    assert _input_rate(second) == 2_000_000_000
    assert dated.today() is second


def test_the_file_is_read_once(path: Path) -> None:
    clock = FakeClock()
    dated = DatedPolicy(path, {"KEY": "k"}, clock)
    path.unlink()
    clock.advance(2 * DAY_S)

    assert _input_rate(dated.today()) == 2_000_000_000


def test_many_threads_compile_once(path: Path) -> None:
    clock = FakeClock()
    dated = DatedPolicy(path, {"KEY": "k"}, clock)
    clock.advance(2 * DAY_S)
    together = threading.Barrier(8)

    def ask(_: int) -> CompiledPolicy:
        together.wait(20)
        return dated.today()

    with ThreadPoolExecutor(8) as threads:
        found = set(map(id, threads.map(ask, range(8))))

    assert id(dated.today()) in found
    assert len(found) <= 2, "the old one for who came too early, and one new one"


def test_a_key_that_is_gone_by_then_leaves_the_old_prices_and_is_looked_for_again(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, environment = FakeClock(), {"KEY": "k"}
    dated = DatedPolicy(path, environment, clock)
    first = dated.today()
    del environment["KEY"]
    clock.advance(2 * DAY_S)

    with caplog.at_level(logging.ERROR, "seawall.policy"):
        assert dated.today() is first
        assert dated.today() is first
    assert len(caplog.records) == 1, "not at every call"

    environment["KEY"] = "k"
    clock.advance(RETRY_S)
    assert _input_rate(dated.today()) == 2_000_000_000


def test_a_policy_whose_prices_never_change_is_never_compiled_again(tmp_path: Path) -> None:
    path = tmp_path / "seawall.yaml"
    path.write_text(TEXT.rpartition("    - ")[0])
    clock = FakeClock()
    dated = DatedPolicy(path, {"KEY": "k"}, clock)
    first = dated.today()
    clock.advance(10_000 * DAY_S)

    assert dated.today() is first


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(TEXT, "env:KEY", id="a missing key"),
        pytest.param("version: 1\nroutes: {/ai/chat: {modle: one}}\n", "did you mean", id="a misspelt key"),
    ],
)
def test_a_policy_that_cannot_be_used_is_refused_at_once(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "seawall.yaml"
    path.write_text(text)

    with pytest.raises(PolicyError, match=said):
        DatedPolicy(path, {}, FakeClock())


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"nowhere\.yaml"):
        DatedPolicy(tmp_path / "nowhere.yaml", {}, FakeClock())
