import pytest

from seawall.core.error import Unsupported
from seawall.dialects.neutral.loss import Losses, refused


def test_losses_are_noted_once_each_in_their_order() -> None:
    losses = Losses()

    losses.drop("seed")
    losses.change("tool_choice")
    losses.drop("seed")

    assert losses.codes == ["dropped.seed", "changed.tool_choice"]


def test_strict_translation_refuses_what_would_be_lost_and_names_it() -> None:
    with pytest.raises(Unsupported, match="seed: would be left out") as caught:
        Losses(is_strict=True).drop("seed")

    assert caught.value.param == "seed"


def test_a_refusal_names_the_field_and_what_to_do() -> None:
    error = refused("n", "more than one answer; ask once for each")

    assert (str(error), error.param, error.code) == (
        "n: more than one answer; ask once for each",
        "n",
        "translation.refused",
    )


def test_what_nobody_could_notice_is_noted_in_strict_translation_too() -> None:
    losses = Losses(is_strict=True)

    losses.mention("dropped.format.name")
    losses.mention("dropped.format.name")

    assert losses.codes == ["dropped.format.name"]
