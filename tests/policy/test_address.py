import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.target import Origin
from seawall.policy.address import OFFICIAL, Address, parse_address


@pytest.mark.parametrize(
    ("text", "dialect", "expected"),
    [
        ("https://api.anthropic.com", "anthropic", Address(Origin("https", "api.anthropic.com", 443), "/v1")),
        ("https://api.anthropic.com/v1/", "anthropic", Address(Origin("https", "api.anthropic.com", 443), "/v1")),
        ("https://api.openai.com/v1", "openai", Address(Origin("https", "api.openai.com", 443), "/v1")),
        ("http://localhost:8000", "openai", Address(Origin("http", "localhost", 8000), "")),
        ("http://[::1]:9/x", "anthropic", Address(Origin("http", "::1", 9), "/x/v1")),
        ("HTTPS://Host.Example", "openai", Address(Origin("https", "host.example", 443), "")),
    ],
)
def test_an_address_is_what_the_official_sdks_have(text: str, dialect: str, expected: Address) -> None:
    assert parse_address(text, dialect) == expected


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("api.anthropic.com", "without http"),
        ("ftp://x", "without http"),
        ("https://", "without a good host"),
        ("https://a b", "with spaces"),
        ("https://bücher.example", "non-ASCII"),
        ("https://me:word@host", "user or password"),
        ("https://host/?key=1", "query"),
        ("https://host/#", "query or fragment"),
        ("https://host:0", "host and port"),
        ("https://host:99999", "no URL"),
        ("https://[::1", "no URL"),
        ("https://[fe80::1%25eth0]", "host and port"),
        ("https://-.x", "host and port"),
        ("https://host//x", "empty parts"),
        ("https://host/a\\b", "empty parts"),
    ],
)
def test_a_bad_address_is_described_and_not_repeated(text: str, found: str) -> None:
    with pytest.raises(ValueError, match=found) as caught:
        parse_address(text, "openai")

    assert text not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("http://127.0.0.1:1", True), ("http://[::1]", True), ("http://localhost", True), ("http://10.0.0.1", False)],
)
def test_loopback_never_leaves_the_machine(text: str, expected: bool) -> None:
    assert parse_address(text, "openai").is_loopback is expected


@given(dialect=st.sampled_from(sorted(OFFICIAL)), text=st.text(max_size=40))
def test_any_text_is_an_address_that_can_be_written_or_refused(dialect: str, text: str) -> None:
    try:
        address = parse_address(f"http://{text}", dialect)
    except ValueError:
        return

    assert parse_address(address.url, dialect) == address
