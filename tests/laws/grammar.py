"""What a client may be sent, read more strictly than any SDK reads it."""

from dataclasses import dataclass
from typing import Any

import orjson

from seawall.dialects.sse import event_data, event_name


class BrokenGrammar(AssertionError):
    """A client was sent what its dialect does not allow."""


@dataclass(slots=True)
class Heard:
    """What a client made of its bytes. `end` is `complete`, `error`, or empty where neither came."""

    end: str = ""
    text: str = ""
    tool: str = ""
    error: str = ""


def _require(truth: object, why: str) -> None:
    if not truth:
        raise BrokenGrammar(why)


def frames_of(data: bytes, *, is_cut: bool) -> list[bytes]:
    """Cut a stream into frames; only one that was cut may end in half a one.

    Raises:
        BrokenGrammar: it ends in half a frame.
    """
    *frames, rest = data.split(b"\n\n")
    _require(is_cut or not rest, f"half a frame at the end: {rest[:80]!r}")
    return [frame for frame in frames if not frame.startswith(b":")]


def read_messages(frames: list[bytes]) -> Heard:
    """Read a Messages stream.

    Raises:
        BrokenGrammar: an event is missing, doubled, out of order or after the end.
    """
    heard, begun, open_block, blocks, told = Heard(), False, None, 0, False
    kind = ""
    for frame in frames:
        _require(not heard.end, f"{frame[:80]!r} came after the end")
        name, said = event_name(frame).decode(), orjson.loads(event_data(frame))
        _require(said.get("type") == name, f"{name} is called {said.get('type')} inside")
        if name == "error":
            heard.end, heard.error = "error", said["error"]["type"]
        elif name == "message_start":
            _require(not begun, "a second message_start")
            begun = True
        elif name not in ("ping", "novelty"):
            _require(begun, f"{name} before message_start")
            if name == "content_block_start":
                _require(open_block is None and said["index"] == blocks and not told, f"block {said['index']} begins")
                open_block, kind = blocks, said["content_block"]["type"]
                heard.text += said["content_block"].get("text", "")
            elif name == "content_block_delta":
                _require(open_block == said["index"], f"a delta of block {said['index']} within {open_block}")
                _hear_delta(heard, kind, said["delta"])
            elif name == "content_block_stop":
                _require(open_block == said["index"], f"block {said['index']} stops within {open_block}")
                open_block, blocks = None, blocks + 1
            elif name == "message_delta":
                _require(open_block is None and not told, "message_delta twice, or within a block")
                told = True
            else:
                _require(name == "message_stop" and told and open_block is None, f"{name} out of place")
                heard.end = "complete"
    return heard


_DELTAS = {
    "text": {"text_delta"},
    "thinking": {"thinking_delta", "signature_delta"},
    "tool_use": {"input_json_delta"},
}


def _hear_delta(heard: Heard, kind: str, delta: dict[str, Any]) -> None:
    _require(delta["type"] in _DELTAS[kind], f"a {delta['type']} within a block of {kind}")
    heard.text += delta.get("text", "")
    heard.tool += delta.get("partial_json", "")


def read_chat(frames: list[bytes], *, wants_usage: bool) -> Heard:
    """Read a Chat Completions stream.

    Raises:
        BrokenGrammar: as `read_messages`.
    """
    heard, finished, counted, ids = Heard(), False, False, set[str]()
    for frame in frames:
        _require(not heard.end, f"{frame[:80]!r} came after the end")
        data = event_data(frame)
        if data == b"[DONE]":
            _require(finished, "[DONE] without a finish_reason")
            heard.end = "complete"
            continue
        said = orjson.loads(data)
        if said.get("object") == "novelty":
            continue
        if "error" in said:
            heard.end, heard.error = "error", str(said["error"]["type"])
            continue
        ids.add(said["id"])
        _require(said["object"] == "chat.completion.chunk", "an object that is no chunk")
        _require(not counted, "a chunk after the count")
        if not said["choices"]:
            _require(finished and wants_usage and said["usage"], "a chunk without a choice that is no asked-for count")
            counted = True
            continue
        (choice,) = said["choices"]
        _require(not finished, "a choice after its finish_reason")
        heard.text += choice["delta"].get("content") or ""
        for call in choice["delta"].get("tool_calls") or ():
            heard.tool += call["function"].get("arguments") or ""
        finished = bool(choice["finish_reason"])
    return heard


def read_responses(frames: list[bytes]) -> Heard:
    """Read a Responses stream.

    Raises:
        BrokenGrammar: as `read_messages`.
    """
    heard, numbers, items, open_items = Heard(), 0, 0, set[int]()
    for frame in frames:
        _require(not heard.end, f"{frame[:80]!r} came after the end")
        name, said = event_name(frame).decode(), orjson.loads(event_data(frame))
        _require(said.get("type") == name, f"{name} is called {said.get('type')} inside")
        if name == "novelty":
            continue
        if name == "error":
            heard.end, heard.error = "error", str(said.get("code"))
            continue
        _require(said["sequence_number"] == numbers, f"{name} is number {said['sequence_number']}, not {numbers}")
        _require((name == "response.created") == (numbers == 0), f"{name} is number {numbers}")
        numbers += 1
        if name == "response.output_item.added":
            _require(said["output_index"] == items, f"item {said['output_index']} begins")
            open_items.add(items)
            items += 1
        elif name == "response.output_item.done":
            _require(said["output_index"] in open_items, f"item {said['output_index']} ends")
            open_items.discard(said["output_index"])
        elif name == "response.completed":
            _require(not open_items, "the end came within an item")
            heard.end = "complete"
            _require(_of_output(said["response"]).text == heard.text, "the whole answer is another than its pieces")
        elif name.endswith(".delta"):
            _require(said["output_index"] in open_items, f"a delta of item {said['output_index']}")
            heard.text += said["delta"] if name == "response.output_text.delta" else ""
            heard.tool += said["delta"] if name == "response.function_call_arguments.delta" else ""
    return heard


def _of_output(response: dict[str, Any]) -> Heard:  # JSON
    heard = Heard("complete")
    _require(response["object"] == "response" and response["status"] == "completed", "no complete response")
    for item in response["output"]:
        for part in item.get("content") or ():
            heard.text += part.get("text", "") if part["type"] == "output_text" else ""
        heard.tool += item.get("arguments", "")
    return heard


def read_whole(endpoint: str, body: bytes) -> Heard:
    """Read an answer in one piece.

    Raises:
        BrokenGrammar: it is none.
    """
    said = orjson.loads(body)
    heard = Heard("complete")
    if endpoint == "messages":
        _require(said["type"] == "message" and said["role"] == "assistant", "no message")
        for block in said["content"]:
            heard.text += block.get("text", "")
            heard.tool += orjson.dumps(block["input"]).decode() if block["type"] == "tool_use" else ""
    elif endpoint == "responses":
        return _of_output(said)
    else:
        _require(said["object"] == "chat.completion", "no completion")
        (choice,) = said["choices"]
        _require(choice["finish_reason"], "no finish_reason")
        heard.text = choice["message"].get("content") or ""
        for call in choice["message"].get("tool_calls") or ():
            heard.tool += call["function"]["arguments"]
    return heard


def read_error(endpoint: str, body: bytes) -> Heard:
    """Read an error answer.

    Raises:
        BrokenGrammar: it is none in this dialect.
    """
    said = orjson.loads(body)
    _require(isinstance(said.get("error"), dict) and said["error"].get("message"), "no error envelope")
    _require((said.get("type") == "error") == (endpoint == "messages"), "an error in the other dialect")
    return Heard("error", error=str(said["error"]["type"]))
