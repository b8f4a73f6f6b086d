from seawall.core.target import Target
from seawall.core.worst_case import Bound
from seawall.dialects.bound.embeddings import embeddings_bound


def test_nothing_but_the_input_counts(target: Target) -> None:
    assert embeddings_bound({"input": "abc", "dimensions": 9, "user": "u" * 99}, target) == Bound(5, 0)


def test_what_other_servers_read_in_place_of_the_input_counts(target: Target) -> None:
    messages = [{"role": "user", "content": "a" * 500}]

    assert (embeddings_bound({"messages": messages}, target).input_tokens or 0) > 500
    assert (embeddings_bound({"input": [1, "漢" * 100]}, target).input_tokens or 0) >= 300


def test_no_input_is_no_text(target: Target) -> None:
    assert embeddings_bound({}, target) == Bound(2, 0)
    assert embeddings_bound({"input": []}, target) == Bound(0, 0)
