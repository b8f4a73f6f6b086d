"""Only the policy says where calls go; no client does, and nothing that a client names is fetched (T2)."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.request import ANTHROPIC_PATH, OPENAI_PATH, Shape, good_fields, spoken
from tests.hostile.stage import Stage
from tests.hostile.wire import Case

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("hostile")]

FIELDS = ("base_url", "api_base", "baseURL", "endpoint", "host", "proxy", "provider", "url", "webhook", "callback_url")
HEADERS = (
    "x-portkey-custom-host",
    "x-base-url",
    "x-api-base",
    "x-forwarded-host",
    "forwarded",
    "x-original-url",
    "x-rewrite-url",
    "x-upstream",
    "x-seawall-base-url",
    "openai-base-url",
)


@pytest.fixture
def bystander() -> Iterator[socket.socket]:
    """Listen where nobody has any business."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.2)
        yield listening


def _bodies(url: str) -> Iterator[tuple[str, bytes]]:
    for name in FIELDS:
        yield ANTHROPIC_PATH, spoken({**good_fields(ANTHROPIC_PATH), name: url})
    image = {"type": "image", "source": {"type": "url", "url": url}}
    document = {"type": "document", "source": {"type": "url", "url": url}}
    for block in (image, document):
        messages = [{"role": "user", "content": [block, {"type": "text", "text": "What is it?"}]}]
        yield ANTHROPIC_PATH, spoken({**good_fields(ANTHROPIC_PATH), "messages": messages})
    content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "What is it?"}]
    yield OPENAI_PATH, spoken({**good_fields(OPENAI_PATH), "messages": [{"role": "user", "content": content}]})
    yield (
        ANTHROPIC_PATH,
        spoken({**good_fields(ANTHROPIC_PATH), "mcp_servers": [{"type": "url", "url": url, "name": "x"}]}),
    )
    yield ANTHROPIC_PATH, spoken({**good_fields(ANTHROPIC_PATH), "model": f"anthropic/{url}"})


def test_no_field_and_no_header_sends_a_call_elsewhere(
    stage: Stage, bystander: socket.socket, shared_data: Path
) -> None:
    rows = [json.loads(line) for line in (shared_data / "security/ssrf_urls.jsonl").read_text("utf-8").splitlines()]
    url = f"http://127.0.0.1:{bystander.getsockname()[1]}/"
    cases = [
        Case(f"{path} {each}", (Shape(stage.key, target=path.encode()).request(body),))
        for each in (url, *(row["url"] for row in rows))
        for path, body in _bodies(each)
    ]
    body = spoken(good_fields(ANTHROPIC_PATH))
    hosts = (url, url.removeprefix("http://").rstrip("/"))
    extras = [f"{name}: {host}\r\n".encode() for name in HEADERS for host in hosts]
    cases += [Case(str(extra), (Shape(stage.key, extra=extra).request(body),)) for extra in extras]
    target = (url.rstrip("/") + ANTHROPIC_PATH).encode()
    cases.append(Case("absolute", (Shape(stage.key, target=target).request(body),)))

    found = stage.attack_all(cases)

    assert len(rows) >= 49
    assert found == []
    with pytest.raises(TimeoutError):
        bystander.accept()
