import pytest

from seawall.dialects.chat.identity import answer_id, call_id


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        ("chatcmpl-1", "chatcmpl-1"),
        ("msg_01", "chatcmpl-01"),
        ("resp_1", "chatcmpl-1"),
        ("gen-1", "chatcmpl-gen-1"),
    ],
)
def test_an_answer_keeps_its_id_under_the_endpoints_prefix(found: str, shown: str) -> None:
    assert answer_id(found) == shown


@pytest.mark.parametrize("found", ["", "msg_"])
def test_an_answer_without_an_id_gets_one_of_its_own(found: str) -> None:
    assert len({answer_id(found) for _ in range(3)}) == 3
    assert answer_id(found).startswith("chatcmpl-")


def test_a_call_without_an_id_gets_one_of_its_own() -> None:
    assert len({call_id() for _ in range(3)}) == 3
    assert call_id().startswith("call_")
