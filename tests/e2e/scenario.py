"""What a user of the official Python SDKs does, one scenario a function; runs under either major of them.

Reads one JSON object a line: `{"scenario": …, "base_url": …, "key": …, …}`, and writes one: `{"ok": …}` with what the
client saw, or `{"error": …}` with what it raised. `tests/e2e/node/scenario.mjs` does the same with the npm clients.
"""

import base64
import json
import sys
from collections.abc import Callable
from typing import Any, Final

import anthropic
import openai
from pydantic import BaseModel

Json = dict[str, Any]  # any JSON object

PNG: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAEUlEQVR42mNgGAWjYBSMglEAAAUUAAEF2QZJAAAAAElFTkSuQmCC"
)
SCHEMA: Final[Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
    "required": ["city", "degrees"],
    "additionalProperties": False,
}
QUESTION: Final[Any] = {"role": "user", "content": "What is the weather in Paris?"}
TO_A_TOOL: Final[Any] = {"role": "user", "content": "Use tool get_weather for Paris."}


class Weather(BaseModel):
    """The answer's shape, as a user of `parse` has it."""

    city: str
    degrees: int


def claude(asked: Json) -> anthropic.Anthropic:
    """Make a client that behaves the same in every release."""
    return anthropic.Anthropic(
        base_url=asked["base_url"],
        api_key=asked["key"],
        max_retries=asked.get("retries", 0),
        timeout=asked.get("timeout_s", 20.0),
        default_headers=asked.get("headers"),
    )


def gpt(asked: Json) -> openai.OpenAI:
    """Make a client that behaves the same in every release."""
    return openai.OpenAI(
        base_url=asked["base_url"],
        api_key=asked["key"],
        max_retries=asked.get("retries", 0),
        timeout=asked.get("timeout_s", 20.0),
        default_headers=asked.get("headers"),
    )


def _message(asked: Json, **more: Any) -> Json:
    return {"model": asked["model"], "max_tokens": 400, "messages": [QUESTION], **more, **asked.get("fields", {})}


def _text(blocks: Any) -> str:
    return "".join(block.text for block in blocks if block.type == "text")


def _seen(message: Any) -> Json:
    return {"text": _text(message.content), "model": message.model, "stop_reason": message.stop_reason} | {
        "usage": [message.usage.input_tokens, message.usage.output_tokens],
        "blocks": [block.type for block in message.content],
    }


# Anthropic


def anthropic_messages(asked: Json) -> Json:
    """Ask, and look at the headers too."""
    raw = claude(asked).messages.with_raw_response.create(**_message(asked))
    headers = {name: raw.headers[name] for name in raw.headers if name.startswith("x-seawall-")}
    return _seen(raw.parse()) | {"headers": headers, "request_id": raw.headers.get("request-id")}


def anthropic_stream(asked: Json) -> Json:
    """Read a stream's own events, as far as they come."""
    text, kinds, raised = "", [], None
    try:
        for event in claude(asked).messages.create(**_message(asked), stream=True):
            kinds.append(event.type)
            if event.type == "content_block_delta" and event.delta.type == "text_delta":
                text += event.delta.text
    except Exception as error:  # noqa: BLE001  # what it raised is a part of the result
        raised = _raised(error)
    return {"text": text, "events": kinds, "raised": raised}


def anthropic_stream_helper(asked: Json) -> Json:
    """Let the SDK put a stream together."""
    with claude(asked).messages.stream(**_message(asked)) as stream:
        text = "".join(stream.text_stream)
        return _seen(stream.get_final_message()) | {"streamed": text}


def _tools(asked: Json) -> Json:
    tool = {"name": "get_weather", "description": "Get it.", "input_schema": SCHEMA}
    return _message(asked, messages=[TO_A_TOOL], tools=[tool])


