"""Requests of every kind, drawn by chance: what a provider can be asked for, and some of what it refuses."""

import base64
import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

from seawall.dialects.dialect import CHAT, EMBEDDINGS, MESSAGES, RESPONSES, Endpoint
from seawall.sandbox.anthropic.model import CLAUDE, Claude
from seawall.sandbox.openai.model import EMBEDDERS, GPT, Gpt
from seawall.sandbox.words import WORDS
from tests.laws.chance import Chance

Json = dict[str, Any]
_CLAUDES: Final = [model for model in CLAUDE.values() if not model.id.endswith("5-2")]
_CHATS: Final = [model for model in GPT.values() if model.tools != "never"]
_GPTS: Final = list(GPT.values())
_CODE: Final = 'def f(x: int) -> str:\n    return f"{x:>10}"  # ok\n\nif __name__ == "__main__":\n\tprint(f(3))\n'
_SIGNS: Final = {
    "cyrillic": "абвгдежзийклмнопрстуфхцчшщъыьэюя ,.",
    "han": "漢字仮名交文中国語言模型測試計算機網絡數據庫",
    "rare": "𠀀𠀁𪚥𫝀𬺰龘靐齉爨",
    "emoji": "😀👩\u200d👩\u200d👧🏳️\u200d🌈🇫🇷✨",
    "expanding": "ﷺﷲ㌀㎏ﬁ½…™ｱﾞ①",
    "marks": "a\u0301e\u0327\u0301o\u0323\u0302à\u0323ạ\u0300",
    "hangul": "한국어텍스트각각힣ᄀ\u1161\u11a8",
    "arabic": "ابتثجحخدذرزسشصضطظعغفقكلمنهوي ",
    "digits": "0123456789.,-+%$ ",
    "ascii": "".join(map(chr, range(32, 127))),
    "control": "\x01\x02\x0b\n\t\r\x1f\x7f",
}
_LONG: Final = 0.006
_PIXELS: Final = (1, 16, 28, 64, 200, 512, 1024, 1568, 2000, 2576, 4096, 8000)


