import json
import string
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.policy.fault import Place
from seawall.policy.yaml_tree import MAX_BYTES, MAX_DEPTH, MAX_FAULTS, MAX_VALUES, Tree, read_tree

MARKS: Final = " \n\t:-?{}[],#&*!|>'\"%@`ab01<=.~\\\x85\u2028\ufeff\0"


def _tree(text: str) -> Tree:
    return read_tree(text.encode())


def _found(text: str) -> list[str]:
    return [fault.sentence for fault in _tree(text).faults]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("22:30", "22:30"),
        ("010", 10),
        ("0o17", 15),
        ("0x1f", 31),
        ("-3", -3),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("0.1", 0.1),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ('"1"', "1"),
        ("'true'", "true"),
        ("2026-11-01", "2026-11-01"),
        ("=", "="),
    ],
)
def test_a_plain_scalar_is_read_by_the_core_schema(text: str, expected: object) -> None:
    tree = _tree(f"a: {text}")

    assert tree.value == {"a": expected}
    assert tree.faults == ()


def test_every_key_and_value_has_its_place() -> None:
    places = _tree("a:\n  - x\n  - b: 1\nc: 2\n").places

    assert places.keys[("a",)] == Place(1, 1)
    assert places.values[("a", 0)] == Place(2, 5)
    assert places.keys[("a", 1, "b")] == Place(3, 5)
    assert places.values[("c",)] == Place(4, 4)


def test_an_alias_repeats_a_value_and_its_place() -> None:
    tree = _tree("a: &x {b: 1}\nc: *x\n")

    assert tree.value == {"a": {"b": 1}, "c": {"b": 1}}
    assert tree.places.values[("c", "b")] == Place(1, 11)


def test_an_alias_may_be_a_key() -> None:
    assert _tree("&k a: 1\nb: {*k : 2}\nc: &n 3\nd: {*n : 4}").value == {"a": 1, "b": {"a": 2}, "c": 3, "d": {"3": 4}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: 1\nb: 2\na: 3\n", 'found the key "a" twice', id="duplicate key"),
        pytest.param("<<: {a: 1}", "found a merge key (<<)", id="merge key"),
        pytest.param("a: !!python/object:os.system x", "found a tag (!)", id="tag"),
        pytest.param("a: !own [x]", "found a tag (!)", id="own tag"),
        pytest.param("? [a]\n: 1", "found a list or mapping as a key", id="a list as a key"),
        pytest.param("x: &l [1]\n? *l\n: 1", "found a list or mapping as a key", id="an alias of a list as a key"),
        pytest.param("'': 1", "found an empty key", id="empty key"),
        pytest.param("a: .inf", "found a number without end", id="infinite"),
        pytest.param("a: 1e999", "found a number without end", id="too large a float"),
        pytest.param("a: .nan", "found a number without end", id="no number"),
        pytest.param("a: " + "9" * 5000, "found a number of 5000 digits", id="too many digits"),
        pytest.param("a: *nobody", "found an alias to an anchor", id="unknown alias"),
        pytest.param("a: &a [*a]", "found an alias to an anchor", id="an alias to itself"),
        pytest.param('a: "\\0"', "found a text with a control character", id="control character"),
        pytest.param('a: "\\ud800"', "found a text with a control character", id="half a surrogate"),
        pytest.param("a: 1\n---\nb: 2", "found a second document", id="second document"),
        pytest.param("%YAML 1.1\n---\na: 1", "found %YAML 1.1, expected YAML 1.2", id="another YAML"),
        pytest.param(f"%YAML 1.{'9' * 5000}\n---\na: 1", "found broken YAML", id="a version without end"),
        pytest.param("a: b: c", "found broken YAML", id="broken"),
        pytest.param("a: [1", "found broken YAML", id="not closed"),
        pytest.param("a: \0", "found a character that cannot be printed", id="unprintable"),
        pytest.param("[" * 1000, "found more levels than a policy has", id="deep"),
        pytest.param("- " * (MAX_DEPTH + 1), "found more levels than a policy has", id="deep blocks"),
    ],
)
def test_what_could_surprise_is_refused(text: str, expected: str) -> None:
    (sentence,) = _found(text)

    assert sentence.startswith(expected)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        pytest.param("a:\n  - 'b\n\nc: 1\n", "while scanning a quoted scalar that begins in line 2, found", id="quote"),
        pytest.param("a: {b: 1\nc: 2\n", "while parsing a flow mapping that begins in line 1, ", id="brace"),
        pytest.param("a:\n\tb: 1\n", "cannot start any token; indent with spaces, not with tabs", id="tab"),
    ],
)
def test_broken_yaml_is_told_with_where_it_begins_and_how_to_mend_it(text: str, hint: str) -> None:
    (fault,) = _tree(text).faults

    assert fault.found == "broken YAML"
    assert hint in fault.hint


