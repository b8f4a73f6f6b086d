"""A Responses request in the words of Chat Completions, which the prompt's tokens and the answer are made from."""

from typing import Any

from seawall.sandbox.openai.model import Gpt
from seawall.sandbox.problem import Json


def as_chat(body: Json, model: Gpt) -> Json:
    """Rewrite a request that has the shape of `ResponsesBody`; only what decides tokens and answer is carried over."""
    messages: list[Json] = []
    if body.get("instructions"):
        messages.append({"role": "system", "content": body["instructions"]})
    asked = body["input"]
    items = [{"role": "user", "content": asked}] if isinstance(asked, str) else asked
    messages += [_message(item) for item in items]
    chat: Json = {
        "model": body["model"],
        "messages": messages,
        "max_completion_tokens": body.get("max_output_tokens") or model.max_output,
        "reasoning_effort": (body.get("reasoning") or {}).get("effort"),
        "tools": [{"type": "function", "function": _function(tool)} for tool in body.get("tools") or ()],
        "tool_choice": _choice(body.get("tool_choice")),
        "parallel_tool_calls": body.get("parallel_tool_calls"),
        "prompt_cache_options": body.get("prompt_cache_options"),
        "service_tier": body.get("service_tier"),
    }
    form = (body.get("text") or {}).get("format")
    if form:
        is_schema = form["type"] == "json_schema"
        chat["response_format"] = {"type": "json_schema", "json_schema": form} if is_schema else form
    return chat


def _function(tool: Json) -> Json:
    return {name: tool[name] for name in ("name", "description", "parameters", "strict") if name in tool}


def _choice(choice: Any) -> Any:  # the choice as either API writes it
    if isinstance(choice, dict) and choice["type"] == "function":
        return {"type": "function", "function": {"name": choice["name"]}}
    if isinstance(choice, dict) and choice.get("mode") == "required":
        return "required"
    return choice


def _message(item: Json) -> Json:
    match item.get("type", "message"):
        case "function_call":
            function = {"name": item["name"], "arguments": item["arguments"]}
            call = {"id": item["call_id"], "type": "function", "function": function}
            return {"role": "assistant", "content": None, "tool_calls": [call]}
        case "function_call_output":
            return {"role": "tool", "tool_call_id": item["call_id"], "content": _content(item["output"])}
        case "reasoning":
            return {"role": "assistant", "content": item.get("encrypted_content") or ""}
        case _:
            return {"role": item["role"], "content": _content(item["content"])}


def _content(content: Any) -> Any:  # a string or a list of parts
    return content if isinstance(content, str) else [_part(part) for part in content]


def _part(part: Json) -> Json:
    mark = {"prompt_cache_breakpoint": part.get("prompt_cache_breakpoint")}
    match part["type"]:
        case "input_image":
            image = {"url": part["image_url"], "detail": part.get("detail")}
            return {"type": "image_url", "image_url": image, **mark}
        case "input_file":
            return {"type": "file", "file": {"file_data": part.get("file_data")}, **mark}
        case "refusal":
            return part
        case _:
            return {"type": "text", "text": part["text"], **mark}
