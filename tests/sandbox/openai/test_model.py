from seawall.sandbox.openai.model import EMBEDDERS, GPT, find


def test_a_model_is_found_by_its_name_and_its_dated_name() -> None:
    assert find("gpt-5.5") is find("gpt-5.5-2026-04-23")
    assert find("gpt-3") is None


def test_a_model_that_reasons_has_a_default_effort_that_it_takes() -> None:
    wrong = [model.id for model in GPT.values() if model.efforts and model.effort not in model.efforts]

    assert wrong == []
    assert {model.id for model in GPT.values() if not model.efforts} == {"gpt-4.1", "gpt-4o", "gpt-4o-mini"}


def test_writes_are_charged_from_5_6_on() -> None:
    charged = {model.id for model in GPT.values() if model.has_write_fee}

    assert charged == {name for name in GPT if name.startswith(("gpt-5.6", "gpt-6"))}


def test_only_the_newer_embedders_can_be_shortened() -> None:
    assert [model.id for model in EMBEDDERS.values() if not model.can_shorten] == ["text-embedding-ada-002"]
