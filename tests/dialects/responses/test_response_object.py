import pytest

from seawall.core.usage import Usage
from seawall.dialects.neutral.answer import Stop
from seawall.dialects.responses.response_object import call_item, ended, head_of, is_cut, item_id, response_id


@pytest.mark.parametrize(
    ("found", "expected"), [("resp_1", "resp_1"), ("msg_1", "resp_1"), ("chatcmpl-1", "resp_1"), ("x", "resp_x")]
)
def test_an_id_has_the_apis_prefix(found: str, expected: str) -> None:
    assert response_id(found) == expected


def test_an_answer_without_an_id_gets_one_of_its_own() -> None:
    assert response_id("") != response_id("")


def test_items_are_named_after_their_answer() -> None:
    assert item_id("msg", "resp_1", 2) == "msg_1_2"


@pytest.mark.parametrize(("stop", "cut"), [("length", True), ("paused", True), ("complete", False), ("refused", False)])
def test_an_answer_is_complete_or_says_why_not(stop: Stop, cut: bool) -> None:
    told = ended(head_of("resp_1", "m", 5.9), [call_item("fc_1", "a", "f", "{}")], stop, Usage(3, output=2))

    assert is_cut(stop) is cut
    assert told["status"] == ("incomplete" if cut else "completed")
    assert (told["incomplete_details"] is not None) is cut
    assert (told["created_at"], told["usage"]["total_tokens"], len(told["output"])) == (5, 5, 1)
