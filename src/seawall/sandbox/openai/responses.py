"""What `POST /v1/responses` answers; nothing is stored, whatever `store` says."""

from typing import Final

from pydantic import ValidationError

from seawall.core.usage import Usage
from seawall.sandbox.answer import compose
from seawall.sandbox.cache import automatic
from seawall.sandbox.call import Call, seed
from seawall.sandbox.draw import digest
from seawall.sandbox.openai import prompt, reply, responses_reply
from seawall.sandbox.openai.endpoint import SSE, ask_of, tier_of, unknown_model
from seawall.sandbox.openai.error import bad, from_validation
from seawall.sandbox.openai.model import Gpt, find
from seawall.sandbox.openai.responses_chat import as_chat
from seawall.sandbox.openai.responses_check import check, check_model
from seawall.sandbox.openai.responses_shape import ResponsesBody
from seawall.sandbox.problem import Json
from seawall.sandbox.reply import JSON_TYPE, Charge, Event, Reply

_HOW_IT_IS_SENT: Final = ("stream", "stream_options", "user", "safety_identifier", "metadata", "store", "include")


def _checked(call: Call) -> tuple[Json, Json, Gpt]:
    """Give the body, its chat form and its model."""
    body = call.json()
    known = body
    if call.settings.accept_unknown_fields:
        known = {name: value for name, value in body.items() if name in ResponsesBody.model_fields}
    try:
        ResponsesBody.model_validate(known)
    except ValidationError as error:
        raise from_validation(error, known) from error
    model = find(body["model"])
    if model is None:
        raise unknown_model(body["model"])
    check(body)
    chat = as_chat(body, model)
    check_model(body, chat, model)
    return body, chat, model


def responses(call: Call) -> Reply:
    """Answer a Responses request.

    Raises:
        Problem: the request is not good.
    """
    body, chat, model = _checked(call)
    parts = prompt.segments(chat)
    total = sum(part.tokens for part in parts)
    if total > model.most_input:
        message = "Your input exceeds the context window of this model. Please adjust your input and try again."
        raise bad(message, "context_length_exceeded", "input")
    use = automatic(
        call.cache,
        digest(b"%d" % call.key, model.id.encode()),
        parts,
        call.now_s,
        until=prompt.cached_until(chat, parts),
        has_write_fee=model.has_write_fee,
    )
    answer = compose(ask_of(call, chat, model, seed(body, *_HOW_IT_IS_SENT), 0), call.settings)
    output = reply.output_tokens(answer)
    usage = Usage(use.plain, use.read, use.write_short, use.write_long, output, len(answer.thinking))
    tier, permille = tier_of(body.get("service_tier"), model, usage.prompt)
    telling = responses_reply.Telling(
        body=body,
        request_id=call.request_id,
        created=int(call.wall_s),
        usage=call.faults.reported(usage),
        service_tier=tier,
        effort=chat["reasoning_effort"] or (model.effort if model.efforts else None),
        tokens_per_event=call.settings.tokens_per_event,
    )
    is_stream = bool(body.get("stream"))
    return Reply(
        status=200,
        headers=SSE if is_stream else (JSON_TYPE,),
        events=list(responses_reply.events(answer, telling))
        if is_stream
        else [Event(responses_reply.body(answer, telling), usage.billed_output)],
        is_stream=is_stream,
        charge=Charge(model.id, usage, permille),
        begun=lambda: call.cache.write(use.entries, call.now_s),
    )
