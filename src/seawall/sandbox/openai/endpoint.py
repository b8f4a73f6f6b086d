"""What `POST /v1/chat/completions` answers."""

from typing import Final

from pydantic import ValidationError

from seawall.core.usage import Usage
from seawall.sandbox.answer import Answer, Ask, Offer, Tool, choose, compose
from seawall.sandbox.cache import CacheUse, automatic
from seawall.sandbox.call import Call, seed
from seawall.sandbox.draw import digest
from seawall.sandbox.openai import check, prompt, reply
from seawall.sandbox.openai.error import bad, from_validation
from seawall.sandbox.openai.model import EMBEDDERS, LETTERS, Gpt, find
from seawall.sandbox.openai.shape import ChatBody
from seawall.sandbox.problem import Json, Problem
from seawall.sandbox.reply import Charge, Event, Reply

_NOT_FOUND: Final = 404
SSE: Final = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
_HOW_IT_IS_SENT: Final = ("stream", "stream_options", "n", "user", "safety_identifier", "metadata", "store")


def unknown_model(name: str) -> Problem:
    """Make the 404 of a model that there is not."""
    message = f"The model `{name}` does not exist or you do not have access to it."
    return Problem(_NOT_FOUND, message, code="model_not_found")


def _checked(call: Call) -> tuple[Json, Gpt]:
    body = call.json()
    known = body
    if call.settings.accept_unknown_fields:
        known = {name: value for name, value in body.items() if name in ChatBody.model_fields}
    try:
        ChatBody.model_validate(known)
    except ValidationError as error:
        raise from_validation(error, known) from error
    model = find(body["model"])
    if model is None:
        if body["model"] in EMBEDDERS:
            message = "This is not a chat model and thus not supported in the v1/chat/completions endpoint."
            raise Problem(_NOT_FOUND, message, param="model")
        raise unknown_model(body["model"])
    check.check(body, model)
    return body, model


def chat(call: Call) -> Reply:
    """Answer a chat request.

    Raises:
        Problem: the request is not good.
    """
    body, model = _checked(call)
    hashed = seed(body, *_HOW_IT_IS_SENT)
    parts = prompt.segments(body)
    total = sum(part.tokens for part in parts)
    if total > model.most_input:
        raise bad(
            f"This model's maximum context length is {model.most_input} tokens. However, your messages resulted in "
            f"{total} tokens. Please reduce the length of the messages.",
            "context_length_exceeded",
            "messages",
        )
    use = automatic(
        call.cache,
        digest(b"%d" % call.key, model.id.encode()),
        parts,
        call.now_s,
        until=prompt.cached_until(body, parts),
        has_write_fee=model.has_write_fee,
    )
    answers = [
        compose(ask_of(call, body, model, hashed, choice), call.settings) for choice in range(body.get("n") or 1)
    ]
    return _told(call, body, model, use, answers)


def _told(call: Call, body: Json, model: Gpt, use: CacheUse, answers: list[Answer]) -> Reply:
    output = sum(reply.output_tokens(answer) for answer in answers)
    thinking = sum(len(answer.thinking) for answer in answers)
    usage = Usage(use.plain, use.read, use.write_short, use.write_long, output, thinking)
    tier, permille = tier_of(body.get("service_tier"), model, usage.prompt)
    options = body.get("stream_options") or {}
    telling = reply.Telling(
        model=body["model"],
        request_id=call.request_id,
        created=int(call.wall_s),
        usage=call.faults.reported(usage),
        service_tier=tier,
        tokens_per_event=call.settings.tokens_per_event,
        includes_usage=bool(options.get("include_usage")),
        has_obfuscation=options.get("include_obfuscation") is not False,
    )
    is_stream = bool(body.get("stream"))
    return Reply(
        status=200,
        headers=SSE if is_stream else (("content-type", "application/json"),),
        events=list(reply.events(answers, telling))
        if is_stream
        else [Event(reply.body(answers, telling), usage.billed_output)],
        is_stream=is_stream,
        charge=Charge(model.id, usage, permille),
        begun=lambda: call.cache.write(use.entries, call.now_s),
    )


def tier_of(asked: str | None, model: Gpt, prompt_tokens: int) -> tuple[str, int]:
    """Give the tier that serves the call, and what it multiplies the price by."""
    if asked in {"priority", "fast"} and model.fast_permille and prompt_tokens <= model.fast_until:
        return "priority", model.fast_permille
    if asked == "flex" and model.flex_permille:
        return "flex", model.flex_permille
    return "default", 1_000


def ask_of(call: Call, body: Json, model: Gpt, hashed: bytes, choice: int) -> Ask:
    """Say what of a request decides its answer number `choice`."""
    form = body.get("response_format") or {}
    schema = form["json_schema"].get("schema") if form.get("type") == "json_schema" else {"type": "object"}
    stop = body.get("stop") or ()
    most = body.get("max_completion_tokens") or body.get("max_tokens") or model.max_output
    last = body["messages"][-1]
    effort = body.get("reasoning_effort") or model.effort
    return Ask(
        seed=hashed if choice == 0 else digest(hashed, b"%d" % choice),
        letters=LETTERS,
        max_tokens=most,
        thinks=effort != "none",
        stop_sequences=tuple(part for part in ((stop,) if isinstance(stop, str) else stop) if part),
        calls=choose(_offer(body), check.text_of(last.get("content")), call.settings),
        has_schema=form.get("type") in {"json_schema", "json_object"},
        schema=schema,
    )


def _offer(body: Json) -> Offer:
    choice = body.get("tool_choice") or "auto"
    tools = [
        Tool(tool["function"]["name"], tool["function"].get("parameters") or {"type": "object"})
        for tool in body.get("tools") or ()
        if tool["type"] == "function"
    ]
    named = choice["function"]["name"] if isinstance(choice, dict) and choice["type"] == "function" else None
    if named is not None:
        tools = [tool for tool in tools if tool.name == named]
    return Offer(
        tools=() if choice == "none" else tuple(tools),
        must_call=choice == "required" or named is not None,
        is_parallel=body.get("parallel_tool_calls") is not False,
        is_answered=body["messages"][-1]["role"] == "tool",
    )
