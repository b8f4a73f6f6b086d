"""What goes wrong, as users of the official clients meet it: the class, the status, whether it is tried again."""

from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from tests.e2e.comparison import records_of
from tests.e2e.stage import GatewayProcess, Json, OfficialClient, SandboxProcess, wait_for

DIALECTS: Final = {"anthropic": ("messages", "claude-haiku-5-5"), "openai": ("chat", "gpt-5.6-luna")}
NAMES: Final = {
    400: {"BadRequestError"},
    401: {"AuthenticationError"},
    403: {"PermissionDeniedError"},
    404: {"NotFoundError"},
    413: {"ContentTooLargeError", "RequestTooLargeError", "APIStatusError", "APIError"},
    429: {"RateLimitError"},
    500: {"InternalServerError"},
    502: {"InternalServerError"},
    503: {"InternalServerError", "ServiceUnavailableError"},
    504: {"InternalServerError", "DeadlineExceededError", "GatewayTimeoutError"},
    529: {"InternalServerError", "OverloadedError"},
}


@dataclass(frozen=True)
class Failure:
    """One thing that goes wrong, and what the client must see of it.

    `code` is ours, empty where the provider's own error is passed on.
    """

    title: str
    status: int
    code: str = ""
    faults: tuple[str, ...] = ()
    asked: Json = field(default_factory=dict)
    route: str = "/ai/open"
    is_final: bool = False  # the client is told not to retry
    retry_after: str | None = None
    says: str = ""


def _body(**fields: Any) -> Json:
    return {"fields": {"extra_body": fields}}


FAILURES: Final = (
    Failure("a field that the provider refuses", 400, asked=_body(unknown_field=1), says="unknown_field"),
    Failure("a field of the wrong type", 400, "request.invalid", asked=_body(temperature="warm", stream="yes")),
    Failure("a stream where there is none", 400, "route.stream", asked=_body(stream=True), route="/ai/whole"),
    Failure("no such key", 401, "access.unauthenticated", asked={"key": "sw_unknown"}, says="no valid key"),
    Failure("a key for other routes", 403, "access.route", route="/ai/other", says="/ai/other"),
    Failure("no such route", 404, "request.not_found", route="/ai/nowhere", says="no such path"),
    Failure("a model without a price", 400, "price.unknown", asked={"model": "…unheard-of"}, says="unheard-of"),
    Failure("a name that is no model's", 404, "request.not_found", asked={"model": "a b"}, says="model"),
    Failure("a body that is too large", 413, "request.too_large", asked=_body(system="x" * 2_100_000), says="2097152"),
    Failure("a rate limit", 429, faults=("status=429,retry_after=7",), retry_after="7"),
    Failure("a fault of the provider", 500, faults=("status=500",)),
    Failure("a proxy's page", 502, faults=("html_error",), says="no readable error"),
    Failure("the gateway's key refused", 502, "upstream.credentials", faults=("status=401",), is_final=True),
    Failure("the gateway's key echoed", 502, "upstream.credentials", faults=("echo_key",), is_final=True),
    Failure("garbage", 502, "upstream.broken", faults=("garbage",)),
    Failure("a head that is cut", 502, "upstream.broken", faults=("cut_headers",)),
    Failure("a body that is cut", 502, "upstream.broken", faults=("cut=50",)),
    Failure("a body that is too short", 502, "upstream.broken", faults=("wrong_length=+10",)),
    Failure("a busy provider", 503, faults=("status=503",)),
    Failure("a deadline", 504, "deadline.exceeded", faults=("stall",), route="/ai/quick", is_final=True, says="400 ms"),
    Failure("an overload", 529, faults=("status=529,retry_after=3",), retry_after="3"),
)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.title.replace(" ", "-"))
def test_client_raises_what_its_users_expect(
    sdk: OfficialClient, gateway: GatewayProcess, sandbox: SandboxProcess, key: str, failure: Failure, dialect: str
) -> None:
    scenario, model = DIALECTS[dialect]
    sandbox.steer(*failure.faults)
    asked = {"key": key, "model": model, "retries": 2 if failure.is_final else 0, **failure.asked}
    asked["model"] = asked["model"].replace("…", model[: model.index("-") + 1])

    told = sdk.run(f"{dialect}.{scenario}", base_url=gateway.url + failure.route, **asked)

    error = told["error"]
    assert (error["status"], error["retry_after"]) == (failure.status, failure.retry_after)
    assert error["class"] in NAMES[failure.status], error
    assert failure.says in error["message"]
    assert error["should_retry"] == ("false" if failure.is_final or _is_refusal(failure) else None)
    if failure.code:
        assert error["code"] == failure.code
    calls = 0 if _is_refusal(failure) else 1
    wait_for(lambda: len(sandbox.meter()) == calls, "the provider's meter")
    assert "provider-key" not in str(told)


def _is_refusal(failure: Failure) -> bool:
    """Say whether the gateway itself says no, before it calls anybody."""
    return failure.code.startswith(("access.", "price.", "request.", "route."))


BROKEN: Final = {
    "a cut": "cut=1500",
    "an early end": "no_terminal",
    "an end in the middle": "no_terminal=8",
    "an overload in the middle": "error_in_stream=overloaded_error@12",
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("fault", BROKEN.values(), ids=[title.replace(" ", "-") for title in BROKEN])
def test_broken_stream_raises_in_every_client(
    sdk: OfficialClient, gateway: GatewayProcess, sandbox: SandboxProcess, key: str, fault: str, dialect: str
) -> None:
    sandbox.steer(fault, output_tokens=60, tokens_per_second=1000.0)

    told = sdk.run(f"{dialect}.stream", base_url=f"{gateway.url}/ai/open", key=key, model=DIALECTS[dialect][1])

    assert told["ok"]["text"], "it broke after its beginning"
    assert told["ok"]["raised"]["module"] in {dialect, "sdk"}, told["ok"]["raised"]
    (record,) = records_of(gateway, sandbox)
    assert record["outcome"] == "failed"
    assert record["error"] in {"upstream.broken", "upstream.refused"}


SILENT: Final = {
    "before-the-first-token": ("/ai/first", "stall_after=1", "upstream.timeout.first_token"),
    "in-the-middle": ("/ai/idle", "stall_after=12", "upstream.timeout.idle"),
    "until-the-deadline": ("/ai/quick", "stall_after=12", "deadline.exceeded"),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("silence", SILENT.values(), ids=SILENT.keys())
def test_stream_that_falls_silent_raises_in_every_client(
    sdk: OfficialClient,
    gateway: GatewayProcess,
    sandbox: SandboxProcess,
    key: str,
    silence: tuple[str, ...],
    dialect: str,
) -> None:
    route, fault, code = silence
    sandbox.steer(fault, output_tokens=60)

    told = sdk.run(f"{dialect}.stream", base_url=gateway.url + route, key=key, model=DIALECTS[dialect][1])

    assert told["ok"]["raised"]["code"] == code, told


@pytest.mark.parametrize("dialect", DIALECTS)
def test_client_that_retries_gets_its_answer(
    sdk: OfficialClient, gateway: GatewayProcess, sandbox: SandboxProcess, key: str, dialect: str
) -> None:
    scenario, model = DIALECTS[dialect]
    sandbox.steer({"fault": "status=529", "count": 1})

    told = sdk.run(f"{dialect}.{scenario}", base_url=f"{gateway.url}/ai/open", key=key, model=model, retries=2)

    assert told["ok"]["text"]
    assert [entry["status"] for entry in sandbox.meter()] == [200, 529]