class Requests:
    """Draw one request after another; the same seed draws the same ones."""

    def __init__(self, seed: int) -> None:
        self.chance = Chance(seed, "requests")

    def draw(self) -> tuple[Endpoint, Json]:
        """Draw an endpoint and a body."""
        kind = self.chance.weighed({"messages": 4, "chat": 3, "responses": 3, "embeddings": 1})
        made: dict[str, tuple[Endpoint, Callable[[], Json]]] = {
            "messages": (MESSAGES, self._messages),
            "chat": (CHAT, self._chat),
            "responses": (RESPONSES, self._responses),
            "embeddings": (EMBEDDINGS, self._embeddings),
        }
        endpoint, make = made[kind]
        return endpoint, make()

    # What all dialects have.

    def text(self, most: int = 600) -> str:
        """Draw a text of one kind or another, at least one character long."""
        size = self.chance.count(1, self.chance.pick((8, 60, most)))
        kind = self.chance.weighed({"prose": 6, "code": 2, "json": 1, **dict.fromkeys(_SIGNS, 0.5)})
        if kind == "prose":
            return " ".join(self.chance.pick(WORDS) for _ in range(size // 5 + 1))
        if kind == "code":
            return (_CODE * (size // len(_CODE) + 1))[:size]
        if kind == "json":
            return '{"a": [1, 2.5, null, "x\\n"], "b": {"c": true}}' * (size // 40 + 1)
        return "".join(self.chance.pick(_SIGNS[kind]) for _ in range(size))

    def _question(self) -> str:
        words = self.text() + self.chance.pick(("", "", " use tool", " use tools"))
        if self.chance.happens(_LONG):
            return words + self.text(60) * self.chance.count(1_000, 12_000)
        return words

    def _name(self) -> str:
        return "_".join(self.chance.pick(WORDS) for _ in range(self.chance.count(1, 3)))

    def _schema(self, depth: int = 2) -> Json:
        names = {self.chance.pick(WORDS) + str(n): n for n in range(self.chance.count(1, 4))}
        properties: Json = {}
        for name in names:
            kind = self.chance.pick(("string", "integer", "boolean", "object", "array"))
            if kind == "object" and depth:
                properties[name] = self._schema(depth - 1)
            elif kind == "array":
                properties[name] = {"type": "array", "items": {"type": "string"}, "description": self.text(80)}
            else:
                properties[name] = {"type": "string", "enum": [self.text(20), self.text(20)]}
        return {
            "type": "object",
            "properties": properties,
            "required": list(names),
            "additionalProperties": False,
        }

    def _arguments(self) -> Json:
        return {self.chance.pick(WORDS): self.chance.pick((1, 2.5, True, None, self.text(200), [self.text(20)]))}

    def image(self) -> str:
        """Draw an image in base64: a real header, and what could be pixels; now and then one that cannot be read."""
        width, height = self.chance.pick(_PIXELS), self.chance.pick(_PIXELS)
        kind = self.chance.pick(("png", "gif", "jpeg", "webp", "broken"))
        rest = bytes(self.chance.count(0, 400))
        if kind == "png":
            data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x02" + rest
        elif kind == "gif":
            data = b"GIF89a" + struct.pack("<HH", width, height) + rest
        elif kind == "jpeg":
            comment = b"\xff\xfe" + struct.pack(">H", len(rest) + 2) + rest
            data = b"\xff\xd8" + comment + b"\xff\xc0" + struct.pack(">HBHH", 17, 8, height, width) + bytes(12)
        elif kind == "webp":
            size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
            data = b"RIFF\0\0\0\0WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + size + rest
        else:
            data = b"nothing of the kind" + rest
        return base64.b64encode(data).decode()

    def pdf(self) -> str:
        """Draw a PDF in base64; some hide how many pages they have."""
        pages = self.chance.count(1, 12)
        objects = b"".join(b"%d 0 obj <</Type /Page /Parent 2 0 R>> endobj\n" % (n + 3) for n in range(pages))
        tree = b"2 0 obj <</Type /Pages /Count %d>> endobj\n" % pages
        hidden = b"<</Type /ObjStm /N 9>>" if self.chance.happens(0.05) else b""
        return base64.b64encode(b"%PDF-1.7\n" + tree + objects + hidden).decode()

    # The Messages dialect.

    def _mark(self) -> Json:
        if not self._is_cached or self.chance.happens(0.7):
            return {}
        return {"cache_control": self.chance.pick(({"type": "ephemeral"}, {"type": "ephemeral", "ttl": self._ttl}))}

    def _messages(self) -> Json:
        chance = self.chance
        model = chance.pick(_CLAUDES)
        self._is_cached, self._ttl = chance.happens(0.4), chance.pick(("5m", "1h"))
        body: Json = {"model": model.id, "max_tokens": chance.pick((1, 16, 300, 1_024, 4_000))}
        if chance.happens(0.6):
            text = self.text(3_000)
            body["system"] = chance.pick((text, [{"type": "text", "text": text, **self._mark()}]))
        tools = [self._tool() for _ in range(chance.count(1, 6))] if chance.happens(0.35) else []
        if tools:
            body["tools"] = list({tool["name"]: tool for tool in tools}.values())
            if chance.happens(0.2):
                body["tools"].append({"type": "bash_20250124", "name": "bash"})
            body["tool_choice"] = chance.pick(({"type": "auto"}, {"type": "auto"}, {"type": "none"}))
        body["messages"] = self._turns(model, can_call=bool(tools))
        if chance.happens(0.15):
            body["output_config"] = {"format": {"type": "json_schema", "schema": self._schema()}}
        if chance.happens(0.3):
            self._thinking(body, model)
        if chance.happens(0.1) and model.has_geo:
            body["inference_geo"] = chance.pick(("us", "global"))
        if chance.happens(0.1) and model.has_fast_mode:
            body["speed"] = chance.pick(("fast", "standard"))
        if self._is_cached and chance.happens(0.3):
            body["cache_control"] = {"type": "ephemeral", "ttl": self._ttl}
        if chance.happens(0.2):
            body["service_tier"] = chance.pick(("auto", "standard_only"))
        return body

    def _thinking(self, body: Json, model: Claude) -> None:
        kinds: list[Json] = [{"type": "adaptive"}]
        if model.can_budget and body["max_tokens"] > 1_024:
            kinds.append({"type": "enabled", "budget_tokens": 1_024})
        if model.can_disable:
            kinds.append({"type": "disabled"})
        body["thinking"] = self.chance.pick(kinds)

    def _tool(self) -> Json:
        tool = {"name": self._name(), "input_schema": self._schema(), **self._mark()}
        return tool | ({"description": self.text(400)} if self.chance.happens(0.8) else {})

    def _turns(self, model: Claude, *, can_call: bool) -> list[Json]:
        turns: list[Json] = [{"role": "user", "content": self._user()}]
        for _ in range(self.chance.count(0, self.chance.pick((0, 2, 8)))):
            said: list[Json] = []
            if self.chance.happens(0.3):
                words = self.chance.pick(("", self.text()))
                said.append({"type": "thinking", "thinking": words, "signature": "c2ln" * self.chance.count(20, 400)})
            if self.chance.happens(0.1):
                said.append({"type": "redacted_thinking", "data": "c2ln" * self.chance.count(1, 200)})
            said.append({"type": "text", "text": self.text(), **self._mark()})
            calls = self.chance.count(1, 4) if can_call and self.chance.happens(0.6) else 0
            ids = [f"toolu_{len(turns)}_{n}" for n in range(calls)]
            said += [{"type": "tool_use", "id": id_, "name": self._name(), "input": self._arguments()} for id_ in ids]
            turns.append({"role": "assistant", "content": said})
            results: list[Json] = [
                {"type": "tool_result", "tool_use_id": id_, "content": self._result(), **self._mark()} for id_ in ids
            ]
            content = self._user() if not results or self.chance.happens(0.3) else []
            plain = [{"type": "text", "text": content}] if isinstance(content, str) else content
            turns.append({"role": "user", "content": results + plain if results else content})
            if model.has_system_messages and self.chance.happens(0.05):
                turns.append({"role": "system", "content": self.text(100)})
                turns.append({"role": "user", "content": self._user()})
        return turns

    def _result(self) -> Any:  # a text, or blocks
        if self.chance.happens(0.6):
            return self.text()
        return [self._shown() for _ in range(self.chance.count(1, 3))]

    def _user(self) -> Any:  # a text, or blocks
        if self.chance.happens(0.5):
            return self._question()
        return [self._shown() | self._mark() for _ in range(self.chance.count(1, 4))]

    def _shown(self) -> Json:
        kind = self.chance.weighed({"text": 6, "image": 2, "url": 0.3, "pdf": 0.5, "plain": 0.5, "found": 0.5})
        if kind == "image":
            source = {"type": "base64", "media_type": "image/png", "data": self.image()}
            return {"type": "image", "source": source}
        if kind == "url":
            return {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
        if kind == "pdf":
            source = {"type": "base64", "media_type": "application/pdf", "data": self.pdf()}
            return {"type": "document", "title": self.text(20), "source": source}
        if kind == "plain":
            source = {"type": "text", "media_type": "text/plain", "data": self.text()}
            return {"type": "document", "source": source, "context": self.text(60), "citations": {"enabled": True}}
        if kind == "found":
            content = [{"type": "text", "text": self.text()}]
            return {"type": "search_result", "source": "https://a.example", "title": self.text(30), "content": content}
        return {"type": "text", "text": self._question()}

    # OpenAI's dialects.

    def _breakpoint(self) -> Json:
        if self.chance.happens(0.9):
            return {}
        return {"prompt_cache_breakpoint": {"mode": "explicit", "ttl": self.chance.pick(("30m", "12h"))}}

    def _common(self, body: Json, model: Gpt) -> None:
        chance = self.chance
        if chance.happens(0.3):
            body["service_tier"] = chance.pick(("auto", "default", "flex", "priority"))
        if chance.happens(0.1) and model.has_write_fee:
            body["prompt_cache_options"] = {"mode": chance.pick(("implicit", "explicit"))}

    def _function(self) -> Json:
        return {"name": self._name(), "description": self.text(300), "parameters": self._schema()}

    def _chat(self) -> Json:
        chance = self.chance
        tools = [self._function() for _ in range(chance.count(1, 6))] if chance.happens(0.35) else []
        model = chance.pick(_CHATS)
        body: Json = {"model": model.id, "messages": [], self._ceiling(model): chance.pick((1, 16, 300, 4_000))}
        if tools:
            body["tools"] = [{"type": "function", "function": tool} for tool in tools]
            if model.tools in {"none", "sent_none"}:
                body["reasoning_effort"] = "none"
        if chance.happens(0.6):
            body["messages"].append({"role": "system", "content": self.text(3_000)})
        body["messages"] += self._chat_turns(model, can_call=bool(tools))
        if chance.happens(0.15):
            form = {"name": "form", "schema": self._schema(), "strict": True}
            body["response_format"] = chance.pick(({"type": "json_schema", "json_schema": form}, {"type": "text"}))
        if chance.happens(0.1):
            body["n"] = chance.count(2, 4)
        self._common(body, model)
        return body

    @staticmethod
    def _ceiling(model: Gpt) -> str:
        return "max_tokens" if model.takes_max_tokens else "max_completion_tokens"

    def _chat_turns(self, model: Gpt, *, can_call: bool) -> list[Json]:
        turns: list[Json] = [{"role": "user", "content": self._chat_user(model)}]
        for _ in range(self.chance.count(0, self.chance.pick((0, 2, 8)))):
            calls = self.chance.count(1, 4) if can_call and self.chance.happens(0.6) else 0
            ids = [f"call_{len(turns)}_{n}" for n in range(calls)]
            made = [
                {"id": id_, "type": "function", "function": {"name": self._name(), "arguments": self.text(200)}}
                for id_ in ids
            ]
            said: Json = {"role": "assistant", "content": self.text()}
            turns.append(said | ({"tool_calls": made} if made else {}))
            turns += [{"role": "tool", "tool_call_id": id_, "content": self.text()} for id_ in ids]
            turns.append({"role": "user", "content": self._chat_user(model), "name": "someone"})
        return turns

    def _chat_user(self, model: Gpt) -> Any:  # a text, or parts
        if self.chance.happens(0.6):
            return self._question()
        mark = self._breakpoint() if model.has_write_fee else {}
        return [self._chat_part() | mark for _ in range(self.chance.count(1, 3))]

    def _chat_part(self) -> Json:
        kind = self.chance.weighed({"text": 6, "image": 2, "url": 0.3, "pdf": 0.5})
        if kind == "image":
            detail = self.chance.pick(("auto", "low", "high", "original"))
            return {
                "type": "image_url",
                "image_url": {"url": f"data:image/png;base64,{self.image()}", "detail": detail},
            }
        if kind == "url":
            return {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
        if kind == "pdf":
            data = f"data:application/pdf;base64,{self.pdf()}"
            return {"type": "file", "file": {"filename": "a.pdf", "file_data": data}}
        return {"type": "text", "text": self._question()}

    def _responses(self) -> Json:
        chance = self.chance
        model = chance.pick(_GPTS)
        body: Json = {"model": model.id, "max_output_tokens": chance.pick((16, 300, 4_000)), "store": False}
        tools = [self._function() for _ in range(chance.count(1, 6))] if chance.happens(0.35) else []
        if tools:
            body["tools"] = [{"type": "function", **tool} for tool in tools]
        if chance.happens(0.6):
            body["instructions"] = self.text(3_000)
        body["input"] = self._question() if chance.happens(0.3) else self._items(model, can_call=bool(tools))
        if chance.happens(0.15):
            form = {"type": "json_schema", "name": "form", "schema": self._schema(), "strict": True}
            body["text"] = {"format": form}
        self._common(body, model)
        return body

    def _items(self, model: Gpt, *, can_call: bool) -> list[Json]:
        items: list[Json] = [{"role": "user", "content": self._parts(model)}]
        for _ in range(self.chance.count(0, self.chance.pick((0, 2, 8)))):
            if self.chance.happens(0.3):
                items.append({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c2ln" * 60})
            calls = self.chance.count(1, 4) if can_call and self.chance.happens(0.6) else 0
            ids = [f"call_{len(items)}_{n}" for n in range(calls)]
            items += [
                {"type": "function_call", "call_id": id_, "name": self._name(), "arguments": self.text(200)}
                for id_ in ids
            ]
            items += [{"type": "function_call_output", "call_id": id_, "output": self._parts(model)} for id_ in ids]
            items.append({"role": "assistant", "content": [{"type": "output_text", "text": self.text()}]})
            items.append({"role": "user", "content": self._parts(model)})
        return items

    def _parts(self, model: Gpt) -> Any:  # a text, or parts
        if self.chance.happens(0.6):
            return self._question()
        parts: list[Json] = []
        for _ in range(self.chance.count(1, 3)):
            kind = self.chance.weighed({"text": 6, "image": 2, "pdf": 0.5})
            mark = self._breakpoint() if model.has_write_fee else {}
            if kind == "image":
                detail = self.chance.pick(("auto", "low", "high", "original"))
                url = f"data:image/png;base64,{self.image()}"
                parts.append({"type": "input_image", "image_url": url, "detail": detail, **mark})
            elif kind == "pdf":
                data = f"data:application/pdf;base64,{self.pdf()}"
                parts.append({"type": "input_file", "filename": "a.pdf", "file_data": data, **mark})
            else:
                parts.append({"type": "input_text", "text": self._question(), **mark})
        return parts

    def _embeddings(self) -> Json:
        texts: Sequence[Any] = [self.text() for _ in range(self.chance.count(1, 20))]
        numbers = [self.chance.count(0, 100_000) for _ in range(self.chance.count(1, 50))]
        asked = self.chance.pick((texts[0], texts, numbers, [numbers, numbers[:1]]))
        return {"model": self.chance.pick(list(EMBEDDERS)), "input": asked}
