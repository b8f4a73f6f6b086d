"""What the Messages dialect's paths answer."""

from typing import Final

from pydantic import ValidationError

from seawall.core.usage import Usage
from seawall.sandbox.answer import Answer, Ask, Offer, Stop, Tool, choose, compose
from seawall.sandbox.anthropic import check, prompt, reply
from seawall.sandbox.anthropic.error import from_validation
from seawall.sandbox.anthropic.model import Claude, find
from seawall.sandbox.anthropic.shape import BETA_FIELDS, CountBody, MessageBody
from seawall.sandbox.cache import CacheUse, explicit
from seawall.sandbox.call import Call, seed
from seawall.sandbox.draw import digest
from seawall.sandbox.problem import BAD_REQUEST, Json, Problem
from seawall.sandbox.reply import Charge, Event, Reply, whole

_NOT_FOUND: Final = 404
_FAST_PERMILLE: Final = 2_000
_US_PERMILLE: Final = 1_100
_SSE: Final = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))


def check_version(call: Call) -> str:
    """Give the API version that the request names.

    Raises:
        Problem: 400, it names none, or one that there is not.
    """
    version = call.headers.get("anthropic-version")
    if version is None:
        raise check.refuse("anthropic-version: header is required")
    if version not in {check.OLD_VERSION, check.NEW_VERSION}:
        raise check.refuse(f'anthropic-version: "{version}" is not a valid version')
    return version


def _checked(call: Call, shape: type[CountBody]) -> tuple[Json, Claude]:
    version = check_version(call)
    body = call.json()
    known = dict(body)
    is_beta = "anthropic-beta" in call.headers or call.query.get("beta") == "true"
    for name in body:
        if (name in BETA_FIELDS and is_beta) or (
            call.settings.accept_unknown_fields and name not in MessageBody.model_fields
        ):
            del known[name]
    try:
        shape.model_validate(known)
    except ValidationError as error:
        raise from_validation(error) from error
    model = find(body["model"])
    if model is None:
        raise Problem(_NOT_FOUND, f"model: {body['model']}")
    check.check_version(body, version)
    check.check_model(body, model)
    check.check_messages(body, model)
    check.check_breakpoints(body)
    form = (body.get("output_config") or {}).get("format")
    if form:
        check.check_format(form["schema"])
    return body, model


def count_tokens(call: Call) -> Reply:
    """Answer `POST /v1/messages/count_tokens`.

    Raises:
        Problem: the request is not good.
    """
    body, model = _checked(call, CountBody)
    seed(body)  # refuses what is nested too deeply to be counted
    tokens = sum(segment.tokens for segment in prompt.segments(body, model))
    return whole(200, b'{"input_tokens":%d}' % tokens)


def messages(call: Call) -> Reply:
    """Answer `POST /v1/messages`.

    Raises:
        Problem: the request is not good.
    """
    body, model = _checked(call, MessageBody)
    hashed = seed(body, "stream", "metadata")
    parts = prompt.segments(body, model)
    total = sum(part.tokens for part in parts)
    if total > model.context:
        raise Problem(BAD_REQUEST, f"prompt is too long: {total} tokens > {model.context} maximum")
    scope = digest(b"%d" % call.key, model.id.encode())
    use = explicit(call.cache, scope, parts, model.least_cached, call.now_s)
    answer = compose(_ask(call, body, model, hashed), call.settings)
    return _told(call, body, model, use, answer)


def _told(call: Call, body: Json, model: Claude, use: CacheUse, answer: Answer) -> Reply:
    usage = Usage(use.plain, use.read, use.write_short, use.write_long, answer.output_tokens, len(answer.thinking))
    is_fast, geo = body.get("speed") == "fast", body.get("inference_geo")
    display = (body.get("thinking") or {}).get("display")
    telling = reply.Telling(
        model=body["model"],
        request_id=call.request_id,
        usage=call.faults.reported(usage),
        is_fast=is_fast,
        geo=geo or ("global" if model.has_geo else "not_available"),
        shows_thinking=model.shows_thinking if display is None else display == "summarized",
        tokens_per_event=call.settings.tokens_per_event,
    )
    permille = (_FAST_PERMILLE if is_fast else 1000) * (_US_PERMILLE if geo == "us" else 1000) // 1000
    charge = Charge(model.id, usage, permille, is_free=answer.stop is Stop.REFUSED and not usage.billed_output)
    if body.get("stream"):
        frames = list(reply.events(answer, telling))
    else:
        frames = [Event(reply.body(answer, telling), usage.billed_output)]
    return Reply(
        status=200,
        headers=_SSE if body.get("stream") else (("content-type", "application/json"),),
        events=frames,
        is_stream=bool(body.get("stream")),
        charge=charge,
        begun=lambda: call.cache.write(use.entries, call.now_s),
    )


def _ask(call: Call, body: Json, model: Claude, hashed: bytes) -> Ask:
    choice = body.get("tool_choice") or {"type": "auto"}
    tools = [
        Tool(tool["name"], tool["input_schema"])
        for tool in body.get("tools") or ()
        if tool.get("type") in {None, "custom"}
    ]
    if choice["type"] == "none":
        tools = []
    if choice["type"] == "tool":
        tools = [tool for tool in tools if tool.name == choice["name"]]
        if not tools:
            raise check.refuse(f"tool_choice.name: tool '{choice['name']}' not found in provided tools")
    if choice["type"] == "any" and not tools:
        raise check.refuse("tool_choice: may only be specified while providing tools")
    last = check.blocks(body["messages"][-1]["content"])
    offer = Offer(
        tools=tuple(tools),
        must_call=choice["type"] in {"any", "tool"},
        is_parallel=not choice.get("disable_parallel_tool_use"),
        is_answered=any(block["type"] == "tool_result" for block in last),
    )
    text = "\n".join(block["text"] for block in last if block["type"] == "text")
    form = (body.get("output_config") or {}).get("format")
    return Ask(
        seed=hashed,
        letters=model.letters,
        max_tokens=body["max_tokens"],
        thinks=check.thinks(body, model),
        stop_sequences=tuple(part for part in body.get("stop_sequences") or () if part),
        calls=choose(offer, text, call.settings),
        has_schema=form is not None,
        schema=form["schema"] if form else None,
    )
