"""The admin port: it is on loopback only, and whatever comes, it tells its state to nobody without the token (T14)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.hostile.heads import byte_cases, head_cases
from tests.hostile.stage import Stage
from tests.hostile.wire import Case, MalformedError, converse

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("hostile")]

_STATUS = b"GET /admin/status HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n%b\r\n"
_EVERY = 13
_CLIENTS = 16


def _status(stage: Stage, fields: bytes) -> int:
    return converse(stage.gateway.admin_port, Case("status", (_STATUS.replace(b"%b", fields),))).answers[0].status


def test_the_status_wants_the_token_and_takes_nothing_for_it(stage: Stage) -> None:
    token = (stage.gateway.state_dir / "admin_token").read_bytes().strip()
    wrong = [
        b"",
        b"Authorization: Bearer\r\n",
        b"Authorization: Bearer \r\n",
        b"Authorization: Basic %b\r\n" % token,
        b"Authorization: %b\r\n" % token,
        b"Authorization: Bearer %b\r\n" % token[:-1],
        b"Authorization: Bearer %bA\r\n" % token,
        b"Authorization: Bearer %b\r\n" % token.swapcase(),
        b"Authorization: Bearer \xff\xfe\r\n",
        b"Authorization: Bearer %b\r\n" % stage.key.encode(),
        b"x-api-key: %b\r\n" % token,
        b"Cookie: token=%b\r\n" % token,
        b"X-Forwarded-For: 127.0.0.1\r\n",
    ]

    assert [_status(stage, fields) for fields in wrong] == [401] * len(wrong)
    assert _status(stage, b"Authorization: Bearer %b\r\n" % token) == 200


def _at_home(case: Case) -> Case:
    """Give the case with a name that the admin port answers to, or it would refuse most of them for that alone."""
    pieces = tuple(piece.replace(b"Host: gateway.test", b"Host: 127.0.0.1") for piece in case.pieces)
    return replace(case, pieces=pieces)


def _fault(stage: Stage, case: Case) -> str:
    try:
        heard = converse(stage.gateway.admin_port, case)
    except MalformedError:
        return ""  # that server breaks off where it refuses
    except TimeoutError:
        return f"{case.name}: no end"
    return next((f"{case.name}: {answer.status}" for answer in heard.answers if answer.status >= 500), "")


def test_hostile_requests_leave_the_admin_port_in_service(stage: Stage) -> None:
    cases = [_at_home(case) for case in (*head_cases(stage.key), *list(byte_cases(stage.key))[::_EVERY])]

    with ThreadPoolExecutor(_CLIENTS) as clients:
        faults = list(clients.map(lambda case: _fault(stage, case), cases))

    assert len(cases) > 500
    assert [fault for fault in faults if fault] == []
    assert _status(stage, b"") == 401
    assert stage.call().answers[0].status == 200
    assert stage.log_complaints() == []
