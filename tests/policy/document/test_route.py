import pytest
from pydantic import TypeAdapter, ValidationError

from seawall.policy.document.route import MAX_ROUTE, RESERVED, RouteDocument, RoutePath

PATH: TypeAdapter[str] = TypeAdapter(RoutePath)


@pytest.mark.parametrize("path", ["/a", "/ai/chat", "/a.b/c-d/e_f", "/admins", "/a/metrics", "/v1beta", "/..a"])
def test_a_route_is_a_path(path: str) -> None:
    assert PATH.validate_python(path) == path


@pytest.mark.parametrize(
    "path", ["", "/", "a", "/a/", "//a", "/a b", "/a?b", "/ä", "/a/../b", "/.", "/a\n", "/" + "x" * MAX_ROUTE, 5]
)
def test_what_is_no_path_is_refused(path: object) -> None:
    with pytest.raises(ValidationError, match="expected a path"):
        PATH.validate_python(path)


@pytest.mark.parametrize("path", [*(f"/{word}" for word in RESERVED), "/admin/x", "/v1/messages", "/a/v1", "/a/v1/b"])
def test_the_gateways_own_paths_are_refused(path: str) -> None:
    with pytest.raises(ValidationError, match="does not use itself"):
        PATH.validate_python(path)


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("temperature", [0, 0.6, 2], [-0.1, 2.1, "0.6", True]),
        ("top_p", [0.1, 1], [0, 1.1]),
        ("max_tokens", [1, 10_000_000], [0, 10_000_001, 1.5, "1"]),
        ("retries", [0, 3], [-1, 4]),
        ("timeout_ms", [1, 3_600_000], [0, 3_600_001, 0.5]),
        ("hold_back_ms", [0, 60_000], [-1, 60_001]),
        ("streaming", [True, False], [1, "yes"]),
        ("class", ["interactive", "automation", "analysis"], ["batch", ""]),
        ("max_tokens_above", ["clamp", "refuse"], ["cut"]),
        ("budget_per_day_usd", [0, 0.5, 20], [-1, "20"]),
        ("fallback", [[], ["claude-x"], ["x"] * 8], ["claude-x", ["x"] * 9, [5], 5]),
    ],
)
def test_limits_are_in_the_types(key: str, good: list[object], bad: list[object]) -> None:
    for value in good:
        RouteDocument.model_validate({key: value})
    for value in bad:
        with pytest.raises(ValidationError):
            RouteDocument.model_validate({key: value})
