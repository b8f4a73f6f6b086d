import json
from typing import Any

import httpx2
import pytest

from seawall.sandbox import Sandbox, Settings
from seawall.sandbox.control import check_peer
from seawall.sandbox.fault import FAULTS, Incident
from seawall.sandbox.problem import Problem
from seawall.sandbox.setting import SETTINGS

ASK = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


async def _control(http: httpx2.AsyncClient, method: str, body: Any = None) -> dict[str, Any]:
    answer = await http.request(method, "/sandbox/control", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_settings_and_faults_can_be_set_from_outside(http: httpx2.AsyncClient, sandbox: Sandbox) -> None:
    told = await _control(
        http,
        "PUT",
        {
            "settings": {"output_tokens": 3, "first_token_ms": 1.5, "text": "50% off", "enforce_limits": True},
            "faults": ["garbage", {"fault": "status=529", "count": 3, "probability": 0.5, "seed": 7, "model": "m"}],
        },
    )

    assert sandbox.settings == Settings(output_tokens=3, first_token_ms=1.5, text="50% off", enforce_limits=True)
    assert told["settings"]["output_tokens"] == 3
    assert [fault["fault"] for fault in told["faults"]] == ["garbage", "status=529"]
    assert told["faults"][1]["count"] == 3


async def test_what_is_not_named_stays_and_null_goes_back_to_the_default(
    http: httpx2.AsyncClient, sandbox: Sandbox
) -> None:
    await _control(http, "PUT", {"settings": {"output_tokens": 3, "tokens_per_event": 5}, "faults": ["stall"]})
    await _control(http, "PUT", {"settings": {"output_tokens": None}})

    assert sandbox.settings == Settings(tokens_per_event=5)
    assert sandbox._state.incidents.all() == [Incident("stall")]  # the only look at them from inside

    await _control(http, "DELETE")
    assert sandbox.settings == Settings()
    assert (await _control(http, "GET"))["faults"] == []


async def test_what_can_be_set_is_told(http: httpx2.AsyncClient) -> None:
    told = await _control(http, "GET")

    assert set(told["known_faults"]) == set(FAULTS)
    assert set(told["known_settings"]) == set(SETTINGS)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b"{", "the body is not JSON", id="no json"),
        pytest.param(b"[]", "Input should be", id="no object"),
        pytest.param(b'{"fault":[]}', "fault: Extra inputs", id="misspelt"),
        pytest.param(b'{"faults":["bogus"]}', "valid faults: status", id="no such fault"),
        pytest.param(b'{"faults":[{"fault":"stall","probability":2}]}', "probability", id="a probability above one"),
        pytest.param(b'{"settings":{"speed":1}}', "valid settings: ", id="no such setting"),
        pytest.param(b'{"settings":{"refusal":"x"},"faults":["stall"]}', "expected one of", id="a bad setting"),
    ],
)
async def test_a_mistake_changes_nothing(http: httpx2.AsyncClient, sandbox: Sandbox, body: bytes, says: str) -> None:
    answer = await http.put("/sandbox/control", content=body)

    assert answer.status_code == 400
    assert says in answer.json()["error"]["message"]
    assert sandbox.settings == Settings()
    assert (await _control(http, "GET"))["faults"] == []


async def test_the_meter_can_be_read_and_cleared(http: httpx2.AsyncClient, sandbox: Sandbox) -> None:
    await http.post("/v1/messages", json=ASK)
    await http.post("/v1/messages", json=ASK | {"stream": True})

    told = (await http.get("/sandbox/meter?entries=1")).json()

    assert told["total"]["calls"] == 2
    assert told["total"]["billed_nusd"] == sandbox.meter.total.billed_nusd > 0
    assert told["by_model"]["claude-haiku-4-5"]["output"] == 18
    assert told["by_key"]["1"]["calls"] == 2
    assert [entry["is_stream"] for entry in told["entries"]] == [True]
    assert "key-of-the-client" not in json.dumps(told)

    await http.delete("/sandbox/meter")
    assert sandbox.meter.total.calls == 0


async def test_the_last_requests_can_be_read_and_cleared(http: httpx2.AsyncClient, sandbox: Sandbox) -> None:
    for number in range(3):
        await http.post("/v1/messages", content=b"%d" % number)

    told = (await http.get("/sandbox/requests?last=2")).json()

    assert [request["body"] for request in told["requests"]] == ["1", "2"]
    assert ["x-api-key", "key-of-the-client"] in told["requests"][0]["headers"]
    await http.delete("/sandbox/requests")
    assert sandbox.requests.last() == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/sandbox/control", 405),
        ("PUT", "/sandbox/meter", 405),
        ("GET", "/sandbox/elsewhere", 404),
        ("GET", "/sandbox/meter?entries=many", 400),
        ("GET", "/sandbox/requests?last=-1", 400),
    ],
)
async def test_what_there_is_not_is_refused(http: httpx2.AsyncClient, method: str, path: str, status: int) -> None:
    answer = await http.request(method, path)

    assert answer.status_code == status
    assert answer.json()["error"]["message"]


async def test_steering_works_however_answers_are_steered(http: httpx2.AsyncClient, sandbox: Sandbox) -> None:
    await _control(http, "PUT", {"settings": {"header_ms": 3_000_000}, "faults": ["stall"]})

    await _control(http, "GET")

    assert sandbox.meter.total.calls == 0
    assert sandbox.requests.last() == []


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "::1%lo"])
def test_this_machine_may_steer(peer: str) -> None:
    check_peer(peer)


@pytest.mark.parametrize("peer", ["192.0.2.1", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.1"])
def test_no_other_machine_may(peer: str) -> None:
    with pytest.raises(Problem, match="this machine only"):
        check_peer(peer)