def test_a_duplicate_names_the_line_of_the_first_and_keeps_it() -> None:
    tree = _tree("a: 1\nb: 2\na: 3\n")

    assert tree.value == {"a": 1, "b": 2}
    assert (tree.faults[0].place, tree.faults[0].code) == (Place(3, 1), "key.duplicate")
    assert "line 1" in tree.faults[0].hint


def test_bytes_that_are_no_utf8_have_their_place() -> None:
    (fault,) = read_tree(b"a: 1\nb: \xff\n").faults

    assert (fault.place, fault.found) == (Place(2, 4), "the byte 0xff")


def test_an_unprintable_character_has_its_place() -> None:
    (fault,) = _tree("a: 1\nb: x\x07\n").faults

    assert fault.place == Place(2, 5)


def test_a_byte_order_mark_is_no_part_of_the_document() -> None:
    assert read_tree(b"\xef\xbb\xbfa: 1").value == {"a": 1}


def test_a_document_that_is_too_large_is_not_read() -> None:
    (fault,) = read_tree(b" " * (MAX_BYTES + 1)).faults

    assert str(MAX_BYTES) in fault.expected


def test_aliases_cannot_blow_a_document_up() -> None:
    rows = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    rows += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]

    tree = _tree("\n".join(rows))

    assert tree.value is None
    assert tree.faults[0].found == "more values than a policy has, aliases counted"


def test_aliases_cannot_deepen_a_document() -> None:
    rows = ["a0: &a0 [[[x]]]"] + [f"a{i}: &a{i} [[[*a{i - 1}]]]" for i in range(1, 9)]

    assert _found("\n".join(rows)) == [f"found more levels than a policy has, expected at most {MAX_DEPTH}"]


def test_many_values_are_too_many() -> None:
    (sentence,) = _found("[" + "1," * (MAX_VALUES + 1) + "]")

    assert sentence.startswith("found more values")


def test_the_list_of_faults_has_an_end() -> None:
    assert len(_found("\n".join(f"k{i}: !t x" for i in range(MAX_FAULTS * 2)))) == MAX_FAULTS


def test_a_message_never_repeats_the_document() -> None:
    sentences = _found("a: hunter2: hunter3\n") + _found('b: "hunter2\n')

    assert sentences
    assert not any("hunter" in sentence for sentence in sentences)


@given(st.one_of(st.binary(max_size=200), st.text(MARKS + string.ascii_letters, max_size=120).map(str.encode)))
def test_reading_never_fails(data: bytes) -> None:
    tree = read_tree(data)

    assert tree.faults or tree.value is None or () in tree.places.values


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(string.printable + "é漢😀", max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4),
    max_leaves=12,
)


@given(_JSON, st.booleans())
def test_every_json_document_is_read_as_it_is(value: object, ascii_only: bool) -> None:
    tree = _tree(json.dumps(value, ensure_ascii=ascii_only))

    # Control characters are the one thing that JSON may say and a policy may not; deeper ones are refused as well.
    if not tree.faults:
        assert tree.value == value
    else:
        assert {fault.found.split(" with")[0] for fault in tree.faults} <= {"a text", "more levels than a policy has"}
