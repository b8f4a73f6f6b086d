from typing import Any

import pytest

from seawall.core.error import BadRequest, Unsupported
from seawall.core.traits import Traits
from seawall.dialects.neutral.conversation import Conversation
from seawall.dialects.neutral.loss import Losses
from seawall.dialects.openai_request import Others, field_word, put_ceiling, read_user, write_user

OTHERS = Others(("model",), {"n": ((None, 1), "ask once")}, {"seed": (None,), "store": (None, False)})


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        pytest.param({"model": "m"}, [], id="read elsewhere"),
        pytest.param({"n": 1, "seed": None, "store": False, "x": None}, [], id="what asks for nothing"),
        pytest.param({"seed": 7}, ["dropped.seed"], id="what is dropped"),
        pytest.param({"new_field": 1}, ["dropped.new_field"], id="what nobody knows"),
        pytest.param({"my secret": 1}, ["dropped.unknown_field"], id="what nobody may see"),
    ],
)
def test_every_other_field_is_noted_or_asks_for_nothing(fields: dict[str, Any], codes: list[str]) -> None:
    losses = Losses()

    OTHERS.check(fields, losses)

    assert losses.codes == codes


def test_what_must_not_be_lost_is_refused_with_the_way_out() -> None:
    with pytest.raises(Unsupported, match=r"^n: ask once"):
        OTHERS.check({"n": 2}, Losses())


@pytest.mark.parametrize("name", ["", "Name", "a" * 41, "a\r\nb"])
def test_no_invention_gets_into_a_code(name: str) -> None:
    assert field_word(name) == "unknown_field"


def test_the_newer_name_of_the_user_goes_first() -> None:
    assert read_user({"user": "old", "safety_identifier": "new"}) == "new"
    assert read_user({"user": "old", "safety_identifier": None}) == "old"
    assert read_user({}) == ""
    with pytest.raises(BadRequest, match=r"^user: expected a string"):
        read_user({"user": 1})


def test_a_long_user_is_told_by_its_hash() -> None:
    assert write_user("u" * 128) == "u" * 128
    assert len(write_user("u" * 129)) == 64


@pytest.mark.parametrize(
    ("wanted", "most", "body", "codes"),
    [
        (None, 9, {}, []),
        (9, None, {"c": 9}, []),
        (9, 9, {"c": 9}, []),
        (10, 9, {"c": 9}, ["changed.max_tokens"]),
    ],
)
def test_an_answer_is_bound_by_what_the_model_can(
    wanted: int | None, most: int | None, body: dict[str, int], codes: list[str]
) -> None:
    losses = Losses()
    written: dict[str, Any] = {}

    put_ceiling(written, "c", Conversation((), max_tokens=wanted), Traits(output_tokens=most), losses)

    assert (written, losses.codes) == (body, codes)


def test_an_answer_of_no_tokens_is_refused() -> None:
    with pytest.raises(Unsupported, match="max_tokens"):
        put_ceiling({}, "c", Conversation((), max_tokens=0), Traits(), Losses())
