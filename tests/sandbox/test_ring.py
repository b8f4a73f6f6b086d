from seawall.sandbox import ring
from seawall.sandbox.ring import Ring, Seen


def _seen(number: int, size: int = 0) -> Seen:
    return Seen(f"req_{number}", "POST", "/", (), bytes(size))


def test_headers_keep_their_order_and_case_and_are_found_in_any() -> None:
    seen = Seen("req_1", "POST", "/v1?x=1", ((b"X-B", b"1"), (b"x-a", b"2"), (b"X-a", b"3")), b"{}")

    assert seen.report()["headers"] == [["X-B", "1"], ["x-a", "2"], ["X-a", "3"]]
    assert (seen.header("x-b"), seen.header("X-A"), seen.header("no")) == ("1", "2", None)


def test_a_body_that_is_not_text_comes_as_base64() -> None:
    assert Seen("r", "POST", "/", (), b"\xff").report()["body_base64"] == "/w=="
    assert Seen("r", "POST", "/", (), "é".encode()).report()["body"] == "é"


def test_the_oldest_requests_make_room() -> None:
    kept = Ring()
    for number in range(ring.MOST + 5):
        kept.add(_seen(number))

    assert len(kept.last()) == ring.MOST
    assert [seen.request_id for seen in kept.last(2)] == ["req_1003", "req_1004"]
    assert kept.last(0) == []


def test_one_huge_request_is_kept_alone() -> None:
    kept = Ring()
    kept.add(_seen(1))
    kept.add(_seen(2, ring.MOST_BYTES + 1))

    assert [seen.request_id for seen in kept.last()] == ["req_2"]
    kept.add(_seen(3, 10))
    assert [seen.request_id for seen in kept.last()] == ["req_3"]
    kept.clear()
    assert kept.last() == []
