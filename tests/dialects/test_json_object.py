import contextlib
import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from seawall.core.error import BadRequest
from seawall.dialects.json_object import MAX_DEPTH, MAX_FIELDS, MAX_ITEMS, JsonObject

VALUES = st.sampled_from(
    [
        "1",
        "12",
        "1.0",
        "-0",
        "-0.0",
        "1e5",
        "1E+2",
        "0.1000",
        "12345678901234567890123",
        "123456789012345678.5",
        "true",
        "false",
        "null",
        '""',
        '"plain"',
        '"\\u0041\\n\\"\\\\ \\/ é 😀 \\ud83d\\ude00"',
        '"}"',
        '"a\\\\"',
        "[]",
        "{}",
        "[1, 2,3]",
        '{"model": "inner", "max_tokens": 1.0}',
        '[{"a": [1.0, {"b": "]"}]}]',
        '{ "x" : 1 }',
    ]
)
NAMES = st.one_of(
    st.sampled_from(
        ["model", "max_tokens", "stream", "", "é", "a b", 'q"uote', "back\\slash", "tab\t", "😀", "{", "1"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)
SPACES = st.sampled_from(["", "", "", " ", "\n", " \r\n\t"])


@dataclass(frozen=True)
class Field:
    """One top-level field as it stands in a body: its name, and the very characters of its name and its value."""

    name: str
    key: str
    value: str


@dataclass(frozen=True)
class Body:
    """A body together with what it is made of."""

    fields: tuple[Field, ...]
    raw: bytes


@st.composite
def keys(draw: st.DrawFn, name: str) -> str:
    """Write a name as a JSON string, with some of its characters escaped for no reason."""
    needless = draw(st.sets(st.integers(0, max(len(name) - 1, 0)))) if draw(st.booleans()) else set()
    pieces = []
    for at, char in enumerate(name):
        if at in needless:
            pieces.append(json.dumps(char) if ord(char) > 0xFFFF else f'"\\u{ord(char):04X}"')
        else:
            pieces.append(json.dumps(char, ensure_ascii=False))
    return '"' + "".join(piece[1:-1] for piece in pieces) + '"'


@st.composite
def bodies(draw: st.DrawFn, *, unique: bool = True) -> Body:
    names = draw(st.lists(NAMES, max_size=6, unique=unique))
    fields = tuple(Field(name, draw(keys(name)), draw(VALUES)) for name in names)
    space = SPACES if draw(st.booleans()) else st.just("")
    inner = ",".join(
        f"{draw(space)}{field.key}{draw(space)}:{draw(space)}{field.value}{draw(space)}" for field in fields
    )
    raw = f"{draw(space)}{{{inner or draw(space)}}}{draw(space)}"
    return Body(fields, raw.encode())


EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), NAMES, st.sampled_from([1, "new", None, {"a": [1]}, 2.5])),
        st.tuples(st.just("drop"), NAMES, st.none()),
    ),
    max_size=6,
)


def _values(raw: bytes) -> dict[str, str]:
    """Find the very characters of every top-level value, with the standard library's scanner."""
    text, decoder = raw.decode(), json.JSONDecoder()
    found: dict[str, str] = {}
    at = text.index("{") + 1
    while True:
        while text[at] in " \t\r\n,":
            at += 1
        if text[at] == "}":
            assert not text[at + 1 :].strip(), "nothing follows the object"
            return found
        name, at = decoder.raw_decode(text, at)
        at = text.index(":", at) + 1
        while text[at] in " \t\r\n":
            at += 1
        _, end = decoder.raw_decode(text, at)
        found[name] = text[at:end]
        at = end


@given(bodies())
def test_without_edits_the_very_bytes_go_on(body: Body) -> None:
    parsed = JsonObject.parse(body.raw)

    assert parsed.render() == body.raw
    assert list(parsed.fields) == [field.name for field in body.fields]
    assert parsed.fields == json.loads(body.raw, parse_int=_as_read)


def _as_read(digits: str) -> int | float:
    """Numbers beyond 64 bits are read as floats: what is read decides, what is sent keeps its digits."""
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else float(digits)


@given(bodies(), EDITS)
def test_edits_change_only_what_they_name(body: Body, edits: list[tuple[str, str, Any]]) -> None:
    parsed = JsonObject.parse(body.raw)
    expected = {field.name: field.value for field in body.fields}

    for verb, name, value in edits:
        if verb == "set":
            parsed.set(name, value)
            expected[name] = json.dumps(value, separators=(",", ":"))
        else:
            parsed.drop(name)
            expected.pop(name, None)
    rendered = parsed.render()

    assert _values(rendered) == expected
    assert set(parsed.fields) == set(expected)
    JsonObject.parse(rendered)


