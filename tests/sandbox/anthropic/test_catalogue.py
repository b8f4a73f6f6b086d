import json
from collections.abc import Callable
from typing import Any

import pytest

from seawall.sandbox.anthropic.catalogue import model, models
from seawall.sandbox.anthropic.model import CLAUDE
from seawall.sandbox.call import Call
from seawall.sandbox.problem import Problem

NAMES = list(CLAUDE)


def _page(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(models(call).events[0].data)
    return found


@pytest.mark.parametrize(
    ("query", "expected", "has_more"),
    [
        pytest.param({}, NAMES[:20], False, id="all"),
        pytest.param({"limit": "2"}, NAMES[:2], True, id="the first two"),
        pytest.param({"limit": "2", "after_id": NAMES[1]}, NAMES[2:4], True, id="the next two"),
        pytest.param({"limit": "2", "before_id": NAMES[4]}, NAMES[2:4], False, id="the two before"),
        pytest.param({"lifecycle": "deprecated"}, ["claude-sonnet-4-5"], False, id="deprecated"),
        pytest.param({"lifecycle[]": "retired"}, [], False, id="none"),
    ],
)
def test_models_come_page_by_page(
    make_call: Callable[..., Call], query: dict[str, str], expected: list[str], has_more: bool
) -> None:
    page = _page(make_call(query=query))

    assert [entry["id"] for entry in page["data"]] == expected
    assert page["has_more"] is has_more
    assert (page["first_id"], page["last_id"]) == ((expected[0], expected[-1]) if expected else (None, None))


@pytest.mark.parametrize("limit", ["0", "1001", "x", "-1", "9" * 5_000])
def test_a_bad_page_is_refused(make_call: Callable[..., Call], limit: str) -> None:
    with pytest.raises(Problem, match="limit: Input should be from 1 to 1000"):
        models(make_call(query={"limit": limit}))


def test_one_model_is_told_by_either_of_its_names(make_call: Callable[..., Call]) -> None:
    told = json.loads(model(make_call(name="claude-sonnet-4-5-20250929")).events[0].data)

    assert (told["id"], told["lifecycle"], told["retires_at"]) == (
        "claude-sonnet-4-5",
        "deprecated",
        "2026-11-30T00:00:00Z",
    )
    assert told["capabilities"]["thinking"]["types"]["enabled"] == {"supported": True}


def test_a_model_that_there_is_not_is_not_found(make_call: Callable[..., Call]) -> None:
    with pytest.raises(Problem, match="model: gpt-6-luna"):
        model(make_call(name="gpt-6-luna"))


def test_the_version_is_required_here_too(make_call: Callable[..., Call]) -> None:
    with pytest.raises(Problem, match="anthropic-version"):
        models(make_call(version=None))
