"""Providers whose weather is written down by their seed: calm, slow, throttling, failing, silent, gone."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from seawall.core.error import UpstreamBroken, UpstreamUnreachable
from seawall.core.target import Target
from seawall.ports.upstream import UpstreamRequest
from seawall.testing.scripted_upstream import JSON_HEADERS, STREAM_HEADERS, Break, Pause, Script, ScriptedReply, Step
from tests.laws.answer import Answer
from tests.laws.chance import Chance

WEATHER: Final[dict[str, dict[str, float]]] = {
    "calm": {"good": 20, "uncounted": 1, "novel": 1, "refused": 0.3},
    "slow": {"good": 4, "slow": 6, "silent head": 1, "trickle": 3},
    "flaky": {"good": 5, "error": 2, "cut": 2, "ended early": 2, "broken frame": 1, "error event": 2, "stuck": 1},
    "throttled": {"good": 2, "throttled": 8},
    "failing": {"error": 10, "good": 1},
    "silent": {"silent head": 5, "stuck": 3, "slow": 1},
    "gone": {"unreachable": 1},
    "mad": {"garbage": 3, "broken frame": 3, "redirected": 1, "bad key": 1, "novel": 1, "good": 2},
}
_GOOD: Final = 200
_ERRORS: Final = (500, 502, 503, 529, 408, 409)
_REFUSALS: Final = (400, 404, 402, 413)
_GARBAGE: Final = (b"<html>busy</html>", b"\x00\xff\xfe", b"data: {\xff}\n\n", b"{", b"[1]", b"")
_BROKEN_FRAMES: Final = {
    "anthropic": (b"event: content_block_delta\ndata: {nonsense\n\n", b"event: message_delta\ndata: \xff\xfe\n\n"),
    "responses": (
        b"event: response.output_text.delta\ndata: {nonsense\n\n",
        b"event: response.completed\ndata: \xff\xfe\n\n",
    ),
    "openai": (b"data: {nonsense\n\n", b"data: \xff\xfe\n\n", b"data: [1, 2\n\n"),
}
_LAST: Final[dict[str, list[Step]]] = {"cut": [Break()], "stuck": [Pause(math.inf)], "ended early": []}
_AFTER: Final[tuple[Step, ...]] = (Pause(math.inf), Break(), b": after the end\n\n")
_ENDED: Final = {"anthropic": b"message_stop", "openai": b"[DONE]", "responses": b"response.completed"}


@dataclass(slots=True)
class Dispatch:
    """One request as the provider saw it. `is_charged` says that it wrote an answer, for which it wants money."""

    number: int
    call: int
    worker: str
    target: Target
    at_s: float
    kind: str = ""
    is_charged: bool = False
    answer: Answer | None = None
    reply: "SimReply | None" = None
    is_over: bool = False


@dataclass(slots=True)
class SimReply(ScriptedReply):
    """A scripted answer that knows when its reader was through with it."""

    time: Callable[[], float] = field(default=lambda: 0.0)
    closed_s: float | None = None

    async def read(self) -> bytes:
        """Read as a scripted reply does; a broken connection is closed, too."""
        try:
            piece = await ScriptedReply.read(self)
        except UpstreamBroken:
            self._close()
            raise
        if not piece:
            self._close()
        return piece

    def abort(self) -> None:
        """Give up."""
        ScriptedReply.abort(self)
        self._close()

    def _close(self) -> None:
        if self.closed_s is None:
            self.closed_s = self.time()


class SimProvider:
    """One provider: what it answers depends on its weather at that moment, and on its own chance."""

    def __init__(self, name: str, chance: Chance, length_s: float, *, is_calm: bool = False) -> None:
        self.name = name
        self._chance = chance
        self._typical_s = chance.pick((0.005, 0.02, 0.08))
        self._weather: list[tuple[float, str]] = []
        at_s = 0.0
        while at_s < length_s:
            kind = "calm" if is_calm or chance.happens(0.4) else chance.pick(tuple(WEATHER))
            self._weather.append((at_s, kind))
            at_s += chance.between(0.3, 3.0)

    def weather(self, now_s: float) -> str:
        """Name the weather at a moment."""
        return [kind for at_s, kind in self._weather if at_s <= now_s][-1]

    async def answer(self, dispatch: Dispatch, request: UpstreamRequest) -> ScriptedReply:
        """Answer one request.

        Raises:
            SeawallError: it cannot be reached, or breaks before its head.
        """
        chance = self._chance
        dialect = "responses" if request.path.endswith("/responses") else dispatch.target.provider.dialect
        kind = dispatch.kind = chance.weighed(WEATHER[self.weather(dispatch.at_s)])
        asked = orjson.loads(request.body)
        latency_s = chance.latency_s(self._typical_s)
        if kind == "unreachable":
            await asyncio.sleep(latency_s)
            raise UpstreamUnreachable("nobody listens there")
        if kind == "cut" and chance.happens(0.2):
            dispatch.is_charged = True
            await asyncio.sleep(latency_s)
            raise UpstreamBroken("the connection broke before an answer came")
        dispatch.is_charged = True
        script = self._script(kind, dialect, asked, dispatch)
        dispatch.is_charged = dispatch.is_charged and script.status == _GOOD
        await asyncio.sleep(math.inf if kind == "silent head" else latency_s)
        reply = SimReply(script, time=asyncio.get_running_loop().time)
        dispatch.reply = reply
        return reply

    def _script(self, kind: str, dialect: str, asked: dict[str, Any], dispatch: Dispatch) -> Script:
        chance = self._chance
        if kind in ("error", "throttled", "refused", "bad key", "redirected"):
            return self._refusal(kind, dialect)
        if kind == "garbage":
            headers = STREAM_HEADERS if chance.happens(0.5) else JSON_HEADERS
            return Script((chance.pick(_GARBAGE),), headers=headers)
        answer = self._compose(kind, dispatch, dialect)
        is_stream = asked.get("stream") is True
        if not is_stream:
            return Script(self._whole(kind, answer, dialect, dispatch), headers=JSON_HEADERS)
        options = asked.get("stream_options")
        frames = answer.frames(dialect, wants_usage=bool(options and options.get("include_usage")))
        return Script(self._steps(kind, frames, dialect, answer, dispatch))

    def _compose(self, kind: str, dispatch: Dispatch, dialect: str) -> Answer:
        chance, tag = self._chance, f"w{dispatch.call}.{dispatch.number}"
        words = tuple([f"{tag}-{i} " for i in range(chance.count(1, 8))])
        tool = orjson.dumps({"q": f"{tag}", "n": 1}).decode() if chance.happens(0.1) and dialect != "responses" else ""
        return Answer(tag, words, tool, thinks=chance.happens(0.1), counts=kind != "uncounted")

    def _refusal(self, kind: str, dialect: str) -> Script:
        chance, headers = self._chance, list(JSON_HEADERS)
        if kind == "throttled":
            status = 429 if chance.happens(0.7) else 503
            field = chance.pick(
                (
                    (b"retry-after", b"%d" % chance.count(0, 3)),
                    (b"retry-after-ms", b"%d" % chance.count(20, 900)),
                    (b"retry-after", b"Sat, 21 Nov 2026 00:00:0%d GMT" % chance.count(0, 9)),
                    (b"retry-after", chance.pick((b"-1", b"soon", b"1000000000", b"0.25"))),
                    (b"x-other", b"1"),
                )
            )
            headers.append(field)
        else:
            status = {"bad key": 401, "redirected": 302}.get(kind, 0)
            status = status or chance.pick(_ERRORS if kind == "error" else _REFUSALS)
        if chance.happens(0.1):
            headers.append((b"x-should-retry", chance.pick((b"true", b"false"))))
        error: dict[str, Any] = {"type": "api_error", "message": "the simulated provider says no"}
        body = {"type": "error", "error": error} if dialect == "anthropic" else {"error": {**error, "code": None}}
        text = b"<html>no</html>" if chance.happens(0.1) else orjson.dumps(body)
        return Script((text,), status, headers)

    def _whole(self, kind: str, answer: Answer, dialect: str, dispatch: Dispatch) -> list[Step]:
        chance, body = self._chance, answer.body(dialect)
        cut = chance.count(0, len(body) - 1)
        if kind in ("cut", "broken frame", "ended early"):
            return [body[:cut], Break()] if cut else [Break()]
        if kind == "stuck":
            return [body[:cut] or b" ", Pause(math.inf)]
        if kind == "error event":
            dispatch.is_charged = False  # it said no, in spite of its status
            error: dict[str, Any] = {"error": {"type": "overloaded_error", "message": "too much"}}
            return [orjson.dumps({"type": "error", **error} if dialect == "anthropic" else error)]
        dispatch.answer = answer
        if kind in ("slow", "trickle"):
            return [Pause(chance.latency_s(0.5)), body[:cut] or b" ", Pause(chance.latency_s(0.3)), body[cut:]]
        return [body]

    def _steps(self, kind: str, frames: list[bytes], dialect: str, answer: Answer, dispatch: Dispatch) -> list[Step]:
        """Cut a stream into pieces at any byte, with pauses between them, and spoil it where the kind says so."""
        chance, last = self._chance, list[Step]()
        at = chance.count(0, len(frames) - 1)
        if kind == "novel":
            frames.insert(chance.count(1, len(frames) - 1), _novelty(dialect))
        elif kind == "broken frame":
            frames = [*frames[:at], chance.pick(_BROKEN_FRAMES[dialect])]
        elif kind == "error event":
            frames = [*frames[:at], _error_event(dialect)]
        data = b"".join(frames)
        if kind in ("cut", "ended early", "stuck"):
            # At any byte before the terminal event is complete; it is complete with its blank line.
            data = data[: chance.count(0, data.rindex(_ENDED[dialect]))]
            last = _LAST[kind]
        elif kind not in ("broken frame", "error event"):
            dispatch.answer = answer
            if chance.happens(0.1):
                last = [chance.pick(_AFTER)]
        return [*self._cut(kind, data), *last]

    def _cut(self, kind: str, data: bytes) -> list[Step]:
        chance, steps = self._chance, list[Step]()
        pieces = chance.count(1, 6)
        cuts = sorted([chance.count(0, len(data)) for _ in range(pieces - 1)])
        for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            if end > begin:
                pause_s = chance.latency_s({"slow": 0.25, "trickle": 0.12}.get(kind, self._typical_s))
                steps += [Pause(pause_s), data[begin:end]]
        return steps


def _novelty(dialect: str) -> bytes:
    if dialect != "openai":
        return b'event: novelty\ndata: {"type":"novelty","what":1}\n\n'
    return b'data: {"id":"n","object":"novelty","choices":[]}\n\n'


def _error_event(dialect: str) -> bytes:
    if dialect == "anthropic":
        return b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"too much"}}\n\n'
    if dialect == "responses":
        return b'event: error\ndata: {"type":"error","code":"server_error","message":"too much","param":null}\n\n'
    return b'data: {"error":{"type":"server_error","message":"too much","code":null}}\n\n'