@given(bodies(), EDITS)
def test_fields_that_stay_keep_their_order(body: Body, edits: list[tuple[str, str, Any]]) -> None:
    parsed = JsonObject.parse(body.raw)
    touched = {name for _, name, _ in edits}

    for verb, name, value in edits:
        parsed.set(name, value) if verb == "set" else parsed.drop(name)
    order = [name for name in _values(parsed.render()) if name not in touched]

    assert order == [field.name for field in body.fields if field.name not in touched]


@given(bodies(), st.data())
def test_a_field_twice_is_always_refused(body: Body, data: st.DataObject) -> None:
    assume(body.fields)
    twice = data.draw(st.sampled_from(body.fields))
    again = f"{data.draw(keys(twice.name))}{data.draw(SPACES)}:{data.draw(VALUES)}"
    text = [f"{field.key}:{data.draw(SPACES)}{field.value}" for field in body.fields]
    text.insert(data.draw(st.integers(0, len(text))), again)

    with pytest.raises(BadRequest) as caught:
        JsonObject.parse(("{" + ",".join(text) + "}").encode())

    assert caught.value.code == "request.duplicate_key"
    assert caught.value.param == twice.name[:64]


@pytest.mark.parametrize(
    ("raw", "twice"),
    [
        pytest.param(b'{"model":1,"model":2}', "model", id="plain"),
        pytest.param(b'{"model":1,"mod\\u0065l":1}', "model", id="escaped"),
        pytest.param(b'{"\\u006dodel":1,"x":2,"model":1}', "model", id="escaped first"),
        pytest.param(b'{"a":12,"a":1}', "a", id="the kept number is the beginning of the first"),
        pytest.param(b'{"a":12,"a":1,"b":3}', "a", id="the same, and more follows"),
        pytest.param(b'{"b":0,"a":1,"a":1}', "a", id="the same value"),
        pytest.param(b'{"a":1,"b":0,"a":1}', "a", id="the same value, later"),
        pytest.param(b'{"":1,"":1}', "", id="an empty name"),
        pytest.param(b'{"a":1,"a":1,"a":1}', "a", id="three times"),
        pytest.param(b'{ "a" : 1 , "a" : 1 }', "a", id="with white space"),
        pytest.param(b'{"a":1,"a":' + b"9" * 300 + b"}", "a", id="a number of three hundred digits"),
        pytest.param(b'{"' + b"k" * 100 + b'":1,"' + b"k" * 100 + b'":1}', None, id="a long name is not repeated"),
        pytest.param(b'{"' + b"k" * 64 + b'":1,"' + b"k" * 64 + b'":1}', "k" * 64, id="the longest name"),
    ],
)
def test_the_field_that_is_there_twice_is_named(raw: bytes, twice: str | None) -> None:
    with pytest.raises(BadRequest) as caught:
        JsonObject.parse(raw)

    assert caught.value.code == "request.duplicate_key"
    assert caught.value.param == twice


