"""What a well-formed Responses request must still not ask: of any model, and of this one.

`body` is always the JSON object of a request that has the shape of `seawall.sandbox.openai.responses_shape`, `chat` the
same in the words of Chat Completions.
"""

from typing import Final

from seawall.sandbox.openai.check import check_effort, check_sampling, check_strict, said
from seawall.sandbox.openai.error import bad
from seawall.sandbox.openai.model import Gpt
from seawall.sandbox.openai.responses_shape import NOT_SIMULATED
from seawall.sandbox.problem import Json

_UNSUPPORTED: Final = "unsupported_parameter"
_ITEMS: Final = ("message", "function_call", "function_call_output", "reasoning")


def check(body: Json) -> None:
    """Refuse what this endpoint does not take, or does not simulate.

    Raises:
        Problem: 400.
    """
    for name in NOT_SIMULATED:
        if body.get(name):
            raise bad(f"'{name}' is not simulated by the sandbox.", _UNSUPPORTED, name)
    if previous := body.get("previous_response_id"):
        message = f"Previous response with id '{previous}' not found."
        raise bad(message, "previous_response_not_found", "previous_response_id")
    if body.get("stream_options") and not body.get("stream"):
        raise bad("The 'stream_options' parameter is only allowed when 'stream' is enabled.", None, "stream_options")
    for number, tool in enumerate(body.get("tools") or ()):
        if tool["type"] != "function":
            raise bad(f"Tools of type '{tool['type'][:40]}' are not simulated.", _UNSUPPORTED, f"tools[{number}].type")
    if isinstance(body["input"], list):
        _check_items(body["input"])
    _check_choice(body)


def _check_items(items: list[Json]) -> None:
    waiting: dict[str, int] = {}
    for number, item in enumerate(items):
        kind, param = item.get("type", "message"), f"input[{number}]"
        if kind not in _ITEMS:
            raise bad(f"Items of type '{kind[:40]}' are not simulated.", "invalid_value", f"{param}.type")
        if kind == "function_call":
            waiting[item["call_id"]] = number
        elif kind == "function_call_output" and waiting.pop(item["call_id"], None) is None:
            message = f"No tool call found for function call output with call_id {item['call_id']}."
            raise bad(message, None, "input")
    if waiting:
        raise bad(f"No tool output found for function call {next(iter(waiting))}.", None, "input")


def _check_choice(body: Json) -> None:
    choice, tools = body.get("tool_choice"), body.get("tools") or ()
    if choice == "required" and not tools:
        raise bad("Tool choice 'required' must be specified with 'tools' parameter.", None, "tool_choice")
    if not isinstance(choice, dict) or choice["type"] != "function":
        return
    if all(tool["name"] != choice.get("name") for tool in tools):
        raise bad(f"Tool choice '{choice.get('name')}' not found in 'tools' parameter.", None, "tool_choice")


def check_model(body: Json, chat: Json, model: Gpt) -> None:
    """Refuse what this model does not take.

    Raises:
        Problem: 400.
    """
    most = body.get("max_output_tokens")
    if most is not None and most > model.max_output:
        raise bad(
            f"max_output_tokens is too large: {most}. This model supports at most {model.max_output} output tokens.",
            "invalid_value",
            "max_output_tokens",
        )
    check_sampling(body, model)
    check_effort((body.get("reasoning") or {}).get("effort"), model, "reasoning.effort")
    form = (body.get("text") or {}).get("format") or {}
    if form.get("type") == "json_object" and "json" not in said(chat["messages"]):
        raise bad(
            "Response input messages must contain the word 'json' in some form to use 'text.format' of type "
            "'json_object'.",
            None,
            "input",
        )
    if form.get("type") == "json_schema" and form.get("strict"):
        check_strict(form["schema"], f"response_format '{form['name']}'", "text.format.schema")
    for number, tool in enumerate(body.get("tools") or ()):
        if tool.get("strict"):
            check_strict(tool.get("parameters") or {}, f"function '{tool['name']}'", f"tools[{number}].parameters")
