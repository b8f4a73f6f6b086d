import pytest

from seawall.policy.fault import START, Fault, Place, Places, fault_line, in_order, path_text, policy_error, shown


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param((), "", id="the document"),
        pytest.param(("routes", "/ai/chat", "fallback", 0), "routes./ai/chat.fallback[0]", id="keys and positions"),
        pytest.param(("routes", "a\x1bb"), "routes.a�b", id="what a terminal would obey"),
        pytest.param(("x" * 100,), "x" * 80 + "…", id="too long"),
        pytest.param(("sk-" + "a1" * 24,), "[OpenAI key]", id="a credential as a key"),
    ],
)
def test_a_path_is_written_as_people_name_it(path: tuple[str | int, ...], expected: str) -> None:
    assert path_text(path) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "nothing"),
        (True, "true"),
        (False, "false"),
        (50, "50"),
        (0.5, "0.5"),
        ("clam", '"clam"'),
        ([1], "a list"),
        ([], "an empty list"),
        ({}, "an empty mapping"),
        ({"a": 1}, "a mapping"),
        ("x" * 81, "a text of 81 characters"),
        ("a\nb", "a text of 3 characters"),
        ("sk-" + "a1" * 24, "a text of 51 characters that looks like a credential (OpenAI key)"),
    ],
)
def test_a_value_is_described_without_giving_a_secret_away(value: object, expected: str) -> None:
    assert shown(value) == expected


def test_a_line_has_file_place_path_found_expected_and_hint() -> None:
    fault = Fault(Place(7, 5), ("routes", "/a", "x"), "50", "at most 5", "write less")

    assert fault_line("p.yaml", fault) == "p.yaml:7:5 routes./a.x: found 50, expected at most 5; write less"


def test_a_line_without_a_path_names_the_file_alone() -> None:
    assert (
        fault_line("p.yaml", Fault(START, (), "nothing", "a policy")) == "p.yaml:1:1: found nothing, expected a policy"
    )


def test_a_line_never_holds_what_looks_like_a_credential() -> None:
    secret = "glpat-" + "a1B2" * 5

    line = fault_line("p.yaml", Fault(START, ("a",), f"the key {secret}", secret, secret))

    assert secret not in line


def test_faults_are_sorted_by_their_place_and_told_once() -> None:
    late, early = Fault(Place(9, 1), (), "b", "c"), Fault(Place(2, 3), (), "a", "c")

    assert in_order([late, early, late]) == (early, late)
    assert str(policy_error("p", [late, early])) == "p:2:3: found a, expected c\np:9:1: found b, expected c"


def test_a_place_that_is_not_there_is_that_of_the_nearest_parent() -> None:
    places = Places(keys={("a",): Place(3, 1)}, values={("a",): Place(3, 4), ("a", 0): Place(4, 2)})

    assert places.of_key(("a",)) == Place(3, 1)
    assert places.of_value(("a",)) == Place(3, 4)
    assert places.of_key(("a", 0, "b")) == Place(4, 2)
    assert places.of_value(("z",)) == START