@pytest.mark.parametrize(
    ("raw", "twice"),
    [
        pytest.param(b'{"tools":[{"name":"a","name":"b"}]}', "name", id="compact"),
        pytest.param(b'{"messages": [{"role": "user", "content": "x", "content": ""}]}', "content", id="spaced"),
        pytest.param(b'{"a":{"b":{"c":1,"\\u0063":1}}}', "c", id="escaped, the same value"),
        pytest.param(b'{"a":{"b":1,"b":1.0,"n":1E2}}', "b", id="as long as it is written elsewhere"),
        pytest.param(b'{"a":{"b":' + b"9" * 300 + b',"b":1}}', "b", id="a number of three hundred digits"),
        pytest.param(b'{"a":{"' + b"k" * 65 + b'":1,"' + b"k" * 65 + b'":1}}', None, id="a long name is not repeated"),
    ],
)
def test_a_field_twice_is_refused_at_every_depth(raw: bytes, twice: str | None) -> None:
    with pytest.raises(BadRequest, match="twice in one object") as caught:
        JsonObject.parse(raw)

    assert caught.value.code == "request.duplicate_key"
    assert caught.value.param == twice


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": [{"b": 1}, {"b": 1}], "c": {"b": {"b": "b"}}}',
        b'{"a":"\\u00e9","b":1E2,"c":' + b"9" * 300 + b"}",
        b'{"a":{"x":1,"X":1,"x ":1}, "text":"{\\"b\\":1,\\"b\\":1}"}',
    ],
)
def test_the_same_field_in_several_objects_passes_as_it_came(raw: bytes) -> None:
    assert JsonObject.parse(raw).render() == raw


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        pytest.param(b"", "request.json", id="nothing"),
        pytest.param(b"[]", "request.json", id="an array"),
        pytest.param(b'"text"', "request.json", id="a string"),
        pytest.param(b"null", "request.json", id="null"),
        pytest.param(b"true", "request.json", id="a boolean"),
        pytest.param(b"7", "request.json", id="a number"),
        pytest.param(b'{"a":1', "request.json", id="cut off"),
        pytest.param(b'{"a":1}{"b":2}', "request.json", id="two objects"),
        pytest.param(b'{"a":NaN}', "request.json", id="NaN"),
        pytest.param(b'{"a":Infinity}', "request.json", id="infinity"),
        pytest.param(b'{"a":1e999}', "request.json", id="a number beyond every float"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", "request.json", id="five thousand digits"),
        pytest.param(b'{"a":"\xff"}', "request.json", id="not UTF-8"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', "request.json", id="a byte order mark"),
        pytest.param('{"a":1}'.encode("utf-16"), "request.json", id="UTF-16"),
        pytest.param(b'{"a":"\\ud800"}', "request.json", id="half a surrogate pair"),
        pytest.param(b'{"a":"\x00"}', "request.json", id="a control character"),
        pytest.param(b"{'a':1}", "request.json", id="single quotes"),
        pytest.param(b'{"a":1,}', "request.json", id="a trailing comma"),
        pytest.param(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "request.json", id="bottomless"),
        pytest.param(b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", "request.depth", id="deep"),
        pytest.param(b'{"a":' + b'{"a":' * 70 + b"1" + b"}" * 70 + b"}", "request.depth", id="deep objects"),
        pytest.param(b'{"a":[' + b"[]," * MAX_ITEMS + b"0]}", "request.items", id="too many items"),
        pytest.param(b'{"a":[' + b'"",' * MAX_ITEMS + b"0]}", "request.items", id="too many empty texts"),
        pytest.param(
            b"{" + b",".join(b'"%d":0' % n for n in range(MAX_FIELDS + 1)) + b"}", "request.items", id="too many fields"
        ),
    ],
)
def test_what_is_no_fit_object_is_refused(raw: bytes, code: str) -> None:
    with pytest.raises(BadRequest) as caught:
        JsonObject.parse(raw)

    assert caught.value.code == code
    assert caught.value.status == 400


@pytest.mark.parametrize("shape", [b"[%s]", b'{"a":%s}'], ids=["arrays", "objects"])
def test_the_deepest_allowed_level_is_allowed(shape: bytes) -> None:
    inside = b"0"
    for _ in range(MAX_DEPTH - 1):
        inside = shape % inside
    raw = b'{"x":%s}' % inside

    assert JsonObject.parse(raw).render() == raw
    with pytest.raises(BadRequest):
        JsonObject.parse(b'{"x":%s}' % (shape % inside))


def test_commas_and_brackets_in_a_long_text_are_no_items() -> None:
    text = json.dumps('one, two [three] {four} \\ "five", ' * 40_000)
    raw = f'{{"messages":[{{"role":"user","content":{text}}}]}}'.encode()
    assert len(raw) > MAX_ITEMS

    assert JsonObject.parse(raw).render() == raw


def test_a_body_of_as_many_items_as_allowed_is_read() -> None:
    raw = b'{"a":[' + b"1," * (MAX_ITEMS - 4) + b"0]}"

    assert len(JsonObject.parse(raw).fields["a"]) == MAX_ITEMS - 3


@given(st.binary(max_size=60))
def test_random_bytes_give_an_object_or_a_refusal(raw: bytes) -> None:
    with contextlib.suppress(BadRequest):
        assert JsonObject.parse(raw).render() == raw


@given(bodies(unique=False), st.integers(0, 200), st.binary(max_size=3), st.integers(0, 3))
def test_damaged_bodies_give_an_object_or_a_refusal(body: Body, at: int, piece: bytes, drop: int) -> None:
    at = min(at, len(body.raw))
    raw = body.raw[:at] + piece + body.raw[at + drop :]
    try:
        parsed = JsonObject.parse(raw)
    except BadRequest:
        return

    parsed.set("model", "x")
    assert json.loads(parsed.render())["model"] == "x"


@pytest.mark.parametrize("raw", [b"{}", b"{ }", b" {\n} ", b'{"a":1}', b'{"a":1 }', b'{\n  "a": 1\n}\n'])
def test_a_field_can_be_added_to_any_object(raw: bytes) -> None:
    body = JsonObject.parse(raw)
    body.set("b", [1])

    assert json.loads(body.render()) == json.loads(raw) | {"b": [1]}
    body.drop("b")
    assert json.loads(body.render()) == json.loads(raw)


def test_dropping_what_is_not_there_changes_nothing() -> None:
    body = JsonObject.parse(b'{ "a" : 1.0 }')
    body.drop("b")

    assert body.render() == b'{ "a" : 1.0 }'


def test_a_fork_has_edits_of_its_own() -> None:
    body = JsonObject.parse(b'{"model":"a","n":1}')
    body.set("n", 2)

    fork = body.fork()
    fork.set("model", "b")
    fork.drop("n")

    assert body.render() == b'{"model":"a","n":2}'
    assert fork.render() == b'{"model":"b"}'


def test_a_body_that_was_written_here_can_be_edited_too() -> None:
    body = JsonObject.of({"model": "a", "n": [1]})
    body.set("n", [2])

    assert body.render() == b'{"model":"a","n":[2]}'
