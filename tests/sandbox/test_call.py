from collections.abc import Callable

import pytest

from seawall.sandbox.call import Call, seed
from seawall.sandbox.problem import Problem


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"a":"\\ud800"}', b"\xff", b"[" * 2_000])
def test_a_body_that_is_not_an_object_is_refused(make_call: Callable[..., Call], body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        make_call(body).json()

    assert caught.value.status == 400


def test_the_seed_knows_neither_order_nor_what_is_left_out() -> None:
    assert seed({"a": 1, "b": 2, "stream": True}, "stream") == seed({"b": 2, "a": 1})
    assert seed({"a": 1}) != seed({"a": 2})


def test_a_body_that_is_nested_too_deeply_is_refused() -> None:
    value: object = 1
    for _ in range(400):
        value = [value]

    with pytest.raises(Problem, match="nested too deeply"):
        seed({"a": value})
