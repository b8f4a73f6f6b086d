"""What a well-formed chat request must still not ask: of any model, and of this one.

`body` is always the JSON object of a request that has the shape of `seawall.sandbox.openai.shape`.
"""

from typing import Any, Final

from seawall.sandbox.openai.error import bad
from seawall.sandbox.openai.model import Gpt
from seawall.sandbox.openai.shape import NOT_SIMULATED
from seawall.sandbox.problem import Json
from seawall.sandbox.schema import children

_UNSUPPORTED: Final = "unsupported_parameter"


def check(body: Json, model: Gpt) -> None:
    """Refuse what this model, or this endpoint, does not take.

    Raises:
        Problem: 400.
    """
    for name in NOT_SIMULATED:
        if body.get(name):
            raise bad(f"'{name}' is not simulated by the sandbox.", _UNSUPPORTED, name)
    if "audio" in (body.get("modalities") or ()):
        raise bad("Audio output is not simulated by the sandbox.", _UNSUPPORTED, "modalities")
    if body.get("stream_options") and not body.get("stream"):
        raise bad("The 'stream_options' parameter is only allowed when 'stream' is enabled.", None, "stream_options")
    _check_length(body, model)
    check_sampling(body, model)
    _check_effort(body, model)
    _check_choice(body)
    _check_format(body)
    _check_conversation(body["messages"])


def _check_length(body: Json, model: Gpt) -> None:
    old, new = body.get("max_tokens"), body.get("max_completion_tokens")
    if old is not None and not model.takes_max_tokens:
        raise bad(
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            _UNSUPPORTED,
            "max_tokens",
        )
    if old is not None and new is not None:
        raise bad("Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.", None)
    most = new if new is not None else old
    if most is not None and most > model.max_output:
        name = "max_tokens" if new is None else "max_completion_tokens"
        raise bad(
            f"{name} is too large: {most}. This model supports at most {model.max_output} completion tokens, "
            f"whereas you provided {most}.",
            "invalid_value",
            name,
        )


def check_sampling(body: Json, model: Gpt) -> None:
    """Refuse sampling settings that this model does not take.

    Raises:
        Problem: 400.
    """
    for name in ("temperature", "top_p"):
        value = body.get(name)
        if value is None or model.sampling == "any":
            continue
        if model.sampling == "never":
            raise bad(f"Unsupported parameter: '{name}' is not supported with this model.", _UNSUPPORTED, name)
        if value != 1:
            raise bad(
                f"Unsupported value: '{name}' does not support {value} with this model. "
                "Only the default (1) value is supported.",
                "unsupported_value",
                name,
            )
    if body.get("stop") and not model.takes_stop:
        raise bad("Unsupported parameter: 'stop' is not supported with this model.", _UNSUPPORTED, "stop")


def check_effort(sent: str | None, model: Gpt, param: str) -> None:
    """Refuse a level of effort that this model does not take; `param` is where it was said.

    Raises:
        Problem: 400.
    """
    if sent is not None and not model.efforts:
        raise bad(f"Unrecognized request argument supplied: {param}", None, param)
    if sent is not None and sent not in model.efforts:
        values = ", ".join(f"'{effort}'" for effort in model.efforts)
        raise bad(
            f"Unsupported value: '{param}' does not support '{sent}' with this model. Supported values are: {values}.",
            "unsupported_value",
            param,
        )


def _check_effort(body: Json, model: Gpt) -> None:
    sent = body.get("reasoning_effort")
    check_effort(sent, model, "reasoning_effort")
    if not body.get("tools") or model.tools == "any":
        return
    if model.tools == "never" or (sent or (model.effort if model.tools == "none" else "")) != "none":
        raise bad(
            f"Function tools with reasoning_effort are not supported for {model.id} in /v1/chat/completions. "
            "Please use /v1/responses instead.",
            None,
            "reasoning_effort",
        )


def _check_choice(body: Json) -> None:
    choice = body.get("tool_choice")
    if choice is None:
        return
    if not body.get("tools"):
        message = "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified."
        raise bad(message, None, "tool_choice")
    if isinstance(choice, dict) and choice["type"] == "function":
        name = choice["function"]["name"]
        if all(tool.get("function", {}).get("name") != name for tool in body["tools"]):
            raise bad(f"Tool choice '{name}' not found in 'tools' parameter.", None, "tool_choice")


def _check_format(body: Json) -> None:
    form = body.get("response_format") or {}
    if form.get("type") == "json_object" and "json" not in said(body["messages"]):
        raise bad(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            None,
            "messages",
        )
    if form.get("type") == "json_schema" and form["json_schema"].get("strict"):
        name = form["json_schema"]["name"]
        check_strict(form["json_schema"].get("schema") or {}, f"response_format '{name}'", "response_format")
    for number, tool in enumerate(body.get("tools") or ()):
        function = tool.get("function") or {}
        if function.get("strict"):
            place = f"tools[{number}].function.parameters"
            check_strict(function.get("parameters") or {}, f"function '{function['name']}'", place)


def said(messages: list[Json]) -> str:
    """Give all that is said, in lower case."""
    return "\n".join(text_of(message.get("content")) for message in messages).lower()


def text_of(content: Any) -> str:
    """Give the text of a content, which may be a string, parts or nothing."""
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content or () if part["type"] == "text")


def check_strict(schema: Any, owner: str, param: str, path: tuple[str, ...] = ()) -> None:
    """Refuse a schema that strict mode does not take: every object closed, all its properties required.

    Raises:
        Problem: 400.
    """
    if not isinstance(schema, dict):
        return
    kind = schema.get("type")
    if not path and kind != "object":
        raise _invalid(owner, f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'.", param)
    if kind == "object":
        if schema.get("additionalProperties") is not False:
            message = f"In context={path}, 'additionalProperties' is required to be supplied and to be false."
            raise _invalid(owner, message, param)
        properties, required = schema.get("properties"), schema.get("required")
        names = list(properties) if isinstance(properties, dict) else []
        missing = [name for name in names if not isinstance(required, list) or name not in required]
        if missing:
            message = (
                f"In context={path}, 'required' is required to be supplied and to be an array including every key in "
                f"properties. Missing '{missing[0]}'."
            )
            raise _invalid(owner, message, param)
    for name, part in children(schema):
        check_strict(part, owner, param, (*path, name))


def _invalid(owner: str, message: str, param: str) -> Exception:
    return bad(f"Invalid schema for {owner}: {message}", None, param)


def _check_conversation(messages: list[Json]) -> None:
    waiting: list[str] = []
    for number, message in enumerate(messages):
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                raise bad(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
                    "'tool_calls'.",
                    None,
                    f"messages.[{number}].role",
                )
            waiting.remove(message["tool_call_id"])
            continue
        _check_answered(waiting, number)
        if message["role"] == "assistant":
            calls = message.get("tool_calls") or []
            if not calls and message.get("content") is None and message.get("refusal") is None:
                raise bad(
                    f"Invalid value for 'content': expected a string, got null. (messages.[{number}])",
                    None,
                    f"messages.[{number}].content",
                )
            waiting = [call["id"] for call in calls]
    _check_answered(waiting, len(messages))


def _check_answered(waiting: list[str], number: int) -> None:
    if waiting:
        raise bad(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(waiting)}",
            None,
            f"messages.[{number}].role",
        )
