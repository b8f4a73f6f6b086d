import json
from collections.abc import Callable

import pytest

from seawall.sandbox.call import Call
from seawall.sandbox.openai.catalogue import model, models
from seawall.sandbox.openai.model import EMBEDDERS, GPT
from seawall.sandbox.problem import Problem


def test_all_models_are_listed(make_call: Callable[..., Call]) -> None:
    told = json.loads(models(make_call(version=None)).events[0].data)

    assert told["object"] == "list"
    assert [entry["id"] for entry in told["data"]] == [*GPT, *EMBEDDERS]


@pytest.mark.parametrize(
    ("name", "found", "shutdown"),
    [
        ("gpt-5.5-2026-04-23", "gpt-5.5", None),
        ("gpt-5-mini", "gpt-5-mini", "2026-12-11"),
        ("text-embedding-3-small", "text-embedding-3-small", None),
    ],
)
def test_one_model_is_told(make_call: Callable[..., Call], name: str, found: str, shutdown: str | None) -> None:
    told = json.loads(model(make_call(version=None, name=name)).events[0].data)

    assert (told["id"], told["object"], told["shutdown_date"]) == (found, "model", shutdown)


def test_a_model_that_there_is_not_is_not_found(make_call: Callable[..., Call]) -> None:
    with pytest.raises(Problem, match="does not exist"):
        model(make_call(version=None, name="claude-opus-5-5"))
