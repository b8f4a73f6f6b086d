import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.usage import NO_USAGE, Usage
from seawall.sandbox import price
from seawall.sandbox.anthropic.model import CLAUDE, FLAT, RETIRED
from seawall.sandbox.openai.model import EMBEDDERS, GPT
from seawall.sandbox.price import TARIFFS, bill, cut_short
from seawall.sandbox.reply import Charge

TOKENS = st.integers(0, 10**6)
USAGES = st.builds(Usage, TOKENS, TOKENS, TOKENS, TOKENS, TOKENS, TOKENS)


def test_every_model_has_a_price_and_every_price_a_model() -> None:
    assert set(TARIFFS) == {*CLAUDE, *RETIRED, FLAT.id, *GPT, *EMBEDDERS}


@pytest.mark.parametrize(
    ("model", "usage", "permille", "nusd"),
    [
        pytest.param("claude-opus-5-5", Usage(input=1_000_000), 1_000, 4_000_000_000, id="input"),
        pytest.param("claude-opus-5-5", Usage(output=1, thinking=1), 1_000, 40_000, id="thinking is output"),
        pytest.param("claude-opus-5-5", Usage(cache_read=1_000), 1_000, 200_000, id="reading at a twentieth"),
        pytest.param("claude-sonnet-4-6", Usage(cache_write_short=10, cache_write_long=10), 1_000, 97_500, id="writes"),
        pytest.param("claude-haiku-5-5", Usage(input=100_000, output=1), 1_000, 10_000_500, id="at the border"),
        pytest.param("claude-haiku-5-5", Usage(input=100_001, output=1), 1_000, 50_003_000, id="over the border"),
        pytest.param("claude-haiku-5-5", Usage(cache_read=100_001), 1_000, 5_000_050, id="cached tokens count too"),
        pytest.param("gpt-6-astra", Usage(input=272_000, output=10), 1_000, 2_720_500_000, id="272,000 tokens"),
        pytest.param("gpt-6-astra", Usage(input=272_001, output=10), 1_000, 5_440_770_000, id="272,001 tokens"),
        pytest.param("gpt-5.6-terra", Usage(cache_write_short=4, cache_write_long=4), 1_000, 30_000, id="12 hours"),
        pytest.param("gpt-5.5", Usage(input=3), 2_500, 37_500, id="a dearer tier"),
        pytest.param("claude-haiku-5-5", Usage(cache_read=1), 1_100, 11, id="a dearer region"),
        pytest.param("claude-haiku-5-5", Usage(cache_read=1), 1_050, 11, id="rounded up"),
        pytest.param("text-embedding-3-small", Usage(input=7), 1_000, 140, id="embedding"),
    ],
)
def test_a_call_costs(model: str, usage: Usage, permille: int, nusd: int) -> None:
    assert bill(Charge(model, usage, permille)) == nusd


def test_what_is_free_costs_nothing() -> None:
    assert bill(Charge("claude-opus-5-5", Usage(input=10), is_free=True)) == 0


@given(usage=USAGES, generated=st.integers(0, 3 * 10**6))
def test_a_cut_answer_never_costs_more(usage: Usage, generated: int) -> None:
    cut = cut_short(usage, generated)

    assert cut.billed_output == min(generated, usage.billed_output)
    assert cut.prompt == usage.prompt
    assert bill(Charge("gpt-6-sol", cut)) <= bill(Charge("gpt-6-sol", usage))


def test_thinking_is_generated_first() -> None:
    assert cut_short(Usage(output=10, thinking=5), 3) == Usage(thinking=3)
    assert cut_short(Usage(output=10, thinking=5), 7) == Usage(thinking=5, output=2)
    assert cut_short(NO_USAGE, 7) == NO_USAGE


def test_the_meter_shares_no_code_with_what_it_checks() -> None:
    room = Path(price.__file__).parent
    imports = {
        name
        for path in room.rglob("*.py")
        for name in re.findall(r"^(?:from|import) (seawall\.[a-z.]+)", path.read_text("utf-8"), re.MULTILINE)
    }

    foreign = {name for name in imports if not name.startswith("seawall.sandbox")}
    assert foreign == {"seawall.core.secret", "seawall.core.usage", "seawall.ports.clock"}


def test_a_price_below_a_nano_dollar_a_token_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="whole nano-dollars"):
        price._usd("0.0001")  # the table is read when the module is imported
