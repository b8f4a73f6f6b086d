from seawall.core.traits import UNKNOWN_TRAITS


def test_an_unknown_model_is_asked_for_nothing_that_a_newer_one_alone_can_do() -> None:
    assert not UNKNOWN_TRAITS.mid_system
    assert not UNKNOWN_TRAITS.efforts
    assert UNKNOWN_TRAITS.output_tokens is None
