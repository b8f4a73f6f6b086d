"""One connection, several requests: nobody's answer and nobody's request goes to somebody else (T4)."""

import json
import time
from collections.abc import Sequence
from typing import Final

import pytest

from seawall.core.key import KeyGrant
from tests.hostile.framings import refused_framings
from tests.hostile.request import OPENAI_PATH, Shape, good_body
from tests.hostile.running import Gateway
from tests.hostile.stage import Stage
from tests.hostile.wire import LEAVE, Answer, Case, converse

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("hostile")]

WRITTEN_S: Final = 10.0


def _answers(stage: Stage, requests: Sequence[bytes], *, pieces: int = 1) -> tuple[Answer, ...]:
    """Send requests in a pipeline, in one piece or cut into many, and give their answers."""
    data = b"".join(requests) + LEAVE
    size = -(-len(data) // pieces)
    cut = tuple(data[i : i + size] for i in range(0, len(data), size))
    *answers, last = converse(stage.gateway.port, Case("pipeline", cut, at_most=len(requests) + 1)).answers
    assert last.fields["connection"] == "close"
    return tuple(answers)


def _keys_of_records(gateway: Gateway, ids: Sequence[str]) -> list[str]:
    """Give the key ids that the journal has for these requests, once it has them all."""
    until = time.monotonic() + WRITTEN_S
    while time.monotonic() < until:
        lines = [
            line for file in (gateway.state_dir / "journal").glob("*.jsonl") for line in file.read_bytes().splitlines()
        ]
        found = {record["id"]: record.get("key_id", "") for record in map(json.loads, lines)}
        if set(ids) <= set(found):
            return [found[each] for each in ids]
    raise AssertionError("the journal does not have every request")


def test_a_message_with_two_ends_is_refused_and_nothing_behind_it_runs(stage: Stage) -> None:
    stage.upstream_complaints()
    cases = list(refused_framings(stage.key))

    heard = [stage.attack(case) for case in cases]

    refused = [[answer.status for answer in each.answers] if each else None for each, _ in heard]
    assert [f"{c.name}: {r}" for c, r in zip(cases, refused, strict=True) if r != [400]] == []
    assert [complaint for _, complaints in heard for complaint in complaints] == []
    assert stage.provider.seen() == []


@pytest.mark.parametrize("pieces", [1, 7, 100])
def test_answers_come_in_the_order_of_the_requests(stage: Stage, pieces: int) -> None:
    models = ["claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5"] * 3
    requests = [
        Shape(stage.key, method=b"GET", target=f"/ai/chat/v1/models/{model}".encode(), length=None,
              extra=b"anthropic-version: 2023-06-01\r\n").head()
        for model in models
    ]  # fmt: skip

    answers = _answers(stage, requests, pieces=pieces)

    assert [answer.json()["id"] for answer in answers] == models


def test_two_tenants_on_one_connection_each_get_their_own(stage: Stage) -> None:
    one = stage.gateway.issue(KeyGrant(team="one", default_route="/ai/chat"))
    two = stage.gateway.issue(KeyGrant(team="two", routes=("/ai/other",), default_route="/ai/other"))
    ids = stage.gateway.issued
    requests = [
        Shape(one).request(good_body()),
        Shape(two).request(good_body()),
        Shape("").request(good_body()),
        Shape("sw_" + "0" * 49).request(good_body()),
        Shape(two, target=b"/v1/chat/completions").request(good_body(OPENAI_PATH)),
        Shape(one, length=b"Transfer-Encoding: chunked\r\n").head() + b"0\r\nx-api-key: %b\r\n\r\n" % two.encode(),
        Shape(one).request(good_body()),
    ]

    answers = _answers(stage, requests)

    assert [answer.status for answer in answers] == [200, 403, 401, 401, 200, 400, 200]
    request_ids = [answer.fields["x-seawall-request-id"] for answer in answers]
    assert len(set(request_ids)) == len(request_ids)
    assert _keys_of_records(stage.gateway, request_ids) == [
        ids[key] if key else "" for key in (one, two, "", "", two, one, one)
    ]


def test_a_refused_request_takes_what_is_behind_it_along(stage: Stage) -> None:
    good, bad = Shape(stage.key).request(good_body()), Shape(stage.key, host=b"").request(good_body())

    heard = converse(stage.gateway.port, Case("good, bad, good", (good + bad + good,), at_most=3))

    assert [answer.status for answer in heard.answers] == [200, 400]
    assert heard.is_closed