def anthropic_tools(asked: Json) -> Json:
    """Take a tool call, answer it, and take what follows."""
    client, question = claude(asked), _tools(asked)
    first = client.messages.create(**question)
    calls = [block for block in first.content if block.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"} for call in calls]
    turns = [{"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in first.content]}]
    question["messages"] = [TO_A_TOOL, *turns, {"role": "user", "content": results}]
    second = client.messages.create(**question)
    named = [{"name": call.name, "input": call.input} for call in calls]
    return {"calls": named, "stop_reason": first.stop_reason, "then": _seen(second)}


def anthropic_stream_tools(asked: Json) -> Json:
    """Put streamed arguments together by hand, and compare with what the SDK makes of them."""
    pieces = ""
    with claude(asked).messages.stream(**_tools(asked)) as stream:
        for event in stream:
            if event.type == "content_block_delta" and event.delta.type == "input_json_delta":
                pieces += event.delta.partial_json
        final = stream.get_final_message()
    inputs = [block.input for block in final.content if block.type == "tool_use"]
    return {"pieces": pieces, "inputs": inputs, "stop_reason": final.stop_reason}


def anthropic_image(asked: Json) -> Json:
    """Send a picture."""
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "What is this?"}]
    return _seen(claude(asked).messages.create(**_message(asked, messages=[{"role": "user", "content": content}])))


def anthropic_document(asked: Json) -> Json:
    """Send a document, with citations asked for."""
    source = {"type": "text", "media_type": "text/plain", "data": "The sky is blue. Grass is green."}
    document = {"type": "document", "source": source, "title": "Facts", "citations": {"enabled": True}}
    content = [document, {"type": "text", "text": "What colour is grass?"}]
    return _seen(claude(asked).messages.create(**_message(asked, messages=[{"role": "user", "content": content}])))


def anthropic_structured(asked: Json) -> Json:
    """Ask for JSON of one shape."""
    form = {"format": {"type": "json_schema", "schema": SCHEMA}}
    message = claude(asked).messages.create(**_message(asked, extra_body={"output_config": form}))
    return {"value": json.loads(_text(message.content))}


def anthropic_count_tokens(asked: Json) -> Json:
    """Count without asking."""
    counted = claude(asked).messages.count_tokens(model=asked["model"], messages=[QUESTION])
    return {"input_tokens": counted.input_tokens}


def anthropic_models(asked: Json) -> Json:
    """List models over pages, and look one up."""
    client = claude(asked)
    ids = [model.id for model in client.models.list(limit=3)]
    return {"ids": ids, "found": client.models.retrieve(asked["model"]).id}


def anthropic_beta(asked: Json) -> Json:
    """Use the beta namespace, which adds a query and a header."""
    return _seen(claude(asked).beta.messages.create(**_message(asked), betas=["context-management-2025-06-27"]))


# OpenAI


def _chat(asked: Json, **more: Any) -> Json:
    fields = {"model": asked["model"], "max_completion_tokens": 400, "messages": [QUESTION]}
    return {**fields, **more, **asked.get("fields", {})}


def _said(completion: Any) -> Json:
    choice, usage = completion.choices[0], completion.usage
    return {
        "text": choice.message.content,
        "model": completion.model,
        "finish_reason": choice.finish_reason,
        "usage": [usage.prompt_tokens, usage.completion_tokens],
    }


def openai_chat(asked: Json) -> Json:
    """Ask, and look at the headers too."""
    raw = gpt(asked).chat.completions.with_raw_response.create(**_chat(asked))
    headers = {name: raw.headers[name] for name in raw.headers if name.startswith("x-seawall-")}
    return _said(raw.parse()) | {"headers": headers, "request_id": raw.headers.get("x-request-id")}


def openai_stream(asked: Json) -> Json:
    """Read a stream's chunks, as far as they come."""
    text, chunks, usage, raised = "", 0, None, None
    try:
        for chunk in gpt(asked).chat.completions.create(**_chat(asked), stream=True):
            chunks += 1
            usage = [chunk.usage.prompt_tokens, chunk.usage.completion_tokens] if chunk.usage else usage
            for choice in chunk.choices:
                text += choice.delta.content or ""
    except Exception as error:  # noqa: BLE001  # what it raised is a part of the result
        raised = _raised(error)
    return {"text": text, "chunks": chunks, "usage": usage, "raised": raised}


def openai_stream_usage(asked: Json) -> Json:
    """Read a stream that ends with its usage."""
    fields = {"stream_options": {"include_usage": True}, **asked.get("fields", {})}
    return openai_stream({**asked, "fields": fields})


def _functions(asked: Json) -> Json:
    function = {"name": "get_weather", "description": "Get it.", "parameters": SCHEMA, "strict": True}
    tools = [{"type": "function", "function": function}]
    return _chat(asked, messages=[TO_A_TOOL], tools=tools, reasoning_effort="none")


def openai_tools(asked: Json) -> Json:
    """Take a tool call, answer it, and take what follows."""
    client, question = gpt(asked), _functions(asked)
    first: Any = client.chat.completions.create(**question).choices[0]  # its unions would only be asked about here
    calls = first.message.tool_calls or []
    results = [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in calls]
    question["messages"] = [TO_A_TOOL, first.message.model_dump(exclude_none=True), *results]
    second = client.chat.completions.create(**question)
    named = [{"name": call.function.name, "input": json.loads(call.function.arguments)} for call in calls]
    return {"calls": named, "finish_reason": first.finish_reason, "then": _said(second)}


def openai_stream_tools(asked: Json) -> Json:
    """Put streamed arguments together by hand."""
    names, pieces, reason = [], "", None
    chunk: Any  # its unions would only be asked about here
    for chunk in gpt(asked).chat.completions.create(**_functions(asked), stream=True):
        for choice in chunk.choices:
            reason = choice.finish_reason or reason
            for call in choice.delta.tool_calls or []:
                names += [call.function.name] if call.function.name else []
                pieces += call.function.arguments or ""
    return {"names": names, "pieces": pieces, "finish_reason": reason}


def openai_image(asked: Json) -> Json:
    """Send a picture."""
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
    messages = [{"role": "user", "content": content}]
    return _said(gpt(asked).chat.completions.create(**_chat(asked, messages=messages)))


def openai_structured(asked: Json) -> Json:
    """Let the SDK ask for JSON of one shape and read it."""
    completion = gpt(asked).chat.completions.parse(**_chat(asked), response_format=Weather)
    parsed = completion.choices[0].message.parsed
    return {"value": parsed.model_dump() if isinstance(parsed, Weather) else None}


def openai_embeddings(asked: Json) -> Json:
    """Embed two texts; the SDK asks for base64 by itself."""
    found = gpt(asked).embeddings.create(model=asked["model"], input=["one", "two"])
    return {"sizes": [len(item.embedding) for item in found.data], "usage": found.usage.prompt_tokens}


def openai_models(asked: Json) -> Json:
    """List models, and look one up."""
    client = gpt(asked)
    return {"ids": [model.id for model in client.models.list()], "found": client.models.retrieve(asked["model"]).id}


SCENARIOS: Final[dict[str, Callable[[Json], Json]]] = {
    name.replace("_", ".", 1): value
    for name, value in globals().items()
    if name.startswith(("anthropic_", "openai_")) and callable(value)
}


def _raised(error: Exception) -> Json:
    """Tell of an error what a user's `except` can see."""
    response = getattr(error, "response", None)
    headers = response.headers if response is not None else {}
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else {}
    return {
        "class": type(error).__name__,
        "module": type(error).__module__.partition(".")[0],
        "status": getattr(error, "status_code", None),
        "type": inner.get("type"),
        "code": inner.get("code") or (inner.get("details") or {}).get("error_code"),
        "message": str(error),
        "retry_after": headers.get("retry-after"),
        "should_retry": headers.get("x-should-retry"),
    }


def main() -> None:
    """Run scenarios until the input ends."""
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            told = {"ok": SCENARIOS[asked["scenario"]](asked)}
        except Exception as error:  # noqa: BLE001  # what it raised is the result
            told = {"error": _raised(error)}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
