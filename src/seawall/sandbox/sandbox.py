"""The simulated provider as one object: start it, talk to it over HTTP, look at what it saw."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self
from urllib.parse import parse_qsl

import orjson

from seawall.core.secret import Secret
from seawall.core.usage import NO_USAGE
from seawall.ports.clock import Clock
from seawall.sandbox import control, route
from seawall.sandbox.call import Call, Dialect, Facts
from seawall.sandbox.clock import LoopTime
from seawall.sandbox.deliver import Manner, Progress, deliver
from seawall.sandbox.draw import digest
from seawall.sandbox.fault import NO_FAULTS, Faults, Incident, parse
from seawall.sandbox.limit import Standing
from seawall.sandbox.mangle import html_error, mangled, retry_headers, status_problem
from seawall.sandbox.meter import Entry, Meter
from seawall.sandbox.price import bill, cut_short
from seawall.sandbox.problem import Problem
from seawall.sandbox.reply import Charge, Reply, whole
from seawall.sandbox.ring import Ring, Seen
from seawall.sandbox.server import Line, Request, Server
from seawall.sandbox.setting import FAULT_HEADER, Settings, from_headers
from seawall.sandbox.state import State

_UNAUTHORIZED: Final = 401
_TOO_LARGE: Final = 413
_RATE_LIMITED: Final = 429


@dataclass(slots=True)
class _Visit:
    """One request on its way through: what is known of it so far."""

    request: Request
    request_id: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    key: str
    key_number: int
    dialect: Dialect
    started_s: float
    settings: Settings
    faults: Faults = NO_FAULTS
    endpoint: str = "unknown"


class Sandbox:
    """A provider that costs nothing: both dialects over real HTTP, deterministic, with faults on demand.

    Any API key is good unless `expected_key` names the only one. `settings` is how it answers unless a request or the
    control endpoint says otherwise. Waiting takes the event loop's time, and so does the prompt cache unless `clock` is
    another. Many may run in one process; one belongs to the event loop that started it.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        expected_key: Secret | None = None,
        clock: Clock | None = None,
    ) -> None:
        initial = settings or Settings()
        self._state = State(initial, initial, expected_key)
        self._clock = clock or LoopTime()
        self._server = Server(self._serve)
        self._serial = 0
        self._host = ""
        self._port = 0

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one.

        Raises:
            OSError: the address cannot be listened on.
        """
        self._port = await self._server.start(host, port)
        self._host = host

    async def aclose(self) -> None:
        """Stop: every connection is reset, also those with a request on them. May be called twice."""
        await self._server.aclose()

    async def __aenter__(self) -> Self:
        if not self._port:
            await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    @property
    def url(self) -> str:
        """The base URL for the Anthropic SDK; the OpenAI SDK wants `/v1` behind it."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def meter(self) -> Meter:
        """What it was asked, and what it would have billed."""
        return self._state.meter

    @property
    def requests(self) -> Ring:
        """The last requests, byte for byte."""
        return self._state.requests

    @property
    def settings(self) -> Settings:
        """How it answers now; assign another value to change it."""
        return self._state.settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._state.settings = settings

    def set_fault(
        self,
        fault: str,
        *,
        count: int | None = None,
        probability: float = 1.0,
        seed: int = 0,
        model: str | None = None,
        path: str | None = None,
    ) -> None:
        """Let something go wrong from now on: `set_fault("status=529", count=2)`.

        `fault` is what the header `x-sandbox-fault` takes; the rest is what `Incident` says.

        Raises:
            Problem: there is no such fault, or its value is not good.
        """
        self._state.incidents.add(Incident(fault, count, probability, seed, model, path))

    def clear_faults(self) -> None:
        """Let everything go well again."""
        self._state.incidents.clear()

    def reset(self) -> None:
        """Go back to the settings of the start, without faults, with an empty prompt cache and full rate limits."""
        self._state.reset()

    async def _serve(self, request: Request, line: Line) -> None:
        visit = self._visit(request)
        if visit.path.startswith(control.PREFIX):
            await self._deliver(self._controlled(visit), visit, line, Progress())
            return
        self.requests.add(Seen(visit.request_id, request.method, request.target, request.headers, request.body))
        reply = self._answered(visit)
        progress = Progress()
        is_complete = False
        try:
            await self._deliver(reply, visit, line, progress)
            is_complete = True
        finally:
            self._count(visit, reply, progress, hung_up=line.is_lost and not is_complete)

    async def _deliver(self, reply: Reply, visit: _Visit, line: Line, progress: Progress) -> None:
        manner = Manner(visit.settings, visit.faults, self._clock)
        await deliver(reply, visit.request, line, manner, progress)

    def _visit(self, request: Request) -> _Visit:
        self._serial += 1
        headers: dict[str, str] = {}
        for name, value in request.headers:
            headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
        path, _, query = request.target.partition("?")
        bearer = headers.get("authorization", "")
        key = headers.get("x-api-key") or (bearer[7:].strip() if bearer[:7].lower() == "bearer " else "")
        return _Visit(
            request=request,
            request_id="req_" + digest(b"%d" % self._port, b"%d" % self._serial, size=12).hex(),
            path=path,
            query=dict(parse_qsl(query, keep_blank_values=True)) if query else {},
            headers=headers,
            key=key,
            key_number=self._state.number(key),
            dialect=route.dialect_of(path, headers),
            started_s=self._clock.monotonic_s(),
            settings=self._state.settings,
        )

    def _controlled(self, visit: _Visit) -> Reply:
        visit.settings = Settings()  # steering must work however the answers are steered
        request = visit.request
        try:
            control.check_peer(request.peer)
            return control.control(self._state, request.method, visit.path, visit.query, request.body)
        except Problem as problem:
            return whole(problem.status, control.problem_body(problem))

    def _answered(self, visit: _Visit) -> Reply:
        wall_s = self._clock.wall_s()
        extra: tuple[tuple[str, str], ...] = ()
        try:
            reply = self._attempt(visit, wall_s)
        except Problem as problem:
            reply = whole(problem.status, visit.dialect.problem(problem, visit.request_id))
            extra = retry_headers(visit.faults, wall_s)
            if problem.status == _RATE_LIMITED and not extra:
                extra = (("retry-after", f"{self._standing(visit).reset_s:.0f}"),)
        usage = reply.charge.usage if reply.charge else None
        if usage is not None:
            prompt = usage.prompt - usage.cache_read
            self._state.limits.count(visit.key_number, prompt, usage.billed_output, visit.started_s)
        took_ms = round((self._clock.monotonic_s() - visit.started_s) * 1000)
        facts = Facts(visit.request_id, self._standing(visit), wall_s, took_ms)
        headers = (*reply.headers, *visit.dialect.headers(facts), *extra, ("server", "seawall-sandbox"))
        return Reply(reply.status, headers, reply.events, reply.is_stream, reply.charge, reply.begun)

    def _standing(self, visit: _Visit) -> Standing:
        return self._state.limits.standing(visit.key_number, visit.settings, visit.started_s)

    def _attempt(self, visit: _Visit, wall_s: float) -> Reply:
        """Give the answer, or raise the Problem that takes its place."""
        if visit.request.is_too_large:
            raise Problem(_TOO_LARGE, "Request exceeds the maximum size")
        found = route.find(visit.request.method, visit.path, visit.headers)
        visit.endpoint = found.path
        visit.settings = from_headers(visit.settings, visit.headers)
        visit.faults = self._faults(visit)
        self._check_key(visit)
        if visit.faults.html_error:
            return html_error()
        if visit.faults.error_status is not None:
            raise status_problem(visit.faults.error_status, visit.faults)
        if visit.settings.enforce_limits and self._standing(visit).is_used_up:
            raise Problem(_RATE_LIMITED, "This request would exceed your account's rate limit.")
        call = Call(
            body=visit.request.body,
            headers=visit.headers,
            query=visit.query,
            name=found.name,
            settings=visit.settings,
            faults=visit.faults,
            key=visit.key_number,
            request_id=visit.request_id,
            now_s=visit.started_s,
            wall_s=wall_s,
            cache=self._state.cache,
        )
        return mangled(found.endpoint(call), visit.faults, found.dialect, visit.request_id)

    def _faults(self, visit: _Visit) -> Faults:
        asked = visit.headers.get(FAULT_HEADER)
        if asked is not None:
            return parse(asked)
        incidents = self._state.incidents
        return incidents.draw(visit.endpoint, _model_of(visit.request.body) if incidents.needs_model else None)

    def _check_key(self, visit: _Visit) -> None:
        if visit.faults.echo_key:
            raise Problem(_UNAUTHORIZED, f"Incorrect API key provided: {visit.key}.")
        if not visit.key:
            raise Problem(_UNAUTHORIZED, "No API key was provided: expected x-api-key or Authorization: Bearer.")
        if not self._state.accepts(visit.key):
            raise Problem(_UNAUTHORIZED, "Incorrect API key provided.")

    def _count(self, visit: _Visit, reply: Reply, progress: Progress, *, hung_up: bool) -> None:
        charge = reply.charge
        if charge is not None:
            usage = cut_short(charge.usage, progress.tokens)
            is_billed = progress.status != 0 or progress.tokens > 0 or not visit.faults.stall
            charge = Charge(charge.model, usage, charge.permille, charge.is_free or not is_billed)
        entry = Entry(
            request_id=visit.request_id,
            endpoint=visit.endpoint,
            key=visit.key_number,
            at_s=self._clock.wall_s(),
            model=charge.model if charge else "",
            status=progress.status,
            is_stream=reply.is_stream,
            usage=charge.usage if charge else NO_USAGE,
            billed_nusd=bill(charge) if charge else 0,
            bytes_sent=progress.bytes_sent,
            events=progress.events,
            hung_up=hung_up,
            caller=_caller_of(visit.request.body) if charge else "",
        )
        self.meter.add(entry)


def _model_of(body: bytes) -> str | None:
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    model = asked.get("model") if isinstance(asked, dict) else None
    return model if isinstance(model, str) else None


def _caller_of(body: bytes) -> str:
    """Name the end user of a body that was good enough to be charged for."""
    asked = orjson.loads(body)
    metadata = asked.get("metadata")
    named = metadata.get("user_id") if isinstance(metadata, dict) else None
    found = named or asked.get("safety_identifier") or asked.get("user")
    return found if isinstance(found, str) else ""
