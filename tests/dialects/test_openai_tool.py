import pytest

from seawall.core.error import BadRequest, Unsupported
from seawall.core.traits import Traits
from seawall.dialects.neutral.conversation import Tool, ToolChoice
from seawall.dialects.openai_tool import NO_ARGUMENTS, check_choice, check_forced, check_name, read_function

TOOLS = (Tool("f"), Tool("g"))


def test_a_function_is_read() -> None:
    schema = {"type": "object"}
    whole = {"name": "f", "description": "d", "parameters": schema, "strict": True}

    assert read_function(whole, "x") == Tool("f", "d", schema, strict=True)
    assert read_function({"name": "f", "description": None, "parameters": {}}, "x") == Tool("f", "", NO_ARGUMENTS)


@pytest.mark.parametrize("wrong", [{"name": ""}, {"description": 1}, {"parameters": []}, {"strict": "yes"}])
def test_a_function_that_is_none_is_named_by_its_place(wrong: dict[str, object]) -> None:
    with pytest.raises(BadRequest, match=rf"^x\.{next(iter(wrong))}: expected"):
        read_function({"name": "f", **wrong}, "x")


@pytest.mark.parametrize("name", ["", "a b", "ä", "a" * 65])
def test_a_name_that_the_provider_does_not_take_is_refused(name: str) -> None:
    with pytest.raises(Unsupported, match="rename the function"):
        check_name(name, "x")


@pytest.mark.parametrize(
    "choice", [ToolChoice(), ToolChoice("required", allowed=("f", "g")), ToolChoice("named", "g"), ToolChoice("none")]
)
def test_a_choice_among_the_tools_passes(choice: ToolChoice) -> None:
    assert check_choice(choice, TOOLS, "x") is choice


@pytest.mark.parametrize(
    ("choice", "tools"),
    [
        (ToolChoice("required"), ()),
        (ToolChoice("named", "h"), TOOLS),
        (ToolChoice(allowed=("f", "h")), TOOLS),
    ],
)
def test_a_choice_of_what_is_not_there_is_refused(choice: ToolChoice, tools: tuple[Tool, ...]) -> None:
    with pytest.raises(BadRequest, match=r"^x: expected"):
        check_choice(choice, tools, "x")


def test_a_call_is_demanded_only_of_a_model_that_obeys() -> None:
    free, tools = Traits(forces_tools=False), (Tool("f"),)

    check_forced(None, (), free)
    check_forced(ToolChoice(), tools, free)
    check_forced(ToolChoice("required"), tools, Traits())
    with pytest.raises(Unsupported, match="tool_choice: the model cannot"):
        check_forced(ToolChoice("named", "f"), tools, free)


@pytest.mark.parametrize("choice", [ToolChoice("required"), ToolChoice("named", "f")])
def test_a_call_is_demanded_only_where_there_is_something_to_be_called(choice: ToolChoice) -> None:
    with pytest.raises(Unsupported, match="tool_choice: a call is demanded"):
        check_forced(choice, (), Traits())
