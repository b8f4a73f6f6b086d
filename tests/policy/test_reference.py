import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.policy.reference import (
    MAX_SECRET_BYTES,
    EnvReference,
    FileReference,
    PretendedReferences,
    Reference,
    References,
    SecretMissingError,
    SecretUnsafeError,
    parse_reference,
)

NOWHERE = References({})


def _file(path: Path, content: bytes, mode: int = 0o600) -> FileReference:
    path.write_bytes(content)
    path.chmod(mode)
    return FileReference(str(path))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("env:A_KEY", EnvReference("A_KEY")),
        ("env:_k1", EnvReference("_k1")),
        ("file:/run/secrets/x", FileReference("/run/secrets/x")),
    ],
)
def test_a_reference_is_read_and_written(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    "text", ["hunter2", "env:", "env:A KEY", "env:1A", "file:", "file:x", "vault:x", "", "file:/a\0b"]
)
def test_a_literal_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match=f"a text of {len(text)} characters"):
        parse_reference(text)


@given(st.text(min_size=4, max_size=60).filter(lambda text: not text.startswith(("env:", "file:"))))
def test_no_literal_is_ever_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="no reference") as caught:
        parse_reference(text)

    assert text not in str(caught.value) or text in "a text of  characters that is no reference"


def test_the_environment_gives_a_secret() -> None:
    assert References({"K": "value"}).secret(EnvReference("K")).reveal() == "value"


@pytest.mark.parametrize("environment", [{}, {"K": ""}])
def test_an_unset_or_empty_variable_is_a_missing_secret(environment: dict[str, str]) -> None:
    with pytest.raises(SecretMissingError, match="env:K, which is not set"):
        References(environment).secret(EnvReference("K"))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("ANTHROPIC_API_KEY", "ANTHROPIC_API_KEY", id="as usual"),
        pytest.param("anthropicApiKeyOfTheTeam", "anthropicApiKeyOfTheTeam", id="no digits"),
        pytest.param("KEY_OF_THE_TEAM_NUMBER_17", "KEY_OF_THE_TEAM_NUMBER_17", id="no small letters"),
        pytest.param("TeamKey17", "TeamKey17", id="short"),
        pytest.param("vX7kQ2mZ9pL4tR8wB3nC6jD1", "[credential]", id="as random as a credential"),
    ],
)
def test_a_variable_is_named_unless_its_name_may_be_the_secret(name: str, shown: str) -> None:
    reference = parse_reference(f"env:{name}")

    assert str(reference) == f"env:{shown}"
    with pytest.raises(SecretMissingError) as caught:
        References({}).secret(reference)
    assert (name in str(caught.value)) is (name == shown)


def test_a_value_that_cannot_travel_is_refused_without_repeating_it() -> None:
    with pytest.raises(SecretUnsafeError) as caught:
        References({"K": "two words"}).secret(EnvReference("K"))

    assert "two" not in str(caught.value)


@pytest.mark.parametrize("content", [b"value", b"value\n", b"value\r\n"])
def test_a_file_gives_a_secret_without_its_last_newline(tmp_path: Path, content: bytes) -> None:
    assert NOWHERE.secret(_file(tmp_path / "key", content)).reveal() == "value"


@pytest.mark.parametrize("content", [b"", b"\n"])
def test_an_empty_file_is_a_missing_secret(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SecretMissingError, match="is empty"):
        NOWHERE.secret(_file(tmp_path / "key", content))


def test_a_file_that_is_not_there_is_a_missing_secret(tmp_path: Path) -> None:
    with pytest.raises(SecretMissingError, match="cannot be opened"):
        NOWHERE.secret(FileReference(str(tmp_path / "none")))


@pytest.mark.parametrize(
    ("content", "mode", "expected"),
    [
        pytest.param(b"value", 0o644, "every user", id="world-readable"),
        pytest.param(b"x" * (MAX_SECRET_BYTES + 1), 0o600, "larger than", id="too large"),
        pytest.param(b"\xff\xfe", 0o600, "no text", id="no text"),
        pytest.param(b"a\n\n", 0o600, "line break", id="two newlines"),
    ],
)
def test_an_unsafe_file_is_refused(tmp_path: Path, content: bytes, mode: int, expected: str) -> None:
    with pytest.raises(SecretUnsafeError, match=expected):
        NOWHERE.secret(_file(tmp_path / "key", content, mode))


def test_a_pipe_is_refused_without_waiting_for_its_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)

    with pytest.raises(SecretUnsafeError, match="no regular file"):
        NOWHERE.secret(FileReference(str(tmp_path / "pipe")))


@pytest.mark.parametrize(
    ("value", "expected"), [("1", True), ("TRUE", True), (" on ", True), ("0", False), ("no", False), ("", False)]
)
def test_a_switch_is_on_or_off(value: str, expected: bool) -> None:
    assert References({"S": value}).flag("S") is expected
    assert PretendedReferences({"S": value}).flag("S") is expected


def test_a_switch_that_is_not_set_is_off() -> None:
    assert NOWHERE.flag("S") is False


def test_a_switch_that_is_neither_is_refused_without_repeating_it() -> None:
    with pytest.raises(ValueError, match="env:S, whose value is neither") as caught:
        References({"S": "perhaps"}).flag("S")

    assert "perhaps" not in str(caught.value)


def test_a_pretended_secret_opens_nothing() -> None:
    pretended = PretendedReferences({"K": "value"})

    assert pretended.secret(EnvReference("K")).reveal() != "value"
    assert pretended.secret(FileReference("/none")) is not None
